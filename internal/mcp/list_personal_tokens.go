package mcp

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listingTokens(ctx context.Context, in *onsightapi.ListPersonalTokensRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// listTokens lists a user's personal tokens by id, without what they let in with.
func (s *Service) listTokens(ctx context.Context, in *onsightapi.ListPersonalTokensRequest) (*onsightapi.ListPersonalTokensResponse, error) {
	p, err := s.Tokens.Page(page.Scope("ListPersonalTokens", in.AwsAccountId, in.Namespace, in.UserName), in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListPersonalTokensResponse{}
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Tokens, out.NextToken = []onsightapi.PersonalToken{}, nil
		who, err := s.People.Enter(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		rows, err := tokensOf(tx, &who, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			out.NextToken = p.Next(rows[len(rows)-1].ID)
		}
		for i := range rows {
			r := &rows[i]
			t := onsightapi.PersonalToken{
				TokenId: &r.ID, Name: &r.Name, ReadOnly: &r.ReadOnly, CreatedTime: new(store.Time(r.CreatedUS)),
				ExpirationTime: new(store.Time(r.ExpiresUS)), Expired: new(s.ended(r.ExpiresUS)),
			}
			if r.LastUsedUS != nil {
				t.LastUseTime = new(store.Time(*r.LastUsedUS))
			}
			out.Tokens = append(out.Tokens, t)
		}
		return nil
	})
	return out, err
}

// ended tells whether a time has come.
func (s *Service) ended(us int64) bool { return !s.Now().Before(store.Time(us)) }
