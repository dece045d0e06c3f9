package signin_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// setPolicy says whom the account asks for a second factor.
func setPolicy(t *testing.T, srv *testkit.Server, p onsightapi.SecondFactorPolicy) {
	t.Helper()
	if _, err := testkit.Call(t, srv, onsightapi.PutSecondFactorPolicy, onsightapi.PutSecondFactorPolicyRequest{AwsAccountId: srv.Account, Policy: p}); err != nil {
		t.Fatal(err)
	}
}

var (
	secretShown = regexp.MustCompile(`<code id="secret">([A-Z2-7 ]+)</code>`)
	stateShown  = regexp.MustCompile(`name="state" value="([^"]+)"`)
	codesShown  = regexp.MustCompile(`<li><code>([a-z0-9-]+)</code>`)
	optsShown   = regexp.MustCompile(`data-passkey="(create|get)" data-options="([^"]+)"`)
)

func shown(t *testing.T, re *regexp.Regexp, page testkit.Shown) string {
	t.Helper()
	m := re.FindStringSubmatch(page.Body)
	if m == nil {
		t.Fatalf("no %s in %d %s: %s", re, page.Status, page.Heading(), page.Text())
	}
	return html.UnescapeString(m[len(m)-1])
}

// app is an authenticator app.
type app struct{ secret []byte }

func (a app) code(at time.Time) string {
	mac := hmac.New(sha1.New, a.secret)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// addApp adds an authenticator app and gives it, with the recovery codes.
func addApp(t *testing.T, srv *testkit.Server, b *testkit.Browser, at string) (app, []string, testkit.Shown) {
	t.Helper()
	page := b.Get(at)
	secret, err := base32.StdEncoding.DecodeString(strings.ReplaceAll(shown(t, secretShown, page), " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	a := app{secret}
	page = b.Post(at, "state", shown(t, stateShown, page), "code", a.code(srv.Now()))
	var codes []string
	for _, m := range codesShown.FindAllStringSubmatch(page.Body, -1) {
		codes = append(codes, m[1])
	}
	return a, codes, page
}

func next(srv *testkit.Server) { srv.Advance(31 * time.Second) }

func TestPolicyMatrix(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		roles := map[string]qs.UserRole{"reader": qs.UserRoleReader, "author": qs.UserRoleAuthorPro, "admin": qs.UserRoleAdmin, "adminpro": qs.UserRoleAdminPro}
		with := map[string]app{}
		for name, role := range roles {
			for _, has := range []bool{false, true} {
				who := name
				if has {
					who += "-has"
				}
				out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
					AwsAccountId: srv.Account, Namespace: "default", UserName: &who, Email: "a@example.org", IdentityType: qs.IdentityTypeQuicksight, UserRole: role,
				})
				if err != nil {
					t.Fatal(err)
				}
				b := srv.Browser(t)
				accept(b, tokenOf(t, *out.UserInvitationUrl), good)
				if has {
					a, codes, page := addApp(t, srv, b, "/signin/you/factors/app")
					if len(codes) != 10 || page.Heading() != "Keep your recovery codes" {
						t.Fatalf("codes %v, %d %s", codes, page.Status, page.Text())
					}
					with[who] = a
				}
			}
		}
		for policy, want := range map[onsightapi.SecondFactorPolicy]map[string]string{
			onsightapi.SecondFactorPolicyOff:                       {},
			onsightapi.SecondFactorPolicyOptional:                  {"has": "One more step"},
			onsightapi.SecondFactorPolicyRequiredForAdministrators: {"has": "One more step", "admin": "Add a second factor"},
			onsightapi.SecondFactorPolicyRequired:                  {"has": "One more step", "admin": "Add a second factor", "other": "Add a second factor"},
		} {
			setPolicy(t, srv, policy)
			out, err := testkit.Call(t, srv, onsightapi.GetSecondFactorPolicy, onsightapi.GetSecondFactorPolicyRequest{AwsAccountId: srv.Account})
			if err != nil || *out.Policy != policy {
				t.Fatalf("policy %v, %v; want %s", out, err, policy)
			}
			for name := range roles {
				kind := "other"
				if strings.HasPrefix(name, "admin") {
					kind = "admin"
				}
				for who, kind := range map[string]string{name: kind, name + "-has": "has"} {
					heading := want[kind]
					if heading == "" {
						heading = "Your account"
					}
					b := srv.Browser(t)
					if page := signIn(b, who, good); page.Heading() != heading {
						t.Errorf("%s, %s: %q, want %q", policy, who, page.Heading(), heading)
					}
					in := b.Get("/signin/you").Heading() == "Your account"
					if in != (heading == "Your account") {
						t.Errorf("%s, %s: in is %t after %q", policy, who, in, heading)
					}
				}
			}
		}
		for account, code := range map[string]string{"222233334444": "AccessDeniedException", srv.Account: "InvalidParameterValueException"} {
			_, err := testkit.Call(t, srv, onsightapi.PutSecondFactorPolicy, onsightapi.PutSecondFactorPolicyRequest{AwsAccountId: account, Policy: "MAYBE"})
			if fault.Of(err) == nil || fault.Of(err).Code != code && fault.Of(err).Code != "ValidationException" {
				t.Errorf("%s: %v, want %s", account, err, code)
			}
		}
	})
}

