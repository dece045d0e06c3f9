package mcp

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// limits bound what one address may try without being known: requests of a sort
// in a minute.
type limits struct {
	mu  sync.Mutex
	all map[[2]string]*rate.Limiter
}

// remembered is how many addresses are remembered.
const remembered = 10_000

// wait counts an attempt, and tells how long to wait where there were too many;
// 0 for none.
func (l *limits) wait(what, network string, each int, now time.Time) time.Duration {
	r := l.of(what, network, each).ReserveN(now, 1)
	d := r.DelayFrom(now)
	if d > 0 {
		r.CancelAt(now)
	}
	return d
}

func (l *limits) of(what, network string, each int) *rate.Limiter {
	key := [2]string{what, network}
	l.mu.Lock()
	defer l.mu.Unlock()
	one := l.all[key]
	if one == nil {
		if l.all == nil || len(l.all) >= remembered {
			l.all = make(map[[2]string]*rate.Limiter)
		}
		one = rate.NewLimiter(rate.Every(time.Minute/time.Duration(each)), each)
		l.all[key] = one
	}
	return one
}
