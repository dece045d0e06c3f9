package sts_test

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/denial"
	"onsight/internal/fault"
	"onsight/internal/iam"
	"onsight/internal/iamapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/sigv4"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/sts"
	"onsight/internal/sts/idtoken"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/wire"
)

// home is the account of most tests, away another one.
const (
	home = "111122223333"
	away = "444455556666"
)

// A world is a server with IAM and STS and nothing else, and an identity
// provider that it can reach. Its authenticator and its authoriser decide by
// the same engine as the real ones, and read everything anew for each call.
type world struct {
	t     *testing.T
	URL   string
	IDP   *idptest.Provider
	STS   *sts.Service
	Keys  *seal.Keyring
	Log   *bytes.Buffer
	db    *store.DB
	iam   *iam.Service
	shift atomic.Int64
	// verifier checks signatures.
	verifier sigv4.Verifier
}

// credentials are what calls are signed with; root's have no secret of their own.
type credentials struct{ id, secret, token string }

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *store.DB) { test(t, start(t, db, seal.New())) })
}

func start(t *testing.T, db *store.DB, keys *seal.Keyring) *world {
	t.Helper()
	w := &world{t: t, db: db, Keys: keys, IDP: idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1")), Log: &bytes.Buffer{}}
	pool := x509.NewCertPool()
	pool.AddCert(w.IDP.Certificate())
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	w.iam = iam.New(iam.Config{DB: db, Keys: keys, Tokens: page.NewTokens(keys, w.now), Now: w.now, Authorizer: w})
	w.STS = sts.New(sts.Config{
		DB: db, Keys: keys, Now: w.now, Log: log, Directory: directory{w.iam}, Judge: w,
		Caller:     func(ctx context.Context) *sts.Session { return proofOf(ctx).session },
		Conditions: func(ctx context.Context) policy.Context { return policy.Keys{"aws:sourceip": {api.From(ctx).Address}} },
		Network:    idtoken.Network{RootCAs: pool, Loopback: true},
	})
	w.verifier.Window = 15 * time.Minute
	w.verifier.Keys = w.keyOf
	routes := append(w.iam.Routes(), w.STS.Routes()...)
	server := httptest.NewServer(api.New(api.Config{Log: log, Now: w.now, Authenticator: w, Authorizer: w}, routes...))
	t.Cleanup(server.Close)
	w.URL = server.URL
	return w
}

func (w *world) now() time.Time          { return time.Now().Add(time.Duration(w.shift.Load())) }
func (w *world) advance(d time.Duration) { w.shift.Add(int64(d)) }

// directory lets sts ask iam.
type directory struct{ *iam.Service }

func (d directory) Role(tx *store.Tx, account, name string) (sts.Role, error) {
	r, err := d.Service.Role(tx, account, name)
	return sts.Role(r), err
}

func (d directory) PrincipalID(tx *store.Tx, account, kind, name string) (string, error) {
	p, err := d.Policies(tx, account, kind, name)
	return p.ID, err
}

func (d directory) Provider(tx *store.Tx, account, issuer string) (sts.Provider, error) {
	p, err := d.OIDCProvider(tx, account, issuer)
	return sts.Provider(p), err
}

func (d directory) ManagedPolicy(tx *store.Tx, _, arn string) (string, error) {
	if arn == "arn:aws:iam::aws:policy/AdministratorAccess" {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`, nil
	}
	return store.One[string](tx, `SELECT v.document FROM iam_policies p JOIN iam_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
		WHERE p.arn = $1`, arn)
}

func (d directory) KeyAccount(tx *store.Tx, id string) (string, error) {
	if account, ok := strings.CutPrefix(id, rootKey); ok {
		return account, nil
	}
	k, err := d.KeyOf(tx, id)
	return k.Account, err
}

// rootKey and an account are the access key of the account's root.
const rootKey = "AKIAROOT"

func root(account string) credentials { return credentials{id: rootKey + account, secret: "root"} }

// A proof is what the world knows of a caller.
type proof struct {
	principal policy.Principal
	session   *sts.Session
}

func proofOf(ctx context.Context) *proof {
	p, _ := api.Caller(ctx).Proof.(*proof)
	if p == nil {
		return &proof{}
	}
	return p
}

func (w *world) keyOf(ctx context.Context, id, token string) (k sigv4.Key, err error) {
	if account, ok := strings.CutPrefix(id, rootKey); ok && token == "" {
		return sigv4.Key{Secret: "root", Identity: &proof{principal: policy.Principal{Type: policy.Root, Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account}}}, nil
	}
	err = w.db.Read(ctx, func(tx *store.Tx) error {
		if token != "" {
			s, err := w.STS.Open(tx, id, token, w.now())
			if err == nil {
				k = sigv4.Key{Secret: s.Secret.Reveal(), Identity: &proof{principal: s.Principal, session: s}}
			}
			return err
		}
		u, err := w.iam.KeyOf(tx, id)
		if errors.Is(err, store.ErrNotFound) || err == nil && !u.Active {
			return fault.UnrecognizedClient()
		}
		k = sigv4.Key{Secret: u.Secret.Reveal(), Identity: &proof{principal: policy.Principal{Type: policy.User, Account: u.Account, ARN: u.UserARN, UserID: u.UserID, UserName: u.UserName}}}
		return err
	})
	return k, err
}

// Authenticate implements api.Authenticator.
func (w *world) Authenticate(r *http.Request, body []byte, op *wire.Operation, _ []string) (api.Identity, error) {
	s, err := w.verifier.Verify(r.Context(), sigv4.FromHTTP(r, body), op.Service().Name(), w.now())
	if err != nil {
		return api.Identity{}, err
	}
	p := s.Identity.(*proof)
	kinds := map[policy.PrincipalType]string{policy.Root: "Root", policy.User: "IAMUser", policy.RoleSession: "AssumedRole", policy.FederatedUser: "FederatedUser"}
	return api.Identity{Principal: api.Principal{
		Account: p.principal.Account, ARN: p.principal.ARN, UserID: p.principal.UserID, Type: kinds[p.principal.Type], AccessKeyID: s.AccessKeyID, Proof: p,
	}, Region: s.Region}, nil
}

// Authorize implements api.Authorizer.
func (w *world) Authorize(ctx context.Context, _ api.Principal, action string, on policy.Target) error {
	if s := proofOf(ctx).session; s != nil {
		if err := s.Permits(action); err != nil {
			return err
		}
	}
	d, err := w.decide(ctx, action, on, nil)
	if err != nil || d.Allowed() {
		return err
	}
	return fault.Forbidden("%s", policy.Message(d, api.Caller(ctx).ARN, action, on.Resource))
}

// Judge implements sts.Judge.
func (w *world) Judge(ctx context.Context, action string, on policy.Target, trust *policy.Set) (allowed bool, message string, err error) {
	d, err := w.decide(ctx, action, on, trust)
	if err != nil || d.Allowed() {
		return err == nil, "", err
	}
	who := proofOf(ctx).principal
	return false, denial.Encode(w.Keys, who.Account, denial.Message{
		ExplicitDeny: d.Outcome == policy.ExplicitDeny, Principal: denial.Principal{ID: who.UserID, Name: who.UserName, ARN: who.ARN}, Action: action, Resource: on.Resource,
	}), nil
}

// decide reads all policies of the caller and decides.
func (w *world) decide(ctx context.Context, action string, on policy.Target, resource *policy.Set) (d policy.Decision, err error) {
	p := proofOf(ctx)
	who := policy.Subject{Principal: p.principal}
	err = w.db.Read(ctx, func(tx *store.Tx) error {
		kind, name := sts.KindUser, p.principal.UserName
		if s := p.session; s != nil {
			kind, name = s.Kind, s.Name
			if s.Limited() {
				documents := []string{}
				if s.Policy != "" {
					documents = append(documents, s.Policy)
				}
				for _, arn := range s.PolicyARNs {
					document, err := (directory{w.iam}).ManagedPolicy(tx, s.Principal.Account, arn)
					if err != nil {
						return err
					}
					documents = append(documents, document)
				}
				who.Session = set(policy.Session, documents...)
			}
		}
		if p.principal.Type == policy.Root {
			return nil
		}
		if kind == sts.KindRoot {
			who.Identity = set(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
			return nil
		}
		a, err := w.iam.Policies(tx, p.principal.Account, kind, name)
		if err != nil {
			return err
		}
		var documents []string
		for _, x := range a.Policies {
			documents = append(documents, x.Document)
		}
		who.Identity, who.Principal.Tags = set(policy.Identity, documents...), a.Tags
		if p.session != nil {
			who.Principal.Tags = p.session.PrincipalTags(a.Tags)
		}
		return nil
	})
	if err != nil {
		return d, err
	}
	keys := policy.Contexts{on.Context, who.Principal.Keys()}
	if p.session != nil {
		keys = append(keys, p.session.Keys())
	}
	account := on.Account
	if account == "" {
		account = p.principal.Account
	}
	return who.Decide(&policy.Request{Action: policy.NewAction(action), Resource: on.Resource, Account: account, Policy: resource, Context: keys}), nil
}

func set(kind policy.Kind, documents ...string) *policy.Set {
	var all []policy.Attached
	for _, d := range documents {
		p, err := policy.Parse(kind, d)
		if err != nil {
			panic(err)
		}
		all = append(all, policy.Attached{Policy: p})
	}
	return policy.NewSet(kind, all...)
}

// call makes a call, signed unless its callers do not sign.
func call[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In) (*Out, error) {
	w.t.Helper()
	res, body := send(w, as, op, in)
	if res.StatusCode != http.StatusOK {
		return nil, wire.DecodeFault(res.StatusCode, "", body)
	}
	out := new(Out)
	if err := wire.Of(op.Service).Lookup(op.Name).DecodeOutput(res.StatusCode, body, out); err != nil {
		w.t.Fatalf("%s: %s: %v", op.Name, body, err)
	}
	return out, nil
}

// send makes a call, and gives the answer as it came.
func send[In, Out any](w *world, as credentials, op contract.Op[In, Out], in In) (*http.Response, []byte) {
	w.t.Helper()
	o := wire.Of(op.Service).Lookup(op.Name)
	method, path, body, err := o.EncodeRequest(&in)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.URL+path, bytes.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	o.RequestHeaders(r.Header, body)
	if as.id != "" {
		sigv4.Sign(r, body, as.id, as.secret, as.token, "us-east-1", op.Service, w.now())
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return res, answer
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
	f := fault.Of(err)
	switch begin, open := strings.CutSuffix(text, "…"); {
	case err == nil:
		w.t.Errorf("%s: done, want %s: %s", op.Name, code, text)
	case f.Status != status || f.Code != code || f.Message != text && (!open || !strings.HasPrefix(f.Message, begin)):
		w.t.Errorf("%s: %d %v\nwant %d %s: %s", op.Name, f.Status, err, status, code, text)
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
