package federation

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

// The addresses of SAML: those of AWS, on this server.
const (
	samlPath         = "/saml"
	samlMetadataPath = "/static/saml-metadata.xml"
)

// maxSAML is how long a posted form may be: the longest response, each of its
// characters escaped, and where to go on to.
const maxSAML = 320 << 10

// An Offer is a role that somebody may choose, as an identity provider has
// said.
type Offer struct {
	// Account and Name are of the role.
	Account, Name string
	// RoleARN and ProviderARN are what AssumeRoleWithSAML takes.
	RoleARN, ProviderARN string
	// Lasts is how long the session at the pages is to last; zero for no matter.
	Lasts time.Duration
}

// The fields of the form that an identity provider has a browser send (OASIS
// saml-bindings-2.0-os, 3.5), and that of our own page, as it is called at AWS.
const (
	fieldResponse = "SAMLResponse"
	fieldRelay    = "RelayState"
	fieldRole     = "roleIndex"
)

// saml takes the response of a SAML provider. Other sites have the browser send
// it: that is how it works, so what proves anything here is the response alone.
// Our own page, on which somebody chooses a role, sends the same once more.
func (s *Service) saml(w http.ResponseWriter, r *http.Request) error {
	posted := r.PostFormValue(fieldResponse)
	if posted == "" {
		return s.refuseSAML(r, Account{}, Offer{}, http.StatusBadRequest, "saml.none", "")
	}
	offers, account, err := s.Sessions.SAMLOffers(s.arriving(r, ""), posted)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Status < http.StatusInternalServerError {
		a, known, err := s.account(r, account)
		if err != nil {
			return err
		}
		if !known {
			a = Account{}
		}
		return s.asserted(r, a, Offer{}, f)
	}
	if err != nil {
		return err
	}
	choices, chosen, err := s.choices(r, offers)
	switch {
	case err != nil:
		return err
	case len(choices) == 0:
		return s.refuseSAML(r, Account{}, Offer{}, http.StatusForbidden, "saml.account", "")
	case chosen == nil:
		return s.askRole(w, r, choices)
	}
	a, o := chosen.account, chosen.offer
	t := ticket{Account: a.Account, Provider: o.ProviderARN, Method: "saml", Next: s.local(r.PostFormValue(fieldRelay))}
	if o.Lasts > 0 {
		t.Seconds = max(1, int64(o.Lasts/time.Second))
	}
	t.AccessKeyID, t.Token, err = s.Sessions.AssumeSAML(s.arriving(r, a.Region), o.RoleARN, o.ProviderARN, posted)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Status < http.StatusInternalServerError {
		return s.asserted(r, a, o, f)
	}
	if err != nil {
		return err
	}
	return s.arrive(w, r, a, nil, t, "", "")
}

// asserted refuses somebody in the way that STS did.
func (s *Service) asserted(r *http.Request, a Account, o Offer, f *fault.Fault) error {
	reason := f.Code + ": " + f.Message
	switch f.Code {
	case "ExpiredTokenException":
		return s.refuseSAML(r, a, o, http.StatusForbidden, "saml.expired", reason)
	case "IDPRejectedClaim":
		return s.refuseSAML(r, a, o, http.StatusForbidden, "saml.rejected", reason)
	case "AccessDenied":
		return s.refuseSAML(r, a, o, http.StatusForbidden, "saml.role", reason, o.Name)
	}
	// Whoever sets the provider up needs to know what is wrong; it says nothing
	// that the response does not.
	return s.refuseSAML(r, a, o, http.StatusForbidden, "saml.invalid", reason, strings.TrimSuffix(f.Message, "."))
}

// refuseSAML is refuse for SAML, whose provider is named by its ARN.
func (s *Service) refuseSAML(r *http.Request, a Account, o Offer, status int, text, reason string, args ...any) error {
	provider := o.ProviderARN
	if provider == "" {
		provider = samlProviders
	}
	return s.refuse(r, a, provider, status, text, reason, args...)
}

// samlProviders begins the ARN of a SAML provider, whatever its account.
const samlProviders = "arn:"

