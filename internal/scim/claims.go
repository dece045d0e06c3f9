package scim

import (
	"context"
	"errors"
	"strings"

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

// PersonForClaims gives the name of the user here whom the claims of an ID token
// are about, which the caller has verified; store.ErrNotFound where there is
// none, or more than one. Whether the user is active, the caller looks up.
func (s *Service) PersonForClaims(tx *store.Tx, account, namespace string, claims map[string]any) (name string, err error) {
	if _, err := s.tenant(tx, account, namespace); err != nil {
		return "", err
	}
	m, err := matchingOf(tx, account, namespace)
	if err != nil {
		return "", err
	}
	value, _ := claims[m.Claim].(string)
	if value == "" {
		return "", store.ErrNotFound
	}
	if verified, ok := claims["email_verified"].(bool); m.Claim == "email" && ok && !verified {
		return "", store.ErrNotFound
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
	names, err := store.All[string](tx, `SELECT name FROM scim_users WHERE account = $1 AND namespace = $2 AND `+query+` LIMIT 2`, account, namespace, key)
	if err == nil && len(names) != 1 {
		err = store.ErrNotFound
	}
	if err != nil {
		return "", err
	}
	return names[0], nil
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
