package idtoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"onsight/internal/outbound"
)

// Metadata is what the discovery document of a provider says for whoever signs
// people in (OpenID Connect Discovery 1.0, 3; RFC 9207, 3).
type Metadata struct {
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	// NamesIssuer tells that each answer to the browser names the issuer.
	NamesIssuer bool `json:"authorization_response_iss_parameter_supported"`
	// ClientAuthentication are the ways in which clients show who they are;
	// none said is client_secret_basic.
	ClientAuthentication []string `json:"token_endpoint_auth_methods_supported"`
}

// What may go wrong with the exchange of a code, beside ErrUnreachable.
var (
	// ErrCode says that the provider does not take the code.
	ErrCode = errors.New("the provider refuses the code")
	// ErrAnswer says that the provider answers something else than a token.
	ErrAnswer = errors.New("the provider does not answer with a token")
)

// Metadata gives what the provider's discovery document says. It is as fresh
// as the provider's keys are.
func (v *Verifier) Metadata(ctx context.Context, issuer string) (Metadata, error) {
	p := v.provider(issuer)
	if _, err := p.current(ctx, v.now()); err != nil {
		return Metadata{}, err
	}
	p.mu.Lock()
	m := p.metadata
	p.mu.Unlock()
	for _, endpoint := range []string{m.AuthorizationEndpoint, m.TokenEndpoint} {
		u, err := url.Parse(endpoint)
		if err == nil {
			err = v.client.allowed(u)
		}
		if err != nil {
			return Metadata{}, fmt.Errorf("%w: the discovery document names no usable endpoints: %w", ErrKey, err)
		}
	}
	return m, nil
}

// A Code is what the provider gave the browser for the token, and what shows
// that it was given to us (RFC 6749, 4.1.3; RFC 7636, 4.5).
type Code struct {
	Code, RedirectURI, Verifier string
	// ClientID and ClientSecret are the client's; without a secret the verifier
	// is all that shows who we are.
	ClientID, ClientSecret string
}

const (
	// maxIDToken is the length of the longest token that
	// sts:AssumeRoleWithWebIdentity takes.
	maxIDToken = 20000
	// exchangePatience is how long the exchange of a code may take.
	exchangePatience = 5 * time.Second
)

// Exchange gets the ID token for a code. Nothing else of the answer is kept.
func (v *Verifier) Exchange(ctx context.Context, m Metadata, c Code) (token string, err error) {
	ctx, cancel := context.WithTimeout(ctx, exchangePatience)
	defer cancel()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {c.Code}, "redirect_uri": {c.RedirectURI}, "code_verifier": {c.Verifier}}
	basic := c.ClientSecret != "" && (len(m.ClientAuthentication) == 0 || slices.Contains(m.ClientAuthentication, "client_secret_basic"))
	if !basic {
		form.Set("client_id", c.ClientID)
		if c.ClientSecret != "" {
			form.Set("client_secret", c.ClientSecret)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, m.TokenEndpoint, strings.NewReader(form.Encode()))
	if err == nil {
		err = v.client.allowed(r.URL)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "Onsight")
	if basic { // each encoded as a form is (RFC 6749, 2.3.1)
		r.SetBasicAuth(url.QueryEscape(c.ClientID), url.QueryEscape(c.ClientSecret))
	}
	res, err := v.client.http.Do(r)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
		return "", fmt.Errorf("%w: the token endpoint answers %s", ErrUnreachable, res.Status)
	}
	body, err := io.ReadAll(res.Body)
	if e, ok := errors.AsType[*outbound.Error](err); ok && e.Kind == outbound.TooLarge {
		return "", fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	return readAnswer(res, body)
}

// readAnswer reads the answer of a token endpoint (OpenID Connect Core 1.0,
// 3.1.3.3 and 3.1.3.4).
func readAnswer(res *http.Response, body []byte) (string, error) {
	kind, _, err := mime.ParseMediaType(res.Header.Get("Content-Type"))
	if err != nil || kind != "application/json" {
		return "", fmt.Errorf("%w: its answer is %q, not JSON (%s)", ErrAnswer, kind, res.Status)
	}
	var answer struct {
		Error string `json:"error"`
		Type  string `json:"token_type"`
		Token string `json:"id_token"`
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return "", fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	switch {
	case answer.Error == "invalid_grant":
		return "", fmt.Errorf("%w: %s", ErrCode, answer.Error)
	case res.StatusCode != http.StatusOK || answer.Error != "":
		return "", fmt.Errorf("%w: it answers %s with error %.60q", ErrAnswer, res.Status, answer.Error)
	case !strings.EqualFold(answer.Type, "Bearer"):
		return "", fmt.Errorf("%w: its token is of type %.60q", ErrAnswer, answer.Type)
	case answer.Token == "" || len(answer.Token) > maxIDToken:
		return "", fmt.Errorf("%w: its ID token has %d characters", ErrAnswer, len(answer.Token))
	}
	return answer.Token, nil
}
