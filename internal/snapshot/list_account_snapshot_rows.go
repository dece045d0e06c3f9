package snapshot

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listingRows(ctx context.Context, in *onsightapi.ListAccountSnapshotRowsRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// listAccountSnapshotRows reads a snapshot page by page, by kind and key.
func (s *Service) listAccountSnapshotRows(ctx context.Context, in *onsightapi.ListAccountSnapshotRowsRequest) (*onsightapi.ListAccountSnapshotRowsResponse, error) {
	scope := page.Scope("ListAccountSnapshotRows", in.AwsAccountId, in.SnapshotId)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, 1000)
	if err != nil {
		return nil, err
	}
	var rows []kept
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		h, err := find(tx, in.AwsAccountId, in.SnapshotId)
		if err != nil {
			return err
		}
		if !h.Complete {
			return fault.NotFound("", "Snapshot %s was not finished; take another one.", h.ID)
		}
		rows, err = store.All[kept](tx, `SELECT account, id, kind, key, doc FROM snapshot_rows
			WHERE account = $1 AND id = $2 AND (kind, key) > ($3, $4) ORDER BY kind, key LIMIT $5`, in.AwsAccountId, in.SnapshotId, p.After(0), p.After(1), p.Limit+1)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListAccountSnapshotRowsResponse{}
	if page.Cut(p, &rows) {
		last := &rows[len(rows)-1]
		out.NextToken = p.Next(last.Kind, last.Key)
	}
	for _, r := range rows {
		out.Rows = append(out.Rows, onsightapi.SnapshotRow{Kind: r.Kind, Key: &r.Key, Document: []byte(r.Doc)})
	}
	return out, nil
}
