package action

import (
	"maps"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"onsight/internal/connector/definitions"
	"onsight/internal/fault"
)

// rates limit what each caller asks of each connector.
type rates struct {
	limit float64
	mu    sync.Mutex
	all   map[[2]string]*rate.Limiter
}

// maxRates is how many callers of connectors are remembered.
const maxRates = 100_000

// take counts a call, or refuses it.
func (r *rates) take(connector, principal string, now time.Time) error {
	if r.limit <= 0 {
		return nil
	}
	key := [2]string{connector, principal}
	r.mu.Lock()
	l := r.all[key]
	if l == nil {
		if r.all == nil || len(r.all) >= maxRates {
			r.all = make(map[[2]string]*rate.Limiter)
		}
		l = rate.NewLimiter(rate.Limit(r.limit), max(1, int(2*r.limit)))
		r.all[key] = l
	}
	r.mu.Unlock()
	if !l.AllowN(now, 1) {
		return fault.Throttled()
	}
	return nil
}

// inTime counts a call of a caller, or refuses it.
func (s *Service) inTime(connector, principal string) error {
	err := s.rates.take(connector, principal, s.Now())
	if err != nil {
		s.Meter.Throttled("rate")
	}
	return err
}

// performed counts an action.
func (s *Service) performed(k *ready, err error, took time.Duration) {
	s.counts.add(string(k.live.Type), k.request.Action, kindOf(err))
	// Actions of our own documents are so many; those of users' are not.
	action := "other"
	if d, ok := definitions.Of(string(k.live.Type)); ok && d.Operations[k.request.Action] != nil {
		action = k.request.Action
	}
	s.Meter.Invoked(string(k.live.Type), action, kindOf(err), took)
}

// counts are of actions performed, by type, action and outcome.
type counts struct {
	mu  sync.Mutex
	all map[Count]int64
}

// A Count is what actions are counted by. Outcome is empty for a success.
type Count struct{ Type, Action, Outcome string }

func (c *counts) add(kind, action, outcome string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil {
		c.all = make(map[Count]int64)
	}
	c.all[Count{kind, action, outcome}]++
}

// Counts gives how many actions this server has performed since it started.
func (s *Service) Counts() map[Count]int64 {
	s.counts.mu.Lock()
	defer s.counts.mu.Unlock()
	return maps.Clone(s.counts.all)
}
