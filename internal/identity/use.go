package identity

import (
	"context"
	"errors"
	"sync"
	"time"

	"onsight/internal/arn"
	"onsight/internal/store"
)

const (
	// useHour is how exact the time of a user's last use is: one write an hour.
	useHour = time.Hour
	// usesEvery is how often uses are written down. Between, they are in memory,
	// and that is what a crash loses of them.
	usesEvery = time.Minute
	// usesKept bounds the callers that are remembered.
	usesKept = 20_000
	// usesBatch is how many uses one transaction writes.
	usesBatch = 200
)

// A caller is an IAM principal that signs calls.
type caller struct{ account, arn string }

// Uses notes when the IAM principals that users belong to have last signed a
// call: a caller at most once an hour, and off the way of the call. It may be
// used by many goroutines.
type Uses struct {
	db  *store.DB
	now func() time.Time

	mu      sync.RWMutex
	noted   map[caller]int64 // in this hour or the one before, in microseconds
	waiting map[caller]int64
	due     *time.Timer // nil while nothing waits
}

// NewUses makes Uses.
func NewUses(db *store.DB, now func() time.Time) *Uses {
	return &Uses{db: db, now: now, noted: map[caller]int64{}, waiting: map[caller]int64{}}
}

// Note notes that the principal of an ARN has signed a call.
func (u *Uses) Note(account, principalARN string) {
	c, now := caller{account, principalARN}, store.Micros(u.now())
	u.mu.RLock()
	last, ok := u.noted[c]
	u.mu.RUnlock()
	if ok && now-last < useHour.Microseconds() {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.noted) >= usesKept { // who is forgotten is noted once more than needed
		clear(u.noted)
	}
	u.noted[c], u.waiting[c] = now, now
	if u.due == nil {
		u.due = time.AfterFunc(usesEvery, func() {
			// What cannot be written now is lost; the next hour notes it again.
			_ = u.Write(context.Background())
		})
	}
}

// Write writes down what was noted since it was called last. The server calls
// it when it stops.
func (u *Uses) Write(ctx context.Context) error {
	u.mu.Lock()
	waiting := u.waiting
	u.waiting = map[caller]int64{}
	if u.due != nil {
		u.due.Stop()
		u.due = nil
	}
	u.mu.Unlock()
	var found []use
	for c, us := range waiting {
		some, err := u.find(ctx, c, us)
		if err != nil {
			return err
		}
		found = append(found, some...)
		if len(some) == 0 { // a user may be registered for it any time
			u.mu.Lock()
			u.noted[c] = us - (useHour - usesEvery).Microseconds()
			u.mu.Unlock()
		}
	}
	for len(found) > 0 {
		batch := found[:min(usesBatch, len(found))]
		found = found[len(batch):]
		err := u.db.Write(ctx, func(tx *store.Tx) error {
			for _, use := range batch {
				// Other servers note uses of their own: one an hour is enough.
				_, err := tx.Exec(`UPDATE users SET last_used_us = $4 WHERE account = $1 AND namespace = $2 AND name = $3
					AND (last_used_us IS NULL OR last_used_us <= $5)`,
					use.account, use.namespace, use.name, use.us, use.us-useHour.Microseconds())
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// A use is that of a user.
type use struct {
	account, namespace, name string
	us                       int64
}

// find gives the users that belong to a caller: one in each namespace at most.
func (u *Uses) find(ctx context.Context, c caller, us int64) (found []use, err error) {
	iamARN, session := c.arn, (*string)(nil)
	if role, name, ok := roleOfSession(c.arn); ok {
		iamARN, session = role, &name
	}
	name, isRole, ok := iamName(iamARN, session)
	if !ok {
		return nil, nil
	}
	err = u.db.Read(ctx, func(tx *store.Tx) error {
		found = nil
		for namespace := ""; ; {
			next, err := store.One[string](tx, `SELECT namespace FROM users WHERE account = $1 AND namespace > $2 ORDER BY namespace LIMIT 1`, c.account, namespace)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			namespace = next
			registered, err := store.One[*string](tx, `SELECT iam_arn FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, c.account, namespace, name)
			if err != nil && !errors.Is(err, store.ErrNotFound) {
				return err
			}
			if err == nil && belongs(registered, c.account, isRole) {
				found = append(found, use{c.account, namespace, name, us})
			}
		}
	})
	return found, err
}

// belongs tells whether a user with that IAM ARN belongs to the principal of the
// same name. Sessions of roles do not tell the path of the role.
func belongs(registered *string, account string, isRole bool) bool {
	if registered == nil {
		return false
	}
	a, err := arn.Parse(*registered)
	if err != nil || a.Account != account {
		return false
	}
	kind, _ := a.Split()
	return (kind == "role") == isRole
}
