package brand

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) unassigning(_ context.Context, _ *qs.DeleteBrandAssignmentRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

// deleteBrandAssignment gives the account back the looks that it came with.
func (s *Service) deleteBrandAssignment(ctx context.Context, in *qs.DeleteBrandAssignmentRequest) (*qs.DeleteBrandAssignmentResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if _, err := mustBeAssigned(tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM brand_assignments WHERE account = $1`, in.AwsAccountId)
		s.themes.changed(tx, in.AwsAccountId)
		return err
	})
	return &qs.DeleteBrandAssignmentResponse{}, err
}
