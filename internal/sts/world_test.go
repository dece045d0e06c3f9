package sts_test

import (
	"bytes"
	"encoding/pem"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/seal"
	"onsight/internal/sigv4"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/sts"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/testkit"
	"onsight/internal/wire"
)

// home is the account of most tests, away another one.
const (
	home = testkit.Account
	away = "444455556666"
)

// rootKey is the access key of the root of home.
const rootKey = "AKIAONSIGHTTESTROOT0"

// A world is a server, and an identity provider that it can reach.
type world struct {
	t   *testing.T
	srv *testkit.Server
	IDP *idptest.Provider
	// sessions opens tokens with the server's key, for a look inside.
	sessions *sts.Service
}

// credentials are what calls are signed with.
type credentials struct {
	id, secret, token string
	account           string // of root's; empty for others
}

func each(t *testing.T, test func(w *world)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(start(t, storetest.Config(t, dialect)))
		})
	}
}

func start(t *testing.T, db store.Config, options ...testkit.Option) *world {
	t.Helper()
	w := &world{t: t, IDP: idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: w.IDP.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	var keyFile string
	w.srv = testkit.Start(t, db, append(options, func(c *config.Config) {
		c.IdentityProviderCA, c.IdentityProviderLoopback = ca, true
		c.RootAccessKeyID, c.RootSecretAccessKey = rootKey, "onsight/test/root/secret/of/forty/chars0"
		keyFile = c.SealKeyFile
	})...)
	keys, err := seal.Load(keyFile)
	if err != nil {
		t.Fatal(err)
	}
	w.sessions = sts.New(sts.Config{Keys: keys, Now: w.now})
	return w
}

func (w *world) now() time.Time          { return w.srv.Now() }
func (w *world) advance(d time.Duration) { w.srv.Advance(d) }

// root are the credentials of an account's root.
func root(account string) credentials { return credentials{account: account} }

func (w *world) as(c credentials) *testkit.Server {
	if c.account != "" {
		return w.srv.As(w.t, c.account)
	}
	return w.srv.With(c.id, c.secret, c.token)
}

// call makes a call, signed unless its callers do not sign.
func call[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In) (*Out, error) {
	w.t.Helper()
	return testkit.Call(w.t, w.as(as), op, in)
}

// An answer is one as it came.
type answer struct {
	status int
	header http.Header
	body   []byte
}

// send makes a call, and gives the answer as it came. Without credentials it
// is not signed; with some it is, also where callers do not have to.
func send[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In) answer {
	w.t.Helper()
	o := wire.Of(op.Service).Lookup(op.Name)
	method, path, body, err := o.EncodeRequest(&in)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.srv.URL+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	o.RequestHeaders(r.Header, body)
	if as.id != "" {
		sigv4.Sign(r, body, as.id, as.secret, as.token, testkit.Region, op.Service, w.now())
	}
	res, body := w.srv.Send(w.t, r)
	return answer{res.StatusCode, res.Header, body}
}

// must makes a call that must succeed.
func must[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In) *Out {
	w.t.Helper()
	out, err := call(w, as, op, in)
	if err != nil {
		w.t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refused makes a call that must fail with a status, a code and a text; a text
// that ends with … is the beginning.
func refused[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In, status int, code, text string) {
	w.t.Helper()
	_, err := call(w, as, op, in)
	w.expect(op.Name, err, status, code, text)
}

func (w *world) expect(what string, err error, status int, code, text string) {
	w.t.Helper()
	f := fault.Of(err)
	switch begin, open := strings.CutSuffix(text, "…"); {
	case err == nil:
		w.t.Errorf("%s: done, want %s: %s", what, code, text)
	case f.Status != status || f.Code != code || f.Message != text && (!open || !strings.HasPrefix(f.Message, begin)):
		w.t.Errorf("%s: %d %v\nwant %d %s: %s", what, f.Status, err, status, code, text)
	}
}

// user makes a user with an access key and perhaps a policy.
func (w *world) user(account, name string, statements ...string) credentials {
	w.t.Helper()
	must(w, root(account), iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name})
	if len(statements) > 0 {
		must(w, root(account), iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "test", PolicyDocument: document(statements...)})
	}
	k := must(w, root(account), iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name}).AccessKey
	return credentials{id: k.AccessKeyId, secret: k.SecretAccessKey.Reveal()}
}

// role makes a role with a trust policy, and gives its ARN.
func (w *world) role(account, name string, trust ...string) string {
	w.t.Helper()
	return must(w, root(account), iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: document(trust...)}).Role.Arn
}

// may gives a role a policy.
func (w *world) may(account, role string, statements ...string) {
	w.t.Helper()
	must(w, root(account), iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: role, PolicyName: "test", PolicyDocument: document(statements...)})
}

func document(statements ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}

// allow is a statement that allows actions on a resource.
func allow(resource string, actions ...string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":["%s"],"Resource":%q}`, strings.Join(actions, `","`), resource)
}

// trust is a statement that lets a principal do something to a role, perhaps
// under conditions.
func trust(principal, conditions string, actions ...string) string {
	kind := "AWS"
	if strings.Contains(principal, ":oidc-provider/") {
		kind = "Federated"
	}
	if conditions != "" {
		conditions = `,"Condition":{` + conditions + `}`
	}
	return fmt.Sprintf(`{"Effect":"Allow","Principal":{%q:%q},"Action":["%s"]%s}`, kind, principal, strings.Join(actions, `","`), conditions)
}
