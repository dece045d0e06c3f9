package sts_test

import (
	"encoding/json"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/sts"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
	"onsight/internal/wire"
)

const invalidToken = "The security token included in the request is invalid."

// TestTokensOfOthers presents tokens that are not those of the access key.
func TestTokensOfOthers(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana")
		role := w.role(home, "r", trust(ana, "", "sts:AssumeRole"))
		mine, other := w.session(key, assume(role)), w.session(key, assume(role))
		stranger := start(t, storetest.Config(t, store.SQLite)) // has another sealing key
		flip := func(s string, at int) string {
			b := []byte(s)
			if b[at] == 'A' {
				b[at] = 'B'
			} else {
				b[at] = 'A'
			}
			return string(b)
		}
		last := len(mine.token) - 2
		for name, token := range map[string]string{
			"none":                  "",
			"of another session":    other.token,
			"cut":                   mine.token[:last],
			"cut in half":           mine.token[:last/2],
			"longer":                mine.token + "AAAA",
			"twice":                 mine.token + mine.token,
			"with padding":          mine.token + "==",
			"its first byte":        flip(mine.token, 0),
			"a byte of its key id":  flip(mine.token, 3),
			"a byte of its nonce":   flip(mine.token, 20),
			"a byte in the middle":  flip(mine.token, last/2),
			"a byte at its end":     flip(mine.token, last),
			"made up":               strings.Repeat("A", 300),
			"far too long":          strings.Repeat("A", 7000),
			"with standard base64":  strings.NewReplacer("-", "+", "_", "/").Replace(mine.token) + "+/",
			"the secret access key": mine.secret,
		} {
			as := mine
			as.token = token
			refused(w, as, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalidToken)
			if t.Failed() {
				t.Fatalf("token: %s", name)
			}
		}
		for name, as := range map[string]credentials{
			"another's access key":  {other.id, mine.secret, mine.token, ""},
			"a user's access key":   {key.id, mine.secret, mine.token, ""},
			"a made-up access key":  {"ASIAAAAAAAAAAAAAAAAA", mine.secret, mine.token, ""},
			"an access key of root": {rootKey, mine.secret, mine.token, ""},
		} {
			refused(w, as, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalidToken)
			if t.Failed() {
				t.Fatalf("access key: %s", name)
			}
		}
		refused(w, credentials{mine.id, other.secret, mine.token, ""}, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "SignatureDoesNotMatch", "The request signature we calculated does not match…")
		refused(stranger, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalidToken)
		must(w, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		// An access key that is known with its token is unknown without.
		refused(w, credentials{id: mine.id, secret: mine.secret}, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalidToken)
	})
}

// TestAnyServerOpensTokens has two servers over one database, with one key
// file: what one seals the other opens.
func TestAnyServerOpensTokens(t *testing.T) {
	t.Parallel()
	db, keys := storetest.Config(t, store.PostgreSQL), testkit.SealKey(filepath.Join(t.TempDir(), "seal.key"))
	one, two := start(t, db, keys), start(t, db, keys)
	role := one.role(home, "r", trust(house, "", "sts:AssumeRole"))
	mine := one.session(one.user(home, "ana", allow("*", "sts:*")), assume(role))
	if got := must(two, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}); *got.Arn != "arn:aws:sts::"+home+":assumed-role/r/test" {
		t.Errorf("at the other server the caller is %s", *got.Arn)
	}
}

// TestTokensSurviveARestart restarts the server.
func TestTokensSurviveARestart(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		role := w.role(home, "r", trust(house, "", "sts:AssumeRole"))
		mine := w.session(w.user(home, "ana", allow("*", "sts:*")), assume(role))
		w.srv = w.srv.Restart(w.t)
		must(w, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
	})
}

