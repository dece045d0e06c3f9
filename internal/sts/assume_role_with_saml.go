package sts

import (
	"context"
	"crypto/sha1" //nolint:gosec // the API's form of a name, not for secrets
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/sts/saml"
	"onsight/internal/stsapi"
)

// SAML says which assertions are for this server.
type SAML struct {
	// Audiences are whom they may be made for, and Recipients the addresses that
	// they may be sent to.
	Audiences, Recipients []string
}

// A SAMLProvider is a SAML provider that an account trusts.
type SAMLProvider struct {
	// Account and Name are of the provider, ARN is what trust policies call it.
	Account, Name, ARN string
	// Document is its metadata.
	Document string
}

// assumeRoleWithSAML begins a session of a role for somebody who comes with
// the response of a SAML provider that the role's account trusts. The call is
// not signed: the response is all there is.
func (s *Service) assumeRoleWithSAML(ctx context.Context, in *stsapi.AssumeRoleWithSAMLRequest) (*stsapi.AssumeRoleWithSAMLResponse, error) {
	account, name, err := roleOf(in.RoleArn)
	if err != nil {
		return nil, validationError("Request ARN is invalid")
	}
	response, err := saml.Parse(in.SAMLAssertion.Reveal())
	if err != nil {
		return nil, samlRefusal(err)
	}
	provider, said, err := s.asserted(ctx, response, in.PrincipalArn)
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "provider", provider.ARN)
	// Another account's provider has no say here, whatever a trust policy says.
	if provider.Account != account || !slices.Contains(said.Roles(), saml.Pair{Role: in.RoleArn, Provider: in.PrincipalArn}) {
		return nil, accessDenied("Not authorized to perform sts:AssumeRoleWithSAML")
	}
	a, err := samlAssumption(provider, said)
	if err != nil {
		return nil, err
	}
	a.lasts = duration(in.DurationSeconds, roleSession)
	if a.role, a.trust, err = s.role(ctx, account, name, in.RoleArn); err != nil {
		return nil, err
	}
	if err := s.mayFederate(ctx, "sts:AssumeRoleWithSAML", in.RoleArn, account, &a, samlKeys(provider, said)); err != nil {
		return nil, err
	}
	if a.lasts > a.role.MaxSession {
		return nil, validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	if ends := said.SessionEnds; !ends.IsZero() {
		a.lasts = min(a.lasts, ends.Sub(s.now()).Truncate(time.Second))
	}
	session, made, err := s.begin(ctx, a, in.Policy, in.PolicyArns, in.MinimumSessionTokenSize)
	if err != nil {
		return nil, err
	}
	// At last: what is refused for another reason may be tried again.
	if err := s.once(ctx, provider, said, in.RoleArn); err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleWithSAMLResponse{
		AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: session.Principal.ARN, AssumedRoleId: session.Principal.UserID},
		Credentials:     made.credentials, PackedPolicySize: made.percent, SessionTokenSize: made.size, SessionTokenUtilization: made.used,
		Audience: &said.Recipient, Issuer: &said.Issuer, Subject: &said.Subject,
		SubjectType: new(subjectType(said.Format)), NameQualifier: new(nameQualifier(provider, said)),
	}
	if a.sourceIdentity != "" {
		out.SourceIdentity = &a.sourceIdentity
	}
	return out, nil
}

// asserted verifies a response by the metadata of a provider.
func (s *Service) asserted(ctx context.Context, response *saml.Response, providerARN string) (SAMLProvider, *saml.Assertion, error) {
	a, err := arn.Parse(providerARN)
	kind, name := a.Split()
	if err != nil || a.Service != "iam" || kind != "saml-provider" || name == "" {
		return SAMLProvider{}, nil, validationError("Request ARN is invalid")
	}
	provider := SAMLProvider{Account: a.Account, Name: name, ARN: providerARN}
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		provider.Document, err = s.directory.SAMLMetadata(tx, a.Account, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return provider, nil, invalidToken("Specified provider doesn't exist")
	}
	if err != nil {
		return provider, nil, err
	}
	metadata, err := saml.ReadMetadata(provider.Document)
	if err != nil {
		return provider, nil, invalidToken("The metadata of %s can't be read: replace it with that of your identity provider.", providerARN)
	}
	said, err := response.Verify(metadata, saml.Terms{Now: s.now(), Audiences: s.saml.Audiences, Recipients: s.saml.Recipients})
	if err != nil {
		return provider, nil, samlRefusal(err)
	}
	return provider, said, nil
}

