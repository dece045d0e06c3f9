package scim

import (
	"strconv"
	"sync"
	"time"
)

const (
	// freeFailures is how many wrong tokens an address may show in a window.
	freeFailures = 10
	window       = time.Minute
	// remembered bounds what is kept in memory.
	remembered = 10_000
)

// A limiter makes those wait who show wrong tokens. A token of 256 bits can't be
// guessed: this saves the work. Its zero value is ready.
type limiter struct {
	mu       sync.Mutex
	failures map[string]failures
	right    map[[32]byte]time.Time // hashes of tokens that were right lately
}

type failures struct {
	n     int
	since time.Time
}

// wait is how long who has failed too often has to wait; 0 for nobody.
func (l *limiter) wait(from string, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.failures[from]
	if f.n < freeFailures {
		return 0
	}
	return max(0, f.since.Add(window).Sub(now))
}

func (l *limiter) failed(from string, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failures == nil || len(l.failures) >= remembered {
		l.failures = make(map[string]failures)
	}
	f := l.failures[from]
	if now.Sub(f.since) >= window {
		f = failures{since: now}
	}
	f.n++
	l.failures[from] = f
}

// passed remembers a token that is right, so that a neighbour who fails does
// not keep it out.
func (l *limiter) passed(hash []byte, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.right == nil || len(l.right) >= remembered {
		l.right = make(map[[32]byte]time.Time)
	}
	l.right[[32]byte(hash)] = now
}

func (l *limiter) good(hash []byte, now time.Time) bool {
	if len(hash) != 32 {
		return false
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.right[[32]byte(hash)]
	return ok && now.Sub(at) < time.Hour
}

// throttled refuses who has to wait.
type throttled struct{ wait time.Duration }

func (t *throttled) Error() string { return "scim: too many wrong tokens" }

func (t *throttled) seconds() string {
	return strconv.Itoa(int((t.wait + time.Second - 1) / time.Second))
}
