// Package idptest is an OpenID Connect provider inside a test: one that can be
// made to misbehave.
package idptest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// Keys are slow to make; tests share them. RSA and Other are of 2048 bits,
// Short is of 1024, and Curves are of P-256, P-384 and P-521.
var (
	RSA    = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	Other  = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(2048) })
	Short  = sync.OnceValue(func() *rsa.PrivateKey { return newRSA(1024) })
	Curves = sync.OnceValue(func() (all []*ecdsa.PrivateKey) {
		for _, c := range []elliptic.Curve{elliptic.P256(), elliptic.P384(), elliptic.P521()} {
			k, err := ecdsa.GenerateKey(c, rand.Reader)
			if err != nil {
				panic(err)
			}
			all = append(all, k)
		}
		return all
	})
)

func newRSA(bits int) *rsa.PrivateKey {
	k, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		panic(err)
	}
	return k
}

// A Provider is an identity provider on this machine, by HTTPS.
type Provider struct {
	*httptest.Server
	// Fetches counts how often its keys were asked for.
	Fetches atomic.Int32

	mu     sync.Mutex
	keys   []any
	broken http.HandlerFunc
}

// Start starts a provider that publishes keys: what its key set holds. It
// stops with the test.
func Start(t *testing.T, keys ...any) *Provider {
	t.Helper()
	p := &Provider{keys: keys}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

// ServeHTTP answers discovery and keys.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	broken, keys := p.broken, p.keys
	p.mu.Unlock()
	if broken != nil {
		broken(w, r)
		return
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		_ = json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys"})
	case "/keys":
		p.Fetches.Add(1)
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": keys})
	default:
		http.NotFound(w, r)
	}
}

// Publish replaces the keys of the provider.
func (p *Provider) Publish(keys ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys = keys
}

// Break makes the provider answer everything in another way; nil mends it.
func (p *Provider) Break(h http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.broken = h
}

// Claims are those of a token that is good at a time, with some replaced; nil
// takes one away.
func (p *Provider) Claims(now time.Time, changes map[string]any) map[string]any {
	all := map[string]any{"iss": p.URL, "sub": "user-1", "aud": "client-1", "iat": now.Unix(), "exp": now.Add(time.Hour).Unix()}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// Public is a key as a key set has it, for signatures.
func Public(key crypto.PublicKey, id string) jose.JSONWebKey {
	return jose.JSONWebKey{Key: key, KeyID: id, Use: "sig"}
}

// Sign makes a token of claims.
func Sign(t *testing.T, alg jose.SignatureAlgorithm, key any, keyID string, claims any) string {
	t.Helper()
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	return SignText(t, alg, key, keyID, payload)
}

// SignText signs any text as a token.
func SignText(t *testing.T, alg jose.SignatureAlgorithm, key any, keyID string, payload []byte) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: key, KeyID: keyID}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return token
}
