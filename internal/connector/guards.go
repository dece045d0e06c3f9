package connector

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Guards are what the owner of a connector has set beyond QuickSight's API.
// Zeros are no limits.
type Guards struct {
	// Confirm is DESTRUCTIVE or WRITES where actions have to be confirmed before
	// they are performed; empty for none.
	Confirm string `json:"confirm,omitempty"`
	// Calls of a minute by the clock, and of a day in UTC: of all, and of each caller.
	Minute       int64 `json:"minute,omitempty"`
	MinuteCaller int64 `json:"minuteCaller,omitempty"`
	Day          int64 `json:"day,omitempty"`
	DayCaller    int64 `json:"dayCaller,omitempty"`
	// Units that may be spent in a day, and what actions cost; 1 where it is not said.
	Units       int64            `json:"units,omitempty"`
	UnitsCaller int64            `json:"unitsCaller,omitempty"`
	Costs       map[string]int64 `json:"costs,omitempty"`
	// Verify is HOURLY or DAILY where the connector is checked by itself; empty for never.
	Verify string `json:"verify,omitempty"`
}

// Guarded gives the connectors of an account, in whichever region, that have
// guards.
func (s *Service) Guarded(tx *store.Tx, account string) ([]*Live, error) {
	all, err := connectors.All(tx, account)
	if err != nil {
		return nil, err
	}
	var guarded []*Live
	for _, it := range all {
		if !it.Doc.Guards.none() {
			guarded = append(guarded, live(it))
		}
	}
	return guarded, nil
}

// Usable gives the connectors of an account, in whichever region, that can be
// used.
func (s *Service) Usable(tx *store.Tx, account string) ([]*Live, error) {
	all, err := connectors.All(tx, account)
	if err != nil {
		return nil, err
	}
	var usable []*Live
	for _, it := range all {
		if it.Status != creating && it.Status != notCreated {
			usable = append(usable, live(it))
		}
	}
	return usable, nil
}

// none tells whether nothing is guarded.
func (g *Guards) none() bool {
	return g.Confirm == "" && g.Verify == "" && g.Minute == 0 && g.MinuteCaller == 0 && g.Day == 0 && g.DayCaller == 0 && g.Units == 0 && g.UnitsCaller == 0
}

// Guard sets the guards of a connector, in the place of those before.
func (s *Service) Guard(ctx context.Context, tx *store.Tx, k resource.Key, g Guards) error {
	if err := s.accounts.Subscribed(tx, k.Account); err != nil {
		return err
	}
	it, err := connectors.Update(tx, k, s.now(), func(it *item) error {
		if busy(it.Status) {
			// The job at work knows the connector by its version.
			return connectors.Busy(it)
		}
		it.Doc.Guards = g
		return nil
	})
	if err == nil {
		api.Note(ctx, "connector", it.ARN)
	}
	return err
}