// account gives a subscribed account.
func (s *Service) account(r *http.Request, id string) (a Account, known bool, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		a, err = s.Accounts.Name(tx, id)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return Account{}, false, nil
	}
	return a, err == nil, err
}

// A choice is a role in an account that is signed up.
type choice struct {
	account Account
	offer   Offer
}

// choices are the offers of accounts that are signed up, and the one that was
// chosen: the only one there is, or the one of our form; nil for none yet.
func (s *Service) choices(r *http.Request, offers []Offer) (all []choice, chosen *choice, err error) {
	accounts := make(map[string]Account)
	for _, o := range offers {
		a, seen := accounts[o.Account]
		if !seen {
			if a, _, err = s.account(r, o.Account); err != nil {
				return nil, nil, err
			}
			accounts[o.Account] = a
		}
		if a.Account != "" {
			all = append(all, choice{a, o})
		}
	}
	if len(all) == 1 {
		return all, &all[0], nil
	}
	for i := range all {
		if all[i].offer.RoleARN == r.PostFormValue(fieldRole) {
			return all, &all[i], nil
		}
	}
	return all, nil, nil
}

// roleForm is what the page shows on which somebody chooses a role. Programs
// that read the page of AWS find the same names in it.
type roleForm struct {
	Response, Relay string
	Accounts        []roleAccount
}

type roleAccount struct {
	Account, Name string
	Roles         []Offer
}

func (s *Service) askRole(w http.ResponseWriter, r *http.Request, choices []choice) error {
	f := roleForm{Response: r.PostFormValue(fieldResponse), Relay: r.PostFormValue(fieldRelay)}
	at := make(map[string]int)
	for _, c := range choices {
		i, ok := at[c.account.Account]
		if !ok {
			i = len(f.Accounts)
			at[c.account.Account] = i
			f.Accounts = append(f.Accounts, roleAccount{Account: c.account.Account, Name: c.account.Name})
		}
		f.Accounts[i].Roles = append(f.Accounts[i].Roles, c.offer)
	}
	p := web.Page{Name: "roles", Data: f}
	if len(f.Accounts) == 1 {
		p.Account = f.Accounts[0].Account
	}
	if r.PostForm.Has(fieldRole) || r.PostForm.Has("choose") {
		p.Problems = []web.Problem{{Field: f.Accounts[0].Roles[0].RoleARN, Key: "saml.choose"}}
	}
	s.Site.Show(w, r, p)
	return nil
}

// noSAML tells somebody who opens the address in a browser what it is for.
func (s *Service) noSAML(_ http.ResponseWriter, r *http.Request) error {
	return s.refuseSAML(r, Account{}, Offer{}, http.StatusMethodNotAllowed, "saml.none", "")
}

// samlMetadata tells identity providers about this server (OASIS
// saml-metadata-2.0-os, 2.4.4).
func (s *Service) samlMetadata(w http.ResponseWriter, _ *http.Request) error {
	var address strings.Builder
	if err := xml.EscapeText(&address, []byte(s.SAMLAddress)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	_, _ = fmt.Fprintf(w, `<?xml version="1.0" encoding="UTF-8"?>
<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="%[1]s">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol" WantAssertionsSigned="true">
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:persistent</NameIDFormat>
    <NameIDFormat>urn:oasis:names:tc:SAML:2.0:nameid-format:transient</NameIDFormat>
    <NameIDFormat>urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress</NameIDFormat>
    <AssertionConsumerService index="1" isDefault="true" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="%[1]s"/>
    <AttributeConsumingService index="1">
      <ServiceName xml:lang="en">Onsight</ServiceName>
      <RequestedAttribute isRequired="true" Name="https://aws.amazon.com/SAML/Attributes/Role" FriendlyName="RoleEntitlement"/>
      <RequestedAttribute isRequired="true" Name="https://aws.amazon.com/SAML/Attributes/RoleSessionName" FriendlyName="RoleSessionName"/>
      <RequestedAttribute isRequired="false" Name="https://aws.amazon.com/SAML/Attributes/PrincipalTag:Email" FriendlyName="Email"/>
    </AttributeConsumingService>
  </SPSSODescriptor>
</EntityDescriptor>
`, address.String()) // a reader that has gone away is not our error
	return nil
}
