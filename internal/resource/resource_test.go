package resource_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

type note struct{ Text string }

var notes = resource.Kind[note]{
	Name: "note", Label: "Note", Type: "DATA_SET",
	States: resource.States{
		"":      {"DRAFT"},
		"DRAFT": {"DONE"},
		"DONE":  {"DRAFT", resource.Gone},
	},
	Sharing: resource.Sharing{
		Actions: []string{"quicksight:ReadNote", "quicksight:ShareNote", "quicksight:BurnNote"},
		Owner:   "quicksight:ShareNote", Viewer: "quicksight:ReadNote", Principals: []string{"user", "group"},
	},
}

const account = "111122223333"

var now = time.Date(2026, 11, 20, 9, 0, 0, 123456789, time.UTC)

func key(id string) resource.Key {
	return resource.Key{Account: account, Region: "us-east-1", ID: id}
}

func write(t *testing.T, db *store.DB, f func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), f); err != nil {
		t.Fatal(err)
	}
}

func add(t *testing.T, db *store.DB, id, name, typ string) *resource.Item[note] {
	t.Helper()
	it := &resource.Item[note]{Key: key(id), Name: name, Type: typ, Status: "DRAFT", Doc: note{Text: "about " + id}}
	write(t, db, func(tx *store.Tx) error { return notes.Create(tx, it, now) })
	return it
}

func get(t *testing.T, db *store.DB, id string) (it *resource.Item[note], err error) {
	t.Helper()
	err = db.Read(t.Context(), func(tx *store.Tx) error {
		it, err = notes.Get(tx, key(id))
		return err
	})
	return it, err
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}

func TestKind(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		made := add(t, db, "a", "First", "LONG")
		want := &resource.Item[note]{
			Key: key("a"), ARN: "arn:aws:quicksight:us-east-1:111122223333:note/a", Name: "First", Type: "LONG", Status: "DRAFT", Version: 1,
			Created: now.Truncate(time.Microsecond), Updated: now.Truncate(time.Microsecond), Doc: note{Text: "about a"},
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("Create, -want +got:\n%s", diff)
		}
		got, err := get(t, db, "a")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Get, -want +got:\n%s", diff)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			return notes.Create(tx, &resource.Item[note]{Key: key("a"), Status: "DRAFT"}, now)
		})
		if f := fault.Of(err); f == nil || f.Code != "ResourceExistsException" || f.ResourceType != "DATA_SET" {
			t.Errorf("Create again: %v, want a ResourceExistsException", err)
		}

		later := now.Add(time.Hour)
		write(t, db, func(tx *store.Tx) error {
			_, err := notes.Update(tx, key("a"), later, func(it *resource.Item[note]) error {
				it.Name, it.Doc.Text = "Second", "changed"
				return notes.Move(it, "DONE")
			})
			return err
		})
		got, err = get(t, db, "a")
		want.Name, want.Status, want.Version, want.Updated, want.Doc = "Second", "DONE", 2, later.Truncate(time.Microsecond), note{Text: "changed"}
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("after Update, %v, -want +got:\n%s", err, diff)
		}

		for name, tt := range map[string]struct {
			do   func(tx *store.Tx) error
			want string
		}{
			"a status that may not follow": {func(tx *store.Tx) error {
				_, err := notes.Update(tx, key("a"), later, func(it *resource.Item[note]) error {
					it.Status = "LOST"
					return nil
				})
				return err
			}, "ConflictException"},
			"a move to the same status": {func(tx *store.Tx) error {
				_, err := notes.Update(tx, key("a"), later, func(it *resource.Item[note]) error { return notes.Move(it, "DONE") })
				return err
			}, "ConflictException"},
			"a change that fails": {func(tx *store.Tx) error {
				_, err := notes.Update(tx, key("a"), later, func(it *resource.Item[note]) error {
					it.Name = "Third"
					return fault.Invalid("no")
				})
				return err
			}, "InvalidParameterValueException"},
			"update of none": {func(tx *store.Tx) error {
				_, err := notes.Update(tx, key("b"), later, func(*resource.Item[note]) error { return nil })
				return err
			}, "ResourceNotFoundException"},
			"delete of none": {func(tx *store.Tx) error {
				_, err := notes.Delete(tx, resource.Key{Account: account, Region: "eu-west-1", ID: "a"})
				return err
			}, "ResourceNotFoundException"},
		} {
			if err := db.Write(t.Context(), tt.do); codeOf(err) != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
		if again, err := get(t, db, "a"); err != nil || cmp.Diff(want, again) != "" {
			t.Errorf("what was refused changed something: %v\n%s", err, cmp.Diff(want, again))
		}

		add(t, db, "draft", "Draft", "")
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := notes.Delete(tx, key("draft"))
			return err
		})
		if codeOf(err) != "ConflictException" {
			t.Errorf("delete of a draft: %v, want ConflictException", err)
		}
		write(t, db, func(tx *store.Tx) error {
			_, err := notes.Delete(tx, key("a"))
			return err
		})
		if _, err := get(t, db, "a"); codeOf(err) != "ResourceNotFoundException" {
			t.Errorf("after Delete: %v, want ResourceNotFoundException", err)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error {
			return notes.Create(tx, &resource.Item[note]{Key: key("odd"), Status: "DONE"}, now)
		}); err == nil {
			t.Error("a note began as DONE")
		}
	})
}

