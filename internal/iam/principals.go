package iam

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/contract"
	"onsight/internal/iamapi"
	"onsight/internal/store"
)

// A Key is an access key as the check of a signature needs it.
type Key struct {
	// ID is the access key id, AKIA….
	ID string
	// Account, UserName, UserID (AIDA…) and UserARN are those of the key's user.
	Account, UserName, UserID, UserARN string
	// Secret is the secret access key.
	Secret contract.Secret
	// Active is false for a key that must not be used.
	Active bool
}

// KeyOf gives the access key with an id; store.ErrNotFound where there is none.
func (s *Service) KeyOf(tx *store.Tx, accessKeyID string) (Key, error) {
	k, err := store.One[struct {
		user
		Secret []byte `db:"secret"`
		Status string `db:"status"`
	}](tx, `SELECT u.account, u.name_key, u.name, u.path, u.id, u.boundary, u.created_us, k.secret, k.status
		FROM iam_access_keys k JOIN iam_users u ON u.id = k.user_id WHERE k.id = $1`, accessKeyID)
	if err != nil {
		return Key{}, err
	}
	secret, err := s.keys.Open(k.Secret, accessKeyID)
	if err != nil {
		return Key{}, fmt.Errorf("access key %s: %w", accessKeyID, err)
	}
	return Key{
		ID: accessKeyID, Account: k.Account, UserName: k.Name, UserID: k.ID, UserARN: k.arn(),
		Secret: contract.Secret(secret), Active: k.Status == string(iamapi.StatusTypeActive),
	}, nil
}

// The kinds of principals that have policies.
const (
	User = "user"
	Role = "role"
)

// An Attached is a user or a role with the policies that apply to it.
type Attached struct {
	// Kind is User or Role.
	Kind string
	// Account, Name, ID (AIDA… or AROA…), Path and ARN are the principal's.
	Account, Name, ID, Path, ARN string
	// Policies are the identity-based ones: inline and attached ones, of the
	// principal itself and then of its groups.
	Policies []Policy
	// Boundary is the permissions boundary, or nil. One whose policy is gone has
	// an empty Document, and must allow nothing.
	Boundary *Policy
	// Tags are the principal's, with keys as they were given.
	Tags map[string]string
}

// A Policy is a policy where it applies.
type Policy struct {
	// Name is the policy's name.
	Name string
	// ARN is that of a managed policy, and empty for an inline one.
	ARN string
	// OwnerKind and Owner are who has it: user, role or group, and the name.
	OwnerKind, Owner string
	// Document is the policy's JSON, of the default version.
	Document string
}

// Policies gives a user or a role, by its name, with the policies that apply to
// it; store.ErrNotFound where there is none. It takes three queries.
func (s *Service) Policies(tx *store.Tx, account, kind, name string) (Attached, error) {
	a := Attached{Kind: kind, Account: account}
	var boundary *string
	var err error
	switch kind {
	case User:
		var u user
		u, err = store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key = $2`, account, nameKey(name))
		a.Name, a.ID, a.Path, a.ARN, boundary = u.Name, u.ID, u.Path, u.arn(), u.Boundary
	case Role:
		var r role
		r, err = store.One[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key = $2`, account, nameKey(name))
		a.Name, a.ID, a.Path, a.ARN, boundary = r.Name, r.ID, r.Path, r.arn(), r.Boundary
	default:
		err = fmt.Errorf("a %q has no policies", kind)
	}
	if err != nil {
		return Attached{}, err
	}
	if a.Policies, a.Boundary, err = policiesOf(tx, a, boundary); err != nil {
		return Attached{}, err
	}
	tags, err := tagsOf(tx, a.ID)
	a.Tags = tagMap(tags)
	return a, err
}

// owners are a principal and its groups.
const owners = `(SELECT $1 AS id, $2 AS name, $3 AS kind UNION ALL SELECT g.id, g.name, 'group'
	FROM iam_group_members m JOIN iam_groups g ON g.id = m.group_id WHERE m.user_id = $1) o`

