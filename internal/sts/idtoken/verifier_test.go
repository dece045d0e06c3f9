package idtoken_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"onsight/internal/outbound"
	"onsight/internal/sts/idtoken"
	"onsight/internal/sts/idtoken/idptest"
)

// clock is a time that tests move.
type clock struct{ ns atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.ns.Store(time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC).UnixNano())
	return c
}

func (c *clock) now() time.Time           { return time.Unix(0, c.ns.Load()) }
func (c *clock) advance(by time.Duration) { c.ns.Add(int64(by)) }

func newVerifier(t *testing.T, c *clock, providers ...*idptest.Provider) *idtoken.Verifier {
	t.Helper()
	pool := x509.NewCertPool()
	for _, p := range providers {
		pool.AddCert(p.Certificate())
	}
	return idtoken.New(idtoken.Config{Now: c.now, Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Network: idtoken.Network{RootCAs: pool, Loopback: true}})
}

func TestEveryAlgorithm(t *testing.T) {
	t.Parallel()
	curves := idptest.Curves()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "r"), idptest.Public(curves[0].Public(), "e1"), idptest.Public(curves[1].Public(), "e2"), idptest.Public(curves[2].Public(), "e3"))
	c := newClock()
	v := newVerifier(t, c, p)
	for _, x := range []struct {
		alg   jose.SignatureAlgorithm
		key   any
		keyID string
	}{
		{jose.RS256, idptest.RSA(), "r"},
		{jose.RS384, idptest.RSA(), "r"},
		{jose.RS512, idptest.RSA(), "r"},
		{jose.ES256, curves[0], "e1"},
		{jose.ES384, curves[1], "e2"},
		{jose.ES512, curves[2], "e3"},
		{jose.RS256, idptest.RSA(), ""},
		{jose.ES384, curves[1], ""}, // a token need not name its key
	} {
		token := idptest.Sign(t, x.alg, x.key, x.keyID, p.Claims(c.now(), map[string]any{"azp": "client-1", "groups": []string{"a", "b"}}))
		if iss, err := idtoken.Issuer(token); err != nil || iss != p.URL {
			t.Errorf("%s: Issuer = %s, %v; want %s", x.alg, iss, err, p.URL)
		}
		got, err := v.Verify(t.Context(), p.URL, []string{"client-0", "client-1"}, token)
		if err != nil {
			t.Errorf("%s with key %q: %v", x.alg, x.keyID, err)
			continue
		}
		if string(got.All["groups"]) != `["a","b"]` {
			t.Errorf("%s: groups = %s", x.alg, got.All["groups"])
		}
		got.All = nil
		if diff := cmp.Diff(idtoken.Claims{Issuer: p.URL, Subject: "user-1", Audience: []string{"client-1"}, AuthorizedParty: "client-1"}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", x.alg, diff)
		}
	}
	if n := p.Fetches.Load(); n != 1 {
		t.Errorf("the keys were fetched %d times, want once", n)
	}
}

