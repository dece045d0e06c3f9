package outbound

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Pauses between attempts: full jitter up to a time that doubles.
const (
	firstPause = 500 * time.Millisecond
	maxPause   = 20 * time.Second
	// maxWait is how long a server may ask to wait; for a longer time its answer
	// is given to the caller.
	maxWait = time.Minute
	// drained is how much of an answer is read so that its connection can be
	// used again.
	drained = 64 << 10
)

type repeatable struct{}

// Repeatable marks requests that may be sent twice although their method does
// not say so, such as a PUT of the whole, or a POST with an idempotency key.
func Repeatable(ctx context.Context) context.Context {
	return context.WithValue(ctx, repeatable{}, true)
}

// Do sends a request, again where it failed and may be repeated, and gives the
// answer, whichever that is. The caller closes its body. The error is an *Error.
func (c *Client) Do(r *http.Request) (*http.Response, error) {
	for attempt := 1; ; attempt++ {
		res, err := c.RoundTrip(r)
		wait, again := c.again(r, res, err, attempt)
		if !again {
			return res, err
		}
		if res != nil {
			_, _ = io.CopyN(io.Discard, res.Body, drained)
			_ = res.Body.Close()
		}
		if err := c.sleep(r.Context(), wait); err != nil {
			return nil, shape(r.Context(), target(r), err)
		}
		next := r.Clone(r.Context())
		if r.GetBody != nil {
			if next.Body, err = r.GetBody(); err != nil {
				return nil, &Error{Kind: Cancelled, Target: target(r), Reason: "its body can't be sent again", cause: err}
			}
		}
		r = next
	}
}

// again says whether to send a request again, and after which time.
func (c *Client) again(r *http.Request, res *http.Response, err error, attempt int) (time.Duration, bool) {
	if attempt >= c.attempts || r.Context().Err() != nil || !isRepeatable(r) {
		return 0, false
	}
	wait := rand.N(min(maxPause, firstPause<<min(attempt-1, 10)))
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		return wait, ok && e.Temporary()
	}
	switch res.StatusCode {
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		asked := RetryAfter(res, time.Now()) //nolint:forbidigo // compared with the server's date
		return max(wait, asked), asked <= maxWait
	}
	return 0, false
}

func isRepeatable(r *http.Request) bool {
	if r.Body != nil && r.Body != http.NoBody && r.GetBody == nil {
		return false
	}
	switch r.Method {
	case "", http.MethodGet, http.MethodHead, http.MethodOptions:
		return true
	}
	return r.Context().Value(repeatable{}) != nil
}

// RetryAfter is how long the server asks to wait; 0 where it does not.
func RetryAfter(res *http.Response, now time.Time) time.Duration {
	text := res.Header.Get("Retry-After")
	if n, err := strconv.ParseInt(text, 10, 32); err == nil && n >= 0 {
		return time.Duration(n) * time.Second
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
