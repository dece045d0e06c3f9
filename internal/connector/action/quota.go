package action

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// Spans of time in which calls are counted.
const (
	aMinute = "M"
	aDay    = "D"
)

// spans are their lengths; a day is one in UTC.
var spans = map[string]time.Duration{aMinute: time.Minute, aDay: 24 * time.Hour}

// A quota is how much of a connector a principal, or all (empty), may use in a
// span; zeros are no limits.
type quota struct {
	principal    string
	span         string
	calls, units int64
}

// quotas are those of a connector for all, and for a caller where one is named,
// in the order in which they are always counted.
func quotas(g *connector.Guards, caller string) []quota {
	all := []quota{{"", aMinute, g.Minute, 0}, {"", aDay, g.Day, g.Units}}
	if caller != "" {
		all = append(all, quota{caller, aMinute, g.MinuteCaller, 0}, quota{caller, aDay, g.DayCaller, g.UnitsCaller})
	}
	some := all[:0]
	for _, q := range all {
		if q.calls != 0 || q.units != 0 {
			some = append(some, q)
		}
	}
	return some
}

// cost is how many units an action costs.
func cost(g *connector.Guards, action string) int64 {
	if n := g.Costs[action]; n > 0 {
		return n
	}
	return 1
}

// A use is what was used in a span.
type use struct {
	Calls int64 `db:"calls"`
	Units int64 `db:"units"`
}

// used reads what was used in the span that is now.
func (s *Service) used(tx *store.Tx, arn string, q quota) (use, error) {
	start, _ := s.spanOf(q)
	n, err := store.One[use](tx, `SELECT calls, units FROM connector_usage WHERE arn = $1 AND principal = $2 AND span = $3 AND start_us = $4`,
		arn, q.principal, q.span, store.Micros(start))
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return n, err
}

// spanOf is when the span that is now has begun, and when it ends.
func (s *Service) spanOf(q quota) (start, end time.Time) {
	start = s.Now().UTC().Truncate(spans[q.span])
	return start, start.Add(spans[q.span])
}

// spend counts a call of an action, or refuses it. Servers that share a database
// share the counts. Connectors without limits cost nothing.
func (s *Service) spend(tx *store.Tx, k *ready) error {
	price := cost(&k.live.Guards, k.request.Action)
	for _, q := range quotas(&k.live.Guards, k.who.key()) {
		start, end := s.spanOf(q)
		n, err := tx.Exec(`INSERT INTO connector_usage (arn, principal, span, start_us, account, calls, units, expires_us) VALUES ($1, $2, $3, $4, $5, 1, $6, $7)
			ON CONFLICT (arn, principal, span, start_us) DO UPDATE SET calls = connector_usage.calls + 1, units = connector_usage.units + excluded.units
			WHERE connector_usage.calls < $8 AND connector_usage.units <= $9`,
			k.live.ARN, q.principal, q.span, store.Micros(start), k.live.Key.Account, price, store.Micros(end.Add(time.Hour)), most(q.calls), most(q.units)-price)
		if err != nil {
			return err
		}
		if n == 0 {
			return s.exhausted(tx, k, q, price, end)
		}
	}
	return nil
}

func most(limit int64) int64 {
	if limit == 0 {
		return math.MaxInt64
	}
	return limit
}

// exhausted says which limit a call would break, and when it can be made.
func (s *Service) exhausted(tx *store.Tx, k *ready, q quota, price int64, end time.Time) error {
	n, err := s.used(tx, k.live.ARN, q)
	if err != nil {
		return err
	}
	span := map[string]string{aMinute: "minute", aDay: "day"}[q.span]
	who := "All callers together"
	if q.principal != "" {
		who = nameOf(q.principal)
	}
	what := fmt.Sprintf("%s may call action connector %s %s a %s, and have done so.", who, k.live.Key.ID, times(q.calls), span)
	if q.principal != "" {
		what = fmt.Sprintf("%s may call action connector %s %s a %s, and has done so.", who, k.live.Key.ID, times(q.calls), span)
	}
	if q.calls == 0 || n.Calls < q.calls {
		what = fmt.Sprintf("%s may spend %d units a %s with action connector %s: %d are spent, and action %s costs %d.", who, q.units, span, k.live.Key.ID, n.Units, k.request.Action, price)
	}
	s.Meter.Throttled(span)
	f := fault.Throttled()
	f.Message = what + " Next possible at " + end.Format(time.RFC3339) + "."
	wait := max(1, int64(math.Ceil(end.Sub(s.Now()).Seconds())))
	f.Members = map[string]string{"RetryAfterSeconds": strconv.FormatInt(wait, 10)}
	return f
}

func times(n int64) string {
	if n == 1 {
		return "once"
	}
	return strconv.FormatInt(n, 10) + " times"
}
