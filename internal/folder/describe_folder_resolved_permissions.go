package folder

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingResolved(ctx context.Context, in *qs.DescribeFolderResolvedPermissionsRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// describeFolderResolvedPermissions gives who may do what with a folder by its
// own permission list and by those of all folders that it lies in.
func (s *Service) describeFolderResolvedPermissions(
	ctx context.Context, in *qs.DescribeFolderResolvedPermissionsRequest,
) (*qs.DescribeFolderResolvedPermissionsResponse, error) {
	out := &qs.DescribeFolderResolvedPermissionsResponse{FolderId: &in.FolderId}
	arn := onFolder(ctx, in.AwsAccountId, in.FolderId).Resource
	p, err := s.permissionPage("DescribeFolderResolvedPermissions", arn, in.Namespace, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		list, err := resolved(tx, it.ARN)
		if err != nil {
			return err
		}
		out.Arn = &it.ARN
		out.Permissions, out.NextToken = partOf(p, inNamespace(list, in.Namespace))
		return nil
	})
	return out, err
}
