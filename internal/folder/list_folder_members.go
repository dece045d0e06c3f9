package folder

import (
	"context"
	"strings"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingMembers(ctx context.Context, in *qs.ListFolderMembersRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// listFolderMembers lists what lies in a folder itself, by ARN. Subfolders are
// not members: SearchFolders finds them by PARENT_FOLDER_ARN.
func (s *Service) listFolderMembers(ctx context.Context, in *qs.ListFolderMembersRequest) (*qs.ListFolderMembersResponse, error) {
	folderARN := onFolder(ctx, in.AwsAccountId, in.FolderId).Resource
	scope := page.Scope("ListFolderMembers", folderARN)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListFolderMembersResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId); err != nil {
			return err
		}
		members, err := store.All[string](tx, `SELECT member FROM folder_members WHERE folder = $1 AND member > $2 ORDER BY member LIMIT $3`,
			folderARN, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &members) {
			out.NextToken = p.Next(members[len(members)-1])
		}
		out.FolderMemberList = make([]qs.MemberIdArnPair, len(members))
		for i, m := range members {
			out.FolderMemberList[i] = qs.MemberIdArnPair{MemberArn: &m, MemberId: new(m[strings.LastIndexByte(m, '/')+1:])}
		}
		return nil
	})
	return out, err
}