// policiesOf reads the policies of a principal, of its groups, and the boundary.
func policiesOf(tx *store.Tx, a Attached, boundary *string) ([]Policy, *Policy, error) {
	rows, err := store.All[struct {
		Kind     string `db:"kind"`
		Owner    string `db:"owner"`
		Name     string `db:"name"`
		ARN      string `db:"arn"`
		Document string `db:"document"`
	}](tx, `SELECT o.kind, o.name AS owner, i.name, '' AS arn, i.document
			FROM `+owners+` JOIN iam_inline_policies i ON i.owner = o.id
		UNION ALL SELECT o.kind, o.name, COALESCE(p.name, ''), a.policy_arn, COALESCE(v.document, '')
			FROM `+owners+` JOIN iam_attachments a ON a.owner = o.id
			LEFT JOIN iam_policies p ON p.arn = a.policy_arn
			LEFT JOIN iam_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
		UNION ALL SELECT '', '', p.name, p.arn, v.document
			FROM iam_policies p JOIN iam_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
			WHERE p.arn = $4`, a.ID, a.Name, a.Kind, boundary)
	if err != nil {
		return nil, nil, err
	}
	var policies []Policy
	var bound *Policy
	if boundary != nil {
		bound = &Policy{Name: lastSegment(*boundary), ARN: *boundary, OwnerKind: a.Kind, Owner: a.Name}
		bound.Document, _ = managedByAWS(*boundary)
	}
	for _, r := range rows {
		p := Policy{Name: r.Name, ARN: r.ARN, OwnerKind: r.Kind, Owner: r.Owner, Document: r.Document}
		switch {
		case r.Kind == "":
			bound.Document = r.Document
			continue
		case r.Document == "": // not in the database: one of AWS's own
			p.Name = lastSegment(p.ARN)
			p.Document, _ = managedByAWS(p.ARN)
		}
		policies = append(policies, p)
	}
	slices.SortFunc(policies, func(a, b Policy) int { // the principal's own come before those of groups
		return cmp.Or(-cmp.Compare(a.OwnerKind, b.OwnerKind), cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Name, b.Name))
	})
	return policies, bound, nil
}

// lastSegment is the name in the ARN of a policy.
func lastSegment(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

func tagMap(tags []iamapi.Tag) map[string]string {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		m[t.Key] = t.Value
	}
	return m
}

// An Assumable is a role as whoever begins its sessions needs it.
type Assumable struct {
	// Account, Name, ID (AROA…), Path and ARN are the role's.
	Account, Name, ID, Path, ARN string
	// Trust is the policy that says who may assume it. Users and roles stand in
	// it by their ids, so that nobody who gets an old name gets what it was
	// trusted with.
	Trust string
	// MaxSession is how long a session may last.
	MaxSession time.Duration
	// Tags are the role's.
	Tags map[string]string
}

// Role gives the role of a name; store.ErrNotFound where there is none.
func (s *Service) Role(tx *store.Tx, account, name string) (Assumable, error) {
	r, err := store.One[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key = $2`, account, nameKey(name))
	if err != nil {
		return Assumable{}, err
	}
	tags, err := tagsOf(tx, r.ID)
	return Assumable{
		Account: account, Name: r.Name, ID: r.ID, Path: r.Path, ARN: r.arn(), Trust: r.Trust,
		MaxSession: time.Duration(r.MaxSessionS) * time.Second, Tags: tagMap(tags),
	}, err
}

// An OIDCProvider is a provider of web identities that an account trusts.
type OIDCProvider struct {
	// ARN is arn:aws:iam::<account>:oidc-provider/<issuer>.
	ARN string
	// Issuer is the provider's URL without https://.
	Issuer string
	// ClientIDs are the audiences that tokens may have.
	ClientIDs []string
	// Thumbprints are those of the provider's certificates.
	Thumbprints []string
}

// OIDCProvider gives the provider of an account with an issuer, written with
// or without https://; store.ErrNotFound where there is none.
func (s *Service) OIDCProvider(tx *store.Tx, account, issuer string) (OIDCProvider, error) {
	issuer = strings.TrimPrefix(issuer, "https://")
	p, err := store.One[struct {
		ClientIDs   string `db:"client_ids"`
		Thumbprints string `db:"thumbprints"`
	}](tx, `SELECT client_ids, thumbprints FROM iam_oidc_providers WHERE account = $1 AND url = $2`, account, issuer)
	if err != nil {
		return OIDCProvider{}, err
	}
	out := OIDCProvider{ARN: "arn:aws:iam::" + account + ":oidc-provider/" + issuer, Issuer: issuer}
	if err := errors.Join(decode(p.ClientIDs, &out.ClientIDs), decode(p.Thumbprints, &out.Thumbprints)); err != nil {
		return OIDCProvider{}, fmt.Errorf("%s: %w", out.ARN, err)
	}
	return out, nil
}
