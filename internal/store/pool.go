package store

import (
	"context"
	"errors"
	"sync"
)

// A pool lends sessions, the one used last first: its cache is the warmest.
type pool struct {
	open func(context.Context) (session, error)
	room chan struct{} // a place for each session that may be out at once

	mu     sync.Mutex
	idle   []session
	closed bool
}

func newPool(size int, open func(context.Context) (session, error)) *pool {
	return &pool{open: open, room: make(chan struct{}, size)}
}

// get lends a session, waiting for one to come back if all are out.
func (p *pool) get(ctx context.Context) (session, error) {
	select {
	case p.room <- struct{}{}:
	default:
		select {
		case p.room <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		<-p.room
		return nil, unavailable(errClosed)
	}
	if n := len(p.idle); n > 0 {
		s := p.idle[n-1]
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		return s, nil
	}
	p.mu.Unlock()
	s, err := p.open(ctx)
	if err != nil {
		<-p.room
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unavailable(err)
	}
	return s, nil
}

// put takes a session back; one that is of no further use is closed.
func (p *pool) put(s session, broken bool) {
	p.mu.Lock()
	keep := !broken && !p.closed && !s.dead()
	if keep {
		p.idle = append(p.idle, s)
	}
	p.mu.Unlock()
	if !keep {
		_ = s.close()
	}
	<-p.room
}

// end takes a session back whose transaction may be open.
func (p *pool) end(s session, broken bool) { p.put(s, s.rollback() != nil || broken) }

// close waits for all sessions to come back, and closes them.
func (p *pool) close() error {
	p.mu.Lock()
	closed := p.closed
	p.closed = true
	p.mu.Unlock()
	if closed {
		return nil
	}
	for range cap(p.room) {
		p.room <- struct{}{}
	}
	var errs []error
	for _, s := range p.idle {
		errs = append(errs, s.close())
	}
	p.idle = nil
	for range cap(p.room) {
		<-p.room
	}
	return errors.Join(errs...)
}
