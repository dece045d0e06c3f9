// Package e2e runs the official Go SDK against the real server. It is a module
// of its own: the SDK's package takes long to compile.
package e2e

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awshttp "github.com/aws/aws-sdk-go-v2/aws/transport/http"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/quicksight"
	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
	"github.com/aws/smithy-go"
)

func native(name string) *quicksight.RegisterUserInput {
	return &quicksight.RegisterUserInput{
		AwsAccountId: aws.String(account), Namespace: aws.String("default"), IdentityType: types.IdentityTypeQuicksight,
		UserName: aws.String(name), Email: aws.String("ana@example.org"), UserRole: types.UserRoleReader,
	}
}

func list() *quicksight.ListUsersInput {
	return &quicksight.ListUsersInput{AwsAccountId: aws.String(account), Namespace: aws.String("default")}
}

func describe(name string) *quicksight.DescribeUserInput {
	return &quicksight.DescribeUserInput{AwsAccountId: aws.String(account), Namespace: aws.String("default"), UserName: aws.String(name)}
}

// refused checks the error that a call must end with, and gives its message.
func refused(t *testing.T, err error, code string, status int) string {
	t.Helper()
	e, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		t.Fatalf("error = %v, want %s", err, code)
	}
	r, ok := errors.AsType[*awshttp.ResponseError](err)
	if e.ErrorCode() != code || !ok || r.HTTPStatusCode() != status {
		t.Fatalf("error = %v, want %s and status %d", err, code, status)
	}
	if len(r.ServiceRequestID()) != 36 {
		t.Errorf("request id = %q", r.ServiceRequestID())
	}
	return e.ErrorMessage()
}

func TestAccount(t *testing.T) {
	_, c := house(t)
	id := aws.String(account)
	_, err := c.DeleteAccountSubscription(t.Context(), &quicksight.DeleteAccountSubscriptionInput{AwsAccountId: id})
	refused(t, err, "PreconditionNotMetException", http.StatusBadRequest)
	if _, ok := errors.AsType[*types.PreconditionNotMetException](err); !ok {
		t.Errorf("error = %T, want the typed one", err)
	}
	// This SDK, and Terraform with it, sends no false: leaving the member out is how it switches the protection off.
	if _, err := c.UpdateAccountSettings(t.Context(), &quicksight.UpdateAccountSettingsInput{
		AwsAccountId: id, DefaultNamespace: aws.String("default"), TerminationProtectionEnabled: false,
	}); err != nil {
		t.Fatal(err)
	}
	out, err := c.DeleteAccountSubscription(t.Context(), &quicksight.DeleteAccountSubscriptionInput{AwsAccountId: id})
	if err != nil || out.Status != http.StatusAccepted {
		t.Fatalf("delete: %+v, %v", out, err)
	}
	waitFor(t, c, "UNSUBSCRIBED")
	_, err = c.DescribeAccountSettings(t.Context(), &quicksight.DescribeAccountSettingsInput{AwsAccountId: id})
	refused(t, err, "ResourceNotFoundException", http.StatusNotFound)
}

