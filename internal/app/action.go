package app

import (
	"context"
	"errors"
	"net/http"
	"time"

	awsconfig "github.com/aws/aws-sdk-go-v2/config"

	"onsight/internal/access"
	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/audit"
	"onsight/internal/connector"
	"onsight/internal/connector/action"
	"onsight/internal/identity"
	"onsight/internal/signin"
	"onsight/internal/store"
)

// aliveEvery is how often authorisations of people are looked through for those
// that have to be renewed, and choreAlive what that is called.
const (
	aliveEvery = 10 * time.Minute
	choreAlive = "renew authorisations of people"
)

// joinActions makes the part that has connectors act, with the pages of sign-ins
// at services.
func (h *house) joinActions(ctx context.Context) error {
	aws := action.AWS{Endpoints: h.AWSEndpoints, ExternalID: h.AWSExternalID}
	if own, err := awsconfig.LoadDefaultConfig(ctx, awsconfig.WithRegion(h.Region)); err == nil {
		aws.Identity = own.Credentials
	} else {
		h.Log.WarnContext(ctx, "this server's own identity at AWS can't be read", "error", err.Error())
	}
	sender, err := postOffice(h.Config)
	if err != nil {
		return err
	}
	var post action.Letters
	if sender != nil {
		post = letters{sender, h.users, h.accounts.Service}
	}
	h.actions = action.New(action.Config{
		Letters: post, Language: h.Language, Meter: h.metrics,
		DB: h.db, Jobs: h.jobs, Keys: h.keys, Tokens: h.tokens, Log: h.Log, Now: h.Now, Connectors: h.connectors,
		People: actors{h.users, h.shared()}, Networks: h.connections, Clients: h.clients, Trail: actionTrail{h.trail}, PublicURL: h.PublicURL, AWS: aws,
		Rate: h.ActionRate, Payloads: h.ActionPayloads, Retention: h.ActionRetention, StreamLimit: h.ActionStreamLimit << 20,
	})
	if h.CheckConnectors {
		h.connectors.UseChecker(&action.Checker{
			Structure: connector.Structure{Endpoints: connector.Endpoints{Allowed: h.connections.Default().Allowed}}, Service: h.actions,
		})
	}
	h.signIn.ShowServices(connectedServices{h.actions})
	h.users.AlsoTell(action.Forget)
	h.reseals = append(h.reseals, h.actions.Reseal)
	h.accounts.OnPurge(func(ctx context.Context, account string) error { return action.Purge(ctx, h.db, account) })
	h.chores.add(tidyEvery, "tidy calls of actions", h.actions.Tidy)
	h.chores.add(aliveEvery, choreAlive, h.actions.KeepAlive)
	h.restored = append(h.restored, h.actions.Rescheduled)
	site, err := h.site(action.Templates())
	if err != nil {
		return err
	}
	h.serve(action.IsPage, h.actions.Pages(site, h.visitor))
	h.add(h.actions.Routes()...)
	return nil
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

// connectedServices lets signin ask action without knowing it.
type connectedServices struct{ *action.Service }

func (c connectedServices) ConnectedOf(tx *store.Tx, user string) ([]signin.Connected, error) {
	found, err := c.Service.ConnectedOf(tx, user)
	all := make([]signin.Connected, len(found))
	for i, one := range found {
		all[i] = signin.Connected(one)
	}
	return all, err
}

func (c connectedServices) Connect(tx *store.Tx, user, of string) (string, error) {
	return c.ConnectTo(tx, user, of)
}

// visitor tells which user is signed in with a browser.
func (h *house) visitor(r *http.Request) (user string, ok bool, err error) {
	session, err := h.signIn.PersonOf(r)
	if errors.Is(err, signin.ErrSignedOut) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	err = h.db.Read(r.Context(), func(tx *store.Tx) error {
		region, err := h.users.Region(tx, session.Person.Account)
		user = session.Person.ARN(region)
		return err
	})
	return user, err == nil, err
}

// actionTrail lets action leave events.
type actionTrail struct{ *audit.Trail }

func (t actionTrail) Acted(tx *store.Tx, e action.Event) { t.Trail.Acted(tx, audit.Acted(e)) }
