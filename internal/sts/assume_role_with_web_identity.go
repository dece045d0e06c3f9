package sts

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
	"onsight/internal/stsapi"
)

// assumeRoleWithWebIdentity begins a session of a role for somebody who comes
// with the token of an identity provider that the role's account trusts. The
// call is not signed: the token is all there is.
func (s *Service) assumeRoleWithWebIdentity(ctx context.Context, in *stsapi.AssumeRoleWithWebIdentityRequest) (*stsapi.AssumeRoleWithWebIdentityResponse, error) {
	if in.ProviderId != nil {
		return nil, invalidParameter("ProviderId is for OAuth 2.0 access tokens only, which are not supported. Leave it out for OpenID Connect ID tokens.")
	}
	account, name, err := roleOf(in.RoleArn)
	if err != nil {
		return nil, validationError("Request ARN is invalid")
	}
	provider, claims, err := s.identify(ctx, account, in.WebIdentityToken.Reveal())
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "provider", provider.ARN)
	a, err := assumptionOf(provider, claims)
	if err != nil {
		return nil, err
	}
	a.sessionName, a.lasts = in.RoleSessionName, duration(in.DurationSeconds, roleSession)
	if a.role, a.trust, err = s.role(ctx, account, name, in.RoleArn); err != nil {
		return nil, err
	}
	if err := s.mayFederate(ctx, "sts:AssumeRoleWithWebIdentity", in.RoleArn, account, &a, keysOf(provider, claims)); err != nil {
		return nil, err
	}
	session, made, err := s.begin(ctx, a, in.Policy, in.PolicyArns, in.MinimumSessionTokenSize)
	if err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleWithWebIdentityResponse{
		AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: session.Principal.ARN, AssumedRoleId: session.Principal.UserID},
		Credentials:     made.credentials, PackedPolicySize: made.percent, Provider: &provider.ARN, Audience: new(audienceOf(claims)),
		SubjectFromWebIdentityToken: &claims.Subject, SessionTokenSize: made.size, SessionTokenUtilization: made.used,
	}
	if a.sourceIdentity != "" {
		out.SourceIdentity = &a.sourceIdentity
	}
	return out, nil
}

// identify finds the provider of a token in an account, and checks the token.
func (s *Service) identify(ctx context.Context, account, token string) (Provider, idtoken.Claims, error) {
	issuer, err := idtoken.Issuer(token)
	if err != nil {
		return Provider{}, idtoken.Claims{}, refusal(err)
	}
	// Whether plain HTTP will do is decided by whoever fetches the keys.
	_, host, ok := strings.Cut(issuer, "://")
	var provider Provider
	err = store.ErrNotFound
	if ok {
		err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
			provider, err = s.directory.Provider(tx, account, host)
			return err
		})
	}
	if errors.Is(err, store.ErrNotFound) {
		return Provider{}, idtoken.Claims{}, invalidToken("No OpenIDConnect provider found in your account for %s", issuer)
	}
	if err != nil {
		return Provider{}, idtoken.Claims{}, err
	}
	claims, err := s.tokens.Verify(ctx, issuer, provider.ClientIDs, token)
	if err != nil {
		return Provider{}, idtoken.Claims{}, refusal(err)
	}
	return provider, claims, nil
}

// refusal is what STS says of a token with an error.
func refusal(err error) error {
	var expired *idtoken.ExpiredError
	var missing *idtoken.MissingClaimError
	switch {
	case errors.As(err, &expired):
		return fault.New(stsapi.ErrExpiredToken, "Token expired: current date/time %d must be before the expiration date/time %d", expired.Now.Unix(), expired.Expiry.Unix())
	case errors.As(err, &missing):
		return invalidToken("Missing a required claim: %s", missing.Claim)
	case errors.Is(err, idtoken.ErrUnreachable):
		return fault.New(stsapi.ErrIDPCommunicationError, "The identity provider could not be reached to verify the token. Try again later.")
	case errors.Is(err, idtoken.ErrKey):
		return invalidToken("Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements")
	case errors.Is(err, idtoken.ErrSignature):
		return invalidToken("The signature of the ID Token is not valid.")
	case errors.Is(err, idtoken.ErrAudience):
		return invalidToken("Incorrect token audience")
	case errors.Is(err, idtoken.ErrNotYet):
		return invalidToken("The ID Token is not valid yet: it was issued for a time that is still to come.")
	default:
		return invalidToken("The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)")
	}
}

// mayFederate asks the trust policy of a role, which alone decides.
func (s *Service) mayFederate(ctx context.Context, operation, roleARN, account string, a *assumption, claims policy.Keys) error {
	who := policy.Subject{Principal: policy.Principal{Type: policy.Federated, Provider: a.provider}}
	keys := policy.Contexts{a.keys(), claims}
	if s.conditions != nil {
		keys = append(keys, s.conditions(ctx))
	}
	for _, action := range a.actions(operation) {
		d := who.Decide(&policy.Request{Action: policy.NewAction(action), Resource: roleARN, Account: account, Policy: a.trust, Context: keys})
		if !d.Allowed() || a.role.ID == "" {
			api.Note(ctx, "denied", action)
			return accessDenied("Not authorized to perform %s", action)
		}
	}
	return nil
}

