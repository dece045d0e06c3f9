package folder

import (
	"context"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) adding(ctx context.Context, in *qs.CreateFolderMembershipRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// createFolderMembership puts something into a folder. It may lie in several,
// but what lies in a restricted folder lies nowhere outside of its tree.
func (s *Service) createFolderMembership(ctx context.Context, in *qs.CreateFolderMembershipRequest) (*qs.CreateFolderMembershipResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		member, kind, err := s.memberARN(ctx, in.AwsAccountId, in.MemberType, in.MemberId)
		if err != nil {
			return err
		}
		a, err := arn.Parse(member)
		if err != nil {
			return fault.Invalid("MemberId isn't valid: %v.", err)
		}
		if ok, err := kind.Exists(tx, a); err != nil {
			return err
		} else if !ok {
			return fault.NotFound("", "%s %s can't be found.", kind.Label, in.MemberId)
		}
		if err := admits(tx, it, member); err != nil {
			return err
		}
		err = store.Insert(tx, "folder_members", membership{Folder: it.ARN, Member: member, Type: in.MemberType, CreatedUS: store.Micros(s.now())})
		if store.Duplicate(err) {
			return fault.Exists("", "%s %s is in folder %s already.", kind.Label, in.MemberId, it.ID)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return &qs.CreateFolderMembershipResponse{FolderMember: &qs.FolderMember{MemberId: &in.MemberId, MemberType: &in.MemberType}}, nil
}

// admits refuses a member that lies in too many folders, and one that would
// cross the border of a restricted folder.
func admits(tx *store.Tx, it *item, member string) error {
	in, err := foldersOf(tx, member)
	if err != nil || len(in) == 0 {
		return err
	}
	if have, err := isIn(tx, it.ARN, member); err != nil || have {
		return err // the insertion says so
	}
	if len(in) >= maxFolders {
		return fault.Limit("", "%s is in %d folders already, which is the most.", member, len(in))
	}
	root, err := rootOf(tx, it.ARN)
	if err != nil {
		return err
	}
	border, err := restricting(tx, member)
	switch {
	case err != nil:
		return err
	case border != "" && border != root:
		return fault.Invalid("%s lies in the restricted folder %s and can't be put into a folder outside of it.", member, border)
	case border == "" && it.Type == string(qs.FolderTypeRestricted):
		return fault.Invalid("%s lies in folder %s and can't be put into a restricted folder.", member, in[0])
	}
	return nil
}

func isIn(tx *store.Tx, folderARN, member string) (bool, error) {
	n, err := store.One[int64](tx, `SELECT COUNT(*) FROM folder_members WHERE folder = $1 AND member = $2`, folderARN, member)
	return n > 0, err
}
