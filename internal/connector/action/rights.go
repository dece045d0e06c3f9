package action

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

// examined is a credential whose tokens are looked into: a service that gives
// a token without any rights refuses its use, and does not say which are
// missing.
type examined struct {
	engine.Credential
	rights *definition.Rights
	// missing are the rights that the token of the last request lacks; nil where
	// it can't be read.
	missing []string
}

// Authenticate implements engine.Credential.
func (e *examined) Authenticate(ctx context.Context, r *http.Request, body []byte) error {
	if err := e.Credential.Authenticate(ctx, r, body); err != nil {
		return err
	}
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	granted, readable := claimed(token, e.rights.Claim)
	if !readable {
		return nil
	}
	e.missing = slices.DeleteFunc(slices.Clone(e.rights.Wanted), func(name string) bool { return slices.Contains(granted, name) })
	if len(granted) == 0 {
		return &lack{reason: "The token that ClientId and ClientSecret are good for may not be used for anything. " + e.advice()}
	}
	return nil
}

// advice says which rights are missing, and how they are given.
func (e *examined) advice() string {
	return "The connector's actions need " + strings.Join(e.missing, ", ") + ". " + e.rights.Advice
}

// claimed reads a claim of a token that is a list of names (RFC 7519). The
// signature is the service's to check: what the token says is told, not trusted.
func claimed(token, claim string) (names []string, readable bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return nil, false
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return nil, false
	}
	var claims map[string]json.RawMessage
	if json.Unmarshal(text, &claims) != nil {
		return nil, false
	}
	if claims[claim] == nil {
		return nil, true
	}
	return names, json.Unmarshal(claims[claim], &names) == nil
}
