package folder

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateFolderRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// updateFolder gives a folder another name.
func (s *Service) updateFolder(ctx context.Context, in *qs.UpdateFolderRequest) (*qs.UpdateFolderResponse, error) {
	out := &qs.UpdateFolderResponse{FolderId: &in.FolderId}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := folders.Update(tx, key(ctx, in.AwsAccountId, in.FolderId), s.now(), func(it *item) error {
			it.Name = in.Name
			return nil
		})
		if err != nil {
			return err
		}
		out.Arn = &it.ARN
		return nil
	})
	return out, err
}
