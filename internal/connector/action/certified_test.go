package action_test

import (
	"bufio"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/peertest"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// certified starts the certified oidc-provider behind TLS, where that is
// installed.
func certified(t *testing.T) *httptest.Server {
	t.Helper()
	dir := filepath.Join("..", "..", "..", "e2e", "oidc")
	if _, err := os.Stat(filepath.Join(dir, "node_modules", "oidc-provider")); err != nil {
		peertest.Missing(t, "oidc-provider")
	}
	var to url.URL
	server := httptest.NewTLSServer(&httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(&to)
		r.Out.Host = r.In.Host
		r.SetXForwarded()
	}})
	t.Cleanup(server.Close)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	cmd := exec.CommandContext(ctx, "node", "service.mjs", server.URL)
	cmd.Dir, cmd.Stderr = dir, t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if at, ok := strings.CutPrefix(lines.Text(), "ready on "); ok {
				ready <- at
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case at, ok := <-ready:
		u, err := url.Parse(at)
		if !ok || err != nil {
			t.Fatalf("the provider ended: %v", err)
		}
		to = *u
	case <-time.After(time.Minute):
		t.Fatal("the provider is not ready after a minute")
	}
	return server
}

// TestCertified has connectors get their tokens of an authorisation server that
// is not ours.
func TestCertified(t *testing.T) {
	t.Parallel()
	const secret = "a secret/with+signs&all"
	as := certified(t)
	asked := func() string {
		t.Helper()
		res, err := as.Client().Get(as.URL + "/count")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		return string(text)
	}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, as))
			srv.Subscribe(t)
			for _, client := range []string{"robot", "body"} {
				makeConnector(t, srv, client, "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", qs.AuthenticationMetadata{
					ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{BaseEndpoint: as.URL, ClientCredentialsDetails: &qs.ClientCredentialsDetails{
						ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{ClientId: client, ClientSecret: secret, TokenEndpoint: as.URL + "/token"},
					}},
				}, "CREATION_SUCCESSFUL")
				for range 2 {
					if _, err := invoke(t, srv, client, "HttpGet", `{"path":".well-known/openid-configuration"}`); err != nil {
						t.Errorf("%s: %v", client, err)
					}
				}
			}
			if n := asked(); n != "2" { // one for each; the provider takes both ways
				t.Errorf("%s requests for tokens, want 2", n)
			}
			makeConnector(t, srv, "people", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", qs.AuthenticationMetadata{
				AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
					BaseEndpoint: as.URL, RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
					AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
						ClientId: "people", ClientSecret: secret, TokenEndpoint: as.URL + "/token", AuthorizationEndpoint: as.URL + "/auth?scope=openid",
					}},
				},
			}, "CREATION_SUCCESSFUL")
			b := srv.Browser(t)
			page := start(t, srv, "people")
			b.Get(page)
			if shown := b.Get(signIn(t, as, leave(t, srv, b, page))); shown.Heading() != "You are connected" {
				t.Fatalf("%d %s", shown.Status, shown.Text())
			}
			asked()
			whoami := func() {
				t.Helper()
				out, err := invoke(t, srv, "people", "HttpGet", me)
				if err != nil || !strings.Contains(body(out), `"sub":"ana"`) {
					t.Errorf("%s, %v", body(out), err)
				}
			}
			whoami()
			// Each round uses the refresh token of the one before: the provider ends
			// everything when a used one comes again.
			for range 3 {
				srv.Advance(10 * time.Minute)
				var all sync.WaitGroup
				for range 16 {
					all.Go(whoami)
				}
				all.Wait()
			}
			if n := asked(); n != "3" {
				t.Errorf("%s refreshes, want 3", n)
			}
		})
	}
}

// signIn signs ana in at the provider as a browser does, and gives where she
// comes back to.
func signIn(t *testing.T, as *httptest.Server, at string) string {
	t.Helper()
	cookies := map[string]string{}
	client := *as.Client()
	client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	form := url.Values(nil)
	forms := []url.Values{{"prompt": {"login"}, "login": {"ana"}, "password": {"any"}}, {"prompt": {"consent"}}}
	for range 12 {
		method, body := http.MethodGet, io.Reader(nil)
		if form != nil {
			method, body = http.MethodPost, strings.NewReader(form.Encode())
		}
		r, err := http.NewRequestWithContext(t.Context(), method, at, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		for name, value := range cookies {
			r.AddCookie(&http.Cookie{Name: name, Value: value})
		}
		res, err := client.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		text, _ := io.ReadAll(res.Body)
		_ = res.Body.Close()
		for _, c := range res.Cookies() {
			cookies[c.Name] = c.Value
		}
		form = nil
		location := res.Header.Get("Location")
		if location == "" { // a form to fill in
			if res.StatusCode != http.StatusOK || len(forms) == 0 {
				t.Fatalf("%s answers %d: %s", at, res.StatusCode, text)
			}
			form, forms = forms[0], forms[1:]
			continue
		}
		next, err := res.Request.URL.Parse(location)
		if err != nil {
			t.Fatal(err)
		}
		if next.Path == "/sn/oauthcallback" {
			return next.RequestURI()
		}
		at = next.String()
	}
	t.Fatal("the provider sends the browser round and round")
	return ""
}