func TestBadTokens(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"), idptest.Public(idptest.Curves()[0].Public(), "e1"),
		jose.JSONWebKey{Key: idptest.Other().Public(), KeyID: "enc", Use: "enc"},
		jose.JSONWebKey{Key: idptest.Other().Public(), KeyID: "only-512", Algorithm: "RS512"},
		idptest.Public(idptest.Short().Public(), "short"),
		map[string]string{"kty": "OKP", "crv": "X448", "kid": "odd", "x": "AA"}, "not an object", map[string]string{"kty": "RSA", "kid": "empty"},
	)
	c := newClock()
	v := newVerifier(t, c, p)
	good := p.Claims(c.now(), nil)
	with := func(name string, value any) map[string]any { return p.Claims(c.now(), map[string]any{name: value}) }
	rs := func(claims any) string { return idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", claims) }
	publicPEM := func() []byte {
		der, err := x509.MarshalPKIXPublicKey(idptest.RSA().Public())
		if err != nil {
			t.Fatal(err)
		}
		return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	segment := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	genuine := rs(good)
	parts := strings.Split(genuine, ".")
	missing := func(claim string) error { return &idtoken.MissingClaimError{Claim: claim} }
	now := c.now().Unix()

	for name, x := range map[string]struct {
		token string
		want  error
	}{
		"no token":                    {"hello", idtoken.ErrMalformed},
		"empty":                       {"", idtoken.ErrMalformed},
		"alg none":                    {segment(map[string]string{"alg": "none"}) + "." + segment(good) + ".", idtoken.ErrMalformed},
		"alg None":                    {segment(map[string]string{"alg": "None"}) + "." + segment(good) + ".", idtoken.ErrMalformed},
		"no alg":                      {segment(map[string]string{"kid": "k1"}) + "." + segment(good) + "." + parts[2], idtoken.ErrMalformed},
		"HS256 with the public key":   {idptest.Sign(t, jose.HS256, publicPEM(), "k1", good), idtoken.ErrMalformed},
		"PS256":                       {idptest.Sign(t, jose.PS256, idptest.RSA(), "k1", good), idtoken.ErrMalformed},
		"EdDSA":                       {idptest.Sign(t, jose.EdDSA, edKey, "k1", good), idtoken.ErrMalformed},
		"RS256 with its key inside":   {segment(map[string]any{"alg": "RS256", "jwk": idptest.Public(idptest.Other().Public(), "x"), "kid": "x"}) + "." + parts[1] + "." + parts[2], idtoken.ErrKey},
		"unknown critical header":     {segment(map[string]any{"alg": "RS256", "kid": "k1", "crit": []string{"odd"}, "odd": 1}) + "." + parts[1] + "." + parts[2], idtoken.ErrMalformed},
		"JSON serialisation":          {`{"payload":"` + parts[1] + `","protected":"` + parts[0] + `","signature":"` + parts[2] + `"}`, idtoken.ErrMalformed},
		"another's key":               {idptest.Sign(t, jose.RS256, idptest.Other(), "k1", good), idtoken.ErrSignature},
		"another's key without name":  {idptest.Sign(t, jose.RS256, idptest.Other(), "", good), idtoken.ErrSignature},
		"changed claims":              {parts[0] + "." + segment(with("sub", "admin")) + "." + parts[2], idtoken.ErrSignature},
		"no signature":                {parts[0] + "." + parts[1] + ".", idtoken.ErrSignature},
		"unknown key":                 {idptest.Sign(t, jose.RS256, idptest.RSA(), "k2", good), idtoken.ErrKey},
		"key of another kind":         {idptest.Sign(t, jose.RS256, idptest.RSA(), "e1", good), idtoken.ErrKey},
		"curve of another algorithm":  {idptest.Sign(t, jose.ES384, idptest.Curves()[1], "e1", good), idtoken.ErrKey},
		"key for encryption":          {idptest.Sign(t, jose.RS256, idptest.Other(), "enc", good), idtoken.ErrKey},
		"key of another algorithm":    {idptest.Sign(t, jose.RS256, idptest.Other(), "only-512", good), idtoken.ErrKey},
		"key that is too short":       {idptest.Sign(t, jose.RS256, idptest.Short(), "short", good), idtoken.ErrKey},
		"not an object":               {rs([]int{1}), idtoken.ErrMalformed},
		"no JSON":                     {idptest.SignText(t, jose.RS256, idptest.RSA(), "k1", []byte("hello")), idtoken.ErrMalformed},
		"a claim twice":               {idptest.SignText(t, jose.RS256, idptest.RSA(), "k1", fmt.Appendf(nil, `{"iss":%q,"sub":"a","sub":"b","aud":"client-1","exp":%d}`, p.URL, now+60)), idtoken.ErrMalformed},
		"exp of text":                 {rs(with("exp", "tomorrow")), idtoken.ErrMalformed},
		"exp beyond all time":         {rs(with("exp", 1e30)), idtoken.ErrMalformed},
		"another issuer":              {rs(with("iss", "https://login.example.org")), idtoken.ErrIssuer},
		"issuer with a slash":         {rs(with("iss", p.URL+"/")), idtoken.ErrIssuer},
		"another audience":            {rs(with("aud", "client-2")), idtoken.ErrAudience},
		"audience in another case":    {rs(with("aud", "Client-1")), idtoken.ErrAudience},
		"several audiences":           {rs(with("aud", []string{"client-1", "client-2"})), idtoken.ErrAudience},
		"made for another client":     {rs(with("azp", "client-2")), idtoken.ErrAudience},
		"made for us, to be used not": {rs(p.Claims(c.now(), map[string]any{"azp": "client-1", "aud": "api-of-others"})), idtoken.ErrAudience},
		"not yet":                     {rs(with("nbf", now+120)), idtoken.ErrNotYet},
		"issued in the future":        {rs(with("iat", now+120)), idtoken.ErrNotYet},
		"expired":                     {rs(with("exp", now-120)), &idtoken.ExpiredError{}},
		"without iss":                 {rs(with("iss", nil)), missing("iss")},
		"without sub":                 {rs(with("sub", nil)), missing("sub")},
		"without aud":                 {rs(with("aud", nil)), missing("aud")},
		"without exp":                 {rs(with("exp", nil)), missing("exp")},
	} {
		_, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, x.token)
		var wantMissing, gotMissing *idtoken.MissingClaimError
		var expired *idtoken.ExpiredError
		switch {
		case errors.As(x.want, &wantMissing):
			if !errors.As(err, &gotMissing) || *gotMissing != *wantMissing {
				t.Errorf("%s: %v, want %v", name, err, x.want)
			}
		case errors.As(x.want, &expired):
			if !errors.As(err, &expired) || expired.Now.Unix() != now || expired.Expiry.Unix() != now-120 {
				t.Errorf("%s: %v, want expired two minutes ago", name, err)
			}
		case !errors.Is(err, x.want):
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
	}
	if _, err := v.Verify(t.Context(), p.URL, nil, genuine); !errors.Is(err, idtoken.ErrAudience) {
		t.Errorf("without any client: %v, want %v", err, idtoken.ErrAudience)
	}
	for name, token := range map[string]string{
		"genuine":                      genuine,
		"clocks apart":                 rs(p.Claims(c.now(), map[string]any{"iat": now + 50, "nbf": now + 50, "exp": now - 50})),
		"several audiences and a name": rs(p.Claims(c.now(), map[string]any{"aud": []string{"api", "client-1"}, "azp": "client-1"})),
	} {
		if _, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, token); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestKeysAreRotated takes a key away from a provider and gives it another.
func TestKeysAreRotated(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "old"))
	c := newClock()
	v := newVerifier(t, c, p)
	verify := func(key *rsa.PrivateKey, id string) error {
		_, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, idptest.Sign(t, jose.RS256, key, id, p.Claims(c.now(), nil)))
		return err
	}
	if err := verify(idptest.RSA(), "old"); err != nil {
		t.Fatal(err)
	}
	p.Publish(idptest.Public(idptest.Other().Public(), "new"))
	c.advance(time.Minute)
	if err := verify(idptest.RSA(), "old"); err != nil {
		t.Errorf("the old key, while nobody has shown a new one: %v", err)
	}
	if err := verify(idptest.Other(), "new"); err != nil {
		t.Errorf("the new key: %v", err)
	}
	if err := verify(idptest.RSA(), "old"); !errors.Is(err, idtoken.ErrKey) {
		t.Errorf("the old key after the new one: %v, want %v", err, idtoken.ErrKey)
	}
	// The other way: nobody shows a new key, and the old one is out all the same.
	p.Publish(idptest.Public(idptest.RSA().Public(), "newer"))
	c.advance(5 * time.Minute)
	if err := verify(idptest.Other(), "new"); !errors.Is(err, idtoken.ErrKey) {
		t.Errorf("a withdrawn key after five minutes: %v, want %v", err, idtoken.ErrKey)
	}
	// A provider may change a key and keep its name.
	p.Publish(idptest.Public(idptest.Other().Public(), "newer"))
	c.advance(time.Minute)
	if err := verify(idptest.Other(), "newer"); err != nil {
		t.Errorf("a new key under an old name: %v", err)
	}
}

