package audit

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// TestTampering alters what is sealed in every way, and has each shown.
func TestTampering(t *testing.T) {
	t.Parallel()
	at := func(seq int64) string { return regexp.QuoteMeta(timeOf(seq).Format(exact)) }
	tests := []struct {
		name   string
		tamper func(b *bench, n []int64) // n are the numbers of the account's events
		want   func(n []int64) []string  // patterns, one for each problem
	}{
		{"nothing", func(*bench, []int64) {}, func([]int64) []string { return nil }},
		{
			"a record is changed", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_events SET record = replace(record, 'user/eve', 'user/bob') WHERE seq = $1`, n[2])
			},
			func(n []int64) []string {
				return []string{`account 111122223333: the event \S{36} of ` + at(n[2]) + ` was changed after it was sealed; it now says RegisterUser by arn:aws:iam::111122223333:user/bob`}
			},
		},
		{
			"a record is damaged", func(b *bench, n []int64) { b.exec(`UPDATE audit_events SET record = '{' WHERE seq = $1`, n[2]) },
			func(n []int64) []string {
				return []string{at(n[2]) + ` was changed after it was sealed; it cannot be read`}
			},
		},
		{
			"a record is removed", func(b *bench, n []int64) { b.exec(`DELETE FROM audit_events WHERE seq = $1`, n[1]) },
			func(n []int64) []string { return []string{at(n[1]) + ` was removed`} },
		},
		{
			"the first and the last of a batch are removed", func(b *bench, n []int64) { b.exec(`DELETE FROM audit_events WHERE seq IN ($1, $2)`, n[0], n[4]) },
			func(n []int64) []string { return []string{at(n[0]) + ` was removed`, at(n[4]) + ` was removed`} },
		},
		{
			"a record is added", func(b *bench, n []int64) {
				b.exec(`INSERT INTO audit_events (seq, account, record) VALUES ($1, $2, $3)`, n[2]+1, ana, user("bob", "DeleteUser", "x"))
			},
			func(n []int64) []string {
				return []string{at(n[2]) + ` was added after its time was sealed; it now says DeleteUser by arn:aws:iam::111122223333:user/bob`}
			},
		},
		{
			"a record is added before the first", func(b *bench, n []int64) {
				b.exec(`INSERT INTO audit_events (seq, account, record) VALUES ($1, $2, $3)`, n[0]-1000, ana, user("bob", "DeleteUser", "x"))
			},
			func(n []int64) []string { return []string{`was added after its time was sealed`} },
		},
		{
			"a record is added between two batches", func(b *bench, n []int64) {
				b.exec(`INSERT INTO audit_events (seq, account, record) VALUES ($1, $2, $3)`, n[4]+1, ana, user("bob", "DeleteUser", "x"))
			},
			func(n []int64) []string { return []string{`was added after its time was sealed`} },
		},
		{
			"two records change places", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_events SET seq = 1 WHERE seq = $1`, n[1])
				b.exec(`UPDATE audit_events SET seq = $2 WHERE seq = $1`, n[3], n[1])
				b.exec(`UPDATE audit_events SET seq = $1 WHERE seq = 1`, n[3])
			},
			func(n []int64) []string { return []string{at(n[1]) + ` was changed`, at(n[3]) + ` was changed`} },
		},
		{
			"a record moves in time", func(b *bench, n []int64) { b.exec(`UPDATE audit_events SET seq = $2 WHERE seq = $1`, n[1], n[2]+5) },
			func(n []int64) []string { return []string{at(n[1]) + ` was removed`, at(n[2]+5) + ` was added`} },
		},
		{
			"a record moves to another account", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_events SET account = $2 WHERE seq = $1`, n[1], bob)
			},
			func(n []int64) []string {
				return []string{`account 444455556666: .* was added after its time was sealed`, `account 111122223333: .*` + at(n[1]) + ` was removed`}
			},
		},
		{
			"the last events are removed", func(b *bench, n []int64) {
				b.exec(`DELETE FROM audit_events WHERE seq >= $1 AND account = $2`, n[10], ana)
			},
			func(n []int64) []string {
				var all []string
				for _, seq := range n[10:] {
					all = append(all, at(seq)+` was removed`)
				}
				return all
			},
		},
		{
			"the last events are removed with their batch", func(b *bench, n []int64) {
				b.exec(`DELETE FROM audit_events WHERE seq >= $1 AND account = $2`, n[10], ana)
				b.exec(`DELETE FROM audit_batches WHERE account = $1 AND from_seq >= $2`, ana, n[10])
			},
			func(n []int64) []string {
				return []string{`the last 5 events that were sealed, until ` + at(n[14]) + `, are gone with their batches`}
			},
		},
		{
			"the last events are removed with their batch and the head", func(b *bench, n []int64) {
				b.exec(`DELETE FROM audit_events WHERE seq >= $1 AND account = $2`, n[10], ana)
				b.exec(`DELETE FROM audit_batches WHERE account = $1 AND from_seq >= $2`, ana, n[10])
				b.exec(`UPDATE audit_chains SET head_seq = c.to_seq, head_total = c.total, head_hash = c.hash
					FROM (SELECT to_seq, total, hash FROM audit_batches WHERE account = $1 ORDER BY to_seq DESC LIMIT 1) AS c WHERE account = $1`, ana)
			},
			func([]int64) []string {
				return []string{`the row that holds the ends of the chain was altered \(the seal does not fit\)`}
			},
		},
		{
			"a batch is removed", func(b *bench, n []int64) {
				b.exec(`DELETE FROM audit_events WHERE seq >= $1 AND seq <= $2`, n[5], n[9])
				b.exec(`DELETE FROM audit_batches WHERE account = $1 AND from_seq = $2`, ana, n[5])
			},
			func(n []int64) []string {
				return []string{`before the batch from ` + at(n[10]) + ` .* there were 10 events, and now there are 5`, `the batch from ` + at(n[10]) + ` .* does not follow the one before it`}
			},
		},
		{
			"the first batch is removed", func(b *bench, n []int64) {
				b.exec(`DELETE FROM audit_events WHERE seq <= $1`, n[4])
				b.exec(`DELETE FROM audit_batches WHERE account = $1 AND from_seq = $2`, ana, n[0])
			},
			func(n []int64) []string {
				return []string{`before the batch from ` + at(n[5]) + ` .* there were 5 events, and now there are 0`, `the batch from ` + at(n[5]) + ` .* does not follow`}
			},
		},
		{
			"a batch is altered", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_batches SET events = events + 1 WHERE account = $1 AND from_seq = $2`, ana, n[5])
			},
			func(n []int64) []string {
				return []string{`the row of the batch from ` + at(n[5]) + ` .* was altered`, `before the batch`}
			},
		},
		{
			"a filter is altered", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_batches SET filter = marks WHERE account = $1 AND from_seq = $2`, ana, n[5])
			},
			func(n []int64) []string { return []string{`the row of the batch from ` + at(n[5]) + ` .* was altered`} },
		},
		{
			"a batch gets another's seal", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_batches SET seal = (SELECT o.seal FROM audit_batches o WHERE o.account = $1 AND o.from_seq = $3)
					WHERE account = $1 AND from_seq = $2`, ana, n[5], n[0])
			},
			func(n []int64) []string { return []string{`the row of the batch from ` + at(n[5]) + ` .* was altered`} },
		},
		{
			"a record is changed and its batch made to fit", func(b *bench, n []int64) {
				b.exec(`UPDATE audit_events SET record = $2 WHERE seq = $1`, n[6], user("bob", "DeleteUser", "x"))
				forge(b, n[5], n[9])
			},
			func(n []int64) []string {
				return []string{`the row of the batch from ` + at(n[5]) + ` .* was altered`, `the batch from ` + at(n[10]) + ` .* does not follow`}
			},
		},
		{
			"an account is removed as a whole", func(b *bench, _ []int64) {
				for _, table := range []string{"audit_events", "audit_batches", "audit_chains"} {
					b.exec(`DELETE FROM `+table+` WHERE account = $1`, ana)
				}
			},
			func([]int64) []string {
				return []string{`^1 of the 2 accounts with sealed events are gone as a whole$`}
			},
		},
		{
			"the row of the chain is removed", func(b *bench, _ []int64) { b.exec(`DELETE FROM audit_chains WHERE account = $1`, ana) },
			func([]int64) []string {
				return []string{`^1 of the 2 accounts`, `the row that holds the ends of the chain is gone`, `the chain does not end as the row`}
			},
		},
		{
			"the row of all chains is removed", func(b *bench, _ []int64) { b.exec(`DELETE FROM audit_chains WHERE account = ''`) },
			func([]int64) []string {
				return []string{`^the row that says how far everything is sealed is gone$`, `^batches go on until`}
			},
		},
		{
			"all is removed", func(b *bench, _ []int64) {
				for _, table := range []string{"audit_events", "audit_batches"} {
					b.exec(`DELETE FROM ` + table)
				}
			},
			func([]int64) []string {
				return []string{`111122223333: the last 15 events`, `444455556666: the last 3 events`}
			},
		},
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for _, test := range tests {
			if err := db.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, db)
			var n []int64
			for range 3 {
				n = append(n, b.add(ana, 5)...)
				b.add(bob, 1)
				b.seal()
			}
			test.tamper(b, n)
			want := test.want(n)
			r := b.verify("")
			if !matchAll(r.Problems, want) {
				t.Errorf("%s: problems\n%s\nwant\n%s", test.name, strings.Join(r.Problems, "\n"), strings.Join(want, "\n"))
			}
			// It shows later too, when the server has gone on; and to who asks
			// for the account alone.
			b.add(ana, 1)
			b.seal()
			if later := b.verify(ana); (len(later.Problems) > 0) != (len(want) > 0) {
				t.Errorf("%s: later: %q", test.name, later.Problems)
			}
		}
	})
}

