package action

import (
	"context"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/outbound"
	"onsight/internal/qs"
)

// credential makes what authenticates the requests of a connector for a
// principal. fresh has it not use, nor keep, anything that is kept: it is for
// settings that are not in force.
func (s *Service) credential(l *connector.Live, d *definition.Definition, client *outbound.Client, principal string, fresh bool) (engine.Credential, error) {
	a, ok := d.Connector.Authentication[string(l.Auth.Type)]
	if !ok {
		return nil, &lack{reason: "Connectors of type " + string(l.Type) + " can't authenticate with " + string(l.Auth.Type) + " in this version of Onsight."}
	}
	switch l.Auth.Type {
	case qs.ConnectionAuthTypeOauth2ClientCredentials:
		renew := s.ofClient(l, &a, client)
		if fresh {
			return &fixed{renew: renew, auth: &a}, nil
		}
		return &stored{service: s, live: l, principal: itself, renew: renew, auth: &a}, nil
	case qs.ConnectionAuthTypeOauth2AuthorizationCode:
		return &stored{service: s, live: l, principal: principal, renew: s.ofPerson(l, &a, client), auth: &a}, nil
	case qs.ConnectionAuthTypeIAM:
		return &signed{service: s, live: l, principal: principal, client: client, auth: &a}, nil
	default:
		return static(l, &a)
	}
}

// A static credential sets a header or a parameter.
type credential struct {
	header, value string
	query         bool
}

// static makes the credential of a connector that holds all that is needed.
func static(l *connector.Live, a *definition.Auth) (engine.Credential, error) {
	fill := strings.NewReplacer("{key}", l.Secret.Reveal(), "{password}", l.Secret.Reveal(), "{email}", l.Auth.Email, "{username}", l.Auth.Username)
	switch a.Scheme {
	case "none":
		return nil, nil //nolint:nilnil // nothing is sent
	case "bearer":
		if m := named.FindStringSubmatch(l.Secret.Reveal()); m != nil && a.NamedHeader && (definition.CallersHeader(m[1]) || http.CanonicalHeaderKey(m[1]) == "Authorization") {
			return &credential{header: m[1], value: m[2]}, nil
		}
		return &credential{header: "Authorization", value: "Bearer " + l.Secret.Reveal()}, nil
	case "basic":
		pair := fill.Replace(a.Username) + ":" + fill.Replace(a.Password)
		return &credential{header: "Authorization", value: "Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}, nil
	case "header":
		return &credential{header: a.Name, value: fill.Replace(orKey(a.Value))}, nil
	case "query":
		return &credential{header: a.Name, value: fill.Replace(orKey(a.Value)), query: true}, nil
	}
	return nil, &lack{reason: "Connectors of type " + string(l.Type) + " can't authenticate with " + string(l.Auth.Type) + " in this version of Onsight."}
}

// named is a key that says its header: "X-Api-Key: 123".
var named = regexp.MustCompile(`^([A-Za-z0-9-]{1,64}): (.+)$`)

func orKey(value string) string {
	if value == "" {
		return "{key}"
	}
	return value
}

// Authenticate implements engine.Credential.
func (c *credential) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	if c.query {
		addQuery(r.URL, c.header, c.value)
		return nil
	}
	r.Header.Set(c.header, c.value)
	return nil
}

func addQuery(u *url.URL, name, value string) {
	pair := url.QueryEscape(name) + "=" + url.QueryEscape(value)
	if u.RawQuery != "" {
		pair = u.RawQuery + "&" + pair
	}
	u.RawQuery = pair
}

// Renew implements engine.Credential: there is no other one.
func (c *credential) Renew(context.Context) (bool, error) { return false, nil }

// put puts an access token where the service wants it.
func put(r *http.Request, a *definition.Auth, token string) {
	switch a.Scheme {
	case "header":
		r.Header.Set(a.Name, strings.NewReplacer("{key}", token, "{token}", token).Replace(orKey(a.Value)))
	case "query":
		addQuery(r.URL, a.Name, token)
	default:
		r.Header.Set("Authorization", "Bearer "+token)
	}
}

// A stored credential uses a token that is kept.
type stored struct {
	service         *Service
	live            *connector.Live
	principal       string
	renew           renewal
	auth            *definition.Auth
	token, rejected string
}

// Authenticate implements engine.Credential. The token is read for each attempt.
func (c *stored) Authenticate(ctx context.Context, r *http.Request, _ []byte) error {
	token, err := c.service.token(ctx, c.live, c.principal, c.rejected, c.renew)
	if err != nil {
		return err
	}
	c.token = token
	put(r, c.auth, token)
	return nil
}

// Renew implements engine.Credential: the token that was refused is not used
// again.
func (c *stored) Renew(context.Context) (bool, error) {
	c.rejected = c.token
	return c.token != "", nil
}

// A fixed credential asks for a token once, and keeps it to itself.
type fixed struct {
	renew renewal
	auth  *definition.Auth
	token string
}

// Authenticate implements engine.Credential.
func (c *fixed) Authenticate(ctx context.Context, r *http.Request, _ []byte) error {
	if c.token == "" {
		got, err := c.renew(ctx, &record{}, &granted{})
		if err != nil {
			return err
		}
		c.token = got.Access
	}
	put(r, c.auth, c.token)
	return nil
}

// Renew implements engine.Credential.
func (c *fixed) Renew(context.Context) (bool, error) { return false, nil }
