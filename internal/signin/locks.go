package signin

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// A lock is a row of the table sign_in_locks: attempts that have failed, or
// are under way.
type lock struct {
	Account  string `db:"account"`
	Name     string `db:"name"`
	Failures int64  `db:"failures"`
	LastUS   int64  `db:"last_us"`
	UntilUS  int64  `db:"until_us"`
}

const lockColumns = `account, name, failures, last_us, until_us`

// A limit says how many attempts are free, and how long to wait after more.
type limit struct {
	free         int64
	first, least time.Duration // the first pause, which doubles, and the longest
}

var (
	// Of one user: who guesses gets some hundred passwords a day to try.
	userLimit = limit{free: 5, first: 30 * time.Second, least: 15 * time.Minute}
	// Of one address: an office may be behind it.
	addressLimit = limit{free: 30, first: time.Minute, least: 15 * time.Minute}
	// Links for forgotten passwords, of one user and from one address.
	forgottenLimit        = limit{free: 3, first: 5 * time.Minute, least: time.Hour}
	forgottenAddressLimit = limit{free: 20, first: time.Minute, least: time.Hour}
)

// remembered is how long after the last attempt, and the end of its pause,
// attempts are forgotten.
const remembered = 6 * time.Hour

// pause is how long to wait after a number of attempts; 0 while they are free.
func (l limit) pause(attempts int64) time.Duration {
	over := attempts - l.free
	if over < 0 {
		return 0
	}
	if over > 16 {
		return l.least
	}
	return min(l.first<<over, l.least)
}

// The names of locks.
func lockUser(namespace, name string) string { return bounded("user/" + namespace + "/" + name) }

func lockForgotten(namespace, name string) string {
	return bounded("forgotten/" + namespace + "/" + name)
}
func lockAddress(address string) string       { return "address/" + address }
func lockForgottenFrom(address string) string { return "forgotten-from/" + address }

// strangers is the account of attempts on accounts that are not there. They
// are counted like all others, so that they can't be told apart.
const strangers = "-"

// bounded shortens what anyone may have made up.
func bounded(name string) string {
	if len(name) <= 1100 {
		return name
	}
	sum := sha256.Sum256([]byte(name))
	return name[:5] + hex.EncodeToString(sum[:])
}

// locked tells until when no attempt of a name is looked at; the zero time
// where it is.
func (s *Service) locked(tx *store.Tx, account, name string) (time.Time, error) {
	until, err := store.One[int64](tx, `SELECT until_us FROM sign_in_locks WHERE account = $1 AND name = $2`, account, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.Now().Before(store.Time(until)) {
		return time.Time{}, nil
	}
	return store.Time(until), err
}

// count counts an attempt. It gives until when it must not be looked at, and
// nothing is counted then; else, how many there are, and the pause that begins
// with this one if it fails.
func (s *Service) count(tx *store.Tx, account, name string, l limit) (until time.Time, attempts int64, pause time.Duration, err error) {
	now := s.Now()
	row, err := store.One[lock](tx, `SELECT `+lockColumns+` FROM sign_in_locks WHERE account = $1 AND name = $2`, account, name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return until, 0, 0, err
	}
	if now.Before(store.Time(row.UntilUS)) {
		return store.Time(row.UntilUS), row.Failures, 0, nil
	}
	if now.Sub(store.Time(max(row.LastUS, row.UntilUS))) > remembered {
		row.Failures = 0
	}
	row.Failures++
	pause = l.pause(row.Failures)
	ends := int64(0)
	if pause > 0 {
		ends = store.Micros(now.Add(pause))
	}
	_, err = tx.Exec(`INSERT INTO sign_in_locks (account, name, failures, last_us, until_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, name) DO UPDATE SET failures = excluded.failures, last_us = excluded.last_us, until_us = excluded.until_us`,
		account, name, row.Failures, store.Micros(now), ends)
	return until, row.Failures, pause, err
}

func unlock(tx *store.Tx, account, name string) error {
	_, err := tx.Exec(`DELETE FROM sign_in_locks WHERE account = $1 AND name = $2`, account, name)
	return err
}

// tooMany refuses an attempt that comes too soon.
func (s *Service) tooMany(account string, until time.Time, lang string) *refusal {
	wait := until.Sub(s.Now())
	return &refusal{
		status: http.StatusTooManyRequests, account: account, wait: wait,
		message: web.Message{Title: "locked.title", Text: "locked.text", Args: []any{web.Duration(lang, wait)}, Action: "to.forgotten", Target: forgottenPath},
	}
}

// Tidy removes what has ended: sessions, links, counted attempts.
func (s *Service) Tidy(ctx context.Context) error {
	now := s.Now()
	for _, d := range []struct {
		sql    string
		before time.Time
	}{
		{`DELETE FROM web_sessions WHERE token_hash IN (SELECT token_hash FROM web_sessions WHERE expires_us < $1 ORDER BY expires_us LIMIT $2)`, now},
		{`DELETE FROM password_resets WHERE token_hash IN (SELECT token_hash FROM password_resets WHERE expires_us < $1 LIMIT $2)`, now},
		{`DELETE FROM sign_in_steps WHERE token_hash IN (SELECT token_hash FROM sign_in_steps WHERE expires_us < $1 ORDER BY expires_us LIMIT $2)`, now},
		{`DELETE FROM used_challenges WHERE hash IN (SELECT hash FROM used_challenges WHERE expires_us < $1 ORDER BY expires_us LIMIT $2)`, now},
		{`DELETE FROM sign_in_locks WHERE (account, name) IN (SELECT account, name FROM sign_in_locks WHERE last_us < $1 ORDER BY last_us LIMIT $2)`, now.Add(-remembered - forgottenLimit.least)},
	} {
		const batch = 2000
		for gone := int64(batch); gone == batch; {
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(d.sql, store.Micros(d.before), batch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
