package iam_test

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

const (
	admin    = "arn:aws:iam::aws:policy/AdministratorAccess"
	readOnly = "arn:aws:iam::aws:policy/ReadOnlyAccess"
	listUser = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:ListUsers","Resource":"*"}]}`
)

// newPolicy makes a managed policy and gives its ARN.
func newPolicy(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	return *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: name, PolicyDocument: listUser}).Policy.Arn
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		in := iamapi.CreatePolicyRequest{
			PolicyName: "Readers", Path: new("/team/a/"), Description: new("May read."), PolicyDocument: listUser,
			Tags: []iamapi.Tag{{Key: "Team", Value: "x"}},
		}
		made := *do(t, srv, iamapi.CreatePolicy, in).Policy
		if !regexp.MustCompile(`^ANPA[A-Z2-7]{17}$`).MatchString(*made.PolicyId) {
			t.Errorf("PolicyId = %s", *made.PolicyId)
		}
		want := iamapi.Policy{
			Arn: new("arn:aws:iam::111122223333:policy/team/a/Readers"), PolicyName: new("Readers"), Path: new("/team/a/"),
			AttachmentCount: new(int32(0)), PermissionsBoundaryUsageCount: new(int32(0)), DefaultVersionId: new("v1"), IsAttachable: new(true),
			Tags: in.Tags, PolicyId: made.PolicyId, CreateDate: made.CreateDate, UpdateDate: made.CreateDate,
		}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("CreatePolicy (-want +got):\n%s", diff)
		}
		// The description is shown by GetPolicy alone, and so are tags that are not there.
		want.Description = in.Description
		if diff := cmp.Diff(want, *do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: *made.Arn}).Policy); diff != "" {
			t.Errorf("GetPolicy (-want +got):\n%s", diff)
		}
		plain := newPolicy(t, srv, "plain")
		if tags := do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: plain}).Policy.Tags; tags == nil || len(tags) != 0 {
			t.Errorf("Tags of a policy without = %v", tags)
		}

		for _, tt := range []struct{ name, code, part string }{
			{"Readers", "EntityAlreadyExists", "A policy called Readers already exists. Duplicate names are not allowed."},
			{"READERS", "EntityAlreadyExists", "READERS"},
			{"with space", "ValidationError", "policyName"},
			{strings.Repeat("x", 129), "ValidationError", "policyName"},
		} {
			refused(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: tt.name, PolicyDocument: listUser}, tt.code, tt.part)
		}
		refused(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "other", Path: new("nopath"), PolicyDocument: listUser}, "ValidationError", "path")

		for _, policyARN := range []string{
			"arn:aws:iam::111122223333:policy/Readers",           // another path
			"arn:aws:iam::111122223333:policy/team/a/readers",    // another case
			"arn:aws:iam::444455556666:policy/team/a/Readers",    // another account
			"arn:aws-cn:iam::111122223333:policy/team/a/Readers", // another partition
			"arn:aws-cn:iam::aws:policy/AdministratorAccess",
			"arn:aws:iam::aws:policy/Nothing",
		} {
			refused(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: policyARN}, "NoSuchEntity", "Policy "+policyARN+" was not found.")
			refused(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: policyARN}, "NoSuchEntity", "Policy "+policyARN+" was not found.")
		}
		for _, policyARN := range []string{
			"longpolicynamebutnoarn", "arn:aws:iam::111122223333:user/ana", "arn:aws:s3:::bucket-with-a-name/x", "arn:aws:iam::111122223333:policy/",
		} {
			refused(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: policyARN}, "ValidationError", "ARN "+policyARN+" is not valid.")
		}

		refused(t, srv.As(t, "444455556666"), iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: plain}, "NoSuchEntity", plain)
		do(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: plain})
		refused(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: plain}, "NoSuchEntity", plain)
		again := *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "plain", PolicyDocument: listUser}).Policy
		if len(do(t, srv, iamapi.ListPolicyTags, iamapi.ListPolicyTagsRequest{PolicyArn: *again.Arn}).Tags) != 0 {
			t.Error("a new policy has the tags of its namesake")
		}
	})
}

