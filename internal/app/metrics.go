package app

import (
	"cmp"
	"context"
	"net/http"
	"runtime/debug"

	"onsight/internal/metrics"
	"onsight/internal/store"
)

// joinMetrics makes what counts, and has the jobs counted.
func (h *house) joinMetrics(context.Context) error {
	version := "unknown"
	if info, ok := debug.ReadBuildInfo(); ok {
		version = cmp.Or(info.Main.Version, version)
	}
	h.metrics = metrics.New(version)
	h.jobs.Observe(h.metrics.Ran)
	count := func(query string, args ...any) func(context.Context) (int64, error) {
		return func(ctx context.Context) (n int64, err error) {
			err = h.db.Read(ctx, func(tx *store.Tx) error {
				n, err = store.One[int64](tx, query, args...)
				return err
			})
			return n, err
		}
	}
	h.metrics.Gauge("jobs_due", "Jobs whose time has come and that nobody has begun.", h.Log, h.Now, func(ctx context.Context) (int64, error) {
		return count(`SELECT count(*) FROM jobs WHERE lease IS NULL AND run_at_us <= $1`, store.Micros(h.Now()))(ctx)
	})
	h.metrics.Gauge("sessions", "People's sessions at the pages that have not ended.", h.Log, h.Now, func(ctx context.Context) (int64, error) {
		return count(`SELECT count(*) FROM web_sessions WHERE expires_us > $1`, store.Micros(h.Now()))(ctx)
	})
	h.Metrics = h.metrics.Handler(h.Log)
	return nil
}

// signInMethods are the methods that are counted by their names.
var signInMethods = map[string]bool{"password": true, "passkey": true, "directory": true, "oidc": true, "saml": true, "invitation": true, "recovery": true, "link": true}

// countSignIn counts a sign-in when it is durable.
func countSignIn(tx *store.Tx, m *metrics.Metrics, name, outcome string, details map[string]string) {
	if name != "ConsoleLogin" {
		return
	}
	method := cmp.Or(details["Method"], "password")
	if !signInMethods[method] {
		method = "other"
	}
	tx.AfterCommit(func() { m.SignedIn(method, outcome) })
}

// MetricsPath is where Handler of App.Metrics answers, beside /metrics.
const MetricsPath = "/_onsight/metrics"

// MetricsHandler answers the paths of the metrics with h, and nothing else.
func MetricsHandler(h http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", h)
	mux.Handle("GET "+MetricsPath, h)
	return mux
}
