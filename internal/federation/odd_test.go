package federation_test

import (
	"net/url"
	"strings"
	"testing"

	"onsight/internal/federation"
)

// Whatever bytes an address, a query or a form has, it is answered in words,
// and never by a failure of the server; on PostgreSQL neither.
func TestOddBytes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.provider("example", w.role("people", "quicksight:CreateReader"))
		b := w.srv.Browser(t)
		state := w.begin(b, button("example")).Get("state")
		patterns := append((&federation.Service{}).Patterns(), "POST /saml", "POST /signin/oidc/{account}/{provider}/initiate")
		for _, pattern := range patterns {
			method, path, ok := strings.Cut(pattern, " ")
			if !ok {
				continue
			}
			for _, odd := range []string{"a\x00b", "\xff\xfe", "a\xc3", "\xed\xa0\x80"} {
				at := strings.NewReplacer("{account}", account, "{provider}", "example").Replace(path)
				there := strings.NewReplacer("{account}", url.PathEscape(odd), "{provider}", url.PathEscape(odd)).Replace(path)
				q := url.Values{"state": {state}, "Action": {"login"}, "Session": {`{"sessionId":"` + odd + `","sessionKey":"k","sessionToken":"t"}`}}
				for _, name := range []string{
					"code", "iss", "error", "email", "ticket", "next", "namespace", "login_hint", "target_link_uri", "lang", "SAMLResponse", "RelayState", "roleIndex",
					"Destination", "SessionDuration", "SessionType", "SigninToken",
				} {
					q.Set(name, odd)
				}
				token := url.Values{"Action": {"getSigninToken"}, "Session": q["Session"]}
				for _, target := range []string{at, there} {
					for _, q := range []url.Values{q, token} {
						var fields []string
						for name, v := range q {
							fields = append(fields, name, v[0])
						}
						page := b.Get(target + "?" + q.Encode())
						if method == "POST" {
							page = b.Post(target, fields...)
						}
						if page.Status >= 500 {
							t.Errorf("%s of %q: %d %s", pattern, odd, page.Status, page.Text())
						}
					}
				}
			}
		}
	})
}