// forge makes a batch fit its events again, as far as who has the database
// alone can.
func forge(b *bench, from, to int64) {
	b.t.Helper()
	b.write(func(tx *store.Tx) error {
		events, err := store.All[event](tx, `SELECT seq, account, record FROM audit_events WHERE seq >= $1 AND seq <= $2 AND account = $3 ORDER BY seq`, from, to, ana)
		if err != nil {
			return err
		}
		before, err := store.One[batch](tx, `SELECT `+batchColumns+` FROM audit_batches WHERE account = $1 AND to_seq < $2 ORDER BY to_seq DESC LIMIT 1`, ana, from)
		if err != nil {
			return err
		}
		h := newBatchHash(before.Hash)
		var marks []byte
		last := from - 1
		for i := range events {
			leaf := leafOf(events[i].Seq, events[i].Record)
			h.Write(leaf[:])
			marks = appendMark(marks, last, events[i].Seq, leaf)
			last = events[i].Seq
		}
		_, err = tx.Exec(`UPDATE audit_batches SET hash = $3, marks = $4 WHERE account = $1 AND from_seq = $2`, ana, from, h.Sum(nil), marks)
		return err
	})
}

// matchAll tells whether there is a problem for each pattern, and no other.
func matchAll(problems, patterns []string) bool {
	left := slices.Clone(problems)
	for _, p := range patterns {
		i := slices.IndexFunc(left, regexp.MustCompile(p).MatchString)
		if i < 0 {
			return false
		}
		left = slices.Delete(left, i, i+1)
	}
	return len(left) == 0
}

