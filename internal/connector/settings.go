package connector

import (
	"fmt"
	"net/netip"
	"net/url"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// document is what the store keeps of a connector beside its common columns.
// It holds no secrets.
type document struct {
	// Settings are in force.
	Settings settings `json:"settings"`
	// Pending are those of an update in progress.
	Pending *settings `json:"pending,omitempty"`
	// Enabled are the ids of the actions that can be performed, sorted; nil is all.
	Enabled []string `json:"enabled"`
	// Guards are what the owner has set beyond QuickSight's API.
	Guards Guards `json:"guards,omitzero"`
	// Error says why the last creation or update failed.
	Error string `json:"error,omitempty"`
}

// settings are what callers decide about a connector. An update replaces them all.
type settings struct {
	Name             string `json:"name"`
	Description      string `json:"description,omitempty"`
	VPCConnectionARN string `json:"vpcConnectionArn,omitempty"`
	Auth             Auth   `json:"auth"`
}

// Auth is how a connector authenticates, without its secret.
type Auth struct {
	Type                  qs.ConnectionAuthType `json:"type"`
	BaseEndpoint          string                `json:"baseEndpoint,omitempty"`
	Username              string                `json:"username,omitempty"`
	Email                 string                `json:"email,omitempty"`
	ClientID              string                `json:"clientId,omitempty"`
	TokenEndpoint         string                `json:"tokenEndpoint,omitempty"`
	AuthorizationEndpoint string                `json:"authorizationEndpoint,omitempty"`
	RedirectURL           string                `json:"redirectUrl,omitempty"`
	RoleARN               string                `json:"roleArn,omitempty"`
	// SecretVersion is the version that the secret is sealed under; 0 where
	// there is none.
	SecretVersion int64 `json:"secretVersion,omitempty"`
}

// secretField is the field that a connector's secret is sealed under: each way
// to authenticate has at most one.
const secretField = "secret"

// maxSecret is how many bytes an API key, a password or a user name may have.
// The model sets no limit; this is far beyond what fits into a header.
const maxSecret = 16 << 10

// request is what a create or an update asks for.
type request struct {
	settings
	secret qs.Secret
	// keep says that an OAuth grant came without details, so that those of
	// before are meant.
	keep bool
}

// read takes a request apart and checks all that can be checked without the
// connector's type and without the store.
func (s *Service) read(account string, name qs.Secret, description *qs.Secret, vpcConnection *string, config *qs.AuthConfig) (request, error) {
	r := request{settings: settings{Name: name.Reveal()}}
	if description != nil {
		r.Description = description.Reveal()
	}
	if vpcConnection != nil {
		r.VPCConnectionARN = *vpcConnection
		a, err := arn.Parse(*vpcConnection)
		if err != nil {
			return r, fault.Invalid("VpcConnectionArn isn't valid: %v.", err)
		}
		if kind, id := a.Split(); !a.IsQuickSight() || a.Account != account || kind != "vpcConnection" || id == "" {
			return r, fault.Invalid("VpcConnectionArn isn't valid: it must be the ARN of a VPC connection of account %s.", account)
		}
	}
	err := r.readAuth(config)
	if err != nil {
		return r, err
	}
	return r, s.checkAuth(account, &r)
}

// readAuth takes the one member of the union that belongs to the type of
// authentication.
func (r *request) readAuth(config *qs.AuthConfig) error {
	if config == nil || config.AuthenticationMetadata == nil {
		return fault.Invalid("AuthenticationConfig must have an AuthenticationType and an AuthenticationMetadata.")
	}
	m, a := config.AuthenticationMetadata, &r.Auth
	a.Type = config.AuthenticationType
	given := map[qs.ConnectionAuthType]bool{
		basic: m.BasicAuthConnectionMetadata != nil, apiKey: m.ApiKeyConnectionMetadata != nil, none: m.NoneConnectionMetadata != nil,
		iam: m.IamConnectionMetadata != nil, code: m.AuthorizationCodeGrantMetadata != nil, client: m.ClientCredentialsGrantMetadata != nil,
	}
	members := 0
	for _, ok := range given {
		if ok {
			members++
		}
	}
	if member, ok := metadataMember[a.Type]; !ok {
		return fault.Invalid("AuthenticationType %s isn't supported.", a.Type)
	} else if members != 1 || !given[a.Type] {
		return fault.Invalid("AuthenticationMetadata must have exactly one member, and with AuthenticationType %s that is %s.", a.Type, member)
	}
	switch a.Type {
	case basic:
		b := m.BasicAuthConnectionMetadata
		a.BaseEndpoint, a.Username, r.secret = b.BaseEndpoint, b.Username.Reveal(), b.Password
	case apiKey:
		k := m.ApiKeyConnectionMetadata
		a.BaseEndpoint, r.secret = k.BaseEndpoint, k.ApiKey
		if k.Email != nil {
			a.Email = k.Email.Reveal()
		}
	case none:
		a.BaseEndpoint = m.NoneConnectionMetadata.BaseEndpoint
	case iam:
		a.RoleARN = m.IamConnectionMetadata.RoleArn
	case client:
		g := m.ClientCredentialsGrantMetadata
		a.BaseEndpoint = g.BaseEndpoint
		if g.ClientCredentialsDetails == nil {
			r.keep = true
			break
		}
		d := g.ClientCredentialsDetails.ClientCredentialsGrantDetails
		if d == nil {
			return fault.Invalid("ClientCredentialsDetails must have the member ClientCredentialsGrantDetails.")
		}
		a.ClientID, a.TokenEndpoint, r.secret = d.ClientId, d.TokenEndpoint, d.ClientSecret
	case code:
		g := m.AuthorizationCodeGrantMetadata
		a.BaseEndpoint, a.RedirectURL = g.BaseEndpoint, g.RedirectUrl
		if g.AuthorizationCodeGrantCredentialsDetails == nil {
			r.keep = true
			break
		}
		d := g.AuthorizationCodeGrantCredentialsDetails.AuthorizationCodeGrantDetails
		if d == nil {
			return fault.Invalid("AuthorizationCodeGrantCredentialsDetails must have the member AuthorizationCodeGrantDetails.")
		}
		a.ClientID, a.TokenEndpoint, a.AuthorizationEndpoint, r.secret = d.ClientId, d.TokenEndpoint, d.AuthorizationEndpoint, d.ClientSecret
	}
	return nil
}

// metadataMember is the member of AuthenticationMetadata for each type.
var metadataMember = map[qs.ConnectionAuthType]string{
	basic: "BasicAuthConnectionMetadata", apiKey: "ApiKeyConnectionMetadata", none: "NoneConnectionMetadata",
	iam: "IamConnectionMetadata", code: "AuthorizationCodeGrantMetadata", client: "ClientCredentialsGrantMetadata",
}

// checkAuth refuses values that cannot work or that must not be kept.
func (s *Service) checkAuth(account string, r *request) error {
	a := &r.Auth
	endpoints := s.endpoints
	if r.VPCConnectionARN != "" {
		// Only the store knows what may be reached through it: see use.
		endpoints = endpoints.through([]netip.Prefix{netip.MustParsePrefix("0.0.0.0/0"), netip.MustParsePrefix("::/0")})
	}
	if err := a.checkURLs(endpoints, r.keep); err != nil {
		return err
	}
	switch a.Type {
	case none:
	case iam:
		role, err := arn.Parse(a.RoleARN)
		if err != nil {
			return fault.Invalid("RoleArn isn't valid: %v.", err)
		}
		if !role.IsRole() {
			return fault.Invalid("RoleArn isn't valid: it must be the ARN of an IAM role.")
		}
		if role.Account != account && !s.foreignRoles {
			return fault.Invalid("RoleArn isn't valid: the role must be of account %s.", account)
		}
	case basic:
		// RFC 7617: the first colon ends the user name.
		if strings.Contains(a.Username, ":") {
			return fault.Invalid("Username isn't valid: it must not hold a colon.")
		}
		if err := checkText("Username", a.Username); err != nil {
			return err
		}
		return checkText("Password", r.secret.Reveal())
	case apiKey:
		return checkText("ApiKey", r.secret.Reveal())
	case client, code:
		if r.keep {
			return nil
		}
		if err := checkText("ClientId", a.ClientID); err != nil {
			return err
		}
		// A public client of an authorisation code grant has no secret.
		if a.Type == code && r.secret == "" {
			return nil
		}
		return checkText("ClientSecret", r.secret.Reveal())
	}
	return nil
}

// checkURLs applies the policy on URLs. The redirect URL is where the vendor
// sends browsers back to, which may well be a server in an office: its form alone counts.
func (a *Auth) checkURLs(e Endpoints, keep bool) error {
	if a.Type != iam {
		if err := e.check("BaseEndpoint", a.BaseEndpoint); err != nil {
			return err
		}
	}
	if a.Type == code {
		if err := checkForm("RedirectUrl", a.RedirectURL); err != nil {
			return err
		}
		if !keep {
			if err := e.check("AuthorizationEndpoint", a.AuthorizationEndpoint); err != nil {
				return err
			}
		}
	}
	if (a.Type == code || a.Type == client) && !keep {
		return e.check("TokenEndpoint", a.TokenEndpoint)
	}
	return nil
}

// checkText refuses values that no header can carry. The message never holds
// the value.
func checkText(member, value string) error {
	switch {
	case value == "":
		return fault.Invalid("%s must not be empty.", member)
	case len(value) > maxSecret:
		return fault.Invalid("%s isn't valid: it has more than %d bytes.", member, maxSecret)
	case strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }):
		return fault.Invalid("%s isn't valid: it holds a control character.", member)
	}
	return nil
}

