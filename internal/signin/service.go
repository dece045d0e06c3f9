package signin

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/go-webauthn/webauthn/webauthn"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/mail"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/web"
)

//go:embed pages
var files embed.FS

// Pages are the templates of this package, for web.New.
func Pages() fs.FS {
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		panic(err) // it is embedded: a mistake of ours
	}
	return pages
}

// A Person is a user of QuickSight, as far as signing in is concerned.
type Person struct {
	Account, Namespace, Name, PrincipalID, Email, Role string
	// IdentityType is QUICKSIGHT for those whose password is kept here, and
	// DIRECTORY for those whom the account's directory has.
	IdentityType string
	// Active tells that the invitation is answered, and nobody has put the
	// person out of use.
	Active bool
}

// ARN is the person's, in the account's identity region.
func (p *Person) ARN(region string) string {
	return arn.QuickSight(region, p.Account, "user/"+p.Namespace+"/"+p.Name)
}

// hasPassword tells whether the person's password is kept here.
func (p *Person) hasPassword() bool { return p.IdentityType == "QUICKSIGHT" }

// People is what signin asks of whoever keeps users.
type People interface {
	// Person finds a user; store.ErrNotFound where there is none.
	Person(tx *store.Tx, account, namespace, name string) (Person, error)
	// SignedIn notes that a user has signed in.
	SignedIn(tx *store.Tx, account, namespace, name string) error
	// Invited finds whom an invitation is for, and Accept answers it, which
	// makes the user active; store.ErrNotFound for one that is void.
	Invited(tx *store.Tx, token string) (Person, error)
	Accept(tx *store.Tx, token string) (Person, error)
	// Invite makes an invitation anew and the one before void; ok is false for
	// a user who has nothing to answer.
	Invite(tx *store.Tx, account, namespace, name string) (link string, ends time.Time, ok bool, err error)
}

// An Account is a subscribed account.
type Account struct {
	// Account is its number, Name what people call it when they sign in.
	Account, Name string
	// Region is its identity region.
	Region string
	// DefaultNamespace is where people are who name no other.
	DefaultNamespace string
}

// Accounts is what signin asks of whoever keeps accounts.
type Accounts interface {
	// Named finds a subscribed account by its name, Name by its number;
	// store.ErrNotFound where there is none.
	Named(tx *store.Tx, name string) (Account, error)
	Name(tx *store.Tx, account string) (Account, error)
	// Enter refuses a call that the state of the account, its region or its
	// edition does not allow, or whose namespace is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) error
}

// A Trail keeps events.
type Trail interface {
	// Left adds an event to what the transaction changes.
	Left(tx *store.Tx, e Event)
}

// Config is what a Service needs. All but AddressAllowed, Directories and Mail is required.
type Config struct {
	DB     *store.DB
	Log    *slog.Logger
	Now    func() time.Time
	Site   *web.Site
	Jobs   *job.Runner
	Tokens *page.Tokens
	// Keys seal the secrets of authenticator apps, and challenges.
	Keys     *seal.Keyring
	People   People
	Accounts Accounts
	Trail    Trail
	// AddressAllowed tells whether people of an account may come from an
	// address; nil lets everyone.
	AddressAllowed func(ctx context.Context, account string, address netip.Addr) (bool, error)
	// Directories are those that keep the passwords of some accounts' people; nil
	// for none.
	Directories Directories
	// Mail sends letters; nil where no server for them is set.
	Mail *mail.Sender
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Cost is what hashing a password costs.
	Cost Cost
	// SessionLife is how long a session lasts at most, SessionIdle how long
	// when it is not used, ResetLife how long the link of a forgotten password.
	SessionLife, SessionIdle, ResetLife time.Duration
	// Calls counts what the server has answered beside the pages: where there is
	// much of that, passwords take the second place. nil for nothing.
	Calls func() uint64
}

// Service shows the pages.
type Service struct {
	Config
	hasher *Hasher
	cards  []func(tx *store.Tx, p Person) ([]Card, error)
	// services may be nil.
	services Services
	ways     []func(tx *store.Tx, a Account, namespace, next string) (Ways, error)
	// passkeys speaks with authenticators; nil where browsers offer none.
	passkeys *webauthn.WebAuthn
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{Config: c, hasher: NewHasher(c.Cost, c.Now, c.Calls), passkeys: newPasskeys(c.Site.PublicURL(""))}
	s.AddCards(s.passwordCard)
	s.AddCards(s.factorCard)
	c.Jobs.Handle(jobReset, s.sendReset)
	c.Jobs.Handle(jobInvite, s.sendInvitation)
	return s
}

// Hashed is how many passwords have been hashed so far.
func (s *Service) Hashed() int64 { return s.hasher.Done() }

// Handler answers the pages' addresses: web.Root and below, and /inviteuser.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range s.pages() {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := handle(w, r); err != nil {
				s.failed(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.say(w, r, http.StatusNotFound, "", web.Message{Title: "absent.title", Text: "absent.text", Action: "to.sign-in", Target: web.Root})
	})
	return s.Site.Handler(mux)
}

