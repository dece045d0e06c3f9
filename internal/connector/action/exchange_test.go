package action

import (
	"errors"
	"net/http"
	"net/url"
	"testing"

	"onsight/internal/connector/definitions"
)

// Where a service gives a person's token beside its own, a first answer has it
// there, and that of a renewal on its own.
func TestTokenOfPerson(t *testing.T) {
	t.Parallel()
	d, ok := definitions.Of("SLACK")
	if !ok {
		t.Fatal("there is no definition of Slack")
	}
	auth := d.Connector.Authentication["OAUTH2_AUTHORIZATION_CODE"]
	for _, c := range []struct{ name, grant, answer, want string }{
		{"first", "authorization_code", `{"ok":true,"access_token":"bot","authed_user":{"id":"U1","access_token":"person","token_type":"user"}}`, "person"},
		{"first, without a person's", "authorization_code", `{"ok":true,"access_token":"bot","authed_user":{"id":"U1"}}`, ""},
		{"renewed", "refresh_token", `{"ok":true,"access_token":"next","refresh_token":"r","token_type":"user","expires_in":43200}`, "next"},
		{"renewed, and told for whom", "refresh_token", `{"ok":true,"access_token":"next","authed_user":{"id":"U1"}}`, "next"},
		{"refused", "refresh_token", `{"ok":false,"error":"invalid_refresh_token"}`, ""},
	} {
		r := tokenRequest{auth: &auth, form: url.Values{"grant_type": {c.grant}}}
		got, err := r.read(&http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}}, []byte(c.answer))
		if c.want == "" {
			e, ok := errors.AsType[*tokenError](err)
			if !ok || e.void() != (c.name == "refused") {
				t.Errorf("%s: %+v, %v, want an error", c.name, got, err)
			}
			continue
		}
		if err != nil || got.Access != c.want {
			t.Errorf("%s: %+v, %v, want %s", c.name, got, err, c.want)
		}
	}
}
