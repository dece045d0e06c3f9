package mcp

import (
	"context"
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/store"
)

// A caller is an agent that is known, with the person for whom it acts.
type caller struct {
	person Person
	origin api.Origin
	// credential names what let it in, for the trail: the id of a personal token
	// or of a grant. client is the agent's id and name, where it has one by OAuth.
	credential, client, name string
	// lookOnly lets it change nothing.
	lookOnly bool
	// said is what the client said of itself.
	said said
	// session and request tell which request it is, to cancel it; empty where
	// that can't be.
	session, request string
}

type callerKey struct{}

// callerOf is the agent that a request is of.
func callerOf(ctx context.Context) *caller {
	c, _ := ctx.Value(callerKey{}).(*caller)
	return c
}

// A refusal is an answer to who is not let in.
type refusal struct {
	status int
	// code is that of RFC 6750, 3.1; empty where no token was shown.
	code, text string
}

func (r *refusal) Error() string { return r.text }

var errNoToken = &refusal{status: http.StatusUnauthorized, text: "Show a token: a personal one, or one that an authorisation with OAuth gives."}

func badToken(text string) error {
	return &refusal{http.StatusUnauthorized, "invalid_token", text}
}

// bearer gives the token in a request's header; ok is false where it shows none.
// Tokens in addresses are not looked at: addresses are in logs.
func bearer(r *http.Request) (shown string, ok bool) {
	scheme, shown, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(shown), ok && strings.EqualFold(scheme, "Bearer")
}

// authenticate finds out for whom a request acts. All of it is asked anew at
// each: a token, a person or an account may have ended since the last.
func (s *Service) authenticate(r *http.Request) (*caller, error) {
	shown, ok := bearer(r)
	if !ok {
		return nil, errNoToken
	}
	c := &caller{origin: api.OriginOf(r, s.TrustedProxies)}
	var use func(tx *store.Tx, now time.Time) error
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		use, err = s.known(tx, shown, c)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, badToken("The token is not known: it has ended, or was revoked.")
	}
	if err != nil {
		return nil, err
	}
	if !c.person.Active {
		return nil, &refusal{http.StatusForbidden, "insufficient_scope", "User " + c.person.Name + " is not active. An administrator can change that."}
	}
	if s.AddressAllowed != nil {
		address, _ := netip.ParseAddr(c.origin.Address)
		ok, err := s.AddressAllowed(r.Context(), c.person.Account, address.WithZone(""))
		if err != nil {
			return nil, err
		}
		if !ok {
			return nil, &refusal{http.StatusForbidden, "insufficient_scope", "The address " + c.origin.Address + " is outside of the networks from which this account may be used."}
		}
	}
	if use == nil {
		return c, nil
	}
	return c, s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if err := use(tx, s.Now()); err != nil {
			return err
		}
		return s.People.Used(tx, c.person)
	})
}

// known finds what a token lets in; store.ErrNotFound for nobody. use notes that
// it was used; nil where that was noted just now.
func (s *Service) known(tx *store.Tx, shown string, c *caller) (use func(tx *store.Tx, now time.Time) error, err error) {
	if strings.HasPrefix(shown, accessPrefix) {
		return s.knownAgent(tx, shown, c)
	}
	t, err := personal(tx, shown)
	if err != nil {
		return nil, err
	}
	if s.ended(t.ExpiresUS) {
		return nil, badToken("The token has expired. Its owner can make another.")
	}
	c.credential, c.name, c.lookOnly = "personal-token/"+t.ID, t.Name, t.ReadOnly
	c.person, err = s.People.Person(tx, t.Account, t.Namespace, t.UserName)
	if err != nil || t.LastUsedUS != nil && s.Now().Sub(store.Time(*t.LastUsedUS)) < usedEvery {
		return nil, err
	}
	return func(tx *store.Tx, now time.Time) error {
		_, err := tx.Exec(`UPDATE personal_tokens SET last_used_us = $2 WHERE id = $1`, t.ID, store.Micros(now))
		return err
	}, nil
}

// knownAgent does the same for an agent with an access token.
func (s *Service) knownAgent(tx *store.Tx, shown string, c *caller) (use func(tx *store.Tx, now time.Time) error, err error) {
	row, g, err := shownSecret(tx, shown, "access", accessPrefix)
	if err != nil {
		return nil, err
	}
	if s.ended(row.ExpiresUS) || s.ended(g.ExpiresUS) {
		return nil, badToken("The token has expired. Refresh it.")
	}
	c.credential, c.client, c.name, c.lookOnly = "grant/"+g.ID, g.Client, g.ClientName, g.ReadOnly
	c.person, err = s.People.Person(tx, g.Account, g.Namespace, g.UserName)
	if err != nil || g.LastUsedUS != nil && s.Now().Sub(store.Time(*g.LastUsedUS)) < usedEvery {
		return nil, err
	}
	return func(tx *store.Tx, now time.Time) error {
		_, err := tx.Exec(`UPDATE agent_grants SET last_used_us = $2 WHERE id = $1`, g.ID, store.Micros(now))
		return err
	}, nil
}
