// Package folder keeps folders: how they hang together, what lies in them, who
// may see that.
//
// The thirteen operations each have a file named for them, and so has MoveFolder,
// which is beside the API. A folder is a resource.Kind; the tree (tree.go) and
// what lies in folders (member.go) have tables of their own. What can lie in a
// folder belongs to other packages, which are registered:
//
//	folders.Register(folder.Member{Type: "ACTION_CONNECTOR", Kind: "action-connector", Exists: connectors.Exists, …})
//
// Who holds a folder holds what is below it: its subfolders, and the members of
// all of them. Inherited tells what that comes to for one resource, Reached is
// the same as a filter for lists.
//
// A restricted folder keeps what lies in it: members stay in the tree of its
// top-level folder, and nobody but the folder shares them.
package folder
