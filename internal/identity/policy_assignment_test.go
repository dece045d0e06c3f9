package identity_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func newAssignment(name string, change func(*qs.CreateIAMPolicyAssignmentRequest)) qs.CreateIAMPolicyAssignmentRequest {
	in := qs.CreateIAMPolicyAssignmentRequest{
		AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: name, AssignmentStatus: qs.AssignmentStatusEnabled,
	}
	if change != nil {
		change(&in)
	}
	return in
}

func assignmentOf(t *testing.T, srv *testkit.Server, name string) (*qs.IAMPolicyAssignment, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeIAMPolicyAssignment, qs.DescribeIAMPolicyAssignmentRequest{
		AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: name,
	})
	if err != nil {
		return nil, err
	}
	return out.IAMPolicyAssignment, nil
}

func listed(t *testing.T, srv *testkit.Server, status *qs.AssignmentStatus) []string {
	t.Helper()
	return whole(t, "ListIAMPolicyAssignments", nil, func(token *string) ([]string, *string, error) {
		out, err := testkit.Call(t, srv, qs.ListIAMPolicyAssignments, qs.ListIAMPolicyAssignmentsRequest{
			AwsAccountId: testkit.Account, Namespace: "default", AssignmentStatus: status, MaxResults: new(int32(2)), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		names := []string{}
		for _, a := range out.IAMPolicyAssignments {
			names = append(names, *a.AssignmentName+" "+string(*a.AssignmentStatus))
		}
		return names, out.NextToken, nil
	})
}

func active(t *testing.T, srv *testkit.Server, user string) []string {
	t.Helper()
	return whole(t, "ListIAMPolicyAssignmentsForUser", nil, func(token *string) ([]string, *string, error) {
		out, err := testkit.Call(t, srv, qs.ListIAMPolicyAssignmentsForUser, qs.ListIAMPolicyAssignmentsForUserRequest{
			AwsAccountId: testkit.Account, Namespace: "default", UserName: user, MaxResults: new(int32(2)), NextToken: token,
		})
		if err != nil {
			return nil, nil, err
		}
		names := []string{}
		for _, a := range out.ActiveAssignments {
			name := *a.AssignmentName
			if a.PolicyArn != nil {
				name += " " + *a.PolicyArn
			}
			names = append(names, name)
		}
		return names, out.NextToken, nil
	})
}

func newPolicy(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: name, PolicyDocument: allowBuckets})
	try(t, "CreatePolicy", err)
	return *out.Policy.Arn
}

