package saml_test

import (
	"bytes"
	"compress/flate"
	"encoding/base64"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"onsight/internal/sts/saml"
	"onsight/internal/sts/saml/samltest"
)

var now = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const (
	role     = "arn:aws:iam::111122223333:role/Readers"
	provider = "arn:aws:iam::111122223333:saml-provider/House"
)

func terms() saml.Terms {
	return saml.Terms{Now: now, Audiences: []string{samltest.Recipient}, Recipients: []string{samltest.Recipient}}
}

func login() samltest.Login {
	return samltest.Login{Now: now, Roles: []string{role + "," + provider}}
}

// verify reads and verifies a document by the keys of the provider.
func verify(tb testing.TB, posted string, keys ...*samltest.Key) (*saml.Assertion, error) {
	tb.Helper()
	if len(keys) == 0 {
		keys = []*samltest.Key{samltest.One()}
	}
	p, err := saml.ReadMetadata(samltest.Metadata(keys...))
	if err != nil {
		tb.Fatal(err)
	}
	r, err := saml.Parse(posted)
	if err != nil {
		return nil, err
	}
	return r.Verify(p, terms())
}

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, l := range map[string]samltest.Login{
		"the assertion is signed": login(),
		"the response is signed":  {Now: now, Roles: login().Roles, OnlyResponse: true},
		"both are signed":         {Now: now, Roles: login().Roles, SignResponse: true},
		"with SHA-512":            {Now: now, Roles: login().Roles, Method: dsig.RSASHA512SignatureMethod},
		"the other way round":     {Now: now, Roles: []string{" " + provider + " , " + role}},
		"a clock behind":          {Now: now.Add(50 * time.Second), Roles: login().Roles},
		"late, within the leeway": {Now: now.Add(-5*time.Minute - 50*time.Second), Roles: login().Roles},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := verify(t, l.Post(t))
			if err != nil {
				t.Fatal(err)
			}
			if a.Subject != "ana@example.org" || a.Recipient != samltest.Recipient || a.Issuer != samltest.EntityID {
				t.Errorf("got %+v", a)
			}
			if r := a.Roles(); len(r) != 1 || r[0] != (saml.Pair{Role: role, Provider: provider}) {
				t.Errorf("roles %+v", r)
			}
		})
	}
	// A provider changes its key: both are in its metadata.
	l := login()
	l.Key = samltest.Two()
	if _, err := verify(t, l.Post(t), samltest.One(), samltest.Two()); err != nil {
		t.Errorf("with the second of two keys: %v", err)
	}
	l.Key = samltest.Curve()
	if _, err := verify(t, l.Post(t), samltest.One(), samltest.Curve()); err != nil {
		t.Errorf("with ECDSA: %v", err)
	}
	// Line breaks are no part of what base64 says.
	long := login().Post(t)
	if _, err := verify(t, long[:76]+"\r\n"+long[76:]); err != nil {
		t.Errorf("with a line break: %v", err)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	with := func(change func(*samltest.Login)) string {
		l := login()
		change(&l)
		return l.Post(t)
	}
	changed := func(change func(string) string) string {
		x := login().XML(t)
		y := change(x)
		if x == y {
			t.Fatal("nothing is changed")
		}
		return samltest.Encode(y)
	}
	replaced := func(old, by string) string {
		return changed(func(x string) string { return strings.Replace(x, old, by, 1) })
	}
	var expired *saml.ExpiredError
	var rejected *saml.RejectedError
	for name, x := range map[string]struct {
		posted string
		is     error
		as     any
	}{
		"no signature":                      {posted: with(func(l *samltest.Login) { l.Unsigned = true }), is: saml.ErrSignature},
		"the key of another":                {posted: with(func(l *samltest.Login) { l.Key = samltest.Two() }), is: saml.ErrSignature},
		"a key too short":                   {posted: with(func(l *samltest.Login) { l.Key = samltest.Short() }), is: saml.ErrSignature},
		"SHA-1":                             {posted: with(func(l *samltest.Login) { l.Method = dsig.RSASHA1SignatureMethod }), is: saml.ErrSignature},
		"a changed subject":                 {posted: replaced(">ana@example.org<", ">bob@example.org<"), is: saml.ErrSignature},
		"a changed role":                    {posted: replaced("role/Readers", "role/Admins"), is: saml.ErrSignature},
		"a changed digest":                  {posted: replaced("<ds:DigestValue>", "<ds:DigestValue>AAAA"), is: saml.ErrSignature},
		"an empty signature":                {posted: changed(func(x string) string { return cutElement(x, "ds:SignatureValue") }), is: saml.ErrMalformed},
		"no reference":                      {posted: changed(func(x string) string { return cutElement(x, "ds:Reference") }), is: saml.ErrMalformed},
		"a reference to everything":         {posted: changed(func(x string) string { return setAttr(x, "URI", "") }), is: saml.ErrMalformed},
		"another transform":                 {posted: replaced("http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/TR/1999/REC-xslt-19991116"), is: saml.ErrMalformed},
		"HMAC with the public key":          {posted: replaced("http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", "http://www.w3.org/2000/09/xmldsig#hmac-sha256"), is: saml.ErrSignature},
		"another issuer":                    {posted: with(func(l *samltest.Login) { l.Issuer = "https://other.example.org" }), is: saml.ErrIssuer},
		"another issuer of the response":    {posted: replaced("<saml:Issuer>"+samltest.EntityID, "<saml:Issuer>https://other.example.org"), is: saml.ErrIssuer},
		"another audience":                  {posted: with(func(l *samltest.Login) { l.Audience = "https://other.example.org" }), is: saml.ErrAudience},
		"no audience":                       {posted: with(func(l *samltest.Login) { l.Before = drop("AudienceRestriction") }), is: saml.ErrAudience},
		"no conditions":                     {posted: with(func(l *samltest.Login) { l.Before = drop("Conditions") }), is: saml.ErrAudience},
		"two audiences that must both hold": {posted: with(func(l *samltest.Login) { l.Before = second("AudienceRestriction", "https://other.example.org") }), is: saml.ErrAudience},
		"another recipient":                 {posted: with(func(l *samltest.Login) { l.Recipient, l.Destination = "https://other.example.org", samltest.Recipient }), is: saml.ErrRecipient},
		"another destination":               {posted: with(func(l *samltest.Login) { l.Destination = "https://other.example.org" }), is: saml.ErrRecipient},
		"not a bearer's": {posted: with(func(l *samltest.Login) {
			l.Before = set("SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches")
		}), is: saml.ErrRecipient},
		"no subject":                {posted: with(func(l *samltest.Login) { l.Before = drop("NameID") }), is: saml.ErrSubject},
		"no one signed in":          {posted: with(func(l *samltest.Login) { l.Before = drop("AuthnStatement") }), is: saml.ErrMalformed},
		"expired":                   {posted: with(func(l *samltest.Login) { l.Now = now.Add(-10 * time.Minute) }), as: &expired},
		"expired early":             {posted: with(func(l *samltest.Login) { l.Now, l.Life = now.Add(-3*time.Minute), time.Minute }), as: &expired},
		"old, though good for long": {posted: with(func(l *samltest.Login) { l.Now, l.Life = now.Add(-10*time.Minute), time.Hour }), as: &expired},
		"a session that is over":    {posted: with(func(l *samltest.Login) { l.SessionEnds = now }), as: &expired},
		"of the future":             {posted: with(func(l *samltest.Login) { l.Now = now.Add(2 * time.Minute) }), is: saml.ErrNotYet},
		"not signed in":             {posted: with(func(l *samltest.Login) { l.Status = "urn:oasis:names:tc:SAML:2.0:status:Responder" }), as: &rejected},
		"not base64":                {posted: "<Response/>", is: saml.ErrMalformed},
		"nothing":                   {posted: "", is: saml.ErrMalformed},
		"no XML":                    {posted: samltest.Encode("hello"), is: saml.ErrMalformed},
		"cut":                       {posted: samltest.Encode(login().XML(t)[:3000]), is: saml.ErrMalformed},
		"two documents":             {posted: samltest.Encode(login().XML(t) + login().XML(t)), is: saml.ErrMalformed},
		"text behind it":            {posted: samltest.Encode(login().XML(t) + "hello"), is: saml.ErrMalformed},
		"a comment in the subject":  {posted: replaced(">ana@example.org<", ">ana@example.org<!---->.evil.org<"), is: saml.ErrMalformed},
		"a comment in the digest":   {posted: replaced("<ds:DigestValue>", "<ds:DigestValue><!-- x -->"), is: saml.ErrMalformed},
		"a processing instruction":  {posted: replaced("<samlp:Status>", "<?x y?><samlp:Status>"), is: saml.ErrMalformed},
		"a document type":           {posted: samltest.Encode("<!DOCTYPE Response>" + login().XML(t)), is: saml.ErrMalformed},
		"an external entity": {
			posted: samltest.Encode(`<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>` + strings.Replace(login().XML(t), ">ana@example.org<", ">&x;<", 1)),
			is:     saml.ErrMalformed,
		},
		"a bomb of entities":       {posted: samltest.Encode(`<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>` + login().XML(t)), is: saml.ErrMalformed},
		"an unknown entity":        {posted: replaced(">ana@example.org<", ">&x;<"), is: saml.ErrMalformed},
		"packed":                   {posted: deflated(login().XML(t)), is: saml.ErrMalformed},
		"a bomb of deflate":        {posted: deflated(strings.Repeat("a", 50<<20)), is: saml.ErrMalformed},
		"too long":                 {posted: strings.Repeat("A", saml.MaxEncoded+1), is: saml.ErrMalformed},
		"too deep":                 {posted: samltest.Encode(strings.Repeat("<a>", 10_000) + strings.Repeat("</a>", 10_000)), is: saml.ErrMalformed},
		"too many elements":        {posted: samltest.Encode("<a>" + strings.Repeat("<b/>", 15_000) + "</a>"), is: saml.ErrMalformed},
		"UTF-16":                   {posted: samltest.Encode("\xff\xfe<\x00a\x00/\x00>\x00"), is: saml.ErrMalformed},
		"a declared UTF-7":         {posted: samltest.Encode(`<?xml version="1.0" encoding="UTF-7"?>` + login().XML(t)), is: saml.ErrMalformed},
		"no Response":              {posted: samltest.Encode(`<saml:Assertion xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"/>`), is: saml.ErrMalformed},
		"an encrypted assertion":   {posted: replaced("<saml:Assertion ", `<saml:EncryptedAssertion/><saml:Assertion `), is: saml.ErrMalformed},
		"a name with a colon more": {posted: replaced("<samlp:Status>", `<x::Status/><samlp:Status>`), is: saml.ErrMalformed},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a, err := verify(t, x.posted, samltest.One(), samltest.Short())
			as := func() bool { // with a target of its own: the tests run at once
				return errors.As(err, reflect.New(reflect.TypeOf(x.as).Elem()).Interface())
			}
			switch {
			case err == nil:
				t.Errorf("accepted: %+v", a)
			case x.is != nil && !errors.Is(err, x.is), x.as != nil && !as():
				t.Errorf("%v, want %v %T", err, x.is, x.as)
			}
		})
	}
}