func TestGetSessionToken(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana", allow("*", "iam:*", "sts:*"))
		role := w.role(home, "r", trust(ana, "", "sts:AssumeRole"))
		out := must(w, key, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{})
		if lasts := time.Until(*out.Credentials.Expiration).Round(time.Minute); lasts != 12*time.Hour {
			t.Errorf("the session lasts %s, want 12h", lasts)
		}
		mine := of(out.Credentials)
		user := must(w, root(home), iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}).User
		who := must(w, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		if *who.Arn != ana || *who.UserId != user.UserId || *who.Account != home {
			t.Errorf("caller %s, %s, %s", *who.Arn, *who.UserId, *who.Account)
		}
		// What may be done with it in IAM and STS.
		refused(w, mine, iamapi.ListUsers, iamapi.ListUsersRequest{}, 403, "InvalidClientTokenId", invalidToken)
		refused(w, mine, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{}, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
		refused(w, mine, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob"}, 403, "AccessDenied", "Cannot call GetFederationToken with session credentials")
		refused(w, mine, stsapi.GetAccessKeyInfo, stsapi.GetAccessKeyInfoRequest{AccessKeyId: key.id}, 403, "AccessDenied", "Cannot call GetAccessKeyInfo with session credentials")
		long := w.session(mine, assume(role)) // which is not chaining: it is the user who assumes
		refused(w, long, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{}, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
		must(w, mine, stsapi.AssumeRole, assume(role, func(in *stsapi.AssumeRoleRequest) { in.DurationSeconds = new(int32(3600)) }))

		must(w, key, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{DurationSeconds: new(int32(129600))})
		refused(w, key, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{DurationSeconds: new(int32(129601))}, 400, "ValidationError", "1 validation error detected: Value '129601' at 'durationSeconds'…")
		refused(w, key, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{SerialNumber: new("GAHT12345678"), TokenCode: new("123456")}, 403, "AccessDenied", "MultiFactorAuthentication failed…")
		// Root's lasts an hour, whatever is asked.
		for _, seconds := range []*int32{nil, new(int32(129600))} {
			out = must(w, root(home), stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{DurationSeconds: seconds})
			if lasts := time.Until(*out.Credentials.Expiration).Round(time.Minute); lasts != time.Hour {
				t.Errorf("root's session lasts %s, want 1h", lasts)
			}
		}
		if who := must(w, of(out.Credentials), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}); *who.Arn != house || *who.UserId != home {
			t.Errorf("root's session is that of %s, %s", *who.Arn, *who.UserId)
		}
		refused(w, of(out.Credentials), stsapi.AssumeRole, assume(role), 403, "AccessDenied", "Roles may not be assumed by root accounts.")

		w.advance(12 * time.Hour)
		refused(w, mine, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "ExpiredToken", "The security token included in the request is expired")
	})
}

