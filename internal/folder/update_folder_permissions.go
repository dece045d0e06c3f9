package folder

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updatingPermissions(ctx context.Context, in *qs.UpdateFolderPermissionsRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// updateFolderPermissions revokes and then grants. Whoever is on the list
// afterwards has one of the folder's roles, with all that it may do.
func (s *Service) updateFolderPermissions(
	ctx context.Context, in *qs.UpdateFolderPermissionsRequest,
) (*qs.UpdateFolderPermissionsResponse, error) {
	if len(in.GrantPermissions)+len(in.RevokePermissions) == 0 {
		return nil, fault.Invalid("GrantPermissions, RevokePermissions or both must be given.")
	}
	out := &qs.UpdateFolderPermissionsResponse{FolderId: &in.FolderId}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		of := qs.FolderType(it.Type)
		if err := sharable(in.AwsAccountId, of, in.GrantPermissions); err != nil {
			return err
		}
		if err := folders.Sharing.Check(in.AwsAccountId, in.RevokePermissions); err != nil {
			return err
		}
		out.Arn = &it.ARN
		out.Permissions, err = folders.Share(tx, it.ARN, in.RevokePermissions, in.GrantPermissions, s.principals)
		if err != nil {
			return err
		}
		for _, e := range out.Permissions {
			if !isRole(of, e.Actions) {
				return unsupported(of, e.Actions)
			}
		}
		return nil
	})
	return out, err
}
