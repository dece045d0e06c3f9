package action

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"onsight/internal/connector/definitions"
)

// An application asks for what its administrator has consented to, in the cloud
// in which it is.
func TestGraphScopes(t *testing.T) {
	t.Parallel()
	d, _ := definitions.Of("MICROSOFT_TEAMS")
	itself, person := d.Connector.Authentication["OAUTH2_CLIENT_CREDENTIALS"], d.Connector.Authentication["OAUTH2_AUTHORIZATION_CODE"]
	for base, want := range map[string]string{
		"https://graph.microsoft.com/v1.0":             "https://graph.microsoft.com/.default",
		"https://graph.microsoft.us":                   "https://graph.microsoft.us/.default",
		"https://microsoftgraph.chinacloudapi.cn/v1.0": "https://microsoftgraph.chinacloudapi.cn/.default",
	} {
		form := url.Values{}
		scopesOf(form, &itself, base)
		if got := form.Get("scope"); got != want {
			t.Errorf("%s: scope %q, want %q", base, got, want)
		}
		form = url.Values{}
		scopesOf(form, &person, base)
		if got := form.Get("scope"); !strings.HasPrefix(got, "Calendars.ReadWrite Channel.Create ") || !strings.HasSuffix(got, " offline_access") {
			t.Errorf("%s: scopes of people %q", base, got)
		}
	}
}

// What Microsoft says is shown as it is; where somebody has to sign in again, that
// is known.
func TestGraphRefusals(t *testing.T) {
	t.Parallel()
	d, _ := definitions.Of("MICROSOFT_OUTLOOK")
	auth := d.Connector.Authentication["OAUTH2_AUTHORIZATION_CODE"]
	const consent = "AADSTS65001: The user or administrator has not consented to use the application with ID '00000003' named 'Onsight'. Send an interactive authorization request for this user and resource."
	for _, c := range []struct {
		code, says string
		void       bool
	}{
		{"invalid_grant", "AADSTS700082: The refresh token has expired due to inactivity.", true},
		{"interaction_required", "AADSTS50076: Due to a configuration change made by your administrator, you must use multi-factor authentication.", true},
		{"consent_required", consent, true},
		{"login_required", "AADSTS50058: A silent sign-in request was sent.", true},
		{"invalid_client", "AADSTS7000222: The provided client secret keys for app 'x' are expired. " + strings.Repeat("Visit the portal. ", 40), false},
		{"invalid_request", "AADSTS90002: Tenant 'contoso' not found.", false},
	} {
		r := tokenRequest{auth: &auth, form: url.Values{"grant_type": {"refresh_token"}}}
		body := `{"error":"` + c.code + `","error_description":"` + c.says + `","error_codes":[1],"trace_id":"t"}`
		_, err := r.read(&http.Response{StatusCode: http.StatusBadRequest, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}}, []byte(body))
		e, ok := errors.AsType[*tokenError](err)
		if !ok || e.void() != c.void || !strings.HasSuffix(e.reason, "It says: "+strings.TrimSpace(c.says)) {
			t.Errorf("%s: %v", c.code, err)
		}
	}
}
