// Package metrics counts what the server does, in the form that Prometheus reads.
//
//	m := metrics.New(version)
//	m.Called("quicksight", "ListUsers", 200, took)
//	mux.Handle("GET /metrics", m.Handler(log))
//
// Labels are names of operations, of types and of outcomes, of which there are
// only so many. No account, no person, no connector and no address is among
// them.
package metrics

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Metrics are the counters of a server. They may be used by many goroutines at
// once; a nil *Metrics counts nothing.
type Metrics struct {
	registry    *prometheus.Registry
	calls       *prometheus.CounterVec
	callTime    *prometheus.HistogramVec
	invocations *prometheus.CounterVec
	actionTime  *prometheus.HistogramVec
	throttled   *prometheus.CounterVec
	tokens      *prometheus.CounterVec
	jobs        *prometheus.CounterVec
	jobTime     *prometheus.HistogramVec
	signIns     *prometheus.CounterVec
	notices     *prometheus.CounterVec
}

// buckets are bounds in seconds, from what a cached read takes to what a slow
// service does.
var buckets = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// New makes counters that are all zero.
func New(version string) *Metrics {
	m := &Metrics{registry: prometheus.NewRegistry()}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "onsight", Name: name, Help: help}, labels)
		m.registry.MustRegister(c)
		return c
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "onsight", Name: name, Help: help, Buckets: buckets}, labels)
		m.registry.MustRegister(h)
		return h
	}
	m.calls = counter("http_requests_total", "Calls of operations, by service, operation and status.", "service", "operation", "status")
	m.callTime = histogram("http_request_duration_seconds", "How long calls of operations took.", "service", "operation")
	m.invocations = counter("action_invocations_total", "Actions performed at services, by type of connector, action and outcome.", "type", "action", "outcome")
	m.actionTime = histogram("action_duration_seconds", "How long actions took at services, by type of connector.", "type")
	m.throttled = counter("action_throttled_total", "Actions refused because of a limit: rate is that of the server, the others are those of connectors.", "limit")
	m.tokens = counter("action_token_requests_total", "Requests for tokens of connectors (client) and of people (refresh), by outcome.", "grant", "outcome")
	m.jobs = counter("jobs_total", "Runs of jobs, by kind and outcome.", "kind", "outcome")
	m.jobTime = histogram("job_duration_seconds", "How long runs of jobs took.", "kind")
	m.signIns = counter("sign_ins_total", "Sign-ins at the pages, by method and outcome.", "method", "outcome")
	m.notices = counter("action_notices_total", "What the server noticed about connectors by itself, by event.", "event")
	build := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "onsight", Name: "build_info", Help: "1; the version is in the label.", ConstLabels: prometheus.Labels{"version": version}})
	build.Set(1)
	m.registry.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Handler gives what is counted.
func (m *Metrics) Handler(log *slog.Logger) http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4, Timeout: 10 * time.Second,
	})
}

// gaugeLife is how long the value of a gauge stands that has to be looked up.
const gaugeLife = 5 * time.Second

// Gauge adds a value that is looked up when it is read, every few seconds at
// most. now is the clock.
func (m *Metrics) Gauge(name, help string, log *slog.Logger, now func() time.Time, value func(ctx context.Context) (int64, error)) {
	var mu sync.Mutex
	var last float64
	var read time.Time
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "onsight", Name: name, Help: help}, func() float64 {
		mu.Lock()
		defer mu.Unlock()
		if at := now(); at.Sub(read) >= gaugeLife {
			ctx, cancel := context.WithTimeout(context.Background(), gaugeLife)
			defer cancel()
			n, err := value(ctx)
			if err != nil {
				log.Error("metric", "name", name, "error", err.Error())
				return last
			}
			last, read = float64(n), at
		}
		return last
	}))
}

// Called counts a call of an operation. Both names are empty for what is none.
func (m *Metrics) Called(service, operation string, status int, took time.Duration) {
	if m == nil {
		return
	}
	if operation == "" {
		operation = "none"
	}
	m.calls.WithLabelValues(service, operation, strconv.Itoa(status)).Inc()
	m.callTime.WithLabelValues(service, operation).Observe(took.Seconds())
}

// Invoked counts an action; outcome is empty for a success.
func (m *Metrics) Invoked(kind, action, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	if outcome == "" {
		outcome = "Success"
	}
	m.invocations.WithLabelValues(kind, action, outcome).Inc()
	m.actionTime.WithLabelValues(kind).Observe(took.Seconds())
}

// Throttled counts an action that a limit has refused: rate, minute or day.
func (m *Metrics) Throttled(limit string) {
	if m != nil {
		m.throttled.WithLabelValues(limit).Inc()
	}
}

// TokenAsked counts a request for a token; grant is client or refresh, outcome
// Success, Refused or Failed.
func (m *Metrics) TokenAsked(grant, outcome string) {
	if m != nil {
		m.tokens.WithLabelValues(grant, outcome).Inc()
	}
}

// Noticed counts what the server noticed about a connector.
func (m *Metrics) Noticed(event string) {
	if m != nil {
		m.notices.WithLabelValues(event).Inc()
	}
}

// Ran counts a run of a job.
func (m *Metrics) Ran(kind, outcome string, took time.Duration) {
	if m == nil {
		return
	}
	m.jobs.WithLabelValues(kind, outcome).Inc()
	m.jobTime.WithLabelValues(kind).Observe(took.Seconds())
}

// SignedIn counts a sign-in, or one that was refused.
func (m *Metrics) SignedIn(method, outcome string) {
	if m != nil {
		m.signIns.WithLabelValues(method, outcome).Inc()
	}
}
