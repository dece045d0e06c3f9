package saml

import (
	"crypto/x509"
	"encoding/asn1"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"
	"github.com/russellhaering/goxmldsig/etreeutils"
)

// ErrSignature says that no signature of the provider covers the assertion.
// What wraps it says why.
var ErrSignature = errors.New("saml: bad signature")

func unsigned(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrSignature}, args...)...)
}

// The algorithms of signatures that are believed. SHA-1 is not: collisions of
// it are made.
var (
	signatureMethods = map[string]bool{
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha256":   true,
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha384":   true,
		"http://www.w3.org/2001/04/xmldsig-more#rsa-sha512":   true,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256": true,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384": true,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512": true,
	}
	digestMethods = map[string]bool{
		"http://www.w3.org/2001/04/xmlenc#sha256":       true,
		"http://www.w3.org/2001/04/xmldsig-more#sha384": true,
		"http://www.w3.org/2001/04/xmlenc#sha512":       true,
	}
	sha1Methods = map[string]bool{
		"http://www.w3.org/2000/09/xmldsig#rsa-sha1":        true,
		"http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha1": true,
		"http://www.w3.org/2000/09/xmldsig#sha1":            true,
	}
	canonicalizations = map[string]bool{
		"http://www.w3.org/2001/10/xml-exc-c14n#":         true,
		"http://www.w3.org/TR/2001/REC-xml-c14n-20010315": true,
		"http://www.w3.org/2006/12/xml-c14n11":            true,
	}
)

const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

// signatureOf finds the signature of an element, which is its child, covers it
// whole and nothing else (OASIS saml-core-2.0-os, 5.4); nil where there is
// none. Anything else about a signature is refused.
func signatureOf(e *etree.Element) (*etree.Element, error) {
	s, err := only(e, nsSignature, "Signature")
	if s == nil || err != nil {
		return nil, err
	}
	counts := make(map[string]int)
	for _, c := range s.ChildElements() {
		if c.NamespaceURI() != nsSignature {
			return nil, malformed("a signature holds %s", c.Tag)
		}
		counts[c.Tag]++
	}
	if counts["SignedInfo"] != 1 || counts["SignatureValue"] != 1 || counts["KeyInfo"] > 1 || len(s.ChildElements()) != 2+counts["KeyInfo"] {
		return nil, malformed("a signature is not made of SignedInfo, SignatureValue and KeyInfo")
	}
	return s, signedInfo(e, children(s, nsSignature, "SignedInfo")[0])
}

func signedInfo(e, info *etree.Element) error {
	id := attr(e, "ID")
	if !idPattern.MatchString(id) {
		return malformed("%s has no id", e.Tag)
	}
	reference, err := only(info, nsSignature, "Reference")
	if err != nil || reference == nil || len(info.ChildElements()) != 3 {
		return malformed("a signature has not one reference")
	}
	if attr(reference, "URI") != "#"+id {
		return malformed("a signature refers to another element than the one around it")
	}
	if err := algorithm(info, "CanonicalizationMethod", canonicalizations); err != nil {
		return err
	}
	transforms, err := only(reference, nsSignature, "Transforms")
	if err != nil || transforms == nil || len(reference.ChildElements()) != 3 {
		return malformed("a reference is not made of Transforms, DigestMethod and DigestValue")
	}
	steps := transforms.ChildElements()
	if len(steps) != 2 || attr(steps[0], "Algorithm") != enveloped || !canonicalizations[attr(steps[1], "Algorithm")] {
		return malformed("a reference has other transforms than that of an enveloped signature and a canonical form")
	}
	if err := algorithm(info, "SignatureMethod", signatureMethods); err != nil {
		return err
	}
	return algorithm(reference, "DigestMethod", digestMethods)
}

func algorithm(e *etree.Element, name string, allowed map[string]bool) error {
	method, err := only(e, nsSignature, name)
	if err != nil || method == nil {
		return malformed("a signature has not one %s", name)
	}
	switch a := attr(method, "Algorithm"); {
	case allowed[a]:
		return nil
	case sha1Methods[a]:
		return unsigned("it is made with SHA-1, which is too weak: have the identity provider sign with SHA-256")
	default:
		return unsigned("its %s is not allowed", name)
	}
}

// plainSignature rewrites the value of an ECDSA signature, which XML has as two
// numbers side by side (RFC 4050, 3.3), in the form that goxmldsig takes.
func plainSignature(s *etree.Element) error {
	info := children(s, nsSignature, "SignedInfo")[0]
	if method := children(info, nsSignature, "SignatureMethod")[0]; !strings.Contains(attr(method, "Algorithm"), "#ecdsa-") {
		return nil
	}
	value := children(s, nsSignature, "SignatureValue")[0]
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(value.Text()), ""))
	if n := len(raw); err != nil || n == 0 || n%2 != 0 || n > 132 {
		return unsigned("its value is not one of ECDSA")
	}
	half := len(raw) / 2
	der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(raw[:half]), new(big.Int).SetBytes(raw[half:])})
	if err != nil {
		return unsigned("its value is not one of ECDSA")
	}
	value.SetText(base64.StdEncoding.EncodeToString(der))
	return nil
}

// signed verifies the signature of an element by a provider's keys, and gives
// the element anew, parsed from the bytes that the signature covers. It gives
// nil where the element has no signature.
func (p *Provider) signed(e *etree.Element) (*etree.Element, error) {
	if s, err := signatureOf(e); s == nil || err != nil {
		return nil, err
	}
	if len(p.keys) == 0 {
		if p.weak {
			return nil, unsigned("the provider's metadata has no key that is long enough: RSA keys need %d bits", leastRSA)
		}
		return nil, unsigned("the provider's metadata has no certificate to verify it")
	}
	around, err := etreeutils.NSBuildParentContext(e)
	if err != nil {
		return nil, malformed("a namespace is not declared")
	}
	alone, err := etreeutils.NSDetatch(around, e)
	if err != nil {
		return nil, malformed("a namespace is not declared")
	}
	// Which key it is, the metadata says; what the response says of it is no
	// part of what is signed.
	s := children(alone, nsSignature, "Signature")[0]
	for _, info := range children(s, nsSignature, "KeyInfo") {
		s.RemoveChild(info)
	}
	if err := plainSignature(s); err != nil {
		return nil, err
	}
	for _, key := range p.keys {
		v := dsig.ValidationContext{
			CertificateStore: &dsig.MemoryX509CertificateStore{Roots: []*x509.Certificate{key}},
			IdAttribute:      "ID",
			Clock:            dsig.NewFakeClockAt(key.NotBefore), // until when the certificate is good is not evaluated
		}
		if found, err := v.Validate(alone); err == nil && found != nil {
			if found.Tag != e.Tag || found.NamespaceURI() != e.NamespaceURI() || attr(found, "ID") != attr(e, "ID") {
				return nil, malformed("a signature covers another element than the one around it")
			}
			return found, nil
		}
	}
	return nil, unsigned("it was not made with a key of the provider's metadata, or what it covers was changed")
}
