package scim

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/store"
)

// Jobs bring users in line of whom too many are concerned for one transaction.
const (
	jobSettle   = "scim.settle"   // those who are pending
	jobRole     = "scim.role"     // the members of a group that has got a role, or lost one
	jobDissolve = "scim.dissolve" // the members of a group that is gone
)

const (
	// atOnce is how many users a request brings in line itself.
	atOnce = 100
	// settleBatch is how many a transaction of a job does.
	settleBatch = 200
)

// about is the payload of the jobs.
type about struct {
	Account, Namespace string
	// Group is the name of the group here, GroupID its id.
	Group, GroupID string
}

func errPending(account string) error {
	return fault.Conflict("Users of account %s are just being brought in line with its identity centre. Try again in a moment.", account)
}

// settle brings a user in line with what the centre says: the broadest role that
// its groups give, and those groups. Without a role, or when the centre has it
// inactive, it is no active user, and is signed out.
func (s *Service) settle(tx *store.Tx, t Tenant, u *user) error {
	_, err := s.placed(tx, t, u)
	return err
}

// placed does so, and gives the role; empty for none.
func (s *Service) placed(tx *store.Tx, t Tenant, u *user) (role string, err error) {
	names, err := store.All[string](tx, `SELECT g.name FROM scim_members m
		JOIN scim_groups g ON g.account = m.account AND g.namespace = m.namespace AND g.id = m.group_id
		WHERE m.account = $1 AND m.namespace = $2 AND m.user_id = $3`, u.Account, u.Namespace, u.ID)
	if err != nil {
		return "", err
	}
	slices.Sort(names)
	if u.Active {
		if role, _, err = s.People.RoleOf(tx, u.Account, u.Namespace, names); err != nil {
			return "", err
		}
	}
	gone, err := s.People.Settle(tx, t.DirectoryID, User{
		Account: u.Account, Namespace: u.Namespace, Name: u.Name, ID: u.ID, Email: u.email(), Role: role, Groups: names,
	})
	if err != nil || !gone {
		return role, err
	}
	return role, s.EndSessions(tx, u.Account, u.Namespace, u.Name)
}

// regrouped brings users in line who have come into a group or gone out of it:
// few at once, many by a job.
func (s *Service) regrouped(tx *store.Tx, t Tenant, account, namespace string, ids []string) error {
	if len(ids) > atOnce {
		if err := insertAll(tx, "scim_pending", []string{"account", "namespace", "user_id"}, []any{account, namespace}, ids); err != nil {
			return err
		}
		return job.Add(tx, jobSettle, account+"/"+namespace, about{Account: account, Namespace: namespace}, s.Now())
	}
	for _, id := range ids {
		if err := s.settleOne(tx, t, account, namespace, id); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) settleOne(tx *store.Tx, t Tenant, account, namespace, id string) error {
	u, err := findUser(tx, account, namespace, id)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return s.settle(tx, t, &u)
}

// insertAll inserts a row for each id, beside columns that all have in common.
// Rows that are there stay.
func insertAll(tx *store.Tx, table string, columns []string, common []any, ids []string) error {
	for some := range slices.Chunk(ids, 200) {
		var b strings.Builder
		b.WriteString("INSERT INTO " + table + " (" + strings.Join(columns, ", ") + ") VALUES ")
		args := slices.Clone(common)
		for i, id := range some {
			if i > 0 {
				b.WriteString(", ")
			}
			b.WriteByte('(')
			for j := range common {
				b.WriteString("$" + strconv.Itoa(j+1) + ", ")
			}
			args = append(args, id)
			b.WriteString("$" + strconv.Itoa(len(args)) + ")")
		}
		b.WriteString(" ON CONFLICT DO NOTHING")
		if _, err := tx.Exec(b.String(), args...); err != nil {
			return err
		}
	}
	return nil
}

// marksFor are the placeholders from $first on for n values, and a list of them.
func marksFor(first, n int) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString("$" + strconv.Itoa(first+i))
	}
	return b.String()
}

