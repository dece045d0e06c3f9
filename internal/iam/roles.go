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
	return []api.Route{
		api.Handle(iamapi.CreateRole, s.creatingRole, s.createRole),
		api.Handle(iamapi.GetRole, s.gettingRole, s.getRole),
		api.Handle(iamapi.ListRoles, s.listingRoles, s.listRoles),
		api.Handle(iamapi.UpdateRole, s.updatingRole, s.updateRole),
		api.Handle(iamapi.UpdateRoleDescription, s.updatingRoleDescription, s.updateRoleDescription),
		api.Handle(iamapi.UpdateAssumeRolePolicy, s.updatingTrust, s.updateTrust),
		api.Handle(iamapi.DeleteRole, s.deletingRole, s.deleteRole),
		api.Handle(iamapi.ListInstanceProfilesForRole, s.listingInstanceProfiles, s.listInstanceProfiles),
	}
}

// defaultSession is how long the sessions of a role may last that says nothing
// else, in seconds.
const defaultSession = 3600

func (s *Service) creatingRole(ctx context.Context, in *iamapi.CreateRoleRequest) policy.Target {
	return bounded(on(ctx, iamARN(account(ctx), "role", pathOf(in.Path), in.RoleName), requestTags(in.Tags)), in.PermissionsBoundary)
}

func (s *Service) createRole(ctx context.Context, in *iamapi.CreateRoleRequest) (*iamapi.CreateRoleResponse, error) {
	if len(in.Tags) > 0 {
		if err := s.also(ctx, "iam:TagRole", s.creatingRole(ctx, in)); err != nil {
			return nil, err
		}
	}
	r := role{
		Account: account(ctx), NameKey: nameKey(in.RoleName), Name: in.RoleName, Path: pathOf(in.Path), ID: newID(rolePrefix),
		Description: in.Description, MaxSessionS: defaultSession, Boundary: in.PermissionsBoundary, CreatedUS: store.Micros(s.now()),
	}
	if in.MaxSessionDuration != nil {
		r.MaxSessionS = int64(*in.MaxSessionDuration)
	}
	api.Result(ctx, &iamapi.CreateRoleResponse{Role: new(r.api(in.AssumeRolePolicyDocument))})
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if r.Trust, err = s.trustPolicy(tx, in.AssumeRolePolicyDocument); err != nil {
			return err
		}
		if err := mayBound(tx, r.Account, r.Boundary); err != nil {
			return err
		}
		err = store.Insert(tx, "iam_roles", r)
		if store.Duplicate(err) {
			return entityAlreadyExists("Role with name %s already exists.", r.Name)
		}
		if err != nil {
			return err
		}
		if err := s.changed(tx, r.Account); err != nil {
			return err
		}
		if err := s.made(tx, r.Account, roles); err != nil {
			return err
		}
		return putTags(tx, r.Account, r.ID, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	out := r.api(in.AssumeRolePolicyDocument)
	out.PermissionsBoundary = boundaryOf(r.Boundary)
	if len(in.Tags) > 0 {
		out.Tags = in.Tags
	}
	return &iamapi.CreateRoleResponse{Role: &out}, nil
}

func (s *Service) gettingRole(ctx context.Context, in *iamapi.GetRoleRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

func (s *Service) getRole(ctx context.Context, in *iamapi.GetRoleRequest) (*iamapi.GetRoleResponse, error) {
	out := &iamapi.GetRoleResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		r, err := s.role(tx, account(ctx), in.RoleName)
		if err != nil {
			return err
		}
		out.Role, err = s.whole(tx, r)
		return err
	})
	return out, err
}

// whole gives a role as IAM shows it alone.
func (s *Service) whole(tx *store.Tx, r role) (*iamapi.Role, error) {
	trust, err := shownTrust(tx, r.Trust)
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(tx, r.ID)
	if err != nil {
		return nil, err
	}
	out := r.api(trust[0])
	out.PermissionsBoundary = boundaryOf(r.Boundary)
	if len(tags) > 0 {
		out.Tags = tags
	}
	out.RoleLastUsed = &iamapi.RoleLastUsed{LastUsedDate: dateOrNil(r.LastUsedUS), Region: r.LastUsedRegion}
	if u, ok := s.lastUse(r.ID); ok {
		out.RoleLastUsed = &iamapi.RoleLastUsed{LastUsedDate: date(u.us), Region: &u.Region}
	}
	return &out, nil
}

func (s *Service) listingRoles(ctx context.Context, in *iamapi.ListRolesRequest) policy.Target {
	return on(ctx, iamARN(account(ctx), "role", pathOf(in.PathPrefix), ""))
}

