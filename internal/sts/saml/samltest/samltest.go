// Package samltest is a SAML identity provider inside a test: one that can be
// made to misbehave.
package samltest

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/base64"
	"fmt"
	"html"
	"math/big"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
)

// A Key is a key with a certificate around it.
type Key struct {
	signer crypto.Signer
	cert   []byte
}

// Keys are slow to make; tests share them. One and Two are of 2048 bits, Short
// is of 1024. Curve is of P-256, and always the same, for a fuzzer, which runs
// as several processes.
var (
	Curve = sync.OnceValue(func() *Key {
		k, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), bytes.Repeat([]byte{7}, 32))
		if err != nil {
			panic(err)
		}
		return certified(k)
	})
	One   = sync.OnceValue(func() *Key { return newKey(2048) })
	Two   = sync.OnceValue(func() *Key { return newKey(2048) })
	Short = sync.OnceValue(func() *Key { return newKey(1024) })
)

// newKey makes a key whose certificate ended long ago: that is not evaluated.
func newKey(bits int) *Key {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return certified(k)
}

func certified(k crypto.Signer) *Key {
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "idp.example.org"},
		NotBefore: time.Date(2001, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2002, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, k.Public(), k)
	if err != nil {
		panic(err)
	}
	return &Key{k, cert}
}

// EntityID is what the provider calls itself.
const EntityID = "https://idp.example.org/saml"

// Metadata is the provider's metadata with keys.
func Metadata(keys ...*Key) string {
	var b strings.Builder
	for _, k := range keys {
		fmt.Fprintf(&b, `<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>%s</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>`,
			base64.StdEncoding.EncodeToString(k.cert))
	}
	return fmt.Sprintf(`<?xml version="1.0" encoding="UTF-8"?>
<!-- made by a test -->
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" xmlns:ds="http://www.w3.org/2000/09/xmldsig#" entityID="%s">
<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">%s
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="https://idp.example.org/sso"/>
</md:IDPSSODescriptor></md:EntityDescriptor>`, EntityID, b.String())
}

// A Login is what a response says. Its zero value with a time, a role and a
// provider is good.
type Login struct {
	Now time.Time
	// Roles are the values of the attribute Role.
	Roles []string
	// Session is the RoleSessionName; ana where it is empty, none where it is "-".
	Session string
	// Attributes are further ones, by name; those of AWS without their prefix
	// where the name begins with a letter in upper case.
	Attributes map[string][]string
	// These have values that are good where they are empty.
	ID, Issuer, Subject, Format, Audience, Recipient, Destination, Status string
	// Life is how long the assertion is good; five minutes where it is zero.
	Life time.Duration
	// SessionEnds is when the session at the provider ends; zero for not told.
	SessionEnds time.Time
	// Key signs; One where it is nil. SignResponse has the response signed too,
	// OnlyResponse it alone, Unsigned nothing.
	Key                                  *Key
	SignResponse, OnlyResponse, Unsigned bool
	// Method is the signature's; RSA with SHA-256 where it is empty.
	Method string
	// Before changes the document before it is signed.
	Before func(response *etree.Element)
}

// Recipient is where responses go that name no other address.
const Recipient = "https://signin.aws.amazon.com/saml"

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

const attributes = "https://aws.amazon.com/SAML/Attributes/"

