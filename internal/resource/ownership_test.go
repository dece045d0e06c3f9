package resource

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

type note struct{}

var notes = Kind[note]{Name: "note", Sharing: Sharing{Owner: "own", Viewer: "see", Principals: []string{"user"}, Actions: []string{"own", "see"}}}

func TestOwnershipQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		steps, err := store.All[struct {
			ID      int64  `db:"id"`
			Parent  int64  `db:"parent"`
			NotUsed int64  `db:"notused"`
			Detail  string `db:"detail"`
		}](tx, "EXPLAIN QUERY PLAN "+walk, "111122223333", "us-east-1", "note", "n", 10)
		for _, s := range steps {
			if strings.Contains(s.Detail, "SCAN r") || strings.Contains(s.Detail, "TEMP B-TREE") {
				t.Errorf("the walk does %q", s.Detail)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// A walk meets each resource of the account once, whatever its region and kind.
func TestWalk(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		other := Kind[note]{Name: "letter"}
		want := []string{}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			want = want[:0]
			for _, region := range []string{"eu-west-1", "us-east-1"} {
				for _, k := range []Kind[note]{other, notes} {
					for i := range 5 {
						it := &Item[note]{Key: Key{"111122223333", region, fmt.Sprint(i)}}
						if err := k.Create(tx, it, time.Unix(0, 0)); err != nil {
							return err
						}
						want = append(want, it.ARN)
					}
				}
			}
			return notes.Create(tx, &Item[note]{Key: Key{"444455556666", "us-east-1", "x"}}, time.Unix(0, 0))
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{1, 3, 7, 100} {
			got := []string{}
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				var after Place
				for {
					page, err := Walk(tx, "111122223333", after, size)
					if err != nil || len(page) == 0 {
						return err
					}
					for _, f := range page {
						got = append(got, f.ARN)
						after = Place{f.Region, f.Kind, f.ID}
					}
				}
			})
			if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
				t.Errorf("in pages of %d: %v, %v; want %v", size, got, err, want)
			}
		}
	})
}

func TestHandOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			it := &Item[note]{Key: Key{"111122223333", "us-east-1", "n"}}
			if err := notes.Create(tx, it, time.Unix(0, 0)); err != nil {
				return err
			}
			for who, actions := range map[string][]string{"ana": {"own"}, "bo": {"see"}} {
				if err := notes.write(tx, it.ARN, who, actions); err != nil {
					return err
				}
			}
			if _, err := Held(tx, it.ARN+"x", "ana"); !errors.Is(err, store.ErrNotFound) {
				t.Errorf("what is not there: %v", err)
			}
			if h, err := Held(tx, it.ARN, "cy"); err != nil || h.Owner || len(h.Actions) != 0 {
				t.Errorf("who holds nothing: %+v, %v", h, err)
			}
			if err := HandOver(tx, it.ARN, "ana", "bo"); err != nil {
				return err
			}
			h, err := Held(tx, it.ARN, "bo")
			if err != nil || !h.Owner || strings.Join(h.Actions, " ") != "own see" || h.ID != "n" || h.Kind != "note" {
				t.Errorf("bo holds %+v, %v", h, err)
			}
			if owned, err := Owned(tx, "ana", "", 10); err != nil || len(owned) != 0 {
				t.Errorf("ana owns %+v, %v", owned, err)
			}
			owned, err := Owned(tx, "bo", "", 10)
			if err != nil || len(owned) != 1 || owned[0].ARN != it.ARN {
				t.Errorf("bo owns %+v, %v", owned, err)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
