package action

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// jobVerify checks a connector by its schedule; its key is the connector's ARN.
// Each leaves the next.
const jobVerify = "connector.check"

// tellAfter is how many checks in a row have to fail before owners are told.
const tellAfter = 3

// Pauses until the next check.
const (
	soon      = 10 * time.Minute // after a failure that nobody was told of
	troubled  = time.Hour        // at most, while it fails
	notNow    = time.Minute      // while the connector is being changed
	checkBusy = time.Second      // while too many jobs are waiting for services
)

// schedules are how often connectors are checked.
var schedules = map[string]time.Duration{
	string(onsightapi.ActionVerificationHourly): time.Hour,
	string(onsightapi.ActionVerificationDaily):  24 * time.Hour,
}

// A health is a row of connector_health.
type health struct {
	ARN       string `db:"arn"`
	Account   string `db:"account"`
	Chain     string `db:"chain"`
	Passed    bool   `db:"passed"`
	Message   string `db:"message"`
	Failures  int64  `db:"failures"`
	SinceUS   int64  `db:"since_us"`
	CheckedUS int64  `db:"checked_us"`
	NextUS    int64  `db:"next_us"`
	Told      bool   `db:"told"`
	RefusedUS int64  `db:"refused_us"`
}

const healthColumns = `arn, account, chain, passed, message, failures, since_us, checked_us, next_us, told, refused_us`

// healthOf reads how a connector is; zero where nothing is known.
func (s *Service) healthOf(tx *store.Tx, l *connector.Live) (health, error) {
	h, err := store.One[health](tx, `SELECT `+healthColumns+` FROM connector_health WHERE arn = $1`, l.ARN)
	if errors.Is(err, store.ErrNotFound) {
		return health{ARN: l.ARN, Account: l.Key.Account}, nil
	}
	return h, err
}

