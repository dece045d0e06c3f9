package folder

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeFolderRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// describeFolder gives a folder with the ARNs of the folders that it lies in,
// the top-level one first; one of the top level has no FolderPath.
func (s *Service) describeFolder(ctx context.Context, in *qs.DescribeFolderRequest) (*qs.DescribeFolderResponse, error) {
	out := &qs.DescribeFolderResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		path, err := pathOf(tx, it.ARN)
		if err != nil {
			return err
		}
		out.Folder = &qs.Folder{
			Arn: &it.ARN, FolderId: &it.ID, Name: &it.Name, FolderType: new(qs.FolderType(it.Type)), SharingModel: &it.Doc.SharingModel,
			CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		}
		if len(path) > 0 {
			out.Folder.FolderPath = path
		}
		return nil
	})
	return out, err
}

// get reads a folder of a subscribed account.
func (s *Service) get(ctx context.Context, tx *store.Tx, account, id string) (*item, error) {
	if err := s.accounts.Subscribed(tx, account); err != nil {
		return nil, err
	}
	return folders.Get(tx, key(ctx, account, id))
}
