package people

import (
	"cmp"
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
	Letter    *string `db:"letter"`
}

func (s *Service) listingPrunes(ctx context.Context, in *onsightapi.ListPrunesRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// listPrunes lists the prunes of an account, the latest first.
func (s *Service) listPrunes(ctx context.Context, in *onsightapi.ListPrunesRequest) (*onsightapi.ListPrunesResponse, error) {
	scope := page.Scope("ListPrunes", in.AwsAccountId)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	before := cmp.Or(p.After(0), "~") // after every id
	out := &onsightapi.ListPrunesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		*out = onsightapi.ListPrunesResponse{Prunes: []onsightapi.Prune{}}
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[prune](tx, `SELECT `+pruneColumns+` FROM prunes WHERE account = $1 AND id < $2 ORDER BY id DESC LIMIT $3`,
			in.AwsAccountId, before, p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			out.NextToken = p.Next(rows[len(rows)-1].ID)
		}
		for i := range rows {
			shown, err := rows[i].api()
			if err != nil {
				return err
			}
			out.Prunes = append(out.Prunes, *shown)
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
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
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
		rows, err := store.All[stepRow](tx, `SELECT account, prune_id, namespace, name, email, role, action, reason, error, moved, idle_days, at_us, letter
			FROM prune_steps WHERE account = $1 AND prune_id = $2 AND (namespace, name) > ($3, $4) ORDER BY namespace, name LIMIT $5`,
			in.AwsAccountId, in.PruneId, p.After(0), p.After(1), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			last := &rows[len(rows)-1]
			out.NextToken = p.Next(last.Namespace, last.Name)
		}
		for i := range rows {
			r := &rows[i]
			step := onsightapi.PruneStep{
				Namespace: &r.Namespace, UserName: &r.Name, Email: &r.Email, Role: &r.Role, IdleDays: &r.IdleDays, Action: new(onsightapi.PruneAction(r.Action)),
				Reason: &r.Reason, Error: r.Error, Moved: &r.Moved, Time: new(store.Time(r.AtUS)),
			}
			if r.Letter != nil {
				step.Letter = new(onsightapi.PruneLetter(*r.Letter))
			}
			out.Steps = append(out.Steps, step)
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