// Who owes the second factor can do nothing else, and can't add one in place of
// the one that is there.
func TestHalfSignedIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		setPolicy(t, srv, onsightapi.SecondFactorPolicyRequired)
		b := srv.Browser(t)
		page := accept(b, tokenOf(t, register(t, srv, "ana")), good)
		if page.Heading() != "Add a second factor" || b.Cookie(cookie) != "" {
			t.Fatalf("from an invitation: %s, cookie %q", page.Heading(), b.Cookie(cookie))
		}
		for _, at := range []string{"/signin/you", "/signin/you/factors", "/signin/you/password", "/signin/again"} {
			if page := b.Get(at); page.Heading() != "Sign in" {
				t.Errorf("%s with half a session: %s", at, page.Heading())
			}
		}
		if page := b.Post("/signin/factor", "way", "totp", "code", "000000"); page.Heading() == "Your account" {
			t.Error("a code without an app lets in")
		}
		ana, codes, page := addApp(t, srv, b, "/signin/factor/app")
		if len(codes) != 10 {
			t.Fatalf("codes %v: %d %s", codes, page.Status, page.Text())
		}
		if page := b.Get("/signin/you"); page.Heading() != "Your account" {
			t.Fatalf("after the factor was added: %s", page.Heading())
		}
		late := srv.Browser(t)
		if page := signIn(late, "ana", good); page.Heading() != "One more step" {
			t.Fatalf("again: %s", page.Heading())
		}
		for _, at := range []string{"/signin/factor/app", "/signin/factor/passkey"} {
			if page := late.Get(at); page.Heading() != "One more step" {
				t.Errorf("%s beside a factor that is there: %s", at, page.Heading())
			}
		}
		next(srv)
		for _, code := range []string{"", "12345", "999999999", ana.code(srv.Now().Add(-5 * time.Minute))} {
			if page := late.Post("/signin/factor", "way", "totp", "code", code); page.Status != 422 {
				t.Errorf("code %q: %d %s", code, page.Status, page.Text())
			}
		}
		code := ana.code(srv.Now())
		if page := late.Post("/signin/factor", "way", "totp", "code", code[:3]+" "+code[3:]); page.Heading() != "Your account" {
			t.Errorf("the code in groups: %d %s", page.Status, page.Text())
		}
		// The step is over: it lets in once.
		if page := late.Post("/signin/factor", "way", "recovery", "recovery-code", codes[0]); page.Status != 410 {
			t.Errorf("the same step again: %d %s", page.Status, page.Heading())
		}
		slow := srv.Browser(t)
		signIn(slow, "ana", good)
		srv.Advance(16 * time.Minute)
		if page := slow.Post("/signin/factor", "way", "totp", "code", ana.code(srv.Now())); page.Status != 410 || page.Heading() != "Please start again" {
			t.Errorf("too slow: %d %s", page.Status, page.Heading())
		}
		// The last one stays where one is required.
		if page := b.Post("/signin/again", "way", "password", "password", good); page.Heading() != "Second factor" {
			t.Fatalf("shown again: %d %s", page.Status, page.Text())
		}
		if page := b.Post("/signin/you/factors/remove", "factor", "totp"); page.Status != 409 {
			t.Errorf("the last one removed: %d %s", page.Status, page.Text())
		}
		// A new password ends the steps of the old one.
		half := srv.Browser(t)
		signIn(half, "ana", good)
		b.Post("/signin/you/password", "password", good, "new-password", "Other2-password+x", "repeat-password", "Other2-password+x")
		if page := half.Get("/signin/factor"); page.Status != 410 {
			t.Errorf("half in, after the password was changed: %d %s", page.Status, page.Heading())
		}
	})
}

