package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) userRoutes() []api.Route {
	return []api.Route{}
}

// user is a row of the table iam_users.
type user struct {
	Account   string  `db:"account"`
	NameKey   string  `db:"name_key"`
	Name      string  `db:"name"`
	Path      string  `db:"path"`
	ID        string  `db:"id"`
	Boundary  *string `db:"boundary"`
	CreatedUS int64   `db:"created_us"`
}

const userColumns = `account, name_key, name, path, id, boundary, created_us`

func (u *user) arn() string { return iamARN(u.Account, "user", u.Path, u.Name) }

// api gives the user as IAM shows it in lists, without tags and boundary.
func (u *user) api() iamapi.User {
	return iamapi.User{Arn: u.arn(), CreateDate: date(u.CreatedUS), Path: u.Path, UserId: u.ID, UserName: u.Name}
}

// user reads the user of a name; NoSuchEntity when there is none.
func (s *Service) user(tx *store.Tx, account, name string) (user, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key = $2`, account, nameKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return u, noSuchEntity("The user with name %s cannot be found.", name)
	}
	return u, err
}

// onUser is the target of operations on the user of a name, who may not be there.
func (s *Service) onUser(ctx context.Context, name string, keys ...policy.Keys) policy.Target {
	_, t := s.userTarget(ctx, name, keys)
	return t
}

// onBoundedUser is onUser with the condition key iam:PermissionsBoundary: the
// user's boundary as it is. It is for operations that change the user's policies.
func (s *Service) onBoundedUser(ctx context.Context, name string, keys ...policy.Keys) policy.Target {
	u, t := s.userTarget(ctx, name, keys)
	return bounded(t, u.Boundary)
}

func (s *Service) userTarget(ctx context.Context, name string, keys []policy.Keys) (user, policy.Target) {
	var u user
	var tags policy.Keys
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = s.user(tx, account(ctx), name)
		if err == nil {
			tags, err = resourceTags(tx, u.ID)
		}
		return err
	})
	t, ok := target(ctx, err, u.arn(), iamARN(account(ctx), "user", "/", name))
	if !ok {
		return user{}, t
	}
	return u, with(t, append(keys, tags)...)
}
