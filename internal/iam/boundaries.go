package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) boundaryRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.PutUserPermissionsBoundary, s.boundingUser, s.putUserPermissionsBoundary),
		api.Handle(iamapi.DeleteUserPermissionsBoundary, s.unboundingUser, s.deleteUserPermissionsBoundary),
		api.Handle(iamapi.PutRolePermissionsBoundary, s.boundingRole, s.putRolePermissionsBoundary),
		api.Handle(iamapi.DeleteRolePermissionsBoundary, s.unboundingRole, s.deleteRolePermissionsBoundary),
	}
}

// requestedBoundary is the condition key iam:PermissionsBoundary of operations
// that set one: who may give boundaries may be held to a certain one.
func requestedBoundary(policyARN string) policy.Keys {
	return policy.Keys{"iam:permissionsboundary": {policyARN}}
}

func (s *Service) boundingUser(ctx context.Context, in *iamapi.PutUserPermissionsBoundaryRequest) policy.Target {
	return s.onUser(ctx, in.UserName, requestedBoundary(in.PermissionsBoundary))
}

// putUserPermissionsBoundary makes a managed policy the boundary of what a user may do.
func (s *Service) putUserPermissionsBoundary(ctx context.Context, in *iamapi.PutUserPermissionsBoundaryRequest) (*iamapi.PutUserPermissionsBoundaryResponse, error) {
	return &iamapi.PutUserPermissionsBoundaryResponse{}, s.setBoundary(ctx, ofUser, in.UserName, &in.PermissionsBoundary)
}

func (s *Service) unboundingUser(ctx context.Context, in *iamapi.DeleteUserPermissionsBoundaryRequest) policy.Target {
	return s.onBoundedUser(ctx, in.UserName)
}

// deleteUserPermissionsBoundary takes the boundary of a user away. It is no
// error if there is none.
func (s *Service) deleteUserPermissionsBoundary(ctx context.Context, in *iamapi.DeleteUserPermissionsBoundaryRequest) (*iamapi.DeleteUserPermissionsBoundaryResponse, error) {
	return &iamapi.DeleteUserPermissionsBoundaryResponse{}, s.setBoundary(ctx, ofUser, in.UserName, nil)
}

func (s *Service) boundingRole(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryRequest) policy.Target {
	return s.onRole(ctx, in.RoleName, requestedBoundary(in.PermissionsBoundary))
}

// putRolePermissionsBoundary makes a managed policy the boundary of what a role may do.
func (s *Service) putRolePermissionsBoundary(ctx context.Context, in *iamapi.PutRolePermissionsBoundaryRequest) (*iamapi.PutRolePermissionsBoundaryResponse, error) {
	return &iamapi.PutRolePermissionsBoundaryResponse{}, s.setBoundary(ctx, ofRole, in.RoleName, &in.PermissionsBoundary)
}

func (s *Service) unboundingRole(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryRequest) policy.Target {
	return s.onBoundedRole(ctx, in.RoleName)
}

// deleteRolePermissionsBoundary takes the boundary of a role away. It is no
// error if there is none.
func (s *Service) deleteRolePermissionsBoundary(ctx context.Context, in *iamapi.DeleteRolePermissionsBoundaryRequest) (*iamapi.DeleteRolePermissionsBoundaryResponse, error) {
	return &iamapi.DeleteRolePermissionsBoundaryResponse{}, s.setBoundary(ctx, ofRole, in.RoleName, nil)
}

// setBoundary gives a user or a role a boundary, or takes it away.
func (s *Service) setBoundary(ctx context.Context, kind holderKind, name string, boundary *string) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		if err := mayBound(tx, h.account, boundary); err != nil {
			return err
		}
		if kind == ofUser {
			_, err = tx.Exec(`UPDATE iam_users SET boundary = $2 WHERE id = $1`, h.id, boundary)
		} else {
			_, err = tx.Exec(`UPDATE iam_roles SET boundary = $2 WHERE id = $1`, h.id, boundary)
		}
		return errors.Join(err, s.changed(tx, h.account))
	})
}
