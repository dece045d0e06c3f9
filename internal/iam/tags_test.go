package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestTags(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		put := func(tags ...iamapi.Tag) {
			t.Helper()
			do(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: tags})
		}
		put(iamapi.Tag{Key: "Team", Value: "a"}, iamapi.Tag{Key: "cost", Value: ""})
		put(iamapi.Tag{Key: "TEAM", Value: "b"})
		want := []iamapi.Tag{{Key: "cost", Value: ""}, {Key: "TEAM", Value: "b"}}
		got := do(t, srv, iamapi.ListUserTags, iamapi.ListUserTagsRequest{UserName: "ana"})
		if diff := cmp.Diff(want, got.Tags); diff != "" || *got.IsTruncated {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(want, do(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}).User.Tags); diff != "" {
			t.Errorf("tags of GetUser (-want +got):\n%s", diff)
		}
		refused(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "AWS:x", Value: "v"}}}, "InvalidInput", "AWS:x")
		refused(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "k", Value: "v"}, {Key: "K", Value: "w"}}}, "InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		refused(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "bea", Tags: []iamapi.Tag{{Key: "k", Value: "v"}}}, "NoSuchEntity", "bea")
		do(t, srv, iamapi.UntagUser, iamapi.UntagUserRequest{UserName: "ana", TagKeys: []string{"team", "nothing"}})
		if diff := cmp.Diff(want[:1], do(t, srv, iamapi.ListUserTags, iamapi.ListUserTagsRequest{UserName: "ana"}).Tags); diff != "" {
			t.Errorf("tags that are left (-want +got):\n%s", diff)
		}
		var many []iamapi.Tag
		for i := range 49 {
			many = append(many, iamapi.Tag{Key: fmt.Sprintf("k%02d", i), Value: "v"})
		}
		put(many...)
		refused(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "one more", Value: "v"}}}, "LimitExceeded", "50")
		put(iamapi.Tag{Key: "K00", Value: "again"})
	})
}

// TestTagsInPages has keys that are longer than a Marker may be.
func TestTagsInPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		want := map[string]string{}
		for i := range 9 {
			key := strings.Repeat("é", 120) + fmt.Sprint(i)
			want[key] = "v"
			do(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: key, Value: "v"}}})
		}
		got := map[string]string{}
		in := iamapi.ListUserTagsRequest{UserName: "ana", MaxItems: new(int32(2))}
		for pages := 1; ; pages++ {
			out := do(t, srv, iamapi.ListUserTags, in)
			for _, tag := range out.Tags {
				if got[tag.Key] != "" {
					t.Errorf("%s comes twice", tag.Key)
				}
				got[tag.Key] = tag.Value
			}
			if in.Marker = out.Marker; in.Marker == nil || pages > 9 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
	})
}

// TestTagsOfAllKinds tags, lists and untags one of each.
func TestTagsOfAllKinds(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		tags, keys := []iamapi.Tag{{Key: "k", Value: "v"}}, []string{"k"}
		check := func(kind string, tagged, untagged []iamapi.Tag) {
			t.Helper()
			if diff := cmp.Diff(tags, tagged); diff != "" {
				t.Errorf("tags of a %s (-want +got):\n%s", kind, diff)
			}
			if len(untagged) > 0 {
				t.Errorf("tags of a %s after all: %v", kind, untagged)
			}
		}
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRoot})
		listRole := func() []iamapi.Tag {
			return do(t, srv, iamapi.ListRoleTags, iamapi.ListRoleTagsRequest{RoleName: "r"}).Tags
		}
		do(t, srv, iamapi.TagRole, iamapi.TagRoleRequest{RoleName: "r", Tags: tags})
		tagged := listRole()
		do(t, srv, iamapi.UntagRole, iamapi.UntagRoleRequest{RoleName: "r", TagKeys: keys})
		check("role", tagged, listRole())
		refused(t, srv, iamapi.ListRoleTags, iamapi.ListRoleTagsRequest{RoleName: "s"}, "NoSuchEntity", "s")

		p := do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{
			PolicyName: "p", Path: new("/x/"), PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`,
		}).Policy
		listPolicy := func() []iamapi.Tag {
			return do(t, srv, iamapi.ListPolicyTags, iamapi.ListPolicyTagsRequest{PolicyArn: *p.Arn}).Tags
		}
		do(t, srv, iamapi.TagPolicy, iamapi.TagPolicyRequest{PolicyArn: *p.Arn, Tags: tags})
		tagged = listPolicy()
		do(t, srv, iamapi.UntagPolicy, iamapi.UntagPolicyRequest{PolicyArn: *p.Arn, TagKeys: keys})
		check("policy", tagged, listPolicy())
		refused(t, srv, iamapi.TagPolicy, iamapi.TagPolicyRequest{PolicyArn: *p.Arn + "q", Tags: tags}, "NoSuchEntity", "was not found")

		oidc := do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{
			Url: "https://login.example.org/a", ClientIDList: []string{"c"}, ThumbprintList: []string{strings.Repeat("a", 40)},
		}).OpenIDConnectProviderArn
		listOIDC := func() []iamapi.Tag {
			return do(t, srv, iamapi.ListOpenIDConnectProviderTags, iamapi.ListOpenIDConnectProviderTagsRequest{OpenIDConnectProviderArn: *oidc}).Tags
		}
		do(t, srv, iamapi.TagOpenIDConnectProvider, iamapi.TagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: *oidc, Tags: tags})
		tagged = listOIDC()
		do(t, srv, iamapi.UntagOpenIDConnectProvider, iamapi.UntagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: *oidc, TagKeys: keys})
		check("OpenID Connect provider", tagged, listOIDC())
		refused(t, srv, iamapi.ListOpenIDConnectProviderTags, iamapi.ListOpenIDConnectProviderTagsRequest{OpenIDConnectProviderArn: "login.example.org/a/or/so"}, "NoSuchEntity", "")
	})
}

// TestPolicesOnTags decides by the tags of the entity and of the request.
func TestPoliciesOnTags(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "helper")
		newUser(t, srv, "ana")
		allow(t, srv, "helper", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*","Condition":{"StringEquals":{"iam:ResourceTag/Team":"x"}}},
			{"Effect":"Allow","Action":["iam:TagUser","iam:UntagUser"],"Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"x"},"ForAllValues:StringEquals":{"aws:TagKeys":["cost"]}}}`)
		helper := asUser(t, srv, "helper")
		ask := iamapi.GetUserRequest{UserName: new("ana")}
		cost := iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "cost", Value: "1"}}}
		refused(t, helper, iamapi.GetUser, ask, "AccessDenied", "iam:GetUser")
		refused(t, helper, iamapi.TagUser, cost, "AccessDenied", "iam:TagUser")
		do(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "team", Value: "x"}}})
		do(t, helper, iamapi.GetUser, ask)
		do(t, helper, iamapi.TagUser, cost)
		refused(t, helper, iamapi.UntagUser, iamapi.UntagUserRequest{UserName: "ana", TagKeys: []string{"cost", "team"}}, "AccessDenied", "iam:UntagUser")
		do(t, helper, iamapi.UntagUser, iamapi.UntagUserRequest{UserName: "ana", TagKeys: []string{"cost"}})
	})
}
