package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsight/internal/connector"
	"onsight/internal/store"
)

// Statuses of a record.
const (
	pending     = "PENDING"
	connected   = "CONNECTED"
	needsReauth = "NEEDS_REAUTH"
	failing     = "ERROR"
)

// itself is the principal of a token that belongs to the connector.
const itself = "service"

// A record is a row of connector_tokens.
type record struct {
	ARN         string `db:"arn"`
	Principal   string `db:"principal"`
	Account     string `db:"account"`
	Settings    string `db:"settings"`
	Status      string `db:"status"`
	Sealed      []byte `db:"sealed"`
	ClientStyle string `db:"client_style"`
	Scopes      string `db:"scopes"`
	VendorID    string `db:"vendor_id"`
	VendorLabel string `db:"vendor_label"`
	Message     string `db:"message"`
	Failures    int64  `db:"failures"`
	RetryUS     int64  `db:"retry_us"`
	ExpiresUS   int64  `db:"expires_us"`
	RenewUS     int64  `db:"renew_us"`
	ConnectedUS int64  `db:"connected_us"`
	RefreshedUS int64  `db:"refreshed_us"`
	Version     int64  `db:"version"`
	LeaseOwner  string `db:"lease_owner"`
	LeaseUntil  int64  `db:"lease_until_us"`
}

const recordColumns = `arn, principal, account, settings, status, sealed, client_style, scopes, vendor_id, vendor_label, message, failures,
	retry_us, expires_us, renew_us, connected_us, refreshed_us, version, lease_owner, lease_until_us`

// settingsOf tells settings apart with which tokens are asked for.
func settingsOf(l *connector.Live) string {
	a := &l.Auth
	sum := sha256.Sum256([]byte(strings.Join([]string{
		string(a.Type), a.ClientID, a.TokenEndpoint, a.AuthorizationEndpoint, strconv.FormatInt(a.SecretVersion, 10),
	}, "\x00")))
	return hex.EncodeToString(sum[:])
}

// find reads the record of a connector for a principal, if there is one that was
// made with the settings in force.
func (s *Service) find(tx *store.Tx, l *connector.Live, principal string) (*record, error) {
	r, err := store.One[record](tx, `SELECT `+recordColumns+` FROM connector_tokens WHERE arn = $1 AND principal = $2`, l.ARN, principal)
	if errors.Is(err, store.ErrNotFound) || err == nil && r.Settings != settingsOf(l) {
		return nil, nil //nolint:nilnil // there is none
	}
	return &r, err
}

// seal and open keep what a record grants.
func (s *Service) seal(r *record, g *granted) error {
	text, err := json.Marshal(g)
	if err != nil {
		return err
	}
	r.Sealed = s.Keys.Seal(text, tokenContext(r))
	return nil
}

func (s *Service) open(r *record) (*granted, error) {
	if r.Sealed == nil {
		return &granted{}, nil
	}
	text, err := s.Keys.Open(r.Sealed, tokenContext(r))
	if err != nil {
		return nil, fmt.Errorf("token of %s: %w", r.ARN, err)
	}
	g := &granted{}
	return g, json.Unmarshal(text, g)
}

func tokenContext(r *record) string {
	return fmt.Sprintf("connector_tokens\x00%s\x00%s\x00%d", r.ARN, r.Principal, r.Version)
}

// A lack says why there is no token. It is what the caller gets.
type lack struct {
	// signIn says that the person has to sign in at the service.
	signIn bool
	reason string
}

func (e *lack) Error() string { return e.reason }

// Bounds of asking for tokens.
const (
	leaseLife = 40 * time.Second // more than an attempt takes, twice
	waitMost  = 45 * time.Second
	firstLook = 20 * time.Millisecond
	lastLook  = 250 * time.Millisecond
	maxRetry  = time.Minute
)

// A renewal asks the service for a token. r is the record, and holds what to
// ask with; for an authorisation that has been granted that is a refresh token.
type renewal func(ctx context.Context, r *record, before *granted) (*granted, error)

// token gives an access token that is good. rejected is one that the service
// has refused: it is not given again. Of all that ask for the same, in this
// process and in others, one asks the service.
func (s *Service) token(ctx context.Context, l *connector.Live, principal, rejected string, renew renewal) (string, error) {
	got, _, err := s.look(ctx, l, principal, rejected)
	if got != "" || err != nil {
		return got, err
	}
	// The flight goes on when whoever began it leaves: others wait for it.
	flight := s.flights.DoChan(l.ARN+"\x00"+principal+"\x00"+settingsOf(l)+"\x00"+rejected, func() (any, error) {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitMost)
		defer cancel()
		return s.obtain(wait, l, principal, rejected, renew)
	})
	select {
	case res := <-flight:
		token, _ := res.Val.(string)
		return token, res.Err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

// look reads the record. The token is empty when a new one must be asked for;
// then r is the record, if there is one.
func (s *Service) look(ctx context.Context, l *connector.Live, principal, rejected string) (token string, r *record, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		r, err = s.find(tx, l, principal)
		return err
	})
	if err != nil {
		return "", nil, err
	}
	token, err = s.usable(r, principal, rejected, s.Now())
	return token, r, err
}

