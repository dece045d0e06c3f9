package job

import (
	"context"
	"time"
)

// SetPoll sets how long the runner goes without looking.
func (r *Runner) SetPoll(d time.Duration) { r.poll = d }

// Renew renews the leases of the runner now.
func (r *Runner) Renew(ctx context.Context) { r.renew(ctx) }

// Pause is the time after a failed attempt.
func Pause(attempts int) time.Duration { return pause(attempts) }
