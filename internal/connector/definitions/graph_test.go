package definitions_test

import (
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"onsight/internal/connector/definitions"
	"onsight/internal/connector/engine"
)

// noting answers every request with nothing, and notes where it went.
type noting struct{ seen []string }

func (n *noting) Do(r *http.Request) (*http.Response, error) {
	address, _, _ := strings.Cut(r.URL.String(), "?")
	n.seen = append(n.seen, address)
	return &http.Response{StatusCode: http.StatusNoContent, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(""))}, nil
}

// The types of Microsoft Graph ask alike for tokens, and work in each of its
// clouds.
func TestGraph(t *testing.T) {
	t.Parallel()
	const person, itself = "OAUTH2_AUTHORIZATION_CODE", "OAUTH2_CLIENT_CREDENTIALS"
	for _, name := range []string{"MICROSOFT_ONEDRIVE", "MICROSOFT_OUTLOOK", "MICROSOFT_SHAREPOINT", "MICROSOFT_TEAMS"} {
		d, ok := definitions.Of(name)
		if !ok {
			t.Errorf("there is no definition of %s", name)
			continue
		}
		if a := d.Connector.Authentication[person]; !slices.Contains(a.Scopes, "offline_access") || a.ClientStyle != "body" || a.NoPKCE {
			t.Errorf("%s: sign-in %+v", name, a)
		}
		if a := d.Connector.Authentication[itself]; !slices.Equal(a.Scopes, []string{"{base}/.default"}) || a.Rights == nil || a.Rights.Claim != "roles" || len(a.Rights.Wanted) == 0 {
			t.Errorf("%s: application %+v", name, a)
		}
		for id, o := range d.For(person).Operations {
			if strings.Contains(string(o.Input), `"userId"`) || strings.HasPrefix(o.Path, "/users/{user}") {
				t.Errorf("%s: %s asks somebody who is signed in who it is for", name, id)
			}
		}
		for id, o := range d.For(itself).Operations {
			if strings.HasPrefix(o.Path, "/me") && o.Allows(itself) && !o.Hidden {
				t.Errorf("%s: %s has an application act as itself", name, id)
			}
		}
		for base, want := range map[string]string{
			"https://graph.microsoft.com/v1.0":                   "https://graph.microsoft.com/v1.0/me",
			"https://graph.microsoft.us/v1.0/":                   "https://graph.microsoft.us/v1.0/me",
			"https://dod-graph.microsoft.us":                     "https://dod-graph.microsoft.us/v1.0/me",
			"https://microsoftgraph.chinacloudapi.cn/v1.0":       "https://microsoftgraph.chinacloudapi.cn/v1.0/me",
			"https://graph.microsoft.com/beta":                   "https://graph.microsoft.com/beta/me",
			"https://proxy.example.org/graph.microsoft.com/v1.0": "https://proxy.example.org/graph.microsoft.com/v1.0/me",
		} {
			u, err := url.Parse(base)
			if err != nil {
				t.Fatal(err)
			}
			to := &noting{}
			call := &engine.Call{Definition: d, Operation: d.Operations["GetMe"], Base: u, Client: to}
			if _, err := call.Do(t.Context()); err != nil || !slices.Equal(to.seen, []string{want}) {
				t.Errorf("%s at %s: %q, %v, want %s", name, base, to.seen, err, want)
			}
		}
	}
}