// A code counts once, at whichever server of a database.
func TestReplayOnTwoServers(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		if dialect == "sqlite" {
			continue // one server has the file
		}
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			key := testkit.SealKey(t.TempDir() + "/seal.key")
			db := storetest.Config(t, dialect)
			one := testkit.Start(t, db, key)
			two := testkit.Start(t, db, key)
			one.Subscribe(t)
			b := join(t, one, "ana")
			a, codes, _ := addApp(t, one, b, "/signin/you/factors/app")
			next(one)
			next(two)
			first, second := one.Browser(t), two.Browser(t)
			signIn(first, "ana", good)
			signIn(second, "ana", good)
			code := a.code(one.Now())
			if page := first.Post("/signin/factor", "way", "totp", "code", code); page.Heading() != "Your account" {
				t.Fatalf("at the first server: %d %s", page.Status, page.Text())
			}
			if page := second.Post("/signin/factor", "way", "totp", "code", code); page.Status != 422 || !strings.Contains(page.Text(), "used already") {
				t.Errorf("replayed at the second: %d %s", page.Status, page.Text())
			}
			if page := second.Post("/signin/factor", "way", "recovery", "recovery-code", codes[0]); page.Heading() != "Your account" {
				t.Errorf("a recovery code at the second: %d %s", page.Status, page.Text())
			}
			third := one.Browser(t)
			signIn(third, "ana", good)
			if page := third.Post("/signin/factor", "way", "recovery", "recovery-code", codes[0]); page.Status != 422 {
				t.Errorf("the recovery code replayed at the first: %d %s", page.Status, page.Text())
			}
		})
	}
}

func TestRecoveryCodes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		_, codes, _ := addApp(t, srv, b, "/signin/you/factors/app")
		enter := func(code string) testkit.Shown {
			other := srv.Browser(t)
			signIn(other, "ana", good)
			return other.Post("/signin/factor", "way", "recovery", "recovery-code", code)
		}
		if page := enter(strings.ToUpper(strings.ReplaceAll(codes[0], "-", " "))); page.Heading() != "Your account" {
			t.Errorf("typed in capitals: %d %s", page.Status, page.Text())
		}
		if page := enter(codes[0]); page.Status != 422 {
			t.Errorf("twice: %d", page.Status)
		}
		for _, code := range codes[1:6] {
			if page := enter(code); page.Heading() != "Your account" {
				t.Errorf("%s: %s", code, page.Heading())
			}
		}
		if page := enter(codes[6]); page.Heading() != "Few recovery codes are left" || !strings.Contains(page.Text(), "still work: 3") {
			t.Errorf("three left: %s", page.Text())
		}
		page := b.Post("/signin/you/factors/codes")
		fresh := codesShown.FindAllStringSubmatch(page.Body, -1)
		if len(fresh) != 10 {
			t.Fatalf("made anew: %d %s", page.Status, page.Text())
		}
		if page := enter(codes[7]); page.Status != 422 {
			t.Errorf("one from before: %d", page.Status)
		}
		if page := enter(fresh[0][1]); page.Heading() != "Your account" {
			t.Errorf("a new one: %s", page.Text())
		}
	})
}