// Of two who change one resource at once both count: none is lost.
func TestUpdatesAreNotLost(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		add(t, db, "a", "First", "")
		const writers = 16
		var wg sync.WaitGroup
		for i := range writers {
			wg.Go(func() {
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					_, err := notes.Update(tx, key("a"), now, func(it *resource.Item[note]) error {
						it.Doc.Text += "."
						return nil
					})
					return err
				})
				if err != nil {
					t.Errorf("writer %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		it, err := get(t, db, "a")
		if err != nil {
			t.Fatal(err)
		}
		if want := "about a" + "................"; it.Doc.Text != want || it.Version != writers+1 {
			t.Errorf("text %q, version %d; want %q, %d", it.Doc.Text, it.Version, want, writers+1)
		}
	})
}

func ids(t *testing.T, db *store.DB, f resource.Filter, after string, limit int) []string {
	t.Helper()
	var found []string
	err := db.Read(t.Context(), func(tx *store.Tx) error {
		found = nil
		items, err := notes.List(tx, account, "us-east-1", f, after, limit)
		for _, it := range items {
			found = append(found, it.ID)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestList(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, n := range [][3]string{
			{"b", "Größe 100%", "LONG"}, {"a", "a_b", "SHORT"}, {"B", "aXb", "LONG"}, {"_", "Hello World", "SHORT"}, {"a-1", "hello", "SHORT"},
		} {
			add(t, db, n[0], n[1], n[2])
		}
		// Others have nothing to do with it.
		write(t, db, func(tx *store.Tx) error {
			other := resource.Kind[note]{Name: "noted"}
			for _, it := range []*resource.Item[note]{
				{Key: resource.Key{Account: account, Region: "eu-west-1", ID: "x"}, Name: "hello", Status: "DRAFT", Type: "LONG"},
				{Key: resource.Key{Account: "444455556666", Region: "us-east-1", ID: "x"}, Name: "hello", Status: "DRAFT", Type: "LONG"},
			} {
				if err := notes.Create(tx, it, now); err != nil {
					return err
				}
			}
			return other.Create(tx, &resource.Item[note]{Key: key("x"), Name: "hello", Type: "LONG"}, now)
		})
		for name, tt := range map[string]struct {
			f    resource.Filter
			want []string
		}{
			"all, by bytes":         {resource.Filter{}, []string{"B", "_", "a", "a-1", "b"}},
			"name":                  {resource.Named("hello"), []string{"a-1"}},
			"name in another case":  {resource.Named("HELLO"), nil},
			"part of a name":        {resource.NameLike("HELLO"), []string{"_", "a-1"}},
			"pattern":               {resource.NameLike("h*o"), []string{"a-1"}},
			"pattern to the end":    {resource.NameLike("h*"), []string{"_", "a-1"}},
			"one character":         {resource.NameLike("a?b"), []string{"B", "a"}},
			"an underscore":         {resource.NameLike("a_b"), []string{"a"}},
			"a per cent sign":       {resource.NameLike("0%"), []string{"b"}},
			"an exclamation mark":   {resource.NameLike("!"), nil},
			"beyond ASCII":          {resource.NameLike("GRÖSSE"), nil},
			"beyond ASCII, folded":  {resource.NameLike("RÖß"), []string{"b"}},
			"nothing in particular": {resource.NameLike(""), []string{"B", "_", "a", "a-1", "b"}},
			"type":                  {resource.OfType("LONG"), []string{"B", "b"}},
			"types":                 {resource.OfType("LONG", "SHORT", "OTHER"), []string{"B", "_", "a", "a-1", "b"}},
			"no type":               {resource.OfType(), nil},
		} {
			if diff := cmp.Diff(tt.want, ids(t, db, tt.f, "", 100)); diff != "" {
				t.Errorf("%s, -want +got:\n%s", name, diff)
			}
		}
		if diff := cmp.Diff([]string{"a", "a-1"}, ids(t, db, resource.Filter{}, "_", 2)); diff != "" {
			t.Errorf("a page, -want +got:\n%s", diff)
		}
		if diff := cmp.Diff([]string{"a-1"}, ids(t, db, resource.NameLike("hello"), "_", 2)); diff != "" {
			t.Errorf("a page of a search, -want +got:\n%s", diff)
		}
	})
}

// However many come and go between the pages, one that stays is seen once.
func TestPagesUnderChange(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var stay []string
		for i := range 40 {
			id := fmt.Sprintf("n%03d", i*10)
			add(t, db, id, "hello", "")
			if i%4 != 0 {
				stay = append(stay, id)
			}
		}
		for name, f := range map[string]resource.Filter{"all": {}, "search": resource.NameLike("hel*")} {
			var seen []string
			after := ""
			for round := 0; ; round++ {
				page := ids(t, db, f, after, 7)
				if len(page) == 0 {
					break
				}
				seen = append(seen, page...)
				after = page[len(page)-1]
				if round > 9 {
					continue
				}
				// One before and one after the end of the page come, one that is due or was goes.
				add(t, db, fmt.Sprintf("n000-%s-%d", name, round), "hello", "")
				add(t, db, after+"-"+name, "hello", "")
				write(t, db, func(tx *store.Tx) error {
					_, err := tx.Exec(`DELETE FROM resources WHERE id = $1`, fmt.Sprintf("n%03d", 40*(9-round)))
					return err
				})
			}
			if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
				t.Errorf("%s: out of order or twice: %v", name, seen)
			}
			for _, id := range stay {
				if !slices.Contains(seen, id) {
					t.Errorf("%s: %s was there all the time and not seen", name, id)
				}
			}
		}
	})
}