// suits refuses an authentication that a type of connector does not know.
func (r *request) suits(t qs.ActionConnectorType) error {
	so, ok := sorts[t]
	if !ok {
		return fault.Invalid("Type %s isn't supported by this version of Onsight.", t)
	}
	if !so.accepts(r.Auth.Type) {
		return fault.Invalid("AuthenticationType %s isn't supported by connectors of type %s, which can use %s.", r.Auth.Type, t, join(so.auth))
	}
	if so.email && r.Auth.Type == apiKey && r.Auth.Email == "" {
		return fault.Invalid("Email is required with an API key of type %s: the service knows the key only together with its owner's e-mail address.", t)
	}
	return nil
}

func join(types []qs.ConnectionAuthType) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = string(t)
	}
	return strings.Join(names, ", ")
}

// keepFrom fills in the details of an OAuth grant that came without them from
// the settings before. They stay with the host that they were given for:
// otherwise whoever may update a connector could have its tokens sent to a host
// of their own.
func (r *request) keepFrom(before Auth) error {
	if before.Type != r.Auth.Type || before.ClientID == "" {
		return r.managed()
	}
	if origin(before.BaseEndpoint) != origin(r.Auth.BaseEndpoint) {
		return fault.Invalid("The host of BaseEndpoint changes, so %s needs its credential details again.", metadataMember[r.Auth.Type])
	}
	r.Auth.ClientID, r.Auth.TokenEndpoint, r.Auth.AuthorizationEndpoint = before.ClientID, before.TokenEndpoint, before.AuthorizationEndpoint
	r.Auth.SecretVersion = before.SecretVersion
	return nil
}

