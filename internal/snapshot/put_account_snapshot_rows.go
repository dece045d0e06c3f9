package snapshot

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) putting(ctx context.Context, in *onsightapi.PutAccountSnapshotRowsRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// putAccountSnapshotRows adds rows to a snapshot that is sent, all of them or
// none. What is there already may be sent again.
func (s *Service) putAccountSnapshotRows(ctx context.Context, in *onsightapi.PutAccountSnapshotRowsRequest) (*onsightapi.PutAccountSnapshotRowsResponse, error) {
	return &onsightapi.PutAccountSnapshotRowsResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := find(tx, in.AwsAccountId, in.SnapshotId)
		if err != nil {
			return err
		}
		if h.Source != fromUpload {
			return fault.Conflict("Snapshot %s was taken of the account; rows can be added to one whose source is %s.", h.ID, fromUpload)
		}
		tables, err := describe(tx, s.tables)
		if err != nil {
			return err
		}
		kinds := make(map[string]*table, len(tables))
		for _, t := range tables {
			kinds[t.Kind] = t
		}
		for i, given := range in.Rows {
			t := kinds[given.Kind]
			if t == nil {
				return fault.Invalid("Rows[%d]: there is no kind %q.", i, given.Kind)
			}
			r, err := t.read(given.Document)
			if err != nil {
				return fault.Invalid("Rows[%d] of kind %s: %s.", i, t.Kind, err)
			}
			if err := add(tx, h, r, i); err != nil {
				return err
			}
		}
		return nil
	})
}

func add(tx *store.Tx, h head, r row, at int) error {
	doc, err := r.document()
	if err != nil {
		return err
	}
	n, err := tx.Exec(`INSERT INTO snapshot_rows (account, id, kind, key, doc) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
		h.Account, h.ID, r.of.Kind, r.key(), string(doc))
	if err != nil || n == 1 {
		return err
	}
	there, err := store.One[string](tx, `SELECT doc FROM snapshot_rows WHERE account = $1 AND id = $2 AND kind = $3 AND key = $4`,
		h.Account, h.ID, r.of.Kind, r.key())
	if err == nil && there != string(doc) {
		err = fault.Invalid("Rows[%d]: %s %s is there twice, and not the same.", at, r.of.Kind, r.key())
	}
	return err
}
