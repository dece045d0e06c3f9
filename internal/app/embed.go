package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onsight/internal/access"
	"onsight/internal/api"
	"onsight/internal/audit"
	"onsight/internal/embed"
	"onsight/internal/identity"
	"onsight/internal/signin"
	"onsight/internal/store"
	"onsight/internal/sts"
)

// joinEmbed makes the part that lets people into frames of other sites.
func (h *house) joinEmbed(context.Context) error {
	site, err := h.site(embed.Pages())
	if err != nil {
		return err
	}
	embeds := embed.New(embed.Config{
		DB: h.db, Now: h.Now, Site: site, Tokens: h.tokens,
		People: embedded{h.users}, Accounts: h.accounts.Service, Sessions: framed{h.signIn}, Trail: embedTrail{h.trail},
		AddressAllowed: h.accounts.AddressAllowed, TrustedProxies: h.TrustedProxies, Localhost: h.EmbedLocalhost || h.Dev,
	})
	h.users.AlsoTell(embeds.Forget)
	h.accounts.OnPurge(embeds.Purge)
	h.chores.add(tidyEvery, "tidy URLs that have ended", embeds.Tidy)
	h.serve(embed.IsPage, embeds.Handler())
	h.add(embeds.Routes()...)
	return nil
}

// embedded lets embed ask identity without knowing it.
type embedded struct{ *identity.Service }

func (p embedded) User(tx *store.Tx, account, namespace, name string) (embed.User, error) {
	u, err := p.Entrant(tx, account, namespace, name)
	if err != nil {
		return embed.User{}, err
	}
	out, err := p.Deactivated(tx, account, namespace, name)
	return embed.User{
		Account: u.Account, Namespace: u.Namespace, Name: u.Name, PrincipalID: u.PrincipalID, Email: u.Email, Role: u.Role, Deactivated: out,
	}, err
}

func (p embedded) CallerName(ctx context.Context) string {
	return identity.CallerName(api.Caller(ctx))
}

func (p embedded) Vouched(ctx context.Context) string {
	s, _ := access.SessionOf(ctx).(*sts.Session)
	if s == nil {
		return ""
	}
	if user := s.Claims.Values(sts.UserKey); len(user) > 0 {
		return user[0]
	}
	return ""
}

// framed lets embed ask signin without knowing it.
type framed struct{ *signin.Service }

func (f framed) Begin(tx *store.Tx, r *http.Request, account, namespace, name string, life time.Duration) (token, id string, err error) {
	return f.BeginEmbedded(tx, r, account, namespace, name, life)
}

func (f framed) Of(tx *store.Tx, token string) (embed.Session, error) {
	s, err := f.EmbeddedOf(tx, token)
	if errors.Is(err, signin.ErrSignedOut) {
		err = store.ErrNotFound
	}
	return embed.Session{ID: s.ID, Account: s.Account, Namespace: s.Namespace, Name: s.Name, Ends: s.Ends}, err
}

// embedTrail lets embed leave events.
type embedTrail struct{ *audit.Trail }

func (t embedTrail) Left(tx *store.Tx, e embed.Event) {
	outcome := "Success"
	if e.Error != "" {
		outcome = "Failure"
	}
	t.Trail.Left(tx, audit.SignIn{
		Name: "EmbeddedLogin", Account: e.Account, Region: e.Region, UserID: e.User.PrincipalID, ARN: e.ARN, UserName: e.User.Name,
		Origin: e.Origin, Outcome: outcome, Error: e.Error, Details: e.Details,
	})
}
