package sigv4

import (
	"strings"
	"testing"
	"time"
)

func BenchmarkVerify(b *testing.B) {
	for name, r := range map[string]*Request{
		"register":     signed(),
		"token":        signed(func(s *Signer) { s.SessionToken = strings.Repeat("x", 800) }),
		"presigned":    signedQuery(time.Hour),
		"wrong":        signed(func(s *Signer) { s.Secret = "x" }),
		"unknown":      signed(func(s *Signer) { s.AccessKeyID = "AKIANOBODY" }),
		"no-signature": {Header: map[string][]string{}},
	} {
		b.Run(name, func(b *testing.B) {
			v := testVerifier()
			ctx := b.Context()
			b.ReportAllocs()
			for b.Loop() {
				_, _ = v.Verify(ctx, r, "quicksight", testNow)
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	r, body := register()
	s := &Signer{AccessKeyID: testID, Secret: testSecret, Region: "us-east-1", Service: "quicksight"}
	b.ReportAllocs()
	for b.Loop() {
		s.Sign(r, body, testNow)
	}
}

func BenchmarkDeriveKey(b *testing.B) {
	c := Credential{AccessKeyID: testID, Date: "20261120", Region: "us-east-1", Service: "quicksight"}
	for b.Loop() {
		deriveKey(testSecret, &c)
	}
}
