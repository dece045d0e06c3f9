package action

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/connector/pointer"
	"onsight/internal/contract"
	"onsight/internal/outbound"
)

// tokenLimits are those of a request for a token.
var tokenLimits = outbound.Limits{Header: 10 * time.Second, Whole: 15 * time.Second, Body: 1 << 20}

// Ways in which a client authenticates at a token endpoint.
const (
	inHeader = "header" // RFC 6749, 2.3.1
	inBody   = "body"
	probe    = "probe" // the header first, and then the body
)

// maxToken is how many bytes a token may have.
const maxToken = 32 << 10

// A tokenRequest is a request to a token endpoint.
type tokenRequest struct {
	endpoint, clientID string
	secret             contract.Secret
	style              string
	form               url.Values
	auth               *definition.Auth
}

// A granted is what a token endpoint gives.
type granted struct {
	Access  string `json:"access"`
	Refresh string `json:"refresh,omitempty"`
	// life is how long the access token is good; 0 where the service does not say.
	life   time.Duration
	scopes string
	style  string // in which the client authenticated
}

// A tokenError says why a token endpoint gave no token. Its reason is a
// sentence, and holds no secret.
type tokenError struct {
	// code is OAuth's; empty where the endpoint did not say.
	code   string
	reason string
	// passing says that it may be otherwise in a moment.
	passing bool
}

func (e *tokenError) Error() string { return e.reason }

// void tells whether what the token was asked for with is no good any more.
func (e *tokenError) void() bool { return e.code == "invalid_grant" }

// exchange asks for a token.
func exchange(ctx context.Context, client *outbound.Client, r tokenRequest) (*granted, error) {
	style := r.style
	if style == probe || style == "" {
		style = inHeader
	}
	got, err := r.once(ctx, client, style)
	// Every server has to take credentials in the header; some do not. The first
	// refusal tells more than the second.
	if e, ok := errors.AsType[*tokenError](err); ok && r.style == probe && r.secret != "" && (e.code == "invalid_client" || e.code == "invalid_request") {
		if second, err2 := r.once(ctx, client, inBody); err2 == nil {
			return second, nil
		}
	}
	return got, err
}

func (r *tokenRequest) once(ctx context.Context, client *outbound.Client, style string) (*granted, error) {
	endpoint, err := url.Parse(r.endpoint)
	if err != nil {
		return nil, &tokenError{reason: "The token endpoint has no valid URL."}
	}
	form := url.Values{}
	for name, values := range r.form {
		if !endpoint.Query().Has(name) { // what the endpoint says itself goes before
			form[name] = values
		}
	}
	if style == inBody || r.secret == "" {
		form.Set("client_id", r.clientID)
		if r.secret != "" {
			form.Set("client_secret", r.secret.Reveal())
		}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint.String(), strings.NewReader(form.Encode()))
	if err != nil {
		return nil, &tokenError{reason: "The token endpoint has no valid URL."}
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Accept", "application/json")
	if style == inHeader && r.secret != "" {
		req.SetBasicAuth(url.QueryEscape(r.clientID), url.QueryEscape(r.secret.Reveal()))
	}
	res, err := client.With(tokenLimits).HTTP().Do(req)
	if err != nil {
		return nil, unreachable(err)
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return nil, unreachable(err)
	}
	got, err := r.read(res, text)
	if err != nil {
		return nil, err
	}
	got.style = style
	return got, nil
}

func unreachable(err error) error {
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		return &tokenError{reason: fmt.Sprintf("The token endpoint can't be reached: %s.", e.Error()), passing: e.Temporary() || e.Kind == outbound.Cancelled}
	}
	return &tokenError{reason: "The token endpoint can't be reached.", passing: true}
}

