package page_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

var ctx = context.Background()

func newTokens() *page.Tokens { return page.NewTokens(seal.New(), time.Now) }

func TestTokens(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tokens := newTokens()
		parts := rapid.SliceOfN(rapid.String(), 0, 4)
		scope, key := parts.Draw(t, "scope"), parts.Draw(t, "key")
		token := tokens.Next(page.Scope(scope...), key...)
		if strings.Trim(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			t.Fatalf("token %q is not safe in a URL", token)
		}
		got, err := tokens.Key(page.Scope(scope...), token)
		if err != nil || got == nil || !slices.Equal(got, key) {
			t.Fatalf("Key = %q, %v; want %q", got, err, key)
		}
		if other := parts.Draw(t, "other"); !slices.Equal(other, scope) {
			if page.Scope(other...) == page.Scope(scope...) {
				t.Fatalf("%q and %q are one scope", scope, other)
			}
			got, err := tokens.Key(page.Scope(other...), token)
			invalid(t, got, err)
		}
	})
}

// invalid checks that a token was refused.
func invalid(t interface{ Errorf(string, ...any) }, key []string, err error) {
	if got, want := fault.Of(err), fault.InvalidNextToken(); key != nil || got == nil || got.Code != want.Code {
		t.Errorf("Key = %q, %v; want an %s", key, err, want.Code)
	}
}

func TestNoToken(t *testing.T) {
	t.Parallel()
	if key, err := newTokens().Key("scope", ""); key != nil || err != nil {
		t.Errorf("the empty token: %q, %v; want nil, nil", key, err)
	}
}

func TestTokenSize(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 245)
	if got := len(newTokens().Next(page.Scope("ListUsers"), name, name)); got > 800 {
		t.Errorf("a token for a key of 490 bytes has %d characters, want at most 800", got)
	}
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 600, time.UTC)
	tokens := page.NewTokens(seal.New(), func() time.Time { return now })
	token := tokens.Next("scope", "key")
	now = now.Add(24*time.Hour - time.Second)
	if key, err := tokens.Key("scope", token); err != nil || len(key) != 1 {
		t.Errorf("a second before its end: %q, %v", key, err)
	}
	now = now.Add(time.Second)
	key, err := tokens.Key("scope", token)
	invalid(t, key, err)
}

func TestForeignTokens(t *testing.T) {
	t.Parallel()
	keys := seal.New()
	tokens := page.NewTokens(keys, time.Now)
	token := tokens.Next("scope", "key")
	tail := "A"
	if strings.HasSuffix(token, "A") {
		tail = "B"
	}
	for name, foreign := range map[string]string{
		"of another server":  newTokens().Next("scope", "key"),
		"altered":            token[:len(token)-1] + tail,
		"cut":                token[:len(token)-4],
		"padded":             token + "=",
		"with a line's end":  token[:5] + "\n" + token[5:],
		"with a space":       token + " ",
		"a number":           "100",
		"in plain":           base64.RawURLEncoding.EncodeToString([]byte("key")),
		"a page of the UI":   "eyJhIjoxfQ==",
		"no text":            "\x00\xff",
		"long":               strings.Repeat("A", 100_000),
		"sealed for another": base64.RawURLEncoding.EncodeToString(keys.Seal([]byte("\x00\x03key"), "scope")),
	} {
		key, err := tokens.Key("scope", foreign)
		if err == nil {
			t.Errorf("%s: %q opens as %q", name, foreign, key)
			continue
		}
		invalid(t, key, err)
	}
}

