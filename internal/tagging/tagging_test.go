package tagging_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const account = testkit.Account

func register(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.User.Arn
}

func tagsOf(t *testing.T, srv *testkit.Server, arn string) []qs.Tag {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn})
	if err != nil {
		t.Fatalf("tags of %s: %v", arn, err)
	}
	return out.Tags
}

func wantCode(t *testing.T, what string, err error, code string) {
	t.Helper()
	if f := fault.Of(err); f == nil || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
}

func TestTagResource(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "Admin/ana+x@example.org")
		if got := tagsOf(t, srv, ana); got == nil || len(got) != 0 {
			t.Errorf("a new user has the tags %v, want an empty list", got)
		}
		tag := func(arn string, tags ...qs.Tag) error {
			_, err := testkit.Call(t, srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: arn, Tags: tags})
			return err
		}
		untag := func(arn string, keys ...string) error {
			_, err := testkit.Call(t, srv, qs.UntagResource, qs.UntagResourceRequest{ResourceArn: arn, TagKeys: keys})
			return err
		}
		if err := tag(ana, qs.Tag{Key: "team", Value: "sales"}, qs.Tag{Key: "Team", Value: "SALES"}, qs.Tag{Key: "größe & ünits/a=b", Value: "100 %"}); err != nil {
			t.Fatal(err)
		}
		if err := tag(ana, qs.Tag{Key: "team", Value: "support"}); err != nil {
			t.Fatal(err)
		}
		want := []qs.Tag{{Key: "Team", Value: "SALES"}, {Key: "größe & ünits/a=b", Value: "100 %"}, {Key: "team", Value: "support"}}
		if diff := cmp.Diff(want, tagsOf(t, srv, ana)); diff != "" {
			t.Errorf("tags, -want +got:\n%s", diff)
		}
		if err := untag(ana, "größe & ünits/a=b", "Team", "never there"); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want[2:], tagsOf(t, srv, ana)); diff != "" {
			t.Errorf("after untagging, -want +got:\n%s", diff)
		}

		foreign := strings.Replace(ana, account, "444455556666", 1)
		for what, tt := range map[string]struct {
			arn, code string
		}{
			"no ARN":                  {"ana", "InvalidParameterValueException"},
			"an ARN without form":     {"arn:aws:quicksight:us-east-1:" + account, "InvalidParameterValueException"},
			"another service":         {"arn:aws:s3:::bucket", "InvalidParameterValueException"},
			"a service next door":     {"arn:aws:iam::" + account + ":user/ana", "InvalidParameterValueException"},
			"nobody":                  {strings.Replace(ana, "Admin/ana", "Admin/bo", 1), "ResourceNotFoundException"},
			"another region":          {strings.Replace(ana, "us-east-1", "eu-west-1", 1), "ResourceNotFoundException"},
			"a type without name":     {"arn:aws:quicksight:us-east-1:" + account + ":user", "ResourceNotFoundException"},
			"a type that is not":      {"arn:aws:quicksight:us-east-1:" + account + ":spaceship/x", "ResourceNotFoundException"},
			"a connector that is not": {"arn:aws:quicksight:us-east-1:" + account + ":action-connector/x", "ResourceNotFoundException"},
			"another account":         {foreign, "AccessDeniedException"},
			"nobody there":            {foreign + "x", "AccessDeniedException"},
		} {
			wantCode(t, "tag "+what, tag(tt.arn, qs.Tag{Key: "a", Value: "b"}), tt.code)
			wantCode(t, "untag "+what, untag(tt.arn, "a"), tt.code)
			_, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: tt.arn})
			wantCode(t, "list tags of "+what, err, tt.code)
		}
		for what, tt := range map[string]struct {
			tags []qs.Tag
			code string
		}{
			"a reserved key":                 {[]qs.Tag{{Key: "aws:team", Value: "x"}}, "InvalidParameterValueException"},
			"a reserved key in another case": {[]qs.Tag{{Key: "AwS:", Value: "x"}}, "InvalidParameterValueException"},
			"a key twice":                    {[]qs.Tag{{Key: "a", Value: "x"}, {Key: "b", Value: "x"}, {Key: "a", Value: "x"}}, "InvalidParameterValueException"},
			"no tags":                        {[]qs.Tag{}, "ValidationException"},
			"no key":                         {[]qs.Tag{{Key: "", Value: "x"}}, "ValidationException"},
			"a long key":                     {[]qs.Tag{{Key: strings.Repeat("k", 129), Value: "x"}}, "ValidationException"},
			"a long value":                   {[]qs.Tag{{Key: "k", Value: strings.Repeat("v", 257)}}, "ValidationException"},
			"a zero byte":                    {[]qs.Tag{{Key: "k\x00", Value: "x"}}, "InvalidParameterValueException"},
		} {
			wantCode(t, what, tag(ana, tt.tags...), tt.code)
		}
		wantCode(t, "untag a reserved key", untag(ana, "aws:team"), "InvalidParameterValueException")
		if err := tag(ana, qs.Tag{Key: strings.Repeat("k", 128), Value: strings.Repeat("ü", 256)}); err != nil {
			t.Errorf("the longest tag: %v", err)
		}
		if n := len(tagsOf(t, srv, ana)); n != 2 {
			t.Errorf("there are %d tags after all that was refused, want 2", n)
		}
	})
}

