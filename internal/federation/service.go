package federation

import (
	"context"
	"embed"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
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

// An Account is a subscribed account.
type Account struct {
	Account, Name, Region, DefaultNamespace string
}

// Accounts is what federation asks of whoever keeps accounts.
type Accounts interface {
	// Open refuses a call that the state of the account, its region or its
	// edition does not allow, and gives the account's identity region.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
	// Enter does so for a namespace, and gives the account's way to authenticate.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) (method string, err error)
	// Name gives a subscribed account; store.ErrNotFound where it is none.
	Name(tx *store.Tx, account string) (Account, error)
}

// A Person is a user of QuickSight.
type Person struct {
	Account, Namespace, Name, PrincipalID, Email, Role string
	IdentityType                                       string
	Active                                             bool
}

// An Identity is somebody whom IAM vouches for.
type Identity struct {
	Account string
	// UserID is what IAM calls them, such as AROA…:session.
	UserID string
	// IAMARN is of the role or user; Session the name of a role's session.
	IAMARN, Session string
	// Issuer, without a scheme, and Subject are of the token that began it.
	Issuer, Subject string
}

// ErrAmbiguous says that several users are one person, and nothing tells which
// is meant.
var ErrAmbiguous = errors.New("federation: several users are the same person")

// Users is what federation asks of whoever keeps users.
type Users interface {
	// Of finds the user of an identity; store.ErrNotFound or ErrAmbiguous.
	Of(tx *store.Tx, of Identity, namespace, defaultNamespace string) (Person, error)
	// Provision makes one.
	Provision(tx *store.Tx, of Identity, namespace, email, role string) (Person, error)
	// GroupsGiven makes a user a member of the groups that a provider names.
	GroupsGiven(tx *store.Tx, account, namespace, name, provider string, groups []string) error
}

// A Holder is who holds temporary credentials.
type Holder struct {
	Identity
	// Who is the principal, for the Judge.
	Who api.Principal
	// Kind is AssumedRole, FederatedUser, or what else STS gives sessions to.
	Kind string
	// Email is the session's tag of this name.
	Email   string
	Expires time.Time
}

// Sessions is what federation asks of whoever gives out temporary credentials.
type Sessions interface {
	// Assume begins a session of a role with a provider's token, as
	// AssumeRoleWithWebIdentity does. Its errors are the operation's faults.
	Assume(ctx context.Context, role, session, token string) (accessKeyID, sessionToken string, err error)
	// Present gives who holds credentials, and Known those that were looked at
	// before. Their errors are faults.
	Present(ctx context.Context, accessKeyID string, secret contract.Secret, token string) (Holder, error)
	Known(ctx context.Context, accessKeyID, token string) (Holder, error)
	// SAMLOffers verifies a response as it was posted, and gives the roles that
	// it offers; with an error, which is a fault, the account it may be about.
	SAMLOffers(ctx context.Context, posted string) (offers []Offer, account string, err error)
	// AssumeSAML begins a session of a role with a response, as
	// AssumeRoleWithSAML does. Its errors are the operation's faults.
	AssumeSAML(ctx context.Context, role, provider, posted string) (accessKeyID, sessionToken string, err error)
}

// A Centre is what federation asks of whoever keeps the people whom an identity
// centre provisions.
type Centre interface {
	// Manages tells whether a centre provisions the people of a namespace.
	Manages(tx *store.Tx, account, namespace string) (bool, error)
	// Arrive finds the user whom the claims of an ID token are about, which has
	// been verified, and brings the user in line with the centre. Where that is
	// nobody who may come in, why is another one than Welcome.
	Arrive(tx *store.Tx, account, namespace string, claims map[string]any) (found Arrival, err error)
}

// An Arrival is who has come from an identity centre.
type Arrival struct {
	// Person is the user; without a name where there is none.
	Person Person
	// Provisioned is the name that the centre has given; empty for nobody's.
	Provisioned string
	// Claim is the one that tells who it is.
	Claim string
	// Why says what keeps the person out.
	Why Why
}

// Why says whether somebody who comes from an identity centre may come in.
type Why int

// What may keep somebody out.
const (
	// Welcome is said of who may come in.
	Welcome Why = iota
	// Unnamed is who has no claim that tells who it is, or one that proves nothing.
	Unnamed
	// Unknown is who was not provisioned.
	Unknown
	// Several are users whom the claim does not tell apart.
	Several
	// Inactive is whom the centre has put out of use, Deactivated whom an
	// administrator of the account has.
	Inactive
	Deactivated
	// Roleless is who is in no group that has a role.
	Roleless
)

// A Judge decides by the policies of a principal; a refusal is a fault.
type Judge interface {
	Authorize(ctx context.Context, who api.Principal, action string, on policy.Target) error
}

// An Entry is someone who has shown who they are.
type Entry struct {
	Account, Method, Next string
	Life                  time.Duration
	Details               map[string]string
	Who                   func(tx *store.Tx) (Person, error)
}

// An Event is something that the trail of an account keeps.
type Event struct {
	Name, ARN, PrincipalID, Outcome, Error string
	Details                                map[string]string
}

// A Refusal is what someone is told who can't be let in.
type Refusal struct {
	Status  int
	Account string
	Message web.Message
	Wait    time.Duration
	Event   Event
	// Person is whom the event is about, where that is a user.
	Person Person
}

// An Entrance is what federation asks of whoever lets people in.
type Entrance interface {
	Admit(w http.ResponseWriter, r *http.Request, e Entry) error
	Refuse(r *http.Request, no Refusal) error
	// Leave adds an event to what a transaction changes.
	Leave(tx *store.Tx, r *http.Request, account string, e Event) error
	// Serve makes a handler of a function that returns what these return.
	Serve(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc
}

// Config is what a Service needs.
type Config struct {
	DB       *store.DB
	Log      *slog.Logger
	Now      func() time.Time
	Keys     *seal.Keyring
	Tokens   *page.Tokens
	Site     *web.Site
	Accounts Accounts
	Users    Users
	Sessions Sessions
	Judge    Judge
	Entrance Entrance
	Centre   Centre
	// Verifier checks ID tokens, and asks providers.
	Verifier *idtoken.Verifier
	// PublicURL is where people reach the server, without a slash at the end.
	PublicURL string
	// SAMLAddress is where SAML providers send responses, and who they are for.
	SAMLAddress string
	// Loopback lets providers be on this machine, by plain HTTP.
	Loopback bool
	// TrustedProxies are those whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
}

// Service keeps providers and signs people in.
type Service struct {
	Config
	secrets resource.Secrets
}

// New makes a Service.
func New(c Config) *Service { return &Service{Config: c, secrets: resource.Secrets{Keys: c.Keys}} }

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.CreateFederationProvider, s.creating, s.createFederationProvider),
		api.Handle(onsightapi.UpdateFederationProvider, s.updating, s.updateFederationProvider),
		api.Handle(onsightapi.DescribeFederationProvider, s.describing, s.describeFederationProvider),
		api.Handle(onsightapi.DeleteFederationProvider, s.deleting, s.deleteFederationProvider),
		api.Handle(onsightapi.ListFederationProviders, s.listing, s.listFederationProviders),
		api.Handle(onsightapi.UpdateFederationRedirect, s.redirecting, s.updateFederationRedirect),
		api.Handle(onsightapi.DescribeFederationRedirect, s.describingRedirect, s.describeFederationRedirect),
	}
}