// Items come and go between the pages of a list. Whoever is there all the time
// is on exactly one page, nobody is on two, and the pages are in order.
func TestPages(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		tokens := newTokens()
		write := func(t *rapid.T, query string, args ...any) {
			err := db.Write(ctx, func(tx *store.Tx) error {
				_, err := tx.Exec(query, args...)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		var lists atomic.Int64
		rapid.Check(t, func(t *rapid.T) {
			account := fmt.Sprint(lists.Add(1)) // a list of its own
			scope := page.Scope("ListTags", account)
			name := rapid.StringOfN(rapid.SampledFrom([]rune("aAbB0é_-. 😀")), 1, 3, -1)
			there := map[string]bool{}
			add := func(n string) {
				if !there[n] {
					write(t, `INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, '', '')`, account, n)
					there[n] = true
				}
			}
			for _, n := range rapid.SliceOfN(name, 0, 20).Draw(t, "names") {
				add(n)
			}
			always := map[string]bool{}
			for n := range there {
				always[n] = true
			}
			var seen []string
			token := ""
			for pages := 0; ; pages++ {
				if pages > 100 {
					t.Fatal("the list does not end")
				}
				size := rapid.IntRange(1, 4).Draw(t, "size")
				key, err := tokens.Key(scope, token)
				if err != nil {
					t.Fatal(err)
				}
				after := ""
				if key != nil {
					after = key[0]
				}
				var rows []string
				err = db.Read(ctx, func(tx *store.Tx) (err error) {
					rows, err = store.All[string](tx, `SELECT arn FROM tags WHERE account = $1 AND arn > $2 ORDER BY arn LIMIT $3`, account, after, size+1)
					return err
				})
				if err != nil {
					t.Fatal(err)
				}
				more := len(rows) > size
				rows = rows[:min(size, len(rows))]
				seen = append(seen, rows...)
				if !more {
					break
				}
				token = tokens.Next(scope, rows[len(rows)-1])
				for _, n := range rapid.SliceOfN(name, 0, 3).Draw(t, "come") {
					add(n)
				}
				for _, n := range rapid.SliceOfN(name, 0, 3).Draw(t, "go") {
					write(t, `DELETE FROM tags WHERE account = $1 AND arn = $2`, account, n)
					delete(there, n)
					delete(always, n)
				}
			}
			if !slices.IsSorted(seen) {
				t.Fatalf("pages out of order: %q", seen)
			}
			if once := slices.Compact(slices.Clone(seen)); len(once) != len(seen) {
				t.Fatalf("some are on two pages: %q", seen)
			}
			for n := range always {
				if !slices.Contains(seen, n) {
					t.Fatalf("%q was there all the time, and is on no page: %q", n, seen)
				}
			}
			for n := range there {
				delete(there, n)
			}
			write(t, `DELETE FROM tags WHERE account = $1`, account)
		})
	})
}

// fixed are tokens under a key that stays, for the corpus.
func fixed(f *testing.F) *page.Tokens {
	f.Helper()
	path := filepath.Join(f.TempDir(), "key")
	const text = "onsight-key 6ae87167 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		f.Fatal(err)
	}
	keys, err := seal.Load(path)
	if err != nil {
		f.Fatal(err)
	}
	return page.NewTokens(keys, func() time.Time { return time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC) })
}

// Whatever a caller sends as a token, the answer is a key that Next was given,
// or an InvalidNextTokenException.
func FuzzKey(f *testing.F) {
	tokens := fixed(f)
	token := tokens.Next(page.Scope("ListUsers", "111122223333"), "ana")
	for _, s := range []string{"", "a", token, token[:20], token + "A", tokens.Next("", "a", ""), strings.Repeat("_", 4097)} {
		f.Add(page.Scope("ListUsers", "111122223333"), s)
	}
	f.Fuzz(func(t *testing.T, scope, token string) {
		key, err := tokens.Key(scope, token)
		if err != nil {
			invalid(t, key, err)
			return
		}
		if token == "" {
			return
		}
		again, err := tokens.Key(scope, tokens.Next(scope, key...))
		if diff := cmp.Diff(key, again); err != nil || diff != "" {
			t.Errorf("another token for the same key: %v\n%s", err, diff)
		}
	})
}