// read reads the answer of a token endpoint. It takes nothing for granted.
func (r *tokenRequest) read(res *http.Response, text []byte) (*granted, error) {
	media, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	isJSON := media == "application/json" || strings.HasSuffix(media, "+json") || media == "text/plain" || media == "text/javascript"
	var answer map[string]any
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if !isJSON || d.Decode(&answer) != nil || answer == nil {
		answer = nil
	}
	if res.StatusCode != http.StatusOK || answer != nil && (pointer.Text(answer, "/error") != "" || !engine.Holds(r.auth.TokenSuccess, any(answer))) {
		if slices.Contains(r.auth.TokenVoid, pointer.Text(answer, "/error")) {
			answer["error"] = "invalid_grant"
		}
		return nil, refusal(res.StatusCode, answer)
	}
	if answer == nil {
		return nil, &tokenError{reason: "The token endpoint answers with something that is no JSON object."}
	}
	holder := any(answer)
	if r.auth.TokenPath != "" {
		holder, _ = pointer.Get(answer, r.auth.TokenPath)
	}
	part, ok := holder.(map[string]any)
	if part["access_token"] == nil && r.form.Get("grant_type") == "refresh_token" {
		part, ok = answer, true // a renewed token is the only one in the answer
	}
	if !ok {
		return nil, &tokenError{reason: "The answer of the token endpoint holds no token where the service says that it is."}
	}
	got := &granted{}
	got.Access, _ = part["access_token"].(string)
	got.Refresh, _ = part["refresh_token"].(string)
	got.scopes, _ = part["scope"].(string)
	kind, _ := part["token_type"].(string)
	switch {
	case got.Access == "":
		return nil, &tokenError{reason: "The answer of the token endpoint holds no access token."}
	case !sendable(got.Access) || !sendable(got.Refresh):
		return nil, &tokenError{reason: "The token that the token endpoint gives can't be sent in a header."}
	case r.auth.TokenPath == "" && kind != "" && !strings.EqualFold(kind, "bearer"):
		return nil, &tokenError{reason: "The token endpoint gives tokens of another type than Bearer."}
	}
	if len(got.scopes) > 4096 {
		got.scopes = got.scopes[:4096]
	}
	life, err := seconds(part["expires_in"])
	if err != nil {
		return nil, err
	}
	got.life = life
	return got, nil
}

// sendable tells whether a token can stand in a header.
func sendable(token string) bool {
	return len(token) <= maxToken && !strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r >= 0x7f })
}

// seconds reads expires_in: a number, or a text that is one.
func seconds(v any) (time.Duration, error) {
	text := ""
	switch v := v.(type) {
	case nil:
		return 0, nil
	case json.Number:
		text = v.String()
	case string:
		text = v
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || n < 0 || math.IsNaN(n) {
		return 0, &tokenError{reason: "The token endpoint says nothing sensible of how long the token is good."}
	}
	const year = 366 * 24 * time.Hour
	return time.Duration(min(n, year.Seconds()) * float64(time.Second)), nil
}

// refusal says in a sentence why there is no token.
func refusal(status int, answer map[string]any) error {
	e := &tokenError{code: tidy(pointer.Text(answer, "/error"), 64)}
	more := tidy(pointer.Text(answer, "/error_description"), maxSaid)
	switch {
	case e.code == "invalid_client":
		e.reason = "The token endpoint does not accept the client id and secret (invalid_client)."
	case e.code == "invalid_grant":
		e.reason = "What the token is asked for with is not good any more (invalid_grant)."
	case e.code == "invalid_scope":
		e.reason = "The token endpoint does not know the scopes, or does not grant them (invalid_scope)."
	case e.code == "unauthorized_client", e.code == "unsupported_grant_type":
		e.reason = fmt.Sprintf("The token endpoint does not give the client tokens in this way (%s).", e.code)
	case e.code != "":
		e.reason = fmt.Sprintf("The token endpoint refuses the request (%s).", e.code)
		e.passing = e.code == "temporarily_unavailable" || e.code == "server_error" || e.code == "slow_down"
	case status == http.StatusTooManyRequests || status >= http.StatusInternalServerError:
		e.reason, e.passing = fmt.Sprintf("The token endpoint answers with status %d.", status), true
	case status == http.StatusUnauthorized:
		e.code, e.reason = "invalid_client", "The token endpoint does not accept the client id and secret (status 401)."
	case status >= 300 && status < 400:
		e.reason = fmt.Sprintf("The token endpoint redirects elsewhere (status %d), and credentials are not sent there.", status)
	default:
		e.reason = fmt.Sprintf("The token endpoint answers with status %d, and nothing that OAuth knows.", status)
	}
	if more != "" {
		e.reason += " It says: " + more
	}
	return e
}

// maxSaid is how much of a token endpoint's own words is shown. Those of
// Microsoft tell what an administrator has to do, and are long.
const maxSaid = 1500

// tidy makes one line of a text of somebody else's, which may be long.
func tidy(text string, longest int) string {
	text = strings.Join(strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || unicode.IsControl(r) }), " ")
	if runes := []rune(text); len(runes) > longest {
		return string(runes[:longest]) + "…"
	}
	return text
}

// scopesOf puts the scopes of a definition into a form, where it has some.
func scopesOf(form url.Values, a *definition.Auth, base string) {
	if len(a.Scopes) == 0 {
		return
	}
	separator, name := a.ScopeSeparator, a.ScopeParameter
	if separator == "" {
		separator = " "
	}
	if name == "" {
		name = "scope"
	}
	form.Set(name, atBase(strings.Join(a.Scopes, separator), base))
}
