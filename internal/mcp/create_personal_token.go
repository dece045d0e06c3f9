package mcp

import (
	"context"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func onUser(ctx context.Context, account, namespace, name string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "user/"+namespace+"/"+name)}
}

func (s *Service) creatingToken(ctx context.Context, in *onsightapi.CreatePersonalTokenRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// createToken makes a token with which an agent acts for the caller. It is shown
// this once. Nobody makes one for somebody else: it would let them act as them.
func (s *Service) createToken(ctx context.Context, in *onsightapi.CreatePersonalTokenRequest) (*onsightapi.CreatePersonalTokenResponse, error) {
	out := &onsightapi.CreatePersonalTokenResponse{}
	days := int32(tokenDays)
	if in.LifeDays != nil {
		days = *in.LifeDays
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.People.Enter(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		own, err := s.People.Registered(ctx, tx)
		if err != nil {
			return err
		}
		if !slices.Contains(own, p.ARN().String()) {
			return fault.Denied("User %s makes personal tokens for themself: the caller is not registered as this user. Who signs in with a password makes them on the page %s.",
				p.Name, s.PublicURL+AccessPath)
		}
		if !p.Active {
			return fault.Denied("User %s can't be used: it is not active.", p.Name)
		}
		shown, row, err := s.newToken(tx, p, in.Name, int(days), in.ReadOnly != nil && *in.ReadOnly)
		if err != nil {
			return err
		}
		out.Token, out.TokenId = new(contract.Secret(shown)), &row.ID
		out.Endpoint, out.ExpirationTime = new(s.Endpoint()), new(store.Time(row.ExpiresUS))
		return nil
	})
	return out, err
}

// newToken makes and keeps a token of a person.
func (s *Service) newToken(tx *store.Tx, p Person, name string, days int, readOnly bool) (string, token, error) {
	name = strings.TrimSpace(name)
	if name == "" {
		return "", token{}, fault.Invalid("Name must say what the token is for.")
	}
	n, err := store.One[int64](tx, `SELECT count(*) FROM personal_tokens WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
	if err != nil {
		return "", token{}, err
	}
	if n >= mostTokens {
		return "", token{}, fault.Limit("", "User %s has %d personal tokens, and may have no more. Delete those that nothing uses.", p.Name, n)
	}
	shown, id, hash := newPersonal()
	now := s.Now()
	row := token{
		Account: p.Account, Namespace: p.Namespace, UserName: p.Name, ID: id, Name: name, Hash: hash, ReadOnly: readOnly,
		CreatedUS: store.Micros(now), ExpiresUS: store.Micros(now.AddDate(0, 0, days)),
	}
	return shown, row, store.Insert(tx, "personal_tokens", row)
}
