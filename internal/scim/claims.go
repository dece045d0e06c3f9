package scim

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// A matching says by what a person who signs in at the centre is found among its
// users: an attribute of theirs that is equal to a claim of the ID token.
type matching struct {
	Attribute string `db:"attribute"`
	Claim     string `db:"claim"`
}

// usual is the matching where nothing is said. What people can change
// themselves, as in many centres their address, must not tell who they are.
var usual = matching{Attribute: "externalId", Claim: "sub"}

func matchingOf(tx *store.Tx, account, namespace string) (matching, error) {
	m, err := store.One[matching](tx, `SELECT attribute, claim FROM scim_matching WHERE account = $1 AND namespace = $2`, account, namespace)
	if errors.Is(err, store.ErrNotFound) {
		return usual, nil
	}
	return m, err
}

// What keeps the claims of a token from naming one user.
var (
	// ErrUnnamed says that the token does not have the claim, or that the claim
	// proves nothing.
	ErrUnnamed = errors.New("scim: the claim does not tell who it is")
	// ErrSeveral says that the claim is true of several users.
	ErrSeveral = errors.New("scim: several users match the claim")
)

// A Person is a user of the centre who signs in.
type Person struct {
	// Name is the user's here.
	Name string
	// Claim is the one that told who it is.
	Claim string
	// Active tells that the centre has the user active.
	Active bool
	// Role is what the user's groups give; empty for none.
	Role string
}

// Manages tells whether a centre provisions the people of a namespace.
func (s *Service) Manages(tx *store.Tx, account, namespace string) (bool, error) {
	_, err := s.tenant(tx, account, namespace)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// PersonForClaims gives the user whom the claims of an ID token are about,
// which the caller has verified: ErrUnnamed, ErrSeveral, or store.ErrNotFound
// where there is none. The person has no role yet; see Arrive.
func (s *Service) PersonForClaims(tx *store.Tx, account, namespace string, claims map[string]any) (Person, error) {
	_, p, err := s.matching(tx, account, namespace, claims)
	return p, err
}

// Arrive does so too, and brings the user in line with the groups of the
// centre, also where a job has yet to do that: with the role that they give,
// or out of use.
func (s *Service) Arrive(tx *store.Tx, account, namespace string, claims map[string]any) (Person, error) {
	t, err := s.tenant(tx, account, namespace)
	if err != nil {
		return Person{}, err
	}
	u, p, err := s.matching(tx, account, namespace, claims)
	if err == nil {
		p.Role, err = s.placed(tx, t, &u)
	}
	return p, err
}

func (s *Service) matching(tx *store.Tx, account, namespace string, claims map[string]any) (user, Person, error) {
	if _, err := s.tenant(tx, account, namespace); err != nil {
		return user{}, Person{}, err
	}
	m, err := matchingOf(tx, account, namespace)
	if err != nil {
		return user{}, Person{}, err
	}
	p := Person{Claim: m.Claim}
	value, ok := proven(m, claims)
	if !ok {
		return user{}, p, ErrUnnamed
	}
	query, key := "", strings.ToLower(value)
	switch m.Attribute {
	case "externalId":
		query, key = "external_id = $3", value
	case "id":
		query, key = "id = $3", value
	case "userName":
		query = "name_key = $3"
	default:
		query = "id IN (SELECT user_id FROM scim_emails WHERE account = $1 AND namespace = $2 AND email_key = $3)"
	}
	found, err := store.All[user](tx, `SELECT `+userColumns+` FROM scim_users WHERE account = $1 AND namespace = $2 AND `+query+` LIMIT 2`, account, namespace, key)
	switch {
	case err != nil:
		return user{}, p, err
	case len(found) > 1:
		return user{}, p, ErrSeveral
	case len(found) == 0:
		return user{}, p, store.ErrNotFound
	}
	u := found[0]
	p.Name, p.Active = u.Name, u.Active
	return u, p, u.read()
}

// proven gives the claim that tells who somebody is, if it does. An address
// counts where the centre says that it is verified: many let people enter any.
func proven(m matching, claims map[string]any) (string, bool) {
	value, _ := claims[m.Claim].(string)
	if value == "" || !utf8.ValidString(value) || strings.ContainsFunc(value, misleads) {
		return "", false
	}
	if m.Claim != "email" {
		return value, true
	}
	switch verified := claims["email_verified"].(type) {
	case bool:
		return value, verified
	case string: // as some write it
		return value, verified == "true"
	}
	return value, false
}

// misleads tells of a character that can be taken for another one: a control
// character, or one whose lower case is a letter of Latin-1, such as the Kelvin
// sign. Whoever may choose a name must not become somebody else by it.
func misleads(c rune) bool {
	return unicode.IsControl(c) || c > unicode.MaxLatin1 && unicode.ToLower(c) <= unicode.MaxLatin1
}

func (s *Service) describingMatching(ctx context.Context, in *onsightapi.DescribeScimMatchingRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// describeMatching tells by what people are found who sign in.
func (s *Service) describeMatching(ctx context.Context, in *onsightapi.DescribeScimMatchingRequest) (*onsightapi.DescribeScimMatchingResponse, error) {
	out := &onsightapi.DescribeScimMatchingResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		if err := s.enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		m, err := matchingOf(tx, in.AwsAccountId, in.Namespace)
		out.Attribute, out.Claim = new(onsightapi.ScimAttribute(m.Attribute)), &m.Claim
		return err
	})
	return out, err
}

func (s *Service) updatingMatching(ctx context.Context, in *onsightapi.UpdateScimMatchingRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// updateMatching says by what people are found who sign in.
func (s *Service) updateMatching(ctx context.Context, in *onsightapi.UpdateScimMatchingRequest) (*onsightapi.UpdateScimMatchingResponse, error) {
	if strings.TrimSpace(in.Claim) != in.Claim {
		return nil, fault.Invalid("Claim %q begins or ends with a space.", in.Claim)
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO scim_matching (account, namespace, attribute, claim) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account, namespace) DO UPDATE SET attribute = excluded.attribute, claim = excluded.claim`,
			in.AwsAccountId, in.Namespace, string(in.Attribute), in.Claim)
		return err
	})
	return &onsightapi.UpdateScimMatchingResponse{}, err
}
