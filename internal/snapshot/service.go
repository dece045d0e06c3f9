package snapshot

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// life is how long a snapshot is kept that nobody deletes.
const life = 7 * 24 * time.Hour

// batch is how many rows are written or removed in one transaction.
const batch = 2000

// Config is what a Service needs.
type Config struct {
	DB     *store.DB
	Keys   *seal.Keyring
	Tokens *page.Tokens
	Now    func() time.Time
	// Tables are the tables that snapshots hold, those first that others refer to.
	Tables []Table
	// Busy is asked before a snapshot is taken or applied: a ConflictException
	// where something of the account is under way.
	Busy []func(tx *store.Tx, account string) error
	// Applied is told in the transaction in which an account is made equal to a
	// snapshot: counters are counted anew, caches forget.
	Applied []func(tx *store.Tx, account string) error
}

// Service answers the operations on snapshots.
type Service struct {
	db      *store.DB
	keys    *seal.Keyring
	tokens  *page.Tokens
	now     func() time.Time
	tables  []Table
	busy    []func(tx *store.Tx, account string) error
	applied []func(tx *store.Tx, account string) error
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{db: c.DB, keys: c.Keys, tokens: c.Tokens, now: c.Now, tables: c.Tables, busy: c.Busy, applied: c.Applied}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.CreateAccountSnapshot, s.creating, s.createAccountSnapshot),
		api.Handle(onsightapi.ListAccountSnapshots, s.listing, s.listAccountSnapshots),
		api.Handle(onsightapi.ListAccountSnapshotRows, s.listingRows, s.listAccountSnapshotRows),
		api.Handle(onsightapi.PutAccountSnapshotRows, s.putting, s.putAccountSnapshotRows),
		api.Handle(onsightapi.PlanAccountSnapshot, s.planning, s.planAccountSnapshot),
		api.Handle(onsightapi.ApplyAccountSnapshot, s.applying, s.applyAccountSnapshot),
		api.Handle(onsightapi.DeleteAccountSnapshot, s.deleting, s.deleteAccountSnapshot),
	}
}

// onAccount is the target of all operations: a snapshot is the whole account.
func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}

const (
	fromAccount = "ACCOUNT"
	fromUpload  = "UPLOAD"
)

// head is a row of the table snapshots.
type head struct {
	Account   string `db:"account"`
	ID        string `db:"id"`
	Source    string `db:"source"`
	Complete  bool   `db:"complete"`
	CreatedUS int64  `db:"created_us"`
}

const headColumns = `account, id, source, complete, created_us`

// find reads a snapshot; ResourceNotFoundException when there is none.
func find(tx *store.Tx, account, id string) (head, error) {
	h, err := store.One[head](tx, `SELECT `+headColumns+` FROM snapshots WHERE account = $1 AND id = $2`, account, id)
	if errors.Is(err, store.ErrNotFound) {
		return h, fault.NotFound("", "Account %s has no snapshot %s. One is kept for %d days.", account, id, int(life.Hours()/24))
	}
	return h, err
}

// kept is a row of the table snapshot_rows.
type kept struct {
	Account string `db:"account"`
	ID      string `db:"id"`
	Kind    string `db:"kind"`
	Key     string `db:"key"`
	Doc     string `db:"doc"`
}

func newID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails
	return hex.EncodeToString(id)
}

// Purge removes the snapshots of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	return s.remove(ctx, account, func(head) bool { return true })
}

// remove removes the snapshots of an account for which gone is true, some rows
// at a time.
func (s *Service) remove(ctx context.Context, account string, gone func(head) bool) error {
	heads, err := s.heads(ctx, account)
	if err != nil {
		return err
	}
	for _, h := range heads {
		if !gone(h) {
			continue
		}
		if err := s.removeOne(ctx, account, h.ID); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) removeOne(ctx context.Context, account, id string) error {
	for more := true; more; {
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			n, err := tx.Exec(`DELETE FROM snapshot_rows WHERE account = $1 AND id = $2 AND (kind, key) IN
				(SELECT kind, key FROM snapshot_rows WHERE account = $1 AND id = $2 ORDER BY kind, key LIMIT $3)`, account, id, batch)
			more = n > 0
			if err != nil || more {
				return err
			}
			_, err = tx.Exec(`DELETE FROM snapshots WHERE account = $1 AND id = $2`, account, id)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) heads(ctx context.Context, account string) (heads []head, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		heads, err = store.All[head](tx, `SELECT `+headColumns+` FROM snapshots WHERE account = $1 ORDER BY created_us, id`, account)
		return err
	})
	return heads, err
}
