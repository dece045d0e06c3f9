package idtoken

import (
	"context"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

const (
	// fresh is how long keys serve without being asked for again: a key that
	// the provider has withdrawn is accepted so long at most, while the
	// provider answers.
	fresh = 5 * time.Minute
	// stale is how long they serve while the provider does not answer.
	stale = time.Hour
	// pause is the least time between two fetches of a provider's keys.
	pause = 5 * time.Second
	// patience is how long a fetch may take: discovery and keys together.
	patience = 8 * time.Second
)

const (
	// maxKeys is how many keys of a provider count: as many as
	// sts:AssumeRoleWithWebIdentity reads of each kind.
	maxKeys = 200
	// Keys of RSA are no weaker than anyone should use, and no larger than can
	// be checked at little cost.
	minRSABits, maxRSABits = 2048, 8192
)

// A provider is the keys of an issuer, and what it takes to have them.
type provider struct {
	issuer   string
	verifier *Verifier

	mu       sync.Mutex
	keys     []jose.JSONWebKey
	metadata Metadata  // as of when the keys came
	fetched  time.Time // when keys came
	tried    time.Time // when they were last asked for
	failed   error     // how that ended
	flight   *flight   // not nil while they are being asked for
}

// A flight is a fetch that several requests wait for.
type flight struct {
	done chan struct{}
	err  error
}

// verify checks the signature of a token, and reads its claims.
func (p *provider) verify(ctx context.Context, token *jwt.JSONWebToken, claims ...any) error {
	began := p.verifier.now()
	keys, err := p.current(ctx, began)
	if err != nil {
		return err
	}
	err = check(token, keys, claims)
	if !errors.Is(err, ErrKey) && !errors.Is(err, ErrSignature) {
		return err
	}
	// The provider may have other keys by now, even under the same names.
	again, fetchErr := p.newer(ctx, began)
	if fetchErr != nil || again == nil {
		return err
	}
	return check(token, again, claims)
}

// check tries the keys that can have signed a token.
func check(token *jwt.JSONWebToken, keys []jose.JSONWebKey, claims []any) error {
	header := token.Headers[0]
	tried := false
	for i := range keys {
		k := &keys[i]
		if header.KeyID != "" && k.KeyID != header.KeyID || !signs(k, header.Algorithm) {
			continue
		}
		tried = true
		switch err := token.Claims(k.Key, claims...); {
		case err == nil:
			return nil
		case !errors.Is(err, jose.ErrCryptoFailure): // it is signed, and still no token
			return fmt.Errorf("%w: %w", ErrMalformed, err)
		}
	}
	if tried {
		return ErrSignature
	}
	return fmt.Errorf("%w: %s", ErrKey, header.KeyID)
}

// signs says whether a key makes signatures of an algorithm.
func signs(k *jose.JSONWebKey, algorithm string) bool {
	if k.Algorithm != "" && k.Algorithm != algorithm {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		return strings.HasPrefix(algorithm, "RS")
	case *ecdsa.PublicKey:
		return algorithm == map[int]string{256: "ES256", 384: "ES384", 521: "ES512"}[key.Curve.Params().BitSize]
	default:
		return false
	}
}

// current gives keys that are good at a time, from memory or from the provider.
func (p *provider) current(ctx context.Context, now time.Time) ([]jose.JSONWebKey, error) {
	p.mu.Lock()
	if p.keys != nil && now.Before(p.fetched.Add(fresh)) {
		defer p.mu.Unlock()
		return p.keys, nil
	}
	err := p.failed
	if err == nil || p.flight != nil || !now.Before(p.tried.Add(pause)) {
		err = p.fetch(ctx, now)
	}
	defer p.mu.Unlock()
	if err != nil && (p.keys == nil || !now.Before(p.fetched.Add(stale))) {
		return nil, err
	}
	return p.keys, nil
}

// newer gives keys that came after a request began, and none where the
// provider was asked too short a time ago.
func (p *provider) newer(ctx context.Context, began time.Time) ([]jose.JSONWebKey, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.flight == nil && p.verifier.now().Before(p.tried.Add(pause)) {
		if p.fetched.After(began) {
			return p.keys, nil
		}
		return nil, nil
	}
	if err := p.fetch(ctx, p.verifier.now()); err != nil {
		return nil, err
	}
	return p.keys, nil
}

// fetch asks the provider for its keys, or waits for the answer to who does so
// already. It is called with p.mu locked and returns so, but unlocks it
// meanwhile.
func (p *provider) fetch(ctx context.Context, now time.Time) error {
	f := p.flight
	if f == nil {
		f = &flight{done: make(chan struct{})}
		p.flight, p.tried = f, now
		// The answer is for everybody, so it does not end with this request.
		go p.run(context.WithoutCancel(ctx), f)
	}
	p.mu.Unlock()
	defer p.mu.Lock()
	select {
	case <-f.done:
		return f.err
	case <-ctx.Done():
		return fmt.Errorf("%w: %w", ErrUnreachable, ctx.Err())
	}
}

func (p *provider) run(ctx context.Context, f *flight) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	keys, metadata, err := p.download(ctx)
	if err != nil {
		p.verifier.log.WarnContext(ctx, "the keys of an identity provider can't be had", "issuer", p.issuer, "cause", err.Error())
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.flight, p.failed = nil, err
	if err == nil {
		p.keys, p.metadata, p.fetched = keys, metadata, p.verifier.now()
	}
	f.err = err
	close(f.done)
}

// download reads the discovery document (OpenID Connect Discovery 1.0, 4) and
// the keys that it names (RFC 7517, 5).
func (p *provider) download(ctx context.Context) ([]jose.JSONWebKey, Metadata, error) {
	var discovery struct {
		Issuer string `json:"issuer"`
		Keys   string `json:"jwks_uri"`
		Metadata
	}
	if err := p.verifier.client.get(ctx, strings.TrimSuffix(p.issuer, "/")+"/.well-known/openid-configuration", &discovery); err != nil {
		return nil, Metadata{}, err
	}
	if discovery.Issuer != p.issuer {
		return nil, Metadata{}, fmt.Errorf("%w: the discovery document is that of %q", ErrKey, discovery.Issuer)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := p.verifier.client.get(ctx, discovery.Keys, &set); err != nil {
		return nil, Metadata{}, err
	}
	keys := make([]jose.JSONWebKey, 0, min(len(set.Keys), maxKeys))
	for _, raw := range set.Keys {
		var k jose.JSONWebKey
		// Keys of other kinds and for other uses are none of ours.
		if json.Unmarshal(raw, &k) != nil || !usable(&k) || len(keys) == maxKeys {
			continue
		}
		keys = append(keys, k)
	}
	if len(keys) == 0 {
		return nil, Metadata{}, fmt.Errorf("%w: none of %d keys is one of RSA or of an elliptic curve, for signatures", ErrKey, len(set.Keys))
	}
	return keys, discovery.Metadata, nil
}

func usable(k *jose.JSONWebKey) bool {
	if !k.Valid() || !k.IsPublic() || k.Use != "" && k.Use != "sig" {
		return false
	}
	switch key := k.Key.(type) {
	case *rsa.PublicKey:
		bits := key.N.BitLen()
		return bits >= minRSABits && bits <= maxRSABits
	case *ecdsa.PublicKey:
		return true
	default:
		return false
	}
}
