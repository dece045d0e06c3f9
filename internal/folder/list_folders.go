package folder

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListFoldersRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, "*")
}

// listFolders lists the folders of an account in the region, by id.
func (s *Service) listFolders(ctx context.Context, in *qs.ListFoldersRequest) (*qs.ListFoldersResponse, error) {
	out := &qs.ListFoldersResponse{}
	var err error
	scope := page.Scope("ListFolders", in.AwsAccountId, api.Region(ctx))
	out.FolderSummaryList, out.NextToken, err = s.page(ctx, scope, in.AwsAccountId, in.MaxResults, in.NextToken,
		func(*store.Tx) (resource.Filter, error) { return resource.Filter{}, nil })
	return out, err
}

// page reads one page of the folders that a filter takes, and makes the token
// of the next one. The filter may need the store.
func (s *Service) page(ctx context.Context, scope, account string, maxResults *int32, token *string,
	filter func(*store.Tx) (resource.Filter, error),
) (list []qs.FolderSummary, next *string, err error) {
	p, err := s.tokens.Page(scope, token, maxResults, page.Usual)
	if err != nil {
		return nil, nil, err
	}
	var items []*item
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, account); err != nil {
			return err
		}
		f, err := filter(tx)
		if err != nil {
			return err
		}
		items, err = folders.List(tx, account, api.Region(ctx), f, p.After(0), p.Limit+1)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if page.Cut(p, &items) {
		next = p.Next(items[len(items)-1].ID)
	}
	list = make([]qs.FolderSummary, len(items))
	for i, it := range items {
		list[i] = qs.FolderSummary{
			Arn: &it.ARN, FolderId: &it.ID, Name: &it.Name, FolderType: new(qs.FolderType(it.Type)), SharingModel: &it.Doc.SharingModel,
			CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		}
	}
	return list, next, nil
}