// managed refuses an OAuth grant without details where none can be taken over.
func (r *request) managed() error {
	return fault.Invalid("%s needs its credential details: this server has no OAuth application of its own to use instead.", metadataMember[r.Auth.Type])
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
	return fmt.Sprintf("%s://%s:%s", u.Scheme, strings.ToLower(u.Hostname()), port)
}

// use begins to use the VPC connection of new settings, if they have one, and
// applies the policy on URLs that holds for what goes through it.
func (s *Service) use(tx *store.Tx, r *request) error {
	if r.VPCConnectionARN == "" {
		return nil
	}
	a, err := arn.Parse(r.VPCConnectionARN)
	if err != nil {
		return err
	}
	if s.connections == nil {
		return fault.Invalid("VpcConnectionArn isn't valid: VPC connection %s can't be found.", r.VPCConnectionARN)
	}
	allowed, err := s.connections.Use(tx, a)
	if err != nil {
		return err
	}
	return r.Auth.checkURLs(s.endpoints.through(allowed), r.keep)
}

// allowed gives the ranges that may be reached through the VPC connection of
// settings, if they have one.
func (s *Service) allowed(tx *store.Tx, set *settings) ([]netip.Prefix, error) {
	if set.VPCConnectionARN == "" || s.connections == nil {
		return nil, nil
	}
	a, err := arn.Parse(set.VPCConnectionARN)
	if err != nil {
		return nil, err
	}
	return s.connections.Allowed(tx, a)
}

// UsingVPCConnection gives the ARNs of connectors that go through a VPC
// connection or are about to, in whichever region: a few of them at most.
func (s *Service) UsingVPCConnection(tx *store.Tx, connection string) ([]string, error) {
	a, err := arn.Parse(connection)
	if err != nil {
		return nil, err
	}
	return connectors.Mentioning(tx, a.Account, "vpcConnectionArn", connection)
}
