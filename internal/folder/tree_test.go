package folder_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestMoveFolder(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, f := range [][2]string{{"a", ""}, {"b", "a"}, {"c", "b"}, {"d", ""}, {"deep0", ""}} {
			create(t, srv, in(f[0], f[1]))
		}
		for i := range 9 {
			create(t, srv, in(fmt.Sprintf("deep%d", i+1), fmt.Sprintf("deep%d", i)))
		}
		namespaced := in("n", "")
		namespaced.SharingModel = new(qs.SharingModelNamespace)
		create(t, srv, namespaced)
		out, err := testkit.Call(t, srv, onsightapi.MoveFolder, onsightapi.MoveFolderRequest{
			AwsAccountId: account, FolderId: "b", ParentFolderArn: new(prefix + "folder/d"),
		})
		if err != nil || *out.Arn != prefix+"folder/b" || !slices.Equal(out.FolderPath, []string{prefix + "folder/d"}) {
			t.Fatalf("move: %+v, %v", out, err)
		}
		if got := path(describe(t, srv, "c")); got != "d b" {
			t.Errorf("what is below moves along; its path is %q", got)
		}
		for name, tt := range map[string]struct{ id, parent, want string }{
			"into itself":        {"d", "d", "InvalidParameterValueException"},
			"into a child":       {"d", "b", "InvalidParameterValueException"},
			"into a grandchild":  {"d", "c", "InvalidParameterValueException"},
			"nothing":            {"none", "d", "ResourceNotFoundException"},
			"into nothing":       {"d", "none", "ResourceNotFoundException"},
			"too deep":           {"d", "deep8", "LimitExceededException"},
			"into another model": {"d", "n", "InvalidParameterValueException"},
		} {
			wantFault(t, name, move(t, srv, tt.id, tt.parent), tt.want)
		}
		if err := move(t, srv, "d", "deep7"); err != nil {
			t.Errorf("as deep as can be: %v", err)
		}
		if got := len(describe(t, srv, "c").FolderPath); got != 10 {
			t.Errorf("the deepest folder lies in %d", got)
		}
		if err := move(t, srv, "b", ""); err != nil {
			t.Fatal(err)
		}
		if got := path(describe(t, srv, "c")); got != "b" {
			t.Errorf("at the top level: %q", got)
		}
		if got := found(t, srv, 100, filter("PARENT_FOLDER_ARN", "StringEquals", "")); got != "a b deep0 n" {
			t.Errorf("the top level has %s", got)
		}
	})
}

// Moves at the same time that together would make a cycle do not both win.
func TestMovesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		const rounds = 6
		for i := range rounds {
			x, y := fmt.Sprintf("x%d", i), fmt.Sprintf("y%d", i)
			create(t, srv, in(x, ""))
			create(t, srv, in(y, ""))
			var group sync.WaitGroup
			errs := make([]error, 2)
			for j, m := range [][2]string{{x, y}, {y, x}} {
				group.Go(func() { errs[j] = move(t, srv, m[0], m[1]) })
			}
			group.Wait()
			refused := 0
			for _, err := range errs {
				if err != nil {
					refused++
					if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" {
						t.Errorf("the one that loses: %v", err)
					}
				}
			}
			if px, py := path(describe(t, srv, x)), path(describe(t, srv, y)); refused != 1 || px+py != x && px+py != y {
				t.Errorf("%d were refused; paths %q and %q", refused, px, py)
			}
		}
	})
}

// A folder that is made while its parent is deleted does not hang in the air.
func TestDeleteAndCreateAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i := range 6 {
			parent, child := fmt.Sprintf("p%d", i), fmt.Sprintf("c%d", i)
			create(t, srv, in(parent, ""))
			var group sync.WaitGroup
			var made, deleted error
			group.Go(func() { _, made = testkit.Call(t, srv, qs.CreateFolder, in(child, parent)) })
			group.Go(func() { deleted = remove(t, srv, parent) })
			group.Wait()
			switch {
			case made == nil && deleted != nil:
				wantFault(t, "the deletion", deleted, "PreconditionNotMetException")
				if got := path(describe(t, srv, child)); got != parent {
					t.Errorf("the child lies in %q", got)
				}
			case made != nil && deleted == nil:
				wantFault(t, "the child", made, "ResourceNotFoundException")
			default:
				t.Errorf("made: %v, deleted: %v; want one of them", made, deleted)
			}
		}
	})
}

// world is a simple model of folders: who lies where, and who may do what.
type world struct {
	parent  map[string]string
	grants  map[string]map[string][]string // by folder and principal
	members map[string]map[string]bool     // by folder
}

func (w *world) path(id string) []string {
	up := []string{}
	for p := w.parent[id]; p != ""; p = w.parent[p] {
		up = append([]string{p}, up...)
	}
	return up
}

func (w *world) children(id string) []string {
	below := []string{}
	for c, p := range w.parent {
		if p == id {
			below = append(below, c)
		}
	}
	slices.Sort(below)
	return below
}