// cutElement takes the first element of a name out of a document.
func cutElement(document, name string) string {
	from := strings.Index(document, "<"+name)
	end := "</" + name + ">"
	return document[:from] + document[from+strings.Index(document[from:], end)+len(end):]
}

// setAttr sets the first attribute of a name.
func setAttr(document, name, value string) string {
	from := strings.Index(document, name+`="`) + len(name) + 2
	return document[:from] + value + document[from+strings.IndexByte(document[from:], '"'):]
}

func drop(name string) func(*etree.Element) {
	return func(r *etree.Element) {
		e := r.FindElement("//saml:Assertion//saml:" + name)
		e.Parent().RemoveChild(e)
	}
}

func set(name, attr, value string) func(*etree.Element) {
	return func(r *etree.Element) { r.FindElement("//saml:"+name).CreateAttr(attr, value) }
}

func second(name, text string) func(*etree.Element) {
	return func(r *etree.Element) {
		e := r.FindElement("//saml:" + name)
		c := e.Copy()
		c.ChildElements()[0].SetText(text)
		e.Parent().AddChild(c)
	}
}

func deflated(s string) string {
	var b bytes.Buffer
	w, err := flate.NewWriter(&b, flate.BestCompression)
	if err != nil {
		panic(err)
	}
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return base64.StdEncoding.EncodeToString(b.Bytes())
}

