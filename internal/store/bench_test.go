//go:build unix

package store_test

import (
	"context"
	"crypto/rand"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// person is a row like that of a user: eleven columns, and two indexes beside
// the primary key, one of them random.
type person struct {
	Account   string  `db:"account"`
	Namespace string  `db:"namespace"`
	Name      string  `db:"name"`
	ARN       string  `db:"arn"`
	Principal string  `db:"principal"`
	Email     string  `db:"email"`
	Role      string  `db:"role"`
	Identity  string  `db:"identity"`
	Active    bool    `db:"active"`
	Created   int64   `db:"created_us"`
	Profile   *string `db:"profile"`
}

const personColumns = `account, namespace, name, arn, principal, email, role, identity, active, created_us, profile`

const peopleTable = `CREATE TABLE people (
	account    TEXT COLLATE "C" NOT NULL,
	namespace  TEXT COLLATE "C" NOT NULL,
	name       TEXT COLLATE "C" NOT NULL,
	arn        TEXT COLLATE "C" NOT NULL,
	principal  TEXT COLLATE "C" NOT NULL,
	email      TEXT NOT NULL,
	role       TEXT NOT NULL,
	identity   TEXT NOT NULL,
	active     BOOLEAN NOT NULL,
	created_us BIGINT NOT NULL,
	profile    TEXT,
	PRIMARY KEY (account, namespace, name)
)`

func personOf(i int) person {
	name := fmt.Sprintf("user%07d", i*7919%10_000_000)
	return person{
		Account: "111122223333", Namespace: "default", Name: name,
		ARN:       "arn:aws:quicksight:us-east-1:111122223333:user/default/" + name,
		Principal: "federated/iam/" + rand.Text()[:20], Email: name + "@example.org",
		Role: "READER", Identity: "IAM", Active: true, Created: 1_760_000_000_000_000 + int64(i),
	}
}

// people makes the table with rows people in it.
func people(tb testing.TB, db *store.DB, rowid bool, rows int) {
	tb.Helper()
	table := peopleTable
	if !rowid && db.Dialect() == store.SQLite {
		table += " WITHOUT ROWID"
	}
	write(tb, db, func(tx *store.Tx) error {
		for _, q := range []string{table, `CREATE UNIQUE INDEX people_arn ON people (arn)`, `CREATE INDEX people_principal ON people (account, namespace, principal)`} {
			if _, err := tx.Exec(q); err != nil {
				return err
			}
		}
		return nil
	})
	for start := 0; start < rows; start += 10_000 {
		write(tb, db, func(tx *store.Tx) error {
			for i := start; i < min(rows, start+10_000); i++ {
				if err := store.Insert(tx, "people", personOf(i)); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if db.Dialect() == store.PostgreSQL {
		write(tb, db, func(tx *store.Tx) error {
			_, err := tx.Exec(`ANALYZE people`)
			return err
		})
	}
}

// concurrently runs fn b.N times from n goroutines and reports the rate.
func concurrently(b *testing.B, n int, fn func(i int) error) {
	b.Helper()
	var next, failed atomic.Int64
	var wg sync.WaitGroup
	b.ReportAllocs()
	b.ResetTimer()
	cpu := cpuTime()
	for range n {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				if err := fn(i); err != nil {
					failed.Add(1)
					b.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(cpuTime()-cpu)/float64(b.N), "cpu-ns/op") // says more than time on a busy machine
}

// cpuTime is how long the process has used a processor.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// each runs a benchmark on each database and kind of table.
func each(b *testing.B, rows int, bench func(b *testing.B, db *store.DB)) {
	b.Helper()
	for _, dialect := range storetest.Dialects {
		for _, rowid := range []bool{true, false} {
			name := dialect
			switch {
			case dialect == store.PostgreSQL && !rowid:
				continue
			case !rowid:
				name += "-without-rowid"
			}
			b.Run(fmt.Sprintf("%s/rows=%d", name, rows), func(b *testing.B) {
				db := storetest.Open(b, dialect)
				people(b, db, rowid, rows)
				bench(b, db)
			})
		}
	}
}

func BenchmarkInsert(b *testing.B) {
	for _, rows := range []int{10_000} {
		each(b, rows, func(b *testing.B, db *store.DB) {
			done := rows
			for _, writers := range []int{1, 64} {
				b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
					first := done
					concurrently(b, writers, func(i int) error {
						p := personOf(first + i)
						return db.Write(context.Background(), func(tx *store.Tx) error {
							return store.Insert(tx, "people", p)
						})
					})
					done += b.N
				})
			}
		})
	}
}

func BenchmarkPoint(b *testing.B) {
	for _, rows := range []int{10_000} {
		each(b, rows, func(b *testing.B, db *store.DB) {
			for _, readers := range []int{1, 64} {
				b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
					concurrently(b, readers, func(i int) error {
						name := fmt.Sprintf("user%07d", (i%rows)*7919%10_000_000)
						return db.Read(context.Background(), func(tx *store.Tx) error {
							_, err := store.One[person](tx, `SELECT `+personColumns+` FROM people WHERE account = $1 AND namespace = $2 AND name = $3`,
								"111122223333", "default", name)
							return err
						})
					})
				})
			}
		})
	}
}

func BenchmarkPage(b *testing.B) {
	for _, rows := range []int{1_000, 100_000} {
		each(b, rows, func(b *testing.B, db *store.DB) {
			for _, readers := range []int{1, 16} {
				b.Run(fmt.Sprintf("readers=%d", readers), func(b *testing.B) {
					concurrently(b, readers, func(i int) error {
						after := fmt.Sprintf("user%07d", i*7919%9_000_000)
						return db.Read(context.Background(), func(tx *store.Tx) error {
							page, err := store.All[person](tx, `SELECT `+personColumns+` FROM people
								WHERE account = $1 AND namespace = $2 AND name > $3 ORDER BY name LIMIT $4`,
								"111122223333", "default", after, 100)
							if err == nil && len(page) < 100 && rows > 1000 {
								return fmt.Errorf("%d rows after %s", len(page), after)
							}
							return err
						})
					})
				})
			}
		})
	}
}