// usable gives the token of a record, or says why there can be none. Neither
// says that one must be asked for.
func (s *Service) usable(r *record, principal, rejected string, now time.Time) (string, error) {
	if r == nil {
		if principal != itself {
			return "", &lack{signIn: true, reason: "You are not signed in to the service. Start a connection, and sign in there with your browser."}
		}
		return "", nil
	}
	g, err := s.open(r)
	if err != nil {
		return "", err
	}
	fresh := r.RenewUS == 0 || store.Micros(now) < r.RenewUS
	switch {
	case r.Status == needsReauth:
		return "", &lack{signIn: true, reason: "Your sign-in at the service is not good any more. Start a connection, and sign in there again."}
	case g.Access != "" && g.Access != rejected && fresh:
		return g.Access, nil
	case store.Micros(now) < r.RetryUS:
		if g.Access != "" && g.Access != rejected && store.Micros(now) < r.ExpiresUS {
			return g.Access, nil // it could not be renewed just now, and is still good
		}
		return "", &lack{reason: r.Message}
	case principal != itself && g.Refresh == "":
		if g.Access != "" && g.Access != rejected && (r.ExpiresUS == 0 || store.Micros(now) < r.ExpiresUS) {
			return g.Access, nil
		}
		return "", &lack{signIn: true, reason: "Your sign-in at the service has ended, and the service does not let it be renewed. Start a connection, and sign in there again."}
	}
	return "", nil
}

// obtain asks for a token, or waits for another process that does.
func (s *Service) obtain(ctx context.Context, l *connector.Live, principal, rejected string, renew renewal) (string, error) {
	for pause := firstLook; ; pause = min(2*pause, lastLook) {
		r, token, err := s.lease(ctx, l, principal, rejected)
		if token != "" || err != nil {
			return token, err
		}
		if r != nil {
			return s.ask(ctx, r, rejected, renew)
		}
		select {
		case <-ctx.Done():
			return "", &lack{reason: "Another server is asking for a token, and has not come to an end."}
		case <-time.After(pause):
		}
	}
}

// lease takes the record for itself, unless another process has it. It may find
// that there is a token by now.
func (s *Service) lease(ctx context.Context, l *connector.Live, principal, rejected string) (mine *record, token string, err error) {
	err = s.DB.Write(context.WithoutCancel(plain(ctx)), func(tx *store.Tx) error {
		mine, token = nil, ""
		now := s.Now()
		if principal == itself {
			if err := s.begin(tx, l, principal); err != nil {
				return err
			}
		}
		r, err := s.find(tx, l, principal)
		if err != nil {
			return err
		}
		if token, err = s.usable(r, principal, rejected, now); err != nil || token != "" {
			return err
		}
		n, err := tx.Exec(`UPDATE connector_tokens SET lease_owner = $3, lease_until_us = $4 WHERE arn = $1 AND principal = $2 AND lease_until_us <= $5`,
			l.ARN, principal, s.me, store.Micros(now.Add(leaseLife)), store.Micros(now))
		if n > 0 {
			mine = r
		}
		return err
	})
	return mine, token, err
}

// begin makes the record of a connector's own token, if there is none that was
// made with the settings in force; and none of a connector that is gone.
func (s *Service) begin(tx *store.Tx, l *connector.Live, principal string) error {
	_, err := tx.Exec(`INSERT INTO connector_tokens (`+recordColumns+`)
		SELECT $1, $2, $3, $4, $5, NULL, '', '', '', '', '', 0, 0, 0, 0, 0, 0, 1, '', 0
		WHERE EXISTS (SELECT 1 FROM resources WHERE arn = $1)
		ON CONFLICT (arn, principal) DO UPDATE SET settings = excluded.settings, status = excluded.status, sealed = NULL, client_style = '', scopes = '',
			vendor_id = '', vendor_label = '', message = '', failures = 0, retry_us = 0, expires_us = 0, renew_us = 0, connected_us = 0, refreshed_us = 0,
			version = connector_tokens.version + 1, lease_owner = '', lease_until_us = 0
		WHERE connector_tokens.settings <> excluded.settings`,
		l.ARN, principal, l.Key.Account, settingsOf(l), pending)
	return err
}

