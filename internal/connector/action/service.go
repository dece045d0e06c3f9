package action

import (
	"context"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/singleflight"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// A User is a user of QuickSight.
type User struct{ ARN, Role string }

// People is what action asks of whoever knows the users of QuickSight.
type People interface {
	// Registered gives the users as which a caller of the API is registered, or
	// for whom it acts.
	Registered(tx *store.Tx, who api.Principal) ([]User, error)
	// Role gives the role of a user, such as READER; store.ErrNotFound for none.
	Role(tx *store.Tx, user arn.ARN) (string, error)
	// May says whether the permission list of a connector lets a user use it,
	// and custom permissions do not take that away.
	May(tx *store.Tx, user arn.ARN, connector string) (bool, error)
}

// Networks is what action asks of whoever knows the ways out of the house.
type Networks interface {
	// Default is the way of what uses no VPC connection.
	Default() outbound.Profile
	// Profile is that of a VPC connection. A fault says why it can't be used.
	Profile(tx *store.Tx, connection string) (outbound.Profile, error)
}

// An Event is what the trail keeps of an action that no signed call has asked for.
type Event struct {
	Account, Region, Connector, ConnectorID, Action, User string
	// Status is SUCCESS or FAILED, HTTPStatus that of the service; 0 for none.
	Status           string
	HTTPStatus       int
	Error, ErrorText string
	Origin           api.Origin
	Details          map[string]string
}

// Trail keeps events.
type Trail interface {
	// Acted adds an event to what the transaction changes, and Noticed one that
	// nobody has caused.
	Acted(tx *store.Tx, e Event)
	Noticed(tx *store.Tx, n Notice)
}

// A Meter counts what is done.
type Meter interface {
	// Invoked counts an action; outcome is empty for a success.
	Invoked(kind, action, outcome string, took time.Duration)
	// Throttled counts an action that a limit has refused: rate, minute or day.
	Throttled(limit string)
	// TokenAsked counts a request for a token: of a client, or to refresh one.
	TokenAsked(grant, outcome string)
	// Noticed counts what the server noticed by itself.
	Noticed(event string)
}

type noMeter struct{}

func (noMeter) Invoked(string, string, string, time.Duration) {}
func (noMeter) Throttled(string)                              {}
func (noMeter) TokenAsked(string, string)                     {}
func (noMeter) Noticed(string)                                {}

// Config is what a Service needs. Limits may be zero, and Sleep nil.
type Config struct {
	DB         *store.DB
	Jobs       *job.Runner
	Keys       *seal.Keyring
	Tokens     *page.Tokens
	Log        *slog.Logger
	Now        func() time.Time
	Connectors *connector.Service
	People     People
	Networks   Networks
	Clients    *outbound.Clients
	Trail      Trail
	// Letters writes to people; nil writes no letters. Language is that of letters
	// to those whose own is not known.
	Letters  Letters
	Language string
	// Meter counts; nil counts nothing.
	Meter Meter
	// PublicURL is where browsers reach the server.
	PublicURL string
	// AWS says where AWS is, and who this server is there.
	AWS AWS
	// Rate is how many calls a second each caller may make with one connector;
	// 0 is as many as they like.
	Rate float64
	// Payloads keeps inputs and outputs, redacted, with the calls; Retention is
	// how long calls are kept.
	Payloads  bool
	Retention time.Duration
	// StreamLimit is how many bytes a file may have that is passed on as it
	// comes; 0 is no limit.
	StreamLimit int64
	// Limits are those of each request of an action; zeros are the defaults of
	// package outbound.
	Limits outbound.Limits
	// Sleep waits between attempts; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Service performs actions.
type Service struct {
	Config
	me       string // on leases of tokens
	flights  singleflight.Group
	roles    roles
	rates    rates
	counts   counts
	compiled compiled
	busy     chan struct{} // has room for the calls that jobs make at once
}

// New makes a Service, and has connectors checked by it where checks is set.
func New(c Config) *Service {
	s := &Service{Config: c, me: uuid.NewString(), busy: make(chan struct{}, jobsAtOnce)}
	s.roles.service = s
	s.rates.limit = c.Rate
	if s.Meter == nil {
		s.Meter = noMeter{}
	}
	c.Jobs.Handle(jobInvoke, s.runInvocation)
	c.Jobs.Handle(jobRevoke, s.revoke)
	c.Jobs.Handle(jobTools, s.runTools)
	c.Jobs.Handle(jobVerify, s.verify)
	c.Jobs.Handle(jobLetter, s.sendLetter)
	c.Connectors.Also(s.settingsChanged, s.connectorGone)
	c.Connectors.Offering(s.offers)
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		connector.Doing(s.Connectors, api.Handle(onsightapi.ListActions, s.listing, s.listActions),
			func(in *onsightapi.ListActionsRequest) (string, string) { return in.AwsAccountId, in.ActionConnectorId }),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DescribeAction, s.describing, s.describeAction),
			func(in *onsightapi.DescribeActionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.InvokeAction, s.invoking, s.invokeAction),
			func(in *onsightapi.InvokeActionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.InvokeActionWithResponseStream, s.streaming, s.invokeActionWithResponseStream),
			func(in *onsightapi.InvokeActionWithResponseStreamRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.GetActionInvocation, s.getting, s.getActionInvocation),
			func(in *onsightapi.GetActionInvocationRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.TestActionConnector, s.testing, s.testActionConnector),
			func(in *onsightapi.TestActionConnectorRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.UpdateEnabledActions, s.enabling, s.updateEnabledActions),
			func(in *onsightapi.UpdateEnabledActionsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.UpdateActionConnectorDefinition, s.defining, s.updateActionConnectorDefinition),
			func(in *onsightapi.UpdateActionConnectorDefinitionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DescribeActionConnectorDefinition, s.describingDefinition, s.describeActionConnectorDefinition),
			func(in *onsightapi.DescribeActionConnectorDefinitionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DeleteActionConnectorDefinition, s.undefining, s.deleteActionConnectorDefinition),
			func(in *onsightapi.DeleteActionConnectorDefinitionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.RefreshActionConnectorDefinition, s.refreshing, s.refreshActionConnectorDefinition),
			func(in *onsightapi.RefreshActionConnectorDefinitionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.StartActionConnection, s.starting, s.startActionConnection),
			func(in *onsightapi.StartActionConnectionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DescribeActionConnection, s.describingConnection, s.describeActionConnection),
			func(in *onsightapi.DescribeActionConnectionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DeleteActionConnection, s.deletingConnection, s.deleteActionConnection),
			func(in *onsightapi.DeleteActionConnectionRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.UpdateActionConnectorGuards, s.guarding, s.updateGuards),
			func(in *onsightapi.UpdateActionConnectorGuardsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.DescribeActionConnectorGuards, s.describingGuards, s.describeGuards),
			func(in *onsightapi.DescribeActionConnectorGuardsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		connector.Doing(s.Connectors, api.Handle(onsightapi.ListActionCalls, s.listingCalls, s.listActionCalls),
			func(in *onsightapi.ListActionCallsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
	}
}

// client gives the way out of the house that a connector takes.
func (s *Service) client(tx *store.Tx, vpcConnection string) (*outbound.Client, outbound.Profile, error) {
	profile := s.Networks.Default()
	if vpcConnection != "" {
		var err error
		if profile, err = s.Networks.Profile(tx, vpcConnection); err != nil {
			return nil, profile, err
		}
	}
	return s.Clients.Of(profile), profile, nil
}
