package directory

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sync"
	"time"
)

// A Directory is one that can be asked.
type Directory struct {
	*Setting
	connect  func(ctx context.Context, network, address string) (net.Conn, error)
	now      func() time.Time
	searches *pool
	tries    *pool // of passwords

	mu     sync.Mutex
	first  int       // of URLs: which one answered last
	until  time.Time // when it may be asked again that did not answer
	reason error     // why it did not
	chain  *bool     // whether it has the rule for groups in groups; nil before it was asked
}

func newDirectory(s *Setting, connect func(ctx context.Context, network, address string) (net.Conn, error), now func() time.Time) *Directory {
	d := &Directory{Setting: s, connect: connect, now: now}
	d.searches, d.tries = newPool(d, true), newPool(d, false)
	return d
}

// open connects to whichever address answers, beginning with the one that did last.
func (d *Directory) open(ctx context.Context, bind bool) (*link, error) {
	d.mu.Lock()
	first := d.first
	d.mu.Unlock()
	var errs []error
	for i := range d.URLs {
		at := (first + i) % len(d.URLs)
		l, err := d.dialWithin(ctx, d.URLs[at], bind, len(d.URLs)-i)
		if err == nil {
			d.mu.Lock()
			d.first = at
			d.mu.Unlock()
			return l, nil
		}
		errs = append(errs, err)
		if ctx.Err() != nil {
			break
		}
	}
	return nil, errors.Join(errs...)
}

// dialWithin leaves time for the other addresses.
func (d *Directory) dialWithin(ctx context.Context, u *url.URL, bind bool, left int) (*link, error) {
	limit := d.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline)
	}
	ctx, cancel := context.WithTimeout(ctx, limit/time.Duration(left))
	defer cancel()
	return d.dial(ctx, u, bind)
}

// failed has the directory left alone for a while.
func (d *Directory) failed(err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until, d.reason = d.now().Add(rest), err
}

func (d *Directory) works() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.until, d.reason = time.Time{}, nil
}

// resting refuses to ask a directory that did not answer a moment ago.
func (d *Directory) resting() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.reason != nil && d.now().Before(d.until) {
		return &Unavailable{fmt.Errorf("it did not answer a moment ago: %w", d.reason)}
	}
	return nil
}

func (d *Directory) close() {
	d.searches.close()
	d.tries.close()
}