// keepHealth writes how a connector is.
func keepHealth(tx *store.Tx, h health) error {
	_, err := tx.Exec(`INSERT INTO connector_health (`+healthColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
		ON CONFLICT (arn) DO UPDATE SET chain = excluded.chain, passed = excluded.passed, message = excluded.message, failures = excluded.failures,
			since_us = excluded.since_us, checked_us = excluded.checked_us, next_us = excluded.next_us, told = excluded.told, refused_us = excluded.refused_us`,
		h.ARN, h.Account, h.Chain, h.Passed, h.Message, h.Failures, h.SinceUS, h.CheckedUS, h.NextUS, h.Told, h.RefusedUS)
	return err
}

func shownHealth(h health) *onsightapi.ActionConnectorHealth {
	if h.CheckedUS == 0 && h.NextUS == 0 && h.RefusedUS == 0 {
		return nil
	}
	out := &onsightapi.ActionConnectorHealth{}
	at := func(us int64) *time.Time {
		if us == 0 {
			return nil
		}
		return new(store.Time(us))
	}
	out.LastCheckTime, out.NextCheckTime, out.FailingSince, out.CredentialsRefusedSince = at(h.CheckedUS), at(h.NextUS), at(h.SinceUS), at(h.RefusedUS)
	if h.CheckedUS != 0 {
		out.Passed, out.Failures = &h.Passed, &h.Failures
	}
	if h.Message != "" {
		out.Message = &h.Message
	}
	return out
}

// A round is what a job of a schedule knows: of which chain it is.
type round struct{ Chain string }

// schedule has a connector checked as often as its guards say, beginning now;
// jobs of a schedule before end by themselves.
func (s *Service) schedule(tx *store.Tx, l *connector.Live, verify string) error {
	h, err := s.healthOf(tx, l)
	if err != nil {
		return err
	}
	refused := h.RefusedUS
	h = health{ARN: l.ARN, Account: l.Key.Account, RefusedUS: refused}
	if verify == "" {
		return keepHealth(tx, h)
	}
	h.Chain, h.NextUS = newSecret(), store.Micros(s.Now())
	if err := keepHealth(tx, h); err != nil {
		return err
	}
	return job.Add(tx, jobVerify, l.ARN, round{h.Chain}, s.Now())
}

// Rescheduled has the connectors of an account checked by their schedules, after
// the account has come from elsewhere.
func (s *Service) Rescheduled(tx *store.Tx, account string) error {
	all, err := s.Connectors.Guarded(tx, account)
	if err != nil {
		return err
	}
	for _, l := range all {
		if l.Guards.Verify != "" {
			if err := s.schedule(tx, l, l.Guards.Verify); err != nil {
				return err
			}
		}
	}
	return nil
}

// verify is the job.
func (s *Service) verify(ctx context.Context, j job.Job) error {
	var r round
	if err := j.Decode(&r); err != nil {
		return err
	}
	k, err := keyOfARN(j.Key)
	if err != nil {
		return err
	}
	again := func(in time.Duration) error {
		return s.DB.Write(plain(ctx), func(tx *store.Tx) error { return job.Add(tx, jobVerify, j.Key, r, s.Now().Add(in)) })
	}
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		return again(checkBusy)
	}
	var l *connector.Live
	goesOn := false
	var closed error
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if l, err = s.Connectors.Find(tx, k); err != nil {
			return err
		}
		h, err := s.healthOf(tx, l)
		if goesOn = err == nil && h.Chain == r.Chain && schedules[l.Guards.Verify] != 0; !goesOn {
			return err
		}
		var open *connector.Live
		if open, closed = s.Connectors.Open(tx, k); closed == nil {
			l = open
		}
		return nil
	})
	if f := fault.Of(err); f != nil && f.Code == "ResourceNotFoundException" || err == nil && !goesOn {
		return nil // the connector is gone, or checked by another schedule
	}
	if err != nil {
		return err
	}
	v := verdict{}
	switch f, isFault := errors.AsType[*fault.Fault](closed); {
	case isFault && l.Status == "CREATION_IN_PROGRESS":
		return again(notNow)
	case isFault:
		v.reason = f.Message
	case closed != nil:
		return closed
	case l.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode:
		// Only people have credentials.
	default:
		limit, cancel := context.WithTimeout(ctx, checkLimit)
		defer cancel()
		if v, err = s.test(limit, l, itself, false); err != nil {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err() // the server stops
		}
	}
	return s.DB.Write(plain(ctx), func(tx *store.Tx) error { return s.checked(tx, k, r, v) })
}

// checked keeps what a check came to, tells the owners where that is news, and
// leaves the next.
func (s *Service) checked(tx *store.Tx, k Key, r round, v verdict) error {
	l, err := s.Connectors.Find(tx, k)
	if f := fault.Of(err); f != nil && f.Code == "ResourceNotFoundException" {
		return nil
	}
	if err != nil {
		return err
	}
	h, err := s.healthOf(tx, l)
	every := schedules[l.Guards.Verify]
	if err != nil || h.Chain != r.Chain || every == 0 {
		return err
	}
	now := s.Now()
	h.CheckedUS, h.Passed, h.Message = store.Micros(now), v.reason == "", tidy(v.reason, 1000)
	pause := every
	switch {
	case h.Passed:
		if h.Told {
			if err := s.notice(tx, l, checkRecovered, "", "", "", 0); err != nil {
				return err
			}
		}
		h.Failures, h.SinceUS, h.Told = 0, 0, false
	default:
		if h.Failures++; h.SinceUS == 0 {
			h.SinceUS = h.CheckedUS
		}
		pause = min(every, troubled)
		if h.Failures < tellAfter {
			pause = soon
		} else if !h.Told {
			h.Told = true
			if err := s.notice(tx, l, checkFailed, "", "", h.Message, h.Failures); err != nil {
				return err
			}
		}
	}
	// Connectors that were guarded at once are not checked at once for ever.
	next := now.Add(pause - pause/20 + rand.N(pause/10))
	h.NextUS = store.Micros(next)
	if err := keepHealth(tx, h); err != nil {
		return err
	}
	return job.Add(tx, jobVerify, l.ARN, r, next)
}

// subject finds the connector that a notice is about. Where it can't be looked at
// it is nil: what the service gave is kept all the same.
func (s *Service) subject(tx *store.Tx, name string) (*connector.Live, error) {
	k, err := keyOfARN(name)
	if err != nil {
		return nil, err
	}
	l, err := s.Connectors.Find(tx, k)
	if _, ok := errors.AsType[*fault.Fault](err); ok {
		return nil, nil //nolint:nilnil // there is none to tell of
	}
	return l, err
}

// clientIs notes whether the service accepts a connector's client, and tells the
// owners when it does so no longer.
func (s *Service) clientIs(tx *store.Tx, r *record, refused bool, reason string) error {
	if !refused {
		_, err := tx.Exec(`UPDATE connector_health SET refused_us = 0 WHERE arn = $1 AND refused_us <> 0`, r.ARN)
		return err
	}
	l, err := s.subject(tx, r.ARN)
	if l == nil || err != nil {
		return err
	}
	h, err := s.healthOf(tx, l)
	if err != nil || h.RefusedUS != 0 {
		return err
	}
	h.RefusedUS = store.Micros(s.Now())
	if err := keepHealth(tx, h); err != nil {
		return err
	}
	return s.notice(tx, l, clientRefused, "", "", reason, 0)
}

// reauthNeeded tells the person whose authorisation is void.
func (s *Service) reauthNeeded(tx *store.Tx, r *record, reason string) error {
	l, err := s.subject(tx, r.ARN)
	if l == nil || err != nil {
		return err
	}
	lang, err := store.One[string](tx, `SELECT lang FROM connector_tokens WHERE arn = $1 AND principal = $2`, r.ARN, r.Principal)
	if err != nil {
		return err
	}
	user := nameOf(r.Principal)
	if a, err := arn.Parse(user); err != nil || !a.IsQuickSight() {
		// A caller of the API, who is no user and has no letters.
		s.leaveNotice(tx, l, connectionOver, user, reason)
		return nil //nolint:nilerr // the notice is all there is
	}
	return s.notice(tx, l, connectionOver, user, lang, reason, 0)
}