// TestHeadsShowWhatWasTakenBack: a database that is put back to an older state
// fits itself, and not what was noted elsewhere.
func TestHeadsShowWhatWasTakenBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.add(ana, 3)
		b.seal()
		var old []chain
		err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
			old, err = store.All[chain](tx, `SELECT `+chainColumns+` FROM audit_chains`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		early := b.verify("").Accounts[0].Head
		n := b.add(ana, 3)
		b.seal()
		late := b.verify("").Accounts[0].Head
		if r := b.verify("", early, late); len(r.Problems) > 0 {
			t.Errorf("both heads are of this chain: %q", r.Problems)
		}
		text := fmt.Sprintf("something else\n%s\n%s\n", early, late)
		heads, err := ParseHeads(text)
		if err != nil || len(heads) != 2 || heads[0].String() != early.String() || heads[1].String() != late.String() {
			t.Fatalf("ParseHeads(%q) = %v, %v", text, heads, err)
		}
		b.exec(`DELETE FROM audit_events WHERE seq >= $1`, n[0])
		b.exec(`DELETE FROM audit_batches WHERE from_seq >= $1`, n[0])
		for _, c := range old {
			b.exec(`UPDATE audit_chains SET head_seq = $2, head_total = $3, head_hash = $4, seal = $5 WHERE account = $1`,
				c.Account, c.HeadSeq, c.HeadTotal, c.HeadHash, c.Seal)
		}
		if r := b.verify("", early); len(r.Problems) > 0 {
			t.Errorf("an older state fits itself: %q", r.Problems)
		}
		if r := b.verify("", heads...); !matchAll(r.Problems, []string{`the chain does not lead to "head 111122223333 6`}) {
			t.Errorf("with the later head: %q", r.Problems)
		}
		// It goes on, and comes to as many events.
		b.add(ana, 5)
		b.seal()
		if r := b.verify("", late); len(r.Problems) != 1 {
			t.Errorf("another history: %q", r.Problems)
		}
		gone := late
		gone.Account = bob
		if r := b.verify("", gone); !matchAll(r.Problems, []string{`account 444455556666: all events are gone, of which 6 were sealed`}) {
			t.Errorf("a head of an account without events: %q", r.Problems)
		}
	})
}