const allowBuckets = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`

func TestIAMPolicyAssignments(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		registerAll(t, srv, "zoe", "ana")
		_, err := d.createGroup("analysts", nil)
		try(t, "create group", err)
		policyARN := newPolicy(t, srv, "buckets")

		out, err := testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment("sales", func(in *qs.CreateIAMPolicyAssignmentRequest) {
			in.PolicyArn, in.Identities = &policyARN, map[string][]string{"user": {"zoe", "ana", "zoe"}, "group": {"analysts"}}
		}))
		try(t, "create", err)
		if !regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`).MatchString(*out.AssignmentId) || *out.Status != 201 {
			t.Errorf("id %s, status %d", *out.AssignmentId, *out.Status)
		}
		want := &qs.IAMPolicyAssignment{
			AwsAccountId: new(testkit.Account), AssignmentId: out.AssignmentId, AssignmentName: new("sales"), AssignmentStatus: new(qs.AssignmentStatusEnabled),
			PolicyArn: &policyARN, Identities: map[string][]string{"user": {"zoe", "ana"}, "group": {"analysts"}},
		}
		got, err := assignmentOf(t, srv, "sales")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("described (-want +got):\n%s%v", diff, err)
		}
		if diff := cmp.Diff(want.Identities, out.Identities); diff != "" || *out.PolicyArn != policyARN || *out.AssignmentName != "sales" {
			t.Errorf("created %+v (-want +got):\n%s", out, diff)
		}
		_, err = testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment("sales", nil))
		refused(t, "the same name", err, "ResourceExistsException", "AWS account ID: 111122223333, Assignment name: sales already exists. ")
		if f := fault.Of(err); f.ResourceType != "IAMPOLICY_ASSIGNMENT" {
			t.Errorf("resource type %s", f.ResourceType)
		}

		// Only what is given changes.
		change := func(change func(*qs.UpdateIAMPolicyAssignmentRequest)) {
			t.Helper()
			in := qs.UpdateIAMPolicyAssignmentRequest{AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: "sales"}
			change(&in)
			out, err := testkit.Call(t, srv, qs.UpdateIAMPolicyAssignment, in)
			try(t, "update", err)
			got, err := assignmentOf(t, srv, "sales")
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("updated (-want +got):\n%s%v", diff, err)
			}
			shown := &qs.IAMPolicyAssignment{
				AwsAccountId: want.AwsAccountId, AssignmentId: out.AssignmentId, AssignmentName: out.AssignmentName,
				AssignmentStatus: out.AssignmentStatus, PolicyArn: out.PolicyArn, Identities: out.Identities,
			}
			if diff := cmp.Diff(want, shown); diff != "" {
				t.Errorf("the answer of the update (-want +got):\n%s", diff)
			}
		}
		change(func(*qs.UpdateIAMPolicyAssignmentRequest) {})
		change(func(in *qs.UpdateIAMPolicyAssignmentRequest) {
			in.AssignmentStatus = new(qs.AssignmentStatusDraft)
			want.AssignmentStatus = in.AssignmentStatus
		})
		change(func(in *qs.UpdateIAMPolicyAssignmentRequest) {
			in.PolicyArn = new("arn:aws:iam::aws:policy/AdministratorAccess")
			want.PolicyArn = in.PolicyArn
		})
		change(func(in *qs.UpdateIAMPolicyAssignmentRequest) {
			in.Identities = map[string][]string{"user": {"ana"}}
			want.Identities = in.Identities
		})
		change(func(in *qs.UpdateIAMPolicyAssignmentRequest) {
			in.Identities, want.Identities = map[string][]string{}, nil
		})

		deletion := qs.DeleteIAMPolicyAssignmentRequest{AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: "sales"}
		gone, err := testkit.Call(t, srv, qs.DeleteIAMPolicyAssignment, deletion)
		if err != nil || *gone.AssignmentName != "sales" {
			t.Errorf("delete: %+v, %v", gone, err)
		}
		const missing = "AWS account id: 111122223333, Namespace: default, Assignment name: sales. "
		_, err = testkit.Call(t, srv, qs.DeleteIAMPolicyAssignment, deletion)
		refused(t, "delete again", err, "ResourceNotFoundException", missing)
		_, err = assignmentOf(t, srv, "sales")
		refused(t, "describe what is gone", err, "ResourceNotFoundException", missing)
		_, err = testkit.Call(t, srv, qs.UpdateIAMPolicyAssignment, qs.UpdateIAMPolicyAssignmentRequest{AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: "sales"})
		refused(t, "update what is gone", err, "ResourceNotFoundException", missing)
	})
}

