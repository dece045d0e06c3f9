package sts

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/sts/idtoken"
)

func newService() *Service { return New(Config{Keys: seal.New(), Now: time.Now}) }

// example is a session that has something of everything.
func example() *Session {
	return &Session{
		AccessKeyID: newAccessKeyID("111122223333"), Secret: contract.Secret(newSecret()),
		Issued: time.Unix(1767225600, 0), Expires: time.Unix(1767229200, 0),
		Principal: policy.Principal{
			Type: policy.RoleSession, Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/Reader/ana", Issuer: "arn:aws:iam::111122223333:role/teams/Reader",
			UserID: "AROAEXAMPLEEXAMPLE000:ana", Tags: map[string]string{"Team": "blue", "CostCenter": "1234"},
		},
		Kind: KindRole, Name: "Reader", ID: "AROAEXAMPLEEXAMPLE000", SessionName: "ana", Transitive: []string{"Team"}, SourceIdentity: "ana",
		Provider: "arn:aws:iam::111122223333:oidc-provider/login.example.org", Claims: policy.Keys{"login.example.org:sub": {"user-1"}, "login.example.org:amr": {"pwd", "otp"}},
		Policy: `{"Version":"2012-10-17","Statement":[]}`, PolicyARNs: []string{"arn:aws:iam::aws:policy/AdministratorAccess"},
	}
}

func TestATokenHoldsItsSession(t *testing.T) {
	t.Parallel()
	s := newService()
	want := example()
	token := s.seal(want, 0)
	if len(token) > 900 {
		t.Errorf("the token of the example has %d characters, want at most 900", len(token))
	}
	for range 2 { // the second time from memory
		got, err := s.Read(want.AccessKeyID, token, time.Unix(1767229199, 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("session (-want +got):\n%s", diff)
		}
	}
	for range 2 {
		if _, err := s.Read(want.AccessKeyID, token, time.Unix(1767229200, 0)); fault.Of(err).Code != "ExpiredTokenException" {
			t.Errorf("at its end: %v", err)
		}
		if _, err := s.Read(newAccessKeyID("111122223333"), token, time.Unix(1767225600, 0)); fault.Of(err).Code != "UnrecognizedClientException" {
			t.Errorf("with another access key: %v", err)
		}
	}
}

func TestAnySessionSurvivesItsToken(t *testing.T) {
	t.Parallel()
	s := newService()
	text := rapid.StringN(0, 40, 200)
	rapid.Check(t, func(t *rapid.T) {
		want := &Session{
			AccessKeyID: newAccessKeyID("000000000001"), Secret: contract.Secret(text.Draw(t, "secret")), Issued: time.Unix(rapid.Int64Range(0, 1<<35).Draw(t, "issued"), 0),
			Expires: time.Unix(1<<36, 0), Kind: text.Draw(t, "kind"), Name: text.Draw(t, "name"), ID: text.Draw(t, "id"), SessionName: text.Draw(t, "session"),
			Principal: policy.Principal{
				Type: rapid.SampledFrom([]policy.PrincipalType{policy.RoleSession, policy.FederatedUser, policy.User, policy.Root}).Draw(t, "type"), Account: text.Draw(t, "account"), ARN: text.Draw(t, "arn"), UserID: text.Draw(t, "user"), UserName: text.Draw(t, "username"),
				Issuer: text.Draw(t, "issuer"), Tags: rapid.MapOfN(text, text, 0, 5).Draw(t, "tags"),
			},
			Transitive: rapid.SliceOfN(text, 0, 3).Draw(t, "transitive"), SourceIdentity: text.Draw(t, "source"), Provider: text.Draw(t, "provider"),
			Claims: rapid.MapOfN(text, rapid.SliceOfN(text, 1, 3), 0, 3).Draw(t, "claims"), Policy: text.Draw(t, "policy"), PolicyARNs: rapid.SliceOfN(text, 0, 3).Draw(t, "arns"),
		}
		token := s.seal(want, rapid.IntRange(0, maxToken).Draw(t, "least"))
		if len(token) > maxToken+4 {
			return // it would not have been given out
		}
		got, err := s.Read(want.AccessKeyID, token, time.Unix(0, 0))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("session (-want +got):\n%s", diff)
		}
	})
}

// TestMemoryIsBounded opens more sessions than are kept.
func TestMemoryIsBounded(t *testing.T) {
	t.Parallel()
	var c sessions
	first := &Session{AccessKeyID: "ASIAFIRST"}
	c.add("first", first)
	for i := range 3 * generation {
		c.add(strings.Repeat("x", i+1), &Session{})
		if c.find("ASIAFIRST", "first") != first {
			t.Fatalf("what is in use is gone after %d others", i+1)
		}
		if n := len(c.young) + len(c.old); n > 2*generation {
			t.Fatalf("%d sessions are kept, want at most %d", n, 2*generation)
		}
	}
	if c.find("", "x") != nil {
		t.Error("the oldest one is still there")
	}
}

func TestAccessKeyIDsKnowTheirAccount(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, account := range []string{"000000000000", "000000000001", "111122223333", "999999999999"} {
		for range 1000 {
			id := newAccessKeyID(account)
			if got, ok := accountOf(id); !ok || got != account || len(id) != 20 || seen[id] {
				t.Fatalf("%s: account %s, %t; want %s, and no id twice", id, got, ok, account)
			}
			seen[id] = true
		}
	}
}

