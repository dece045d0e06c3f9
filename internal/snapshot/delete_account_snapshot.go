package snapshot

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *onsightapi.DeleteAccountSnapshotRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

func (s *Service) deleteAccountSnapshot(ctx context.Context, in *onsightapi.DeleteAccountSnapshotRequest) (*onsightapi.DeleteAccountSnapshotResponse, error) {
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := find(tx, in.AwsAccountId, in.SnapshotId)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.DeleteAccountSnapshotResponse{}, s.removeOne(ctx, in.AwsAccountId, in.SnapshotId)
}