// A connector's tags are kept under its ARN alone, however the ARN is bent.
func TestTagConnector(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		out, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: account, ActionConnectorId: "crm", Name: "Customers", Type: qs.ActionConnectorTypeGenericHTTP,
			Tags: []qs.Tag{{Key: "team", Value: "sales"}},
			AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
				NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://api.example.com"},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]qs.Tag{{Key: "team", Value: "sales"}}, tagsOf(t, srv, *out.Arn)); diff != "" {
			t.Errorf("tags, -want +got:\n%s", diff)
		}
		for what, arn := range map[string]string{
			"another partition": strings.Replace(*out.Arn, "arn:aws:", "arn:aws-cn:", 1),
			"another region":    strings.Replace(*out.Arn, "us-east-1", "us-east-2", 1),
			"something below":   *out.Arn + "/action",
			"another case":      strings.Replace(*out.Arn, "crm", "CRM", 1),
		} {
			_, err := testkit.Call(t, srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: arn, Tags: []qs.Tag{{Key: "a", Value: "b"}}})
			wantCode(t, what, err, "ResourceNotFoundException")
		}
	})
}

func TestTagLimit(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		var tags []qs.Tag
		for i := range 51 {
			tags = append(tags, qs.Tag{Key: fmt.Sprintf("k%02d", i), Value: "v"})
		}
		tag := func(tags []qs.Tag) error {
			_, err := testkit.Call(t, srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: ana, Tags: tags})
			return err
		}
		wantCode(t, "51 tags", tag(tags), "LimitExceededException")
		if n := len(tagsOf(t, srv, ana)); n != 0 {
			t.Errorf("a refused call left %d tags", n)
		}
		if err := tag(tags[:50]); err != nil {
			t.Fatalf("50 tags: %v", err)
		}
		wantCode(t, "one more", tag(tags[50:]), "LimitExceededException")
		tags[0].Value = "new"
		if err := tag(tags[:50]); err != nil {
			t.Errorf("new values for 50 tags: %v", err)
		}
		if got := tagsOf(t, srv, ana); len(got) != 50 || got[0].Value != "new" {
			t.Errorf("%d tags, the first is %+v", len(got), got[0])
		}
	})
}

// The statuses are those seen in recorded traffic, and the ARN stands in the
// path as one segment.
func TestStatuses(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		path := "/resources/" + url.PathEscape(register(t, srv, "Admin/ana")) + "/tags"
		for _, step := range []struct {
			method, path, body string
			want               int
		}{
			{"POST", path, `{"Tags":[{"Key":"a","Value":"1"},{"Key":"b","Value":"2"},{"Key":"c","Value":"3"}]}`, 202},
			{"DELETE", path + "?keys=a&keys=b", "", 204},
			{"GET", path, "", 200},
		} {
			res, answer := srv.Send(t, srv.Request(t, step.method, step.path, []byte(step.body)))
			if res.StatusCode != step.want {
				t.Errorf("%s %s: %d %s, want %d", step.method, step.path, res.StatusCode, answer, step.want)
			}
			if step.want == 204 && len(answer) != 0 {
				t.Errorf("204 with the body %s", answer)
			}
			if step.want == 200 && !strings.Contains(string(answer), `"Tags":[{"Key":"c","Value":"3"}]`) {
				t.Errorf("tags left: %s", answer)
			}
		}
	})
}

// Tags go with their resource: one that is made under the same name has none.
func TestTagsGo(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		_, err := testkit.Call(t, srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: ana, Tags: []qs.Tag{{Key: "a", Value: "b"}}})
		if err != nil {
			t.Fatal(err)
		}
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"})
		if err != nil {
			t.Fatal(err)
		}
		if again := register(t, srv, "ana"); again != ana {
			t.Fatalf("the ARN is %s, then %s", ana, again)
		}
		if got := tagsOf(t, srv, ana); len(got) != 0 {
			t.Errorf("a new user has the tags %v of one before", got)
		}
	})
}