// ask asks the service, with the lease, and keeps what comes of it. A new
// refresh token is durable before the access token is used.
func (s *Service) ask(ctx context.Context, r *record, rejected string, renew renewal) (string, error) {
	before, err := s.open(r)
	if err != nil {
		return "", err
	}
	got, failure := renew(ctx, r, before)
	grant, outcome := "refresh", "Success"
	if r.Principal == itself {
		grant = "client"
	}
	if e, ok := errors.AsType[*tokenError](failure); ok && !e.passing {
		outcome = "Refused"
	} else if failure != nil {
		outcome = "Failed"
	}
	s.Meter.TokenAsked(grant, outcome)
	now := s.Now()
	if failure == nil {
		if got.Refresh == "" {
			got.Refresh = before.Refresh
		}
		if got.Access == rejected {
			failure = &tokenError{reason: "The service does not accept the token that its token endpoint gives."}
		}
	}
	if failure == nil {
		s.grant(r, got, now)
		if err := s.keep(r, got, nil); err != nil {
			return "", err
		}
		return got.Access, nil
	}
	e, ok := errors.AsType[*tokenError](failure)
	if !ok {
		return "", failure
	}
	out := s.fail(r, before, e, rejected, now)
	if err := s.keep(r, before, e); err != nil {
		return "", err
	}
	if out == nil {
		return before.Access, nil
	}
	return "", out
}

// fail notes that there was no token. Only an authorisation that the service
// says is void ends: everything else may pass.
func (s *Service) fail(r *record, before *granted, e *tokenError, rejected string, now time.Time) error {
	r.Message, r.Failures = e.reason, r.Failures+1
	r.RetryUS = store.Micros(now.Add(min(time.Second<<min(r.Failures-1, 10), maxRetry)))
	if e.void() && r.Principal != itself {
		r.Status, r.RetryUS, *before = needsReauth, 0, granted{}
		return &lack{signIn: true, reason: "Your sign-in at the service is not good any more. Start a connection, and sign in there again. " + e.reason}
	}
	r.Status = failing
	if before.Access != "" && before.Access != rejected && store.Micros(now) < r.ExpiresUS {
		r.Status = connected
		return nil // renewed early, and still good
	}
	return &lack{reason: e.reason}
}

// grant fills a record in with what was granted.
func (s *Service) grant(r *record, got *granted, now time.Time) {
	r.Status, r.Message, r.Failures, r.RetryUS, r.RefreshedUS = connected, "", 0, 0, store.Micros(now)
	if r.ConnectedUS == 0 {
		r.ConnectedUS = r.RefreshedUS
	}
	if got.scopes != "" {
		r.Scopes = got.scopes
	}
	if got.style != "" {
		r.ClientStyle = got.style
	}
	r.ExpiresUS, r.RenewUS = 0, 0
	if got.life > 0 {
		early := min(time.Minute, got.life/10)
		r.ExpiresUS, r.RenewUS = store.Micros(now.Add(got.life)), store.Micros(now.Add(got.life-early))
	}
}

// errGone says that a record was taken away while a token was asked for.
var errGone = &lack{signIn: true, reason: "The connection was ended meanwhile."}

// keep writes a record whose lease is this server's, and ends the lease. Whom it
// matters to is told of a failure that does not pass by itself.
func (s *Service) keep(r *record, g *granted, failure *tokenError) error {
	before := r.Version
	r.Version++
	if err := s.seal(r, g); err != nil {
		return err
	}
	// Whoever asked may be gone; what the service gave must not get lost.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.Exec(`UPDATE connector_tokens SET status = $4, sealed = $5, client_style = $6, scopes = $7, message = $8, failures = $9, retry_us = $10,
			expires_us = $11, renew_us = $12, connected_us = $13, refreshed_us = $14, version = $15, vendor_id = $16, vendor_label = $17, alive_us = $18, lease_owner = '', lease_until_us = 0
			WHERE arn = $1 AND principal = $2 AND version = $3`,
			r.ARN, r.Principal, before, r.Status, r.Sealed, r.ClientStyle, r.Scopes, r.Message, r.Failures, r.RetryUS,
			r.ExpiresUS, r.RenewUS, r.ConnectedUS, r.RefreshedUS, r.Version, r.VendorID, r.VendorLabel, aliveAt(g, s.Now(), failure != nil))
		if err == nil && n == 0 {
			return errGone
		}
		if err != nil {
			return err
		}
		switch {
		case failure == nil:
			return s.clientIs(tx, r, false, "")
		case r.Status == needsReauth:
			return s.reauthNeeded(tx, r, failure.reason)
		case failure.code == "invalid_client":
			return s.clientIs(tx, r, true, failure.reason)
		}
		return nil
	})
}

// plain gives a context without the call: what is written there is not the
// call's change, and leaves no record of it.
func plain(ctx context.Context) context.Context { return bare{ctx} }

type bare struct{ context.Context }

func (bare) Value(any) any { return nil }
