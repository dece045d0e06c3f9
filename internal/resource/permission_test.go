package resource_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/arn"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// people are the principals that exist.
type people map[string]bool

func (p people) Exists(_ *store.Tx, a arn.ARN) (bool, error) { return p[a.String()], nil }

// anyone exists, whoever it is.
type anyone struct{}

func (anyone) Exists(*store.Tx, arn.ARN) (bool, error) { return true, nil }

func userARN(name string) string {
	return "arn:aws:quicksight:us-east-1:" + account + ":user/default/" + name
}

func entries(who []string, actions ...string) []qs.ResourcePermission {
	var list []qs.ResourcePermission
	for _, w := range who {
		list = append(list, qs.ResourcePermission{Principal: w, Actions: actions})
	}
	return list
}

func share(t *testing.T, db *store.DB, arn string, revoke, grant []qs.ResourcePermission) ([]qs.ResourcePermission, error) {
	t.Helper()
	var after []qs.ResourcePermission
	err := db.Write(t.Context(), func(tx *store.Tx) (err error) {
		after, err = notes.Share(tx, arn, revoke, grant, anyone{})
		return err
	})
	return after, err
}

// The list behaves like sets of actions by principal, whatever comes in which
// order, in one entry or several.
func TestShareAgainstModel(t *testing.T) {
	t.Parallel()
	names := []string{userARN("ana"), userARN("bo"), userARN("Bo"), userARN("team/cy")}
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) qs.ResourcePermission {
		return qs.ResourcePermission{
			Principal: rapid.SampledFrom(names).Draw(t, "principal"),
			Actions:   rapid.SliceOfN(rapid.SampledFrom(notes.Sharing.Actions), 1, 4).Draw(t, "actions"),
		}
	}), 0, 5)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		run := 0
		rapid.Check(t, func(rt *rapid.T) {
			run++
			it := add(t, db, fmt.Sprintf("n%d", run), "Any", "")
			model := map[string]map[string]bool{}
			for range rapid.IntRange(1, 6).Draw(rt, "calls") {
				revoke, grant := list.Draw(rt, "revoke"), list.Draw(rt, "grant")
				for _, e := range revoke {
					for _, a := range e.Actions {
						delete(model[e.Principal], a)
					}
				}
				for _, e := range grant {
					if model[e.Principal] == nil {
						model[e.Principal] = map[string]bool{}
					}
					for _, a := range e.Actions {
						model[e.Principal][a] = true
					}
				}
				got, err := share(t, db, it.ARN, revoke, grant)
				if err != nil {
					rt.Fatal(err)
				}
				want := []qs.ResourcePermission{}
				for _, p := range slices.Sorted(maps.Keys(model)) {
					if len(model[p]) > 0 {
						want = append(want, qs.ResourcePermission{Principal: p, Actions: slices.Sorted(maps.Keys(model[p]))})
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatalf("-want +got:\n%s", diff)
				}
				for as, action := range map[resource.Hold]string{resource.Owner: notes.Sharing.Owner, resource.ViewerOrOwner: notes.Sharing.Viewer} {
					for _, p := range names {
						held := model[p][action] || as == resource.ViewerOrOwner && model[p][notes.Sharing.Owner]
						if found := slices.Contains(ids(t, db, resource.HeldBy(as, p), "", 1000), it.ID); found != held {
							rt.Fatalf("hold %d of %s with %v: found %t", as, p, model[p], found)
						}
					}
				}
			}
			write(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(`DELETE FROM resource_permissions WHERE arn = $1`, it.ARN)
				return err
			})
		})
	})
}

func TestShareRefuses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		it := add(t, db, "a", "Any", "")
		var who []string
		for i := range 100 {
			who = append(who, userARN(fmt.Sprintf("u%03d", i)))
		}
		if _, err := share(t, db, it.ARN, nil, entries(who, "quicksight:ReadNote")); err != nil {
			t.Fatalf("100 principals: %v", err)
		}
		if _, err := share(t, db, it.ARN, nil, entries([]string{userARN("one-more")}, "quicksight:ReadNote")); codeOf(err) != "LimitExceededException" {
			t.Errorf("101 principals: %v, want LimitExceededException", err)
		}
		after, err := share(t, db, it.ARN, entries(who[:1], notes.Sharing.Actions...), entries([]string{userARN("one-more")}, "quicksight:ReadNote"))
		if err != nil || len(after) != 100 {
			t.Errorf("one for another: %d principals, %v; want 100", len(after), err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := notes.Share(tx, it.ARN, nil, entries([]string{userARN("nobody")}, "quicksight:ReadNote"), people{})
			return err
		})
		if codeOf(err) != "InvalidParameterValueException" {
			t.Errorf("grant to nobody: %v, want InvalidParameterValueException", err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := notes.Share(tx, it.ARN, entries([]string{userARN("nobody")}, "quicksight:ReadNote"), nil, people{})
			return err
		})
		if err != nil {
			t.Errorf("revoke from nobody: %v", err)
		}
	})
}

