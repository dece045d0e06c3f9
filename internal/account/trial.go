package account

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"

	"onsight/internal/api"
	"onsight/internal/store"
)

// Trial subscribes accounts on their first use, for an emulator: ENTERPRISE,
// IAM_AND_QUICKSIGHT, in the region of the call.
type Trial struct {
	service *Service
	known   sync.Map // accounts that have had their first use
}

// NewTrial makes a Trial on a service.
func NewTrial(s *Service) *Trial { return &Trial{service: s} }

// Forget makes every account new again, after the store has been emptied.
func (t *Trial) Forget() { t.known.Clear() }

// Arrive subscribes the account unless it ever was. A client that subscribes
// accounts itself finds its account as it left it.
func (t *Trial) Arrive(ctx context.Context, operation, account string) error {
	if _, ok := t.known.Load(account); ok || account == "" {
		return nil
	}
	if operation != "CreateAccountSubscription" {
		if err := t.subscribe(ctx, account); err != nil {
			return err
		}
	}
	t.known.Store(account, true)
	return nil
}

func (t *Trial) subscribe(ctx context.Context, account string) error {
	s := t.service
	who, err := json.Marshal(api.Caller(ctx))
	if err != nil {
		return err
	}
	name := "onsight-" + account
	now := store.Micros(s.now())
	row := subscription{
		Account: account, Name: name, NameKey: new(strings.ToLower(name)), Edition: "ENTERPRISE",
		AuthenticationMethod: "IAM_AND_QUICKSIGHT", Region: api.Region(ctx), Status: signingUp,
		NotificationEmail: "admin@" + account + ".example", DefaultNamespace: defaultNamespace, TerminationProtection: true,
		Contact: "{}", Directory: "{}", Subscriber: string(who), CreatedUS: now, UpdatedUS: now,
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := find(tx, account); !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if err := store.Insert(tx, "subscriptions", row); err != nil {
			return err
		}
		return s.furnish(tx, row)
	})
}