// audienceOf is whom a token was made for: the authorised party where there is
// one, else the audience, which is one then.
func audienceOf(c idtoken.Claims) string {
	if c.AuthorizedParty != "" {
		return c.AuthorizedParty
	}
	return c.Audience[0]
}

// services are what condition keys of services begin with.
var services = []string{"aws:", "iam:", "quicksight:", "saml:", "sts:"}

// lastingClaims are the claims that go with a session.
var lastingClaims = []string{"sub", "aud", "oaud", "amr"}

// keysOf gives the claims of a token as condition keys: the issuer without
// https://, a colon, the claim. Of the authorised party and the audience the
// keys aud and oaud tell, as with the real service. Claims that are objects
// have no keys, nor have those of a provider whose host has the name of a
// service: nobody but the server sets a key such as aws:SourceIp.
func keysOf(p Provider, c idtoken.Claims) policy.Keys {
	keys := make(policy.Keys, len(c.All)+1)
	prefix := strings.ToLower(p.Issuer) + ":"
	if slices.Contains(services, prefix) {
		return keys
	}
	for _, name := range slices.Sorted(maps.Keys(c.All)) {
		key := prefix + strings.ToLower(name)
		if values := valuesOf(c.All[name]); len(values) > 0 && keys[key] == nil {
			keys[key] = values
		}
	}
	keys[prefix+"sub"] = []string{c.Subject}
	keys[prefix+"aud"] = []string{audienceOf(c)}
	keys[prefix+"oaud"] = c.Audience
	return keys
}

// valuesOf gives a claim as the values of a condition key.
func valuesOf(raw json.RawMessage) []string {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil {
		list = []json.RawMessage{raw}
	}
	var values []string
	for _, item := range list {
		var text string
		switch {
		case json.Unmarshal(item, &text) == nil && len(item) > 0 && item[0] == '"':
			values = append(values, text)
		case len(item) > 0 && strings.IndexByte("tf-0123456789", item[0]) >= 0: // a boolean or a number
			values = append(values, string(item))
		}
	}
	return values
}

// The claims that are for STS.
const (
	claimTags           = "https://aws.amazon.com/tags"
	claimSourceIdentity = "https://aws.amazon.com/source_identity"
)

// The texts of tags and source identities, by the model's patterns.
var (
	tagPattern            = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)
	sourceIdentityPattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// assumptionOf reads what a token says for STS itself: tags of the session, and
// the source identity.
func assumptionOf(p Provider, c idtoken.Claims) (a assumption, err error) {
	a = assumption{provider: p.ARN, claims: make(policy.Keys)}
	prefix := strings.ToLower(p.Issuer) + ":"
	keys := keysOf(p, c)
	for _, name := range lastingClaims {
		if v := keys[prefix+name]; len(v) > 0 {
			a.claims[prefix+name] = v
		}
	}
	if raw, ok := c.All[claimSourceIdentity]; ok {
		if json.Unmarshal(raw, &a.sourceIdentity) != nil || !sourceIdentityPattern.MatchString(a.sourceIdentity) {
			return a, invalidToken("The claim %s is not a source identity.", claimSourceIdentity)
		}
	}
	tags, transitive, err := tagsOf(c.All)
	if err != nil {
		return a, err
	}
	a.tags, err = newSessionTags(tags, transitive, nil)
	return a, err
}

// tagsOf reads the session tags of a token. Each has one value, which may stand
// in a list.
func tagsOf(all map[string]json.RawMessage) (tags []stsapi.Tag, transitive []string, err error) {
	raw, ok := all[claimTags]
	if !ok {
		return nil, nil, nil
	}
	var claim struct {
		Tags       map[string]json.RawMessage `json:"principal_tags"`
		Transitive []string                   `json:"transitive_tag_keys"`
	}
	if err := json.Unmarshal(raw, &claim); err != nil {
		return nil, nil, invalidToken("The claim %s does not hold principal_tags and transitive_tag_keys.", claimTags)
	}
	for _, key := range slices.Sorted(maps.Keys(claim.Tags)) {
		value, err := oneText(claim.Tags[key])
		if err != nil || !tagText(key, 1, maxTagKey) || !tagText(value, 0, maxTagValue) {
			return nil, nil, invalidToken("The tag %q in the claim %s has not one value that can be a tag's.", shorten(key), claimTags)
		}
		tags = append(tags, stsapi.Tag{Key: key, Value: value})
	}
	return tags, claim.Transitive, nil
}

// oneText reads a text, alone or in a list of one.
func oneText(raw json.RawMessage) (string, error) {
	var text string
	if err := json.Unmarshal(raw, &text); err == nil {
		return text, nil
	}
	var list []string
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", err
	}
	if len(list) != 1 {
		return "", fmt.Errorf("%d values", len(list))
	}
	return list[0], nil
}

// shorten keeps a text that is quoted in a message from filling it.
func shorten(s string) string {
	const most = 100
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
