package folder

import (
	"context"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// maxFolders is how many folders something may lie in: what
// ListFoldersForResource can answer.
const maxFolders = 20

// membership is a row of what lies in folders.
type membership struct {
	Folder    string        `db:"folder"`
	Member    string        `db:"member"`
	Type      qs.MemberType `db:"type"`
	CreatedUS int64         `db:"created_us"`
}

// memberARN forms the ARN of a member that a request names.
func (s *Service) memberARN(ctx context.Context, account string, of qs.MemberType, id string) (string, Member, error) {
	m, ok := s.members[of]
	if !ok { // nothing of the kind has been made yet
		return "", m, fault.NotFound("", "Member %s of type %s can't be found.", id, of)
	}
	return arn.QuickSight(api.Region(ctx), account, m.Kind+"/"+id), m, nil
}

// foldersOf gives the folders that something lies in, by ARN.
func foldersOf(tx *store.Tx, member string) ([]string, error) {
	return store.All[string](tx, `SELECT folder FROM folder_members WHERE member = $1 ORDER BY folder`, member)
}

// restricting gives the top-level folder of the restricted tree that something
// lies in, or nothing.
func restricting(tx *store.Tx, member string) (string, error) {
	in, err := store.All[string](tx, `SELECT m.folder FROM folder_members m JOIN resources r ON r.arn = m.folder
		WHERE m.member = $1 AND r.type = $2 ORDER BY m.folder LIMIT 1`, member, qs.FolderTypeRestricted)
	if err != nil || len(in) == 0 {
		return "", err
	}
	return rootOf(tx, in[0])
}

// Leave takes something that is gone out of all folders.
func (s *Service) Leave(tx *store.Tx, member string) error {
	_, err := tx.Exec(`DELETE FROM folder_members WHERE member = $1`, member)
	return err
}

// Sharable refuses to share something that lies in a restricted folder with
// anybody by its own permission list: it may not be seen outside.
func (s *Service) Sharable(tx *store.Tx, member string) error {
	root, err := restricting(tx, member)
	if err == nil && root != "" {
		return fault.Invalid("%s lies in the restricted folder %s, which alone may share it.", member, root)
	}
	return err
}

// An Inherited is what the list of a folder grants on what is below it.
type Inherited struct {
	// Folder is the folder's ARN; Principal is who is granted the Actions.
	Folder, Principal string
	Actions           []string
}

// Inherited gives what some principals may do with a folder, or with something
// that lies in folders, because of the folders above it.
func (s *Service) Inherited(tx *store.Tx, resourceARN string, principals ...string) ([]Inherited, error) {
	rights := func(actions []string) []string { return actions }
	start := `SELECT parent FROM folder_tree WHERE arn = $1`
	if !isFolder(resourceARN) {
		m, ok := s.kindOf(resourceARN)
		if !ok {
			return nil, nil
		}
		start, rights = `SELECT folder FROM folder_members WHERE member = $1`, m.rights
	}
	var all []Inherited
	for _, p := range principals {
		rows, err := store.All[grant](tx, `SELECT p.arn, p.principal, p.actions FROM `+above(start)+`
			JOIN resource_permissions p ON p.arn = up.arn WHERE p.principal = $2 ORDER BY p.arn`, resourceARN, p)
		if err != nil {
			return nil, err
		}
		for _, r := range rows {
			actions, err := r.list()
			if err != nil {
				return nil, err
			}
			if actions = rights(actions); len(actions) > 0 {
				all = append(all, Inherited{Folder: r.ARN, Principal: r.Principal, Actions: actions})
			}
		}
	}
	return all, nil
}

// rights are what those may do with a member whom a folder above it grants
// actions.
func (m Member) rights(actions []string) []string {
	switch {
	case slices.Contains(actions, owns):
		return m.Owner
	case slices.Contains(actions, contributes):
		return m.Contributor
	case slices.Contains(actions, views):
		return m.Viewer
	}
	return nil
}

func isFolder(resourceARN string) bool { return kindIn(resourceARN) == kindName }

// kindIn gives the kind in an ARN of this service.
func kindIn(resourceARN string) string {
	a, err := arn.Parse(resourceARN)
	if err != nil || !a.IsQuickSight() {
		return ""
	}
	kind, _ := a.Split()
	return kind
}

func (s *Service) kindOf(resourceARN string) (Member, bool) {
	kind := kindIn(resourceARN)
	for _, m := range s.members {
		if m.Kind == kind {
			return m, true
		}
	}
	return Member{}, false
}

// Kept says whether a resource is somebody's though its own list names no
// owner: a folder above it has one. Restricted folders have none, by what they
// are.
func (s *Service) Kept(tx *store.Tx, resourceARN string) (bool, error) {
	start := `SELECT folder FROM folder_members WHERE member = $1`
	if isFolder(resourceARN) {
		start = `SELECT arn FROM folder_tree WHERE arn = $1`
	}
	first, err := store.All[string](tx, `SELECT up.arn FROM `+above(start)+` WHERE
			EXISTS (SELECT 1 FROM resource_permissions p WHERE p.arn = up.arn AND p.owner)
			OR EXISTS (SELECT 1 FROM resources r WHERE r.arn = up.arn AND r.arn = $1 AND r.type = $2)
		LIMIT 1`, resourceARN, qs.FolderTypeRestricted)
	return len(first) > 0, err
}

// Reached takes what the principals hold because they hold a folder above it.
// Sole owners there are by a resource's own list only.
func (s *Service) Reached(as resource.Hold, principals ...string) resource.Filter {
	if as == resource.SoleOwner || len(principals) == 0 {
		return resource.Either()
	}
	return resource.Among(func(arg func(any) string, in resource.Range) string { return reached(arg, in, as, principals) })
}

// reached is a query for the folders that principals hold, by their own lists
// and by those above them, or for what lies in these folders: whichever of
// them has the prefix.
func reached(arg func(any) string, in resource.Range, as resource.Hold, principals []string) string {
	q := `WITH RECURSIVE held (arn) AS (` + heldBy(arg, folderPrefix(in.Prefix), as, principals) + `
		UNION SELECT t.arn FROM held h JOIN folder_tree t ON t.parent = h.arn)`
	if in.Prefix == folderPrefix(in.Prefix) {
		return q + ` SELECT arn AS found FROM held WHERE arn > ` + arg(in.After)
	}
	return q + ` SELECT m.member AS found FROM held h JOIN folder_members m ON m.folder = h.arn WHERE m.member > ` + arg(in.After) +
		` AND m.member < ` + arg(in.Until)
}

// heldBy is a query for the folders whose own list gives a hold.
func heldBy(arg func(any) string, prefix string, as resource.Hold, principals []string) string {
	held := "p.owner"
	if as == resource.ViewerOrOwner {
		held = "(p.owner OR p.viewer)"
	}
	placeholders := make([]string, 0, len(principals))
	// Up to a power of two, so that few texts of queries come about.
	for i := 0; i < len(principals) || i&(i-1) != 0; i++ {
		placeholders = append(placeholders, arg(principals[min(i, len(principals)-1)]))
	}
	// '0' is the byte that follows '/': the range is all that starts with the prefix.
	return `SELECT p.arn FROM resource_permissions p WHERE p.principal IN (` + strings.Join(placeholders, ", ") + `) AND p.arn > ` +
		arg(prefix) + ` AND p.arn < ` + arg(strings.TrimSuffix(prefix, "/")+"0") + ` AND ` + held
}

// folderPrefix gives what the ARNs of folders begin with where those of another
// kind begin with prefix.
func folderPrefix(prefix string) string {
	return prefix[:strings.LastIndexByte(prefix, ':')+1] + kindName + "/"
}
