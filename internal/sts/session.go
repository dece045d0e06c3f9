package sts

import (
	"maps"
	"strings"
	"time"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/policy"
)

// The kinds of what stands behind a session.
const (
	KindRole = "role"
	KindUser = "user"
	KindRoot = "root"
)

// A Session is what temporary credentials stand for. It is not to be changed.
type Session struct {
	// AccessKeyID (ASIA…) and Secret sign the calls of the session.
	AccessKeyID string
	Secret      contract.Secret
	// Issued and Expires are when it began and when it ends, in whole seconds.
	Issued, Expires time.Time
	// Principal is who acts: of type RoleSession, FederatedUser, User or Root.
	// Its tags are those of the session; PrincipalTags adds those of the role
	// or user behind it.
	Principal policy.Principal
	// Kind, Name and ID are of what stands behind it, and whose policies apply:
	// KindRole with AROA…, KindUser with AIDA…, or KindRoot with the account.
	Kind, Name, ID string
	// SessionName is that of a role's session, or the federated user's name.
	SessionName string
	// Transitive are the keys of the tags that pass on to sessions that begin
	// with this one.
	Transitive []string
	// SourceIdentity is who is said to be behind it, and cannot be changed in
	// the sessions that follow.
	SourceIdentity string
	// Provider is the ARN of the identity provider whose token began the
	// session, and Claims are what the token said, as condition keys.
	Provider string
	Claims   policy.Keys
	// Policy and PolicyARNs are the session policies: a document, and the ARNs
	// of managed policies.
	Policy     string
	PolicyARNs []string
}

// Limited says whether session policies apply. Those of a federated user
// always do: without any it may do nothing.
func (s *Session) Limited() bool {
	return s.Policy != "" || len(s.PolicyARNs) > 0 || s.Principal.Type == policy.FederatedUser
}

// Keys are the condition keys that only sessions have, with names in lower
// case. They are made anew for each call of Keys.
func (s *Session) Keys() policy.Keys {
	keys := maps.Clone(s.Claims)
	if keys == nil {
		keys = make(policy.Keys, 4)
	}
	keys["aws:tokenissuetime"] = []string{s.Issued.UTC().Format(time.RFC3339)}
	keys["aws:multifactorauthpresent"] = []string{"false"} // there are no devices
	if s.SourceIdentity != "" {
		keys["aws:sourceidentity"] = []string{s.SourceIdentity}
	}
	if s.Provider != "" {
		keys["aws:federatedprovider"] = []string{s.Provider}
	}
	return keys
}

// PrincipalTags gives the tags of the principal: those of the role or user
// behind the session, and those of the session in place of any with the same
// key. Keys have no case.
func (s *Session) PrincipalTags(behind map[string]string) map[string]string {
	if len(s.Principal.Tags) == 0 {
		return behind
	}
	all := make(map[string]string, len(behind)+len(s.Principal.Tags))
	for k, v := range behind {
		if _, ok := tagOf(s.Principal.Tags, k); !ok {
			all[k] = v
		}
	}
	maps.Copy(all, s.Principal.Tags)
	return all
}

// tagOf finds a tag by its key, without regard to case.
func tagOf(tags map[string]string, key string) (name string, ok bool) {
	if _, ok := tags[key]; ok {
		return key, true
	}
	for k := range tags {
		if strings.EqualFold(k, key) {
			return k, true
		}
	}
	return "", false
}

// Permits says whether sessions of this kind may be used for an action at all,
// whatever policies say (IAM User Guide, "Compare AWS STS credentials").
// Sessions of GetSessionToken and GetFederationToken do not reach IAM, and of
// STS only who they are and, the former, AssumeRole. The error is a fault.
func (s *Session) Permits(action string) error {
	federated := s.Principal.Type == policy.FederatedUser
	if s.Kind == KindRole {
		return nil
	}
	service, name, _ := strings.Cut(strings.ToLower(action), ":")
	switch {
	case service == "iam":
		return fault.UnrecognizedClient()
	case service != "sts", name == "getcalleridentity", name == "assumerole" && !federated,
		// Each of these says itself why not.
		name == "getsessiontoken", name == "getfederationtoken",
		// And these go with AssumeRole.
		!federated && (name == "tagsession" || name == "setsourceidentity"):
		return nil
	}
	_, written, _ := strings.Cut(action, ":")
	return accessDenied("Cannot call %s with %s credentials", written, map[bool]string{true: "federation", false: "session"}[federated])
}

// Tag gives the value of a tag of the session, not of what stands behind it;
// empty for none. Keys have no case.
func (s *Session) Tag(key string) string {
	name, _ := tagOf(s.Principal.Tags, key)
	return s.Principal.Tags[name]
}

// WebIdentity gives the issuer, without a scheme, and the subject of the token
// of an OpenID Connect provider that began the session; empty for none.
func (s *Session) WebIdentity() (issuer, subject string) {
	_, issuer, ok := strings.Cut(s.Provider, ":oidc-provider/")
	if !ok {
		return "", ""
	}
	if v := s.Claims[strings.ToLower(issuer)+":sub"]; len(v) == 1 {
		return issuer, v[0]
	}
	return "", ""
}
