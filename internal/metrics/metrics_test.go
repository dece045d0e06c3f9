package metrics

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
)

// every counts one of each.
func every(m *Metrics) {
	m.Called("quicksight", "ListUsers", 200, time.Millisecond)
	m.Called("quicksight", "", 404, time.Millisecond)
	m.Invoked("SLACK", "SendMessage", "", time.Second)
	m.Invoked("SLACK", "SendMessage", "Throttled", time.Second)
	m.Throttled("day")
	m.TokenAsked("refresh", "Refused")
	m.Noticed("ActionConnectionExpired")
	m.Ran("connector.check", "Done", time.Second)
	m.SignedIn("password", "Success")
}

// TestNames has Prometheus' own linter look at all names and helps.
func TestNames(t *testing.T) {
	t.Parallel()
	m := New("v1.2.3")
	every(m)
	m.Gauge("sessions", "Sessions.", slog.New(slog.DiscardHandler), time.Now, func(context.Context) (int64, error) { return 1, nil })
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestHandler(t *testing.T) {
	t.Parallel()
	m := New("v1.2.3")
	every(m)
	now, asked, down := time.Unix(1, 0), 0, false
	m.Gauge("sessions", "Sessions.", slog.New(slog.DiscardHandler), func() time.Time { return now }, func(context.Context) (int64, error) {
		if asked++; down {
			return 0, errors.New("the database is away")
		}
		return int64(asked), nil
	})
	read := func() string {
		w := httptest.NewRecorder()
		m.Handler(slog.New(slog.DiscardHandler)).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		if w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		return w.Body.String()
	}
	for _, want := range []string{
		`onsight_http_requests_total{operation="ListUsers",service="quicksight",status="200"} 1`, `onsight_http_requests_total{operation="none",service="quicksight",status="404"} 1`,
		`onsight_action_invocations_total{action="SendMessage",outcome="Success",type="SLACK"} 1`, `onsight_action_duration_seconds_count{type="SLACK"} 2`,
		`onsight_action_throttled_total{limit="day"} 1`, `onsight_build_info{version="v1.2.3"} 1`, "onsight_sessions 1", "go_goroutines ",
	} {
		if got := read(); !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	if asked != 1 {
		t.Errorf("a gauge was looked up %d times at once", asked)
	}
	now = now.Add(time.Minute)
	down = true
	if got := read(); !strings.Contains(got, "onsight_sessions 1") {
		t.Error("what can't be looked up does not stand as it was")
	}
	var none *Metrics
	every(none)
}
