package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"onsight/internal/access"
	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/folder"
	"onsight/internal/iam"
	"onsight/internal/identity"
	"onsight/internal/outbound"
	"onsight/internal/resource"
	"onsight/internal/store"
	"onsight/internal/sts"
	"onsight/internal/sts/idtoken"
	"onsight/internal/tagging"
)

// joinAccess makes the parts that know who may do what. They need each other:
// IAM asks the authoriser, which decides by what IAM keeps.
func (h *house) joinAccess(context.Context) error {
	network := idtoken.Network{Loopback: h.IdentityProviderLoopback}
	if h.IdentityProviderCA != "" {
		pem, err := os.ReadFile(h.IdentityProviderCA)
		if err == nil {
			network.RootCAs, err = outbound.SystemCAsAnd(pem)
		}
		if err != nil {
			return fmt.Errorf("-identity-provider-ca %s: %w", h.IdentityProviderCA, err)
		}
	}
	all := &resourceTags{tags: h.tags}
	h.authorizer = access.NewAuthorizer(h.db, all, h.keys)
	h.entities = iam.New(iam.Config{
		DB: h.db, Keys: h.keys, Tokens: h.tokens, Now: h.Now, Authorizer: h.authorizer,
		Changed: func(account string) { h.holders.Changed(account) },
	})
	all.iam = h.entities
	h.sessions = sts.New(sts.Config{
		DB: h.db, Keys: h.keys, Now: h.Now, Log: h.Log, Directory: assumable{h.entities, h.Roots}, Judge: h.authorizer,
		Caller: func(ctx context.Context) *sts.Session {
			s, _ := access.SessionOf(ctx).(*sts.Session)
			return s
		},
		Conditions: h.authorizer.Conditions, Network: network, SAML: samlTerms(h.Config),
		Contexts: func(tx *store.Tx, assertion string) (account, user string, ok bool, err error) {
			account, user, err = h.users.OpenContext(tx, assertion) // which is joined later, but before any call
			if errors.Is(err, identity.ErrContext) {
				return "", "", false, nil
			}
			return account, user, err == nil, err
		},
	})
	h.holders = access.NewHolders(h.db, h.Roots, entityRights{h.entities}, sessions{h.sessions, h.entities}, h.Now)
	h.reseals = append(h.reseals, h.entities.Reseal)
	h.add(h.entities.Routes()...)
	h.add(h.sessions.Routes()...)
	return nil
}

// joinExplanations makes what explains who may do what, when everything that
// decides is there.
func (h *house) joinExplanations(context.Context) error {
	h.add(access.NewService(h.holders, h.authorizer, h.shared(), h.tokens).Routes()...)
	return nil
}

// shared is what decides on what users share with each other.
func (h *house) shared() access.Shared {
	return access.Shared{People: h.users, Lists: lists{h.folders}, Profiles: profiles{h.users}}
}

// entityRights lets access ask iam without knowing it.
type entityRights struct{ *iam.Service }

func (d entityRights) KeyOf(tx *store.Tx, accessKeyID string) (access.Key, error) {
	k, err := d.Service.KeyOf(tx, accessKeyID)
	return access.Key{Account: k.Account, UserName: k.UserName, Secret: k.Secret, Active: k.Active}, err
}

func (d entityRights) Rights(tx *store.Tx, account, kind, name string) (access.Rights, error) {
	a, err := d.Policies(tx, account, kind, name)
	if err != nil {
		return access.Rights{}, err
	}
	r := access.Rights{Account: a.Account, Name: a.Name, ID: a.ID, ARN: a.ARN, Tags: a.Tags}
	for _, p := range a.Policies {
		r.Policies = append(r.Policies, document(p))
	}
	if a.Boundary != nil {
		r.Boundary = new(document(*a.Boundary))
	}
	return r, nil
}

// document names a policy as iam:SimulatePrincipalPolicy does.
func document(p iam.Policy) access.Document {
	kind := p.OwnerKind
	switch {
	case strings.HasPrefix(p.ARN, "arn:aws:iam::aws:"):
		kind = "aws-managed"
	case p.ARN != "":
		kind = "user-managed"
	}
	return access.Document{ID: cmp.Or(p.ARN, p.Name), Type: kind, Text: p.Document}
}