func TestFactorLockOut(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		a, _, _ := addApp(t, srv, b, "/signin/you/factors/app")
		next(srv)
		last := testkit.Shown{}
		for range 6 { // the right password each time makes no difference
			other := srv.Browser(t)
			signIn(other, "ana", good)
			last = other.Post("/signin/factor", "way", "totp", "code", "000000")
		}
		if last.Status != 429 || last.Header.Get("Retry-After") == "" {
			t.Errorf("six guesses: %d %s", last.Status, last.Heading())
		}
		other := srv.Browser(t)
		signIn(other, "ana", good)
		if page := other.Post("/signin/factor", "way", "totp", "code", a.code(srv.Now())); page.Status != 429 {
			t.Errorf("the right code while locked: %d", page.Status)
		}
		locks, err := testkit.Call(t, srv, onsightapi.ListSignInLocks, onsightapi.ListSignInLocksRequest{AwsAccountId: srv.Account})
		if err != nil || len(locks.Locks) != 2 || locks.Locks[1].SecondFactor == nil || *locks.Locks[1].UserName != "ana" || *locks.Locks[1].Attempts != 5 {
			t.Fatalf("locks %+v, %v", locks, err)
		}
		if out, err := testkit.Call(t, srv, onsightapi.UnlockSignIn, onsightapi.UnlockSignInRequest{AwsAccountId: srv.Account, UserName: new("ana")}); err != nil || !*out.Unlocked {
			t.Errorf("unlock: %+v, %v", out, err)
		}
		if page := other.Post("/signin/factor", "way", "totp", "code", a.code(srv.Now())); page.Heading() != "Your account" {
			t.Errorf("unlocked: %d %s", page.Status, page.Text())
		}
	})
}

// key is an authenticator that keeps one passkey.
type key struct {
	t       *testing.T
	id      []byte
	private *ecdsa.PrivateKey
	handle  []byte
	count   uint32
	flags   byte // of all that it says; 1 present, 4 verified, 8 may be backed up, 16 is
	origin  string
}

var b64 = base64.RawURLEncoding

func (k *key) data(rpID string, more []byte, flags byte) []byte {
	sum := sha256.Sum256([]byte(rpID))
	d := append(sum[:], flags)
	d = binary.BigEndian.AppendUint32(d, k.count)
	return append(d, more...)
}

func (k *key) client(kind, challenge string) []byte {
	origin := k.origin
	if origin == "" {
		origin = "https://onsight.example.org"
	}
	return fmt.Appendf(nil, `{"type":"webauthn.%s","challenge":"%s","origin":"%s","crossOrigin":false}`, kind, challenge, origin)
}

func options(t *testing.T, page testkit.Shown) (o struct {
	Challenge        string
	User             struct{ ID string }
	AllowCredentials []struct{ ID string }
	UserVerification string
},
) {
	t.Helper()
	if err := json.Unmarshal([]byte(shown(t, optsShown, page)), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

// create answers a page that asks for a new passkey.
func (k *key) create(page testkit.Shown) string {
	k.t.Helper()
	o := options(k.t, page)
	var err error
	if k.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader); err != nil {
		k.t.Fatal(err)
	}
	if k.id == nil {
		k.id = make([]byte, 16)
		_, _ = rand.Read(k.id)
	}
	k.handle, _ = b64.DecodeString(o.User.ID)
	public, err := k.private.PublicKey.Bytes()
	if err != nil {
		k.t.Fatal(err)
	}
	cose, err := cbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: public[1:33], -3: public[33:]})
	if err != nil {
		k.t.Fatal(err)
	}
	more := append(make([]byte, 16), 0, byte(len(k.id)))
	more = append(append(more, k.id...), cose...)
	object, err := cbor.Marshal(map[string]any{"fmt": "none", "attStmt": map[string]any{}, "authData": k.data("onsight.example.org", more, k.flags|0x40)})
	if err != nil {
		k.t.Fatal(err)
	}
	return fmt.Sprintf(`{"id":"%[1]s","rawId":"%[1]s","type":"public-key","response":{"clientDataJSON":"%[2]s","attestationObject":"%[3]s","transports":["internal"]}}`,
		b64.EncodeToString(k.id), b64.EncodeToString(k.client("create", o.Challenge)), b64.EncodeToString(object))
}