func TestPeople(t *testing.T) {
	s, c := house(t)
	ctx := t.Context()
	ana, err := c.RegisterUser(ctx, native("ana"))
	if err != nil {
		t.Fatal(err)
	}
	if ana.Status != http.StatusCreated || !strings.HasPrefix(aws.ToString(ana.UserInvitationUrl), s.url+"/inviteuser?token=") || ana.User.Active {
		t.Errorf("native user: %+v", ana)
	}
	in := native("")
	in.UserName, in.IdentityType = nil, types.IdentityTypeIam
	in.IamArn, in.SessionName = aws.String("arn:aws:iam::"+account+":role/path/bi"), aws.String("mei@example.org")
	role, err := c.RegisterUser(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if got := aws.ToString(role.User.UserName); got != "bi/mei@example.org" || role.UserInvitationUrl != nil {
		t.Errorf("role user: %s, %v", got, role.UserInvitationUrl)
	}
	in.IamArn, in.SessionName = aws.String("arn:aws:iam::"+account+":user/ivan"), nil
	user, err := c.RegisterUser(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	if id := aws.ToString(user.User.PrincipalId); !regexp.MustCompile(`^federated/iam/AIDA[A-Z0-9]{17}$`).MatchString(id) {
		t.Errorf("PrincipalId = %s", id)
	}

	if _, err := c.UpdateUser(ctx, &quicksight.UpdateUserInput{
		AwsAccountId: aws.String(account), Namespace: aws.String("default"), UserName: aws.String("ana"),
		Email: aws.String("new@example.org"), Role: types.UserRoleAuthorPro,
	}); err != nil {
		t.Fatal(err)
	}
	got, err := c.DescribeUser(ctx, describe("ana"))
	if err != nil {
		t.Fatal(err)
	}
	if aws.ToString(got.User.Email) != "new@example.org" || got.User.Role != types.UserRoleAuthorPro || *got.User.PrincipalId != *ana.User.PrincipalId {
		t.Errorf("after the update: %+v", got.User)
	}
	if _, err := c.DeleteUserByPrincipalId(ctx, &quicksight.DeleteUserByPrincipalIdInput{
		AwsAccountId: aws.String(account), Namespace: aws.String("default"), PrincipalId: role.User.PrincipalId,
	}); err != nil {
		t.Fatal(err)
	}
	out, err := c.ListUsers(ctx, list())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, u := range out.UserList {
		names = append(names, *u.UserName)
	}
	if want := []string{account, "ana", "ivan"}; !slices.Equal(names, want) || out.NextToken != nil {
		t.Errorf("users = %v, want %v; NextToken = %v", names, want, out.NextToken)
	}
}

func TestNames(t *testing.T) {
	_, c := house(t)
	for _, name := range []string{
		"ana@example.org", "a+b", "a b", "José Ñandú", "..", ".", "a/b", "/", "a//b", "../..", "%2F", "100% sure", "a?b=c&d#e", "~!*'()-_.", "a:b;c,d", "<b>",
	} {
		out, err := c.RegisterUser(t.Context(), native(name))
		if err != nil {
			t.Errorf("register %q: %v", name, err)
			continue
		}
		if got, want := *out.User.Arn, "arn:aws:quicksight:us-east-1:"+account+":user/default/"+name; got != want {
			t.Errorf("Arn = %s, want %s", got, want)
		}
		if got, err := c.DescribeUser(t.Context(), describe(name)); err != nil || *got.User.UserName != name {
			t.Errorf("describe %q: %v", name, err)
		}
		if _, err := c.DeleteUser(t.Context(), &quicksight.DeleteUserInput{
			AwsAccountId: aws.String(account), Namespace: aws.String("default"), UserName: aws.String(name),
		}); err != nil {
			t.Errorf("delete %q: %v", name, err)
		}
		_, err = c.DescribeUser(t.Context(), describe(name))
		refused(t, err, "ResourceNotFoundException", http.StatusNotFound)
	}
}

func TestPages(t *testing.T) {
	_, c := house(t)
	for i := range 15 {
		if _, err := c.RegisterUser(t.Context(), native(fmt.Sprintf("user-%02d", i))); err != nil {
			t.Fatal(err)
		}
	}
	var names []string
	pages := quicksight.NewListUsersPaginator(c, list(), func(o *quicksight.ListUsersPaginatorOptions) { o.Limit = 6 })
	for pages.HasMorePages() {
		page, err := pages.NextPage(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, u := range page.UserList {
			names = append(names, *u.UserName)
		}
	}
	if len(names) != 16 || !slices.IsSorted(names) {
		t.Errorf("users = %v", names)
	}
	in := list()
	in.NextToken = aws.String("made up")
	_, err := c.ListUsers(t.Context(), in)
	refused(t, err, "InvalidNextTokenException", http.StatusBadRequest)
	if _, ok := errors.AsType[*types.InvalidNextTokenException](err); !ok {
		t.Errorf("error = %T, want the typed one", err)
	}
}

func TestActionConnectors(t *testing.T) {
	_, c := house(t)
	ctx := t.Context()
	id, one := aws.String(account), aws.String("chat")
	auth := &types.AuthConfig{
		AuthenticationType: types.ConnectionAuthTypeOauth2ClientCredentials,
		AuthenticationMetadata: &types.AuthenticationMetadataMemberClientCredentialsGrantMetadata{Value: types.ClientCredentialsGrantMetadata{
			BaseEndpoint: aws.String("https://graph.microsoft.com"),
			ClientCredentialsDetails: &types.ClientCredentialsDetailsMemberClientCredentialsGrantDetails{Value: types.ClientCredentialsGrantDetails{
				ClientId: aws.String("client"), ClientSecret: aws.String("s3cret"), TokenEndpoint: aws.String("https://login.microsoftonline.com/token"),
			}},
		}},
	}
	created, err := c.CreateActionConnector(ctx, &quicksight.CreateActionConnectorInput{
		AwsAccountId: id, ActionConnectorId: one, Name: aws.String("Chat"), Type: types.ActionConnectorTypeMicrosoftTeams, AuthenticationConfig: auth,
	})
	if err != nil {
		t.Fatal(err)
	}
	if created.CreationStatus != types.ResourceStatusCreationInProgress {
		t.Errorf("CreationStatus = %s", created.CreationStatus)
	}
	settled := func() *types.ActionConnector {
		t.Helper()
		for range 1000 {
			out, err := c.DescribeActionConnector(ctx, &quicksight.DescribeActionConnectorInput{AwsAccountId: id, ActionConnectorId: one})
			if err != nil {
				t.Fatal(err)
			}
			if !strings.HasSuffix(string(out.ActionConnector.Status), "_IN_PROGRESS") {
				return out.ActionConnector
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatal("the work on the connector does not end")
		return nil
	}
	shown := settled()
	metadata, ok := shown.AuthenticationConfig.AuthenticationMetadata.(*types.ReadAuthenticationMetadataMemberClientCredentialsGrantMetadata)
	if !ok {
		t.Fatalf("AuthenticationMetadata = %T", shown.AuthenticationConfig.AuthenticationMetadata)
	}
	details, ok := metadata.Value.ReadClientCredentialsDetails.(*types.ReadClientCredentialsDetailsMemberReadClientCredentialsGrantDetails)
	if !ok || *details.Value.ClientId != "client" || *metadata.Value.BaseEndpoint != "https://graph.microsoft.com" {
		t.Errorf("metadata = %+v", metadata.Value)
	}
	if age := time.Since(*shown.CreatedTime); age < -time.Second || age > time.Minute {
		t.Errorf("CreatedTime = %s, %s ago", shown.CreatedTime, age)
	}

	if _, err := c.UpdateActionConnector(ctx, &quicksight.UpdateActionConnectorInput{
		AwsAccountId: id, ActionConnectorId: one, Name: aws.String("Talk"), AuthenticationConfig: auth,
	}); err != nil {
		t.Fatal(err)
	}
	if shown = settled(); shown.Status != types.ResourceStatusUpdateSuccessful || *shown.Name != "Talk" {
		t.Errorf("after the update: %s %s", shown.Status, *shown.Name)
	}
	ana, err := c.RegisterUser(ctx, native("ana"))
	if err != nil {
		t.Fatal(err)
	}
	grant := []types.ResourcePermission{{Principal: ana.User.Arn, Actions: []string{"quicksight:DescribeActionConnector"}}}
	if _, err := c.UpdateActionConnectorPermissions(ctx, &quicksight.UpdateActionConnectorPermissionsInput{
		AwsAccountId: id, ActionConnectorId: one, GrantPermissions: grant,
	}); err != nil {
		t.Fatal(err)
	}
	permissions, err := c.DescribeActionConnectorPermissions(ctx, &quicksight.DescribeActionConnectorPermissionsInput{AwsAccountId: id, ActionConnectorId: one})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(permissions.Permissions, func(p types.ResourcePermission) bool { return *p.Principal == *ana.User.Arn }) {
		t.Errorf("permissions = %+v", permissions.Permissions)
	}
	found, err := c.SearchActionConnectors(ctx, &quicksight.SearchActionConnectorsInput{AwsAccountId: id, Filters: []types.ActionConnectorSearchFilter{{
		Name: types.ActionConnectorSearchFilterNameEnumActionConnectorName, Operator: types.FilterOperatorStringLike, Value: aws.String("al"),
	}}})
	if err != nil || len(found.ActionConnectorSummaries) != 1 {
		t.Errorf("search: %+v, %v", found, err)
	}
	listed, err := c.ListActionConnectors(ctx, &quicksight.ListActionConnectorsInput{AwsAccountId: id})
	if err != nil || len(listed.ActionConnectorSummaries) != 1 {
		t.Errorf("list: %+v, %v", listed, err)
	}
	// This SDK signs the keys in an order of its own where they go beyond ASCII.
	if _, err := c.TagResource(ctx, &quicksight.TagResourceInput{ResourceArn: created.Arn, Tags: []types.Tag{
		{Key: aws.String("Ümlaut"), Value: aws.String("1")}, {Key: aws.String("abc"), Value: aws.String("2")}, {Key: aws.String("stays"), Value: aws.String("3")},
	}}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.UntagResource(ctx, &quicksight.UntagResourceInput{ResourceArn: created.Arn, TagKeys: []string{"Ümlaut", "abc"}}); err != nil {
		t.Fatal(err)
	}
	tags, err := c.ListTagsForResource(ctx, &quicksight.ListTagsForResourceInput{ResourceArn: created.Arn})
	if err != nil || len(tags.Tags) != 1 || *tags.Tags[0].Key != "stays" {
		t.Errorf("tags: %+v, %v", tags, err)
	}
	if _, err := c.DeleteActionConnector(ctx, &quicksight.DeleteActionConnectorInput{AwsAccountId: id, ActionConnectorId: one}); err != nil {
		t.Fatal(err)
	}
	_, err = c.DescribeActionConnector(ctx, &quicksight.DescribeActionConnectorInput{AwsAccountId: id, ActionConnectorId: one})
	refused(t, err, "ResourceNotFoundException", http.StatusNotFound)
}

func TestErrors(t *testing.T) {
	s, c := house(t)
	ctx := t.Context()
	if _, err := c.RegisterUser(ctx, native("ana")); err != nil {
		t.Fatal(err)
	}
	_, err := c.RegisterUser(ctx, native("ana"))
	refused(t, err, "ResourceExistsException", http.StatusConflict)
	if e, ok := errors.AsType[*types.ResourceExistsException](err); !ok || e.ResourceType != types.ExceptionResourceTypeUser {
		t.Errorf("error = %#v", err)
	}
	_, err = c.DescribeUser(ctx, describe("bob"))
	if got, want := refused(t, err, "ResourceNotFoundException", http.StatusNotFound), "AWS account id: "+account+", Namespace: default, Username: bob. "; got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
	in := list()
	in.MaxResults = aws.Int32(101)
	_, err = c.ListUsers(ctx, in)
	refused(t, err, "ValidationException", http.StatusBadRequest)
	_, err = s.client(t, config.WithRetryMaxAttempts(3)).ListDashboards(ctx, &quicksight.ListDashboardsInput{AwsAccountId: aws.String(account)})
	if m := refused(t, err, "NotImplementedException", http.StatusNotImplemented); !strings.Contains(m, "ListDashboards") {
		t.Errorf("message = %q", m)
	}
	asked := func() int { return strings.Count(s.log.String(), "ListDashboards") }
	for i := 0; i < 200 && asked() == 0; i++ { // the log may lag behind the answer
		time.Sleep(25 * time.Millisecond)
	}
	if n := asked(); n != 1 {
		t.Errorf("what is not implemented was asked for %d times, want once", n)
	}
	_, err = s.client(t, config.WithRegion("eu-west-3")).ListUsers(ctx, list())
	if got, want := refused(t, err, "AccessDeniedException", http.StatusUnauthorized),
		"Operation is being called from endpoint eu-west-3, but your identity region is us-east-1. Please use the us-east-1 endpoint."; got != want {
		t.Errorf("message = %q, want %q", got, want)
	}
	if _, ok := errors.AsType[*types.AccessDeniedException](err); !ok {
		t.Errorf("error = %T, want the typed one", err)
	}
}

func TestSignatures(t *testing.T) {
	s, _ := house(t)
	_, err := s.client(t, withSecret(keyID, "wrong")).ListUsers(t.Context(), list())
	refused(t, err, "InvalidSignatureException", http.StatusForbidden)
	_, err = s.client(t, withSecret("AKIANOBODY", secret)).ListUsers(t.Context(), list())
	refused(t, err, "UnrecognizedClientException", http.StatusForbidden)
	_, err = s.client(t, config.WithCredentialsProvider(aws.AnonymousCredentials{})).ListUsers(t.Context(), list())
	refused(t, err, "MissingAuthenticationTokenException", http.StatusForbidden)
}

// Under load, no answer is torn: each is written in one go.
func TestManyAtOnce(t *testing.T) {
	_, c := house(t)
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			for j := range 25 {
				name := fmt.Sprintf("user-%d-%d", i, j)
				if _, err := c.RegisterUser(t.Context(), native(name)); err != nil {
					t.Error(err)
				}
				if out, err := c.DescribeUser(t.Context(), describe(name)); err != nil || *out.User.UserName != name {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}
