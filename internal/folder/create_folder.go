package folder

import (
	"cmp"
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *qs.CreateFolderRequest) policy.Target {
	on := onFolder(ctx, in.AwsAccountId, in.FolderId)
	on.Context = resource.RequestTags(in.Tags)
	return on
}

// createFolder makes a folder with its place in the tree, its permission list
// and its tags. A subfolder is of the type and the sharing model of the folder
// that it is in.
func (s *Service) createFolder(ctx context.Context, in *qs.CreateFolderRequest) (*qs.CreateFolderResponse, error) {
	k := key(ctx, in.AwsAccountId, in.FolderId)
	out := &qs.CreateFolderResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		parent, err := parentOf(tx, k.Account, k.Region, in.ParentFolderArn)
		if err != nil {
			return err
		}
		it := &item{
			Key: k, Name: in.FolderId, Type: string(qs.FolderTypeShared),
			Doc: document{SharingModel: qs.SharingModelAccount},
		}
		if in.Name != nil {
			it.Name = *in.Name
		}
		n := node{ARN: folders.ARN(k), Parent: top(k.Account, k.Region), Account: k.Account}
		if parent != nil {
			n.Parent, it.Type, it.Doc = parent.ARN, parent.Type, parent.Doc
			path, err := pathOf(tx, parent.ARN)
			if err != nil {
				return err
			}
			if err := fits(path, 0); err != nil {
				return err
			}
		}
		if err := choose(it, parent, in.FolderType, in.SharingModel); err != nil {
			return err
		}
		if err := sharable(in.AwsAccountId, qs.FolderType(it.Type), in.Permissions); err != nil {
			return err
		}
		if err := folders.Create(tx, it, s.now()); err != nil {
			return err
		}
		if err := store.Insert(tx, "folder_tree", n); err != nil {
			return err
		}
		out.Arn, out.FolderId = &it.ARN, &it.ID
		api.Result(ctx, out)
		if _, err := folders.Share(tx, it.ARN, nil, in.Permissions, s.principals); err != nil {
			return err
		}
		return s.tags.Put(tx, it.ARN, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "folder", *out.Arn)
	return out, nil
}

// choose gives a new folder the type and the sharing model that were asked
// for, which a subfolder shares with its parent.
func choose(it, parent *item, of *qs.FolderType, model *qs.SharingModel) error {
	folderType, sharing := qs.FolderType(it.Type), it.Doc.SharingModel
	if of != nil {
		folderType = cmp.Or(*of, folderType)
	}
	if model != nil {
		sharing = cmp.Or(*model, sharing)
	}
	if parent != nil && folderType != qs.FolderType(parent.Type) {
		return fault.Invalid("FolderType %s isn't that of the parent folder, %s.", folderType, parent.Type)
	}
	if parent != nil && sharing != parent.Doc.SharingModel {
		return fault.Invalid("SharingModel %s isn't that of the parent folder, %s.", sharing, parent.Doc.SharingModel)
	}
	it.Type, it.Doc.SharingModel = string(folderType), sharing
	return nil
}
