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
	return []api.Route{
		api.Handle(iamapi.CreateGroup, s.creatingGroup, s.createGroup),
		api.Handle(iamapi.GetGroup, s.gettingGroup, s.getGroup),
		api.Handle(iamapi.ListGroups, s.listingGroups, s.listGroups),
		api.Handle(iamapi.UpdateGroup, s.updatingGroup, s.updateGroup),
		api.Handle(iamapi.DeleteGroup, s.deletingGroup, s.deleteGroup),
		api.Handle(iamapi.AddUserToGroup, s.addingUserToGroup, s.addUserToGroup),
		api.Handle(iamapi.RemoveUserFromGroup, s.removingUserFromGroup, s.removeUserFromGroup),
		api.Handle(iamapi.ListGroupsForUser, s.listingGroupsForUser, s.listGroupsForUser),
	}
}

func (s *Service) creatingGroup(ctx context.Context, in *iamapi.CreateGroupRequest) policy.Target {
	return on(ctx, iamARN(account(ctx), "group", pathOf(in.Path), in.GroupName))
}

func (s *Service) createGroup(ctx context.Context, in *iamapi.CreateGroupRequest) (*iamapi.CreateGroupResponse, error) {
	g := group{
		Account: account(ctx), NameKey: nameKey(in.GroupName), Name: in.GroupName, Path: pathOf(in.Path),
		ID: newID(groupPrefix), CreatedUS: store.Micros(s.now()),
	}
	api.Result(ctx, &iamapi.CreateGroupResponse{Group: new(g.api())})
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		err := store.Insert(tx, "iam_groups", g)
		if store.Duplicate(err) {
			return entityAlreadyExists("Group with name %s already exists.", g.Name)
		}
		if err != nil {
			return err
		}
		if err := s.changed(tx, g.Account); err != nil {
			return err
		}
		return s.made(tx, g.Account, groups)
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateGroupResponse{Group: new(g.api())}, nil
}

func (s *Service) gettingGroup(ctx context.Context, in *iamapi.GetGroupRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

// getGroup shows a group, and its users by name.
func (s *Service) getGroup(ctx context.Context, in *iamapi.GetGroupRequest) (*iamapi.GetGroupResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "GetGroup", account(ctx), nameKey(in.GroupName))
	if err != nil {
		return nil, err
	}
	out := &iamapi.GetGroupResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, account(ctx), in.GroupName)
		if err != nil {
			return err
		}
		out.Group = new(g.api())
		rows, err := store.All[user](tx, `SELECT u.account, u.name_key, u.name, u.path, u.id, u.boundary, u.created_us
			FROM iam_group_members m JOIN iam_users u ON u.id = m.user_id
			WHERE m.group_id = $1 AND u.name_key > $2 ORDER BY u.name_key LIMIT $3`, g.ID, l.after(), l.rows())
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(u *user) []string { return []string{u.NameKey} })
		out.Users = shownUsers(rows)
		return err
	})
	return out, err
}

func (s *Service) listingGroups(ctx context.Context, in *iamapi.ListGroupsRequest) policy.Target {
	return on(ctx, iamARN(account(ctx), "group", pathOf(in.PathPrefix), ""))
}

// listGroups lists groups by name, in whichever case it is written.
func (s *Service) listGroups(ctx context.Context, in *iamapi.ListGroupsRequest) (*iamapi.ListGroupsResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "ListGroups", account(ctx), value(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListGroupsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		from, to := pathRange(in.PathPrefix)
		rows, err := store.All[group](tx, `SELECT `+groupColumns+` FROM iam_groups
			WHERE account = $1 AND name_key > $2 AND path >= $3 AND path < $4 ORDER BY name_key LIMIT $5`,
			account(ctx), l.after(), from, to, l.rows())
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(g *group) []string { return []string{g.NameKey} })
		out.Groups = shownGroups(rows)
		return err
	})
	return out, err
}

func (s *Service) updatingGroup(ctx context.Context, in *iamapi.UpdateGroupRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

// updateGroup gives a group another name or path. The caller must be allowed
// that for the group as it is called and as it is to be called. Id, members and
// policies stay the group's.
func (s *Service) updateGroup(ctx context.Context, in *iamapi.UpdateGroupRequest) (*iamapi.UpdateGroupResponse, error) {
	var old group
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		old, err = s.group(tx, account(ctx), in.GroupName)
		return err
	})
	if err != nil {
		return nil, err
	}
	next := old
	if in.NewGroupName != nil {
		next.Name, next.NameKey = *in.NewGroupName, nameKey(*in.NewGroupName)
	}
	if in.NewPath != nil {
		next.Path = *in.NewPath
	}
	if next.arn() != old.arn() {
		if err := s.also(ctx, "iam:UpdateGroup", on(ctx, next.arn())); err != nil {
			return nil, err
		}
	}
	return &iamapi.UpdateGroupResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		now, err := s.group(tx, old.Account, in.GroupName)
		if err != nil {
			return err
		}
		if now != old { // it is not what the caller may change
			return concurrentModification()
		}
		_, err = tx.Exec(`UPDATE iam_groups SET name_key = $2, name = $3, path = $4 WHERE id = $1`, now.ID, next.NameKey, next.Name, next.Path)
		if store.Duplicate(err) {
			return entityAlreadyExists("Group with name %s already exists.", next.Name)
		}
		if err != nil {
			return err
		}
		return s.changed(tx, now.Account)
	})
}

