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
	return []api.Route{
		api.Handle(iamapi.CreateUser, s.creatingUser, s.createUser),
		api.Handle(iamapi.GetUser, s.gettingUser, s.getUser),
		api.Handle(iamapi.ListUsers, s.listingUsers, s.listUsers),
		api.Handle(iamapi.UpdateUser, s.updatingUser, s.updateUser),
		api.Handle(iamapi.DeleteUser, s.deletingUser, s.deleteUser),
	}
}

func (s *Service) creatingUser(ctx context.Context, in *iamapi.CreateUserRequest) policy.Target {
	return bounded(on(ctx, iamARN(account(ctx), "user", pathOf(in.Path), in.UserName), requestTags(in.Tags)), in.PermissionsBoundary)
}

func (s *Service) createUser(ctx context.Context, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
	if len(in.Tags) > 0 {
		if err := s.also(ctx, "iam:TagUser", s.creatingUser(ctx, in)); err != nil {
			return nil, err
		}
	}
	u := user{
		Account: account(ctx), NameKey: nameKey(in.UserName), Name: in.UserName, Path: pathOf(in.Path),
		ID: newID(userPrefix), Boundary: in.PermissionsBoundary, CreatedUS: store.Micros(s.now()),
	}
	api.Result(ctx, &iamapi.CreateUserResponse{User: new(u.api())})
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := mayBound(tx, u.Account, u.Boundary); err != nil {
			return err
		}
		err := store.Insert(tx, "iam_users", u)
		if store.Duplicate(err) {
			return entityAlreadyExists("User with name %s already exists.", u.Name)
		}
		if err != nil {
			return err
		}
		if err := s.changed(tx, u.Account); err != nil {
			return err
		}
		if err := s.made(tx, u.Account, users); err != nil {
			return err
		}
		return putTags(tx, u.Account, u.ID, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateUserResponse{User: new(u.whole(in.Tags))}, nil
}

func (s *Service) gettingUser(ctx context.Context, in *iamapi.GetUserRequest) policy.Target {
	return s.onUserOrCaller(ctx, in.UserName)
}

// getUser shows a user, and without a name the caller: also when that is the
// account's root, which has an ARN and an id and little else.
func (s *Service) getUser(ctx context.Context, in *iamapi.GetUserRequest) (*iamapi.GetUserResponse, error) {
	if who := api.Caller(ctx); in.UserName == nil && who.Type == rootType {
		return &iamapi.GetUserResponse{User: &iamapi.User{Arn: who.ARN, UserId: who.UserID, Path: "/", UserName: "root"}}, nil
	}
	out := &iamapi.GetUserResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		u, err := s.userOrCaller(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		tags, err := tagsOf(tx, u.ID)
		out.User = new(u.whole(tags))
		return err
	})
	return out, err
}

// listingUsers is what IAM checks lists of users against: all that are under
// the path.
func (s *Service) listingUsers(ctx context.Context, in *iamapi.ListUsersRequest) policy.Target {
	return on(ctx, iamARN(account(ctx), "user", pathOf(in.PathPrefix), ""))
}

// listUsers lists users by name, in whichever case it is written.
func (s *Service) listUsers(ctx context.Context, in *iamapi.ListUsersRequest) (*iamapi.ListUsersResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "ListUsers", account(ctx), value(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListUsersResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		from, to := pathRange(in.PathPrefix)
		rows, err := store.All[user](tx, `SELECT `+userColumns+` FROM iam_users
			WHERE account = $1 AND name_key > $2 AND path >= $3 AND path < $4 ORDER BY name_key LIMIT $5`,
			account(ctx), l.after(), from, to, l.rows())
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(u *user) []string { return []string{u.NameKey} })
		out.Users = shownUsers(rows)
		return err
	})
	return out, err
}

