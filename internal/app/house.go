package app

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"

	"onsight/internal/access"
	"onsight/internal/account"
	"onsight/internal/api"
	"onsight/internal/brand"
	"onsight/internal/config"
	"onsight/internal/connector"
	"onsight/internal/connector/action"
	"onsight/internal/directory"
	"onsight/internal/folder"
	"onsight/internal/identity"
	"onsight/internal/job"
	"onsight/internal/metrics"
	"onsight/internal/network"
	"onsight/internal/outbound"
	"onsight/internal/ownership"
	"onsight/internal/page"
	"onsight/internal/people"
	"onsight/internal/scim"
	"onsight/internal/seal"
	"onsight/internal/sealing"
	"onsight/internal/store"
	"onsight/internal/sts"
	"onsight/internal/tagging"
)

// A house is an App while its parts are joined: the parts that others need,
// and what each adds to the whole. A part has a file of its own, with a method
// join… and the small adaptors by which it asks others without knowing them.
type house struct {
	*App
	config.Config
	Options
	keys      *seal.Keyring
	tokens    *page.Tokens
	profiles  *outbound.Settings
	companies *directory.Settings

	tags        *tagging.Service
	holders     *access.Holders
	authorizer  *access.Authorizer
	metrics     *metrics.Metrics
	sessions    *sts.Service
	accounts    *accounts
	users       *identity.Service
	folders     *folder.Service
	owners      *ownership.Service
	brands      *brand.Service
	connections *network.Service
	connectors  *connector.Service
	people      *people.Service
	actions     *action.Service
	centre      *scim.Service

	routes  []api.Route
	outside []outside
	reseals []sealing.Reseal
	// restored are called when an account has come from a snapshot.
	restored []func(tx *store.Tx, account string) error
	// forgets are called when the emulator is emptied.
	forgets []func()
	// called counts what the API is asked.
	called atomic.Uint64
}

func newHouse(a *App, c config.Config, o Options, keys *seal.Keyring, profiles *outbound.Settings, companies *directory.Settings) *house {
	a.jobs = job.NewRunner(a.db, o.Log, o.Now)
	return &house{
		App: a, Config: c, Options: o, keys: keys, tokens: page.NewTokens(keys, o.Now), profiles: profiles, companies: companies,
		tags: tagging.New(a.db), accounts: &accounts{},
	}
}

// join makes every part, those first that others need, and then the handler.
func (h *house) join(ctx context.Context) error {
	for _, join := range []func(context.Context) error{
		h.joinMetrics, h.joinAudit, h.joinAccess, h.joinAccounts, h.joinFolders, h.joinGovernance, h.joinNetwork, h.joinBrands, h.joinConnectors, h.joinOwnership,
		h.joinExplanations, h.joinPeople, h.joinScim, h.joinDirectory, h.joinSignIn, h.joinActions, h.joinAgents, h.joinEmbed, h.joinFederation,
		h.joinSnapshots, h.joinSealing, h.joinResources,
	} {
		if err := join(ctx); err != nil {
			return err
		}
	}
	h.Operations = make(map[string][]string)
	for _, r := range h.routes {
		h.Operations[r.Service()] = append(h.Operations[r.Service()], r.Name())
	}
	h.Handler = h.before(h.answering())
	return h.brands.FetchPending(ctx)
}

// add adds the operations of a part.
func (h *house) add(routes ...api.Route) { h.routes = append(h.routes, routes...) }

// outside is what answers paths that no operation has: pages, and what nobody
// signs.
type outside struct {
	owns    func(path string) bool
	handler http.Handler
}

// serve has a handler answer the paths that it owns. It sees them without the
// path of the public URL. Who is joined later goes first: pages of signing in by
// a provider are below those of signing in.
func (h *house) serve(owns func(path string) bool, handler http.Handler) {
	h.outside = slices.Insert(h.outside, 0, outside{owns, http.StripPrefix(h.BasePath(), handler)})
}

// before puts the paths outside in front of the API. Others are left as they
// are: net/http.ServeMux rewrites paths that are not clean, and that would break
// signatures.
func (h *house) before(next http.Handler) http.Handler {
	base := h.BasePath()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path := strings.TrimPrefix(r.URL.Path, base)
		for _, o := range h.outside {
			if o.owns(path) {
				o.handler.ServeHTTP(w, r)
				return
			}
		}
		h.called.Add(1)
		next.ServeHTTP(w, r)
	})
}

// answering makes what answers operations.
func (h *house) answering() *api.Server {
	server := api.Config{
		Log: h.Log, Now: h.Now, BasePath: h.BasePath(), TrustedProxies: h.TrustedProxies, Authorizer: h.authorizer, Observe: h.metrics.Called,
		Authenticator: access.NewSigned(h.holders, h.Now, h.ClockWindow), Recorder: h.trail,
		Gate: access.NewGate(h.db, profiles{h.users}, h.keys),
	}
	server.Authenticator = usesNoted{server.Authenticator, h.uses}
	extras := &extras{db: h.db, log: h.Log}
	if h.Dev {
		server.Authenticator = access.Anyone{Account: h.Account, Region: h.Region}
		trial := account.NewTrial(h.accounts.Service)
		if h.DevSubscribe {
			server.Arrive = trial.Arrive
		}
		h.forgets = append(h.forgets, h.holders.Forget, trial.Forget)
		extras.reset = func(ctx context.Context) error {
			defer func() {
				for _, forget := range h.forgets {
					forget()
				}
			}()
			return h.db.Reset(ctx)
		}
	}
	h.serve(extras.owns, extras.handler())
	answering := api.New(server, h.routes...)
	h.people.Serve(answering)
	return answering
}
