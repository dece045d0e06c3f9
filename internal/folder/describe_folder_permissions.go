package folder

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingPermissions(ctx context.Context, in *qs.DescribeFolderPermissionsRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// describeFolderPermissions gives a folder's own permission list, by principal;
// of one namespace where it is named.
func (s *Service) describeFolderPermissions(
	ctx context.Context, in *qs.DescribeFolderPermissionsRequest,
) (*qs.DescribeFolderPermissionsResponse, error) {
	out := &qs.DescribeFolderPermissionsResponse{FolderId: &in.FolderId}
	arn := onFolder(ctx, in.AwsAccountId, in.FolderId).Resource
	p, err := s.permissionPage("DescribeFolderPermissions", arn, in.Namespace, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		list, err := folders.Permissions(tx, it.ARN)
		if err != nil {
			return err
		}
		out.Arn = &it.ARN
		out.Permissions, out.NextToken = partOf(p, inNamespace(list, in.Namespace))
		return nil
	})
	return out, err
}