func (s *Service) updatingUser(ctx context.Context, in *iamapi.UpdateUserRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

// updateUser gives a user another name or path. The caller must be allowed
// that for the user as it is called and as it is to be called. Id, keys, groups
// and policies stay the user's.
func (s *Service) updateUser(ctx context.Context, in *iamapi.UpdateUserRequest) (*iamapi.UpdateUserResponse, error) {
	rename := func(u user) user {
		if in.NewUserName != nil {
			u.Name, u.NameKey = *in.NewUserName, nameKey(*in.NewUserName)
		}
		if in.NewPath != nil {
			u.Path = *in.NewPath
		}
		return u
	}
	old, err := s.readUser(ctx, in.UserName)
	if err != nil {
		return nil, err
	}
	next := rename(old)
	if next.arn() != old.arn() {
		if err := s.also(ctx, "iam:UpdateUser", on(ctx, next.arn())); err != nil {
			return nil, err
		}
	}
	return &iamapi.UpdateUserResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		now, err := s.user(tx, old.Account, in.UserName)
		if err != nil {
			return err
		}
		if now.arn() != old.arn() { // it is not what the caller may change
			return concurrentModification()
		}
		_, err = tx.Exec(`UPDATE iam_users SET name_key = $2, name = $3, path = $4 WHERE id = $1`, now.ID, next.NameKey, next.Name, next.Path)
		if store.Duplicate(err) {
			return entityAlreadyExists("User with name %s already exists.", next.Name)
		}
		if err != nil {
			return err
		}
		return s.changed(tx, now.Account)
	})
}

func (s *Service) deletingUser(ctx context.Context, in *iamapi.DeleteUserRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

// deleteUser deletes a user who has nothing any more.
func (s *Service) deleteUser(ctx context.Context, in *iamapi.DeleteUserRequest) (*iamapi.DeleteUserResponse, error) {
	return &iamapi.DeleteUserResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := s.user(tx, account(ctx), in.UserName)
		if err != nil {
			return err
		}
		err = mustHaveNone(tx, u.ID,
			leftover{`SELECT COUNT(*) FROM iam_access_keys WHERE user_id = $1`, "delete access keys"},
			leftoverAttachments, leftoverInline,
			leftover{`SELECT COUNT(*) FROM iam_group_members WHERE user_id = $1`, "remove users from group"},
		)
		if err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM iam_users WHERE id = $1`, u.ID); err != nil {
			return err
		}
		return s.removed(tx, u.Account, u.ID, users)
	})
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

func (u user) arn() string { return iamARN(u.Account, "user", u.Path, u.Name) }

// api gives the user as IAM shows it in lists, without tags and boundary.
func (u *user) api() iamapi.User {
	return iamapi.User{Arn: u.arn(), CreateDate: date(u.CreatedUS), Path: u.Path, UserId: u.ID, UserName: u.Name}
}

// whole gives the user as IAM shows it alone.
func (u *user) whole(tags []iamapi.Tag) iamapi.User {
	out := u.api()
	out.PermissionsBoundary = boundaryOf(u.Boundary)
	if len(tags) > 0 {
		out.Tags = tags
	}
	return out
}

func shownUsers(rows []user) []iamapi.User {
	out := make([]iamapi.User, len(rows))
	for i := range rows {
		out[i] = rows[i].api()
	}
	return out
}

// user reads the user of a name; NoSuchEntity when there is none.
func (s *Service) user(tx *store.Tx, account, name string) (user, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key = $2`, account, nameKey(name))
	if errors.Is(err, store.ErrNotFound) {
		return u, noSuchEntity("The user with name %s cannot be found.", name)
	}
	return u, err
}

// readUser is user in a transaction of its own, of the caller's account.
func (s *Service) readUser(ctx context.Context, name string) (u user, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = s.user(tx, account(ctx), name)
		return err
	})
	return u, err
}

// The types of callers, as api.Principal has them.
const (
	rootType = "Root"
	userType = "IAMUser"
)

// userOrCaller reads the user of a name, and without a name the one who calls.
func (s *Service) userOrCaller(ctx context.Context, tx *store.Tx, name *string) (user, error) {
	if name != nil {
		return s.user(tx, account(ctx), *name)
	}
	who := api.Caller(ctx)
	if who.Type != userType {
		return user{}, validationError("Must specify userName when calling with non-User credentials")
	}
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE id = $1 AND account = $2`, who.UserID, who.Account)
	if errors.Is(err, store.ErrNotFound) {
		return u, noSuchEntity("The user with name %s cannot be found.", lastSegment(who.ARN))
	}
	return u, err
}

// onUserOrCaller is onUser for operations that without a name are about the caller.
func (s *Service) onUserOrCaller(ctx context.Context, name *string) policy.Target {
	if name != nil {
		return s.onUser(ctx, *name)
	}
	who := api.Caller(ctx)
	if who.Type != userType {
		return on(ctx, who.ARN)
	}
	return s.onUser(ctx, lastSegment(who.ARN))
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
