package action_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onsight/internal/onsightapi"
	"onsight/internal/testkit"
)

// What the server does is counted, without a name of anybody or anything that
// there may be any number of.
func TestMetrics(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.on("/no", says(404, `{}`))
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "robot", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client("s3cr3t&ä"), "CREATION_SUCCESSFUL")
		register(t, srv, "penelope")
		early(srv)
		mustGuard(t, srv, "robot", onsightapi.ActionConnectorGuards{CallsPerMinute: new(int64(2))})
		_, _ = invoke(t, srv, "robot", "HttpGet", me)
		_, _ = invoke(t, srv, "robot", "HttpGet", `{"path":"no"}`)
		_, _ = invoke(t, srv, "robot", "HttpGet", me)
		w := httptest.NewRecorder()
		srv.Metrics().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_onsight/metrics", nil))
		text := w.Body.String()
		for _, want := range []string{
			`onsight_action_invocations_total{action="HttpGet",outcome="Success",type="GENERIC_HTTP"} 1`,
			`onsight_action_invocations_total{action="HttpGet",outcome="NotFound",type="GENERIC_HTTP"} 1`,
			`onsight_action_throttled_total{limit="minute"} 1`, `onsight_action_token_requests_total{grant="client",outcome="Success"} 1`,
			`onsight_http_requests_total{operation="InvokeAction",service="onsight",status="200"} 1`,
			`onsight_http_requests_total{operation="InvokeAction",service="onsight",status="429"} 1`,
			`onsight_sign_ins_total{method="invitation",outcome="Success"} 1`, "onsight_sessions 1", `onsight_jobs_total{kind="connector.verify",outcome="Done"} 1`, "onsight_jobs_due ",
		} {
			if !strings.Contains(text, want) {
				t.Errorf("no %s in\n%s", want, text)
			}
		}
		for _, name := range []string{account, "penelope", "robot", "s3cr3t", "127.0.0.1", "client-1"} {
			if strings.Contains(text, name) {
				t.Errorf("the metrics name %q", name)
			}
		}
		res, _ := srv.Send(t, srv.Request(t, http.MethodGet, "/_onsight/metrics", nil))
		if res.StatusCode == http.StatusOK {
			t.Error("the API's address shows metrics")
		}
	}, testkit.Near(t, i.Server))
}
