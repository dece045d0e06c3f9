package app

import (
	"context"
	"errors"
	"net/http"
	"runtime/debug"
	"time"

	"onsight/internal/account"
	"onsight/internal/api"
	"onsight/internal/audit"
	"onsight/internal/connector"
	"onsight/internal/connector/action"
	"onsight/internal/fault"
	"onsight/internal/identity"
	"onsight/internal/mcp"
	"onsight/internal/resource"
	"onsight/internal/signin"
	"onsight/internal/store"
)

// joinAgents makes the part that lets agents use connectors as tools.
func (h *house) joinAgents(context.Context) error {
	site, err := h.site(mcp.Pages())
	if err != nil {
		return err
	}
	agents := mcp.New(mcp.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Keys: h.keys, Tokens: h.tokens, PublicURL: h.PublicURL, TrustedProxies: h.TrustedProxies,
		People: agentPeople{h.users, h.accounts.Service, actors{h.users, h.shared()}}, Actions: agentActions{h.actions, h.connectors},
		Trail: agentTrail{h.trail}, AddressAllowed: h.accounts.AddressAllowed, Origins: h.MCPOrigins, Listed: h.MCPListed, Version: buildVersion(),
		Sessions: agentSessions{h.signIn, h.users}, Site: site,
	})
	h.users.AlsoTell(agents.Forget)
	h.users.TellIdle(agents.Forget)
	h.accounts.OnPurge(agents.Purge)
	h.chores.add(tidyEvery, "tidy tokens of agents", agents.Tidy)
	h.add(agents.Routes()...)
	if !h.MCP {
		return nil
	}
	h.signIn.AddCards(func(tx *store.Tx, p signin.Person) ([]signin.Card, error) {
		programs, tokens, err := agents.Count(tx, p.Account, p.Namespace, p.Name)
		return []signin.Card{{Title: "access.title", Text: "access.card", Args: []any{programs, tokens}, Action: "access.open", Target: mcp.AccessPath}}, err
	})
	h.serve(mcp.IsPath, agents.Handler())
	h.outside = append(h.outside, outside{agents.IsOutside, agents.Handler()})
	return nil
}

// buildVersion is the version of the module, as clients are told it.
func buildVersion() string {
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		return info.Main.Version
	}
	return "(devel)"
}

// agentPeople lets mcp ask identity and account without knowing them.
type agentPeople struct {
	*identity.Service
	accounts *account.Service
	actors   actors
}

func (p agentPeople) Person(tx *store.Tx, account, namespace, name string) (mcp.Person, error) {
	a, err := p.accounts.Name(tx, account)
	if err != nil {
		return mcp.Person{}, err
	}
	u, err := p.Entrant(tx, account, namespace, name)
	return mcp.Person{Account: u.Account, Namespace: u.Namespace, Name: u.Name, PrincipalID: u.PrincipalID, Region: a.Region, Active: u.Active}, err
}

func (p agentPeople) Enter(ctx context.Context, tx *store.Tx, account, namespace, name string) (mcp.Person, error) {
	if _, err := p.accounts.Enter(ctx, tx, account, namespace); err != nil {
		return mcp.Person{}, err
	}
	found, err := p.Person(tx, account, namespace, name)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, Username: %s. ", account, namespace, name)
	}
	return found, err
}

func (p agentPeople) Registered(ctx context.Context, tx *store.Tx) ([]string, error) {
	users, err := p.actors.Registered(tx, api.Caller(ctx))
	arns := make([]string, len(users))
	for i, u := range users {
		arns[i] = u.ARN
	}
	return arns, err
}

func (p agentPeople) Used(tx *store.Tx, who mcp.Person) error {
	return p.NoteUse(tx, who.Account, who.Namespace, who.Name)
}

// agentActions lets mcp have connectors act without knowing them.
type agentActions struct {
	*action.Service
	connectors *connector.Service
}