// show answers a page that asks for a passkey.
func (k *key) show(page testkit.Shown) string {
	k.t.Helper()
	k.count++
	client := k.client("get", options(k.t, page).Challenge)
	data := k.data("onsight.example.org", nil, k.flags)
	sum := sha256.Sum256(client)
	digest := sha256.Sum256(append(append([]byte{}, data...), sum[:]...))
	signature, err := ecdsa.SignASN1(rand.Reader, k.private, digest[:])
	if err != nil {
		k.t.Fatal(err)
	}
	return fmt.Sprintf(`{"id":"%[1]s","rawId":"%[1]s","type":"public-key","response":{"clientDataJSON":"%[2]s","authenticatorData":"%[3]s","signature":"%[4]s","userHandle":"%[5]s"}}`,
		b64.EncodeToString(k.id), b64.EncodeToString(client), b64.EncodeToString(data), b64.EncodeToString(signature), b64.EncodeToString(k.handle))
}

func addPasskey(t *testing.T, b *testkit.Browser, at, name string, k *key) testkit.Shown {
	t.Helper()
	page := b.Get(at)
	return b.Post(at, "name", name, "state", shown(t, stateShown, page), "credential", k.create(page))
}

func TestPasskeys(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		k := &key{t: t, flags: 1 | 4 | 8}
		if page := addPasskey(t, b, "/signin/you/factors/passkey", "Laptop", k); len(codesShown.FindAllString(page.Body, -1)) != 10 {
			t.Fatalf("added: %d %s", page.Status, page.Text())
		}
		alone := func(k *key, more ...string) (*testkit.Browser, testkit.Shown, []string) {
			v := srv.Browser(t)
			page := v.Get("/signin")
			form := append([]string{"state", shown(t, stateShown, page), "credential", k.show(page)}, more...)
			return v, v.Post("/signin/passkey", form...), form
		}
		v, page, form := alone(k)
		if page.Heading() != "Your account" {
			t.Fatalf("alone: %d %s", page.Status, page.Text())
		}
		for what, page := range map[string]testkit.Shown{
			"replayed":          srv.Browser(t).Post("/signin/passkey", form...),
			"without anything":  srv.Browser(t).Post("/signin/passkey"),
			"an altered state":  srv.Browser(t).Post("/signin/passkey", "state", "x"+form[1][1:], "credential", form[3]),
			"no JSON":           srv.Browser(t).Post("/signin/passkey", "state", form[1], "credential", "{"),
			"at the other form": srv.Browser(t).Post("/signin/factor", "way", "passkey", "state", form[1], "credential", form[3]),
		} {
			if page.Status < 400 {
				t.Errorf("%s: %d %s", what, page.Status, page.Heading())
			}
		}
		bad := *k
		bad.flags = 1
		if _, page, _ := alone(&bad); page.Status != 422 {
			t.Errorf("without a verified user: %d %s", page.Status, page.Heading())
		}
		bad = *k
		bad.origin = "https://onsight.example.org.evil.example"
		if _, page, _ := alone(&bad); page.Status != 422 {
			t.Errorf("of another origin: %d", page.Status)
		}
		bad = *k
		bad.handle = []byte("somebody else's handle, 32 bytes")
		if _, page, _ := alone(&bad); page.Status != 422 {
			t.Errorf("another handle: %d", page.Status)
		}
		bad = *k
		bad.private, _ = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if _, page, _ := alone(&bad); page.Status != 422 {
			t.Errorf("another key: %d", page.Status)
		}
		copied := *k
		k.count += 5
		if _, page, _ := alone(k); page.Heading() != "Your account" {
			t.Errorf("counted on: %s", page.Text())
		}
		if _, page, _ := alone(&copied); page.Status != 422 || !strings.Contains(page.Text(), "copied") {
			t.Errorf("a counter that went back: %d %s", page.Status, page.Text())
		}
		if _, page, _ := alone(k, "account", "another"); page.Status != 422 || !strings.Contains(page.Text(), "another account") {
			t.Errorf("at another account: %d %s", page.Status, page.Text())
		}
		v.Get("/signin/you")

		// As the second factor, the password having been shown.
		second := srv.Browser(t)
		page = signIn(second, "ana", good)
		if page.Heading() != "One more step" || len(options(t, page).AllowCredentials) != 1 {
			t.Fatalf("second: %s", page.Text())
		}
		if page = second.Post("/signin/factor", "way", "passkey", "state", shown(t, stateShown, page), "credential", k.show(page)); page.Heading() != "Your account" {
			t.Errorf("as the second factor: %d %s", page.Status, page.Text())
		}

		// Somebody else's page, and somebody else's authenticator.
		bea := join(t, srv, "bea")
		page = bea.Get("/signin/you/factors/passkey")
		stolen := &key{t: t, flags: 1 | 4, id: k.id}
		if page := bea.Post("/signin/you/factors/passkey", "name", "x", "state", shown(t, stateShown, page), "credential", stolen.create(page)); page.Status != 422 {
			t.Errorf("a credential id that ana has: %d %s", page.Status, page.Text())
		}
		mine := &key{t: t, flags: 1 | 4}
		if page := b.Post("/signin/you/factors/passkey", "name", "x", "state", shown(t, stateShown, page), "credential", mine.create(page)); page.Status != 422 {
			t.Errorf("bea's challenge in ana's session: %d", page.Status)
		}

		list, err := testkit.Call(t, srv, onsightapi.ListSignInFactors, onsightapi.ListSignInFactorsRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err != nil || len(list.Factors) != 1 || *list.Factors[0].Name != "Laptop" || *list.Factors[0].Type != onsightapi.SignInFactorTypePasskey ||
			*list.RecoveryCodesLeft != 10 || *list.Required {
			t.Fatalf("factors %+v, %v", list, err)
		}
		id := regexp.MustCompile(`name="factor" value="([0-9a-f-]{36})"`)
		page = b.Get("/signin/you/factors")
		if !strings.Contains(page.Text(), "Laptop") {
			t.Errorf("list: %s", page.Text())
		}
		if page := bea.Post("/signin/you/factors/remove", "factor", shown(t, id, page)); page.Status != 200 {
			t.Errorf("bea removes: %d", page.Status)
		}
		if page := b.Post("/signin/you/factors/name", "factor", shown(t, id, page), "name", "  Work  laptop "); !strings.Contains(page.Text(), "Work laptop") {
			t.Errorf("named: %s", page.Text())
		}
		if page := b.Post("/signin/you/factors/remove", "factor", shown(t, id, page)); !strings.Contains(page.Text(), "It is removed") || strings.Contains(page.Text(), "Work laptop") {
			t.Errorf("removed: %s", page.Text())
		}
		if page := second.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("another session after the removal: %s", page.Heading())
		}
		if _, page, _ := alone(k); page.Status != 422 {
			t.Errorf("a passkey that was removed: %d", page.Status)
		}
		if page := signIn(srv.Browser(t), "ana", good); page.Heading() != "Your account" {
			t.Errorf("without a factor again: %s", page.Heading())
		}
	})
}

