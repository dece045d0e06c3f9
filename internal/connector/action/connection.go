package action

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"time"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// Paths of the pages at which people are sent to a service and come back.
const (
	ConnectPath  = "/sn/oauthconnect"
	CallbackPath = "/sn/oauthcallback"
)

// stateLife is how long somebody has to sign in at a service.
const stateLife = 10 * time.Minute

// A state is a row of connector_states.
type state struct {
	Hash      string `db:"hash"`
	ARN       string `db:"arn"`
	Principal string `db:"principal"`
	Account   string `db:"account"`
	Settings  string `db:"settings"`
	Browser   string `db:"browser"`
	Sealed    []byte `db:"sealed"`
	ExpiresUS int64  `db:"expires_us"`
}

const stateColumns = `hash, arn, principal, account, settings, browser, sealed, expires_us`

func stateContext(hash string) string { return "connector_states\x00" + hash }

// newSecret makes 32 random bytes, as text that a URL can hold.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(b[:])
}

// ofPerson renews what a person has granted (RFC 6749, 6).
func (s *Service) ofPerson(l *connector.Live, a *definition.Auth, client *outbound.Client) renewal {
	return func(ctx context.Context, r *record, before *granted) (*granted, error) {
		if before.Refresh == "" {
			return nil, &tokenError{code: "invalid_grant", reason: "The service has given no refresh token."}
		}
		form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {before.Refresh}}
		for name, value := range a.TokenParameters {
			form.Set(name, value)
		}
		return exchange(ctx, client, tokenRequest{
			endpoint: tokenEndpoint(l, a), clientID: l.Auth.ClientID, secret: l.Secret, style: styleOf(r, a), form: form, auth: a,
		})
	}
}

func (s *Service) callbackURL() string { return s.PublicURL + CallbackPath }

// grantOf gives how a connector's people are sent to its service; a fault where
// they are not.
func grantOf(l *connector.Live) (*definition.Auth, error) {
	if l.Auth.Type != qs.ConnectionAuthTypeOauth2AuthorizationCode {
		return nil, fault.Invalid("Action connector %s has no connections of people: its authentication type is %s.", l.Key.ID, l.Auth.Type)
	}
	d, err := usual(l)
	if err != nil {
		return nil, err
	}
	a, ok := d.Connector.Authentication[string(l.Auth.Type)]
	if !ok {
		return nil, fault.Invalid("Connectors of type %s can't authenticate with %s in this version of Onsight.", l.Type, l.Auth.Type)
	}
	return &a, nil
}

