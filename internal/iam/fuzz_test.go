package iam

import (
	"strings"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/policy"
)

// FuzzMetadata has no document of an identity provider do worse than be refused.
func FuzzMetadata(f *testing.F) {
	const head = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="e"`
	for _, s := range []string{
		head + `/>`, head + ` validUntil="2031-02-03T04:05:06Z"><a>b</a></EntityDescriptor>`, `<?xml version="1.0" encoding="utf-16"?>` + head + `/>`,
		`<!DOCTYPE x [<!ENTITY a "b">]>` + head + `>&a;</EntityDescriptor>`, head, "", "<", "\ufeff" + head + "/>", head + "/>" + head + "/>",
	} {
		f.Add(s)
	}
	s := &Service{now: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	f.Fuzz(func(t *testing.T, document string) {
		until, err := s.readMetadata(document)
		switch {
		case err != nil:
			if code := fault.Of(err).Code; code != "InvalidInput" {
				t.Errorf("%v", err)
			}
		case until == nil || !strings.Contains(document, "EntityDescriptor"):
			t.Errorf("taken: %q", document)
		}
	})
}

// FuzzIssuer has nothing taken for the URL of a provider that would make an
// ARN of another shape, or a URL that is fetched from elsewhere.
func FuzzIssuer(f *testing.F) {
	for _, s := range []string{"https://a.example.org", "https://a:8443/b/c", "https://[::1]:1/x", "https://a@b", "https://a?b", "http://a", "https://a#", "https:a", "https://a/%2e%2e/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, issuer string) {
		if checkIssuer(issuer) != nil {
			return
		}
		rest, ok := strings.CutPrefix(issuer, "https://")
		host, _, _ := strings.Cut(rest, "/")
		if !ok || host == "" || strings.Contains(host, "@") || strings.ContainsAny(rest, "?#\\ \t\r\n") {
			t.Errorf("taken: %q", issuer)
		}
		if err := checkProviderARN("oidc-provider", oidcARN("111122223333", issuer)); err != nil && len(issuer) < 255 {
			t.Errorf("%q: %v", issuer, err)
		}
	})
}

// FuzzBefore has the place in front of a statement never lie behind it.
func FuzzBefore(f *testing.F) {
	f.Add(`{"Version":"2012-10-17","Statement":[ {"Effect":"Allow","Action":"a:b","Resource":"*"} ,` + "\n" + `{"Effect":"Deny","Action":"a:b","Resource":"*"}]}`)
	f.Add(`{"Statement":` + "\t" + `{"Effect":"Allow","Action":"é:*","Resource":"*"}}`)
	f.Fuzz(func(t *testing.T, document string) {
		p, err := policy.Parse(policy.Identity, document)
		if err != nil {
			return
		}
		last := policy.Position{Line: 1, Column: 1}
		for i := range p.Len() {
			start, end := p.Span(i)
			at := before(document, start)
			if after(at, start) || after(last, at) || after(start, end) {
				t.Errorf("statement %d of %q: from %v, before %v, after %v", i, document, start, at, last)
			}
			last = end
		}
	})
}

func after(a, b policy.Position) bool {
	return a.Line > b.Line || a.Line == b.Line && a.Column > b.Column
}
