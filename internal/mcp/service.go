package mcp

import (
	"context"
	"embed"
	"encoding/json"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/web"
)

// Path is where agents reach the tools.
const Path = "/mcp"

// AccessPath is the page on which people see which agents act for them.
const AccessPath = Path + "/access"

// A Person is a user for whom agents act.
type Person struct {
	Account, Namespace, Name string
	// PrincipalID is unique, of a user that is gone too.
	PrincipalID string
	// Region is the account's identity region.
	Region string
	// Active tells that the person may act at all.
	Active bool
}

// ARN is the person's.
func (p *Person) ARN() arn.ARN {
	return arn.ARN{Partition: "aws", Service: "quicksight", Region: p.Region, Account: p.Account, Resource: "user/" + p.Namespace + "/" + p.Name}
}

// People is what mcp asks of whoever keeps users and accounts.
type People interface {
	// Person finds a user of a subscribed account; store.ErrNotFound where there
	// is none.
	Person(tx *store.Tx, account, namespace, name string) (Person, error)
	// Enter refuses a call that the state of the account or its region does not
	// allow, or whose user is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace, name string) (Person, error)
	// Registered gives the ARNs of the users as which the caller is registered.
	Registered(ctx context.Context, tx *store.Tx) ([]string, error)
	// Used notes that a user was active.
	Used(tx *store.Tx, p Person) error
}

// A Connector is an action connector that can be used.
type Connector struct {
	ARN, Region, ID, Name, Type string
	// Of is for whoever gave it.
	Of any
}

// An Action is what a connector can do.
type Action struct {
	ID, Label, Description string
	// Write says that it changes something, Destructive that it can't be undone,
	// Idempotent that it may be done again.
	Write, Destructive, Idempotent bool
	// Paged says that its output comes in pages.
	Paged bool
	// Input and Output are JSON Schemas; Output is nil where there is none.
	Input, Output json.RawMessage
}

// A Call has an action performed for a person.
type Call struct {
	Person    Person
	Connector Connector
	Action    string
	// LookOnly lets it change nothing, whatever the person may.
	LookOnly  bool
	Input     json.RawMessage
	NextToken string
	// Confirmation is the token of a question that the person has said yes to.
	Confirmation string
	Origin       api.Origin
	// Details are what the event of it tells besides.
	Details map[string]string
}

// An Outcome is what an action gave.
type Outcome struct {
	ID        string
	Status    int
	Output    json.RawMessage
	NextToken string
}

// Actions is what mcp asks of whoever has connectors act.
type Actions interface {
	// Connectors gives those of an account that can be used, by anybody.
	Connectors(tx *store.Tx, account string) ([]Connector, error)
	// Offered gives the actions of a connector that a person may perform now, by
	// id; none where they may not use it.
	Offered(tx *store.Tx, p Person, c Connector) ([]Action, error)
	// Perform performs an action. Its errors are faults.
	Perform(ctx context.Context, c Call) (*Outcome, error)
	// Connect gives the address at which a person signs in at the service behind
	// a connector, and until when.
	Connect(tx *store.Tx, p Person, c Connector) (address string, ends time.Time, err error)
}

// An Event is something of tokens that the trail keeps.
type Event struct {
	// Name is the event's, such as CreatePersonalToken.
	Name    string
	Person  Person
	Origin  api.Origin
	Error   string
	Details map[string]string
}

// A Trail keeps events.
type Trail interface {
	// Left adds an event to what the transaction changes.
	Left(tx *store.Tx, e Event)
}

// Sessions is what mcp asks of whoever signs people in.
type Sessions interface {
	// Of tells who is signed in with a browser, and by which session; ok is false
	// for nobody.
	Of(r *http.Request) (p Person, session string, ok bool, err error)
	// Serve makes a handler of a function that may return the errors of Of.
	Serve(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc
}

// Config is what a Service needs; all is required but AddressAllowed, Origins,
// TrustedProxies and Version.
type Config struct {
	DB       *store.DB
	Log      *slog.Logger
	Now      func() time.Time
	Keys     *seal.Keyring
	Tokens   *page.Tokens
	People   People
	Actions  Actions
	Trail    Trail
	Sessions Sessions
	Site     *web.Site
	// AddressAllowed tells whether people of an account may come from an
	// address; nil lets everyone.
	AddressAllowed func(ctx context.Context, account string, address netip.Addr) (bool, error)
	// PublicURL is where agents reach the server, without a slash at the end.
	PublicURL string
	// Origins are those of web pages, beside the server's own, whose scripts may
	// use the tools.
	Origins []string
	// Listed is how many tools are listed one by one; who has more gets tools to
	// search and to call them.
	Listed int
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
	// Version is the server's, as it tells clients.
	Version string
}

// Service answers agents, and administers what lets them in.
type Service struct {
	Config
	transport http.Handler
	limits    limits
	running   running
	shapes    shapes
	// heartbeat is how often a call that takes long says so.
	heartbeat time.Duration
	// base is the path of the public URL, and origin what goes before it.
	base, origin string
}

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

// New makes a Service.
func New(c Config) *Service {
	s := &Service{Config: c, heartbeat: 5 * time.Second}
	if u, err := url.Parse(c.PublicURL); err == nil {
		s.base, s.origin = u.EscapedPath(), u.Scheme+"://"+u.Host
	}
	s.transport = sdk.NewStreamableHTTPHandler(s.serverOf, &sdk.StreamableHTTPOptions{
		Stateless: true, MaxRequestBodyBytes: largestBody, PropagateRequestCancellation: true,
		// The server is often behind a proxy of the same machine. Whom pages of
		// other sites lead here is told by Origin.
		DisableLocalhostProtection: true,
	})
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.CreatePersonalToken, s.creatingToken, s.createToken),
		api.Handle(onsightapi.ListPersonalTokens, s.listingTokens, s.listTokens),
		api.Handle(onsightapi.DeletePersonalToken, s.deletingToken, s.deleteToken),
	}
}

// Endpoint is where agents reach the tools, as a whole URL.
func (s *Service) Endpoint() string { return s.PublicURL + Path }
