package engine_test

import (
	"context"
	"crypto/rand"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

// world answers requests to any host, by what they ask for.
type world struct {
	answers map[string]string
	seen    []string
}

func (w *world) Do(r *http.Request) (*http.Response, error) {
	asked := r.Method + " " + r.URL.String()
	w.seen = append(w.seen, strings.TrimSpace(asked+" "+r.Header.Get("Authorization")))
	answer, ok := w.answers[asked]
	status := http.StatusOK
	if !ok {
		status, answer = http.StatusNotFound, `{"message":"not here"}`
	}
	return &http.Response{
		StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(answer)), Request: r,
	}, nil
}

const pages = `
openapi: 3.1.0
info: {title: Pages, version: "1"}
x-onsight-connector: {type: PAGES, base: {hook: confluence-site}, hosts: [files.example.org, "*.cdn.example.net"]}
paths:
  /wiki/pages: {get: {operationId: List, responses: {"200": {description: ok}}}}
`

// Where requests go is told by the base endpoint and the kind of credential:
// the site, or the gateway with the id that the site tells without being shown
// the token.
func TestAtlassianSite(t *testing.T) {
	t.Parallel()
	const tenant = "/_edge/tenant_info"
	first := "https://" + strings.ToLower(rand.Text()) + ".atlassian.net" // ids of sites are kept
	for _, c := range []struct {
		name, how, base string
		answers         map[string]string
		seen            []string
		fail            string
	}{
		{
			"a key", "API_KEY", "https://acme.atlassian.net/wiki/",
			map[string]string{"GET https://acme.atlassian.net/wiki/pages": `[]`},
			[]string{"GET https://acme.atlassian.net/wiki/pages Bearer secret"},
			"",
		},
		{
			"a token and the gateway", "OAUTH2_AUTHORIZATION_CODE", "https://api.atlassian.com/ex/confluence/123",
			map[string]string{"GET https://api.atlassian.com/ex/confluence/123/wiki/pages": `[]`},
			[]string{"GET https://api.atlassian.com/ex/confluence/123/wiki/pages Bearer secret"},
			"",
		},
		{
			"a token and the site", "OAUTH2_AUTHORIZATION_CODE", first + "/wiki",
			map[string]string{
				"GET " + first + tenant: `{"cloudId":"abc-1"}`,
				"GET https://api.atlassian.com/ex/confluence/abc-1/wiki/pages": `[]`,
			},
			[]string{"GET " + first + tenant, "GET https://api.atlassian.com/ex/confluence/abc-1/wiki/pages Bearer secret"},
			"",
		},
		{
			"the same again", "OAUTH2_AUTHORIZATION_CODE", first,
			map[string]string{"GET https://api.atlassian.com/ex/confluence/abc-1/wiki/pages": `[]`},
			[]string{"GET https://api.atlassian.com/ex/confluence/abc-1/wiki/pages Bearer secret"},
			"",
		},
		{
			"a site that is none", "OAUTH2_AUTHORIZATION_CODE", "https://nobody.atlassian.net", nil,
			[]string{"GET https://nobody.atlassian.net" + tenant},
			"not here",
		},
		{
			"an id that leads elsewhere", "OAUTH2_AUTHORIZATION_CODE", "https://evil.atlassian.net",
			map[string]string{"GET https://evil.atlassian.net" + tenant: `{"cloudId":"../../other"}`},
			[]string{"GET https://evil.atlassian.net" + tenant},
			"does not tell its cloud id",
		},
	} {
		d, err := definition.Load([]byte(pages))
		if err != nil {
			t.Fatal(err)
		}
		base, err := url.Parse(c.base)
		if err != nil {
			t.Fatal(err)
		}
		w := &world{answers: c.answers}
		call := &engine.Call{Definition: d, Operation: d.Operations["List"], Base: base, Credential: secret{}, Client: w, AuthenticationType: c.how}
		_, err = call.Do(t.Context())
		if c.fail == "" && err != nil || c.fail != "" && (err == nil || !strings.Contains(err.Error(), c.fail)) {
			t.Errorf("%s: %v, want %q", c.name, err, c.fail)
		}
		if diff := cmp.Diff(c.seen, w.seen); diff != "" {
			t.Errorf("%s:\n%s", c.name, diff)
		}
	}
}

type secret struct{}

func (secret) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer secret")
	return nil
}

func (secret) Renew(context.Context) (bool, error) { return false, nil }

// A hook asks at addresses that the service gave, where they are the service's.
func TestSendTo(t *testing.T) {
	t.Parallel()
	d, err := definition.Load([]byte(pages))
	if err != nil {
		t.Fatal(err)
	}
	base, err := url.Parse("https://acme.example.org/wiki")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		address    string
		credential bool
		want       string
	}{
		{"/a", true, "GET https://acme.example.org/a Bearer secret"},
		{"https://files.example.org/a?b=c", true, "GET https://files.example.org/a?b=c Bearer secret"},
		{"https://files.example.org/a", false, "GET https://files.example.org/a"},
		{"http://files.example.org/a", true, ""},
		{"https://me@files.example.org/a", true, ""},
		{"https://acme.cdn.example.net/a", false, "GET https://acme.cdn.example.net/a"},
		{"https://cdn.example.net/a", false, ""},
		{"https://evilcdn.example.net/a", false, ""},
		{"https://evil.example/a", false, ""},
		{"", false, ""},
	} {
		w := &world{}
		call := &engine.Call{Definition: d, Base: base, Credential: secret{}, Client: w, Limits: engine.Limits{Attempts: 1, Output: 1000}}
		_, err = call.SendTo(t.Context(), d.Operations["List"], nil, c.address, c.credential)
		if got := strings.Join(w.seen, ", "); got != c.want || err == nil {
			t.Errorf("%q: %q, %v, want %q", c.address, got, err, c.want)
		}
	}
}