// TestFetchesAreFew sends tokens of which each names another unknown key.
func TestFetchesAreFew(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))
	c := newClock()
	v := newVerifier(t, c, p)
	claims := p.Claims(c.now(), nil)
	for i := range 50 {
		if _, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, idptest.Sign(t, jose.ES256, idptest.Curves()[0], fmt.Sprint("k", i+2), claims)); !errors.Is(err, idtoken.ErrKey) {
			t.Fatalf("unknown key: %v, want %v", err, idtoken.ErrKey)
		}
	}
	if n := p.Fetches.Load(); n != 1 {
		t.Errorf("50 unknown keys at once: fetched %d times, want 1", n)
	}
	for i := range 10 {
		c.advance(time.Second)
		_, _ = v.Verify(t.Context(), p.URL, []string{"client-1"}, idptest.Sign(t, jose.ES256, idptest.Curves()[0], fmt.Sprint("x", i), claims))
	}
	if n := p.Fetches.Load(); n != 3 {
		t.Errorf("10 more within ten seconds: fetched %d times, want 3", n)
	}
}

// TestOneFetchServesAll lets many tokens come while the provider is slow.
func TestOneFetchServesAll(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))
	var asked atomic.Int32
	release := make(chan struct{})
	p.Break(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		<-release
		p.Break(nil)
		p.Config.Handler.ServeHTTP(w, r)
	})
	c := newClock()
	v := newVerifier(t, c, p)
	token := idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", p.Claims(c.now(), nil))
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			if _, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, token); err != nil {
				t.Error(err)
			}
		})
	}
	// Who gives up does not take the others along.
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := v.Verify(gone, p.URL, []string{"client-1"}, token); !errors.Is(err, idtoken.ErrUnreachable) {
		t.Errorf("a caller that has gone: %v, want %v", err, idtoken.ErrUnreachable)
	}
	close(release)
	wg.Wait()
	if n, k := asked.Load(), p.Fetches.Load(); n != 1 || k != 1 {
		t.Errorf("asked %d times for discovery and %d times for keys, want once", n, k)
	}
}

