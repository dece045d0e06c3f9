package federation

import (
	"cmp"
	"context"
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// document is what the store keeps of a provider beside its common columns.
type document struct {
	Issuer   string   `json:"issuer"`
	ClientID string   `json:"clientId"`
	Scopes   []string `json:"scopes"`
	// RoleARN is empty where an identity centre provisions the account's people,
	// and so are the claims: there, the centre has said all of that.
	RoleARN      string `json:"roleArn"`
	SessionClaim string `json:"sessionNameClaim"`
	EmailClaim   string `json:"emailClaim"`
	GroupsClaim  string `json:"groupsClaim,omitempty"`
	Contact      string `json:"contact,omitempty"`
	// Secret is the version that the client secret is sealed under; 0 for none.
	Secret int64 `json:"secret,omitempty"`
}

// providers is the kind of resource; it has no status.
var providers = resource.Kind[document]{Name: "federation-provider", Label: "Federation provider"}

type item = resource.Item[document]

// secretField is the field that a client secret is sealed under.
const secretField = "clientSecret"

// maxProviders is how many providers an account may have: as many buttons as
// somebody can choose from.
const maxProviders = 20

func keyOf(region, account, id string) resource.Key {
	return resource.Key{Account: account, Region: region, ID: id}
}

func onProvider(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: providers.ARN(keyOf(api.Region(ctx), account, id))}
}

// settings are what a request says of a provider.
type settings struct {
	account, name, issuer, client         string
	scopes                                []string
	role, session, email, groups, contact *string
}

// document forms what is kept of the settings, or says what is wrong with them.
func (s *Service) document(in settings) (document, error) {
	doc := document{
		Issuer: in.issuer, ClientID: in.client, RoleARN: text(in.role), SessionClaim: text(in.session), EmailClaim: text(in.email),
		GroupsClaim: text(in.groups), Contact: text(in.contact), Scopes: []string{"openid"},
	}
	if in.scopes == nil {
		doc.Scopes = append(doc.Scopes, "email")
	}
	for _, scope := range in.scopes {
		if !slices.Contains(doc.Scopes, scope) {
			doc.Scopes = append(doc.Scopes, scope)
		}
	}
	for member, v := range map[string]string{"Name": in.name, "Contact": doc.Contact, "ClientId": in.client} {
		if strings.ContainsFunc(v, unicode.IsControl) || strings.TrimSpace(v) != v {
			return doc, fault.Invalid("%s must not begin or end with a space, nor have control characters.", member)
		}
	}
	if !s.usable(in.issuer) {
		return doc, fault.Invalid("Issuer must be an https URL without query and fragment, such as https://login.example.org, exactly as the provider's discovery document has it.")
	}
	if in.role == nil {
		return doc, nil
	}
	a, err := arn.Parse(*in.role)
	if err != nil || !a.IsRole() || a.Account != in.account {
		return doc, errRole(in.account)
	}
	doc.SessionClaim = cmp.Or(doc.SessionClaim, "sub")
	doc.EmailClaim = cmp.Or(doc.EmailClaim, "email")
	return doc, nil
}

func errRole(account string) error {
	return fault.Invalid("RoleArn must be the ARN of a role of account %s, such as arn:aws:iam::%[1]s:role/people.", account)
}

// belongs tells with a fault that a provider is none for the account: people
// come with a role, or an identity centre provisions them, and never both.
func (s *Service) belongs(tx *store.Tx, account string, doc *document) error {
	managed, err := s.managed(tx, account)
	switch {
	case err != nil:
		return err
	case !managed && doc.RoleARN == "":
		return errRole(account)
	case managed && doc.RoleARN != "":
		return fault.Invalid("Leave RoleArn out: an identity centre provisions the people of account %s, and their role is that of their groups.", account)
	case managed && doc.SessionClaim+doc.EmailClaim+doc.GroupsClaim != "":
		return fault.Invalid("Leave SessionNameClaim, EmailClaim and GroupsClaim out: an identity centre provisions the people of account %s, with their names, addresses and groups.", account)
	}
	return nil
}

// managed tells whether an identity centre provisions an account's people.
func (s *Service) managed(tx *store.Tx, account string) (bool, error) {
	a, err := s.Accounts.Name(tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return s.Centre.Manages(tx, account, a.DefaultNamespace)
}

// usable tells whether an issuer can be one.
func (s *Service) usable(issuer string) bool {
	u, err := url.Parse(issuer)
	if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(issuer, "#") {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	here := u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
	return u.Scheme == "https" || s.Loopback && here && u.Scheme == "http"
}

// shown gives a provider as the API shows it.
func (s *Service) shown(it *item) onsightapi.FederationProvider {
	d := &it.Doc
	at := root + "/" + it.Account + "/" + it.ID
	return onsightapi.FederationProvider{
		Arn: &it.ARN, ProviderId: &it.ID, Name: &it.Name, Issuer: &d.Issuer, ClientId: &d.ClientID, HasClientSecret: new(d.Secret > 0),
		Scopes: d.Scopes, RoleArn: optional(d.RoleARN), SessionNameClaim: optional(d.SessionClaim), EmailClaim: optional(d.EmailClaim),
		GroupsClaim: optional(d.GroupsClaim), Contact: optional(d.Contact),
		RedirectUri: new(s.Site.PublicURL(at + "/done")), InitiateLoginUri: new(s.Site.PublicURL(at + "/initiate")),
		CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
	}
}

// provider finds a provider of an account for a page, with its client secret;
// store.ErrNotFound where there is none.
func (s *Service) provider(tx *store.Tx, account, id string) (Account, *item, contract.Secret, error) {
	a, err := s.Accounts.Name(tx, account)
	if err != nil {
		return a, nil, "", err
	}
	it, err := providers.Get(tx, keyOf(a.Region, account, id))
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		return a, nil, "", store.ErrNotFound
	}
	if err != nil || it.Doc.Secret == 0 {
		return a, it, "", err
	}
	secret, err := s.secrets.Get(tx, it.ARN, secretField, it.Doc.Secret)
	return a, it, secret, err
}

func text(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}
