package signin

import (
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"hash"
	"strings"
	"testing"
	"time"
)

// TestTOTPVectors has the values of RFC 6238, appendix B.
func TestTOTPVectors(t *testing.T) {
	t.Parallel()
	seed := func(n int) []byte { return []byte(strings.Repeat("1234567890", 7)[:n]) }
	kinds := []struct {
		hash   func() hash.Hash
		secret []byte
	}{{sha1.New, seed(20)}, {sha256.New, seed(32)}, {sha512.New, seed(64)}}
	for at, codes := range map[int64][3]string{
		59:          {"94287082", "46119246", "90693936"},
		1111111109:  {"07081804", "68084774", "25091201"},
		1111111111:  {"14050471", "67062674", "99943326"},
		1234567890:  {"89005924", "91819424", "93441116"},
		2000000000:  {"69279037", "90698825", "38618901"},
		20000000000: {"65353130", "77737706", "47863826"},
	} {
		for i, k := range kinds {
			if got := hotp(k.hash, k.secret, totpStep(time.Unix(at, 0)), 8); got != codes[i] {
				t.Errorf("at %d, kind %d: %s, want %s", at, i, got, codes[i])
			}
		}
	}
}

// TestHOTPVectors has the values of RFC 4226, appendix D.
func TestHOTPVectors(t *testing.T) {
	t.Parallel()
	for i, want := range []string{"755224", "287082", "359152", "969429", "338314", "254676", "287922", "162583", "399871", "520489"} {
		if got := hotp(sha1.New, []byte("12345678901234567890"), int64(i), 6); got != want {
			t.Errorf("counter %d: %s, want %s", i, got, want)
		}
	}
}

func TestTOTPMatch(t *testing.T) {
	t.Parallel()
	secret, now := newTOTPSecret(), time.Unix(1_800_000_015, 0)
	for off, want := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		code := hotp(sha1.New, secret, totpStep(now)+off, totpDigits)
		step, ok := totpMatch(secret, code, now)
		if ok != want || ok && step != totpStep(now)+off {
			t.Errorf("%d steps off: %t, step %d", off, ok, step-totpStep(now))
		}
	}
	for _, code := range []string{"", "12345", "1234567", "abcdef", "١٢٣٤٥٦"} {
		if _, ok := totpMatch(secret, code, now); ok {
			t.Errorf("%q matches", code)
		}
	}
}

func TestTOTPURL(t *testing.T) {
	t.Parallel()
	got := totpURL([]byte("12345678901234567890"), "Onsight acme:x", "ana & co")
	want := "otpauth://totp/Onsight%20acme%20x:ana%20&%20co?issuer=Onsight%20acme%3Ax&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"
	if got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestRecoveryCodesAsTyped(t *testing.T) {
	t.Parallel()
	for typed, want := range map[string]string{"ABCD-efgh 2o34": "abcdefgh2034", "  abcd": "abcd", "": ""} {
		if got := readCode(typed); got != want {
			t.Errorf("%q: %q, want %q", typed, got, want)
		}
	}
}

func TestPasskeysNeedAHost(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"https://onsight.example.org": true, "https://onsight.example.org:8443/base": true, "http://localhost:8920": true,
		"http://127.0.0.1:8920": false, "https://10.0.0.1": false, "http://onsight.example.org": false, "https://[::1]": false, "": false,
	} {
		if got := newPasskeys(url) != nil; got != want {
			t.Errorf("%s: %t, want %t", url, got, want)
		}
	}
}
