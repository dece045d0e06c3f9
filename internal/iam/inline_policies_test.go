package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

const trustRootPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}]}`

// kindOfHolder calls the operations of one kind of entities, so that a test
// runs through all three alike.
type kindOfHolder struct {
	name   string
	inline int // the most characters of inline policies
	make   func(t *testing.T, srv *testkit.Server, name string)
	remove func(t *testing.T, srv *testkit.Server, name string) error

	put     func(t *testing.T, srv *testkit.Server, name, policy, document string) error
	get     func(t *testing.T, srv *testkit.Server, name, policy string) (owner, document string, err error)
	del     func(t *testing.T, srv *testkit.Server, name, policy string) error
	list    func(t *testing.T, srv *testkit.Server, name string, marker *string, size *int32) (names []string, next *string, err error)
	attach  func(t *testing.T, srv *testkit.Server, name, policyARN string) error
	detach  func(t *testing.T, srv *testkit.Server, name, policyARN string) error
	current func(t *testing.T, srv *testkit.Server, name string, prefix, marker *string, size *int32) (list []iamapi.AttachedPolicy, next *string, err error)
}

var kindsOfHolders = []kindOfHolder{
	{
		name: "user", inline: 2048,
		make: func(t *testing.T, srv *testkit.Server, name string) { newUser(t, srv, name) },
		remove: func(t *testing.T, srv *testkit.Server, name string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: name})
			return err
		},
		put: func(t *testing.T, srv *testkit.Server, name, policy, document string) error {
			_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: policy, PolicyDocument: document})
			return err
		},
		get: func(t *testing.T, srv *testkit.Server, name, policy string) (string, string, error) {
			out, err := testkit.Call(t, srv, iamapi.GetUserPolicy, iamapi.GetUserPolicyRequest{UserName: name, PolicyName: policy})
			if err != nil {
				return "", "", err
			}
			return out.UserName, out.PolicyDocument, nil
		},
		del: func(t *testing.T, srv *testkit.Server, name, policy string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteUserPolicy, iamapi.DeleteUserPolicyRequest{UserName: name, PolicyName: policy})
			return err
		},
		list: func(t *testing.T, srv *testkit.Server, name string, marker *string, size *int32) ([]string, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListUserPolicies, iamapi.ListUserPoliciesRequest{UserName: name, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.PolicyNames, out.Marker, nil
		},
		attach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: name, PolicyArn: policyARN})
			return err
		},
		detach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: name, PolicyArn: policyARN})
			return err
		},
		current: func(t *testing.T, srv *testkit.Server, name string, prefix, marker *string, size *int32) ([]iamapi.AttachedPolicy, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListAttachedUserPolicies, iamapi.ListAttachedUserPoliciesRequest{UserName: name, PathPrefix: prefix, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.AttachedPolicies, out.Marker, nil
		},
	},
	{
		name: "group", inline: 5120,
		make: func(t *testing.T, srv *testkit.Server, name string) {
			do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: name})
		},
		remove: func(t *testing.T, srv *testkit.Server, name string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteGroup, iamapi.DeleteGroupRequest{GroupName: name})
			return err
		},
		put: func(t *testing.T, srv *testkit.Server, name, policy, document string) error {
			_, err := testkit.Call(t, srv, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: name, PolicyName: policy, PolicyDocument: document})
			return err
		},
		get: func(t *testing.T, srv *testkit.Server, name, policy string) (string, string, error) {
			out, err := testkit.Call(t, srv, iamapi.GetGroupPolicy, iamapi.GetGroupPolicyRequest{GroupName: name, PolicyName: policy})
			if err != nil {
				return "", "", err
			}
			return out.GroupName, out.PolicyDocument, nil
		},
		del: func(t *testing.T, srv *testkit.Server, name, policy string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteGroupPolicy, iamapi.DeleteGroupPolicyRequest{GroupName: name, PolicyName: policy})
			return err
		},
		list: func(t *testing.T, srv *testkit.Server, name string, marker *string, size *int32) ([]string, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListGroupPolicies, iamapi.ListGroupPoliciesRequest{GroupName: name, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.PolicyNames, out.Marker, nil
		},
		attach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.AttachGroupPolicy, iamapi.AttachGroupPolicyRequest{GroupName: name, PolicyArn: policyARN})
			return err
		},
		detach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.DetachGroupPolicy, iamapi.DetachGroupPolicyRequest{GroupName: name, PolicyArn: policyARN})
			return err
		},
		current: func(t *testing.T, srv *testkit.Server, name string, prefix, marker *string, size *int32) ([]iamapi.AttachedPolicy, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListAttachedGroupPolicies, iamapi.ListAttachedGroupPoliciesRequest{GroupName: name, PathPrefix: prefix, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.AttachedPolicies, out.Marker, nil
		},
	},
	{
		name: "role", inline: 10240,
		make: func(t *testing.T, srv *testkit.Server, name string) {
			do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trustRootPolicy})
		},
		remove: func(t *testing.T, srv *testkit.Server, name string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: name})
			return err
		},
		put: func(t *testing.T, srv *testkit.Server, name, policy, document string) error {
			_, err := testkit.Call(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: name, PolicyName: policy, PolicyDocument: document})
			return err
		},
		get: func(t *testing.T, srv *testkit.Server, name, policy string) (string, string, error) {
			out, err := testkit.Call(t, srv, iamapi.GetRolePolicy, iamapi.GetRolePolicyRequest{RoleName: name, PolicyName: policy})
			if err != nil {
				return "", "", err
			}
			return out.RoleName, out.PolicyDocument, nil
		},
		del: func(t *testing.T, srv *testkit.Server, name, policy string) error {
			_, err := testkit.Call(t, srv, iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: name, PolicyName: policy})
			return err
		},
		list: func(t *testing.T, srv *testkit.Server, name string, marker *string, size *int32) ([]string, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListRolePolicies, iamapi.ListRolePoliciesRequest{RoleName: name, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.PolicyNames, out.Marker, nil
		},
		attach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.AttachRolePolicy, iamapi.AttachRolePolicyRequest{RoleName: name, PolicyArn: policyARN})
			return err
		},
		detach: func(t *testing.T, srv *testkit.Server, name, policyARN string) error {
			_, err := testkit.Call(t, srv, iamapi.DetachRolePolicy, iamapi.DetachRolePolicyRequest{RoleName: name, PolicyArn: policyARN})
			return err
		},
		current: func(t *testing.T, srv *testkit.Server, name string, prefix, marker *string, size *int32) ([]iamapi.AttachedPolicy, *string, error) {
			out, err := testkit.Call(t, srv, iamapi.ListAttachedRolePolicies, iamapi.ListAttachedRolePoliciesRequest{RoleName: name, PathPrefix: prefix, Marker: marker, MaxItems: size})
			if err != nil {
				return nil, nil, err
			}
			return out.AttachedPolicies, out.Marker, nil
		},
	},
}

// ok fails the test on an error.
func ok(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// fails wants an error with a code and a part of its text.
func fails(t *testing.T, err error, code, part string) {
	t.Helper()
	if err == nil || !strings.HasPrefix(err.Error(), code+":") || !strings.Contains(err.Error(), part) {
		t.Errorf("%v, want %s: …%s…", err, code, part)
	}
}

func TestInlinePolicies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		for _, k := range kindsOfHolders {
			k.make(t, srv, "Ana")
			ok(t, k.put(t, srv, "ANA", "first", listUser))
			owner, document, err := k.get(t, srv, "ana", "first")
			ok(t, err)
			if got, _ := url.PathUnescape(document); owner != "Ana" || got != listUser {
				t.Errorf("%s: %s has %s", k.name, owner, got)
			}
			changed := strings.Replace(listUser, "ListUsers", "ListRoles", 1)
			ok(t, k.put(t, srv, "Ana", "first", changed))
			if _, document, _ := k.get(t, srv, "Ana", "first"); !strings.Contains(document, "ListRoles") {
				t.Errorf("%s: put again, and it is %s", k.name, document)
			}
			fails(t, k.remove(t, srv, "Ana"), "DeleteConflict", "Cannot delete entity, must delete policies first.")

			nobody := fmt.Sprintf("The %s with name nobody cannot be found.", k.name)
			nothing := fmt.Sprintf("The %s policy with name none cannot be found.", k.name)
			fails(t, k.put(t, srv, "nobody", "p", listUser), "NoSuchEntity", nobody)
			fails(t, k.del(t, srv, "nobody", "p"), "NoSuchEntity", nobody)
			fails(t, k.del(t, srv, "Ana", "none"), "NoSuchEntity", nothing)
			_, _, err = k.get(t, srv, "nobody", "p")
			fails(t, err, "NoSuchEntity", nobody)
			_, _, err = k.get(t, srv, "Ana", "none")
			fails(t, err, "NoSuchEntity", nothing)
			_, _, err = k.list(t, srv, "nobody", nil, nil)
			fails(t, err, "NoSuchEntity", nobody)
			fails(t, k.put(t, srv, "Ana", "not a name", listUser), "ValidationError", "policyName")

			ok(t, k.del(t, srv, "Ana", "first"))
			fails(t, k.del(t, srv, "Ana", "first"), "NoSuchEntity", "first")
			ok(t, k.remove(t, srv, "Ana"))
			k.make(t, srv, "Ana")
			if names, _, err := k.list(t, srv, "Ana", nil, nil); err != nil || names == nil || len(names) != 0 {
				t.Errorf("%s: a new one has %v, %v", k.name, names, err)
			}
		}
	})
}

// TestInlinePolicySizes counts all inline policies of one together, and a
// policy that is replaced once.
func TestInlinePolicySizes(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		for _, k := range kindsOfHolders {
			k.make(t, srv, "Ana")
			k.make(t, srv, "bea")
			full := fmt.Sprintf("Maximum policy size of %d bytes exceeded for %s Ana", k.inline, k.name)
			fails(t, k.put(t, srv, "ana", "a", documentOf(k.inline+1)), "LimitExceeded", full)
			ok(t, k.put(t, srv, "ana", "a", strings.ReplaceAll(documentOf(k.inline), ",", " , ")))
			ok(t, k.put(t, srv, "ana", "a", documentOf(k.inline-200)))
			ok(t, k.put(t, srv, "ana", "b", documentOf(200)))
			fails(t, k.put(t, srv, "ana", "b", documentOf(201)), "LimitExceeded", full)
			fails(t, k.put(t, srv, "ana", "c", listUser), "LimitExceeded", full)
			ok(t, k.put(t, srv, "bea", "c", documentOf(k.inline)))
			ok(t, k.del(t, srv, "ana", "b"))
			ok(t, k.put(t, srv, "ana", "c", documentOf(200)))
		}
	})
}

func TestListInlinePolicies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		for _, k := range kindsOfHolders {
			k.make(t, srv, "ana")
			k.make(t, srv, "bea")
			want := []string{"A", "B", "a", "b", "c"} // byte by byte
			for _, name := range []string{"b", "A", "c", "a", "B"} {
				ok(t, k.put(t, srv, "ana", name, listUser))
			}
			ok(t, k.put(t, srv, "bea", "bb", listUser))
			for size := int32(1); size <= 6; size++ {
				var got []string
				var marker *string
				for {
					names, next, err := k.list(t, srv, "ana", marker, &size)
					ok(t, err)
					got = append(got, names...)
					if marker = next; marker == nil {
						break
					}
				}
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s in pages of %d (-want +got):\n%s", k.name, size, diff)
				}
			}
			_, marker, err := k.list(t, srv, "ana", nil, new(int32(1)))
			ok(t, err)
			_, _, err = k.list(t, srv, "bea", marker, nil)
			fails(t, err, "ValidationError", "Marker")
		}
	})
}