// The addresses of pages.
const (
	root        = web.Root + "/oidc"
	emailPath   = root + "/email"
	consolePath = "/federation"
)

// IsPath tells whether a path is one of Handler's.
func IsPath(path string) bool {
	return path == consolePath || path == samlPath || path == samlMetadataPath || strings.HasPrefix(path, root+"/")
}

// Handler answers the addresses of pages.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range s.pages() {
		mux.Handle(pattern, s.Entrance.Serve(handle))
	}
	pages := s.Site.Handler(mux)
	responses := s.Site.Foreign(s.Entrance.Serve(s.saml), maxSAML)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A provider may ask by a form (OpenID Connect Core 1.0, 4). That does
		// nothing but lead to the address by which it could have asked itself.
		if r.Method == http.MethodPost && strings.HasPrefix(r.URL.Path, root+"/") && strings.HasSuffix(r.URL.Path, "/initiate") {
			s.initiateByForm(w, r)
			return
		}
		if r.Method == http.MethodPost && r.URL.Path == samlPath {
			responses.ServeHTTP(w, r)
			return
		}
		pages.ServeHTTP(w, r)
	})
}

// pages are the handlers by pattern, but for the form of SAML providers.
func (s *Service) pages() map[string]func(http.ResponseWriter, *http.Request) error {
	return map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + root + "/{account}/{provider}":          s.start,
		"GET " + root + "/{account}/{provider}/initiate": s.initiate,
		"GET " + root + "/{account}/{provider}/done":     s.done,
		"POST " + emailPath:                              s.email,
		"GET " + consolePath:                             s.console,
		"POST " + consolePath:                            s.console,
		"GET " + samlMetadataPath:                        s.samlMetadata,
		"GET " + samlPath:                                s.noSAML,
		"/":                                              s.absent,
	}
}

func (s *Service) absent(_ http.ResponseWriter, r *http.Request) error {
	return s.Entrance.Refuse(r, Refusal{Status: http.StatusNotFound, Message: web.Message{
		Title: "absent.title", Text: "absent.text", Action: "to.sign-in", Target: web.Root,
	}})
}

// origin is where a request comes from.
func (s *Service) origin(r *http.Request) api.Origin { return api.OriginOf(r, s.TrustedProxies) }

// arriving is the context of someone who comes by a page.
func (s *Service) arriving(r *http.Request, region string) context.Context {
	return api.Arriving(r.Context(), s.origin(r), s.Now(), region)
}
