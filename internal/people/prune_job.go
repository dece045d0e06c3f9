package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// A pruning is a prune under way.
type pruning struct {
	s      *Service
	id     string
	by     api.Behalf
	policy onsightapi.PrunePolicy
	prune  prune
}

// runPrune does a prune. Each user is judged and dealt with in one transaction,
// which also writes the step; what was begun before a crash is found there.
func (s *Service) runPrune(ctx context.Context, j job.Job) error {
	var of payload
	if err := j.Decode(&of); err != nil {
		return err
	}
	r := &pruning{s: s, id: of.ID}
	if j.Behalf != nil {
		by, err := api.BehalfOf(*j.Behalf)
		if err != nil {
			return err
		}
		r.by = by
	}
	for {
		if err := s.noted(ctx); err != nil {
			return err
		}
		people, more, err := r.next(ctx, of)
		if err != nil || r.prune.State != running {
			return err
		}
		for i := range people {
			err := r.deal(ctx, &people[i])
			if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "ResourceUnavailableException" {
				return r.fail(ctx, f.Message)
			}
			if err != nil {
				return err
			}
		}
		if err := r.advance(ctx, people, more); err != nil || !more {
			return err
		}
	}
}

// next gives users to look at, from where the prune is: those for whom the
// policy has something.
func (r *pruning) next(ctx context.Context, of payload) (people []Person, more bool, err error) {
	ctx = api.As(ctx, r.by.Who)
	err = r.s.db.Read(ctx, func(tx *store.Tx) error {
		r.prune, err = store.One[prune](tx, `SELECT `+pruneColumns+` FROM prunes WHERE account = $1 AND id = $2`, of.Account, of.ID)
		if errors.Is(err, store.ErrNotFound) { // the account has gone
			return nil
		}
		if err != nil || r.prune.State != running {
			return err
		}
		if err := json.Unmarshal([]byte(r.prune.Policy), &r.policy); err != nil {
			return fmt.Errorf("policy of prune %s: %w", of.ID, err)
		}
		people, more, err = r.s.users.People(tx, Walk{
			Account: of.Account, Namespace: value(r.policy.Namespace), AfterNamespace: r.prune.AtNamespace, AfterName: r.prune.AtName, Limit: pruneBatch,
		})
		return err
	})
	return people, more, err
}

// deal does to a user what the policy has for them.
func (r *pruning) deal(ctx context.Context, p *Person) error {
	v := (&judge{policy: &r.policy, now: r.s.now()}).asked(p)
	if v.action == "" {
		return nil
	}
	ctx = api.As(ctx, r.by.Who)
	err := r.step(ctx, p, "")
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "ResourceUnavailableException" {
		// What was done of it is undone; the report says why.
		return r.step(ctx, p, f.Message)
	}
	return err
}

// judged judges a user as it is now. The verdict is empty for one who is gone,
// or who was dealt with before a crash.
func (r *pruning) judged(ctx context.Context, tx *store.Tx, p *Person) (*judge, verdict, Person, error) {
	account := r.prune.Account
	_, err := store.One[string](tx, `SELECT name FROM prune_steps WHERE account = $1 AND prune_id = $2 AND namespace = $3 AND name = $4`,
		account, r.id, p.Namespace, p.Name)
	if !errors.Is(err, store.ErrNotFound) {
		return nil, verdict{}, Person{}, err
	}
	now, err := r.s.users.Person(tx, account, p.Namespace, p.Name)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		return nil, verdict{}, Person{}, nil
	}
	if err != nil {
		return nil, verdict{}, Person{}, err
	}
	j, err := r.s.judge(ctx, tx, account, &r.policy)
	if err != nil {
		return nil, verdict{}, Person{}, err
	}
	v, err := j.of(&now)
	return j, v, now, err
}

