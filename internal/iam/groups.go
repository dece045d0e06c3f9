package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) groupRoutes() []api.Route {
	return []api.Route{}
}

// group is a row of the table iam_groups.
type group struct {
	Account   string `db:"account"`
	NameKey   string `db:"name_key"`
	Name      string `db:"name"`
	Path      string `db:"path"`
	ID        string `db:"id"`
	CreatedUS int64  `db:"created_us"`
}

const groupColumns = `account, name_key, name, path, id, created_us`

func (g *group) arn() string { return iamARN(g.Account, "group", g.Path, g.Name) }

// api gives the group as IAM shows it.
func (g *group) api() iamapi.Group {
	return iamapi.Group{Arn: g.arn(), CreateDate: date(g.CreatedUS), GroupId: g.ID, GroupName: g.Name, Path: g.Path}
}

// group reads the group of a name; NoSuchEntity when there is none.
func (s *Service) group(tx *store.Tx, account, name string) (group, error) {
	g, err := store.One[group](tx, `SELECT `+groupColumns+` FROM iam_groups WHERE account = $1 AND name_key = $2`, account, nameKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return g, noSuchEntity("The group with name %s cannot be found.", name)
	}
	return g, err
}

// onGroup is the target of operations on the group of a name, which may not be there.
func (s *Service) onGroup(ctx context.Context, name string, keys ...policy.Keys) policy.Target {
	var g group
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		g, err = s.group(tx, account(ctx), name)
		return err
	})
	t, ok := target(ctx, err, g.arn(), iamARN(account(ctx), "group", "/", name))
	if !ok {
		return t
	}
	return with(t, keys...)
}