// Changing factors needs that somebody has shown lately who they are.
func TestRecentAuthentication(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		a, _, _ := addApp(t, srv, b, "/signin/you/factors/app")
		if page := b.Get("/signin/you/factors/passkey"); page.Heading() != "Add a passkey" {
			t.Errorf("a moment later: %s", page.Heading())
		}
		srv.Advance(11 * time.Minute)
		for what, page := range map[string]testkit.Shown{
			"add an app": b.Get("/signin/you/factors/app"), "add a passkey": b.Get("/signin/you/factors/passkey"),
			"remove": b.Post("/signin/you/factors/remove", "factor", "totp"), "codes": b.Post("/signin/you/factors/codes"), "name": b.Post("/signin/you/factors/name"),
		} {
			if page.Heading() != "Please confirm that it is you" {
				t.Errorf("%s, 11 minutes later: %s", what, page.Heading())
			}
		}
		if page := b.Post("/signin/again", "way", "password", "password", "Wrong-password1"); page.Status != 422 {
			t.Errorf("a wrong password: %d", page.Status)
		}
		if page := b.Post("/signin/again", "way", "totp", "code", a.code(srv.Now()), "next", "/signin/you/factors/passkey"); page.Heading() != "Add a passkey" {
			t.Errorf("a code: %d %s", page.Status, page.Text())
		}
		if page := b.Post("/signin/again", "way", "password", "password", good, "next", "https://evil.example"); page.Heading() != "Second factor" {
			t.Errorf("an address elsewhere: %s", page.Heading())
		}
	})
}

