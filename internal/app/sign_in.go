package app

import (
	"context"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"strings"

	"onsight/internal/account"
	"onsight/internal/audit"
	"onsight/internal/brand"
	"onsight/internal/config"
	"onsight/internal/identity"
	"onsight/internal/mail"
	"onsight/internal/metrics"
	"onsight/internal/signin"
	"onsight/internal/store"
	"onsight/internal/web"
)

// isPage tells whether a path is that of a page.
func isPage(path string) bool {
	return path == "/inviteuser" || path == web.Root || strings.HasPrefix(path, web.Root+"/")
}

// joinSignIn makes the part that signs people in.
func (h *house) joinSignIn(context.Context) error {
	site, err := h.site(signin.Pages())
	if err != nil {
		return err
	}
	letters, err := postOffice(h.Config)
	if err != nil {
		return err
	}
	h.signIn = signin.New(signin.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Site: site, Jobs: h.jobs, Tokens: h.tokens, Keys: h.keys,
		People: entrants{h.users}, Accounts: named{h.accounts.Service}, AddressAllowed: h.accounts.AddressAllowed, Trail: signInTrail{h.trail, h.metrics}, Mail: letters,
		Directories:    keepers{h.directories, h.users},
		TrustedProxies: h.TrustedProxies, Calls: h.called.Load,
		Cost:        signin.Cost{Memory: uint32(h.PasswordMemory) << 10, Passes: uint32(h.PasswordPasses)},
		SessionLife: h.SessionLife, SessionIdle: h.SessionIdle, ResetLife: h.PasswordLinkLife,
	})
	h.users.AlsoTell(h.signIn.Forget)
	h.reseals = append(h.reseals, h.signIn.Reseal)
	h.accounts.OnPurge(h.signIn.Purge)
	h.chores.add(tidyEvery, "tidy what has ended of signing in", h.signIn.Tidy)
	h.serve(isPage, h.signIn.Handler())
	h.add(h.signIn.Routes()...)
	return nil
}

// site makes a site of pages that wear the brands of accounts.
func (h *house) site(pages fs.FS) (*web.Site, error) {
	return web.New(web.Config{Log: h.Log, PublicURL: h.PublicURL, Theme: theme(h.brands, h.Log)}, pages)
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

// entrants lets signin ask identity without knowing it.
type entrants struct{ *identity.Service }

func (p entrants) Person(tx *store.Tx, account, namespace, name string) (signin.Person, error) {
	found, err := p.Entrant(tx, account, namespace, name)
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
type signInTrail struct {
	*audit.Trail
	metrics *metrics.Metrics
}

func (t signInTrail) Left(tx *store.Tx, e signin.Event) {
	countSignIn(tx, t.metrics, e.Name, e.Outcome, e.Details)
	t.Trail.Left(tx, audit.SignIn{
		Name: e.Name, Account: e.Account, Region: e.Region, UserID: e.Person.PrincipalID, ARN: e.ARN, UserName: e.Person.Name,
		Origin: e.Origin, Outcome: e.Outcome, Error: e.Error, Details: e.Details,
	})
}
