package app

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"onsight/internal/account"
	"onsight/internal/audit"
	"onsight/internal/brand"
	"onsight/internal/config"
	"onsight/internal/identity"
	"onsight/internal/mail"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/signin"
	"onsight/internal/store"
	"onsight/internal/web"
)

// entry is what an App has for signing in.
type entry struct {
	signIn *signin.Service
	pages  http.Handler
	// calls counts what the API is asked.
	calls   atomic.Uint64
	tidying func() // ends the tidying
}

// isPage tells whether a path is that of a page.
func isPage(path string) bool {
	return path == "/inviteuser" || path == web.Root || strings.HasPrefix(path, web.Root+"/")
}

// joinSignIn makes the part that signs people in.
func (a *App) joinSignIn(c config.Config, o Options, keys *seal.Keyring, tokens *page.Tokens, people *identity.Service, accounts *accounts, brands *brand.Service) error {
	site, err := web.New(web.Config{Log: o.Log, PublicURL: c.PublicURL, Theme: theme(brands, o.Log)}, signin.Pages())
	if err != nil {
		return err
	}
	letters, err := postOffice(c)
	if err != nil {
		return err
	}
	a.signIn = signin.New(signin.Config{
		DB: a.db, Log: o.Log, Now: o.Now, Site: site, Jobs: a.jobs, Tokens: tokens, Keys: keys,
		People: entrants{people}, Accounts: named{accounts.Service}, AddressAllowed: accounts.AddressAllowed, Trail: signInTrail{a.trail}, Mail: letters,
		Directories:    keepers{a.directories, people},
		TrustedProxies: c.TrustedProxies, Calls: a.calls.Load,
		Cost:        signin.Cost{Memory: uint32(c.PasswordMemory) << 10, Passes: uint32(c.PasswordPasses)},
		SessionLife: c.SessionLife, SessionIdle: c.SessionIdle, ResetLife: c.PasswordLinkLife,
	})
	a.pages = a.signIn.Handler()
	people.AlsoTell(a.signIn.Forget)
	return nil
}

// theme gives the looks of an account's pages. Without them a page is as good.
func theme(brands *brand.Service, log *slog.Logger) func(ctx context.Context, account string) web.Theme {
	return func(ctx context.Context, account string) web.Theme {
		t, err := brands.Theme(ctx, account)
		if err != nil {
			log.WarnContext(ctx, "the theme of a page", "account", account, "error", err.Error())
		}
		if t == brand.Default() {
			return web.Theme{}
		}
		return web.Theme{Brand: t.BrandName, Logo: t.Logo, Accent: t.Accent.Background}
	}
}

// postOffice makes what sends letters; nil where the settings name no server.
func postOffice(c config.Config) (*mail.Sender, error) {
	if c.SMTPURL == "" {
		return nil, nil
	}
	password := ""
	if c.SMTPPasswordFile != "" {
		text, err := os.ReadFile(c.SMTPPasswordFile)
		if err != nil {
			return nil, fmt.Errorf("-smtp-password-file: %w", err)
		}
		password = strings.TrimRight(string(text), "\r\n")
	}
	return mail.New(mail.Config{URL: c.SMTPURL, From: c.SMTPFrom, Password: password})
}

// purgeSignIn is called when all of an account goes.
func (a *App) purgeSignIn(ctx context.Context, account string) error {
	return a.signIn.Purge(ctx, account)
}

// entrants lets signin ask identity without knowing it.
type entrants struct{ *identity.Service }

func (p entrants) Person(tx *store.Tx, account, namespace, name string) (signin.Person, error) {
	found, err := p.Service.Entrant(tx, account, namespace, name)
	return signin.Person(found), err
}

func (p entrants) Invited(tx *store.Tx, token string) (signin.Person, error) {
	found, err := p.Service.Invited(tx, token)
	return signin.Person(found), err
}

func (p entrants) Accept(tx *store.Tx, token string) (signin.Person, error) {
	found, err := p.Service.Accept(tx, token)
	return signin.Person(found), err
}

// named lets signin ask account without knowing it.
type named struct{ *account.Service }

func (n named) Named(tx *store.Tx, name string) (signin.Account, error) {
	found, err := n.Service.Named(tx, name)
	return signin.Account(found), err
}

func (n named) Name(tx *store.Tx, id string) (signin.Account, error) {
	found, err := n.Service.Name(tx, id)
	return signin.Account(found), err
}

func (n named) Enter(ctx context.Context, tx *store.Tx, id, namespace string) error {
	_, err := n.Service.Enter(ctx, tx, id, namespace)
	return err
}

// signInTrail lets signin leave events.
type signInTrail struct{ *audit.Trail }

func (t signInTrail) Left(tx *store.Tx, e signin.Event) {
	t.Trail.Left(tx, audit.SignIn{
		Name: e.Name, Account: e.Account, Region: e.Region, UserID: e.Person.PrincipalID, ARN: e.ARN, UserName: e.Person.Name,
		Origin: e.Origin, Outcome: e.Outcome, Error: e.Error, Details: e.Details,
	})
}

// tidyEvery is how often what has ended is removed.
const tidyEvery = 10 * time.Minute

// tidy removes what has ended of signing in, again and again, until the
// function that it gives is called.
func (a *App) tidy(ctx context.Context) (stop func()) {
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
				if err := a.signIn.Tidy(ctx); err != nil && ctx.Err() == nil {
					a.log.ErrorContext(ctx, "tidy what has ended of signing in", "error", err.Error())
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// PasswordsHashed is how many passwords have been hashed so far.
func (a *App) PasswordsHashed() int64 { return a.signIn.Hashed() }
