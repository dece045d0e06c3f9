package store

import "sync"

// signals tell goroutines of this process that something they wait for was committed.
type signals struct {
	mu      sync.Mutex
	watches map[string]map[chan struct{}]bool
}

// Signal wakes those who Watch name, once the change is durable.
func (tx *Tx) Signal(name string) {
	tx.AfterCommit(func() { tx.db.signals.wake(name) })
}

// Watch gives a channel that receives after each commit with a Signal of this
// name in this process; several at once may arrive as one. stop ends it.
func (db *DB) Watch(name string) (wake <-chan struct{}, stop func()) {
	return db.signals.watch(name)
}

func (s *signals) wake(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.watches[name] {
		select {
		case c <- struct{}{}:
		default: // it has not looked since the last one
		}
	}
}

func (s *signals) watch(name string) (<-chan struct{}, func()) {
	c := make(chan struct{}, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.watches == nil {
		s.watches = map[string]map[chan struct{}]bool{}
	}
	if s.watches[name] == nil {
		s.watches[name] = map[chan struct{}]bool{}
	}
	s.watches[name][c] = true
	return c, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.watches[name], c)
	}
}
