package idtoken

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// leeway is how far the clocks of a provider and of this server may be apart.
const leeway = time.Minute

// algorithms are those that sts:AssumeRoleWithWebIdentity takes. Others, none
// and those of shared secrets above all, are not even parsed.
var algorithms = []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.ES256, jose.ES384, jose.ES512}

// What is wrong with a token. Errors wrap one of these with the cause.
var (
	// ErrMalformed says that a text is no token, or is not signed by one of
	// the algorithms.
	ErrMalformed = errors.New("the token is not a signed JWT")
	// ErrIssuer says that the token is another provider's.
	ErrIssuer = errors.New("the token is of another issuer")
	// ErrAudience says that the token is for none of the clients.
	ErrAudience = errors.New("the token is for another audience")
	// ErrNotYet says that the token is of the future.
	ErrNotYet = errors.New("the token is not valid yet")
	// ErrSignature says that the provider did not sign the token.
	ErrSignature = errors.New("the signature does not hold")
	// ErrKey says that the provider does not publish the key.
	ErrKey = errors.New("the provider publishes no such key")
	// ErrUnreachable says that the provider does not answer. To try again may help.
	ErrUnreachable = errors.New("the provider cannot be reached")
)

// An ExpiredError says that a token's time is over.
type ExpiredError struct{ Now, Expiry time.Time }

// Error tells both times.
func (e *ExpiredError) Error() string {
	return fmt.Sprintf("the token expired at %s, and it is %s", e.Expiry.UTC().Format(time.RFC3339), e.Now.UTC().Format(time.RFC3339))
}

// A MissingClaimError says that a token lacks a claim that it must have.
type MissingClaimError struct{ Claim string }

// Error names the claim.
func (e *MissingClaimError) Error() string { return "the token has no claim " + e.Claim }

// Claims are what a token says.
type Claims struct {
	// Issuer, Subject and Audience are iss, sub and aud.
	Issuer, Subject string
	Audience        []string
	// AuthorizedParty is azp: the client that the token was made for. Tokens
	// for one audience often have none.
	AuthorizedParty string
	// All are all claims, by name.
	All map[string]json.RawMessage
}

// claims is how tokens are read.
type claims struct {
	jwt.Claims
	AuthorizedParty string `json:"azp"`
}

// Config is what a Verifier needs. Now and Log are required.
type Config struct {
	Now func() time.Time
	Log *slog.Logger
	Network
}

// Verifier checks tokens. It may be used by many goroutines at once.
type Verifier struct {
	now    func() time.Time
	log    *slog.Logger
	client *client

	mu        sync.Mutex
	providers map[string]*provider
}

// New makes a Verifier.
func New(c Config) *Verifier {
	return &Verifier{now: c.Now, log: c.Log, client: newClient(c.Network), providers: make(map[string]*provider)}
}

// Issuer gives the issuer that a token names. Nothing of the token is checked
// but that it is one.
func Issuer(token string) (string, error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var c claims
	if err := parsed.UnsafeClaimsWithoutVerification(&c); err != nil {
		return "", fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if c.Issuer == "" {
		return "", &MissingClaimError{"iss"}
	}
	return c.Issuer, nil
}

// Verify checks that the issuer signed the token, for one of the clients, and
// that its time has come and is not over. A token that names its authorised
// party (azp) must be made for a client and addressed to one; one for several
// audiences must name it.
func (v *Verifier) Verify(ctx context.Context, issuer string, clients []string, token string) (Claims, error) {
	parsed, err := jwt.ParseSigned(token, algorithms)
	if err != nil {
		return Claims{}, fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	var c claims
	all := make(map[string]json.RawMessage)
	if err := v.provider(issuer).verify(ctx, parsed, &c, &all); err != nil {
		return Claims{}, err
	}
	if err := c.check(issuer, clients, v.now()); err != nil {
		return Claims{}, err
	}
	return Claims{Issuer: c.Issuer, Subject: c.Subject, Audience: c.Audience, AuthorizedParty: c.AuthorizedParty, All: all}, nil
}

func (c *claims) check(issuer string, clients []string, now time.Time) error {
	switch {
	case c.Issuer == "":
		return &MissingClaimError{"iss"}
	case c.Subject == "":
		return &MissingClaimError{"sub"}
	case len(c.Audience) == 0:
		return &MissingClaimError{"aud"}
	case c.Expiry == nil:
		return &MissingClaimError{"exp"}
	}
	err := c.ValidateWithLeeway(jwt.Expected{Issuer: issuer, AnyAudience: clients, Time: now}, leeway)
	switch {
	case errors.Is(err, jwt.ErrInvalidIssuer):
		return ErrIssuer
	case errors.Is(err, jwt.ErrExpired):
		return &ExpiredError{Now: now, Expiry: c.Expiry.Time()}
	case errors.Is(err, jwt.ErrNotValidYet), errors.Is(err, jwt.ErrIssuedInTheFuture):
		return fmt.Errorf("%w: %w", ErrNotYet, err)
	// Without clients ValidateWithLeeway asks for no audience.
	case errors.Is(err, jwt.ErrInvalidAudience), len(clients) == 0:
		return ErrAudience
	case err != nil:
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	if c.AuthorizedParty == "" && len(c.Audience) > 1 || c.AuthorizedParty != "" && !slices.Contains(clients, c.AuthorizedParty) {
		return ErrAudience
	}
	return nil
}

// maxProviders is how many providers' keys are kept: more than are registered
// anywhere. Beyond, all are forgotten.
const maxProviders = 1000

func (v *Verifier) provider(issuer string) *provider {
	v.mu.Lock()
	defer v.mu.Unlock()
	p := v.providers[issuer]
	if p == nil {
		if len(v.providers) >= maxProviders {
			clear(v.providers)
		}
		p = &provider{issuer: issuer, verifier: v}
		v.providers[issuer] = p
	}
	return p
}