func TestIAMPolicyAssignmentRefuses(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		registerAll(t, srv, "ana")
		foreign := newPolicy(t, srv.As(t, "444455556666"), "buckets")
		_, err := testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment("kept", func(in *qs.CreateIAMPolicyAssignmentRequest) {
			in.Identities = map[string][]string{"user": {"ana"}}
		}))
		try(t, "create", err)
		kept, err := assignmentOf(t, srv, "kept")
		try(t, "describe", err)
		for _, tt := range []struct {
			name       string
			policyARN  *string
			identities map[string][]string
			code, text string
		}{
			{"a key in capitals", nil, map[string][]string{"USER": {"ana"}}, "InvalidParameterValueException", `Identities has the key "USER": its keys are user and group. AWS account ID: 111122223333, Namespace: default. `},
			{"nobody", nil, map[string][]string{"user": {"ana", "bob"}}, "ResourceNotFoundException", "AWS account id: 111122223333, Namespace: default, Username: bob. "},
			{"no group", nil, map[string][]string{"group": {"ana"}}, "ResourceNotFoundException", "AWS account id: 111122223333, Namespace: default, Group name: ana. "},
			{"an empty name", nil, map[string][]string{"user": {""}}, "ValidationException", ""},
			{"no ARN", new(""), nil, "InvalidParameterValueException", ""},
			{"the ARN of a role", new("arn:aws:iam::111122223333:role/r"), nil, "InvalidParameterValueException", ""},
			{"no policy", new("arn:aws:iam::111122223333:policy/none"), nil, "ResourceNotFoundException", "AWS account id: 111122223333, Policy: arn:aws:iam::111122223333:policy/none. "},
			{"no policy of AWS", new("arn:aws:iam::aws:policy/NoSuchAccess"), nil, "ResourceNotFoundException", ""},
			{"another account's policy", &foreign, nil, "InvalidParameterValueException", ""},
		} {
			_, err := testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment("new", func(in *qs.CreateIAMPolicyAssignmentRequest) {
				in.PolicyArn, in.Identities = tt.policyARN, tt.identities
			}))
			refused(t, "create: "+tt.name, err, tt.code, tt.text)
			_, err = testkit.Call(t, srv, qs.UpdateIAMPolicyAssignment, qs.UpdateIAMPolicyAssignmentRequest{
				AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: "kept", AssignmentStatus: new(qs.AssignmentStatusDisabled),
				PolicyArn: tt.policyARN, Identities: tt.identities,
			})
			refused(t, "update: "+tt.name, err, tt.code, tt.text)
		}
		if got := listed(t, srv, nil); !slices.Equal(got, []string{"kept ENABLED"}) {
			t.Errorf("assignments are %q; a refused call has left something", got)
		}
		got, err := assignmentOf(t, srv, "kept")
		if diff := cmp.Diff(kept, got); diff != "" || err != nil {
			t.Errorf("a refused update has changed it (-want +got):\n%s%v", diff, err)
		}
		for what, name := range map[string]string{"a blank": "a b", "one letter": "a", "too long": strings.Repeat("a", 257), "a slash": "a/b"} {
			_, err := testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment(name, nil))
			refused(t, what, err, "ValidationException", "")
		}
		_, err = testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment("elsewhere", func(in *qs.CreateIAMPolicyAssignmentRequest) { in.Namespace = "none" }))
		refused(t, "no namespace", err, "ResourceNotFoundException", "")
		_, err = testkit.Call(t, srv, qs.ListIAMPolicyAssignmentsForUser, qs.ListIAMPolicyAssignmentsForUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "bob"})
		refused(t, "assignments of nobody", err, "ResourceNotFoundException", "AWS account id: 111122223333, Namespace: default, Username: bob. ")
	})
}