func (d entityRights) Used(id, service, region string) {
	d.Service.Used(iam.Use{ID: id, Service: service, Region: region})
}

// assumable lets sts ask iam without knowing it.
type assumable struct {
	*iam.Service
	roots *access.Roots
}

func (d assumable) Role(tx *store.Tx, account, name string) (sts.Role, error) {
	r, err := d.Service.Role(tx, account, name)
	return sts.Role(r), err
}

func (d assumable) Provider(tx *store.Tx, account, issuer string) (sts.Provider, error) {
	p, err := d.OIDCProvider(tx, account, issuer)
	return sts.Provider(p), err
}

func (d assumable) KeyAccount(tx *store.Tx, accessKeyID string) (string, error) {
	if account, ok := d.roots.AccountOf(accessKeyID); ok {
		return account, nil
	}
	return d.Service.KeyAccount(tx, accessKeyID)
}

// sessions lets access ask sts without knowing it.
type sessions struct {
	sts *sts.Service
	iam *iam.Service
}

func (s sessions) Open(tx *store.Tx, accessKeyID, token string, now time.Time) (access.Session, error) {
	opened, err := s.sts.Read(accessKeyID, token, now)
	if err != nil {
		return access.Session{}, err
	}
	out := access.Session{
		Secret: opened.Secret, Expires: opened.Expires, Principal: opened.Principal, Kind: opened.Kind, Name: opened.Name, ID: opened.ID,
		Keys: opened.Keys(), Tags: opened.PrincipalTags, Permits: opened.Permits, Shown: shown(opened), Raw: opened,
	}
	if !opened.Limited() {
		return out, nil
	}
	out.Policies = []access.Document{}
	if opened.Policy != "" {
		out.Policies = append(out.Policies, access.Document{ID: "session policy", Type: "session", Text: opened.Policy})
	}
	for _, policyARN := range opened.PolicyARNs {
		document, err := s.iam.ManagedPolicy(tx, opened.Principal.Account, policyARN)
		if errors.Is(err, store.ErrNotFound) { // gone since: it allows nothing any more
			continue
		}
		if err != nil {
			return access.Session{}, err
		}
		out.Policies = append(out.Policies, access.Document{ID: policyARN, Type: "session", Text: document})
	}
	return out, nil
}

// shown is what calls show of a session.
func shown(s *sts.Session) *api.Session {
	issuer := map[string]string{sts.KindRole: "Role", sts.KindUser: "IAMUser", sts.KindRoot: "Root"}[s.Kind]
	return &api.Session{
		IssuerType: issuer, IssuerARN: s.Principal.Issuer, IssuerID: s.ID, IssuerAccount: s.Principal.Account, IssuerName: s.Name,
		Began: s.Issued, SourceIdentity: s.SourceIdentity, Provider: s.Provider,
	}
}

// resourceTags finds the tags of resources, wherever they are kept.
type resourceTags struct {
	tags *tagging.Service
	iam  *iam.Service
}

func (r *resourceTags) Of(tx *store.Tx, resource string) (map[string]string, error) {
	if a, err := arn.Parse(resource); err == nil && a.Service == "iam" {
		return r.iam.TagsOf(tx, a)
	}
	tags, err := r.tags.Of(tx, resource)
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m, err
}

// lists lets access ask for the permission lists of resources, and of the
// folders above them.
type lists struct{ folders *folder.Service }

func (lists) Granted(tx *store.Tx, resourceARN string, principals ...string) (map[string][]string, error) {
	return resource.Granted(tx, resourceARN, principals...)
}

func (l lists) Inherited(tx *store.Tx, resourceARN string, principals ...string) ([]access.Inherited, error) {
	found, err := l.folders.Inherited(tx, resourceARN, principals...)
	all := make([]access.Inherited, len(found))
	for i, f := range found {
		all[i] = access.Inherited(f)
	}
	return all, err
}