func TestSharingCheck(t *testing.T) {
	t.Parallel()
	for principal, want := range map[string]bool{
		userARN("ana"):             true,
		userARN("role/session"):    true,
		userARN("someone at home"): true,
		"arn:aws:quicksight:us-east-1:111122223333:group/default/all": true,
		"arn:aws:quicksight:us-east-1:111122223333:user/":             false,
		"arn:aws:quicksight:us-east-1:111122223333:user":              false,
		"arn:aws:quicksight:us-east-1:444455556666:user/default/ana":  false,
		"arn:aws:quicksight:us-east-1:111122223333:namespace/default": false,
		"arn:aws:iam::111122223333:user/default/ana":                  false,
		"arn:aws:iam::111122223333:root":                              false,
		"ana":                                                         false,
		"*":                                                           false,
		"":                                                            false,
	} {
		err := notes.Sharing.Check(account, entries([]string{principal}, "quicksight:ReadNote"))
		if (err == nil) != want || err != nil && codeOf(err) != "InvalidParameterValueException" {
			t.Errorf("Check(%q) = %v, want accepted %t", principal, err, want)
		}
	}
	for _, action := range []string{"ReadNote", "quicksight:*", "quicksight:readnote", "quicksight:ReadNotes", ""} {
		if err := notes.Sharing.Check(account, entries([]string{userARN("ana")}, action)); codeOf(err) != "InvalidParameterValueException" {
			t.Errorf("Check of action %q = %v, want InvalidParameterValueException", action, err)
		}
	}
}

func TestHeldBy(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		ana, bo, all := userARN("ana"), userARN("bo"), "arn:aws:quicksight:us-east-1:111122223333:group/default/all"
		for id, grants := range map[string][]qs.ResourcePermission{
			"own":    entries([]string{ana}, "quicksight:ShareNote"),
			"both":   entries([]string{ana, bo}, "quicksight:ShareNote", "quicksight:ReadNote"),
			"view":   slices.Concat(entries([]string{ana}, "quicksight:ReadNote"), entries([]string{bo}, "quicksight:ShareNote")),
			"group":  entries([]string{all}, "quicksight:ShareNote"),
			"burn":   entries([]string{ana}, "quicksight:BurnNote"),
			"nobody": nil,
		} {
			it := add(t, db, id, "Any", "")
			if _, err := share(t, db, it.ARN, nil, grants); err != nil {
				t.Fatal(err)
			}
		}
		// A kind whose name begins alike, and a resource of another region.
		write(t, db, func(tx *store.Tx) error {
			longer := resource.Kind[note]{Name: "note-book", Sharing: notes.Sharing}
			it := &resource.Item[note]{Key: key("zz")}
			if err := longer.Create(tx, it, now); err != nil {
				return err
			}
			if _, err := longer.Share(tx, it.ARN, nil, entries([]string{ana}, "quicksight:ShareNote"), anyone{}); err != nil {
				return err
			}
			far := &resource.Item[note]{Key: resource.Key{Account: account, Region: "us-east-2", ID: "far"}, Status: "DRAFT"}
			if err := notes.Create(tx, far, now); err != nil {
				return err
			}
			_, err := notes.Share(tx, far.ARN, nil, entries([]string{ana}, "quicksight:ShareNote"), anyone{})
			return err
		})
		for name, tt := range map[string]struct {
			f    resource.Filter
			want []string
		}{
			"owner":             {resource.HeldBy(resource.Owner, ana), []string{"both", "own"}},
			"viewer or owner":   {resource.HeldBy(resource.ViewerOrOwner, ana), []string{"both", "own", "view"}},
			"sole owner":        {resource.HeldBy(resource.SoleOwner, ana), []string{"own"}},
			"sole owner, other": {resource.HeldBy(resource.SoleOwner, bo), []string{"view"}},
			"with a group":      {resource.HeldBy(resource.Owner, ana, all, userARN("x")), []string{"both", "group", "own"}},
			"unknown":           {resource.HeldBy(resource.Owner, userARN("x")), nil},
			"nobody":            {resource.HeldBy(resource.Owner), nil},
		} {
			if diff := cmp.Diff(tt.want, ids(t, db, tt.f, "", 100)); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		}
		if diff := cmp.Diff([]string{"own"}, ids(t, db, resource.HeldBy(resource.Owner, ana), "both", 1)); diff != "" {
			t.Errorf("the second page, -want +got:\n%s", diff)
		}
		write(t, db, func(tx *store.Tx) error { return resource.Forget(tx, ana) })
		if diff := cmp.Diff([]string(nil), ids(t, db, resource.HeldBy(resource.ViewerOrOwner, ana), "", 100)); diff != "" {
			t.Errorf("after Forget, -want +got:\n%s", diff)
		}
	})
}