func TestParseHeadsRefuses(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"head", "head 1 2 3 4", "head 111122223333 x 3 00", "head 111122223333 2 3 0g", "head 111122223333 2 3 00 5"} {
		if h, err := ParseHeads(text); err == nil {
			t.Errorf("%q: %v", text, h)
		}
	}
}

// TestSealing: batches are bounded, nothing is sealed twice, and what was not
// altered is told from what was.
func TestSealing(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		const many = maxRound + maxBatch + 7
		b.write(func(tx *store.Tx) error {
			for range many {
				leave(tx, ana, user("eve", "RegisterUser", "x"))
			}
			leave(tx, bob, user("eve", "RegisterUser", "x"))
			return nil
		})
		r := b.verify("")
		if len(r.Problems) > 0 || len(r.Accounts) != 2 || r.Accounts[0].Unsealed != many || r.Accounts[0].Head.Total != 0 {
			t.Errorf("before sealing: %+v", r)
		}
		b.seal()
		b.seal()
		if got, want := b.number(`SELECT count(*) FROM audit_batches WHERE account = $1`, ana), int64(maxRound/maxBatch+2); got != want {
			t.Errorf("%d batches, want %d", got, want)
		}
		r = b.verify("")
		if len(r.Problems) > 0 || r.Accounts[0].Unsealed != 0 || r.Accounts[0].Events != many || r.Accounts[0].Head.Total != many || r.Accounts[1].Head.Total != 1 {
			t.Errorf("after sealing: %+v", r)
		}
		// Another key opens none of it.
		other := newBench(t, db)
		if r := other.verify(""); len(r.Problems) == 0 || !strings.Contains(r.Problems[0], "which is not in the key file") {
			t.Errorf("with another key: %q", r.Problems)
		}
	})
}