// XML writes and signs the response.
func (l Login) XML(tb testing.TB) string {
	tb.Helper()
	d := etree.NewDocument()
	if err := d.ReadFromString(l.text()); err != nil {
		tb.Fatal(err)
	}
	response := d.Root()
	if l.Before != nil {
		l.Before(response)
	}
	if !l.OnlyResponse && !l.Unsigned {
		assertion := response.FindElement("./saml:Assertion")
		response.InsertChildAt(assertion.Index(), l.sign(tb, response, assertion))
		response.RemoveChild(assertion)
	}
	if (l.OnlyResponse || l.SignResponse) && !l.Unsigned {
		response = l.sign(tb, nil, response)
	}
	out := etree.NewDocument()
	out.SetRoot(response)
	text, err := out.WriteToString()
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// Post writes and signs the response as it is posted.
func (l Login) Post(tb testing.TB) string {
	tb.Helper()
	return Encode(l.XML(tb))
}

// Encode gives a document as it is posted.
func Encode(document string) string {
	return base64.StdEncoding.EncodeToString([]byte(document))
}

func (l Login) sign(tb testing.TB, parent, e *etree.Element) *etree.Element {
	tb.Helper()
	key := l.Key
	if key == nil {
		key = One()
	}
	c, err := dsig.NewSigningContext(key.signer, [][]byte{key.cert})
	if err != nil {
		tb.Fatal(err)
	}
	c.IdAttribute = "ID"
	c.Canonicalizer = dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("")
	usual := dsig.RSASHA256SignatureMethod
	if _, ok := key.signer.(*ecdsa.PrivateKey); ok {
		usual = dsig.ECDSASHA256SignatureMethod
	}
	if err := c.SetSignatureMethod(or(l.Method, usual)); err != nil {
		tb.Fatal(err)
	}
	e = e.Copy()
	if parent != nil { // which the copy has lost
		for _, a := range parent.Attr {
			if a.Space == "xmlns" && e.SelectAttr("xmlns:"+a.Key) == nil {
				e.CreateAttr("xmlns:"+a.Key, a.Value)
			}
		}
	}
	s, err := c.ConstructSignature(e, true)
	if err != nil {
		tb.Fatal(err)
	}
	if _, ok := key.signer.(*ecdsa.PrivateKey); ok {
		plain(tb, s.FindElement("./ds:SignatureValue"))
	}
	e.InsertChildAt(1, s) // behind the issuer
	return e
}

// plain rewrites the value of an ECDSA signature as XML has it (RFC 4050, 3.3).
func plain(tb testing.TB, value *etree.Element) {
	tb.Helper()
	var n struct{ R, S *big.Int }
	der, err := base64.StdEncoding.DecodeString(value.Text())
	if err == nil {
		_, err = asn1.Unmarshal(der, &n)
	}
	if err != nil {
		tb.Fatal(err)
	}
	value.SetText(base64.StdEncoding.EncodeToString(append(n.R.FillBytes(make([]byte, 32)), n.S.FillBytes(make([]byte, 32))...)))
}

func (l Login) text() string {
	at := func(d time.Duration) string { return l.Now.Add(d).UTC().Format(time.RFC3339) }
	life := l.Life
	if life == 0 {
		life = 5 * time.Minute
	}
	var b strings.Builder
	add := func(name string, values ...string) {
		fmt.Fprintf(&b, `<saml:Attribute Name="%s">`, html.EscapeString(name))
		for _, v := range values {
			fmt.Fprintf(&b, `<saml:AttributeValue xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xmlns:xs="http://www.w3.org/2001/XMLSchema" xsi:type="xs:string">%s</saml:AttributeValue>`, html.EscapeString(v))
		}
		b.WriteString(`</saml:Attribute>`)
	}
	if len(l.Roles) > 0 {
		add(attributes+"Role", l.Roles...)
	}
	if l.Session != "-" {
		add(attributes+"RoleSessionName", or(l.Session, "ana"))
	}
	for name, values := range l.Attributes {
		if name[0] >= 'A' && name[0] <= 'Z' {
			name = attributes + name
		}
		add(name, values...)
	}
	ends := ""
	if !l.SessionEnds.IsZero() {
		ends = fmt.Sprintf(` SessionNotOnOrAfter="%s"`, l.SessionEnds.UTC().Format(time.RFC3339))
	}
	id := or(l.ID, "_"+rand.Text())
	return fmt.Sprintf(`<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol" xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion" ID="_r%[1]s" Version="2.0" IssueInstant="%[2]s" Destination="%[3]s">`+
		`<saml:Issuer>%[4]s</saml:Issuer><samlp:Status><samlp:StatusCode Value="%[5]s"/></samlp:Status>`+
		`<saml:Assertion ID="%[1]s" Version="2.0" IssueInstant="%[2]s"><saml:Issuer>%[4]s</saml:Issuer>`+
		`<saml:Subject><saml:NameID Format="%[6]s">%[7]s</saml:NameID><saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer">`+
		`<saml:SubjectConfirmationData NotOnOrAfter="%[8]s" Recipient="%[9]s"/></saml:SubjectConfirmation></saml:Subject>`+
		`<saml:Conditions NotBefore="%[2]s" NotOnOrAfter="%[8]s"><saml:AudienceRestriction><saml:Audience>%[10]s</saml:Audience></saml:AudienceRestriction></saml:Conditions>`+
		`<saml:AuthnStatement AuthnInstant="%[2]s"%[11]s><saml:AuthnContext><saml:AuthnContextClassRef>urn:oasis:names:tc:SAML:2.0:ac:classes:Password</saml:AuthnContextClassRef></saml:AuthnContext></saml:AuthnStatement>`+
		`<saml:AttributeStatement>%[12]s</saml:AttributeStatement></saml:Assertion></samlp:Response>`,
		id, at(0), or(l.Destination, or(l.Recipient, Recipient)), html.EscapeString(or(l.Issuer, EntityID)), or(l.Status, "urn:oasis:names:tc:SAML:2.0:status:Success"),
		or(l.Format, "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"), html.EscapeString(or(l.Subject, "ana@example.org")), at(life),
		or(l.Recipient, Recipient), or(l.Audience, Recipient), ends, b.String())
}