func (s *Service) deletingGroup(ctx context.Context, in *iamapi.DeleteGroupRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

// deleteGroup deletes a group without users and policies.
func (s *Service) deleteGroup(ctx context.Context, in *iamapi.DeleteGroupRequest) (*iamapi.DeleteGroupResponse, error) {
	return &iamapi.DeleteGroupResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		g, err := s.group(tx, account(ctx), in.GroupName)
		if err != nil {
			return err
		}
		err = mustHaveNone(tx, g.ID,
			leftover{`SELECT COUNT(*) FROM iam_group_members WHERE group_id = $1`, "remove users from group"},
			leftoverAttachments, leftoverInline,
		)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM iam_groups WHERE id = $1`, g.ID); err != nil {
			return err
		}
		return s.removed(tx, g.Account, g.ID, groups)
	})
}

func (s *Service) addingUserToGroup(ctx context.Context, in *iamapi.AddUserToGroupRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

// addUserToGroup makes a user a member, who may be one already.
func (s *Service) addUserToGroup(ctx context.Context, in *iamapi.AddUserToGroupRequest) (*iamapi.AddUserToGroupResponse, error) {
	return &iamapi.AddUserToGroupResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		g, u, err := s.groupAndUser(tx, account(ctx), in.GroupName, in.UserName)
		if err != nil {
			return err
		}
		added, err := tx.Exec(`INSERT INTO iam_group_members (group_id, user_id, account) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`, g.ID, u.ID, g.Account)
		if err != nil || added == 0 {
			return err
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_group_members WHERE user_id = $1`, u.ID)
		if err != nil {
			return err
		}
		if n > int64(s.quotas.GroupsPerUser) {
			return limitExceeded("GroupsPerUser: %d", s.quotas.GroupsPerUser)
		}
		return s.changed(tx, g.Account)
	})
}

func (s *Service) removingUserFromGroup(ctx context.Context, in *iamapi.RemoveUserFromGroupRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

// removeUserFromGroup ends a membership, which must be there.
func (s *Service) removeUserFromGroup(ctx context.Context, in *iamapi.RemoveUserFromGroupRequest) (*iamapi.RemoveUserFromGroupResponse, error) {
	return &iamapi.RemoveUserFromGroupResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		g, u, err := s.groupAndUser(tx, account(ctx), in.GroupName, in.UserName)
		if err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM iam_group_members WHERE group_id = $1 AND user_id = $2`, g.ID, u.ID)
		if err != nil {
			return err
		}
		if n == 0 {
			return noSuchEntity("The user with name %s is not in the group with name %s.", u.Name, g.Name)
		}
		return s.changed(tx, g.Account)
	})
}

func (s *Service) groupAndUser(tx *store.Tx, account, groupName, userName string) (group, user, error) {
	g, err := s.group(tx, account, groupName)
	if err != nil {
		return g, user{}, err
	}
	u, err := s.user(tx, account, userName)
	return g, u, err
}

func (s *Service) listingGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

// listGroupsForUser lists the groups of a user by name.
func (s *Service) listGroupsForUser(ctx context.Context, in *iamapi.ListGroupsForUserRequest) (*iamapi.ListGroupsForUserResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "ListGroupsForUser", account(ctx), nameKey(in.UserName))
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListGroupsForUserResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		u, err := s.user(tx, account(ctx), in.UserName)
		if err != nil {
			return err
		}
		rows, err := store.All[group](tx, `SELECT g.account, g.name_key, g.name, g.path, g.id, g.created_us
			FROM iam_group_members m JOIN iam_groups g ON g.id = m.group_id
			WHERE m.user_id = $1 AND g.name_key > $2 ORDER BY g.name_key LIMIT $3`, u.ID, l.after(), l.rows())
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(g *group) []string { return []string{g.NameKey} })
		out.Groups = shownGroups(rows)
		return err
	})
	return out, err
}

func shownGroups(rows []group) []iamapi.Group {
	out := make([]iamapi.Group, len(rows))
	for i := range rows {
		out[i] = rows[i].api()
	}
	return out
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

func (g group) arn() string { return iamARN(g.Account, "group", g.Path, g.Name) }

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
