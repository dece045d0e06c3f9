package config

import (
	"errors"
	"flag"
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Actions are the settings of connectors that act.
type Actions struct {
	// CheckConnectors has new settings of connectors tried at the services.
	CheckConnectors bool
	// ActionRate is how many calls a second each caller may make with one
	// connector; 0 is as many as they like.
	ActionRate float64
	// ActionPayloads keeps inputs and outputs of calls, redacted;
	// ActionRetention is how long calls are kept.
	ActionPayloads  bool
	ActionRetention time.Duration
	// ActionStreamLimit is how many MiB a file may have that is passed on as it
	// comes; 0 is no limit.
	ActionStreamLimit int64
	// AWSEndpoints are the addresses of AWS's services where they are not AWS's
	// own; AWSExternalID is told where roles of connectors are assumed.
	AWSEndpoints  Endpoints
	AWSExternalID string
	// Language is that of letters to people whose own is not known.
	Language string
}

func (c *Actions) flags(fs *flag.FlagSet) {
	fs.BoolVar(&c.CheckConnectors, "check-connectors", true, "try new settings of action connectors at their services before they come into force (default false with -dev)")
	fs.Float64Var(&c.ActionRate, "action-rate", 20, "`number` of actions a second that each caller may perform with one connector, for a moment twice as many; 0 is no limit")
	fs.BoolVar(&c.ActionPayloads, "action-payloads", false, "keep inputs and outputs of actions with the calls, shortened and without what looks like a secret")
	fs.Int64Var(&c.ActionStreamLimit, "action-stream-limit", 5<<10, "largest file in `MiB` that an action may stream from its service; 0 is no limit")
	fs.DurationVar(&c.ActionRetention, "action-retention", 30*24*time.Hour, "how long calls of actions are kept; 0 keeps them")
	fs.TextVar(&c.AWSEndpoints, "aws-endpoints", Endpoints(nil), "`addresses` of AWS's services for connectors that authenticate with IAM, such as sts=https://sts.example.org,s3=https://s3.example.org; * is all others")
	fs.StringVar(&c.Language, "language", "en", "`language` of letters to people whose own is not known: en or de")
	fs.StringVar(&c.AWSExternalID, "aws-external-id", "", "external `id` that is told where roles of connectors are assumed (default the connector's ARN)")
}

func (c *Actions) complete() error {
	if c.ActionRate < 0 || c.ActionRetention < 0 || c.ActionStreamLimit < 0 {
		return errors.New("-action-rate, -action-retention and -action-stream-limit must not be negative")
	}
	if c.Language != "en" && c.Language != "de" {
		return fmt.Errorf("-language %q is neither en nor de", c.Language)
	}
	return nil
}

// Endpoints are addresses of services by their names.
type Endpoints map[string]string

// MarshalText writes the addresses.
func (e Endpoints) MarshalText() ([]byte, error) {
	var all []string
	for name, address := range e {
		all = append(all, name+"="+address)
	}
	return []byte(strings.Join(all, ",")), nil
}

// UnmarshalText reads the addresses.
func (e *Endpoints) UnmarshalText(text []byte) error {
	*e = Endpoints{}
	for one := range strings.SplitSeq(string(text), ",") {
		name, address, ok := strings.Cut(strings.TrimSpace(one), "=")
		u, err := url.Parse(address)
		if !ok || name == "" || err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			return fmt.Errorf("%q is not the name of a service with its address, such as sts=https://sts.example.org", one)
		}
		(*e)[name] = address
	}
	return nil
}
