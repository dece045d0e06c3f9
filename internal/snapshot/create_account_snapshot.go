package snapshot

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *onsightapi.CreateAccountSnapshotRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// createAccountSnapshot copies the account as it is at one moment, or makes
// room for rows that are sent.
func (s *Service) createAccountSnapshot(ctx context.Context, in *onsightapi.CreateAccountSnapshotRequest) (*onsightapi.CreateAccountSnapshotResponse, error) {
	now := s.now()
	old := func(h head) bool { return now.Sub(store.Time(h.CreatedUS)) > life }
	if err := s.remove(ctx, in.AwsAccountId, old); err != nil {
		return nil, err
	}
	h := head{Account: in.AwsAccountId, ID: newID(), Source: fromAccount, CreatedUS: store.Micros(now)}
	if in.Source != nil && *in.Source == onsightapi.SnapshotSourceUpload {
		h.Source, h.Complete = fromUpload, true
	}
	out := &onsightapi.CreateAccountSnapshotResponse{SnapshotId: &h.ID}
	var rows []kept
	if h.Source == fromAccount {
		var err error
		if rows, err = s.copied(ctx, h, out); err != nil {
			return nil, err
		}
	} else {
		for _, t := range s.tables {
			out.Kinds = append(out.Kinds, kind(t, 0))
		}
	}
	if err := s.db.Write(ctx, func(tx *store.Tx) error { return store.Insert(tx, "snapshots", h) }); err != nil {
		return nil, err
	}
	for len(rows) > 0 {
		some := rows[:min(batch, len(rows))]
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			for _, r := range some {
				if err := store.Insert(tx, "snapshot_rows", r); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		rows = rows[len(some):]
	}
	if h.Complete {
		return out, nil
	}
	return out, s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE snapshots SET complete = $3 WHERE account = $1 AND id = $2`, h.Account, h.ID, true)
		return err
	})
}

// copied reads all rows of the account in one transaction.
func (s *Service) copied(ctx context.Context, h head, out *onsightapi.CreateAccountSnapshotResponse) (rows []kept, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		rows, out.Kinds = nil, nil
		for _, busy := range s.busy {
			if err := busy(tx, h.Account); err != nil {
				return err
			}
		}
		tables, err := describe(tx, s.tables)
		if err != nil {
			return err
		}
		for _, t := range tables {
			before := len(rows)
			err := t.each(tx, h.Account, func(r row) error {
				doc, err := r.document()
				rows = append(rows, kept{h.Account, h.ID, t.Kind, r.key(), string(doc)})
				return err
			})
			if err != nil {
				return err
			}
			out.Kinds = append(out.Kinds, kind(t.Table, len(rows)-before))
		}
		return nil
	})
	return rows, err
}

func kind(t Table, rows int) onsightapi.SnapshotKind {
	return onsightapi.SnapshotKind{Kind: &t.Kind, Layout: &t.Layout, Rows: new(int64(rows))}
}
