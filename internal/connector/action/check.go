package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/definitions"
	"onsight/internal/connector/engine"
	"onsight/internal/connector/pointer"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// checkLimit is how long a check may take.
const checkLimit = 20 * time.Second

// Checker checks new settings of connectors: what can be seen of them, and then
// by the test of their type, at the service. It implements connector.Checker.
type Checker struct {
	Structure connector.Structure
	Service   *Service
}

// Check implements connector.Checker. People's own sign-ins are made later, so
// of these nothing is asked of the service.
func (c *Checker) Check(ctx context.Context, new *connector.Connection) error {
	if err := c.Structure.Check(ctx, new); err != nil {
		return err
	}
	if new.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode || new.Auth.Type == qs.ConnectionAuthTypeNone {
		return nil
	}
	a, err := arn.Parse(new.ARN)
	if err != nil {
		return err
	}
	_, id := a.Split()
	l := &connector.Live{Connection: *new, Key: resource.Key{Account: a.Account, Region: a.Region, ID: id}}
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	v, err := c.Service.test(ctx, l, l.ARN, true)
	if err != nil {
		return err
	}
	switch {
	case v.reason == "":
		return nil
	case v.passing:
		return &passing{v.reason}
	}
	return &connector.Rejection{Reason: v.reason}
}

// passing is an error of the moment.
type passing struct{ reason string }

func (e *passing) Error() string { return e.reason }

// A verdict is what a test came to.
type verdict struct {
	// reason says which part failed, and what to do; empty where none did.
	reason  string
	passing bool
	// account tells whose credentials they are, as far as the service says.
	accountID, account string
}

// test performs the test of a connector's type.
func (s *Service) test(ctx context.Context, l *connector.Live, principal string, fresh bool) (verdict, error) {
	if _, ok := definitions.Of(string(l.Type)); !ok {
		return verdict{}, nil // there is nothing to ask
	}
	var d *definition.Definition
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		d, err = s.Definition(tx, l)
		return err
	})
	if errors.Is(err, errUnlisted) || err == nil && d.Remote {
		if _, err = s.refresh(plain(ctx), l, principal, fresh); err != nil {
			return judged(&definition.Test{}, l, err), ofMoment(err)
		}
		return verdict{}, nil
	}
	if err != nil {
		return judged(&definition.Test{}, l, err), ofMoment(err)
	}
	t := d.Connector.Test.Of(string(l.Auth.Type))
	if t.Operation == "" {
		return verdict{}, nil
	}
	o := d.Operations[t.Operation]
	input := t.Input
	if input == nil {
		input = json.RawMessage("{}")
	}
	if len(t.Codes) > 0 {
		input = json.RawMessage(strings.NewReplacer("{account}", l.Key.Account, "{region}", l.Key.Region, "{partition}", partition(l.Key.Region)).Replace(string(input)))
	}
	var values map[string]any
	values, err = o.Check(input)
	if err != nil {
		return verdict{}, fmt.Errorf("test of %s: %w", l.Type, err)
	}
	var c *engine.Call
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		client, profile, err := s.client(tx, l.VPCConnectionARN)
		if err != nil {
			return err
		}
		c, err = s.call(l, d, o, client, profile, principal, fresh)
		return err
	})
	if err != nil {
		return judged(&t, l, err), ofMoment(err)
	}
	c.Input, c.Limits = values, engine.Limits{Attempts: 2, Patience: 2 * time.Second}
	a := d.Connector.Authentication[string(l.Auth.Type)]
	token := &examined{Credential: c.Credential, rights: a.Rights}
	if a.Rights != nil {
		c.Credential = token
	}
	res, err := c.Do(ctx)
	if err != nil {
		v := judged(&t, l, err)
		if e, ok := errors.AsType[*engine.Error](err); ok && e.Kind == engine.Denied && len(token.missing) > 0 {
			v.reason += " " + token.advice()
		}
		return v, ofMoment(err)
	}
	value, err := decoded(res.Output)
	if err != nil {
		return verdict{}, err
	}
	if !engine.Holds(t.Success, value) {
		return verdict{reason: fmt.Sprintf("The service answers, but not as it does to somebody whom it knows (%s). Check the credentials.", o.ID)}, nil
	}
	return verdict{accountID: text(value, a.Account.ID), account: text(value, a.Account.Label)}, nil
}

