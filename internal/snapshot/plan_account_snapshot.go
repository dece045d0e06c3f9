package snapshot

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) planning(ctx context.Context, in *onsightapi.PlanAccountSnapshotRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// planAccountSnapshot tells what applying a snapshot would do, and why it
// cannot be applied.
func (s *Service) planAccountSnapshot(ctx context.Context, in *onsightapi.PlanAccountSnapshotRequest) (*onsightapi.PlanAccountSnapshotResponse, error) {
	var d *difference
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		h, err := s.ready(tx, in.AwsAccountId, in.SnapshotId)
		if err == nil {
			d, err = s.compare(tx, h, is(in.KeepOthers), nil)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &onsightapi.PlanAccountSnapshotResponse{
		PlanId: &d.id, Problems: d.problems, SecretsNeeded: d.needed,
		Created: d.count(creates), Updated: d.count(updates), Deleted: d.count(deletes), Unchanged: new(int64(d.unchanged)),
	}
	limit := 1000
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	for _, c := range d.changes[:min(limit, len(d.changes))] {
		of := c.to.of
		if of == nil {
			of = c.from.of
		}
		out.Changes = append(out.Changes, onsightapi.SnapshotChange{Kind: &of.Kind, Key: &c.key, Change: &c.what, Members: c.different})
	}
	return out, nil
}

// ready reads a snapshot that can be compared with the account now.
func (s *Service) ready(tx *store.Tx, account, id string) (head, error) {
	h, err := find(tx, account, id)
	if err != nil {
		return h, err
	}
	if !h.Complete {
		return h, fault.NotFound("", "Snapshot %s was not finished; take another one.", id)
	}
	for _, busy := range s.busy {
		if err := busy(tx, account); err != nil {
			return h, err
		}
	}
	return h, nil
}

func is(b *bool) bool { return b != nil && *b }
