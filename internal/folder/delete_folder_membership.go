package folder

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) removing(ctx context.Context, in *qs.DeleteFolderMembershipRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// deleteFolderMembership takes something out of a folder. The last folder of a
// restricted tree does not let go of it.
func (s *Service) deleteFolderMembership(ctx context.Context, in *qs.DeleteFolderMembershipRequest) (*qs.DeleteFolderMembershipResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		member, kind, err := s.memberARN(ctx, in.AwsAccountId, in.MemberType, in.MemberId)
		if err != nil {
			return err
		}
		gone, err := tx.Exec(`DELETE FROM folder_members WHERE folder = $1 AND member = $2`, it.ARN, member)
		if err != nil {
			return err
		}
		if gone == 0 {
			return fault.NotFound("", "%s %s isn't in folder %s.", kind.Label, in.MemberId, it.ID)
		}
		if it.Type != string(qs.FolderTypeRestricted) {
			return nil
		}
		in, err := foldersOf(tx, member)
		if err == nil && len(in) == 0 {
			return fault.Invalid("%s can't leave the restricted folder %s; it can be put into another folder of its tree first.", member, it.ID)
		}
		return err
	})
	return &qs.DeleteFolderMembershipResponse{}, err
}
