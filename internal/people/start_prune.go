package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

const (
	jobPrune = "people.prune"
	// pruneBatch is how many users a prune looks at before it notes how far it is.
	pruneBatch = 500
)

// The states of a prune.
const (
	running   = "RUNNING"
	completed = "COMPLETED"
	failed    = "FAILED"
)

// prune is a row of the table prunes.
type prune struct {
	Account     string  `db:"account"`
	ID          string  `db:"id"`
	State       string  `db:"state"`
	Policy      string  `db:"policy"`
	StartedBy   string  `db:"started_by"`
	CreatedUS   int64   `db:"created_us"`
	EndedUS     *int64  `db:"ended_us"`
	AtNamespace string  `db:"at_namespace"`
	AtName      string  `db:"at_name"`
	Counts      string  `db:"counts"`
	Error       *string `db:"error"`
}

const pruneColumns = `account, id, state, policy, started_by, created_us, ended_us, at_namespace, at_name, counts, error`

// counts are how many users a prune has done what to.
type counts struct{ Looked, Warned, Deactivated, Deleted, Kept, Failed int64 }

func (s *Service) starting(ctx context.Context, in *onsightapi.StartPruneRequest) policy.Target {
	return onPruned(ctx, in.AwsAccountId, in.Policy)
}

// startPrune leaves a job that does what PlanPrune tells.
func (s *Service) startPrune(ctx context.Context, in *onsightapi.StartPruneRequest) (*onsightapi.StartPruneResponse, error) {
	if err := check(in.Policy); err != nil {
		return nil, err
	}
	text, err := json.Marshal(in.Policy)
	if err != nil {
		return nil, fmt.Errorf("write a policy: %w", err)
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("new id: %w", err)
	}
	if err := s.noted(ctx); err != nil {
		return nil, err
	}
	out := &onsightapi.StartPruneResponse{}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.judge(ctx, tx, in.AwsAccountId, in.Policy); err != nil {
			return err
		}
		other, err := store.One[string](tx, `SELECT id FROM prunes WHERE account = $1 AND state = 'RUNNING'`, in.AwsAccountId)
		if err == nil {
			return fault.Conflict("Prune %s of the account is still running.", other)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return err
		}
		now := s.now()
		p := prune{
			Account: in.AwsAccountId, ID: id.String(), State: running, Policy: string(text), StartedBy: api.Caller(ctx).ARN,
			CreatedUS: store.Micros(now), Counts: "{}",
		}
		if err := store.Insert(tx, "prunes", p); err != nil {
			return err
		}
		if out.Prune, err = p.api(); err != nil {
			return err
		}
		api.Result(ctx, out)
		return job.Add(tx, jobPrune, p.ID, payload{p.Account, p.ID, api.Region(ctx)}, now)
	})
	return out, err
}

// payload is what the job of a prune knows.
type payload struct{ Account, ID, Region string }

// api gives the prune as operations show it.
func (p *prune) api() (*onsightapi.Prune, error) {
	out := &onsightapi.Prune{PruneId: &p.ID, State: &p.State, StartedBy: &p.StartedBy, CreatedTime: new(store.Time(p.CreatedUS)), Error: p.Error}
	if p.EndedUS != nil {
		out.EndedTime = new(store.Time(*p.EndedUS))
	}
	var c counts
	if err := errors.Join(json.Unmarshal([]byte(p.Policy), &out.Policy), json.Unmarshal([]byte(p.Counts), &c)); err != nil {
		return nil, fmt.Errorf("prune %s: %w", p.ID, err)
	}
	out.Looked, out.Warned, out.Deactivated, out.Deleted, out.Kept, out.Failed = &c.Looked, &c.Warned, &c.Deactivated, &c.Deleted, &c.Kept, &c.Failed
	return out, nil
}

func findPrune(tx *store.Tx, account, id string) (prune, error) {
	p, err := store.One[prune](tx, `SELECT `+pruneColumns+` FROM prunes WHERE account = $1 AND id = $2`, account, id)
	if errors.Is(err, store.ErrNotFound) {
		return p, fault.NotFound("", "Prune %s can't be found in account %s.", id, account)
	}
	return p, err
}