// TestWrapping tries the eight ways to wrap a signature around something else
// (Somorovsky et al., "On Breaking SAML", 2012; XSW1 to XSW8 as SAML Raider
// numbers them), each with the response or the assertion signed: a genuine
// signature stays in the document, and what is read by its place is forged.
func TestWrapping(t *testing.T) {
	t.Parallel()
	forge := func(e *etree.Element, id string) *etree.Element {
		e = e.Copy()
		e.CreateAttr("ID", id)
		for _, n := range e.FindElements(".//saml:NameID") {
			n.SetText("admin@example.org")
		}
		return e
	}
	unsign := func(e *etree.Element) *etree.Element {
		for _, s := range e.FindElements("./ds:Signature") {
			e.RemoveChild(s)
		}
		return e
	}
	object := func(in *etree.Element, child *etree.Element) {
		o := in.CreateElement("ds:Object")
		o.AddChild(child)
	}
	parts := func(r *etree.Element) (assertion, signature *etree.Element) {
		assertion = r.FindElement("./saml:Assertion")
		return assertion, assertion.FindElement("./ds:Signature")
	}
	for name, wrap := range map[string]struct {
		response bool // it is the response that is signed
		do       func(r *etree.Element) *etree.Element
	}{
		"XSW1": {true, func(r *etree.Element) *etree.Element { // the genuine response inside of the signature
			evil := forge(r, "_evil")
			evil.FindElement("./ds:Signature").AddChild(unsign(r.Copy()))
			return evil
		}},
		"XSW2": {true, func(r *etree.Element) *etree.Element { // the genuine one before a detached signature
			evil := forge(r, "_evil")
			s := evil.FindElement("./ds:Signature")
			evil.InsertChildAt(s.Index(), unsign(r.Copy()))
			return evil
		}},
		"XSW3": {false, func(r *etree.Element) *etree.Element { // a forged assertion before the genuine one
			a, _ := parts(r)
			r.InsertChildAt(a.Index(), unsign(forge(a, "_evil")))
			return r
		}},
		"XSW4": {false, func(r *etree.Element) *etree.Element { // the genuine one within a forged one
			a, _ := parts(r)
			evil := unsign(forge(a, "_evil"))
			evil.AddChild(a.Copy())
			r.InsertChildAt(a.Index(), evil)
			r.RemoveChild(a)
			return r
		}},
		"XSW5": {false, func(r *etree.Element) *etree.Element { // a forged one with the signature, the genuine one at the end
			a, _ := parts(r)
			r.InsertChildAt(a.Index(), forge(a, "_evil"))
			r.AddChild(unsign(a.Copy()))
			r.RemoveChild(a)
			return r
		}},
		"XSW6": {false, func(r *etree.Element) *etree.Element { // the genuine one inside of the signature of a forged one
			a, _ := parts(r)
			evil := forge(a, "_evil")
			evil.FindElement("./ds:Signature").AddChild(unsign(a.Copy()))
			r.InsertChildAt(a.Index(), evil)
			r.RemoveChild(a)
			return r
		}},
		"XSW7": {false, func(r *etree.Element) *etree.Element { // a forged one within Extensions
			a, _ := parts(r)
			x := etree.NewElement("samlp:Extensions")
			x.AddChild(forge(a, attrOf(a, "ID")))
			r.InsertChildAt(a.Index(), x)
			return r
		}},
		"XSW8": {false, func(r *etree.Element) *etree.Element { // the genuine one within an Object of the forged one's signature
			a, _ := parts(r)
			evil := forge(a, "_evil")
			object(evil.FindElement("./ds:Signature"), unsign(a.Copy()))
			r.InsertChildAt(a.Index(), evil)
			r.RemoveChild(a)
			return r
		}},
		// And what came after them.
		"the id stays": {false, func(r *etree.Element) *etree.Element {
			a, _ := parts(r)
			r.InsertChildAt(a.Index(), forge(a, attrOf(a, "ID")))
			return r
		}},
		"an assertion of another namespace": {false, func(r *etree.Element) *etree.Element {
			a, _ := parts(r)
			evil := forge(a, "_evil")
			evil.Space = "x"
			evil.CreateAttr("xmlns:x", "urn:x")
			r.InsertChildAt(a.Index(), evil)
			return r
		}},
		"the signature elsewhere": {false, func(r *etree.Element) *etree.Element {
			a, s := parts(r)
			a.RemoveChild(s)
			a.FindElement("./saml:Subject").AddChild(s)
			return r
		}},
		"the signature of the response on another assertion": {true, func(r *etree.Element) *etree.Element {
			a, _ := parts(r)
			r.InsertChildAt(a.Index(), forge(a, attrOf(a, "ID")))
			r.RemoveChild(a)
			return r
		}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := login()
			l.OnlyResponse = wrap.response
			d := etree.NewDocument()
			if err := d.ReadFromString(l.XML(t)); err != nil {
				t.Fatal(err)
			}
			if _, err := verify(t, samltest.Encode(write(t, d.Root().Copy()))); err != nil {
				t.Fatalf("the genuine one: %v", err)
			}
			root := d.Root()
			d.RemoveChild(root)
			posted := samltest.Encode(write(t, wrap.do(root)))
			a, err := verify(t, posted)
			if err == nil {
				t.Fatalf("accepted, for %s", a.Subject)
			}
			if !errors.Is(err, saml.ErrMalformed) && !errors.Is(err, saml.ErrSignature) {
				t.Errorf("%v", err)
			}
		})
	}
}

