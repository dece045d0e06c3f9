package app

import (
	"context"
	"errors"
	"net/http"

	"onsight/internal/access"
	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/federation"
	"onsight/internal/identity"
	"onsight/internal/policy"
	"onsight/internal/scim"
	"onsight/internal/signin"
	"onsight/internal/store"
	"onsight/internal/sts"
	"onsight/internal/stsapi"
)

// joinFederation makes the part that signs people in whom others vouch for.
// Its pages are of the site of the part that signs people in.
func (h *house) joinFederation(context.Context) error {
	if err := h.signIn.Site.Add(federation.Pages()); err != nil {
		return err
	}
	f := federation.New(federation.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Keys: h.keys, Tokens: h.tokens, Site: h.signIn.Site, PublicURL: h.PublicURL,
		SAMLAddress: samlTerms(h.Config).Recipients[0],
		Accounts:    federatedAccounts{h.accounts}, Users: federatedUsers{h.users}, Sessions: presented{h.sessions, h.holders},
		Judge: h.authorizer, Entrance: entrance{h.signIn}, Centre: arrivals{h.centre, h.users}, Verifier: h.sessions.Tokens(),
		Loopback: h.IdentityProviderLoopback, TrustedProxies: h.TrustedProxies,
	})
	h.signIn.AddWays(func(tx *store.Tx, account signin.Account, namespace, next string) (ways signin.Ways, err error) {
		buttons, err := f.Buttons(tx, federation.Account(account), namespace, next)
		if err != nil {
			return ways, err
		}
		for _, b := range buttons {
			ways.Ways = append(ways.Ways, signin.Way(b))
		}
		if ways.Only, err = h.centre.Manages(tx, account.Account, account.DefaultNamespace); err != nil {
			return ways, err
		}
		ways.Elsewhere, err = f.Elsewhere(tx, account.Account, next)
		return ways, err
	})
	h.accounts.OnPurge(f.Purge)
	h.serve(federation.IsPath, f.Handler())
	h.add(f.Routes()...)
	return nil
}

// federatedAccounts lets federation ask account without knowing it.
type federatedAccounts struct{ *accounts }

func (f federatedAccounts) Open(ctx context.Context, tx *store.Tx, account string) (string, error) {
	return f.Service.Open(ctx, tx, account)
}

func (f federatedAccounts) Enter(ctx context.Context, tx *store.Tx, account, namespace string) (string, error) {
	t, err := f.Service.Enter(ctx, tx, account, namespace)
	return t.AuthenticationMethod, err
}

func (f federatedAccounts) Name(tx *store.Tx, account string) (federation.Account, error) {
	found, err := f.Service.Name(tx, account)
	return federation.Account(found), err
}

// federatedUsers lets federation ask identity without knowing it.
type federatedUsers struct{ *identity.Service }

func (f federatedUsers) Of(tx *store.Tx, of federation.Identity, namespace, defaultNamespace string) (federation.Person, error) {
	p, err := f.Service.Of(tx, identity.Federated(of), namespace, defaultNamespace)
	if errors.Is(err, identity.ErrAmbiguous) {
		err = federation.ErrAmbiguous
	}
	return federation.Person(p), err
}

func (f federatedUsers) Provision(tx *store.Tx, of federation.Identity, namespace, email, role string) (federation.Person, error) {
	p, err := f.Service.Provision(tx, identity.Federated(of), namespace, email, role)
	return federation.Person(p), err
}

// arrivals lets federation ask scim and identity without knowing them.
type arrivals struct {
	centre *scim.Service
	users  *identity.Service
}

func (a arrivals) Manages(tx *store.Tx, account, namespace string) (bool, error) {
	return a.centre.Manages(tx, account, namespace)
}

func (a arrivals) Arrive(tx *store.Tx, account, namespace string, claims map[string]any) (federation.Arrival, error) {
	p, err := a.centre.Arrive(tx, account, namespace, claims)
	found := federation.Arrival{Provisioned: p.Name, Claim: p.Claim}
	switch {
	case errors.Is(err, scim.ErrUnnamed):
		found.Why = federation.Unnamed
		return found, nil
	case errors.Is(err, scim.ErrSeveral):
		found.Why = federation.Several
		return found, nil
	case errors.Is(err, store.ErrNotFound):
		found.Why = federation.Unknown
		return found, nil
	case err != nil:
		return found, err
	}
	user, err := a.users.Entrant(tx, account, namespace, p.Name)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return found, err
	}
	found.Person = federation.Person(user)
	switch {
	case !p.Active:
		found.Why = federation.Inactive
	case p.Role == "":
		found.Why = federation.Roleless
	case !user.Active:
		found.Why = federation.Deactivated
	}
	return found, nil
}

