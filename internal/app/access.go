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
	"onsight/internal/config"
	"onsight/internal/folder"
	"onsight/internal/iam"
	"onsight/internal/identity"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/sts"
	"onsight/internal/sts/idtoken"
	"onsight/internal/tagging"
)

// rights are the parts that know who may do what.
type rights struct {
	holders    *access.Holders
	authorizer *access.Authorizer
	sessions   *sts.Service
}

// joinAccess makes the parts that know who may do what. They need each other:
// IAM asks the authoriser, which decides by what IAM keeps.
func (a *App) joinAccess(c config.Config, o Options, keys *seal.Keyring, tokens *page.Tokens, tags *tagging.Service) (rights, error) {
	network := idtoken.Network{Loopback: c.IdentityProviderLoopback}
	if c.IdentityProviderCA != "" {
		pem, err := os.ReadFile(c.IdentityProviderCA)
		if err == nil {
			network.RootCAs, err = outbound.SystemCAsAnd(pem)
		}
		if err != nil {
			return rights{}, fmt.Errorf("-identity-provider-ca %s: %w", c.IdentityProviderCA, err)
		}
	}
	var r rights
	all := &resourceTags{tags: tags}
	r.authorizer = access.NewAuthorizer(a.db, all, keys)
	a.entities = iam.New(iam.Config{
		DB: a.db, Keys: keys, Tokens: tokens, Now: o.Now, Authorizer: r.authorizer,
		Changed: func(account string) { r.holders.Changed(account) },
	})
	all.iam = a.entities
	r.sessions = sts.New(sts.Config{
		DB: a.db, Keys: keys, Now: o.Now, Log: o.Log, Directory: assumable{a.entities, a.Roots}, Judge: r.authorizer,
		Caller: func(ctx context.Context) *sts.Session {
			s, _ := access.SessionOf(ctx).(*sts.Session)
			return s
		},
		Conditions: r.authorizer.Conditions, Network: network, SAML: samlTerms(c),
		Contexts: func(tx *store.Tx, assertion string) (account, user string, ok bool, err error) {
			account, user, err = a.register.OpenContext(tx, assertion) // which is joined later, but before any call
			if errors.Is(err, identity.ErrContext) {
				return "", "", false, nil
			}
			return account, user, err == nil, err
		},
	})
	r.holders = access.NewHolders(a.db, a.Roots, entityRights{a.entities}, sessions{r.sessions, a.entities}, o.Now)
	return r, nil
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
