package folder

import (
	"strings"

	"onsight/internal/fault"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// maxAncestors is how deep folders may lie: a FolderPath has ten ARNs at most.
const maxAncestors = 10

// node is a row of the tree.
type node struct {
	ARN     string `db:"arn"`
	Parent  string `db:"parent"`
	Account string `db:"account"`
}

// top is the parent of the top-level folders of an account in a region: what
// all their ARNs begin with.
func top(account, region string) string {
	return folders.ARN(resource.Key{Account: account, Region: region})
}

// parentOf reads whom a request names as the parent of a folder of an account
// in a region; nil is the top level, and so is an empty text.
func parentOf(tx *store.Tx, account, region string, parentARN *string) (*item, error) {
	if parentARN == nil || *parentARN == "" {
		return nil, nil
	}
	id, ok := strings.CutPrefix(*parentARN, top(account, region))
	if !ok || id == "" {
		return nil, fault.Invalid("ParentFolderArn %s isn't the ARN of a folder of account %s in region %s.", *parentARN, account, region)
	}
	return folders.Get(tx, resource.Key{Account: account, Region: region, ID: id})
}

// pathOf gives the ARNs of the folders that a folder lies in, the top-level
// one first.
func pathOf(tx *store.Tx, folderARN string) ([]string, error) {
	path, err := store.All[string](tx, upwards(), folderARN)
	if len(path) > 0 {
		path = path[:len(path)-1]
	}
	return path, err
}

// upwards is a query that walks from a folder to the top, by the primary key:
// one step for each level. The bound ends the walk even if rows were written by
// hand.
func upwards() string {
	return `SELECT w.arn FROM (WITH RECURSIVE up (arn, parent, steps) AS (
		SELECT arn, parent, 0 FROM folder_tree WHERE arn = $1
		UNION ALL
		SELECT t.arn, t.parent, u.steps + 1 FROM up u JOIN folder_tree t ON t.arn = u.parent WHERE u.steps < 100
	) SELECT arn, steps FROM up) w ORDER BY w.steps DESC`
}

// above is the beginning of a query for all that a walk up from start meets,
// start itself and the top included. UNION drops what was reached before, so
// the walk always ends.
func above(start string) string {
	return `(WITH RECURSIVE up (arn) AS (` + start + ` UNION SELECT t.parent FROM up u JOIN folder_tree t ON t.arn = u.arn) SELECT arn FROM up) up`
}

// rootOf gives the top-level folder that a folder lies in, or is.
func rootOf(tx *store.Tx, folderARN string) (string, error) {
	path, err := pathOf(tx, folderARN)
	if err != nil || len(path) == 0 {
		return folderARN, err
	}
	return path[0], nil
}

// heightOf gives how many levels there are below a folder, by the index of
// parents.
func heightOf(tx *store.Tx, folderARN string) (int64, error) {
	return store.One[int64](tx, `SELECT COALESCE(MAX(w.steps), 0) FROM (WITH RECURSIVE down (arn, steps) AS (
			SELECT arn, 0 FROM folder_tree WHERE arn = $1
			UNION ALL
			SELECT t.arn, d.steps + 1 FROM down d JOIN folder_tree t ON t.parent = d.arn WHERE d.steps < 100
		) SELECT steps FROM down) w`, folderARN)
}

// fits refuses what would lie too deep: a parent with the path given, and
// levels below what is put into it.
func fits(path []string, below int64) error {
	if int64(len(path))+1+below > maxAncestors {
		return fault.Limit("", "A folder lies in at most %d folders.", maxAncestors)
	}
	return nil
}

// hasChildren says whether there are folders in a folder.
func hasChildren(tx *store.Tx, folderARN string) (bool, error) {
	first, err := store.All[string](tx, `SELECT arn FROM folder_tree WHERE parent = $1 ORDER BY arn LIMIT 1`, folderARN)
	return len(first) > 0, err
}