// pages are the handlers by pattern.
func (s *Service) pages() map[string]func(http.ResponseWriter, *http.Request) error {
	return map[string]func(http.ResponseWriter, *http.Request) error{
		"GET /inviteuser":                  s.showInvitation,
		"POST /inviteuser":                 s.answerInvitation,
		"GET " + web.Root:                  s.showSignIn,
		"POST " + web.Root:                 s.signIn,
		"GET " + forgottenPath:             s.showForgotten,
		"POST " + forgottenPath:            s.forgotten,
		"GET " + resetPath:                 s.showReset,
		"POST " + resetPath:                s.reset,
		"GET " + youPath:                   s.showYou,
		"GET " + changePath:                s.showChange,
		"POST " + changePath:               s.change,
		"POST " + youPath + "/session":     s.revoke,
		"POST " + servicePath:              s.disconnect,
		"POST " + servicePath + "/in":      s.connectService,
		"GET " + outPath:                   s.showOut,
		"POST " + outPath:                  s.signOut,
		"POST " + passkeyPath:              s.signInByPasskey,
		"GET " + factorPath:                s.showFactor,
		"POST " + factorPath:               s.answerFactor,
		"GET " + factorPath + "/app":       s.showApp,
		"POST " + factorPath + "/app":      s.addApp,
		"GET " + factorPath + "/passkey":   s.showPasskey,
		"POST " + factorPath + "/passkey":  s.addedPasskey,
		"GET " + factorsPath:               s.showFactors,
		"GET " + factorsPath + "/app":      s.showApp,
		"POST " + factorsPath + "/app":     s.addApp,
		"GET " + factorsPath + "/passkey":  s.showPasskey,
		"POST " + factorsPath + "/passkey": s.addedPasskey,
		"POST " + factorsPath + "/name":    s.namePasskey,
		"POST " + factorsPath + "/remove":  s.removeFactor,
		"POST " + factorsPath + "/codes":   s.renewCodes,
		"GET " + fewPath:                   s.showFew,
		"GET " + againPath:                 s.showAgain,
		"POST " + againPath:                s.again,
	}
}

// The addresses of pages.
const (
	forgottenPath = web.Root + "/forgotten"
	resetPath     = web.Root + "/reset"
	youPath       = web.Root + "/you"
	changePath    = web.Root + "/you/password"
	outPath       = web.Root + "/out"
)

// A refusal is an error that someone is told on a page of its own.
type refusal struct {
	status  int
	account string
	message web.Message
	wait    time.Duration // until it may be tried again
	// tell leaves the event of the refusal, after what was done is undone; nil
	// for none.
	tell func(tx *store.Tx) error
}

func (r *refusal) Error() string { return "signin: refused: " + r.message.Title }

// failed answers for what a handler could not do.
func (s *Service) failed(w http.ResponseWriter, r *http.Request, err error) {
	no, ok := errors.AsType[*refusal](err)
	switch {
	case errors.Is(err, ErrBusy):
		no = &refusal{status: http.StatusTooManyRequests, message: web.Message{Title: "busy.title", Text: "busy.text"}, wait: 5 * time.Second}
	case errors.Is(err, ErrSignedOut):
		s.Site.Go(w, r, web.Root, "next", s.here(r))
		return
	case errors.Is(err, ErrNotRecent):
		s.Site.Go(w, r, againPath, "next", s.here(r))
		return
	case !ok:
		s.Site.Fail(w, r, err)
		return
	}
	if no.tell != nil {
		if err := s.DB.Write(r.Context(), no.tell); err != nil {
			s.Site.Fail(w, r, err)
			return
		}
	}
	if no.wait > 0 {
		w.Header().Set("Retry-After", seconds(no.wait))
	}
	s.say(w, r, no.status, no.account, no.message)
}

// here is where to come back to after signing in; empty for what was sent.
func (s *Service) here(r *http.Request) string {
	if r.Method != http.MethodGet || r.URL.Path == youPath {
		return ""
	}
	return s.Site.URL(r.URL.Path) // parameters may be secrets
}

func (s *Service) say(w http.ResponseWriter, r *http.Request, status int, account string, m web.Message) {
	s.Site.Show(w, r, web.Page{Name: "message", Status: status, Account: account, Data: m})
}

// origin is where a request comes from.
func (s *Service) origin(r *http.Request) api.Origin { return api.OriginOf(r, s.TrustedProxies) }

// mustBeAllowed refuses who comes from an address that the account does not let in.
func (s *Service) mustBeAllowed(r *http.Request, account string) error {
	if s.AddressAllowed == nil || account == "" {
		return nil
	}
	address, _ := netip.ParseAddr(s.origin(r).Address)
	ok, err := s.AddressAllowed(r.Context(), account, address.WithZone(""))
	if err == nil && !ok {
		err = &refusal{status: http.StatusForbidden, account: account, message: web.Message{
			Title: "address.title", Text: "address.text", Args: []any{address.String()},
		}}
	}
	return err
}
