package action

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"onsight/internal/connector/definition"
)

// tokenOf is a credential that has a token.
type tokenOf string

func (t tokenOf) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer "+string(t))
	return nil
}

func (tokenOf) Renew(context.Context) (bool, error) { return false, nil }

// A token that says that it is good for nothing is not used; one that can't be
// read is the service's to judge.
func TestRights(t *testing.T) {
	t.Parallel()
	jwt := func(claims string) tokenOf {
		return tokenOf("e30." + base64.RawURLEncoding.EncodeToString([]byte(claims)) + ".c2ln")
	}
	rights := &definition.Rights{Claim: "roles", Wanted: []string{"Mail.Read", "Mail.Send"}, Advice: "Ask for consent."}
	for _, c := range []struct {
		name    string
		token   tokenOf
		refused bool
		missing []string
	}{
		{"all", jwt(`{"roles":["Mail.Send","Mail.Read","More"]}`), false, []string{}},
		{"some", jwt(`{"roles":["Mail.Send"]}`), false, []string{"Mail.Read"}},
		{"others", jwt(`{"roles":["More"]}`), false, []string{"Mail.Read", "Mail.Send"}},
		{"none", jwt(`{"roles":[]}`), true, []string{"Mail.Read", "Mail.Send"}},
		{"no claim", jwt(`{"aud":"x"}`), true, []string{"Mail.Read", "Mail.Send"}},
		{"another claim", jwt(`{"roles":"Mail.Read"}`), false, nil},
		{"no JSON", jwt(`roles`), false, nil},
		{"opaque", "EwBwA8l6BAAU", false, nil},
		{"no base64", "a.!.c", false, nil},
	} {
		e := &examined{Credential: c.token, rights: rights}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://example.org", nil)
		if err != nil {
			t.Fatal(err)
		}
		err = e.Authenticate(t.Context(), r, nil)
		l, refused := errors.AsType[*lack](err)
		if refused != c.refused || !slices.Equal(e.missing, c.missing) || (e.missing == nil) != (c.missing == nil) {
			t.Errorf("%s: %v, missing %q; want refused %t, missing %q", c.name, err, e.missing, c.refused, c.missing)
		}
		if refused && !strings.HasSuffix(l.reason, "The connector's actions need Mail.Read, Mail.Send. Ask for consent.") {
			t.Errorf("%s: %s", c.name, l.reason)
		}
	}
}