// An administrator takes factors away; a stricter policy and a new role end what
// was begun with less.
func TestResetAndStricterPolicy(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		addApp(t, srv, b, "/signin/you/factors/app")
		reset := func(s *testkit.Server, name string) (*onsightapi.ResetSignInFactorsResponse, error) {
			return testkit.Call(t, s, onsightapi.ResetSignInFactors, onsightapi.ResetSignInFactorsRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
		}
		if _, err := reset(srv.As(t, "444455556666"), "ana"); fault.Of(err) == nil || fault.Of(err).Code != "AccessDeniedException" {
			t.Errorf("another account: %v", err)
		}
		if _, err := reset(srv, "nobody"); fault.Of(err) == nil || fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("nobody: %v", err)
		}
		half := srv.Browser(t)
		signIn(half, "ana", good)
		out, err := reset(srv, "ana")
		if err != nil || *out.Removed != 1 {
			t.Fatalf("reset: %+v, %v", out, err)
		}
		if page := b.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("the session after the reset: %s", page.Heading())
		}
		if page := half.Get("/signin/factor"); page.Status != 410 {
			t.Errorf("half in, after the reset: %d", page.Status)
		}
		if page := signIn(b, "ana", good); page.Heading() != "Your account" {
			t.Errorf("after the reset: %s", page.Heading())
		}
		setPolicy(t, srv, onsightapi.SecondFactorPolicyRequiredForAdministrators)
		if page := b.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("an author: %s", page.Heading())
		}
		if _, err := testkit.Call(t, srv, qs.UpdateUser, qs.UpdateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana", Email: "ana@example.org", Role: qs.UserRoleAdmin}); err != nil {
			t.Fatal(err)
		}
		if page := b.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("an administrator without a factor: %s", page.Heading())
		}
	})
}

