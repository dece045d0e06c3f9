package saml

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/beevik/etree"
)

// A Response is a document that has the form of a response. Nothing of it is
// to be believed before Verify.
type Response struct {
	root      *etree.Element
	assertion *etree.Element // nil where the provider refuses
}

// Parse reads a response as it is posted, in base64. The error is
// ErrMalformed or a *RejectedError.
func Parse(posted string) (*Response, error) {
	raw, err := decode(posted)
	if err != nil {
		return nil, err
	}
	d, err := parse(raw)
	if err != nil {
		return nil, err
	}
	r := &Response{root: d.Root()}
	if !is(r.root, nsProtocol, "Response") {
		return nil, malformed("the root element is not Response")
	}
	if attr(r.root, "Version") != "2.0" {
		return nil, malformed("it is not of SAML 2.0")
	}
	if err := r.status(); err != nil {
		return nil, err
	}
	return r, r.structure()
}

// A RejectedError says that the provider has not signed the person in.
type RejectedError struct {
	// Status is the code that says why, without its prefix, such as AuthnFailed.
	Status string
}

func (e *RejectedError) Error() string { return "saml: the provider says " + e.Status }

const (
	statusPrefix  = "urn:oasis:names:tc:SAML:2.0:status:"
	statusSuccess = statusPrefix + "Success"
)

// status reads whether the provider has signed the person in. Such an answer
// is often not signed; whoever makes one up reaches nothing.
func (r *Response) status() error {
	s, err := only(r.root, nsProtocol, "Status")
	if err != nil || s == nil {
		return malformed("it has no Status")
	}
	code, err := only(s, nsProtocol, "StatusCode")
	if err != nil || code == nil {
		return malformed("it has no StatusCode")
	}
	why := attr(code, "Value")
	if why == statusSuccess {
		return nil
	}
	if inner, err := only(code, nsProtocol, "StatusCode"); err == nil && inner != nil {
		why = attr(inner, "Value")
	}
	why = strings.TrimPrefix(why, statusPrefix)
	if len(why) > 64 || strings.ContainsFunc(why, func(c rune) bool { return c < 'A' || c > 'z' }) {
		why = "no"
	}
	return &RejectedError{Status: why}
}

