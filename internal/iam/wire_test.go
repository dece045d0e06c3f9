package iam_test

import (
	"strings"
	"testing"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

// do makes a call that must succeed.
func do[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In) *Out {
	t.Helper()
	out, err := testkit.Call(t, srv, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refused makes a call that must fail with a code and a text that contains a part.
func refused[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In, code, part string) {
	t.Helper()
	_, err := testkit.Call(t, srv, op, in)
	if err == nil {
		t.Errorf("%s: done, want %s", op.Name, code)
		return
	}
	if f := fault.Of(err); f.Code != code || !strings.Contains(f.Message, part) {
		t.Errorf("%s: %v, want %s: …%s…", op.Name, err, code, part)
	}
}

// newUser makes a user.
func newUser(t *testing.T, srv *testkit.Server, name string) *iamapi.User {
	t.Helper()
	return do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}).User
}

// asUser makes an access key for a user, and gives the server as its holder sees it.
func asUser(t *testing.T, srv *testkit.Server, name string) *testkit.Server {
	t.Helper()
	k := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name}).AccessKey
	return srv.With(k.AccessKeyId, k.SecretAccessKey.Reveal(), "")
}

// allow gives a user an inline policy with one statement.
func allow(t *testing.T, srv *testkit.Server, user, statement string) {
	t.Helper()
	do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: user, PolicyName: "test", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + statement + `]}`,
	})
}