func TestGetFederationToken(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		w.role(home, "trusting", trust("*", "", "sts:AssumeRole"))
		key := w.user(home, "broker", allow("*", "sts:GetFederationToken", "sts:TagSession", "quicksight:*"))
		out := must(w, key, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{
			Name: "bob", DurationSeconds: new(int32(900)), Policy: new(document(allow("*", "quicksight:List*", "sts:*", "iam:*"))), Tags: []stsapi.Tag{{Key: "Team", Value: "blue"}},
		})
		want := &stsapi.FederatedUser{Arn: "arn:aws:sts::" + home + ":federated-user/bob", FederatedUserId: home + ":bob"}
		if diff := cmp.Diff(want, out.FederatedUser); diff != "" {
			t.Errorf("FederatedUser (-want +got):\n%s", diff)
		}
		if out.PackedPolicySize == nil || *out.PackedPolicySize < 1 {
			t.Errorf("PackedPolicySize = %v", out.PackedPolicySize)
		}
		bob := of(out.Credentials)
		if who := must(w, bob, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}); *who.Arn != want.Arn || *who.UserId != want.FederatedUserId {
			t.Errorf("caller %s, %s", *who.Arn, *who.UserId)
		}
		refused(w, bob, iamapi.ListUsers, iamapi.ListUsersRequest{}, 403, "InvalidClientTokenId", invalidToken)
		refused(w, bob, stsapi.AssumeRole, assume("arn:aws:iam::"+home+":role/trusting"), 403, "AccessDenied", "Cannot call AssumeRole with federation credentials")
		refused(w, bob, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob"}, 403, "AccessDenied", "Cannot call GetFederationToken with session credentials")

		s, err := w.sessions.Read(bob.id, bob.token, w.now())
		if err != nil {
			t.Fatal(err)
		}
		got := *s
		got.Secret, got.Issued, got.Expires, got.AccessKeyID = "", time.Time{}, time.Time{}, ""
		id := must(w, root(home), iamapi.GetUser, iamapi.GetUserRequest{UserName: new("broker")}).User.UserId
		if diff := cmp.Diff(sts.Session{
			Principal: policy.Principal{
				Type: policy.FederatedUser, Account: home, ARN: want.Arn, Issuer: "arn:aws:iam::" + home + ":user/broker", UserID: home + ":bob", Tags: map[string]string{"Team": "blue"},
			},
			Kind: sts.KindUser, Name: "broker", ID: id, SessionName: "bob", Policy: document(allow("*", "quicksight:List*", "sts:*", "iam:*")),
		}, got); diff != "" {
			t.Errorf("the session (-want +got):\n%s", diff)
		}
		bare := must(w, key, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob"})
		if s, err := w.sessions.Read(bare.Credentials.AccessKeyId, bare.Credentials.SessionToken, w.now()); err != nil || !s.Limited() {
			t.Errorf("without policies: limited %t, %v; want true", s.Limited(), err)
		}

		outsider := w.user(home, "carl", allow("*", "sts:GetFederationToken"))
		const carl = "arn:aws:iam::" + home + ":user/carl"
		must(w, outsider, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob"})
		refused(w, outsider, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob", Tags: []stsapi.Tag{{Key: "Team", Value: "blue"}}}, 403, "AccessDenied",
			notAllowed(carl, "sts:TagSession", want.Arn))
		refused(w, w.user(home, "dora"), stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob"}, 403, "AccessDenied",
			notAllowed("arn:aws:iam::"+home+":user/dora", "sts:GetFederationToken", want.Arn)+" because no identity-based policy allows the sts:GetFederationToken action")
		refused(w, key, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob", Tags: []stsapi.Tag{{Key: "a", Value: ""}, {Key: "A", Value: ""}}}, 400, "InvalidParameterValue", "Duplicate tag keys found…")
		refused(w, key, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob", Policy: new("[]")}, 400, "MalformedPolicyDocument", "Syntax errors in policy…")
		// Whom root vouches for may do what the session policies allow.
		w.srv.Subscribe(t)
		vouched := must(w, root(home), stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "bob", Policy: new(document(allow("*", "quicksight:List*")))}).Credentials
		if lasts := time.Until(*vouched.Expiration).Round(time.Minute); lasts != time.Hour {
			t.Errorf("a session that root vouches for lasts %s, want 1h", lasts)
		}
		for name, as := range map[string]credentials{"a user": bob, "root": of(vouched)} {
			if _, err := call(w, as, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: home, Namespace: "default"}); err != nil {
				t.Errorf("vouched for by %s, ListUsers: %v", name, err)
			}
			if _, err := call(w, as, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: home, Namespace: "default"}); fault.Of(err).Code != "AccessDeniedException" {
				t.Errorf("vouched for by %s, DescribeNamespace: %v", name, err)
			}
		}
	})
}

func TestGetAccessKeyInfo(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana", allow("*", "sts:GetAccessKeyInfo"))
		guest := w.user(away, "gus")
		visitors := w.role(away, "r", trust("arn:aws:iam::"+away+":user/gus", "", "sts:AssumeRole"))
		for id, want := range map[string]string{
			key.id: home, guest.id: away, w.session(guest, assume(visitors)).id: away, rootKey: home,
			// The id of a temporary key of the real service; its account is published.
			"ASIAQNZGKIQY56JQ7WML": "029608264753",
		} {
			out, err := call(w, key, stsapi.GetAccessKeyInfo, stsapi.GetAccessKeyInfoRequest{AccessKeyId: id})
			if err != nil || *out.Account != want {
				t.Errorf("%s: %v, %v; want %s", id, out, err, want)
			}
		}
		for _, id := range []string{"AKIAAAAAAAAAAAAAAAAA", "ASIAAAAAAAAAAAAAAAAA", "ASIA1111111111111111", "ASIARTJUWSU5XXXXXXXXX"} {
			refused(w, key, stsapi.GetAccessKeyInfo, stsapi.GetAccessKeyInfoRequest{AccessKeyId: id}, 400, "ValidationError", "The access key "+id+" does not exist.")
		}
		refused(w, guest, stsapi.GetAccessKeyInfo, stsapi.GetAccessKeyInfoRequest{AccessKeyId: key.id}, 403, "AccessDenied", "User: arn:aws:iam::"+away+":user/gus is not authorized to perform: sts:GetAccessKeyInfo on resource: *…")
	})
}