func TestPrincipalTags(t *testing.T) {
	t.Parallel()
	s := &Session{Principal: policy.Principal{Tags: map[string]string{"team": "red", "New": "1"}}}
	want := map[string]string{"team": "red", "New": "1", "Kept": "2"}
	if diff := cmp.Diff(want, s.PrincipalTags(map[string]string{"Team": "blue", "Kept": "2"})); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
	if got := (&Session{}).PrincipalTags(nil); len(got) != 0 {
		t.Errorf("tags of nothing: %v", got)
	}
}

func TestClaimsAreNoKeysOfServices(t *testing.T) {
	t.Parallel()
	c := idtoken.Claims{Subject: "x", Audience: []string{"y"}, All: map[string]json.RawMessage{"SourceIp": json.RawMessage(`"10.0.0.1"`), "n": json.RawMessage(`[1,"a",true,null,{}]`)}}
	if got := keysOf(Provider{Issuer: "AWS"}, c); len(got) != 0 {
		t.Errorf("keys of a provider named AWS: %v", got)
	}
	want := policy.Keys{"idp/a:sourceip": {"10.0.0.1"}, "idp/a:n": {"1", "a", "true"}, "idp/a:sub": {"x"}, "idp/a:aud": {"y"}, "idp/a:oaud": {"y"}}
	if diff := cmp.Diff(want, keysOf(Provider{Issuer: "IdP/a"}, c)); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestPermits(t *testing.T) {
	t.Parallel()
	role := &Session{Kind: KindRole, Principal: policy.Principal{Type: policy.RoleSession}}
	user := &Session{Kind: KindUser, Principal: policy.Principal{Type: policy.User}}
	root := &Session{Kind: KindRoot, Principal: policy.Principal{Type: policy.Root}}
	federated := &Session{Kind: KindUser, Principal: policy.Principal{Type: policy.FederatedUser}}
	for action, want := range map[string]string{ // of role, user, root and federated
		"quicksight:DescribeUser":        "yyyy",
		"iam:GetUser":                    "ynnn",
		"IAM:getuser":                    "ynnn",
		"sts:GetCallerIdentity":          "yyyy",
		"sts:AssumeRole":                 "yyyn",
		"sts:TagSession":                 "yyyn",
		"sts:GetAccessKeyInfo":           "ynnn",
		"sts:DecodeAuthorizationMessage": "ynnn",
	} {
		for i, s := range []*Session{role, user, root, federated} {
			if got := s.Permits(action) == nil; got != (want[i] == 'y') {
				t.Errorf("%s, session %d: %t, want %c", action, i, got, want[i])
			}
		}
	}
}

// FuzzRead presents texts as tokens: none but the genuine one opens.
func FuzzRead(f *testing.F) {
	s := newService()
	session := example()
	genuine := s.seal(session, 0)
	f.Add(session.AccessKeyID, genuine)
	f.Add(session.AccessKeyID, genuine[:len(genuine)/2])
	f.Add(session.AccessKeyID, genuine+"A")
	f.Add("ASIA", genuine)
	f.Add("", "")
	f.Add(session.AccessKeyID, s.encode(nil, session.AccessKeyID))
	f.Add(session.AccessKeyID, "AQ"+strings.Repeat("A", 200))
	f.Fuzz(func(t *testing.T, accessKeyID, token string) {
		got, err := s.Read(accessKeyID, token, time.Unix(1767225601, 0))
		switch {
		case err == nil && (accessKeyID != session.AccessKeyID || token != genuine):
			t.Errorf("%q, %q opens: %v", accessKeyID, token, got)
		case err != nil && fault.Of(err).Code != "UnrecognizedClientException":
			t.Errorf("%q, %q: %v", accessKeyID, token, err)
		}
	})
}

// FuzzParse reads what could only be sealed by ourselves, or by a version of
// ourselves that is to come.
func FuzzParse(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{tokenVersion})
	f.Add([]byte{tokenVersion, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1})
	f.Add(append([]byte{tokenVersion, 2}, 3, 0))
	f.Add(append([]byte{tokenVersion, 200}, tokenCodec.Append(nil, []byte(`{"t":"role","x":9}`))...))
	f.Add(append([]byte{2, 2}, 3, 0))
	f.Fuzz(func(t *testing.T, plain []byte) {
		if s, err := parse("ASIAEXAMPLEEXAMPLE00", plain); err == nil {
			_, _, _ = s.Limited(), s.Keys(), s.PrincipalTags(map[string]string{"a": "b"})
			if s.Permits("iam:GetUser") == nil && s.Kind != KindRole {
				t.Errorf("a session of kind %q reaches IAM", s.Kind)
			}
		}
	})
}

func BenchmarkRead(b *testing.B) {
	s, session := newService(), example()
	token := s.seal(session, 0)
	b.Run("first", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.unseal(session.AccessKeyID, token); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("again", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.Read(session.AccessKeyID, token, session.Issued); err != nil {
				b.Fatal(err)
			}
		}
	})
}