// TestTwoSeal: several servers that seal at once make one chain.
func TestTwoSeal(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	one, two := newBench(t, storetest.Reopen(t, config)), newBench(t, storetest.Reopen(t, config))
	two.keys = one.keys
	done := make(chan struct{})
	for _, b := range []*bench{one, two} {
		go func() {
			defer func() { done <- struct{}{} }()
			for range 60 {
				if _, err := b.sealRound(context.Background()); err != nil {
					t.Error(err)
				}
			}
		}()
		go func() {
			defer func() { done <- struct{}{} }()
			for i := range 60 {
				err := b.db.Write(context.Background(), func(tx *store.Tx) error {
					leave(tx, []string{ana, bob}[i%2], user("eve", "RegisterUser", "x"))
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		}()
	}
	for range 4 {
		<-done
	}
	one.seal()
	r := one.verify("")
	if len(r.Problems) > 0 || r.Accounts[0].Head.Total != 60 || r.Accounts[1].Head.Total != 60 {
		t.Errorf("%+v", r)
	}
}

// TestRetention removes whole rounds from the oldest on, and what stays verifies.
func TestRetention(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db, func(c *Config) { c.Retention = 24 * time.Hour })
		var heads []Head
		for range 5 {
			b.add(ana, 4)
			b.add(bob, 2)
			b.seal()
			for _, a := range b.verify("").Accounts {
				heads = append(heads, a.Head)
			}
			b.advance(10 * time.Hour)
		}
		b.add(ana, 1) // not sealed
		b.advance(-time.Hour)
		// Now at 49 h: the rounds of 0, 10 and 20 h are too old.
		tidy := func() {
			t.Helper()
			if err := b.tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		tidy()
		r := b.verify("", heads...)
		if len(r.Problems) > 0 {
			t.Errorf("problems %q", r.Problems)
		}
		if a := r.Accounts[0]; a.Removed != 12 || a.Events != 9 || a.Unsealed != 1 || a.Head.Total != 20 {
			t.Errorf("%+v; want 12 removed, 9 there, one of them not sealed, of 20 sealed", a)
		}
		if len(r.Notes) != 4 { // of the heads before the last that was removed, which is the base
			t.Errorf("notes %q; want one for each head before the base", r.Notes)
		}
		if n := b.number(`SELECT count(*) FROM audit_events`); n != 2*6+1 {
			t.Errorf("%d events are left", n)
		}
		tidy()
		b.advance(1000 * time.Hour)
		tidy() // all that is sealed
		b.seal()
		b.add(bob, 1)
		b.seal()
		r = b.verify("")
		if len(r.Problems) > 0 || r.Accounts[0].Removed != 20 || r.Accounts[0].Events != 1 || r.Accounts[1].Head.Total != 11 {
			t.Errorf("after all was removed: %+v", r)
		}
	})
}

// TestRetentionKeepsThatItWasTamperedWith: what is removed for its age is not
// made good by that.
func TestRetentionKeepsThatItWasTamperedWith(t *testing.T) {
	t.Parallel()
	tampers := map[string]func(b *bench, n []int64){
		"an event is removed": func(b *bench, n []int64) { b.exec(`DELETE FROM audit_events WHERE seq = $1`, n[0]) },
		"a batch is removed with events": func(b *bench, n []int64) {
			b.exec(`DELETE FROM audit_events WHERE seq <= $1`, n[2])
			b.exec(`DELETE FROM audit_batches WHERE to_seq <= $1`, n[2])
		},
		"a batch is altered": func(b *bench, n []int64) { b.exec(`UPDATE audit_batches SET marks = filter WHERE to_seq = $1`, n[2]) },
		"the base is moved":  func(b *bench, n []int64) { b.exec(`UPDATE audit_chains SET base_seq = 1 WHERE account = $1`, ana) },
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		for name, tamper := range tampers {
			if err := db.Reset(t.Context()); err != nil {
				t.Fatal(err)
			}
			b := newBench(t, db, func(c *Config) { c.Retention = time.Hour })
			n := b.add(ana, 3)
			b.seal()
			b.add(ana, 3)
			b.seal()
			tamper(b, n)
			b.advance(2 * time.Hour)
			b.add(ana, 3)
			if err := b.tidy(t.Context()); err != nil {
				t.Fatal(err)
			}
			b.seal()
			if r := b.verify(""); !matchAll(r.Problems, []string{`account 111122223333: the server found at 2026-01-02T05:04:05Z that the chain was altered before`}) {
				t.Errorf("%s: %q", name, r.Problems)
			}
		}
	})
}

func TestReseal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		for range 3 {
			b.add(ana, 1)
			b.add(bob, 1)
			b.seal()
		}
		if err := b.keys.Rotate(); err != nil {
			t.Fatal(err)
		}
		n, err := b.Reseal(t.Context())
		if want := 6 + 3; err != nil || n != want {
			t.Errorf("Reseal gave %d, %v; want %d", n, err, want)
		}
		if err := b.keys.Retire(); err != nil {
			t.Fatal(err)
		}
		if r := b.verify(""); len(r.Problems) > 0 {
			t.Errorf("with the new key alone: %q", r.Problems)
		}
	})
}
