package embed

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// accountDomains is how many domains an account lists at most: each is in the
// headers of its embedded pages.
const accountDomains = 100

func (s *Service) addingDomain(ctx context.Context, in *onsightapi.AddEmbeddingDomainRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// addDomain lets a site embed an account's pages where a URL names no domain
// itself. One that is listed already stays.
func (s *Service) addDomain(ctx context.Context, in *onsightapi.AddEmbeddingDomainRequest) (*onsightapi.AddEmbeddingDomainResponse, error) {
	domain, err := s.domain(in.Domain)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.AddEmbeddingDomainResponse{Domain: new(string(domain))}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.Accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		n, err := tx.Exec(`INSERT INTO embed_domains (account, domain, created_us) VALUES ($1, $2, $3) ON CONFLICT (account, domain) DO NOTHING`,
			in.AwsAccountId, string(domain), store.Micros(s.Now()))
		out.Added = new(n == 1)
		if err != nil || n == 0 {
			return err
		}
		count, err := store.One[int64](tx, `SELECT COUNT(*) FROM embed_domains WHERE account = $1`, in.AwsAccountId)
		if err == nil && count > accountDomains {
			err = fault.Limit("", "An account lists at most %d domains that may embed. AWS account ID: %s.", accountDomains, in.AwsAccountId)
		}
		return err
	})
	return out, err
}

func (s *Service) domain(text string) (Domain, error) {
	d, err := ParseDomain(text, s.Localhost)
	if err != nil {
		return "", fault.Invalid("Domain %s %s.", text, err)
	}
	return d, nil
}