// TestIAMPolicyAssignmentsOfUser lists what a user has directly and by groups,
// as long as it is enabled and they are there.
func TestIAMPolicyAssignmentsOfUser(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		registerAll(t, srv, "ana", "bob")
		for _, g := range []string{"g1", "g2"} {
			_, err := d.createGroup(g, nil)
			try(t, "create group", err)
		}
		try(t, "join", d.join("g1", "ana"))
		try(t, "join", d.join("g2", "ana"))
		policyARN := newPolicy(t, srv, "buckets")
		for name, identities := range map[string]map[string][]string{
			"both": {"user": {"ana"}, "group": {"g1", "g2"}}, "by-group": {"group": {"g2"}}, "direct": {"user": {"ana"}}, "others": {"user": {"bob"}},
			"draft": {"user": {"ana"}}, "off": {"group": {"g1"}}, "for-nobody": nil,
		} {
			_, err := testkit.Call(t, srv, qs.CreateIAMPolicyAssignment, newAssignment(name, func(in *qs.CreateIAMPolicyAssignmentRequest) {
				in.Identities = identities
				switch name {
				case "draft":
					in.AssignmentStatus = qs.AssignmentStatusDraft
				case "off":
					in.AssignmentStatus = qs.AssignmentStatusDisabled
				case "direct":
				default:
					in.PolicyArn = &policyARN
				}
			}))
			try(t, "create "+name, err)
		}
		check := func(user string, want ...string) {
			t.Helper()
			if got := active(t, srv, user); !slices.Equal(got, want) {
				t.Errorf("active assignments of %s are %q, want %q", user, got, want)
			}
		}
		check("ana", "both "+policyARN, "by-group "+policyARN, "direct")
		check("bob", "others "+policyARN)
		if got, want := listed(t, srv, new(qs.AssignmentStatusDraft)), []string{"draft DRAFT"}; !slices.Equal(got, want) {
			t.Errorf("drafts are %q, want %q", got, want)
		}
		enabled := []string{"both ENABLED", "by-group ENABLED", "direct ENABLED", "for-nobody ENABLED", "others ENABLED"}
		if got := listed(t, srv, new(qs.AssignmentStatusEnabled)); !slices.Equal(got, enabled) {
			t.Errorf("enabled are %q, want %q", got, enabled)
		}
		if got := listed(t, srv, nil); len(got) != 7 || !slices.IsSorted(got) {
			t.Errorf("all are %q, want seven in order", got)
		}
		try(t, "leave", d.leave("g2", "ana"))
		check("ana", "both "+policyARN, "direct")
		// A group or user that goes leaves its assignments, and one that comes has none.
		try(t, "delete group", d.deleteGroup("g2"))
		_, err := d.createGroup("g2", nil)
		try(t, "create group", err)
		try(t, "join", d.join("g2", "bob"))
		check("bob", "others "+policyARN)
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"})
		try(t, "delete user", err)
		registerAll(t, srv, "ana")
		check("ana")
		got, err := assignmentOf(t, srv, "both")
		if want := map[string][]string{"group": {"g1"}}; err != nil || !cmp.Equal(got.Identities, want) {
			t.Errorf("left over is %v, %v; want %v", got.Identities, err, want)
		}
		got, err = assignmentOf(t, srv, "direct")
		if err != nil || got.Identities != nil {
			t.Errorf("left over is %v, %v; want nothing", got.Identities, err)
		}
	})
}

// TestIAMPolicyAssignmentPath takes the path with which botocore makes an
// assignment, and that of the other SDKs.
func TestIAMPolicyAssignmentPath(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i, path := range []string{"/accounts/111122223333/namespaces/default/iam-policy-assignments/", "/accounts/111122223333/namespaces/default/iam-policy-assignments"} {
			name := []string{"with", "without"}[i]
			res, body := srv.Send(t, srv.Request(t, "POST", path, []byte(`{"AssignmentName":"`+name+`","AssignmentStatus":"DRAFT"}`)))
			if res.StatusCode != 201 {
				t.Errorf("POST %s: %d %s", path, res.StatusCode, body)
			}
		}
		if got, want := listed(t, srv, nil), []string{"with DRAFT", "without DRAFT"}; !slices.Equal(got, want) {
			t.Errorf("assignments are %q, want %q", got, want)
		}
	})
}

// TestIAMPolicyAssignmentsByPolicy lets IAM's policies decide on the assignment,
// whose ARN has no region.
func TestIAMPolicyAssignmentsByPolicy(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		helper := as(t, srv, "helper", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:*IAMPolicyAssignment","Resource":"arn:aws:quicksight::111122223333:assignment/team-*"}}`)
		_, err := testkit.Call(t, helper, qs.CreateIAMPolicyAssignment, newAssignment("team-a", nil))
		try(t, "create", err)
		_, err = assignmentOf(t, helper, "team-a")
		try(t, "describe", err)
		_, err = testkit.Call(t, helper, qs.CreateIAMPolicyAssignment, newAssignment("other", nil))
		refused(t, "another name", err, "AccessDeniedException", "")
		_, err = testkit.Call(t, helper, qs.ListIAMPolicyAssignments, qs.ListIAMPolicyAssignmentsRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		refused(t, "list", err, "AccessDeniedException", "")
		_, err = testkit.Call(t, helper, qs.DeleteIAMPolicyAssignment, qs.DeleteIAMPolicyAssignmentRequest{AwsAccountId: testkit.Account, Namespace: "default", AssignmentName: "team-a"})
		try(t, "delete", err)
	})
}
