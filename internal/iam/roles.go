package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) roleRoutes() []api.Route {
	return []api.Route{}
}

// role is a row of the table iam_roles.
type role struct {
	Account        string  `db:"account"`
	NameKey        string  `db:"name_key"`
	Name           string  `db:"name"`
	Path           string  `db:"path"`
	ID             string  `db:"id"`
	Trust          string  `db:"trust"`
	Description    *string `db:"description"`
	MaxSessionS    int64   `db:"max_session_s"`
	Boundary       *string `db:"boundary"`
	CreatedUS      int64   `db:"created_us"`
	LastUsedUS     *int64  `db:"last_used_us"`
	LastUsedRegion *string `db:"last_used_region"`
}

const roleColumns = `account, name_key, name, path, id, trust, description, max_session_s, boundary, created_us, last_used_us, last_used_region`

func (r *role) arn() string { return iamARN(r.Account, "role", r.Path, r.Name) }

// role reads the role of a name; NoSuchEntity when there is none.
func (s *Service) role(tx *store.Tx, account, name string) (role, error) {
	r, err := store.One[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key = $2`, account, nameKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return r, noSuchEntity("The role with name %s cannot be found.", name)
	}
	return r, err
}

// api gives the role as IAM shows it in lists, without tags, boundary and use.
// trust is its policy with ARNs in place of ids.
func (r *role) api(trust string) iamapi.Role {
	return iamapi.Role{
		Arn: r.arn(), AssumeRolePolicyDocument: encoded(trust), CreateDate: date(r.CreatedUS), Description: r.Description,
		MaxSessionDuration: new(int32(r.MaxSessionS)), Path: r.Path, RoleId: r.ID, RoleName: r.Name,
	}
}

// onRole is the target of operations on the role of a name, which may not be there.
func (s *Service) onRole(ctx context.Context, name string, keys ...policy.Keys) policy.Target {
	_, t := s.roleTarget(ctx, name, keys)
	return t
}

// onBoundedRole is onRole with the condition key iam:PermissionsBoundary: the
// role's boundary as it is. It is for operations that change the role's policies.
func (s *Service) onBoundedRole(ctx context.Context, name string, keys ...policy.Keys) policy.Target {
	r, t := s.roleTarget(ctx, name, keys)
	return bounded(t, r.Boundary)
}

func (s *Service) roleTarget(ctx context.Context, name string, keys []policy.Keys) (role, policy.Target) {
	var r role
	var tags policy.Keys
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		r, err = s.role(tx, account(ctx), name)
		if err == nil {
			tags, err = resourceTags(tx, r.ID)
		}
		return err
	})
	t, ok := target(ctx, err, r.arn(), iamARN(account(ctx), "role", "/", name))
	if !ok {
		return role{}, t
	}
	return r, with(t, append(keys, tags)...)
}