func TestSecrets(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		secrets := resource.Secrets{Keys: seal.New()}
		it := add(t, db, "a", "First", "")
		other := add(t, db, "b", "Second", "")
		write(t, db, func(tx *store.Tx) error {
			return errors.Join(secrets.Put(tx, it.ARN, "password", 1, "one"), secrets.Put(tx, it.ARN, "password", 2, "two"),
				secrets.Put(tx, other.ARN, "password", 1, "three"))
		})
		read := func(arn, field string, version int64) (string, error) {
			var got string
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				s, err := secrets.Get(tx, arn, field, version)
				got = s.Reveal()
				return err
			})
			return got, err
		}
		if got, err := read(it.ARN, "password", 2); err != nil || got != "two" {
			t.Errorf("Get = %q, %v, want two", got, err)
		}
		for name, swap := range map[string]string{
			"another resource's": `UPDATE resource_secrets SET sealed = (SELECT sealed FROM resource_secrets WHERE arn = $2 AND version = 1) WHERE arn = $1 AND version = 2`,
			"an older version's": `UPDATE resource_secrets SET sealed = (SELECT sealed FROM resource_secrets WHERE arn = $1 AND version = 1 AND arn <> $2) WHERE arn = $1 AND version = 2`,
		} {
			write(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(swap, it.ARN, other.ARN)
				return err
			})
			if got, err := read(it.ARN, "password", 2); !errors.Is(err, resource.ErrLost) || got != "" {
				t.Errorf("%s secret in its place: %q, %v, want ErrLost", name, got, err)
			}
		}
		if _, err := read(it.ARN, "key", 1); !errors.Is(err, resource.ErrLost) {
			t.Errorf("another field: %v, want ErrLost", err)
		}
		if got, err := read(it.ARN, "password", 1); err != nil || got != "one" {
			t.Errorf("Get = %q, %v, want one", got, err)
		}
		write(t, db, func(tx *store.Tx) error { return secrets.Keep(tx, it.ARN, 2) })
		if _, err := read(it.ARN, "password", 1); !errors.Is(err, resource.ErrLost) {
			t.Errorf("after Keep: %v, want ErrLost", err)
		}
		if got, err := read(other.ARN, "password", 1); err != nil || got != "three" {
			t.Errorf("Keep of another resource: %q, %v, want three", got, err)
		}
	})
}

func TestPurge(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		secrets := resource.Secrets{Keys: seal.New()}
		write(t, db, func(tx *store.Tx) error {
			for i := range 1100 { // more than two transactions take
				it := &resource.Item[note]{Key: resource.Key{Account: account, Region: "r", ID: fmt.Sprint(i)}, Status: "DRAFT"}
				if err := notes.Create(tx, it, now); err != nil {
					return err
				}
				if err := secrets.Put(tx, it.ARN, "f", 1, "s"); err != nil {
					return err
				}
				_, err := tx.Exec(`INSERT INTO resource_permissions (arn, principal, actions, owner, viewer) VALUES ($1, 'p', '[]', TRUE, TRUE)`, it.ARN)
				if err != nil {
					return err
				}
			}
			return notes.Create(tx, &resource.Item[note]{Key: resource.Key{Account: "444455556666", Region: "r", ID: "1"}, Status: "DRAFT"}, now)
		})
		if err := resource.Purge(t.Context(), db, account); err != nil {
			t.Fatal(err)
		}
		for table, want := range map[string]int64{"resources": 1, "resource_permissions": 0, "resource_secrets": 0} {
			var got int64
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				got, err = store.One[int64](tx, `SELECT COUNT(*) FROM `+table)
				return err
			})
			if err != nil || got != want {
				t.Errorf("%s has %d rows, %v; want %d", table, got, err, want)
			}
		}
	})
}