func attrOf(e *etree.Element, name string) string { return e.SelectAttrValue(name, "") }

func write(tb testing.TB, root *etree.Element) string {
	tb.Helper()
	d := etree.NewDocument()
	d.SetRoot(root)
	s, err := d.WriteToString()
	if err != nil {
		tb.Fatal(err)
	}
	return s
}

func TestReadMetadata(t *testing.T) {
	t.Parallel()
	good := samltest.Metadata(samltest.One())
	if p, err := saml.ReadMetadata("\ufeff" + good); err != nil || p.EntityID != samltest.EntityID {
		t.Errorf("%+v, %v", p, err)
	}
	ended := strings.Replace(good, "entityID=", `validUntil="2026-11-20T11:59:59Z" entityID=`, 1)
	p, err := saml.ReadMetadata(ended)
	if err != nil {
		t.Fatal(err)
	}
	r, err := saml.Parse(login().Post(t))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(p, terms()); !errors.Is(err, saml.ErrMetadata) {
		t.Errorf("metadata that has ended: %v", err)
	}
	for name, bad := range map[string]string{
		"a document type": "<!DOCTYPE x>" + good, "another root": "<x/>", "nothing": "", "cut": good[:200],
		"too deep": strings.Repeat("<a>", 200), "no time": strings.Replace(ended, "2026-11-20T", "yesterday", 1),
	} {
		if _, err := saml.ReadMetadata(bad); !errors.Is(err, saml.ErrMalformed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A key for encryption signs nothing, and no key verifies nothing.
	for _, m := range []string{strings.Replace(good, "signing", "encryption", 1), samltest.Metadata(), samltest.Metadata(samltest.Short())} {
		p, err := saml.ReadMetadata(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Verify(p, terms()); !errors.Is(err, saml.ErrSignature) {
			t.Errorf("%v", err)
		}
	}
}

// FuzzParse looks for documents that break the parser, and for such that pass
// as signed and say something that the provider did not.
func FuzzParse(f *testing.F) {
	l := login()
	l.Key, l.ID = samltest.Curve(), "_a"
	genuine := l.XML(f)
	f.Add(genuine)
	l.SignResponse = true
	f.Add(l.XML(f))
	f.Add(strings.Replace(genuine, "ana@", "<!---->ana@", 1))
	f.Add("<!DOCTYPE x><Response/>")
	f.Add(`<Response xmlns="urn:oasis:names:tc:SAML:2.0:protocol" Version="2.0"><Status><StatusCode Value="x"/></Status></Response>`)
	p, err := saml.ReadMetadata(samltest.Metadata(samltest.Curve()))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document string) {
		r, err := saml.Parse(samltest.Encode(document))
		if err != nil {
			return
		}
		_ = r.Claimed()
		a, err := r.Verify(p, terms())
		if err == nil && (a.Subject != "ana@example.org" || len(a.Roles()) != 1 || a.Roles()[0].Role != role) {
			t.Errorf("a forged one: %+v", a)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	posted := login().Post(b)
	p, err := saml.ReadMetadata(samltest.Metadata(samltest.One()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		r, err := saml.Parse(posted)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := r.Verify(p, terms()); err != nil {
			b.Fatal(err)
		}
	}
}
