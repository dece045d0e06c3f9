package app

import (
	"cmp"
	"strings"

	"onsight/internal/access"
	"onsight/internal/arn"
	"onsight/internal/iam"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/tagging"
)

// joinAccess makes the parts that know who may do what. They need each other:
// IAM asks the authoriser, which decides by what IAM keeps.
func (a *App) joinAccess(o Options, keys *seal.Keyring, tokens *page.Tokens, tags *tagging.Service) (*access.Holders, *access.Authorizer) {
	var holders *access.Holders
	all := &resourceTags{tags: tags}
	authorizer := access.NewAuthorizer(a.db, all, keys)
	a.entities = iam.New(iam.Config{
		DB: a.db, Keys: keys, Tokens: tokens, Now: o.Now, Authorizer: authorizer,
		Changed: func(account string) { holders.Changed(account) },
	})
	all.iam = a.entities
	holders = access.NewHolders(a.db, a.Roots, directory{a.entities}, nil, o.Now)
	return holders, authorizer
}

// directory lets access ask iam without knowing it.
type directory struct{ *iam.Service }

func (d directory) KeyOf(tx *store.Tx, accessKeyID string) (access.Key, error) {
	k, err := d.Service.KeyOf(tx, accessKeyID)
	return access.Key{Account: k.Account, UserName: k.UserName, Secret: k.Secret, Active: k.Active}, err
}

func (d directory) Rights(tx *store.Tx, account, kind, name string) (access.Rights, error) {
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

func (d directory) Used(id, service, region string) {
	d.Service.Used(iam.Use{ID: id, Service: service, Region: region})
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
