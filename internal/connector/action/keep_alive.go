package action

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"time"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/fault"
	"onsight/internal/outbound"
	"onsight/internal/store"
)

// Bounds of keeping authorisations alive: services let refresh tokens lapse that
// are not used for weeks, or months.
const (
	aliveEvery = 24 * time.Hour
	aliveRetry = time.Hour
	aliveAgain = 20 * time.Hour // one that was renewed since then needs nothing
	aliveMost  = 100            // in one go, one after the other
)

// never is when what can't be renewed is looked at again.
const never = math.MaxInt64

// aliveAt is when an authorisation is to be renewed, used or not.
func aliveAt(g *granted, now time.Time, failed bool) int64 {
	switch {
	case g.Refresh == "":
		return never
	case failed:
		return store.Micros(now.Add(aliveRetry))
	}
	return store.Micros(now.Add(aliveEvery - aliveEvery/12 + rand.N(aliveEvery/6)))
}

// KeepAlive renews authorisations of people that nobody has used for a day. It is
// called again and again; each call renews a hundred at most, one by one, and of
// all servers that share the database one renews each.
func (s *Service) KeepAlive(ctx context.Context) error {
	var rows []record
	var due []int64
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		const which = ` FROM connector_tokens WHERE alive_us <= $1 AND principal <> $2 AND status IN ($3, $4) ORDER BY alive_us, arn, principal LIMIT $5`
		args := []any{store.Micros(s.Now()), itself, connected, failing, aliveMost}
		if rows, err = store.All[record](tx, `SELECT `+recordColumns+which, args...); err != nil {
			return err
		}
		due, err = store.All[int64](tx, `SELECT alive_us`+which, args...)
		return err
	})
	if err != nil {
		return err
	}
	for i := range rows {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.keepAlive(ctx, &rows[i], due[i]); err != nil {
			s.Log.WarnContext(ctx, "an authorisation is not renewed", "connector", rows[i].ARN, "principal", nameOf(rows[i].Principal), "error", err.Error())
		}
	}
	return nil
}

// keepAlive renews one authorisation, unless another server does.
func (s *Service) keepAlive(ctx context.Context, r *record, due int64) error {
	k, err := keyOfARN(r.ARN)
	if err != nil {
		return err
	}
	mine := false
	var l *connector.Live
	var a *definition.Auth
	var client *outbound.Client
	err = s.DB.Write(plain(ctx), func(tx *store.Tx) error {
		mine = false
		now := s.Now()
		at, lease := store.Micros(now.Add(aliveRetry)), int64(0)
		live, err := s.Connectors.Open(tx, k)
		if _, isFault := errors.AsType[*fault.Fault](err); err != nil && !isFault {
			return err
		}
		g := &granted{}
		if err == nil && r.Settings == settingsOf(live) {
			l = live
			if g, err = s.open(r); err != nil {
				return err
			}
			if a, err = grantOf(l); err == nil {
				client, _, err = s.client(tx, l.VPCConnectionARN)
			}
		}
		switch {
		case err != nil || l == nil: // it can't be used now
		case g.Refresh == "":
			at = never
		case r.RefreshedUS > store.Micros(now.Add(-aliveAgain)):
			at = store.Micros(store.Time(r.RefreshedUS).Add(aliveEvery))
		default:
			mine, lease = true, store.Micros(now.Add(leaseLife))
		}
		owner := ""
		if mine {
			owner = s.me
		}
		n, err := tx.Exec(`UPDATE connector_tokens SET alive_us = $5, lease_owner = $6, lease_until_us = $7
			WHERE arn = $1 AND principal = $2 AND version = $3 AND alive_us = $4 AND lease_until_us <= $8`,
			r.ARN, r.Principal, r.Version, due, at, owner, lease, store.Micros(now))
		mine = mine && n > 0
		return err
	})
	if err != nil || !mine {
		return err
	}
	limit, cancel := context.WithTimeout(ctx, leaseLife)
	defer cancel()
	_, err = s.ask(limit, r, "", s.ofPerson(l, a, client))
	if _, ok := errors.AsType[*lack](err); ok {
		return nil // it is in the record
	}
	return err
}
