package snapshot

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *onsightapi.ListAccountSnapshotsRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// listAccountSnapshots lists the snapshots of an account that are whole, the
// oldest first. They are few: nobody keeps one for more than a week.
func (s *Service) listAccountSnapshots(ctx context.Context, in *onsightapi.ListAccountSnapshotsRequest) (*onsightapi.ListAccountSnapshotsResponse, error) {
	heads, err := s.heads(ctx, in.AwsAccountId)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListAccountSnapshotsResponse{}
	for _, h := range heads {
		if h.Complete {
			out.Snapshots = append(out.Snapshots, onsightapi.AccountSnapshot{
				SnapshotId: &h.ID, Source: new(onsightapi.SnapshotSource(h.Source)), CreatedTime: new(store.Time(h.CreatedUS)),
			})
		}
	}
	return out, nil
}