// step judges a user and does what follows, or notes why that has failed.
func (r *pruning) step(ctx context.Context, p *Person, why string) error {
	return r.s.db.Write(ctx, func(tx *store.Tx) error {
		j, v, now, err := r.judged(ctx, tx, p)
		if err != nil || v.action == "" {
			return err
		}
		moved, letter := int64(0), (*string)(nil)
		switch {
		case why != "":
		case v.action == onsightapi.PruneActionWarn:
			letter, err = r.warn(tx, j.account, &now)
		default:
			moved, err = r.act(ctx, tx, j, &now, v.action)
		}
		if err != nil {
			return err
		}
		err = store.Insert(tx, "prune_steps", stepRow{
			Account: j.account, PruneID: r.id, Namespace: now.Namespace, Name: now.Name, Email: now.Email, Role: now.Role, Action: string(v.action),
			Reason: v.reason, IdleDays: now.idleDays(j.now), AtUS: store.Micros(j.now), Error: given(&why), Moved: moved, Letter: letter,
		})
		if err != nil {
			return err
		}
		return r.count(tx, v.action, why != "")
	})
}

// act does something to a user, and tells how much another one got of it.
func (r *pruning) act(ctx context.Context, tx *store.Tx, j *judge, p *Person, action onsightapi.PruneAction) (moved int64, err error) {
	switch action {
	case onsightapi.PruneActionKeep, onsightapi.PruneActionWarn:
	case onsightapi.PruneActionDeactivate:
		call, err := api.PrepareFor(ctx, r.s.server, r.by, onsightapi.DeactivateUser, &onsightapi.DeactivateUserRequest{
			AwsAccountId: j.account, Namespace: p.Namespace, UserName: p.Name,
		})
		if err == nil {
			_, err = call.Run(tx)
		}
		return 0, err
	case onsightapi.PruneActionDelete:
		if err := r.s.users.KeepAdministrator(tx, j.account, p.Namespace, p.Name); err != nil {
			return 0, err
		}
		own := userARN(j.region, j.account, p.Namespace, p.Name)
		if moved, err = r.s.owners.Transfer(ctx, tx, j.account, own, j.heir); err != nil {
			return 0, err
		}
		call, err := api.PrepareFor(ctx, r.s.server, r.by, qs.DeleteUser, &qs.DeleteUserRequest{
			AwsAccountId: j.account, Namespace: p.Namespace, UserName: p.Name,
		})
		if err == nil {
			_, err = call.Run(tx)
		}
		return moved, err
	}
	return 0, nil
}

// count counts a step.
func (r *pruning) count(tx *store.Tx, action onsightapi.PruneAction, undone bool) error {
	return r.update(tx, func(p *prune, c *counts) {
		switch {
		case undone:
			c.Failed++
		case action == onsightapi.PruneActionWarn:
			c.Warned++
		case action == onsightapi.PruneActionDeactivate:
			c.Deactivated++
		case action == onsightapi.PruneActionDelete:
			c.Deleted++
		case action == onsightapi.PruneActionKeep:
			c.Kept++
		}
	})
}

// advance notes that users were looked at, and the end after the last of them.
func (r *pruning) advance(ctx context.Context, people []Person, more bool) error {
	return r.s.db.Write(ctx, func(tx *store.Tx) error {
		return r.update(tx, func(p *prune, c *counts) {
			c.Looked += int64(len(people))
			if len(people) > 0 {
				last := people[len(people)-1]
				p.AtNamespace, p.AtName = last.Namespace, last.Name
			}
			if !more {
				p.State, p.EndedUS = completed, new(store.Micros(r.s.now()))
			}
		})
	})
}

// fail ends a prune whose policy can't be followed any more: who should get what
// deleted users own has gone, or the namespace.
func (r *pruning) fail(ctx context.Context, why string) error {
	return r.s.db.Write(ctx, func(tx *store.Tx) error {
		return r.update(tx, func(p *prune, _ *counts) {
			p.State, p.Error, p.EndedUS = failed, &why, new(store.Micros(r.s.now()))
		})
	})
}

func (r *pruning) update(tx *store.Tx, change func(p *prune, c *counts)) error {
	p, err := findPrune(tx, r.prune.Account, r.id)
	if err != nil {
		return err
	}
	var c counts
	if err := json.Unmarshal([]byte(p.Counts), &c); err != nil {
		return fmt.Errorf("counts of prune %s: %w", r.id, err)
	}
	change(&p, &c)
	text, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("write counts: %w", err)
	}
	_, err = tx.Exec(`UPDATE prunes SET state = $3, ended_us = $4, at_namespace = $5, at_name = $6, counts = $7, error = $8 WHERE account = $1 AND id = $2`,
		p.Account, p.ID, p.State, p.EndedUS, p.AtNamespace, p.AtName, string(text), p.Error)
	return err
}