func (w *world) resolved(id string) []qs.ResourcePermission {
	all := map[string][]string{}
	for _, f := range append(w.path(id), id) {
		for p, actions := range w.grants[f] {
			all[p] = append(all[p], actions...)
		}
	}
	list := []qs.ResourcePermission{}
	for _, p := range slices.Sorted(maps.Keys(all)) {
		slices.Sort(all[p])
		list = append(list, qs.ResourcePermission{Principal: p, Actions: slices.Compact(all[p])})
	}
	return list
}

// Folders behave like the model, whatever is done with them.
func TestFoldersAgainstModel(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		people := []string{register(t, srv, "ana"), register(t, srv, "bo")}
		connectors := []string{"m0", "m1"}
		for _, m := range connectors {
			connect(t, srv, m)
		}
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			ids := []string{}
			for i := range 6 {
				ids = append(ids, fmt.Sprintf("r%d-%d", run, i))
			}
			w := &world{parent: map[string]string{}, grants: map[string]map[string][]string{}, members: map[string]map[string]bool{}}
			check := func(what string, err error, ok bool) {
				if (err == nil) != ok {
					rt.Fatalf("%s: %v, the model says it goes well: %t", what, err, ok)
				}
			}
			for range rapid.IntRange(5, 20).Draw(rt, "steps") {
				id := rapid.SampledFrom(ids).Draw(rt, "folder")
				other := rapid.SampledFrom(append([]string{""}, ids...)).Draw(rt, "other")
				_, there := w.parent[id]
				_, otherThere := w.parent[other]
				otherThere = otherThere || other == ""
				switch rapid.SampledFrom([]string{"create", "create", "delete", "move", "share", "put", "take"}).Draw(rt, "step") {
				case "create":
					_, err := testkit.Call(t, srv, qs.CreateFolder, in(id, other))
					check("create "+id+" in "+other, err, !there && otherThere)
					if err == nil {
						w.parent[id], w.grants[id], w.members[id] = other, map[string][]string{}, map[string]bool{}
					}
				case "delete":
					err := remove(t, srv, id)
					check("delete "+id, err, there && len(w.children(id)) == 0 && len(w.members[id]) == 0)
					if err == nil {
						delete(w.parent, id)
						delete(w.grants, id)
						delete(w.members, id)
					}
				case "move":
					err := move(t, srv, id, other)
					ok := there && otherThere && other != id && !slices.Contains(w.path(other), id)
					check("move "+id+" to "+other, err, ok)
					if err == nil {
						w.parent[id] = other
					}
				case "share":
					p := rapid.SampledFrom(people).Draw(rt, "who")
					role := rapid.SampledFrom([][]string{viewer, contributor, owner}).Draw(rt, "role")
					var err error
					if have := w.grants[id][p]; have != nil {
						_, err = share(t, srv, id, nil, entry(p, have))
						delete(w.grants[id], p)
					} else {
						_, err = share(t, srv, id, entry(p, role), nil)
						if there {
							w.grants[id][p] = slices.Clone(role)
						}
					}
					check("share "+id, err, there)
				case "put":
					m := rapid.SampledFrom(connectors).Draw(rt, "member")
					err := put(t, srv, id, m)
					check("put "+m+" into "+id, err, there && !w.members[id][m])
					if err == nil {
						w.members[id][m] = true
					}
				case "take":
					m := rapid.SampledFrom(connectors).Draw(rt, "member")
					check("take "+m+" from "+id, take(t, srv, id, m), w.members[id][m])
					delete(w.members[id], m)
				}
			}
			in := map[string][]string{}
			for _, id := range ids {
				if _, ok := w.parent[id]; !ok {
					_, err := testkit.Call(t, srv, qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: account, FolderId: id})
					check("describe "+id, err, false)
					continue
				}
				if got, want := path(describe(t, srv, id)), strings.Join(w.path(id), " "); got != want {
					rt.Fatalf("path of %s: %q, want %q", id, got, want)
				}
				out, err := testkit.Call(t, srv, qs.DescribeFolderResolvedPermissions,
					qs.DescribeFolderResolvedPermissionsRequest{AwsAccountId: account, FolderId: id})
				if err != nil {
					rt.Fatal(err)
				}
				if diff := cmp.Diff(w.resolved(id), out.Permissions); diff != "" {
					rt.Fatalf("%s resolved, -want +got:\n%s", id, diff)
				}
				if got, want := found(t, srv, 2, filter("PARENT_FOLDER_ARN", "StringEquals", prefix+"folder/"+id)), strings.Join(w.children(id), " "); got != want {
					rt.Fatalf("children of %s: %q, want %q", id, got, want)
				}
				have := slices.Sorted(maps.Keys(w.members[id]))
				if got, want := membersOf(t, srv, id, 1), strings.Join(have, " "); got != want {
					rt.Fatalf("members of %s: %q, want %q", id, got, want)
				}
				for _, m := range have {
					in[m] = append(in[m], id)
				}
			}
			for _, m := range connectors {
				if got, want := foldersOf(t, srv, m, 3), strings.Join(in[m], " "); got != want {
					rt.Fatalf("folders of %s: %q, want %q", m, got, want)
				}
			}
			// The next run begins with empty hands.
			for id, members := range w.members {
				for m := range members {
					if err := take(t, srv, id, m); err != nil {
						rt.Fatal(err)
					}
				}
			}
		})
	})
}
