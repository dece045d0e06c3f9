package iam_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

// versionsShown lists the versions of a policy, the default one with a star.
func versionsShown(t *testing.T, srv *testkit.Server, policyARN string, pageSize int32) (list []string) {
	t.Helper()
	in := iamapi.ListPolicyVersionsRequest{PolicyArn: policyARN, MaxItems: &pageSize}
	for {
		out := do(t, srv, iamapi.ListPolicyVersions, in)
		for _, v := range out.Versions {
			if v.Document != nil {
				t.Errorf("the list shows the document of %s", *v.VersionId)
			}
			id := *v.VersionId
			if *v.IsDefaultVersion {
				id += "*"
			}
			list = append(list, id)
		}
		if !*out.IsTruncated {
			return list
		}
		in.Marker = out.Marker
	}
}

func TestPolicyVersions(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		add := func(setAsDefault *bool) *iamapi.PolicyVersion {
			t.Helper()
			return do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{
				PolicyArn: policyARN, PolicyDocument: listUser, SetAsDefault: setAsDefault,
			}).PolicyVersion
		}
		if v := add(new(true)); *v.VersionId != "v2" || !*v.IsDefaultVersion || v.Document != nil || v.CreateDate == nil {
			t.Errorf("v2 = %+v", v)
		}
		if v := add(nil); *v.VersionId != "v3" || *v.IsDefaultVersion {
			t.Errorf("v3 = %+v", v)
		}
		add(new(false))
		add(nil)
		refused(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: policyARN, PolicyDocument: listUser},
			"LimitExceeded", "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.")
		want := []string{"v5", "v4", "v3", "v2*", "v1"}
		for size := int32(1); size <= 6; size++ {
			if diff := cmp.Diff(want, versionsShown(t, srv, policyARN, size)); diff != "" {
				t.Errorf("in pages of %d (-want +got):\n%s", size, diff)
			}
		}
		refused(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: policyARN, VersionId: "v2"},
			"DeleteConflict", "Cannot delete the default version of a policy.")
		do(t, srv, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: policyARN, VersionId: "v4"})
		do(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: policyARN, VersionId: "v2"})
		do(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: policyARN, VersionId: "v5"})
		// Numbers are not given out again.
		if v := add(nil); *v.VersionId != "v6" {
			t.Errorf("VersionId = %s, want v6", *v.VersionId)
		}
		if diff := cmp.Diff([]string{"v6", "v4*", "v3", "v1"}, versionsShown(t, srv, policyARN, 100)); diff != "" {
			t.Errorf("after all (-want +got):\n%s", diff)
		}
		p := do(t, srv, iamapi.GetPolicy, iamapi.GetPolicyRequest{PolicyArn: policyARN}).Policy
		if *p.DefaultVersionId != "v4" || p.UpdateDate.Before(*p.CreateDate) {
			t.Errorf("GetPolicy = %+v", p)
		}
		v := do(t, srv, iamapi.GetPolicyVersion, iamapi.GetPolicyVersionRequest{PolicyArn: policyARN, VersionId: "v3"}).PolicyVersion
		if *v.IsDefaultVersion || v.Document == nil {
			t.Errorf("GetPolicyVersion = %+v", v)
		}
	})
}

func TestPolicyVersionsThatAreNot(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		gone := "arn:aws:iam::111122223333:policy/none"
		for _, tt := range []struct{ arn, version, code, part string }{
			{policyARN, "v9", "NoSuchEntity", fmt.Sprintf("Policy %s version v9 does not exist or is not attachable.", policyARN)},
			{policyARN, "v1.2", "NoSuchEntity", "version v1.2 does not exist"},
			{policyARN, "v99999999999999999999", "NoSuchEntity", "does not exist"},
			{gone, "v1", "NoSuchEntity", fmt.Sprintf("Policy %s version v1 does not exist or is not attachable.", gone)},
			{policyARN, "1", "ValidationError", "versionId"},
			{policyARN, "v0", "ValidationError", "versionId"},
			{"arn:aws:iam::111122223333:role/p", "v1", "ValidationError", "is not valid."},
		} {
			refused(t, srv, iamapi.GetPolicyVersion, iamapi.GetPolicyVersionRequest{PolicyArn: tt.arn, VersionId: tt.version}, tt.code, tt.part)
			refused(t, srv, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: tt.arn, VersionId: tt.version}, tt.code, tt.part)
			refused(t, srv, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: tt.arn, VersionId: tt.version}, tt.code, tt.part)
		}
		refused(t, srv, iamapi.ListPolicyVersions, iamapi.ListPolicyVersionsRequest{PolicyArn: gone}, "NoSuchEntity", "Policy "+gone+" was not found.")
		refused(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: gone, PolicyDocument: listUser}, "NoSuchEntity", gone)
		if got := versionsShown(t, srv, policyARN, 10); len(got) != 1 {
			t.Errorf("versions = %v", got)
		}
	})
}

// TestDefaultVersionDecides has the version in force decide at once.
func TestDefaultVersionDecides(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		newUser(t, srv, "ana")
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
		ana := asUser(t, srv, "ana")
		do(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{})
		do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{
			PolicyArn:      policyARN,
			PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"iam:ListUsers","Resource":"*"}]}`,
		})
		do(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{})
		do(t, srv, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: policyARN, VersionId: "v2"})
		refused(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{}, "AccessDenied", "with an explicit deny in an identity-based policy")
		do(t, srv, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: policyARN, VersionId: "v1"})
		do(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{})
		do(t, srv, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: "ana", PolicyArn: policyARN})
		refused(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{}, "AccessDenied", "because no identity-based policy allows")
	})
}