// samlRefusal is what STS says of a response with an error.
func samlRefusal(err error) error {
	var expired *saml.ExpiredError
	var rejected *saml.RejectedError
	detail := func(sentinel error) string {
		return strings.TrimPrefix(strings.TrimPrefix(err.Error(), sentinel.Error()), ": ")
	}
	switch {
	case errors.As(err, &rejected):
		return fault.New(stsapi.ErrIDPRejectedClaim, "The identity provider reported that authentication failed: %s.", rejected.Status)
	case errors.As(err, &expired) && expired.Stale:
		return fault.New(stsapi.ErrExpiredToken, "Token must be redeemed within 5 minutes of issuance")
	case errors.As(err, &expired):
		return fault.New(stsapi.ErrExpiredToken, "Token expired: current date/time %d must be before the expiration date/time %d", expired.Now.Unix(), expired.Expiry.Unix())
	case errors.Is(err, saml.ErrSignature):
		return invalidToken("Response signature invalid: %s.", detail(saml.ErrSignature))
	case errors.Is(err, saml.ErrIssuer):
		return invalidToken("Issuer not present in specified provider")
	case errors.Is(err, saml.ErrAudience):
		return invalidToken("Response does not contain the required audience.")
	case errors.Is(err, saml.ErrRecipient):
		return invalidToken("The response is addressed to another server: its Destination, or the Recipient of its SubjectConfirmationData.")
	case errors.Is(err, saml.ErrNotYet):
		return invalidToken("The assertion is not valid yet: it was issued for a time that is still to come.")
	case errors.Is(err, saml.ErrSubject):
		return invalidToken("The assertion has no Subject with a NameID.")
	case errors.Is(err, saml.ErrMetadata):
		return invalidToken("The metadata of the provider has ended: replace it with that of today.")
	default:
		return invalidToken("The SAML response is not valid: %s.", detail(saml.ErrMalformed))
	}
}

// The attributes of assertions that are for STS, and their texts.
const (
	samlAttributes      = "https://aws.amazon.com/SAML/Attributes/"
	samlSessionName     = samlAttributes + "RoleSessionName"
	samlSessionDuration = samlAttributes + "SessionDuration"
	samlSourceIdentity  = samlAttributes + "SourceIdentity"
	samlTag             = samlAttributes + "PrincipalTag:"
	samlTransitive      = samlAttributes + "TransitiveTagKeys"
)

var samlSessionPattern = regexp.MustCompile(`^[a-zA-Z_0-9+=,.@-]{2,64}$`)

// samlAssumption reads what an assertion says for STS itself.
func samlAssumption(p SAMLProvider, said *saml.Assertion) (a assumption, err error) {
	a = assumption{provider: p.ARN, claims: make(policy.Keys)}
	switch names := said.Attributes[samlSessionName]; {
	case len(names) == 0:
		return a, invalidToken("RoleSessionName is required in AuthnResponse")
	case len(names) > 1 || !samlSessionPattern.MatchString(names[0]):
		return a, invalidToken("RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}")
	default:
		a.sessionName = names[0]
	}
	if v := said.Attributes[samlSourceIdentity]; len(v) > 0 {
		a.sourceIdentity = v[0]
		if len(v) > 1 || !samlSessionPattern.MatchString(v[0]) || strings.HasPrefix(strings.ToLower(v[0]), "aws:") {
			return a, invalidToken(`Source Identity must match [a-zA-Z_0-9+=,.@-]{2,64} and not begin with "aws:"`)
		}
	}
	var tags []stsapi.Tag
	for _, name := range slices.Sorted(maps.Keys(said.Attributes)) {
		key, ok := strings.CutPrefix(name, samlTag)
		if !ok {
			continue
		}
		values := said.Attributes[name]
		if len(values) != 1 || !tagText(key, 1, maxTagKey) || !tagText(values[0], 0, maxTagValue) {
			return a, invalidToken("The attribute PrincipalTag:%s has not one value that can be a tag's.", shorten(key))
		}
		tags = append(tags, stsapi.Tag{Key: key, Value: values[0]})
	}
	// What goes with the session: AWS documents these for all policies, the rest for trust policies.
	keys := samlKeys(p, said)
	for _, name := range []string{"saml:namequalifier", "saml:sub", "saml:sub_type"} {
		a.claims[name] = keys[name]
	}
	a.tags, err = newSessionTags(tags, said.Attributes[samlTransitive], nil)
	return a, err
}

