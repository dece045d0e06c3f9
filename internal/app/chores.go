package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// tidyEvery is how often what has ended is removed.
const tidyEvery = 10 * time.Minute

// chores are what is done again and again while the server runs.
type chores struct {
	log    *slog.Logger
	all    []chore
	cancel context.CancelFunc
	ended  sync.WaitGroup
}

type chore struct {
	every time.Duration
	what  string
	do    func(context.Context) error
}

// add adds a chore, before start. what is for the log.
func (c *chores) add(every time.Duration, what string, do func(context.Context) error) {
	c.all = append(c.all, chore{every, what, do})
}

// now does one at once, for tests that can't wait.
func (c *chores) now(ctx context.Context, what string) error {
	for _, one := range c.all {
		if one.what == what {
			return one.do(ctx)
		}
	}
	return errors.New("app: there is no chore to " + what)
}

// start begins to do them, each at its own pace.
func (c *chores) start(ctx context.Context) {
	ctx, c.cancel = context.WithCancel(ctx)
	for _, one := range c.all {
		c.ended.Go(func() {
			ticker := time.NewTicker(one.every)
			defer ticker.Stop()
			for {
				select {
				case <-ctx.Done():
					return
				case <-ticker.C:
				}
				if err := one.do(ctx); err != nil && ctx.Err() == nil {
					c.log.ErrorContext(ctx, one.what, "error", err.Error())
				}
			}
		})
	}
}

// stop waits for those under way.
func (c *chores) stop() {
	c.cancel()
	c.ended.Wait()
}
