package folder

import (
	"context"
	"slices"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) moving(ctx context.Context, in *onsightapi.MoveFolderRequest) policy.Target {
	return onFolder(ctx, in.AwsAccountId, in.FolderId)
}

// moveFolder puts a folder with all that is in it into another one, or on the
// top level. The API cannot do it; the console of the real service can.
func (s *Service) moveFolder(ctx context.Context, in *onsightapi.MoveFolderRequest) (*onsightapi.MoveFolderResponse, error) {
	out := &onsightapi.MoveFolderResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.FolderId)
		if err != nil {
			return err
		}
		parent, err := parentOf(tx, it.Account, it.Region, in.ParentFolderArn)
		if err != nil {
			return err
		}
		path, err := s.moves(tx, it, parent)
		if err != nil {
			return err
		}
		to := top(it.Account, it.Region)
		if parent != nil {
			to = parent.ARN
		}
		if _, err := tx.Exec(`UPDATE folder_tree SET parent = $2 WHERE arn = $1`, it.ARN, to); err != nil {
			return err
		}
		if _, err := folders.Update(tx, it.Key, s.now(), func(*item) error { return nil }); err != nil {
			return err
		}
		out.Arn, out.FolderPath = &it.ARN, path
		api.Result(ctx, out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// moves refuses a move that would make a cycle, go too deep or cross a border,
// and gives the path that the folder will have. A nil parent is the top level.
func (s *Service) moves(tx *store.Tx, it, parent *item) (path []string, err error) {
	path = []string{}
	if parent != nil {
		above, err := pathOf(tx, parent.ARN)
		if err != nil {
			return nil, err
		}
		below, err := heightOf(tx, it.ARN)
		if err != nil {
			return nil, err
		}
		path = append(above, parent.ARN)
		if slices.Contains(path, it.ARN) {
			return nil, fault.Invalid("Folder %s can't be moved into itself or into a folder below it.", it.ID)
		}
		if err := fits(above, below); err != nil {
			return nil, err
		}
		if parent.Type != it.Type || parent.Doc.SharingModel != it.Doc.SharingModel {
			return nil, fault.Invalid("Folder %s can't be moved into folder %s, whose FolderType or SharingModel is another.", it.ID, parent.ID)
		}
	}
	if it.Type != string(qs.FolderTypeRestricted) {
		return path, nil
	}
	root, err := rootOf(tx, it.ARN)
	if err != nil {
		return nil, err
	}
	if len(path) == 0 && root != it.ARN || len(path) > 0 && path[0] != root {
		return nil, fault.Invalid("Folder %s can't be moved out of the restricted folder %s.", it.ID, root)
	}
	return path, nil
}
