package oauthapp

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/outbound"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// document is what the store keeps of an application beside its common
// columns. It holds no secrets.
type document struct {
	// Settings are in force.
	Settings settings `json:"settings"`
	// Pending are those of an update whose check is under way.
	Pending *settings `json:"pending,omitempty"`
	// Error says why the last check failed.
	Error string `json:"error,omitempty"`
}

// settings are what callers decide about an application.
type settings struct {
	Name                  string            `json:"name"`
	TokenEndpoint         string            `json:"tokenEndpoint"`
	AuthorizationEndpoint string            `json:"authorizationEndpoint,omitempty"`
	Scopes                string            `json:"scopes,omitempty"`
	DataSourceType        qs.DataSourceType `json:"dataSourceType,omitempty"`
	VPCConnectionARN      string            `json:"vpcConnectionArn,omitempty"`
	// SecretVersion is the version that the credentials are sealed under.
	SecretVersion int64 `json:"secretVersion"`
}

// credentials are sealed as one. The client id is among them because the API
// never gives it back.
type credentials struct {
	ClientID     string `json:"clientId"`
	ClientSecret string `json:"clientSecret"`
}

// secretField is the field that the credentials are sealed under.
const secretField = "credentials"

func (s *Service) putCredentials(tx *store.Tx, arn string, version int64, c credentials) error {
	text, err := json.Marshal(c) //nolint:gosec // it is sealed right away
	if err != nil {
		return err
	}
	return s.secrets.Put(tx, arn, secretField, version, qs.Secret(text))
}

func (s *Service) getCredentials(tx *store.Tx, arn string, version int64) (c credentials, err error) {
	text, err := s.secrets.Get(tx, arn, secretField, version)
	if err == nil && json.Unmarshal([]byte(text.Reveal()), &c) != nil {
		// What is wrong with it would be told with a part of it.
		err = fmt.Errorf("the credentials of %s are no JSON", arn)
	}
	return c, err
}

// checkForm refuses what shows without the store. The messages never repeat a URL.
func (set *settings) checkForm(account string) error {
	for member, raw := range map[string]string{"OAuthTokenEndpointUrl": set.TokenEndpoint, "OAuthAuthorizationEndpointUrl": set.AuthorizationEndpoint} {
		if raw == "" && member == "OAuthAuthorizationEndpointUrl" {
			continue
		}
		if _, err := outbound.ParseURL(raw, "https"); err != nil {
			return fault.Invalid("%s isn't valid: %v.", member, err)
		}
	}
	if set.VPCConnectionARN == "" {
		return nil
	}
	a, err := arn.Parse(set.VPCConnectionARN)
	if err != nil {
		return fault.Invalid("VpcConnectionArn isn't valid: %v.", err)
	}
	if kind, id := a.Split(); !a.IsQuickSight() || a.Account != account || kind != "vpcConnection" || id == "" {
		return fault.Invalid("VpcConnectionArn isn't valid: it must be the ARN of a VPC connection of account %s.", account)
	}
	return nil
}

// use begins to use the settings' VPC connection, if they have one, and refuses
// a token endpoint that can't be reached that way. The authorization endpoint is
// where browsers go; its form alone counts.
func (s *Service) use(tx *store.Tx, set *settings) error {
	allowed := []netip.Prefix(s.networks.Default().Allowed)
	if set.VPCConnectionARN != "" {
		a, err := arn.Parse(set.VPCConnectionARN)
		if err != nil {
			return err
		}
		if allowed, err = s.networks.Use(tx, a); err != nil {
			return err
		}
	}
	u, err := outbound.ParseURL(set.TokenEndpoint, "https")
	if err != nil {
		return fault.Invalid("OAuthTokenEndpointUrl isn't valid: %v.", err)
	}
	if r := outbound.Ranges(allowed).CheckHost(u.Hostname()); r != "" {
		return fault.Invalid("OAuthTokenEndpointUrl isn't valid: it names %s, which the operator of this server has not allowed.", r)
	}
	return nil
}

// origin is the scheme, host and port of a URL that has passed its check.
func origin(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func text[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}

// optional leaves an empty value out.
func optional[T ~string](v T) *T {
	if v == "" {
		return nil
	}
	return &v
}

func vpc(p *qs.VpcConnectionProperties) string {
	if p == nil {
		return ""
	}
	return p.VpcConnectionArn
}

func (set *settings) shownVPC() *qs.VpcConnectionProperties {
	if set.VPCConnectionARN == "" {
		return nil
	}
	return &qs.VpcConnectionProperties{VpcConnectionArn: set.VPCConnectionARN}
}
