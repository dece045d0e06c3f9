package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/connector/definition"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// errConfirm is the code of what has to be confirmed first.
const errConfirm = "ConfirmationRequiredException"

// confirmLife is how long somebody has to confirm.
const confirmLife = 10 * time.Minute

// A Confirmation is what somebody has to agree to before an action is performed.
type Confirmation struct {
	// Token goes into Request.Confirmation of the same request. It is good once,
	// for who was asked.
	Token string
	// Summary says in a sentence what would be done.
	Summary string
	// Ends is when the token is good no longer.
	Ends time.Time
}

// ConfirmationOf tells whether an error of Perform says that the action has to
// be confirmed, and what there is to confirm.
func ConfirmationOf(err error) (*Confirmation, bool) {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != errConfirm {
		return nil, false
	}
	ends, err := time.Parse(time.RFC3339, f.Members["ExpirationTime"])
	return &Confirmation{f.Members["ConfirmationToken"], f.Members["Summary"], ends}, err == nil
}

// asks tells whether an action has to be confirmed.
func asks(confirm string, o *definition.Operation) bool {
	switch onsightapi.ActionConfirmation(confirm) {
	case onsightapi.ActionConfirmationWrites:
		return o.Write
	case onsightapi.ActionConfirmationDestructive:
		return o.Destructive
	default:
		return false
	}
}

// errAsk says that an action has to be confirmed first.
var errAsk = errors.New("action: it has to be confirmed")

// bound is what a confirmation is for: the same input of the same action, at the
// same place.
func (k *ready) bound() string {
	return digest(k.hash + "\x00" + settingsOf(k.live) + "\x00" + k.live.Auth.BaseEndpoint)
}

// confirmed takes the confirmation of an action that needs one. It is errAsk
// where there is none.
func (s *Service) confirmed(tx *store.Tx, k *ready) error {
	if !asks(k.live.Guards.Confirm, k.o) {
		return nil
	}
	if k.request.Confirmation == "" {
		return errAsk
	}
	n, err := tx.Exec(`DELETE FROM connector_confirmations WHERE hash = $1 AND arn = $2 AND principal = $3 AND bound = $4 AND expires_us >= $5`,
		digest(k.request.Confirmation), k.live.ARN, k.who.key(), k.bound(), store.Micros(s.Now()))
	if err == nil && n == 0 {
		err = fault.Invalid("ConfirmationToken isn't valid: it is good once, for ten minutes, for the same caller, action and input. Leave it out to be asked again.")
	}
	return err
}

// askToConfirm has the caller confirm an action.
func (s *Service) askToConfirm(ctx context.Context, k *ready) error {
	token, ends := newSecret(), s.Now().Add(confirmLife)
	err := s.DB.Write(plain(ctx), func(tx *store.Tx) error {
		return store.Insert(tx, "connector_confirmations", struct {
			Hash      string `db:"hash"`
			ARN       string `db:"arn"`
			Account   string `db:"account"`
			Principal string `db:"principal"`
			Bound     string `db:"bound"`
			ExpiresUS int64  `db:"expires_us"`
		}{digest(token), k.live.ARN, k.live.Key.Account, k.who.key(), k.bound(), store.Micros(ends)})
	})
	if err != nil {
		return err
	}
	summary := k.summary()
	f := fault.New(errConfirm, "%s Confirm it by the same call with the ConfirmationToken.", summary)
	f.Members = map[string]string{"ConfirmationToken": token, "Summary": summary, "ExpirationTime": ends.UTC().Format(time.RFC3339)}
	return f
}

// longestSummary is how many characters of the input a summary repeats.
const longestSummary = 1000

// summary says what an action would do. What looks like a secret is not in it.
func (k *ready) summary() string {
	does := "changes something at the service"
	if k.o.Destructive {
		does = "removes something at the service, or can't be undone"
	}
	with := ""
	if text, err := json.Marshal(k.values); err == nil && len(k.values) > 0 {
		var v any
		if json.Unmarshal(text, &v) == nil {
			if shown, err := output(redacted(v)); err == nil {
				with = " with " + tidy(string(shown), longestSummary)
			}
		}
	}
	return fmt.Sprintf("%s (%s) of the connector %s%s: it %s.", k.o.Label, k.o.ID, k.live.Name, with, does)
}
