package folder

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteFolderRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// deleteFolder removes an empty folder; one that is not is a
// PreconditionNotMetException, which no other operation on folders has.
func (s *Service) deleteFolder(ctx context.Context, in *qs.DeleteFolderRequest) (*qs.DeleteFolderResponse, error) {
	out := &qs.DeleteFolderResponse{FolderId: &in.FolderId}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		out.Arn = &it.ARN
		if some, err := hasChildren(tx, it.ARN); err != nil {
			return err
		} else if some {
			return fault.Precondition("Folder %s isn't empty: it has subfolders.", it.ID)
		}
		members, err := store.All[string](tx, `SELECT member FROM folder_members WHERE folder = $1 ORDER BY member LIMIT 1`, it.ARN)
		if err != nil {
			return err
		}
		if len(members) > 0 {
			return fault.Precondition("Folder %s isn't empty: it has members, such as %s.", it.ID, members[0])
		}
		if _, err := tx.Exec(`DELETE FROM folder_tree WHERE arn = $1`, it.ARN); err != nil {
			return err
		}
		if _, err := folders.Delete(tx, it.Key); err != nil {
			return err
		}
		return s.tags.Delete(tx, it.ARN)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
