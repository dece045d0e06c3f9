package brand

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) assigning(_ context.Context, _ *qs.UpdateBrandAssignmentRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

// updateBrandAssignment has the account wear a brand. People see it once a
// version of it is published.
func (s *Service) updateBrandAssignment(ctx context.Context, in *qs.UpdateBrandAssignmentRequest) (*qs.UpdateBrandAssignmentResponse, error) {
	a, err := arn.Parse(in.BrandArn)
	kind, id := a.Split()
	if err != nil || !a.IsQuickSight() || kind != "brand" || id == "" {
		return nil, fault.Invalid("BrandArn isn't valid: it must be the ARN of a brand.")
	}
	if a.Account != in.AwsAccountId {
		return nil, fault.Invalid("BrandArn isn't valid: the brand must be of account %s.", in.AwsAccountId)
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		ok, err := s.Exists(tx, a)
		if err != nil {
			return err
		}
		if !ok {
			return fault.NotFound("", "Brand %s can't be found.", in.BrandArn)
		}
		_, err = tx.Exec(`INSERT INTO brand_assignments (account, region, brand) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET region = excluded.region, brand = excluded.brand`, in.AwsAccountId, a.Region, id)
		s.themes.changed(tx, in.AwsAccountId)
		return err
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "brand", in.BrandArn)
	return &qs.UpdateBrandAssignmentResponse{BrandArn: &in.BrandArn}, nil
}
