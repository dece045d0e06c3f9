package embed

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

const domainsPage = 100

func (s *Service) listingDomains(ctx context.Context, in *onsightapi.ListEmbeddingDomainsRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// listDomains lists the sites that may embed an account's pages where a URL
// names none itself.
func (s *Service) listDomains(ctx context.Context, in *onsightapi.ListEmbeddingDomainsRequest) (*onsightapi.ListEmbeddingDomainsResponse, error) {
	scope := page.Scope("ListEmbeddingDomains", in.AwsAccountId)
	after := ""
	if in.NextToken != nil {
		key, err := s.Tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(key) > 0 {
			after = key[0]
		}
	}
	limit := domainsPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListEmbeddingDomainsResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Domains, out.NextToken = []onsightapi.EmbeddingDomain{}, nil
		if err := s.Accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[struct {
			Domain    string `db:"domain"`
			CreatedUS int64  `db:"created_us"`
		}](tx, `SELECT domain, created_us FROM embed_domains WHERE account = $1 AND domain > $2 ORDER BY domain LIMIT $3`, in.AwsAccountId, after, limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.Tokens.Next(scope, rows[limit-1].Domain))
		}
		for i := range rows {
			out.Domains = append(out.Domains, onsightapi.EmbeddingDomain{Domain: &rows[i].Domain, CreatedTime: new(store.Time(rows[i].CreatedUS))})
		}
		return nil
	})
	return out, err
}
