package people

import (
	"context"
	"encoding/json"
	"fmt"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) planning(ctx context.Context, in *onsightapi.PlanPruneRequest) policy.Target {
	return onPruned(ctx, in.AwsAccountId, in.Policy)
}

// onPruned is the target of prunes: the users that a policy is about.
func onPruned(ctx context.Context, account string, p *onsightapi.PrunePolicy) policy.Target {
	namespace := "*"
	if p != nil && p.Namespace != nil {
		namespace = *p.Namespace
	}
	return onUsers(ctx, account, namespace, "*")
}

// planPrune tells what a prune would do now to which user, and why.
func (s *Service) planPrune(ctx context.Context, in *onsightapi.PlanPruneRequest) (*onsightapi.PlanPruneResponse, error) {
	if err := check(in.Policy); err != nil {
		return nil, err
	}
	text, err := json.Marshal(in.Policy)
	if err != nil {
		return nil, fmt.Errorf("write a policy: %w", err)
	}
	scope := page.Scope("PlanPrune", in.AwsAccountId, string(text))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	w := Walk{Account: in.AwsAccountId, Namespace: value(in.Policy.Namespace), Limit: looked}
	w.AfterNamespace, w.AfterName = p.After(0), p.After(1)
	if err := s.noted(ctx); err != nil {
		return nil, err
	}
	out := &onsightapi.PlanPruneResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		*out = onsightapi.PlanPruneResponse{Steps: []onsightapi.PruneStep{}}
		j, err := s.judge(ctx, tx, in.AwsAccountId, in.Policy)
		if err != nil {
			return err
		}
		people, more, err := s.users.People(tx, w)
		if err != nil {
			return err
		}
		seen := int64(0)
		for i := range people {
			if len(out.Steps) == p.Limit {
				more = true
				break
			}
			seen++
			v, err := j.of(&people[i])
			if err != nil {
				return err
			}
			if v.action != "" {
				out.Steps = append(out.Steps, people[i].step(v, j.now))
			}
		}
		out.Looked = &seen
		if more && seen > 0 {
			last := people[seen-1]
			out.NextToken = p.Next(last.Namespace, last.Name)
		}
		return nil
	})
	return out, err
}