func (s *Service) starting(ctx context.Context, in *onsightapi.StartActionConnectionRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// startActionConnection gives the address at which the caller signs in to the
// service behind a connector. It is good for one browser, once.
func (s *Service) startActionConnection(ctx context.Context, in *onsightapi.StartActionConnectionRequest) (*onsightapi.StartActionConnectionResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	out := &onsightapi.StartActionConnectionResponse{}
	err := s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			who, err := s.caller(tx, api.Caller(ctx), in.EndUserArn)
			if err != nil {
				return err
			}
			address, ends, err := s.Connect(tx, k, who)
			out.ConnectUrl, out.ExpirationTime = new(contract.Secret(address)), &ends
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Connect begins the sign-in of somebody at the service behind a connector, and
// gives the address of the page that leads there.
func (s *Service) Connect(tx *store.Tx, k Key, who Actor) (address string, ends time.Time, err error) {
	l, err := s.Connectors.Open(tx, k)
	if err != nil {
		return "", ends, err
	}
	if err := s.may(tx, who, l.ARN); err != nil {
		return "", ends, err
	}
	if _, err := grantOf(l); err != nil {
		return "", ends, err
	}
	if l.Auth.RedirectURL != s.callbackURL() {
		return "", ends, fault.Invalid("Nobody can sign in through action connector %s: its RedirectUrl is %s and must be %s, also at the service. Update the connector.",
			k.ID, l.Auth.RedirectURL, s.callbackURL())
	}
	token, verifier := newSecret(), newSecret()
	ends = s.Now().Add(stateLife)
	st := state{
		Hash: digest(token), ARN: l.ARN, Principal: who.key(), Account: k.Account, Settings: settingsOf(l), ExpiresUS: store.Micros(ends),
	}
	st.Sealed = s.Keys.Seal([]byte(verifier), stateContext(st.Hash))
	return s.PublicURL + ConnectPath + "?" + url.Values{"state": {token}}.Encode(), ends, store.Insert(tx, "connector_states", st)
}

// authorizeURL is where a browser is sent (RFC 6749, 4.1.1; RFC 7636).
func authorizeURL(l *connector.Live, a *definition.Auth, token, verifier string) (string, error) {
	address := l.Auth.AuthorizationEndpoint
	if address == "" {
		address = atBase(a.AuthorizationEndpoint, l.Auth.BaseEndpoint)
	}
	u, err := url.Parse(address)
	if err != nil || u.Host == "" {
		return "", fault.Invalid("The connector's AuthorizationEndpoint isn't a URL.")
	}
	form := url.Values{}
	scopesOf(form, a, l.Auth.BaseEndpoint)
	for name, value := range a.AuthorizeParameters {
		form.Set(name, value)
	}
	// What the owner wrote into the endpoint goes before what the type says.
	maps.Copy(form, u.Query())
	form.Set("response_type", "code")
	form.Set("client_id", l.Auth.ClientID)
	form.Set("redirect_uri", l.Auth.RedirectURL)
	form.Set("state", token)
	if !a.NoPKCE {
		sum := sha256.Sum256([]byte(verifier))
		form.Set("code_challenge", base64.RawURLEncoding.EncodeToString(sum[:]))
		form.Set("code_challenge_method", "S256")
	}
	u.RawQuery = form.Encode()
	return u.String(), nil
}

// complete ends a sign-in: it exchanges the code, finds out whose account it is
// and keeps what was granted.
func (s *Service) complete(ctx context.Context, st *state, verifier, code, lang string) (*record, error) {
	l, a, client, err := s.opened(ctx, st)
	if err != nil {
		return nil, err
	}
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {l.Auth.RedirectURL}}
	if !a.NoPKCE {
		form.Set("code_verifier", verifier)
	}
	for name, value := range a.TokenParameters {
		form.Set(name, value)
	}
	got, err := exchange(ctx, client, tokenRequest{
		endpoint: tokenEndpoint(l, a), clientID: l.Auth.ClientID, secret: l.Secret, style: a.ClientStyle, form: form, auth: a,
	})
	if err != nil {
		return nil, err
	}
	now := s.Now()
	r := &record{ARN: l.ARN, Principal: st.Principal, Account: st.Account, Settings: st.Settings, ConnectedUS: store.Micros(now), Version: now.UnixMicro()}
	s.grant(r, got, now)
	if err := s.seal(r, got); err != nil {
		return nil, err
	}
	var before *record
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if before, err = s.find(tx, l, st.Principal); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM connector_tokens WHERE arn = $1 AND principal = $2`, r.ARN, r.Principal); err != nil {
			return err
		}
		live, err := s.Connectors.Find(tx, l.Key)
		if err != nil {
			return err
		}
		if settingsOf(live) != st.Settings {
			return errChanged
		}
		if err := store.Insert(tx, "connector_tokens", *r); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE connector_tokens SET alive_us = $3, lang = $4 WHERE arn = $1 AND principal = $2`, r.ARN, r.Principal, aliveAt(got, now, false), lang)
		return err
	})
	if err != nil {
		return nil, err
	}
	v, err := s.test(ctx, l, st.Principal, false)
	if err != nil { // the token is good all the same
		s.Log.WarnContext(ctx, "whose sign-in it is at the service can't be found out", "connector", r.ARN, "error", err.Error())
	}
	if v.accountID == "" && v.account == "" {
		return r, nil
	}
	if before != nil && before.VendorID != "" && before.VendorID != v.accountID {
		s.Log.WarnContext(ctx, "somebody signed in with another account at the service than before", "connector", r.ARN, "principal", r.Principal)
	}
	r.VendorID, r.VendorLabel = v.accountID, v.account
	return r, s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE connector_tokens SET vendor_id = $3, vendor_label = $4 WHERE arn = $1 AND principal = $2`, r.ARN, r.Principal, v.accountID, v.account)
		return err
	})
}

var errChanged = fault.Conflict("The connector was changed meanwhile. Start the connection again.")

// opened finds the connector of a state.
func (s *Service) opened(ctx context.Context, st *state) (l *connector.Live, a *definition.Auth, client *outbound.Client, err error) {
	k, err := keyOfARN(st.ARN)
	if err != nil {
		return nil, nil, nil, err
	}
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if l, err = s.Connectors.Open(tx, k); err != nil {
			return err
		}
		if settingsOf(l) != st.Settings {
			return errChanged
		}
		if a, err = grantOf(l); err != nil {
			return err
		}
		client, _, err = s.client(tx, l.VPCConnectionARN)
		return err
	})
	return l, a, client, err
}

func (s *Service) describingConnection(ctx context.Context, in *onsightapi.DescribeActionConnectionRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// describeActionConnection tells whether the caller is signed in at the service
// behind a connector, and as whom.
func (s *Service) describeActionConnection(ctx context.Context, in *onsightapi.DescribeActionConnectionRequest) (*onsightapi.DescribeActionConnectionResponse, error) {
	c := &onsightapi.ActionConnection{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		l, who, err := s.connectionOf(ctx, tx, in.AwsAccountId, in.ActionConnectorId, in.EndUserArn)
		if err != nil {
			return err
		}
		r, err := s.find(tx, l, who.key())
		if err != nil {
			return err
		}
		*c = onsightapi.ActionConnection{EndUserArn: &who.Principal, Status: new(onsightapi.ActionConnectionStatusNotConnected)}
		if r == nil {
			return nil
		}
		c.Status = new(onsightapi.ActionConnectionStatus(r.Status))
		for at, text := range map[**string]string{&c.Account: r.VendorLabel, &c.AccountId: r.VendorID, &c.Scopes: r.Scopes, &c.Message: r.Message} {
			if text != "" {
				*at = &text
			}
		}
		for at, us := range map[**time.Time]int64{&c.ExpirationTime: r.ExpiresUS, &c.ConnectedTime: r.ConnectedUS, &c.LastRefreshTime: r.RefreshedUS} {
			if us != 0 {
				*at = new(store.Time(us))
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.DescribeActionConnectionResponse{Connection: c}, nil
}

func (s *Service) connectionOf(ctx context.Context, tx *store.Tx, account, id string, as *string) (*connector.Live, Actor, error) {
	l, err := s.Connectors.Find(tx, connector.Key(ctx, account, id))
	if err != nil {
		return nil, Actor{}, err
	}
	if _, err := grantOf(l); err != nil {
		return nil, Actor{}, err
	}
	who, err := s.caller(tx, api.Caller(ctx), as)
	return l, who, err
}

func (s *Service) deletingConnection(ctx context.Context, in *onsightapi.DeleteActionConnectionRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// deleteActionConnection signs the caller out of the service behind a connector:
// what was granted is forgotten here, and revoked there where the service can.
func (s *Service) deleteActionConnection(ctx context.Context, in *onsightapi.DeleteActionConnectionRequest) (*onsightapi.DeleteActionConnectionResponse, error) {
	out := &onsightapi.DeleteActionConnectionResponse{}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		l, who, err := s.connectionOf(ctx, tx, in.AwsAccountId, in.ActionConnectorId, in.EndUserArn)
		if err != nil {
			return err
		}
		if l, err = s.Connectors.Open(tx, l.Key); err != nil {
			return err
		}
		n, err := s.end(tx, l, who.key())
		if err == nil && n == 0 {
			return fault.NotFound("", "There is no connection of %s through action connector %s.", who.Principal, l.Key.ID)
		}
		out.Revoked = new(revocationEndpoint(l) != "")
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// A revocation is what is needed to revoke a token (RFC 7009).
type revocation struct {
	Endpoint string `json:"endpoint"`
	ClientID string `json:"clientId"`
	Secret   string `json:"secret"`
	Style    string `json:"style"`
	Token    string `json:"token"`
	Hint     string `json:"hint"`
	VPC      string `json:"vpc"`
}

// revocationEndpoint is where tokens of a connector are revoked, if anywhere.
func revocationEndpoint(l *connector.Live) string {
	a, err := grantOf(l)
	if err != nil || a.RevocationEndpoint == "" {
		return ""
	}
	return atBase(a.RevocationEndpoint, l.Auth.BaseEndpoint)
}

// end removes records of a connector: the one of a principal, or all where it is
// empty. It leaves jobs that revoke the tokens.
func (s *Service) end(tx *store.Tx, l *connector.Live, principal string) (int64, error) {
	rows, err := store.All[record](tx, `SELECT `+recordColumns+` FROM connector_tokens WHERE arn = $1 AND (principal = $2 OR $2 = '')`, l.ARN, principal)
	if err != nil {
		return 0, err
	}
	endpoint := revocationEndpoint(l)
	for i := range rows {
		if endpoint == "" || rows[i].Principal == itself || rows[i].Sealed == nil || rows[i].Settings != settingsOf(l) {
			continue
		}
		g, err := s.open(&rows[i])
		if err != nil {
			return 0, err
		}
		v := revocation{Endpoint: endpoint, ClientID: l.Auth.ClientID, Secret: l.Secret.Reveal(), Style: rows[i].ClientStyle, Token: g.Refresh, Hint: "refresh_token", VPC: l.VPCConnectionARN}
		if v.Token == "" {
			v.Token, v.Hint = g.Access, "access_token"
		}
		if v.Token == "" {
			continue
		}
		if err := s.leaveRevocation(tx, l.Key.Account, v); err != nil {
			return 0, err
		}
	}
	for _, table := range []string{"connector_tokens", "connector_states"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE arn = $1 AND (principal = $2 OR $2 = '')`, l.ARN, principal); err != nil {
			return 0, err
		}
	}
	return int64(len(rows)), nil
}

