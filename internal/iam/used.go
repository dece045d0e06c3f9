package iam

import (
	"context"
	"strings"
	"sync"
	"time"

	"onsight/internal/store"
)

// usedEvery is how often uses are written down. Between, they are in memory:
// what a crash loses of them is at most this.
const usedEvery = time.Minute

// A Use is that an access key signed a call, or that a session of a role did.
type Use struct {
	// ID is the access key id (AKIA…) or the id of the role (AROA…).
	ID string
	// Service is what signatures call the service of the call.
	Service string
	// Region is that of the signature.
	Region string
}

// uses are those that are not in the database yet, the last one of each id.
type uses struct {
	mu   sync.Mutex
	last map[string]usedAt
	due  *time.Timer // nil while nothing waits
}

type usedAt struct {
	Use
	us int64
}

// Used notes a use. It is written with all others of the same minute; until
// then only this process knows.
func (s *Service) Used(u Use) {
	now := store.Micros(s.now())
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	if s.used.last == nil {
		s.used.last = map[string]usedAt{}
	}
	s.used.last[u.ID] = usedAt{u, now}
	if s.used.due == nil {
		s.used.due = time.AfterFunc(usedEvery, func() {
			// What cannot be written now is lost, and the next use is noted again.
			_ = s.WriteUses(context.Background())
		})
	}
}

// lastUse is the use of an id that is not in the database yet.
func (s *Service) lastUse(id string) (usedAt, bool) {
	s.used.mu.Lock()
	defer s.used.mu.Unlock()
	u, ok := s.used.last[id]
	return u, ok
}

// usesBatch is how many uses one transaction writes.
const usesBatch = 500

// WriteUses writes down the uses that were noted since it was done last. The
// server calls it when it stops.
func (s *Service) WriteUses(ctx context.Context) error {
	s.used.mu.Lock()
	last := s.used.last
	s.used.last = nil
	if s.used.due != nil {
		s.used.due.Stop()
		s.used.due = nil
	}
	s.used.mu.Unlock()
	batch := make([]usedAt, 0, min(len(last), usesBatch))
	for _, u := range last {
		batch = append(batch, u)
		if len(batch) == usesBatch {
			if err := s.writeUses(ctx, batch); err != nil {
				return err
			}
			batch = batch[:0]
		}
	}
	return s.writeUses(ctx, batch)
}

// writeUses writes uses; a later one that another process wrote stays.
func (s *Service) writeUses(ctx context.Context, batch []usedAt) error {
	if len(batch) == 0 {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, u := range batch {
			var err error
			if strings.HasPrefix(u.ID, rolePrefix) {
				_, err = tx.Exec(`UPDATE iam_roles SET last_used_us = $2, last_used_region = $3
					WHERE id = $1 AND (last_used_us IS NULL OR last_used_us < $2)`, u.ID, u.us, u.Region)
			} else {
				_, err = tx.Exec(`UPDATE iam_access_keys SET last_used_us = $2, last_used_region = $3, last_used_service = $4
					WHERE id = $1 AND (last_used_us IS NULL OR last_used_us < $2)`, u.ID, u.us, u.Region, u.Service)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
}
