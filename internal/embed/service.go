package embed

import (
	"context"
	"embed"
	"io/fs"
	"net/http"
	"net/netip"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
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

// A User is a user of QuickSight, as far as embedding is concerned.
type User struct {
	Account, Namespace, Name, PrincipalID, Email, Role string
	// Deactivated tells that an administrator has put the user out of use.
	Deactivated bool
}

// People is what embed asks of whoever keeps users.
type People interface {
	// User finds a user; store.ErrNotFound where there is none.
	User(tx *store.Tx, account, namespace, name string) (User, error)
	// CallerName is the name under which the caller is registered, if it is, and
	// OwnUser the user of a namespace who it is; a fault where there is none.
	CallerName(ctx context.Context) string
	OwnUser(ctx context.Context, tx *store.Tx, account, namespace string) (name string, err error)
	// Vouched is the ARN of the user for whom the caller's session acts; empty for
	// a session that acts for none.
	Vouched(ctx context.Context) string
}

// Accounts is what embed asks of whoever keeps accounts.
type Accounts interface {
	// Enterprise refuses an account that is not subscribed, or of the edition
	// STANDARD, and Subscribed the former alone.
	Enterprise(tx *store.Tx, account string) error
	Subscribed(tx *store.Tx, account string) error
	// IdentityRegion is the one that the ARNs of an account's users have.
	IdentityRegion(tx *store.Tx, account string) (string, error)
}

// A Session is one in a frame.
type Session struct {
	ID, Account, Namespace, Name string
	Ends                         time.Time
}

// Sessions is what embed asks of whoever keeps sessions.
type Sessions interface {
	// Begin begins a session, and Of finds the one of a token; store.ErrNotFound
	// for one that is over.
	Begin(tx *store.Tx, r *http.Request, account, namespace, name string, life time.Duration) (token, id string, err error)
	Of(tx *store.Tx, token string) (Session, error)
}

// An Event is something of embedding that the trail keeps.
type Event struct {
	Account, Region string
	User            User
	ARN             string
	Origin          api.Origin
	// Error says why someone was refused; empty for success.
	Error   string
	Details map[string]string
}

// A Trail keeps events.
type Trail interface {
	// Left adds an event to what the transaction changes.
	Left(tx *store.Tx, e Event)
}

// Config is what a Service needs. All but AddressAllowed is required.
type Config struct {
	DB       *store.DB
	Now      func() time.Time
	Site     *web.Site
	Tokens   *page.Tokens
	People   People
	Accounts Accounts
	Sessions Sessions
	Trail    Trail
	// AddressAllowed tells whether people of an account may come from an
	// address; nil lets everyone.
	AddressAllowed func(ctx context.Context, account string, address netip.Addr) (bool, error)
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Localhost lets localhost embed, also by plain http.
	Localhost bool
}

// Service makes the URLs and shows what they lead to.
type Service struct{ Config }

// New makes a Service.
func New(c Config) *Service { return &Service{c} }

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.GenerateEmbedUrlForRegisteredUser, s.generating, s.generate),
		api.Handle(qs.GenerateEmbedUrlForRegisteredUserWithIdentity, s.generatingWithIdentity, s.generateWithIdentity),
		api.Handle(qs.GetSessionEmbedUrl, s.gettingSession, s.getSession),
		api.Handle(onsightapi.AddEmbeddingDomain, s.addingDomain, s.addDomain),
		api.Handle(onsightapi.RemoveEmbeddingDomain, s.removingDomain, s.removeDomain),
		api.Handle(onsightapi.ListEmbeddingDomains, s.listingDomains, s.listDomains),
	}
}

// onAccount is the target of operations on the account's domains.
func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}
