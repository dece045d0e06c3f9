package iam

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
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
	secret, err := s.keys.Open(k.Secret, SecretContext(accessKeyID))
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
	// OwnerKind, Owner and OwnerID are who has it: user, role or group, the
	// name and the unique id.
	OwnerKind, Owner, OwnerID string
	// Document is the policy's JSON, of the default version.
	Document string
}

// Policies gives a user or a role, by its name, with the policies that apply to
// it; store.ErrNotFound where there is none.
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

// policiesOf reads the policies of a principal, of its groups, and the
// boundary. Each query goes by keys that are known, so that the plan of none
// depends on what the database has learnt about its tables.
func policiesOf(tx *store.Tx, a Attached, boundary *string) ([]Policy, *Policy, error) {
	type holder struct {
		ID   string `db:"id"`
		Name string `db:"name"`
		kind string
	}
	groups, err := store.All[holder](tx, `SELECT g.id, g.name FROM iam_group_members m JOIN iam_groups g ON g.id = m.group_id
		WHERE m.user_id = $1 ORDER BY g.name_key`, a.ID)
	if err != nil {
		return nil, nil, err
	}
	holders := map[string]holder{a.ID: {a.ID, a.Name, a.Kind}}
	owners, place := []string{a.ID}, map[string]int{a.ID: 0}
	for _, g := range groups {
		g.kind = "group"
		holders[g.ID] = g
		place[g.ID] = len(owners)
		owners = append(owners, g.ID)
	}
	list, args := placeholders(owners)
	inline, err := store.All[struct {
		Owner    string `db:"owner"`
		Name     string `db:"name"`
		Document string `db:"document"`
	}](tx, `SELECT owner, name, document FROM iam_inline_policies WHERE owner IN (`+list+`)`, args...)
	if err != nil {
		return nil, nil, err
	}
	attached, err := store.All[struct {
		Owner string `db:"owner"`
		ARN   string `db:"policy_arn"`
	}](tx, `SELECT owner, policy_arn FROM iam_attachments WHERE owner IN (`+list+`)`, args...)
	if err != nil {
		return nil, nil, err
	}
	arns := make([]string, 0, len(attached)+1)
	for _, r := range attached {
		arns = append(arns, r.ARN)
	}
	if boundary != nil {
		arns = append(arns, *boundary)
	}
	managed, err := managedPolicies(tx, arns)
	if err != nil {
		return nil, nil, err
	}
	policies := make([]Policy, 0, len(inline)+len(attached))
	for _, r := range inline {
		policies = append(policies, Policy{OwnerID: r.Owner, Name: r.Name, Document: r.Document})
	}
	for _, r := range attached {
		p := managed[r.ARN]
		p.OwnerID = r.Owner
		policies = append(policies, p)
	}
	for i := range policies {
		p := &policies[i]
		p.OwnerKind, p.Owner = holders[p.OwnerID].kind, holders[p.OwnerID].Name
	}
	slices.SortFunc(policies, func(a, b Policy) int {
		return cmp.Or(cmp.Compare(place[a.OwnerID], place[b.OwnerID]), cmp.Compare(a.ARN, b.ARN), cmp.Compare(a.Name, b.Name))
	})
	if boundary == nil {
		return policies, nil, nil
	}
	bound := managed[*boundary]
	bound.OwnerID, bound.OwnerKind, bound.Owner = a.ID, a.Kind, a.Name
	return policies, &bound, nil
}

// managedPolicies reads managed policies by their ARNs, each with its default
// version. Of one that is not there the document is empty.
func managedPolicies(tx *store.Tx, arns []string) (map[string]Policy, error) {
	all := make(map[string]Policy, len(arns))
	var own []string
	for _, arn := range arns {
		p := Policy{Name: lastSegment(arn), ARN: arn}
		var ofAWS bool
		if p.Document, ofAWS = managedByAWS(arn); !ofAWS {
			own = append(own, arn)
		}
		all[arn] = p
	}
	if len(own) == 0 {
		return all, nil
	}
	list, args := placeholders(own)
	rows, err := store.All[struct {
		Name     string `db:"name"`
		ARN      string `db:"arn"`
		Document string `db:"document"`
	}](tx, `SELECT p.name, p.arn, v.document FROM iam_policies p
		JOIN iam_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version WHERE p.arn IN (`+list+`)`, args...)
	for _, r := range rows {
		all[r.ARN] = Policy{Name: r.Name, ARN: r.ARN, Document: r.Document}
	}
	return all, err
}

// placeholders gives a list of values for IN, of which there is at least one.
// It repeats the last one up to a power of two, so that few texts of queries
// come about.
func placeholders(values []string) (list string, args []any) {
	var b strings.Builder
	for i := 0; i < len(values) || i&(i-1) != 0; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		args = append(args, values[min(i, len(values)-1)])
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(len(args)))
	}
	return b.String(), args
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

// SAMLMetadata gives the metadata of an account's SAML provider;
// store.ErrNotFound where there is none.
func (s *Service) SAMLMetadata(tx *store.Tx, account, name string) (document string, err error) {
	return store.One[string](tx, `SELECT document FROM iam_saml_providers WHERE account = $1 AND name = $2`, account, name)
}
