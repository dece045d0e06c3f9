package brand

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingAssignment(_ context.Context, _ *qs.DescribeBrandAssignmentRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

func (s *Service) describeBrandAssignment(ctx context.Context, in *qs.DescribeBrandAssignmentRequest) (*qs.DescribeBrandAssignmentResponse, error) {
	out := &qs.DescribeBrandAssignmentResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		k, err := mustBeAssigned(tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		out.BrandArn = new(brands.ARN(k))
		return nil
	})
	return out, err
}