// listRoles lists roles by name, in whichever case it is written.
func (s *Service) listRoles(ctx context.Context, in *iamapi.ListRolesRequest) (*iamapi.ListRolesResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "ListRoles", account(ctx), value(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListRolesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		from, to := pathRange(in.PathPrefix)
		rows, err := store.All[role](tx, `SELECT `+roleColumns+` FROM iam_roles
			WHERE account = $1 AND name_key > $2 AND path >= $3 AND path < $4 ORDER BY name_key LIMIT $5`,
			account(ctx), l.after(), from, to, l.rows())
		if err != nil {
			return err
		}
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(r *role) []string { return []string{r.NameKey} })
		kept := make([]string, len(rows))
		for i := range rows {
			kept[i] = rows[i].Trust
		}
		trust, err := shownTrust(tx, kept...)
		if err != nil {
			return err
		}
		out.Roles = make([]iamapi.Role, len(rows))
		for i := range rows {
			out.Roles[i] = rows[i].api(trust[i])
		}
		return nil
	})
	return out, err
}

func (s *Service) updatingRole(ctx context.Context, in *iamapi.UpdateRoleRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

// updateRole sets how long sessions may last, an hour where the request does
// not say (API reference, UpdateRole), and the description where it does.
func (s *Service) updateRole(ctx context.Context, in *iamapi.UpdateRoleRequest) (*iamapi.UpdateRoleResponse, error) {
	return &iamapi.UpdateRoleResponse{}, s.changeRole(ctx, in.RoleName, func(_ *store.Tx, r *role) error {
		r.MaxSessionS = defaultSession
		if in.MaxSessionDuration != nil {
			r.MaxSessionS = int64(*in.MaxSessionDuration)
		}
		if in.Description != nil {
			r.Description = in.Description
		}
		return nil
	})
}

func (s *Service) updatingRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

func (s *Service) updateRoleDescription(ctx context.Context, in *iamapi.UpdateRoleDescriptionRequest) (*iamapi.UpdateRoleDescriptionResponse, error) {
	out := &iamapi.UpdateRoleDescriptionResponse{}
	err := s.changeRole(ctx, in.RoleName, func(tx *store.Tx, r *role) (err error) {
		r.Description = &in.Description
		out.Role, err = s.whole(tx, *r)
		return err
	})
	return out, err
}

func (s *Service) updatingTrust(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

// updateTrust replaces a role's trust policy. Sessions that have begun go on.
func (s *Service) updateTrust(ctx context.Context, in *iamapi.UpdateAssumeRolePolicyRequest) (*iamapi.UpdateAssumeRolePolicyResponse, error) {
	return &iamapi.UpdateAssumeRolePolicyResponse{}, s.changeRole(ctx, in.RoleName, func(tx *store.Tx, r *role) (err error) {
		r.Trust, err = s.trustPolicy(tx, in.PolicyDocument)
		return err
	})
}

// changeRole reads a role, changes it and writes what can change of it.
func (s *Service) changeRole(ctx context.Context, name string, change func(tx *store.Tx, r *role) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		r, err := s.role(tx, account(ctx), name)
		if err != nil {
			return err
		}
		if err := change(tx, &r); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE iam_roles SET trust = $2, description = $3, max_session_s = $4 WHERE id = $1`,
			r.ID, r.Trust, r.Description, r.MaxSessionS)
		if err != nil {
			return err
		}
		return s.changed(tx, r.Account)
	})
}

func (s *Service) deletingRole(ctx context.Context, in *iamapi.DeleteRoleRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

// deleteRole deletes a role without policies. Its sessions end with it.
func (s *Service) deleteRole(ctx context.Context, in *iamapi.DeleteRoleRequest) (*iamapi.DeleteRoleResponse, error) {
	return &iamapi.DeleteRoleResponse{}, s.db.Write(ctx, func(tx *store.Tx) error {
		r, err := s.role(tx, account(ctx), in.RoleName)
		if err != nil {
			return err
		}
		if err := mustHaveNone(tx, r.ID, leftoverAttachments, leftoverInline); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM iam_roles WHERE id = $1`, r.ID); err != nil {
			return err
		}
		return s.removed(tx, r.Account, r.ID, roles)
	})
}

func (s *Service) listingInstanceProfiles(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

// listInstanceProfiles lists nothing, for there are no instances here. Clients
// ask before they delete a role.
func (s *Service) listInstanceProfiles(ctx context.Context, in *iamapi.ListInstanceProfilesForRoleRequest) (*iamapi.ListInstanceProfilesForRoleResponse, error) {
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := s.role(tx, account(ctx), in.RoleName)
		return err
	})
	return &iamapi.ListInstanceProfilesForRoleResponse{InstanceProfiles: []iamapi.InstanceProfile{}, IsTruncated: new(false)}, err
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

func (r role) arn() string { return iamARN(r.Account, "role", r.Path, r.Name) }

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
		MaxSessionDuration: small(r.MaxSessionS), Path: r.Path, RoleId: r.ID, RoleName: r.Name,
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
