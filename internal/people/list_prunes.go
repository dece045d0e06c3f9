package people

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// stepRow is a row of the table prune_steps.
type stepRow struct {
	Account   string  `db:"account"`
	PruneID   string  `db:"prune_id"`
	Namespace string  `db:"namespace"`
	Name      string  `db:"name"`
	Email     string  `db:"email"`
	Role      string  `db:"role"`
	Action    string  `db:"action"`
	Reason    string  `db:"reason"`
	Error     *string `db:"error"`
	Moved     int64   `db:"moved"`
	IdleDays  int64   `db:"idle_days"`
	AtUS      int64   `db:"at_us"`
}

func (s *Service) listingPrunes(ctx context.Context, in *onsightapi.ListPrunesRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// listPrunes lists the prunes of an account, the latest first.
func (s *Service) listPrunes(ctx context.Context, in *onsightapi.ListPrunesRequest) (*onsightapi.ListPrunesResponse, error) {
	scope := page.Scope("ListPrunes", in.AwsAccountId)
	key, err := s.tokens.Key(scope, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	before := "~" // after every id
	if len(key) == 1 {
		before = key[0]
	}
	limit := pageSize
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListPrunesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		*out = onsightapi.ListPrunesResponse{Prunes: []onsightapi.Prune{}}
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[prune](tx, `SELECT `+pruneColumns+` FROM prunes WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
			in.AwsAccountId, before, limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.tokens.Next(scope, rows[limit-1].ID))
		}
		for i := range rows {
			p, err := rows[i].api()
			if err != nil {
				return err
			}
			out.Prunes = append(out.Prunes, *p)
		}
		return nil
	})
	return out, err
}

func (s *Service) describingPrune(ctx context.Context, in *onsightapi.DescribePruneRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// describePrune tells how far a prune is, and what it did.
func (s *Service) describePrune(ctx context.Context, in *onsightapi.DescribePruneRequest) (*onsightapi.DescribePruneResponse, error) {
	out := &onsightapi.DescribePruneResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		p, err := findPrune(tx, in.AwsAccountId, in.PruneId)
		if err != nil {
			return err
		}
		out.Prune, err = p.api()
		return err
	})
	return out, err
}

func (s *Service) listingPruneSteps(ctx context.Context, in *onsightapi.ListPruneStepsRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// listPruneSteps lists what a prune did to whom, by namespace and name.
func (s *Service) listPruneSteps(ctx context.Context, in *onsightapi.ListPruneStepsRequest) (*onsightapi.ListPruneStepsResponse, error) {
	scope := page.Scope("ListPruneSteps", in.AwsAccountId, in.PruneId)
	key, err := s.tokens.Key(scope, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	after := [2]string{}
	if len(key) == 2 {
		after = [2]string(key)
	}
	limit := pageSize
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListPruneStepsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		*out = onsightapi.ListPruneStepsResponse{Steps: []onsightapi.PruneStep{}}
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if _, err := findPrune(tx, in.AwsAccountId, in.PruneId); err != nil {
			return err
		}
		rows, err := store.All[stepRow](tx, `SELECT account, prune_id, namespace, name, email, role, action, reason, error, moved, idle_days, at_us
			FROM prune_steps WHERE account = $1 AND prune_id = $2 AND (namespace, name) > ($3, $4) ORDER BY namespace, name LIMIT $5`,
			in.AwsAccountId, in.PruneId, after[0], after[1], limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.tokens.Next(scope, rows[limit-1].Namespace, rows[limit-1].Name))
		}
		for i := range rows {
			r := &rows[i]
			out.Steps = append(out.Steps, onsightapi.PruneStep{
				Namespace: &r.Namespace, UserName: &r.Name, Email: &r.Email, Role: &r.Role, IdleDays: &r.IdleDays, Action: new(onsightapi.PruneAction(r.Action)),
				Reason: &r.Reason, Error: r.Error, Moved: &r.Moved, Time: new(store.Time(r.AtUS)),
			})
		}
		return nil
	})
	return out, err
}

// purgeBatch is how many rows one transaction of a purge deletes.
const purgeBatch = 2000

// Purge removes the reports of an account's prunes.
func Purge(ctx context.Context, db *store.DB, account string) error {
	for {
		var gone int64
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(`DELETE FROM prune_steps WHERE (account, prune_id, namespace, name) IN
				(SELECT account, prune_id, namespace, name FROM prune_steps WHERE account = $1 LIMIT $2)`, account, purgeBatch)
			return err
		})
		if err != nil {
			return err
		}
		if gone < purgeBatch {
			break
		}
	}
	return db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM prunes WHERE account = $1`, account)
		return err
	})
}