func TestAProviderThatDoesNotAnswer(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))
	c := newClock()
	v := newVerifier(t, c, p)
	verify := func() error {
		_, err := v.Verify(t.Context(), p.URL, []string{"client-1"}, idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", p.Claims(c.now(), nil)))
		return err
	}
	p.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	if err := verify(); !errors.Is(err, idtoken.ErrUnreachable) {
		t.Errorf("502: %v, want %v", err, idtoken.ErrUnreachable)
	}
	p.Break(nil)
	if err := verify(); !errors.Is(err, idtoken.ErrUnreachable) {
		t.Errorf("at once again: %v, want the error of before", err)
	}
	c.advance(5 * time.Second)
	if err := verify(); err != nil {
		t.Errorf("after a pause: %v", err)
	}
	p.Break(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	c.advance(59 * time.Minute)
	if err := verify(); err != nil {
		t.Errorf("with keys of 59 minutes ago: %v", err)
	}
	c.advance(time.Minute)
	if err := verify(); !errors.Is(err, idtoken.ErrUnreachable) {
		t.Errorf("with keys of an hour ago: %v, want %v", err, idtoken.ErrUnreachable)
	}
	p.Close()
	c.advance(time.Minute)
	if err := verify(); !errors.Is(err, idtoken.ErrUnreachable) {
		t.Errorf("nobody listens: %v, want %v", err, idtoken.ErrUnreachable)
	}
}

func TestOddProviders(t *testing.T) {
	t.Parallel()
	answer := func(body string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(body)) }
	}
	for name, x := range map[string]struct {
		answer func(p *idptest.Provider) http.HandlerFunc
		want   error
	}{
		"not found": {func(*idptest.Provider) http.HandlerFunc { return http.NotFound }, idtoken.ErrKey},
		"busy": {func(*idptest.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }
		}, idtoken.ErrUnreachable},
		"a page": {func(*idptest.Provider) http.HandlerFunc { return answer("<html>") }, idtoken.ErrKey},
		"another issuer": {func(*idptest.Provider) http.HandlerFunc {
			return answer(`{"issuer":"https://x","jwks_uri":"https://x"}`)
		}, idtoken.ErrKey},
		"no keys": {func(p *idptest.Provider) http.HandlerFunc { return answer(`{"issuer":"` + p.URL + `"}`) }, idtoken.ErrKey},
		"keys by http": {func(p *idptest.Provider) http.HandlerFunc {
			return answer(`{"issuer":"` + p.URL + `","jwks_uri":"http://keys.example.org/"}`)
		}, idtoken.ErrKey},
		"keys in a file": {func(p *idptest.Provider) http.HandlerFunc {
			return answer(`{"issuer":"` + p.URL + `","jwks_uri":"file:///etc/passwd"}`)
		}, idtoken.ErrKey},
		"keys of the cloud's metadata": {func(p *idptest.Provider) http.HandlerFunc {
			return answer(`{"issuer":"` + p.URL + `","jwks_uri":"https://169.254.169.254/latest"}`)
		}, idtoken.ErrUnreachable},
		"keys by a redirection to http": {func(p *idptest.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, "http://keys.example.org/", http.StatusFound)
			}
		}, idtoken.ErrUnreachable},
		"redirections without end": {func(p *idptest.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, p.URL+"/again", http.StatusFound)
			}
		}, idtoken.ErrUnreachable},
		"no key of ours": {func(p *idptest.Provider) http.HandlerFunc {
			return answer(`{"issuer":"` + p.URL + `","jwks_uri":"` + p.URL + `","keys":[{"kty":"oct","k":"AAAA"}]}`)
		}, idtoken.ErrKey},
		"too much": {func(*idptest.Provider) http.HandlerFunc { return answer(`"` + strings.Repeat("x", 2<<20) + `"`) }, idtoken.ErrKey},
		"an end too early": {func(*idptest.Provider) http.HandlerFunc {
			return func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				_, _ = w.Write([]byte("{"))
			}
		}, idtoken.ErrUnreachable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := idptest.Start(t)
			p.Break(x.answer(p))
			c := newClock()
			_, err := newVerifier(t, c, p).Verify(t.Context(), p.URL, []string{"client-1"}, idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", p.Claims(c.now(), nil)))
			if !errors.Is(err, x.want) {
				t.Errorf("%v, want %v", err, x.want)
			}
		})
	}
}

