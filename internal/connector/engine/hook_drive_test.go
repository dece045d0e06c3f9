package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

const drive = `
openapi: 3.1.0
info: {title: Drive, version: "1"}
x-onsight-connector: {type: DRIVE, hosts: ["*.sharepoint.com"]}
paths:
  /copy:
    post: {operationId: Copy, x-onsight-hook: drive-copy, responses: {"202": {description: ok}}}
`

// cloud answers a copy with the address of a monitor, and then each question to
// that by the next answer, the last one for ever.
type cloud struct {
	monitor string
	answers []string // status and body
	asked   []string // address and credential
}

func (c *cloud) Do(r *http.Request) (*http.Response, error) {
	if r.Method == http.MethodPost {
		return &http.Response{StatusCode: http.StatusAccepted, Header: http.Header{"Location": {c.monitor}}, Body: http.NoBody, Request: r}, nil
	}
	c.asked = append(c.asked, strings.TrimSpace(r.URL.String()+" "+r.Header.Get("Authorization")))
	answer := c.answers[min(len(c.asked), len(c.answers))-1]
	status := http.StatusAccepted
	if answer == "500" {
		status = http.StatusInternalServerError
	}
	return &http.Response{StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: r}, nil
}

// A copy is followed for half a minute, without the token, and goes on whatever
// becomes of that.
func TestDriveCopy(t *testing.T) {
	t.Parallel()
	const monitor, busy = "https://contoso-my.sharepoint.com/_api/v2.0/monitor/1?t=2", `{"status":"inProgress","percentageComplete":5}`
	d, err := definition.Load([]byte(drive))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		monitor string
		answers []string
		pauses  int // after which the time is up; 0 is never
		asked   int
		slept   time.Duration
		want    string
	}{
		{
			"done", monitor,
			[]string{busy, `{"status":"completed","percentageComplete":100,"resourceId":"01"}`},
			0, 2, 1500 * time.Millisecond,
			`{"monitorUrl":"` + monitor + `","percentageComplete":100,"resourceId":"01","status":"completed"}`,
		},
		{"never done", monitor, []string{busy}, 0, 9, 30500 * time.Millisecond, `{"monitorUrl":"` + monitor + `","percentageComplete":5,"status":"inProgress"}`},
		{"no more time", monitor, []string{busy}, 2, 2, 1500 * time.Millisecond, `{"monitorUrl":"` + monitor + `","percentageComplete":5,"status":"inProgress"}`},
		{
			"a monitor that fails", monitor,
			[]string{busy, "500"},
			0, 2, 1500 * time.Millisecond,
			`{"monitorError":"The service answered with status 500 and no explanation.","monitorUrl":"` + monitor + `","percentageComplete":5,"status":"inProgress"}`,
		},
		{"no monitor", "", nil, 0, 0, 0, `{"status":"accepted"}`},
		{
			"a monitor that is none", "https://contoso.sharepoint.com.evil.example/1", nil, 0, 0, 500 * time.Millisecond,
			`{"monitorError":"the service leads to contoso.sharepoint.com.evil.example, which is not its own address.","monitorUrl":"https://contoso.sharepoint.com.evil.example/1","status":"accepted"}`,
		},
	} {
		w := &cloud{monitor: c.monitor, answers: c.answers}
		var slept time.Duration
		pauses := 0
		call := &engine.Call{
			Definition: d, Operation: d.Operations["Copy"], Base: &url.URL{Scheme: "https", Host: "graph.microsoft.com"}, Credential: secret{}, Client: w,
			Limits: engine.Limits{Attempts: 1},
			Sleep: func(_ context.Context, d time.Duration) error {
				if pauses++; c.pauses > 0 && pauses > c.pauses {
					return context.DeadlineExceeded
				}
				slept += d
				return nil
			},
		}
		res, err := call.Do(t.Context())
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		text, err := json.Marshal(res.Output)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, string(text)); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
		if len(w.asked) != c.asked || slept != c.slept {
			t.Errorf("%s: asked %d times in %s, want %d in %s", c.name, len(w.asked), slept, c.asked, c.slept)
		}
		for _, asked := range w.asked {
			if asked != monitor {
				t.Errorf("%s: asked %s", c.name, asked)
			}
		}
	}
	for _, c := range []struct{ answer, want string }{
		{`{"status":"failed","statusDescription":"No more room"}`, "No more room"},
		{`{"status":"failed"}`, "The copy failed, and the service does not say why."},
		{`{"status":"cancelled","error":{"code":"cancelled","message":"Somebody stopped it"}}`, "cancelled: Somebody stopped it"},
	} {
		call := &engine.Call{
			Definition: d, Operation: d.Operations["Copy"], Base: &url.URL{Scheme: "https", Host: "graph.microsoft.com"}, Credential: secret{},
			Client: &cloud{monitor: monitor, answers: []string{c.answer}}, Sleep: func(context.Context, time.Duration) error { return nil },
		}
		_, err := call.Do(t.Context())
		if e, ok := errors.AsType[*engine.Error](err); !ok || e.Kind != engine.Rejected || e.Error() != c.want {
			t.Errorf("%s: %v, want %s", c.answer, err, c.want)
		}
	}
}
