package scim

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"net/http"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// token is a row of the table scim_tokens.
type token struct {
	Account    string `db:"account"`
	ID         string `db:"id"`
	Name       string `db:"name"`
	Namespace  string `db:"namespace"`
	Hash       []byte `db:"hash"`
	CreatedBy  string `db:"created_by"`
	CreatedUS  int64  `db:"created_us"`
	ExpiresUS  int64  `db:"expires_us"`
	LastUsedUS *int64 `db:"last_used_us"`
}

const tokenColumns = `account, id, name, namespace, hash, created_by, created_us, expires_us, last_used_us` //nolint:gosec // names of columns

const (
	// tokenPrefix begins every token, so that one that leaks is known for what it is.
	tokenPrefix = "onsight-scim_" //nolint:gosec // the beginning of tokens is no secret
	// tokenDays is how long a token is good where nothing is said.
	tokenDays = 365
	// usedEvery is how exact the time of a token's last use is.
	usedEvery = time.Minute
	// tokensPage is how many tokens a page of the list has.
	tokensPage = 100
	// mostTokens is how many an account may have.
	mostTokens = 100
)

var secretText = base64.RawURLEncoding.Strict()

// newToken makes what is shown once, what names it, and what is kept.
func newToken() (shown, id string, hash []byte) {
	var name [8]byte
	var secret [32]byte
	_, _ = rand.Read(name[:]) // never fails (crypto/rand)
	_, _ = rand.Read(secret[:])
	id = hex.EncodeToString(name[:])
	sum := sha256.Sum256(secret[:])
	return tokenPrefix + id + "_" + secretText.EncodeToString(secret[:]), id, sum[:]
}

// readToken gives the id of a token, and the hash of its secret; ok is false
// for what is none.
func readToken(shown string) (id string, hash []byte, ok bool) {
	rest, ok := strings.CutPrefix(shown, tokenPrefix)
	id, secret, found := strings.Cut(rest, "_")
	raw, err := secretText.DecodeString(secret)
	if !ok || !found || len(id) != 16 || err != nil || len(raw) != 32 {
		return "", nil, false
	}
	sum := sha256.Sum256(raw)
	return id, sum[:], true
}

func (s *Service) creatingToken(ctx context.Context, in *onsightapi.CreateScimTokenRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// createToken makes a token for an identity centre. It is shown this once.
func (s *Service) createToken(ctx context.Context, in *onsightapi.CreateScimTokenRequest) (*onsightapi.CreateScimTokenResponse, error) {
	out := &onsightapi.CreateScimTokenResponse{}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		namespace := "default"
		if in.Namespace != nil {
			namespace = *in.Namespace
		}
		if err := s.enter(ctx, tx, in.AwsAccountId, namespace); err != nil {
			return err
		}
		n, err := store.One[int64](tx, `SELECT count(*) FROM scim_tokens WHERE account = $1`, in.AwsAccountId)
		if err != nil {
			return err
		}
		if n >= mostTokens {
			return fault.Limit("", "Account %s has %d SCIM tokens, and may have no more. Revoke those that nobody uses.", in.AwsAccountId, n)
		}
		days := int32(tokenDays)
		if in.LifeDays != nil {
			days = *in.LifeDays
		}
		shown, id, hash := newToken()
		now := s.Now()
		row := token{
			Account: in.AwsAccountId, ID: id, Name: in.Name, Namespace: namespace, Hash: hash, CreatedBy: api.Caller(ctx).ARN,
			CreatedUS: store.Micros(now), ExpiresUS: store.Micros(now.AddDate(0, 0, int(days))),
		}
		out.Token = new(contract.Secret(shown))
		out.TokenId, out.Endpoint, out.ExpirationTime = &id, new(s.endpoint(in.AwsAccountId)), new(store.Time(row.ExpiresUS))
		return store.Insert(tx, "scim_tokens", row)
	})
	return out, err
}

// enter is the gate of operations about a centre: the account must be one that
// a centre manages.
func (s *Service) enter(ctx context.Context, tx *store.Tx, account, namespace string) error {
	t, err := s.Accounts.Enter(ctx, tx, account, namespace)
	if err == nil && t.AuthenticationMethod != centre {
		err = fault.Precondition("Account %s is not managed by an identity centre: its authentication method is %s.", account, t.AuthenticationMethod)
	}
	return err
}

