package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"sync"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/definitions"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// An own is a row of connector_definitions.
type own struct {
	ARN       string `db:"arn"`
	Account   string `db:"account"`
	Kind      string `db:"kind"`
	Chosen    bool   `db:"chosen"`
	Base      string `db:"base"`
	Document  string `db:"document"`
	Hash      string `db:"hash"`
	Principal string `db:"principal"`
	Message   string `db:"message"`
	UpdatedUS int64  `db:"updated_us"`
	CheckedUS int64  `db:"checked_us"`
}

// Kinds of definitions.
const (
	byOpenAPI = string(onsightapi.DefinitionKindOpenapi)
	byMCP     = string(onsightapi.DefinitionKindMcp)
)

// mayOwn tells whether connectors of a type may have a definition of their own.
func mayOwn(t qs.ActionConnectorType) bool {
	return t == qs.ActionConnectorTypeGenericHTTP || t == qs.ActionConnectorTypePagerdutyAdvance
}

// errUnlisted says that an MCP server has to be asked for its tools first.
var errUnlisted = fault.Conflict("The tools of the MCP server behind the connector are not known yet. List its actions first.")

// speaksMCP tells whether it is the type's way to have an MCP server at a base
// endpoint.
func speaksMCP(l *connector.Live, usual *definition.Definition) bool {
	at := strings.TrimSuffix(l.Auth.BaseEndpoint, "/")
	return slices.ContainsFunc(usual.Connector.MCP, func(end string) bool { return strings.HasSuffix(at, end) })
}

// ownOf reads the row of a connector, if there is one. The document stays where
// it is.
func ownOf(tx *store.Tx, arn string) (*own, error) {
	o, err := store.One[own](tx, `SELECT arn, account, kind, chosen, base, '' AS document, hash, principal, message, updated_us, checked_us
		FROM connector_definitions WHERE arn = $1`, arn)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	return &o, err
}

func documentOf(tx *store.Tx, arn string) (string, error) {
	return store.One[string](tx, `SELECT document FROM connector_definitions WHERE arn = $1`, arn)
}

// keepOwn writes a row in the place of the one before.
func keepOwn(tx *store.Tx, o *own) error {
	if _, err := tx.Exec(`DELETE FROM connector_definitions WHERE arn = $1`, o.ARN); err != nil {
		return err
	}
	return store.Insert(tx, "connector_definitions", *o)
}

// Definition gives what a connector can do: what its type can, unless the
// connector has a definition of its own. A call uses the definition that it
// found at its beginning to its end. The error is errUnlisted where an MCP server
// has to be asked.
func (s *Service) Definition(tx *store.Tx, l *connector.Live) (*definition.Definition, error) {
	d, err := usual(l)
	if err != nil || !mayOwn(l.Type) {
		return d, err
	}
	o, err := ownOf(tx, l.ARN)
	switch {
	case err != nil:
		return nil, err
	case o != nil && !o.Chosen && !speaksMCP(l, d):
		return d, nil // the base endpoint has become another
	case o == nil && !speaksMCP(l, d):
		return d, nil
	case o == nil || o.Kind == byMCP && (o.Hash == "" || o.Base != l.Auth.BaseEndpoint):
		return nil, errUnlisted
	}
	return s.compiled.of(tx, o, l, d)
}

// usual is what connectors of a type can do, and how they authenticate.
func usual(l *connector.Live) (*definition.Definition, error) {
	d, ok := definitions.Of(string(l.Type))
	if !ok {
		return nil, fault.Invalid("Connectors of type %s have no actions in this version of Onsight.", l.Type)
	}
	return d.For(string(l.Auth.Type)), nil
}

// offers is what DescribeActionConnector shows where no actions were chosen, of
// connectors that have a definition of their own.
func (s *Service) offers(tx *store.Tx, l *connector.Live) ([]string, bool, error) {
	if !mayOwn(l.Type) {
		return nil, false, nil
	}
	o, err := ownOf(tx, l.ARN)
	if err != nil {
		return nil, false, err
	}
	kind, err := usual(l)
	if err != nil || o == nil && !speaksMCP(l, kind) {
		return nil, false, nil //nolint:nilerr // the type tells what it offers
	}
	d, err := s.Definition(tx, l)
	if errors.Is(err, errUnlisted) {
		return kind.Connector.Tools, true, nil
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		s.Log.DebugContext(tx.Context(), "actions can't be shown", "connector", l.ARN, "why", f.Message)
		return nil, true, nil
	}
	if err != nil {
		return nil, true, err
	}
	return offered(l, d), true, nil
}

// compiled keeps definitions that connectors have of their own, by what they
// are made of.
type compiled struct {
	mu  sync.Mutex
	all map[string]*definition.Definition
}

// maxCompiled is how many are kept.
const maxCompiled = 256

func (c *compiled) get(key string) *definition.Definition {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.all[key]
}

func (c *compiled) put(key string, d *definition.Definition) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.all == nil || len(c.all) >= maxCompiled {
		c.all = make(map[string]*definition.Definition)
	}
	c.all[key] = d
}

// of gives the definition of a connector that has its own.
func (c *compiled) of(tx *store.Tx, o *own, l *connector.Live, usual *definition.Definition) (*definition.Definition, error) {
	key := o.Kind + " " + o.Hash + " " + string(l.Auth.Type) + " " + l.Auth.BaseEndpoint
	if d := c.get(key); d != nil {
		return d, nil
	}
	document, err := documentOf(tx, l.ARN)
	if err != nil {
		return nil, err
	}
	d, err := compile(o.Kind, document, l, usual)
	if err != nil {
		return nil, err
	}
	c.put(key, d)
	return d, nil
}

// compile makes a definition of a document that was accepted before.
func compile(kind, document string, l *connector.Live, usual *definition.Definition) (*definition.Definition, error) {
	if kind == byMCP {
		return definition.OfTools([]byte(document), usual)
	}
	base, err := url.Parse(l.Auth.BaseEndpoint)
	if err != nil {
		return nil, fmt.Errorf("base endpoint of %s: %w", l.ARN, err)
	}
	d, _, problems := definition.Accepted([]byte(document), base, usual)
	if problems != nil {
		return nil, fault.Invalid("The definition of action connector %s can't be used by this version of Onsight: %v. Give it another one.", l.Key.ID, problems[0])
	}
	return d, nil
}

func contentHash(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

// summaries describe the actions of a connector.
func summaries(l *connector.Live, d *definition.Definition) []onsightapi.ActionSummary {
	all := []onsightapi.ActionSummary{}
	for _, id := range offered(l, d) {
		o := d.Operations[id]
		all = append(all, onsightapi.ActionSummary{
			ActionId: &o.ID, Name: &o.Label, Description: &o.Description, Write: &o.Write, Destructive: &o.Destructive, Enabled: new(enabled(l, id)),
		})
	}
	return all
}

// narrow takes out of the actions that an owner has chosen those that are no
// more: nothing else is enabled in their place.
func (s *Service) narrow(ctx context.Context, tx *store.Tx, l *connector.Live, d *definition.Definition) ([]string, error) {
	if l.Enabled == nil {
		return nil, nil
	}
	there := offered(l, d)
	left := slices.DeleteFunc(slices.Clone(l.Enabled), func(id string) bool { return !slices.Contains(there, id) })
	if len(left) == len(l.Enabled) {
		return left, nil
	}
	if left == nil {
		left = []string{}
	}
	l.Enabled = left
	return left, s.Connectors.Enable(ctx, tx, l.Key, left)
}
