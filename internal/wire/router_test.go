package wire_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/wire"
)

func TestMatch(t *testing.T) {
	t.Parallel()
	r := wire.NewRouter(wire.Operations())
	for _, c := range []struct {
		method, path, want string
		labels             []string
	}{
		{"POST", "/accounts/1/namespaces/default/users", "RegisterUser", []string{"1", "default"}},
		{"POST", "/accounts/1/namespaces/default/users/", "RegisterUser", []string{"1", "default"}},
		{"GET", "/accounts/1/namespaces/default/users", "ListUsers", []string{"1", "default"}},
		{"GET", "/accounts/1/namespaces/default/users/role%2Fsess%20x", "DescribeUser", []string{"1", "default", "role%2Fsess%20x"}},
		{"GET", "/accounts/1/namespaces/default/users/..", "DescribeUser", []string{"1", "default", ".."}},
		{"GET", "/accounts/1/namespaces/default/users/%2F%2F", "DescribeUser", []string{"1", "default", "%2F%2F"}},
		{"GET", "/accounts/1/namespaces/default/users/a@b+c", "DescribeUser", []string{"1", "default", "a@b+c"}},
		{"GET", "/accounts/1/namespaces/default/users//", "", nil},
		{"GET", "/accounts/1//default/users", "", nil},
		{"GET", "//accounts/1/namespaces/default/users", "", nil},
		{"GET", "/accounts//namespaces/default/users", "", nil},
		{"GET", "/Accounts/1/namespaces/default/users", "", nil},
		{"get", "/accounts/1/namespaces/default/users", "", nil},
		{"PATCH", "/accounts/1/namespaces/default/users", "", nil},
		{"GET", "", "", nil},
		{"GET", "/", "", nil},
		{"GET", "accounts/1/namespaces/default/users", "", nil},
		{"POST", "/accounts/1", "CreateNamespace", []string{"1"}},
		{"POST", "/account/1", "CreateAccountSubscription", []string{"1"}},
		{"GET", "/resources/arn%3Aaws%3Aquicksight/tags", "ListTagsForResource", []string{"arn%3Aaws%3Aquicksight"}},
		// A slash at the end where the model of some SDKs has one and that of others has not.
		{"POST", "/accounts/1/namespaces/n/iam-policy-assignments", "CreateIAMPolicyAssignment", []string{"1", "n"}},
		{"POST", "/accounts/1/namespaces/n/iam-policy-assignments/", "CreateIAMPolicyAssignment", []string{"1", "n"}},
		{"GET", "/v1/accounts/1/knowledge-bases", "ListKnowledgeBases", []string{"1"}},
		// Both paths that SDKs have sent.
		{"GET", "/accounts/1/namespaces/n/v2/iam-policy-assignments", "ListIAMPolicyAssignments", []string{"1", "n"}},
		{"GET", "/accounts/1/namespaces/n/iam-policy-assignments", "ListIAMPolicyAssignments", []string{"1", "n"}},
		{"DELETE", "/accounts/1/namespace/n/iam-policy-assignments/a", "DeleteIAMPolicyAssignment", []string{"1", "n", "a"}},
		// A literal wins over a label, and gives way where its methods do not fit.
		{"POST", "/v1/accounts/1/knowledge-bases/batch-delete", "BatchDeleteKnowledgeBase", []string{"1"}},
		{"POST", "/v1/accounts/1/knowledge-bases/batch-delet", "UpdateKnowledgeBase", []string{"1", "batch-delet"}},
		{"DELETE", "/v1/accounts/1/knowledge-bases/batch-delete", "DeleteKnowledgeBase", []string{"1", "batch-delete"}},
		{"GET", "/v1/accounts/1/knowledge-bases/batch-delete/permissions", "DescribeKnowledgeBasePermissions", []string{"1", "batch-delete"}},
	} {
		op, labels, ok := r.Match(c.method, c.path)
		got := ""
		if ok {
			got = op.Name
		}
		if got != c.want || ok != (c.want != "") || !cmp.Equal(labels, c.labels) {
			t.Errorf("%s %s = %q %q, want %q %q", c.method, c.path, got, labels, c.want, c.labels)
		}
	}
}

// Names of people and sessions come through path, router and decoding whole.
func TestNamesRoundTrip(t *testing.T) {
	t.Parallel()
	r := wire.NewRouter(wire.Operations())
	op := wire.Lookup("DescribeUser")
	for name, want := range map[string]string{
		"role/session": "role%2Fsession", "a b": "a%20b", "ana@example.org": "ana%40example.org", "a+b": "a%2Bb", "..": "..", ".": ".",
		"//": "%2F%2F", "%2F%2F": "%252F%252F", "é (x)~!*'": "%C3%A9%20%28x%29~%21%2A%27", "a?b#c": "a%3Fb%23c", "%zz": "%25zz", "\\": "%5C",
	} {
		method, target, body, err := op.EncodeRequest(qs.DescribeUserRequest{AwsAccountId: "111122223333", Namespace: "default", UserName: name})
		if err != nil {
			t.Fatal(err)
		}
		if wanted := "/accounts/111122223333/namespaces/default/users/" + want; target != wanted || method != "GET" || body != nil {
			t.Errorf("%q is sent as %s %s with body %q, want GET %s", name, method, target, body, wanted)
		}
		found, labels, ok := r.Match(method, target)
		if !ok || found != op {
			t.Fatalf("%q: %s leads nowhere", name, target)
		}
		var in qs.DescribeUserRequest
		broken, err := op.Bind(&in, wire.Request{Labels: labels})
		if err != nil || broken.Err() != nil {
			t.Errorf("%q: %v %v", name, err, broken.Err())
		}
		if in.UserName != name {
			t.Errorf("%q arrives as %q", name, in.UserName)
		}
	}
	// As hand-written clients send them.
	for raw, want := range map[string]string{"role%2fsession": "role/session", "a:b@c+d": "a:b@c+d", "%61na": "ana"} {
		_, labels, ok := r.Match("GET", "/accounts/111122223333/namespaces/default/users/"+raw)
		if !ok {
			t.Fatalf("%s leads nowhere", raw)
		}
		var in qs.DescribeUserRequest
		if _, err := op.Bind(&in, wire.Request{Labels: labels}); err != nil || in.UserName != want {
			t.Errorf("%s arrives as %q, want %q (%v)", raw, in.UserName, want, err)
		}
	}
	_, labels, _ := r.Match("GET", "/accounts/111122223333/namespaces/default/users/a%zz")
	if _, err := op.Bind(nil, wire.Request{Labels: labels}); err == nil || fault.Of(err).Code != "MalformedHttpRequestException" {
		t.Errorf("%%zz gives %v, want a MalformedHttpRequestException", err)
	}
}

// No two operations have the same way in.
func TestEveryOperationIsReached(t *testing.T) {
	t.Parallel()
	r := wire.NewRouter(wire.Operations())
	for _, op := range wire.Operations() {
		path := strings.NewReplacer("{", "", "}", "").Replace(op.Path)
		found, _, ok := r.Match(op.Method, path)
		if !ok || found != op {
			t.Errorf("%s %s leads to %+v, want %s", op.Method, path, found, op.Name)
		}
	}
	for _, name := range []string{"RegisterUser", "ListUsers", "CreateActionConnector", "CreateApprovalPolicy", "CreateDlpSetting"} {
		if wire.Lookup(name) == nil {
			t.Errorf("%s is missing", name)
		}
	}
	if wire.Lookup("NoSuchThing") != nil {
		t.Error("an operation that is none is found")
	}
}
