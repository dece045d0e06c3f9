package governance

import (
	"context"
	"errors"
	"slices"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) describingLimits(ctx context.Context, in *qs.BatchDescribeUserLimitsRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, "*")
}

// batchDescribeUserLimits gives the limits in force of users, by type of
// resource: of the profile that is nearest to the user and limits it. Without
// one there is no limit, and no entry. Users who are not there are named apart.
func (s *Service) batchDescribeUserLimits(ctx context.Context, in *qs.BatchDescribeUserLimitsRequest) (*qs.BatchDescribeUserLimitsResponse, error) {
	if len(in.Users) == 0 {
		return nil, fault.Invalid("users must name at least one user.")
	}
	types := in.ResourceTypes
	if len(types) == 0 {
		types = []qs.ResourceType{qs.ResourceTypeIndexStorage, qs.ResourceTypeAgentHours}
	}
	var out *qs.BatchDescribeUserLimitsResponse
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		out = &qs.BatchDescribeUserLimitsResponse{Errors: []qs.BatchDescribeUserLimitsError{}, UserLimits: []qs.UserLimits{}}
		if err := s.open(ctx, tx, in.AccountId); err != nil {
			return err
		}
		r := resolver{service: s, tx: tx, account: in.AccountId, region: api.Region(ctx), profiles: map[string]*resource.Item[profile]{}}
		for _, u := range in.Users {
			p, err := s.people.Person(tx, r.region, in.AccountId, u.Namespace, u.UserName)
			if errors.Is(err, store.ErrNotFound) {
				out.Errors = append(out.Errors, qs.BatchDescribeUserLimitsError{
					ErrorCode: "ResourceNotFoundException", Message: "User " + u.UserName + " can't be found in namespace " + u.Namespace + ".",
					Namespace: &u.Namespace, UserName: &u.UserName,
				})
				continue
			}
			if err != nil {
				return err
			}
			found, err := r.limits(p, types)
			if err != nil {
				return err
			}
			out.UserLimits = append(out.UserLimits, qs.UserLimits{EffectiveLimits: found, Namespace: u.Namespace, UserName: u.UserName})
		}
		return nil
	})
	return out, err
}

// A resolver finds the limits of users in one transaction.
type resolver struct {
	service         *Service
	tx              *store.Tx
	account, region string
	profiles        map[string]*resource.Item[profile] // those read so far
	groups          map[string]string                  // the profiles of groups, once they are needed
}

// limits are those of a user, for each of the types that has one.
func (r *resolver) limits(p Person, types []qs.ResourceType) ([]qs.EffectiveLimit, error) {
	levels, err := r.levels(p)
	if err != nil {
		return nil, err
	}
	out := []qs.EffectiveLimit{}
	for i, t := range types {
		if slices.Contains(types[:i], t) {
			continue
		}
		for _, l := range levels {
			if limit := l.limit(t); limit != nil {
				out = append(out, *limit)
				break
			}
		}
	}
	return out, nil
}

// A level is what is assigned to a user in one way. Only groups may give
// several profiles.
type level struct {
	source   qs.LimitSource
	profiles []*resource.Item[profile]
}

// limit is the level's limit of a resource, or nil. Of several groups the one
// that allows most decides; where they allow the same, the first by id.
func (l level) limit(t qs.ResourceType) *qs.EffectiveLimit {
	var best *qs.EffectiveLimit
	most := int64(-1)
	for _, p := range l.profiles {
		v, ok := p.Doc.Limits[t]
		if !ok {
			continue
		}
		if n := amount(t, v); n > most {
			most, best = n, &qs.EffectiveLimit{LimitUnit: v.Unit, LimitValue: v.MaxValue, ProfileId: p.ID, ResourceType: t, Source: l.source}
		}
	}
	return best
}

// levels are those of a user, the nearest first.
func (r *resolver) levels(p Person) ([]level, error) {
	own, err := store.All[assignment](r.tx, `SELECT `+assignmentColumns+` FROM limits_assignments
		WHERE account = $1 AND (kind = $2 AND target = $3 OR kind = $4 AND target = $5 OR kind = $6 AND target = '')`,
		r.account, toUser, p.ARN, toRole, p.Role, toAccount)
	if err != nil {
		return nil, err
	}
	of := map[string][]string{}
	for _, a := range own {
		of[a.Kind] = []string{a.Profile}
	}
	if of[toGroup], err = r.ofGroups(p); err != nil {
		return nil, err
	}
	levels := []level{{source: qs.LimitSourceDirectUser}, {source: qs.LimitSourceGroup}, {source: qs.LimitSourceRole}, {source: qs.LimitSourceAccount}}
	for i, kind := range []string{toUser, toGroup, toRole, toAccount} {
		for _, id := range of[kind] {
			it, ok := r.profiles[id]
			if !ok {
				if it, err = profiles.Get(r.tx, resource.Key{Account: r.account, Region: r.region, ID: id}); err != nil {
					return nil, err
				}
				r.profiles[id] = it
			}
			levels[i].profiles = append(levels[i].profiles, it)
		}
	}
	return levels, nil
}

// ofGroups are the profiles of the groups of a user, by id.
func (r *resolver) ofGroups(p Person) ([]string, error) {
	if r.groups == nil {
		rows, err := store.All[assignment](r.tx, `SELECT `+assignmentColumns+` FROM limits_assignments WHERE account = $1 AND kind = $2`, r.account, toGroup)
		if err != nil {
			return nil, err
		}
		r.groups = make(map[string]string, len(rows))
		for _, a := range rows {
			r.groups[a.Target] = a.Profile
		}
	}
	if len(r.groups) == 0 {
		return nil, nil
	}
	user, err := arn.Parse(p.ARN)
	if err != nil {
		return nil, err
	}
	groups, err := r.service.people.Groups(r.tx, user)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, g := range groups {
		if id, ok := r.groups[g]; ok {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}
