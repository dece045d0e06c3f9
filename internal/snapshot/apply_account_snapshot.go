package snapshot

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) applying(ctx context.Context, in *onsightapi.ApplyAccountSnapshotRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// applyAccountSnapshot makes the account as the snapshot, in one transaction.
// What is done is what the plan said: when anything has changed since, nothing is.
func (s *Service) applyAccountSnapshot(ctx context.Context, in *onsightapi.ApplyAccountSnapshotRequest) (*onsightapi.ApplyAccountSnapshotResponse, error) {
	secrets := make(map[secretKey]string, len(in.Secrets))
	for _, secret := range in.Secrets {
		if secret.Value != nil {
			secrets[secretKey{secret.Kind, secret.Key, secret.Member}] = secret.Value.Reveal()
		}
	}
	var d *difference
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.ready(tx, in.AwsAccountId, in.SnapshotId)
		if err != nil {
			return err
		}
		if d, err = s.compare(tx, h, is(in.KeepOthers), secrets); err != nil {
			return err
		}
		switch {
		case d.id != in.PlanId:
			return fault.Conflict("The account or the snapshot has changed since plan %s was made; plan again.", in.PlanId)
		case len(d.problems) > 0:
			return fault.Invalid("The snapshot cannot be applied: %s", strings.Join(d.problems[:min(5, len(d.problems))], " "))
		case len(d.needed) > 0:
			n := d.needed[0]
			return fault.Invalid("%d secrets are needed that were sealed with another key; the first is %s of %s %s.", len(d.needed), n.Member, n.Kind, n.Key)
		}
		if err := d.apply(tx, h.Account, store.Micros(s.now())); err != nil {
			return err
		}
		for _, applied := range s.applied {
			if err := applied(tx, h.Account); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.ApplyAccountSnapshotResponse{
		Created: d.count(creates), Updated: d.count(updates), Deleted: d.count(deletes), Unchanged: new(int64(d.unchanged)),
	}, nil
}

// apply makes the changes: what goes first, then what changes, then what is new.
func (d *difference) apply(tx *store.Tx, account string, now int64) error {
	for _, c := range slices.Backward(d.changes) {
		if c.what == deletes {
			where, args := c.from.where(0)
			if err := c.exec(tx, account, `DELETE FROM `+c.from.of.Name+where, args); err != nil {
				return err
			}
		}
	}
	for _, what := range []string{updates, creates} {
		for _, c := range d.changes {
			if c.what != what {
				continue
			}
			query, args := c.to.insert(account, now)
			if what == updates {
				query, args = c.to.update(now)
			}
			if err := c.exec(tx, account, query, args); err != nil {
				return err
			}
		}
	}
	return nil
}

func (c change) exec(tx *store.Tx, account, query string, args []any) error {
	of := c.to.of
	if of == nil {
		of = c.from.of
	}
	if of.account && c.what != creates {
		args = append(args, account)
		query += fmt.Sprintf(" AND account = $%d", len(args))
	}
	n, err := tx.Exec(query, args...)
	switch {
	case store.Duplicate(err):
		return fault.Conflict("%s %s cannot be made: its name or id belongs to another one, perhaps of another account.", of.Kind, c.key)
	case err == nil && n != 1:
		return fmt.Errorf("%s %s: %d rows instead of one", of.Kind, c.key, n)
	}
	return err
}

// where selects the row, with parameters after the first n.
func (r row) where(n int) (text string, args []any) {
	conditions := []string{"TRUE"} // of a table with the account alone as its key
	for _, at := range r.of.keys {
		args = append(args, r.values[at])
		conditions = append(conditions, fmt.Sprintf("%s = $%d", r.of.columns[at].Name, n+len(args)))
	}
	return ` WHERE ` + strings.Join(conditions, ` AND `), args
}

func (r row) insert(account string, now int64) (string, []any) {
	names, args := r.of.names(), slices.Clone(r.values)
	if r.of.account {
		names, args = names+", "+accountColumn, append(args, account)
	}
	for _, c := range r.of.Clock {
		names, args = names+", "+c, append(args, now)
	}
	marks := make([]string, len(args))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+1)
	}
	return `INSERT INTO ` + r.of.Name + ` (` + names + `) VALUES (` + strings.Join(marks, ", ") + `)`, args
}

func (r row) update(now int64) (string, []any) {
	var sets []string
	var args []any
	set := func(column string, v any) {
		args = append(args, v)
		sets = append(sets, fmt.Sprintf("%s = $%d", column, len(args)))
	}
	for i, c := range r.of.columns {
		if c.Key == 0 {
			set(c.Name, r.values[i])
		}
	}
	for _, c := range r.of.Clock {
		set(c, now)
	}
	where, more := r.where(len(args))
	return `UPDATE ` + r.of.Name + ` SET ` + strings.Join(sets, ", ") + where, append(args, more...)
}