// settlePending is the job for users who are pending.
func (s *Service) settlePending(ctx context.Context, j job.Job) error {
	var of about
	if err := j.Decode(&of); err != nil {
		return err
	}
	return s.walk(ctx, of, func(tx *store.Tx, _ string) ([]string, error) {
		return store.All[string](tx, `SELECT user_id FROM scim_pending WHERE account = $1 AND namespace = $2 ORDER BY user_id LIMIT $3`,
			of.Account, of.Namespace, settleBatch)
	}, func(tx *store.Tx, ids []string) error {
		args := []any{of.Account, of.Namespace}
		for _, id := range ids {
			args = append(args, id)
		}
		_, err := tx.Exec(`DELETE FROM scim_pending WHERE account = $1 AND namespace = $2 AND user_id IN (`+marksFor(3, len(ids))+`)`, args...)
		return err
	})
}

// settleGroup is the job for the members of a group whose role has changed.
func (s *Service) settleGroup(ctx context.Context, j job.Job) error {
	var of about
	if err := j.Decode(&of); err != nil {
		return err
	}
	return s.walk(ctx, of, func(tx *store.Tx, after string) ([]string, error) {
		return store.All[string](tx, `SELECT m.user_id FROM scim_groups g
			JOIN scim_members m ON m.account = g.account AND m.namespace = g.namespace AND m.group_id = g.id
			WHERE g.account = $1 AND g.namespace = $2 AND g.name = $3 AND m.user_id > $4 ORDER BY m.user_id LIMIT $5`,
			of.Account, of.Namespace, of.Group, after, settleBatch)
	}, func(*store.Tx, []string) error { return nil })
}

// dissolve is the job for the members of a group that is gone.
func (s *Service) dissolve(ctx context.Context, j job.Job) error {
	var of about
	if err := j.Decode(&of); err != nil {
		return err
	}
	return s.walk(ctx, of, func(tx *store.Tx, _ string) ([]string, error) {
		return store.All[string](tx, `SELECT user_id FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3 ORDER BY user_id LIMIT $4`,
			of.Account, of.Namespace, of.GroupID, settleBatch)
	}, func(tx *store.Tx, ids []string) error {
		args := []any{of.Account, of.Namespace, of.GroupID}
		for _, id := range ids {
			args = append(args, id)
		}
		_, err := tx.Exec(`DELETE FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3 AND user_id IN (`+marksFor(4, len(ids))+`)`, args...)
		return err
	})
}

// walk settles users, some in each transaction, until next gives none. done is
// told of those who were. It ends where the account or the namespace is gone.
func (s *Service) walk(ctx context.Context, of about, next func(tx *store.Tx, after string) ([]string, error), done func(*store.Tx, []string) error) error {
	after := ""
	batch := func(tx *store.Tx, ids []string) error {
		t, err := s.tenant(tx, of.Account, of.Namespace)
		if err != nil {
			return err
		}
		if err := done(tx, ids); err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.settleOne(tx, t, of.Account, of.Namespace, id); err != nil {
				return err
			}
		}
		return nil
	}
	for {
		var ids []string
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			if ids, err = next(tx, after); err != nil || len(ids) == 0 {
				return err
			}
			return batch(tx, ids)
		})
		if _, ok := errors.AsType[*fault.Fault](err); ok {
			// One of them can't be brought in line; the others can.
			err = s.apart(ctx, of, ids, batch, done)
		}
		switch {
		case errors.Is(err, store.ErrNotFound):
			return nil
		case err != nil:
			return err
		case len(ids) == 0:
			return nil
		}
		after = ids[len(ids)-1]
	}
}

// apart settles users each in a transaction of its own, and leaves those out
// that can't be.
func (s *Service) apart(ctx context.Context, of about, ids []string, batch, done func(*store.Tx, []string) error) error {
	for _, id := range ids {
		err := s.DB.Write(ctx, func(tx *store.Tx) error { return batch(tx, []string{id}) })
		f, ok := errors.AsType[*fault.Fault](err)
		if ok && f.Code != "ResourceUnavailableException" {
			s.Log.WarnContext(ctx, "scim: a user can't be brought in line with the identity centre", "account", of.Account, "user", id, "error", f.Message)
			err = s.DB.Write(ctx, func(tx *store.Tx) error { return done(tx, []string{id}) })
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// RoleChanged is told that a group has got a role or lost one: its members
// follow, by a job.
func (s *Service) RoleChanged(tx *store.Tx, account, namespace, group string) error {
	_, err := store.One[string](tx, `SELECT id FROM scim_groups WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, group)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return job.Add(tx, jobRole, account+"/"+namespace+"/"+group, about{Account: account, Namespace: namespace, Group: group}, s.Now())
}