// TestDocuments has what is no policy refused, whichever operation brings it,
// and what is one given back byte for byte.
func TestDocuments(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		policyARN := newPolicy(t, srv, "p")
		// Each way in which a document comes, and the one to read it back.
		ways := map[string]struct {
			put func(document string) error
			get func() string
		}{
			"version": {
				func(d string) error {
					_, err := testkit.Call(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: policyARN, PolicyDocument: d})
					return err
				},
				func() string {
					v := do(t, srv, iamapi.ListPolicyVersions, iamapi.ListPolicyVersionsRequest{PolicyArn: policyARN}).Versions[0]
					in := iamapi.GetPolicyVersionRequest{PolicyArn: policyARN, VersionId: *v.VersionId}
					document := *do(t, srv, iamapi.GetPolicyVersion, in).PolicyVersion.Document
					do(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest(in))
					return document
				},
			},
			"inline": {
				func(d string) error {
					_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "ana", PolicyName: "p", PolicyDocument: d})
					return err
				},
				func() string {
					return do(t, srv, iamapi.GetUserPolicy, iamapi.GetUserPolicyRequest{UserName: "ana", PolicyName: "p"}).PolicyDocument
				},
			},
		}
		for name, way := range ways {
			for _, d := range []string{
				listUser,
				" \t\r\n" + strings.ReplaceAll(listUser, ",", ",\n\t") + "\n",
				`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"iam:*","Resource":"arn:aws:iam::*:user/é ü+ÿ/%41/*~'()!&=<>\u2028"}}`,
			} {
				if err := way.put(d); err != nil {
					t.Fatalf("%s %q: %v", name, d, err)
				}
				shown := way.get()
				if !regexp.MustCompile(`^(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})+$`).MatchString(shown) {
					t.Errorf("%s: not percent-encoded by RFC 3986: %s", name, shown)
				}
				got, err := url.PathUnescape(shown)
				if err != nil || got != d {
					t.Errorf("%s: document = %q, %v, want %q", name, got, err, d)
				}
			}
			for _, tt := range []struct{ document, code, part string }{
				{`{`, "MalformedPolicyDocument", "line 1, column 2"},
				{"{\"Version\":\"2012-10-17\",\n \"Statement\":[{\"Effect\":\"Maybe\"}]}", "MalformedPolicyDocument", "line 2"},
				{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam","Resource":"*"}]}`, "MalformedPolicyDocument", "Statement[0].Action"},
				{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"iam:*","Resource":"*"}]}`, "MalformedPolicyDocument", "principal"},
				{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"nothing"}]}`, "MalformedPolicyDocument", "Resource nothing must be in ARN format"},
				{listUser + "Ā", "ValidationError", "policyDocument"},
				{"", "ValidationError", "policyDocument"},
			} {
				err := way.put(tt.document)
				if err == nil || !strings.Contains(err.Error(), tt.code) || !strings.Contains(err.Error(), tt.part) {
					t.Errorf("%s %q: %v, want %s: …%s…", name, tt.document, err, tt.code, tt.part)
				}
			}
		}
		// White space does not count.
		fits := documentOf(6144)
		in := iamapi.CreatePolicyRequest{PolicyName: "large", PolicyDocument: strings.ReplaceAll(fits, ",", ",\n        ")}
		do(t, srv, iamapi.CreatePolicy, in)
		in = iamapi.CreatePolicyRequest{PolicyName: "larger", PolicyDocument: documentOf(6145)}
		refused(t, srv, iamapi.CreatePolicy, in, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144")
		refused(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: policyARN, PolicyDocument: in.PolicyDocument}, "LimitExceeded", "PolicySize: 6144")
		in.PolicyDocument = documentOf(131072)
		refused(t, srv, iamapi.CreatePolicy, in, "LimitExceeded", "PolicySize: 6144")
		in.PolicyDocument = documentOf(131073)
		refused(t, srv, iamapi.CreatePolicy, in, "ValidationError", "131072")
	})
}