func TestDecodeAuthorizationMessage(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key, clerk := w.user(home, "ana"), w.user(home, "clerk", allow("*", "sts:DecodeAuthorizationMessage"))
		foreigner := w.user(away, "clerk", allow("*", "sts:DecodeAuthorizationMessage"))
		role := w.role(home, "r", trust("arn:aws:iam::"+home+":user/clerk", "", "sts:AssumeRole"))
		a := send(w, key, stsapi.AssumeRole, assume(role))
		encoded := a.header.Get("x-onsight-authorization-message")
		if a.status != http.StatusForbidden || encoded == "" {
			t.Fatalf("the refusal has no message: %d %s %v", a.status, a.body, a.header)
		}
		out := must(w, clerk, stsapi.DecodeAuthorizationMessage, stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: encoded})
		var got struct {
			Allowed, ExplicitDeny bool
			Context               struct {
				Principal        struct{ ID, Name, ARN string }
				Action, Resource string
			}
		}
		want := got
		want.Context.Principal.ID = must(w, root(home), iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}).User.UserId
		want.Context.Principal.Name, want.Context.Principal.ARN = "ana", ana
		want.Context.Action, want.Context.Resource = "sts:AssumeRole", role
		if err := json.Unmarshal([]byte(*out.DecodedMessage), &got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("decoded %s (-want +got):\n%s", *out.DecodedMessage, diff)
		}
		refused(w, key, stsapi.DecodeAuthorizationMessage, stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: encoded}, 403, "AccessDenied",
			notAllowed(ana, "sts:DecodeAuthorizationMessage", "*")+"…")
		for name, x := range map[string]struct {
			as      credentials
			message string
		}{
			"of another account":  {foreigner, encoded},
			"cut":                 {clerk, encoded[:len(encoded)-1]},
			"with a line break":   {clerk, encoded[:20] + "\n" + encoded[20:]},
			"made up":             {clerk, "hello"},
			"the token of a call": {clerk, w.session(clerk, assume(role)).token},
		} {
			refused(w, x.as, stsapi.DecodeAuthorizationMessage, stsapi.DecodeAuthorizationMessageRequest{EncodedMessage: x.message}, 400, "InvalidAuthorizationMessageException", "The authorization message is not valid.")
			if t.Failed() {
				t.Fatalf("message: %s", name)
			}
		}
	})
}

func TestCallersWhoDoNotSign(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		a := send(w, credentials{}, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		w.expect("unsigned", wire.DecodeFault(a.status, "", a.body), 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
		a = send(w, credentials{}, stsapi.AssumeRole, assume("arn:aws:iam::"+home+":role/r"))
		w.expect("unsigned", wire.DecodeFault(a.status, "", a.body), 403, "MissingAuthenticationToken", "Request is missing Authentication Token")
		refused(w, credentials{id: "AKIAUNKNOWNUNKNOWN00", secret: "x"}, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalidToken)
		who := must(w, root(home), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		if *who.Arn != house || *who.UserId != home || *who.Account != home {
			t.Errorf("root is %s, %s, %s", *who.Arn, *who.UserId, *who.Account)
		}
		// Nobody can be denied to know who they are, nor a session of their own.
		denied := w.user(home, "ana", `{"Effect":"Deny","Action":"*","Resource":"*"}`)
		must(w, denied, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		must(w, denied, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{})
	})
}