// presented lets federation ask sts and access without knowing them.
type presented struct {
	sts     *sts.Service
	holders *access.Holders
}

func (p presented) Assume(ctx context.Context, role, session, token string) (accessKeyID, sessionToken string, err error) {
	out, err := p.sts.AssumeRoleWithWebIdentity(ctx, &stsapi.AssumeRoleWithWebIdentityRequest{
		RoleArn: role, RoleSessionName: session, WebIdentityToken: contract.Secret(token),
	})
	if err != nil {
		return "", "", err
	}
	return out.Credentials.AccessKeyId, out.Credentials.SessionToken, nil
}

func (p presented) SAMLOffers(ctx context.Context, posted string) ([]federation.Offer, string, error) {
	found, account, err := p.sts.Offers(ctx, posted)
	offers := make([]federation.Offer, len(found))
	for i, o := range found {
		offers[i] = federation.Offer{Account: o.Account, Name: o.Name, RoleARN: o.RoleARN, ProviderARN: o.ProviderARN, Lasts: o.Lasts}
	}
	return offers, account, err
}

func (p presented) AssumeSAML(ctx context.Context, role, provider, posted string) (accessKeyID, sessionToken string, err error) {
	out, err := p.sts.AssumeRoleWithSAML(ctx, &stsapi.AssumeRoleWithSAMLRequest{RoleArn: role, PrincipalArn: provider, SAMLAssertion: contract.Secret(posted)})
	if err != nil {
		return "", "", err
	}
	return out.Credentials.AccessKeyId, out.Credentials.SessionToken, nil
}

func (p presented) Present(ctx context.Context, accessKeyID string, secret contract.Secret, token string) (federation.Holder, error) {
	return holder(p.holders.Present(ctx, accessKeyID, secret, token))
}

func (p presented) Known(ctx context.Context, accessKeyID, token string) (federation.Holder, error) {
	return holder(p.holders.Known(ctx, accessKeyID, token))
}

// holder describes who holds credentials of STS.
func holder(who api.Principal, raw any, err error) (federation.Holder, error) {
	if err != nil {
		return federation.Holder{}, err
	}
	session, ok := raw.(*sts.Session)
	if !ok {
		return federation.Holder{}, errors.New("app: temporary credentials without a session of STS")
	}
	h := federation.Holder{Who: who, Kind: who.Type, Email: session.Tag("Email"), Expires: session.Expires, Identity: federation.Identity{
		Account: who.Account, UserID: who.UserID, IAMARN: who.ARN,
	}}
	if session.Principal.Type == policy.RoleSession {
		h.IAMARN, h.Session = session.Principal.Issuer, session.SessionName
	}
	h.Issuer, h.Subject = session.WebIdentity()
	return h, nil
}

// entrance lets federation ask signin without knowing it.
type entrance struct{ *signin.Service }

func (e entrance) Admit(w http.ResponseWriter, r *http.Request, in federation.Entry) error {
	return e.Service.Admit(w, r, signin.Entry{
		Account: in.Account, Method: in.Method, Next: in.Next, Life: in.Life, Details: in.Details,
		Who: func(tx *store.Tx) (signin.Person, error) {
			p, err := in.Who(tx)
			return signin.Person(p), err
		},
	})
}

func (e entrance) Refuse(r *http.Request, no federation.Refusal) error {
	about := personOf(no.Account, no.Event)
	if no.Person.Name != "" {
		about = signin.Person(no.Person)
	}
	return e.Service.Refuse(r, signin.Refusal{
		Status: no.Status, Account: no.Account, Message: no.Message, Wait: no.Wait, Person: about, Event: eventOf(no.Event),
	})
}

func (e entrance) Leave(tx *store.Tx, r *http.Request, account string, event federation.Event) error {
	return e.Service.Leave(tx, r, personOf(account, event), eventOf(event))
}

func personOf(account string, e federation.Event) signin.Person {
	return signin.Person{Account: account, PrincipalID: e.PrincipalID}
}

func eventOf(e federation.Event) signin.Event {
	return signin.Event{Name: e.Name, ARN: e.ARN, Outcome: e.Outcome, Error: e.Error, Details: e.Details}
}