func (a agentActions) Connectors(tx *store.Tx, account string) ([]mcp.Connector, error) {
	found, err := a.connectors.Everywhere(tx, account)
	all := make([]mcp.Connector, len(found))
	for i, l := range found {
		all[i] = mcp.Connector{ARN: l.ARN, Region: l.Key.Region, ID: l.Key.ID, Name: l.Name, Type: string(l.Type), Of: l}
	}
	return all, err
}

func (a agentActions) Offered(tx *store.Tx, p mcp.Person, c mcp.Connector) ([]mcp.Action, error) {
	who, err := a.Person(tx, p.ARN())
	if err != nil {
		return nil, err
	}
	found, err := a.Service.Offered(tx, who, c.Of.(*connector.Live)) //nolint:forcetypeassert // it is from Connectors
	all := make([]mcp.Action, len(found))
	for i, o := range found {
		all[i] = mcp.Action{
			ID: o.ID, Label: o.Label, Description: o.Description, Write: o.Write, Destructive: o.Destructive, Idempotent: o.Idempotent,
			Paged: o.Pagination != nil, Input: o.Input, Output: o.OutputSchema,
		}
	}
	return all, err
}

func (a agentActions) Perform(ctx context.Context, c mcp.Call) (*mcp.Outcome, error) {
	var who action.Actor
	err := a.DB.Read(ctx, func(tx *store.Tx) (err error) {
		who, err = a.Person(tx, c.Person.ARN())
		return err
	})
	if err != nil {
		return nil, err
	}
	who.Reader = who.Reader || c.LookOnly
	out, err := a.Service.Perform(ctx, who, action.Request{
		Connector: resource.Key{Account: c.Person.Account, Region: c.Connector.Region, ID: c.Connector.ID}, Action: c.Action, Input: c.Input,
		NextToken: c.NextToken, Confirmation: c.Confirmation, Origin: c.Origin, Details: c.Details,
	})
	if err != nil {
		return nil, err
	}
	return &mcp.Outcome{ID: out.ID, Status: out.Status, Output: out.Output, NextToken: out.NextToken}, nil
}

func (a agentActions) Connect(tx *store.Tx, p mcp.Person, c mcp.Connector) (address string, ends time.Time, err error) {
	who, err := a.Person(tx, p.ARN())
	if err != nil {
		return "", ends, err
	}
	return a.Service.Connect(tx, resource.Key{Account: p.Account, Region: c.Region, ID: c.ID}, who)
}

// agentTrail lets mcp leave events.
type agentTrail struct{ *audit.Trail }

func (t agentTrail) Left(tx *store.Tx, e mcp.Event) {
	outcome := "Success"
	if e.Error != "" {
		outcome = "Failure"
	}
	t.Trail.Left(tx, audit.SignIn{
		Name: e.Name, Account: e.Person.Account, Region: e.Person.Region, UserID: e.Person.PrincipalID, ARN: e.Person.ARN().String(),
		UserName: e.Person.Name, Origin: e.Origin, Outcome: outcome, Error: e.Error, Details: e.Details,
	})
}

// agentSessions lets mcp ask signin without knowing it.
type agentSessions struct {
	*signin.Service
	users *identity.Service
}

func (a agentSessions) Of(r *http.Request) (p mcp.Person, session string, ok bool, err error) {
	found, err := a.PersonOf(r)
	if errors.Is(err, signin.ErrSignedOut) {
		return p, "", false, nil
	}
	if err != nil {
		return p, "", false, err
	}
	err = a.DB.Read(r.Context(), func(tx *store.Tx) error {
		region, err := a.users.Region(tx, found.Person.Account)
		p = mcp.Person{
			Account: found.Person.Account, Namespace: found.Person.Namespace, Name: found.Person.Name, PrincipalID: found.Person.PrincipalID,
			Region: region, Active: found.Person.Active,
		}
		return err
	})
	return p, found.ID, err == nil, err
}