// TestTrust reaches a provider that the settings do not allow.
func TestTrust(t *testing.T) {
	t.Parallel()
	p := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))
	plain := httptest.NewServer(p.Config.Handler)
	t.Cleanup(plain.Close)
	pool, err := outbound.SystemCAsAnd(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := outbound.SystemCAsAnd([]byte("no certificate")); err == nil {
		t.Error("a file without certificates is taken")
	}
	c := newClock()
	token := idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", p.Claims(c.now(), nil))
	for name, x := range map[string]struct {
		network idtoken.Network
		issuer  string
		want    error
	}{
		"all of it":             {idtoken.Network{RootCAs: pool, Loopback: true}, p.URL, nil},
		"no such authority":     {idtoken.Network{Loopback: true}, p.URL, idtoken.ErrUnreachable},
		"not on this machine":   {idtoken.Network{RootCAs: pool}, p.URL, idtoken.ErrUnreachable},
		"not by plain HTTP":     {idtoken.Network{}, plain.URL, idtoken.ErrKey},
		"plain HTTP, elsewhere": {idtoken.Network{Loopback: true}, "http://login.example.org", idtoken.ErrKey},
	} {
		var log bytes.Buffer
		v := idtoken.New(idtoken.Config{Now: c.now, Log: slog.New(slog.NewTextHandler(&log, nil)), Network: x.network})
		if _, err := v.Verify(t.Context(), x.issuer, []string{"client-1"}, token); !errors.Is(err, x.want) {
			t.Errorf("%s: %v, want %v", name, err, x.want)
		}
		if x.want != nil && !strings.Contains(log.String(), x.issuer) {
			t.Errorf("%s: the log does not tell of the issuer: %s", name, log.String())
		}
	}
}

func FuzzVerify(f *testing.F) {
	f.Add("eyJhbGciOiJub25lIn0.e30.")
	f.Add("eyJhbGciOiJSUzI1NiIsImtpZCI6ImsxIn0.eyJpc3MiOiJodHRwczovL3gifQ.AAAA")
	f.Add("..")
	v := idtoken.New(idtoken.Config{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := v.Verify(t.Context(), "http://provider.invalid", []string{"c"}, token); err == nil {
			t.Errorf("%q passes", token)
		}
		_, _ = idtoken.Issuer(token)
	})
}