// samlClaims are the attributes that trust policies may ask for, by their names
// in assertions (IAM User Guide, "Available keys for SAML-based AWS STS
// federation").
var samlClaims = map[string][]string{
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.1":                                        {"saml:edupersonaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.2":                                        {"saml:edupersonnickname"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.3":                                        {"saml:edupersonorgdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.4":                                        {"saml:edupersonorgunitdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.5":                                        {"saml:edupersonprimaryaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.6":                                        {"saml:edupersonprincipalname"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.7":                                        {"saml:edupersonentitlement"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.8":                                        {"saml:edupersonprimaryorgunitdn"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.9":                                        {"saml:edupersonscopedaffiliation"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.10":                                       {"saml:edupersontargetedid"},
	"urn:oid:1.3.6.1.4.1.5923.1.1.1.11":                                       {"saml:edupersonassurance"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.2":                                        {"saml:eduorghomepageuri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.3":                                        {"saml:eduorgidentityauthnpolicyuri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.4":                                        {"saml:eduorglegalname"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.5":                                        {"saml:eduorgsuperioruri"},
	"urn:oid:1.3.6.1.4.1.5923.1.2.1.6":                                        {"saml:eduorgwhitepagesuri"},
	"urn:oid:2.5.4.3":                                                         {"saml:cn", "saml:commonname"},
	"urn:oid:2.5.4.4":                                                         {"saml:surname"},
	"urn:oid:2.5.4.41":                                                        {"saml:name"},
	"urn:oid:2.5.4.42":                                                        {"saml:givenname"},
	"urn:oid:2.5.4.45":                                                        {"saml:x500uniqueidentifier"},
	"urn:oid:0.9.2342.19200300.100.1.1":                                       {"saml:uid"},
	"urn:oid:0.9.2342.19200300.100.1.3":                                       {"saml:mail"},
	"urn:oid:0.9.2342.19200300.100.1.45":                                      {"saml:organizationstatus"},
	"http://schemas.xmlsoap.org/claims/CommonName":                            {"saml:cn", "saml:commonname"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/givenname":         {"saml:givenname"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/surname":           {"saml:surname"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name":              {"saml:name"},
	"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress":      {"saml:mail"},
	"http://schemas.microsoft.com/ws/2008/06/identity/claims/primarygroupsid": {"saml:primarygroupsid"},
}

// samlKeys gives what an assertion says as condition keys.
func samlKeys(p SAMLProvider, said *saml.Assertion) policy.Keys {
	keys := policy.Keys{
		"saml:aud": {said.Recipient}, "saml:iss": {said.Issuer}, "saml:sub": {said.Subject}, "saml:sub_type": {subjectType(said.Format)},
		"saml:namequalifier": {nameQualifier(p, said)}, "saml:doc": {p.Account + "/" + p.Name},
	}
	for name, values := range said.Attributes {
		for _, key := range samlClaims[name] {
			keys[key] = append(keys[key], values...)
		}
	}
	return keys
}

// subjectType is the format of a name as the API has it (STS API,
// AssumeRoleWithSAMLResponse).
func subjectType(format string) string {
	if format == "" {
		format = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified" // saml-core-2.0-os, 2.2.2
	}
	return strings.TrimPrefix(format, "urn:oasis:names:tc:SAML:2.0:nameid-format:")
}

// nameQualifier tells apart what several providers call somebody (STS API,
// AssumeRoleWithSAMLResponse).
func nameQualifier(p SAMLProvider, said *saml.Assertion) string {
	sum := sha1.Sum([]byte(said.Issuer + p.Account + "/" + p.Name)) //nolint:gosec // the API's form
	return base64.StdEncoding.EncodeToString(sum[:])
}

// once refuses an assertion that was used for the role before. For each role
// that it offers it can be used: clients take credentials for several at once.
func (s *Service) once(ctx context.Context, p SAMLProvider, said *saml.Assertion, roleARN string) error {
	sum := sha256.Sum256([]byte(p.ARN + "\x00" + said.ID + "\x00" + roleARN))
	return s.db.Write(ctx, func(tx *store.Tx) error {
		now := store.Micros(s.now())
		if _, err := tx.Exec(`DELETE FROM saml_assertions WHERE hash IN (SELECT hash FROM saml_assertions WHERE expires_us < $1 LIMIT 100)`, now); err != nil {
			return err
		}
		rows, err := tx.Exec(`INSERT INTO saml_assertions (hash, account, expires_us) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			sum[:], p.Account, store.Micros(said.Expires.Add(2*saml.Skew)))
		if err == nil && rows == 0 {
			err = invalidToken("The assertion was used for this role before. Sign in at the identity provider again.")
		}
		return err
	})
}

// An Offer is a role that somebody may choose, as an identity provider has
// said.
type Offer struct {
	// Account and Name are of the role.
	Account, Name string
	// RoleARN and ProviderARN are what AssumeRoleWithSAML takes.
	RoleARN, ProviderARN string
	// Lasts is how long the session at the pages is to last; zero for no matter.
	Lasts time.Duration
	// Email is what the session's tag Email says; empty for nothing.
	Email string
	// Subject is whom the provider has named.
	Subject string
}

// Offers verifies a response as it was posted, and gives the roles that it
// offers: those whose provider has really made it. Whether the roles trust it
// shows when one is assumed. The error is a fault; the account, where it is
// known, is of the first provider.
func (s *Service) Offers(ctx context.Context, posted string) (offers []Offer, account string, err error) {
	response, err := saml.Parse(posted)
	if err != nil {
		return nil, "", samlRefusal(err)
	}
	type answer struct {
		said *saml.Assertion
		err  error
	}
	answers := make(map[string]answer)
	var first error
	for _, pair := range response.Claimed() {
		got, known := answers[pair.Provider]
		if !known {
			if len(answers) >= maxOffering {
				break
			}
			_, got.said, got.err = s.asserted(ctx, response, pair.Provider)
			answers[pair.Provider] = got
		}
		if got.err != nil {
			if first == nil {
				first = got.err
				if a, err := arn.Parse(pair.Provider); err == nil {
					account = a.Account
				}
			}
			continue
		}
		if !slices.Contains(got.said.Roles(), pair) {
			continue
		}
		of, name, err := roleOf(pair.Role)
		if a, _ := arn.Parse(pair.Provider); err != nil || a.Account != of {
			continue
		}
		o := Offer{Account: of, Name: name, RoleARN: pair.Role, ProviderARN: pair.Provider, Subject: got.said.Subject}
		if v := got.said.Attributes[samlSessionDuration]; len(v) == 1 {
			if n, err := strconv.Atoi(v[0]); err == nil && n >= 900 && n <= 43200 {
				o.Lasts = time.Duration(n) * time.Second
			}
		}
		if ends := got.said.SessionEnds; !ends.IsZero() && (o.Lasts == 0 || ends.Sub(s.now()) < o.Lasts) {
			o.Lasts = ends.Sub(s.now())
		}
		if v := got.said.Attributes[samlTag+"Email"]; len(v) == 1 {
			o.Email = v[0]
		}
		offers = append(offers, o)
	}
	switch {
	case len(offers) > 0:
		return offers, offers[0].Account, nil
	case first != nil:
		return nil, account, first
	}
	return nil, "", invalidToken("Your request included an invalid SAML response: it has no attribute %s with the ARNs of a role and a provider, apart by a comma.", saml.AttributeRole)
}

// maxOffering is how many providers a response is verified by.
const maxOffering = 20

// AssumeRoleWithSAML is the operation, for pages that sign in whoever brings a
// provider's response. What the model asks of the input has been checked.
func (s *Service) AssumeRoleWithSAML(ctx context.Context, in *stsapi.AssumeRoleWithSAMLRequest) (*stsapi.AssumeRoleWithSAMLResponse, error) {
	return s.assumeRoleWithSAML(ctx, in)
}