// structure finds the assertion, and refuses documents in which it could be
// another one: those that attacks by wrapping signatures need.
func (r *Response) structure() error {
	if err := unambiguous(r.root); err != nil {
		return err
	}
	found := 0
	err := walk(r.root, func(e *etree.Element) error {
		// By their names alone, whatever the namespace: nobody else uses them.
		switch e.Tag {
		case "EncryptedAssertion", "EncryptedID", "EncryptedAttribute":
			return malformed("it has encrypted parts, which are not supported")
		case "Response":
			if e != r.root {
				return malformed("there is a Response within")
			}
		case "Assertion":
			found++
			if found > 1 {
				return malformed("it has more than one Assertion")
			}
			if e.Parent() != r.root || e.NamespaceURI() != nsAssertion {
				return malformed("the Assertion is not at its place")
			}
			r.assertion = e
		case "Signature":
			if p := e.Parent(); p != r.root && !is(p, nsAssertion, "Assertion") {
				return malformed("a signature is not at its place")
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if r.assertion == nil {
		return malformed("it has no Assertion")
	}
	return nil
}

// The attributes that are for AWS.
const (
	attributes = "https://aws.amazon.com/SAML/Attributes/"
	// AttributeRole has ARNs of roles and providers, in pairs.
	AttributeRole = attributes + "Role"
)

// A Pair is a role that an assertion offers, with the provider that it is for.
type Pair struct{ Role, Provider string }

// maxPairs is how many roles are looked at.
const maxPairs = 1000

// pairs reads the values of AttributeRole: two ARNs in either order, apart by
// a comma. Others are passed over.
func pairs(values []string) (all []Pair) {
	for _, v := range values {
		one, other, ok := strings.Cut(v, ",")
		if !ok || len(all) >= maxPairs {
			continue
		}
		p := Pair{Role: strings.TrimSpace(one), Provider: strings.TrimSpace(other)}
		if strings.Contains(p.Role, ":saml-provider/") {
			p.Role, p.Provider = p.Provider, p.Role
		}
		if strings.Contains(p.Role, ":role/") && strings.Contains(p.Provider, ":saml-provider/") && !slices.Contains(all, p) {
			all = append(all, p)
		}
	}
	return all
}

// Claimed are the roles that the response claims to offer. They are not
// verified: they tell which providers to verify it by.
func (r *Response) Claimed() []Pair {
	return pairs(attributesOf(r.assertion)[AttributeRole])
}

// Terms are what a response has to fulfil.
type Terms struct {
	// Now is the time.
	Now time.Time
	// Audiences are whom assertions may be made for, and Recipients are the
	// addresses that responses may be sent to.
	Audiences, Recipients []string
}

// Skew is how far the provider's clock may be from ours.
const Skew = time.Minute

// Freshness is how long after it was made an assertion can be used at most.
const Freshness = 5 * time.Minute

// The errors of Verify besides ErrMalformed, ErrSignature and *ExpiredError.
var (
	ErrIssuer    = errors.New("saml: the issuer is not the provider")
	ErrAudience  = errors.New("saml: made for another audience")
	ErrRecipient = errors.New("saml: sent to another address")
	ErrNotYet    = errors.New("saml: not good yet")
	ErrSubject   = errors.New("saml: nobody is named")
	ErrMetadata  = errors.New("saml: the provider's metadata has ended")
)

// An ExpiredError says that an assertion was good.
type ExpiredError struct {
	Now, Expiry time.Time
	// Stale tells that it was not used soon enough after it was made.
	Stale bool
}

func (e *ExpiredError) Error() string { return "saml: expired at " + e.Expiry.Format(time.RFC3339) }

// An Assertion is what a provider says of somebody, verified.
type Assertion struct {
	// ID names it among those of its issuer; Issuer is the provider's entity ID.
	ID, Issuer string
	// Subject is the name of the person, and Format how it is to be understood,
	// a URI or empty.
	Subject, Format string
	// Recipient is the address that it was sent to.
	Recipient string
	// Expires is from when on nobody takes it any more.
	Expires time.Time
	// SessionEnds is when a session that begins with it ends; zero for no matter.
	SessionEnds time.Time
	// Attributes are the values by name.
	Attributes map[string][]string
}

// Roles are the roles that the assertion offers.
func (a *Assertion) Roles() []Pair { return pairs(a.Attributes[AttributeRole]) }

// Verify verifies that a provider has made the response, for us and for now.
func (r *Response) Verify(p *Provider, t Terms) (*Assertion, error) {
	if !p.ValidUntil.IsZero() && !t.Now.Before(p.ValidUntil) {
		return nil, ErrMetadata
	}
	assertion, err := r.signed(p)
	if err != nil {
		return nil, err
	}
	if err := r.envelope(p, t); err != nil {
		return nil, err
	}
	return read(assertion, p, t)
}

// signed gives the assertion as the provider has signed it: by itself, or with
// the response around it. Where both have signatures, both must hold.
func (r *Response) signed(p *Provider) (*etree.Element, error) {
	response, err := p.signed(r.root)
	if err != nil {
		return nil, err
	}
	assertion := r.assertion
	if response != nil {
		if assertion, err = only(response, nsAssertion, "Assertion"); err != nil || assertion == nil {
			return nil, malformed("what is signed has no Assertion")
		}
	}
	alone, err := p.signed(assertion)
	switch {
	case err != nil:
		return nil, err
	case alone != nil:
		return alone, nil
	case response != nil:
		return assertion, nil
	}
	return nil, unsigned("there is none")
}

// envelope checks what is around the assertion, where it is there.
func (r *Response) envelope(p *Provider, t Terms) error {
	if to := attr(r.root, "Destination"); to != "" && !slices.Contains(t.Recipients, to) {
		return ErrRecipient
	}
	issuer, err := only(r.root, nsAssertion, "Issuer")
	if err != nil || issuer == nil {
		return err
	}
	if name, ok := text(issuer); !ok || name != p.EntityID {
		return ErrIssuer
	}
	return nil
}

// read reads a signed assertion, and checks that it is for us and for now.
func read(e *etree.Element, p *Provider, t Terms) (*Assertion, error) {
	a := &Assertion{ID: attr(e, "ID"), Attributes: attributesOf(e)}
	if attr(e, "Version") != "2.0" || !idPattern.MatchString(a.ID) {
		return nil, malformed("the Assertion has no Version 2.0 and ID")
	}
	issuer, err := only(e, nsAssertion, "Issuer")
	if err != nil {
		return nil, err
	}
	if issuer != nil {
		a.Issuer, _ = text(issuer)
	}
	if a.Issuer == "" || a.Issuer != p.EntityID {
		return nil, ErrIssuer
	}
	made, err := instant(e, "IssueInstant")
	if err != nil || made.IsZero() {
		return nil, malformed("the Assertion has no IssueInstant")
	}
	a.Expires = made.Add(Freshness)
	if err := a.conditions(e, t); err != nil {
		return nil, err
	}
	if err := a.subject(e, t); err != nil {
		return nil, err
	}
	if t.Now.Add(Skew).Before(made) {
		return nil, ErrNotYet
	}
	if end := made.Add(Freshness); !t.Now.Add(-Skew).Before(end) {
		return nil, &ExpiredError{Now: t.Now, Expiry: end, Stale: true}
	}
	return a, a.session(e, t)
}

// conditions reads when and for whom the assertion is good.
func (a *Assertion) conditions(e *etree.Element, t Terms) error {
	c, err := only(e, nsAssertion, "Conditions")
	if err != nil {
		return err
	}
	if c == nil {
		return ErrAudience
	}
	if err := a.between(c, t); err != nil {
		return err
	}
	restrictions := children(c, nsAssertion, "AudienceRestriction")
	if len(restrictions) == 0 {
		return ErrAudience
	}
	for _, r := range restrictions { // all of them must be met
		met := false
		for _, who := range children(r, nsAssertion, "Audience") {
			name, ok := text(who)
			met = met || ok && slices.Contains(t.Audiences, name)
		}
		if !met {
			return ErrAudience
		}
	}
	return nil
}

// between checks NotBefore and NotOnOrAfter of an element, where it has them.
func (a *Assertion) between(e *etree.Element, t Terms) error {
	from, err := instant(e, "NotBefore")
	if err != nil {
		return err
	}
	to, err := instant(e, "NotOnOrAfter")
	if err != nil {
		return err
	}
	if !from.IsZero() && t.Now.Add(Skew).Before(from) {
		return ErrNotYet
	}
	if to.IsZero() {
		return nil
	}
	if !t.Now.Add(-Skew).Before(to) {
		return &ExpiredError{Now: t.Now, Expiry: to}
	}
	if to.Before(a.Expires) {
		a.Expires = to
	}
	return nil
}

const bearer = "urn:oasis:names:tc:SAML:2.0:cm:bearer" //nolint:gosec // the name of a method, no secret

// subject reads who it is about, and that whoever brings it may have it (OASIS
// saml-profiles-2.0-os, 4.1.4.2).
func (a *Assertion) subject(e *etree.Element, t Terms) error {
	s, err := only(e, nsAssertion, "Subject")
	if err != nil {
		return err
	}
	if s == nil {
		return ErrSubject
	}
	name, err := only(s, nsAssertion, "NameID")
	if err != nil {
		return err
	}
	if name == nil {
		return ErrSubject
	}
	var ok bool
	if a.Subject, ok = text(name); !ok || a.Subject == "" || len(a.Subject) > 1024 {
		return ErrSubject
	}
	a.Format = attr(name, "Format")
	why := ErrRecipient
	for _, c := range children(s, nsAssertion, "SubjectConfirmation") {
		if attr(c, "Method") != bearer {
			continue
		}
		data, err := only(c, nsAssertion, "SubjectConfirmationData")
		if err != nil || data == nil || attr(data, "NotOnOrAfter") == "" {
			continue
		}
		if to := attr(data, "Recipient"); !slices.Contains(t.Recipients, to) {
			continue
		} else if why = a.between(data, t); why == nil {
			a.Recipient = to
			return nil
		}
	}
	return why
}

// session reads until when a session may last.
func (a *Assertion) session(e *etree.Element, t Terms) error {
	statements := children(e, nsAssertion, "AuthnStatement")
	if len(statements) == 0 {
		return malformed("the Assertion has no AuthnStatement")
	}
	for _, s := range statements {
		end, err := instant(s, "SessionNotOnOrAfter")
		if err != nil {
			return err
		}
		if end.IsZero() {
			continue
		}
		if !t.Now.Before(end) {
			return &ExpiredError{Now: t.Now, Expiry: end}
		}
		if a.SessionEnds.IsZero() || end.Before(a.SessionEnds) {
			a.SessionEnds = end
		}
	}
	return nil
}

// attributesOf reads the attributes of an assertion; values that are not plain
// text are passed over.
func attributesOf(e *etree.Element) map[string][]string {
	all := make(map[string][]string)
	for _, s := range children(e, nsAssertion, "AttributeStatement") {
		for _, a := range children(s, nsAssertion, "Attribute") {
			name := attr(a, "Name")
			if name == "" {
				continue
			}
			for _, v := range children(a, nsAssertion, "AttributeValue") {
				if value, ok := text(v); ok {
					all[name] = append(all[name], value)
				}
			}
		}
	}
	return all
}

// instant reads a time; zero where there is none.
func instant(e *etree.Element, name string) (time.Time, error) {
	s := attr(e, name)
	if s == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, s)
	if err != nil {
		return t, fmt.Errorf("%w: %s is no time", ErrMalformed, name)
	}
	return t, nil
}
