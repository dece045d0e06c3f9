package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"onsight/internal/access"
	"onsight/internal/account"
	"onsight/internal/api"
	"onsight/internal/audit"
	"onsight/internal/brand"
	"onsight/internal/config"
	"onsight/internal/embed"
	"onsight/internal/identity"
	"onsight/internal/page"
	"onsight/internal/signin"
	"onsight/internal/store"
	"onsight/internal/sts"
	"onsight/internal/web"
)

// embedding is what an App has for frames of other sites.
type embedding struct {
	embeds *embed.Service
	frames http.Handler
}

// joinEmbed makes the part that lets people into frames of other sites.
func (a *App) joinEmbed(c config.Config, o Options, tokens *page.Tokens, people *identity.Service, accounts *account.Service, brands *brand.Service) error {
	site, err := web.New(web.Config{Log: o.Log, PublicURL: c.PublicURL, Theme: theme(brands, o.Log)}, embed.Pages())
	if err != nil {
		return err
	}
	a.embeds = embed.New(embed.Config{
		DB: a.db, Now: o.Now, Site: site, Tokens: tokens,
		People: embedded{people}, Accounts: accounts, Sessions: framed{a.signIn}, Trail: embedTrail{a.trail},
		AddressAllowed: accounts.AddressAllowed, TrustedProxies: c.TrustedProxies, Localhost: c.EmbedLocalhost || c.Dev,
	})
	a.frames = a.embeds.Handler()
	people.AlsoTell(a.embeds.Forget)
	return nil
}

// withFrames puts the pages of frames in front of the API.
func (a *App) withFrames(next http.Handler, basePath string) http.Handler {
	frames := http.StripPrefix(basePath, a.frames)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if embed.IsPage(strings.TrimPrefix(r.URL.Path, basePath)) {
			frames.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tidyEmbeds removes URLs that have ended, again and again, until the function
// that it gives is called, which calls stopOthers too.
func (a *App) tidyEmbeds(ctx context.Context, stopOthers func()) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(tidyEvery)
		defer every.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-every.C:
				if err := a.embeds.Tidy(ctx); err != nil && ctx.Err() == nil {
					a.log.ErrorContext(ctx, "tidy URLs that have ended", "error", err.Error())
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
		stopOthers()
	}
}

// purgeEmbed is called when all of an account goes.
func (a *App) purgeEmbed(ctx context.Context, account string) error {
	return a.embeds.Purge(ctx, account)
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
