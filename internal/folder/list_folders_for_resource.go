package folder

import (
	"context"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingForResource(_ context.Context, in *qs.ListFoldersForResourceRequest) policy.Target {
	return policy.Target{Resource: in.ResourceArn}
}

// listFoldersForResource lists the folders that something lies in, by ARN.
func (s *Service) listFoldersForResource(ctx context.Context, in *qs.ListFoldersForResourceRequest) (*qs.ListFoldersForResourceResponse, error) {
	a, err := arn.Parse(in.ResourceArn)
	if err != nil {
		return nil, fault.Invalid("ResourceArn %s isn't valid: %v.", in.ResourceArn, err)
	}
	kind, ok := s.kindOf(in.ResourceArn)
	scope := page.Scope("ListFoldersForResource", in.AwsAccountId, in.ResourceArn)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, maxFolders)
	if err != nil {
		return nil, err
	}
	p.Limit = min(p.Limit, maxFolders)
	out := &qs.ListFoldersForResourceResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		there := ok && a.Account == in.AwsAccountId
		if there {
			if there, err = kind.Exists(tx, a); err != nil {
				return err
			}
		}
		if !there {
			return fault.NotFound("", "Resource %s can't be found.", in.ResourceArn)
		}
		in, err := store.All[string](tx, `SELECT folder FROM folder_members WHERE member = $1 AND folder > $2 ORDER BY folder LIMIT $3`,
			in.ResourceArn, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &in) {
			out.NextToken = p.Next(in[len(in)-1])
		}
		out.Folders = append([]string{}, in...)
		return nil
	})
	return out, err
}
