package embed

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) removingDomain(ctx context.Context, in *onsightapi.RemoveEmbeddingDomainRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// removeDomain lets a site no longer embed an account's pages. Frames that it
// has go on; what is loaded from now on is refused.
func (s *Service) removeDomain(ctx context.Context, in *onsightapi.RemoveEmbeddingDomainRequest) (*onsightapi.RemoveEmbeddingDomainResponse, error) {
	// Localhost may be taken away where it may no longer be added.
	domain, err := ParseDomain(in.Domain, true)
	if err != nil {
		return nil, fault.Invalid("Domain %s %s.", in.Domain, err)
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.Accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM embed_domains WHERE account = $1 AND domain = $2`, in.AwsAccountId, string(domain))
		if err == nil && n == 0 {
			err = fault.NotFound("", "Domain %s is not among those that may embed. AWS account ID: %s.", domain, in.AwsAccountId)
		}
		return err
	})
	return &onsightapi.RemoveEmbeddingDomainResponse{Domain: new(string(domain))}, err
}