// partition is the first part of ARNs in a region.
func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

func text(value any, at string) string {
	if at == "" {
		return ""
	}
	return tidy(pointer.Text(value, at), 256)
}

// decoded gives a result as JSON has it.
func decoded(v any) (any, error) {
	text, err := output(v)
	if err != nil || text == nil {
		return nil, err
	}
	var value any
	return value, json.Unmarshal(text, &value)
}

// ofMoment keeps errors that are no verdict: our own.
func ofMoment(err error) error {
	if _, ok := errors.AsType[*engine.Error](err); ok {
		return nil
	}
	if _, ok := errors.AsType[*lack](err); ok {
		return nil
	}
	if _, ok := errors.AsType[*tokenError](err); ok {
		return nil
	}
	if _, ok := errors.AsType[*fault.Fault](err); ok {
		return nil
	}
	return err
}

// judged says which part of a connector failed, and what to do about it.
func judged(t *definition.Test, l *connector.Live, err error) verdict {
	if e, ok := errors.AsType[*lack](err); ok {
		return verdict{reason: e.reason}
	}
	if e, ok := errors.AsType[*tokenError](err); ok {
		v := verdict{reason: e.reason, passing: e.passing}
		if e.code == "invalid_client" {
			v.reason += " Check ClientId and ClientSecret."
		}
		return v
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return verdict{reason: f.Message}
	}
	e, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return verdict{}
	}
	if slices.Contains(t.Codes, e.Code) {
		return verdict{}
	}
	at, place := "BaseEndpoint", "BaseEndpoint"
	if l.Auth.Type == qs.ConnectionAuthTypeIAM {
		at, place = "the endpoint of this region", "whether the service is offered in "+l.Key.Region
	}
	said := fmt.Sprintf(" The service says (status %d): %s", e.Status, e.Error())
	switch e.Kind {
	case engine.Unauthenticated:
		return verdict{reason: "The service does not accept " + credentialsOf(l) + ". Check it." + said}
	case engine.Refused:
		return verdict{reason: e.Message + " Check " + place + ", or choose a VPC connection from which it can be reached."}
	default:
	}
	if t.Answers && e.Status > 0 {
		return verdict{} // it answers, and that is all that can be known
	}
	switch e.Kind {
	case engine.Denied:
		return verdict{reason: "The service knows the credentials, and they may not do what the test of the connector does. Give them the rights or the scopes that they need." + said}
	case engine.Missing:
		return verdict{reason: "There is no such service at " + at + ". Check it." + said}
	case engine.Throttled, engine.TimedOut, engine.Unavailable:
		if e.Status == 0 {
			return verdict{reason: e.Message + " Check " + place + ", and whether the service can be reached from here.", passing: true}
		}
		return verdict{reason: "The service could not be asked." + said, passing: true}
	default:
		return verdict{reason: "The service refuses the test of the connector. Check " + place + "." + said}
	}
}

// credentialsOf names what a connector authenticates with.
func credentialsOf(l *connector.Live) string {
	switch l.Auth.Type {
	case qs.ConnectionAuthTypeBasic:
		return "Username and Password"
	case qs.ConnectionAuthTypeAPIKey:
		return "ApiKey"
	case qs.ConnectionAuthTypeIAM:
		return "the role RoleArn"
	case qs.ConnectionAuthTypeOauth2ClientCredentials:
		return "the token that ClientId and ClientSecret are good for"
	case qs.ConnectionAuthTypeOauth2AuthorizationCode:
		return "your sign-in"
	default:
		return "requests without credentials"
	}
}
