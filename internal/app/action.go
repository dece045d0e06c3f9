package app

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"onsight/internal/access"
	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/audit"
	"onsight/internal/config"
	"onsight/internal/connector"
	"onsight/internal/connector/action"
	"onsight/internal/identity"
	"onsight/internal/network"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/signin"
	"onsight/internal/store"
)

// joinActions makes the part that has connectors act.
func (a *App) joinActions(
	ctx context.Context, c config.Config, o Options, keys *seal.Keyring, tokens *page.Tokens, connectors *connector.Service, people *identity.Service,
	connections *network.Service, shared access.Shared,
) error {
	aws := action.AWS{Endpoints: c.AWSEndpoints, ExternalID: c.AWSExternalID}
	if own, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(c.Region)); err == nil {
		aws.Identity = own.Credentials
	} else {
		o.Log.WarnContext(ctx, "this server's own identity at AWS can't be read", "error", err.Error())
	}
	a.actions = action.New(action.Config{
		DB: a.db, Jobs: a.jobs, Keys: keys, Tokens: tokens, Log: o.Log, Now: o.Now, Connectors: connectors,
		People: actors{people, shared}, Networks: connections, Clients: a.clients, Trail: actionTrail{a.trail}, PublicURL: c.PublicURL, AWS: aws,
		Rate: c.ActionRate, Payloads: c.ActionPayloads, Retention: c.ActionRetention,
	})
	if c.CheckConnectors {
		connectors.UseChecker(&action.Checker{
			Structure: connector.Structure{Endpoints: connector.Endpoints{Allowed: connections.Default().Allowed}}, Service: a.actions,
		})
	}
	people.AlsoTell(action.Forget)
	return nil
}

// withConnections puts the pages of sign-ins at services in front of the API.
func (a *App) withConnections(next http.Handler, basePath string) http.Handler {
	pages := http.StripPrefix(basePath, a.actions.Pages(a.visitor))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch strings.TrimPrefix(r.URL.Path, basePath) {
		case action.ConnectPath, action.CallbackPath:
			pages.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// tidyActions removes what is kept of actions no longer, again and again, until
// the function that it gives is called.
func (a *App) tidyActions(ctx context.Context) (stop func()) {
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
				if err := a.actions.Tidy(ctx); err != nil && ctx.Err() == nil {
					a.log.ErrorContext(ctx, "tidy calls of actions", "error", err.Error())
				}
			}
		}
	}()
	return func() {
		cancel()
		<-ended
	}
}

// actors lets action ask who is a user without knowing identity and access.
type actors struct {
	people *identity.Service
	shared access.Shared
}

// Registered gives the users as which a caller is registered.
func (a actors) Registered(tx *store.Tx, who api.Principal) ([]action.User, error) {
	person, actsFor := access.PersonOf(who)
	if actsFor != nil {
		role, err := a.people.Role(tx, *actsFor)
		return []action.User{{ARN: actsFor.String(), Role: role}}, err
	}
	found, err := a.people.UsersOfCaller(tx, who.Account, person.ID, person.ARN, person.Session)
	users := make([]action.User, len(found))
	for i, u := range found {
		users[i] = action.User(u)
	}
	return users, err
}

// Role gives the role of a user.
func (a actors) Role(tx *store.Tx, user arn.ARN) (string, error) { return a.people.Role(tx, user) }

// May says whether the permission list of a connector lets a user use it, and
// custom permissions do not take its actions away.
func (a actors) May(tx *store.Tx, user arn.ARN, connector string) (bool, error) {
	g, err := a.shared.Decide(tx, user, "quicksight:DescribeActionConnector", connector)
	if err != nil || !g.Allowed {
		return false, err
	}
	g, err = a.shared.Decide(tx, user, "onsight:InvokeAction", connector)
	return g.Taken == nil, err
}

// visitor tells which user is signed in with a browser.
func (a *App) visitor(r *http.Request) (user string, ok bool, err error) {
	session, err := a.signIn.PersonOf(r)
	if errors.Is(err, signin.ErrSignedOut) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	err = a.db.Read(r.Context(), func(tx *store.Tx) error {
		region, err := a.register.Region(tx, session.Person.Account)
		user = session.Person.ARN(region)
		return err
	})
	return user, err == nil, err
}

// actionTrail lets action leave events.
type actionTrail struct{ *audit.Trail }

func (t actionTrail) Acted(tx *store.Tx, e action.Event) { t.Trail.Acted(tx, audit.Acted(e)) }