func (s *Service) listingTokens(ctx context.Context, in *onsightapi.ListScimTokensRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// listTokens lists an account's tokens by id, without what they let in with.
func (s *Service) listTokens(ctx context.Context, in *onsightapi.ListScimTokensRequest) (*onsightapi.ListScimTokensResponse, error) {
	scope := page.Scope("ListScimTokens", in.AwsAccountId)
	var after string
	if in.NextToken != nil {
		key, err := s.Tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(key) > 0 {
			after = key[0]
		}
	}
	limit := tokensPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListScimTokensResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Tokens, out.NextToken = []onsightapi.ScimToken{}, nil
		if _, err := s.Accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[token](tx, `SELECT `+tokenColumns+` FROM scim_tokens WHERE account = $1 AND id > $2 ORDER BY id LIMIT $3`,
			in.AwsAccountId, after, limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.Tokens.Next(scope, rows[limit-1].ID))
		}
		for i := range rows {
			r := &rows[i]
			t := onsightapi.ScimToken{
				TokenId: &r.ID, Name: &r.Name, Namespace: &r.Namespace, CreatedBy: &r.CreatedBy,
				CreatedTime: new(store.Time(r.CreatedUS)), ExpirationTime: new(store.Time(r.ExpiresUS)), Expired: new(s.expired(r)),
			}
			if r.LastUsedUS != nil {
				t.LastUseTime = new(store.Time(*r.LastUsedUS))
			}
			out.Tokens = append(out.Tokens, t)
		}
		return nil
	})
	return out, err
}

func (s *Service) revokingToken(ctx context.Context, in *onsightapi.RevokeScimTokenRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// revokeToken ends a token at once. What was provisioned with it stays.
func (s *Service) revokeToken(ctx context.Context, in *onsightapi.RevokeScimTokenRequest) (*onsightapi.RevokeScimTokenResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.Accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM scim_tokens WHERE account = $1 AND id = $2`, in.AwsAccountId, in.TokenId)
		if err == nil && n == 0 {
			return fault.NotFound("", "Account %s has no SCIM token with id %s.", in.AwsAccountId, in.TokenId)
		}
		return err
	})
	return &onsightapi.RevokeScimTokenResponse{}, err
}

func (s *Service) expired(t *token) bool { return !s.Now().Before(store.Time(t.ExpiresUS)) }

// endpoint is where a centre of an account sends its requests to.
func (s *Service) endpoint(account string) string { return s.PublicURL + Prefix + account + "/v2" }

// authenticate finds the token that a request shows. What is refused is left in
// the trail of an account that is there.
func (s *Service) authenticate(r *http.Request, account string, origin api.Origin) (token, error) {
	shown, isBearer := bearer(r)
	id, hash, ok := readToken(shown)
	from := account + " " + origin.Network()
	if wait := s.limiter.wait(from, s.Now()); wait > 0 && !s.limiter.good(hash, s.Now()) {
		return token{}, &throttled{wait}
	}
	var row token
	var region string
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		row = token{Hash: make([]byte, sha256.Size)} // as if there was one
		if ok {
			found, err := store.One[token](tx, `SELECT `+tokenColumns+` FROM scim_tokens WHERE account = $1 AND id = $2`, account, id)
			if err == nil {
				row = found
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}
		namespace := row.Namespace
		if namespace == "" {
			namespace = "default"
		}
		t, err := s.tenant(tx, account, namespace)
		region = t.Region
		if errors.Is(err, store.ErrNotFound) {
			return nil // as a token that is not known
		}
		return err
	})
	if err != nil {
		return token{}, err
	}
	right := ok && isBearer && subtle.ConstantTimeCompare(row.Hash, hash) == 1 && row.ID != ""
	switch {
	case right && region != "" && !s.expired(&row):
		s.limiter.passed(hash, s.Now())
		return row, s.used(r.Context(), &row)
	case !isBearer:
		return token{}, refusal(http.StatusUnauthorized, "Show a bearer token, which an administrator makes with \"onsight scim token create\".")
	}
	s.limiter.failed(from, s.Now())
	why := "The token is not known: it is of another account, or was revoked."
	e := Event{Name: "Authenticate", Account: account, Region: region, Origin: origin, Error: why}
	if right && s.expired(&row) {
		why = "The token is too old: an administrator can make another."
		e.Error, e.TokenID, e.TokenName = why, row.ID, row.Name
	}
	if region != "" {
		err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			s.Trail.Provisioned(tx, e)
			return nil
		})
		if err != nil {
			return token{}, err
		}
	}
	return token{}, refusal(http.StatusUnauthorized, "%s", why)
}

// used notes that a token was used, once in a while.
func (s *Service) used(ctx context.Context, t *token) error {
	now := s.Now()
	if t.LastUsedUS != nil && now.Sub(store.Time(*t.LastUsedUS)) < usedEvery {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE scim_tokens SET last_used_us = $3 WHERE account = $1 AND id = $2`, t.Account, t.ID, store.Micros(now))
		return err
	})
}

// bearer gives the token in a request's header; ok is false where it shows none.
func bearer(r *http.Request) (shown string, ok bool) {
	scheme, shown, ok := strings.Cut(r.Header.Get("Authorization"), " ")
	return strings.TrimSpace(shown), ok && strings.EqualFold(scheme, "Bearer")
}
