package audit

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// lines is a log for several goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// TestOverload: while the store takes nothing, as much as the queue holds
// waits, and the rest is dropped, counted and logged. Nobody waits for it.
func TestOverload(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var log lines
		const room, more = 64, 1000
		b := newBench(t, db, func(c *Config) { c.Queue, c.Log = room, slog.New(slog.NewTextHandler(&log, nil)) })
		b.Start()
		held, release, done := make(chan struct{}), make(chan struct{}), make(chan error)
		go func() {
			done <- db.Write(context.Background(), func(*store.Tx) error {
				close(held)
				<-release
				return nil
			})
		}()
		<-held
		begun := time.Now()
		for i := range more {
			b.enqueue(ana, []byte(user("eve", "RegisterUser", fmt.Sprint(i))))
		}
		if took := time.Since(begun); took > time.Second {
			t.Errorf("%d events that do not fit took %s", more, took)
		}
		close(release)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		b.Stop()
		written := b.number(`SELECT count(*) FROM audit_events`)
		// What the writer had taken before it had to wait is not in the queue.
		if written < room || written > room+writeBatch {
			t.Errorf("%d events are written, want those that fit: %d or some more", written, room)
		}
		if want := fmt.Sprintf("were dropped, because they came faster than they could be written\" events=%d", more-written); !strings.Contains(log.String(), want) {
			t.Errorf("the log does not tell of %d dropped events:\n%s", more-written, &log)
		}
		if r := b.verify(""); len(r.Problems) > 0 || r.Accounts[0].Unsealed > 0 {
			t.Errorf("after Stop all is sealed: %+v", r)
		}
	})
}

// TestQueueWaitsForTheStore: events that the store refuses are written later, and
// say when they happened.
func TestQueueWaitsForTheStore(t *testing.T) {
	t.Parallel()
	var log lines
	db := storetest.Open(t, store.SQLite)
	b := newBench(t, db, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	broken := errors.New("broken")
	var mu sync.Mutex
	fails := 2
	// A hook that refuses stands for a store that is away.
	db.BeforeCommit(nil, func(tx *store.Tx, left []any) error {
		mu.Lock()
		defer mu.Unlock()
		if fails > 0 {
			fails--
			b.advance(time.Minute)
			return broken
		}
		return b.insert(tx, left)
	})
	happened := b.now()
	b.enqueue(ana, []byte(user("eve", "RegisterUser", "x")))
	b.Start()
	defer b.Stop()
	deadline := time.Now().Add(20 * time.Second)
	for b.number(`SELECT count(*) FROM audit_events`) == 0 {
		if time.Now().After(deadline) {
			t.Fatalf("nothing is written; the log:\n%s", &log)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if n := strings.Count(log.String(), "wait to be written"); n != 2 {
		t.Errorf("the log tells %d times that events wait, want 2:\n%s", n, &log)
	}
	var out bytes.Buffer
	if err := Export(t.Context(), db, Selection{}, &out); err != nil {
		t.Fatal(err)
	}
	if want := `"eventTime":"` + happened.Format(time.RFC3339) + `"`; !strings.Contains(out.String(), want) {
		t.Errorf("the record lacks %s: %s", want, &out)
	}
}