// Codes go on to count after the sealing key has changed; nothing of a factor is
// left of who is gone, and nothing secret is in the trail or in answers.
func TestFactorsAreKeptAndForgotten(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		a, codes, _ := addApp(t, srv, b, "/signin/you/factors/app")
		addPasskey(t, b, "/signin/you/factors/passkey", "Laptop", &key{t: t, flags: 1 | 4})
		if out, err := testkit.Call(t, srv, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{}); err != nil || *out.Secrets < 1 {
			t.Fatalf("rotate: %+v, %v", out, err)
		}
		if _, err := testkit.Call(t, srv, onsightapi.RetireSealingKeys, onsightapi.RetireSealingKeysRequest{}); err != nil {
			t.Fatal(err)
		}
		next(srv)
		other := srv.Browser(t)
		signIn(other, "ana", good)
		other.Post("/signin/factor", "way", "totp", "code", "000000")
		code := a.code(srv.Now())
		if page := other.Post("/signin/factor", "way", "totp", "code", code); page.Heading() != "Your account" {
			t.Errorf("after the rotation: %d %s", page.Status, page.Text())
		}
		join(t, srv, "bea")
		srv.Write(t, func(tx *store.Tx) error { // into the row of another user
			_, err := tx.Exec(`INSERT INTO totp_factors SELECT account, namespace, 'bea', secret, 0, created_us, used_us FROM totp_factors`)
			return err
		})
		bea := srv.Browser(t)
		signIn(bea, "bea", good)
		if page := bea.Post("/signin/factor", "way", "totp", "code", a.code(srv.Now())); page.Status != 500 {
			t.Errorf("a secret that was moved: %d %s", page.Status, page.Heading())
		}

		out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: srv.Account})
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]int{}
		for _, text := range out.Records {
			for _, secret := range append([]string{code, strings.ReplaceAll(codes[0], "-", ""), base32.StdEncoding.EncodeToString(a.secret)}, codes...) {
				if strings.Contains(string(text), `"`+secret+`"`) {
					t.Errorf("an event holds %s: %s", secret, text)
				}
			}
			var r struct {
				EventName                             string
				ResponseElements, AdditionalEventData map[string]any
			}
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			outcome, _ := r.ResponseElements[r.EventName].(string)
			more, _ := r.AdditionalEventData["MfaType"].(string)
			if uses, ok := r.AdditionalEventData["MFAUsed"].(string); ok {
				more = uses
			}
			seen[strings.TrimSpace(r.EventName+" "+outcome+" "+more)]++
		}
		for event, n := range map[string]int{
			"CompleteVirtualMfaDeviceRegistration Success": 1, "CompleteWebAuthnDeviceRegistration Success": 1,
			"CheckMfa Failure Virtual MFA": 1, "CheckMfa Success Virtual MFA": 1, "ConsoleLogin Failure Yes": 1, "ConsoleLogin Success Yes": 1, "ConsoleLogin Success No": 2,
		} {
			if seen[event] != n {
				t.Errorf("%s: %d times, want %d (all: %v)", event, seen[event], n, seen)
			}
		}

		tables := []string{"totp_factors", "passkeys", "passkey_handles", "recovery_codes", "sign_in_steps", "factor_policies"}
		left := func() (all []int64) {
			srv.Write(t, func(tx *store.Tx) error {
				all = nil
				for _, table := range tables {
					n, err := store.One[int64](tx, `SELECT COUNT(*) FROM `+table)
					if err != nil {
						return err
					}
					all = append(all, n)
				}
				return nil
			})
			return all
		}
		signIn(srv.Browser(t), "ana", good)
		setPolicy(t, srv, onsightapi.SecondFactorPolicyOptional)
		if got := fmt.Sprint(left()); got != "[2 1 1 10 2 1]" {
			t.Errorf("before: %s", got)
		}
		for _, name := range []string{"ana", "bea"} {
			if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name}); err != nil {
				t.Fatal(err)
			}
		}
		if got := fmt.Sprint(left()); got != "[0 0 0 0 0 1]" {
			t.Errorf("after the users have gone: %s", got)
		}
		eve := join(t, srv, "eve")
		addApp(t, srv, eve, "/signin/you/factors/app")
		addPasskey(t, eve, "/signin/you/factors/passkey", "Laptop", &key{t: t, flags: 1 | 4})
		signIn(srv.Browser(t), "eve", good)
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: srv.Account, DefaultNamespace: "default"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: srv.Account}); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(left()); got != "[0 0 0 0 0 0]" {
			t.Errorf("after the account has gone: %s", got)
		}
	})
}