// documentOf makes a policy with so many characters, none of them white space.
func documentOf(size int) string {
	const head, tail = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["iam:`, `","iam:GetUser"],"Resource":"*"}]}`
	return head + strings.Repeat("x", size-len(head)-len(tail)) + tail
}

func TestListPolicies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		var own []string
		for i, name := range []string{"Zulu", "alpha", "Bravo", "_x"} {
			path := "/"
			if i%2 == 0 {
				path = "/even/"
			}
			p := do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: name, Path: &path, PolicyDocument: listUser}).Policy
			own = append(own, *p.Arn)
		}
		newPolicy(t, srv.As(t, "444455556666"), "theirs")
		newUser(t, srv, "ana")
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: own[1]})
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: readOnly})
		do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "ana", PermissionsBoundary: own[2]})

		list := func(in iamapi.ListPoliciesRequest) (arns []string) {
			t.Helper()
			for {
				out := do(t, srv, iamapi.ListPolicies, in)
				if in.MaxItems != nil && len(out.Policies) > int(*in.MaxItems) {
					t.Fatalf("a page of %d policies", len(out.Policies))
				}
				for _, p := range out.Policies {
					if p.Description != nil || p.Tags != nil {
						t.Errorf("a list shows %+v", p)
					}
					arns = append(arns, *p.Arn)
				}
				if *out.IsTruncated != (out.Marker != nil) {
					t.Fatalf("IsTruncated = %v, Marker = %v", *out.IsTruncated, out.Marker)
				}
				if !*out.IsTruncated {
					return arns
				}
				in.Marker = out.Marker
			}
		}
		byName := []string{own[3], own[1], own[2], own[0]}
		aws := list(iamapi.ListPoliciesRequest{Scope: new(iamapi.PolicyScopeTypeAWS)})
		if len(aws) < 3 || strings.Contains(fmt.Sprint(aws), "111122223333") {
			t.Fatalf("policies of AWS: %v", aws)
		}
		for _, tt := range []struct {
			name string
			in   iamapi.ListPoliciesRequest
			want []string
		}{
			{"all", iamapi.ListPoliciesRequest{}, append(append([]string{}, byName...), aws...)},
			{"local", iamapi.ListPoliciesRequest{Scope: new(iamapi.PolicyScopeTypeLocal)}, byName},
			{"path", iamapi.ListPoliciesRequest{PathPrefix: new("/even/"), Scope: new(iamapi.PolicyScopeTypeLocal)}, []string{own[2], own[0]}},
			{"attached", iamapi.ListPoliciesRequest{OnlyAttached: new(true)}, []string{own[1], readOnly}},
			{"permissions", iamapi.ListPoliciesRequest{PolicyUsageFilter: new(iamapi.PolicyUsageTypePermissionsPolicy)}, []string{own[1], readOnly}},
			{"boundaries", iamapi.ListPoliciesRequest{PolicyUsageFilter: new(iamapi.PolicyUsageTypePermissionsBoundary)}, []string{own[2]}},
			{"nothing", iamapi.ListPoliciesRequest{PathPrefix: new("/none/")}, nil},
		} {
			for _, size := range []int32{0, 1, 2, 3} {
				in := tt.in
				if size > 0 {
					in.MaxItems = &size
				}
				if diff := cmp.Diff(tt.want, list(in)); diff != "" {
					t.Errorf("%s in pages of %d (-want +got):\n%s", tt.name, size, diff)
				}
			}
		}
		marker := do(t, srv, iamapi.ListPolicies, iamapi.ListPoliciesRequest{MaxItems: new(int32(1))}).Marker
		for _, in := range []iamapi.ListPoliciesRequest{
			{Marker: marker, OnlyAttached: new(true)}, {Marker: marker, Scope: new(iamapi.PolicyScopeTypeLocal)}, {Marker: new("made-up")},
		} {
			refused(t, srv, iamapi.ListPolicies, in, "ValidationError", "Marker")
		}
		refused(t, srv, iamapi.ListPolicies, iamapi.ListPoliciesRequest{MaxItems: new(int32(1001))}, "ValidationError", "maxItems")
	})
}

// TestDeletePolicyInUse has a policy kept that anything uses.
func TestDeletePolicyInUse(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		newUser(t, srv, "ana")
		conflict := func(part string) {
			t.Helper()
			refused(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: policyARN}, "DeleteConflict", part)
		}
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
		conflict("Cannot delete a policy attached to entities.")
		do(t, srv, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
		do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "ana", PermissionsBoundary: policyARN})
		conflict("Cannot delete a policy attached to entities.")
		do(t, srv, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "ana"})
		do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: policyARN, PolicyDocument: listUser})
		conflict("This policy has more than one version.")
		do(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: policyARN, VersionId: "v2"})
		do(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: policyARN})
	})
}

// TestPoliciesOfAWS can be read and used, and changed by nobody.
func TestPoliciesOfAWS(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		p := do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: admin}).Policy
		if *p.PolicyName != "AdministratorAccess" || *p.PolicyId != "ANPAIWMBCKSKIEE64ZLYK" || *p.Path != "/" || p.Description == nil || p.Tags == nil {
			t.Errorf("GetPolicy = %+v", p)
		}
		v := do(t, srv, iamapi.GetPolicyVersion, iamapi.GetPolicyVersionRequest{PolicyArn: admin, VersionId: *p.DefaultVersionId}).PolicyVersion
		if document, err := url.PathUnescape(*v.Document); err != nil || !strings.Contains(document, `"Action": "*"`) && !strings.Contains(document, `"Action":"*"`) || !*v.IsDefaultVersion {
			t.Errorf("GetPolicyVersion = %s, %v", document, err)
		}
		if versions := do(t, srv, iamapi.ListPolicyVersions, iamapi.ListPolicyVersionsRequest{PolicyArn: admin}).Versions; len(versions) != 1 || versions[0].Document != nil {
			t.Errorf("ListPolicyVersions = %+v", versions)
		}
		refused(t, srv, iamapi.GetPolicyVersion, iamapi.GetPolicyVersionRequest{PolicyArn: admin, VersionId: "v99"}, "NoSuchEntity", "version v99 does not exist")
		denied := func(operation string) string {
			return "User: arn:aws:iam::111122223333:root is not authorized to perform: iam:" + operation + " on resource: policy " + admin
		}
		refused(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: admin}, "AccessDenied", denied("DeletePolicy"))
		refused(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: admin, PolicyDocument: listUser}, "AccessDenied", denied("CreatePolicyVersion"))
		refused(t, srv, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: admin, VersionId: "v1"}, "AccessDenied", denied("SetDefaultPolicyVersion"))
		refused(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: admin, VersionId: "v1"}, "AccessDenied", denied("DeletePolicyVersion"))
	})
}