// settingsChanged is called when other settings of a connector come into force:
// what was granted to the ones before is ended.
func (s *Service) settingsChanged(tx *store.Tx, before *connector.Live) error {
	_, err := s.end(tx, before, "")
	return err
}

// connectorGone is called when a connector is about to be deleted.
func (s *Service) connectorGone(tx *store.Tx, l *connector.Live) error {
	if _, err := s.end(tx, l, ""); err != nil {
		return err
	}
	for _, table := range []string{"connector_invocations", "connector_calls", "connector_definitions", "connector_confirmations", "connector_usage", "connector_health"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE arn = $1`, l.ARN); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) leaveRevocation(tx *store.Tx, account string, v revocation) error {
	text, err := json.Marshal(v) //nolint:gosec // it is sealed
	if err != nil {
		return err
	}
	id := newSecret()
	err = store.Insert(tx, "connector_revocations", struct {
		ID      string `db:"id"`
		Account string `db:"account"`
		Sealed  []byte `db:"sealed"`
	}{id, account, s.Keys.Seal(text, "connector_revocations\x00"+id)})
	if err != nil {
		return err
	}
	return addRevoke(tx, id, s.Now())
}

var errNoState = errors.New("action: no such sign-in")

// take ends a state: it is good once. browser is what the browser's cookie is
// kept as.
func (s *Service) take(tx *store.Tx, token, browser string) (*state, string, error) {
	st, err := store.One[state](tx, `SELECT `+stateColumns+` FROM connector_states WHERE hash = $1`, digest(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && (st.ExpiresUS < store.Micros(s.Now()) || st.Browser == "" || !same(st.Browser, browser)) {
		return nil, "", errNoState
	}
	if err != nil {
		return nil, "", err
	}
	n, err := tx.Exec(`DELETE FROM connector_states WHERE hash = $1`, st.Hash)
	if err == nil && n == 0 {
		err = errNoState
	}
	if err != nil {
		return nil, "", err
	}
	verifier, err := s.Keys.Open(st.Sealed, stateContext(st.Hash))
	if err != nil {
		return nil, "", fmt.Errorf("state: %w", err)
	}
	return &st, string(verifier), nil
}
