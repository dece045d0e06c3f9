package action

import (
	"context"
	"net/url"
	"strings"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/outbound"
)

// ofClient asks for a token of the connector itself (RFC 6749, 4.4).
func (s *Service) ofClient(l *connector.Live, a *definition.Auth, client *outbound.Client) renewal {
	return func(ctx context.Context, r *record, _ *granted) (*granted, error) {
		form := url.Values{"grant_type": {"client_credentials"}}
		scopesOf(form, a, l.Auth.BaseEndpoint)
		for name, value := range a.TokenParameters {
			form.Set(name, value)
		}
		return exchange(ctx, client, tokenRequest{
			endpoint: tokenEndpoint(l, a), clientID: l.Auth.ClientID, secret: l.Secret, style: styleOf(r, a), form: form, auth: a,
		})
	}
}

// styleOf is how the client authenticates: as it did before, or as the
// definition says.
func styleOf(r *record, a *definition.Auth) string {
	if r != nil && r.ClientStyle != "" {
		return r.ClientStyle
	}
	return a.ClientStyle
}

// tokenEndpoint is the connector's, or else the service's own.
func tokenEndpoint(l *connector.Live, a *definition.Auth) string {
	if l.Auth.TokenEndpoint != "" {
		return l.Auth.TokenEndpoint
	}
	return atBase(a.TokenEndpoint, l.Auth.BaseEndpoint)
}

// atBase puts the origin of the base endpoint into an address of a definition.
func atBase(address, base string) string {
	u, err := url.Parse(base)
	if err != nil {
		return address
	}
	return strings.ReplaceAll(address, "{base}", u.Scheme+"://"+u.Host)
}
