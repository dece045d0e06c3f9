package audit_test

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"onsight/internal/app"
	"onsight/internal/audit"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
	"onsight/internal/wire"
)

const (
	home = testkit.Account
	away = "444455556666"
)

// A world is a server whose events are compared with the calls that were made.
type world struct {
	t       *testing.T
	srv     *testkit.Server
	calls   map[string]int // of operations that leave events, by name
	secrets []string       // what may be in no event
}

func each(t *testing.T, test func(w *world), options ...testkit.Option) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(&world{t: t, srv: testkit.Start(t, storetest.Config(t, dialect), options...), calls: map[string]int{}})
		})
	}
}

// do makes a call that succeeds.
func do[In, Out any](w *world, op contract.Op[In, Out], in In) *Out {
	w.t.Helper()
	return as(w, w.srv, op, in)
}

func as[In, Out any](w *world, srv *testkit.Server, op contract.Op[In, Out], in In) *Out {
	w.t.Helper()
	out, err := testkit.Call(w.t, srv, op, in)
	if err != nil {
		w.t.Fatalf("%s: %v", op.Name, err)
	}
	if o := wire.Of(op.Service).Lookup(op.Name); audit.Alters(o) || audit.Admits(o) {
		w.calls[op.Name]++
	}
	return out
}

// record is as much of a CloudTrail record as tests look at.
type record struct {
	EventVersion string `json:"eventVersion"`
	UserIdentity struct {
		Type           string `json:"type"`
		PrincipalID    string `json:"principalId"`
		ARN            string `json:"arn"`
		AccountID      string `json:"accountId"`
		AccessKeyID    string `json:"accessKeyId"`
		UserName       string `json:"userName"`
		Provider       string `json:"identityProvider"`
		InvokedBy      string `json:"invokedBy"`
		SessionContext struct {
			SessionIssuer map[string]string `json:"sessionIssuer"`
			Attributes    map[string]string `json:"attributes"`
		} `json:"sessionContext"`
	} `json:"userIdentity"`
	EventTime         time.Time        `json:"eventTime"`
	EventSource       string           `json:"eventSource"`
	EventName         string           `json:"eventName"`
	AWSRegion         string           `json:"awsRegion"`
	SourceIPAddress   string           `json:"sourceIPAddress"`
	UserAgent         string           `json:"userAgent"`
	ErrorCode         string           `json:"errorCode"`
	ErrorMessage      string           `json:"errorMessage"`
	RequestParameters map[string]any   `json:"requestParameters"`
	ResponseElements  map[string]any   `json:"responseElements"`
	ServiceEvent      map[string]any   `json:"serviceEventDetails"`
	RequestID         string           `json:"requestID"`
	EventID           string           `json:"eventID"`
	ReadOnly          *bool            `json:"readOnly"`
	Resources         []map[string]any `json:"resources"`
	EventType         string           `json:"eventType"`
	ManagementEvent   bool             `json:"managementEvent"`
	Account           string           `json:"recipientAccountId"`
	SharedEventID     string           `json:"sharedEventID"`
	EventCategory     string           `json:"eventCategory"`
	text              string
}

// records gives what the trail of an account has, the oldest first, once there
// are that many.
func (w *world) records(account string, least int) (all []record) {
	w.t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for {
		all = nil
		in := onsightapi.ListAuditRecordsRequest{AwsAccountId: account}
		for {
			out, err := testkit.Call(w.t, w.srv.As(w.t, account), onsightapi.ListAuditRecords, in)
			if err != nil {
				w.t.Fatal(err)
			}
			for _, text := range out.Records {
				var r record
				if err := json.Unmarshal(text, &r); err != nil {
					w.t.Fatalf("%s: %v", text, err)
				}
				r.text = string(text)
				all = append(all, r)
			}
			if out.NextToken == nil {
				break
			}
			in.NextToken = out.NextToken
		}
		if len(all) >= least || time.Now().After(deadline) {
			return all
		}
		time.Sleep(5 * time.Millisecond)
	}
}

func (w *world) secret(s string) string {
	w.secrets = append(w.secrets, s)
	return s
}

// signIn calls what lets administrators help people in.
func (w *world) signIn() {
	w.secret(*do(w, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: home, Namespace: "default", UserName: new("guest"), Email: "guest@example.org", IdentityType: "QUICKSIGHT", UserRole: "READER",
	}).UserInvitationUrl)
	link := do(w, onsightapi.InviteUser, onsightapi.InviteUserRequest{AwsAccountId: home, Namespace: "default", UserName: "guest"}).UserInvitationUrl.Reveal()
	w.secret(link)
	_, token, _ := strings.Cut(link, "token=")
	w.srv.Browser(w.t).Post("/inviteuser", "token", token, "new-password", w.secret("Correct7horse-staple"), "repeat-password", "Correct7horse-staple")
	w.calls["InvitationAccepted"], w.calls["ConsoleLogin"] = 1, 1
	w.secret(do(w, onsightapi.CreatePasswordLink, onsightapi.CreatePasswordLinkRequest{AwsAccountId: home, Namespace: "default", UserName: "guest"}).PasswordUrl.Reveal())
	do(w, onsightapi.UnlockSignIn, onsightapi.UnlockSignInRequest{AwsAccountId: home, UserName: new("guest")})
}

func tags(key string) []iamapi.Tag { return []iamapi.Tag{{Key: key, Value: "v"}} }

const (
	anything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	house    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{"AWS":"111122223333"}}]}`
)

// TestEveryChange makes the calls of IAM that change something, and many of the
// others: each leaves one event, and no event holds a secret. That every change
// leaves one is checked by each test with a server of its own; see testkit.
func TestEveryChange(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		w.quickSight()
		w.signIn()
		w.accountSettings()
		w.iam()
		do(w, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{})
		do(w, onsightapi.RetireSealingKeys, onsightapi.RetireSealingKeysRequest{})
		w.leave()

		got, jobs := map[string]int{}, map[string]int{}
		seen := map[string]bool{}
		total := 0
		for _, n := range w.calls {
			total += n
		}
		for _, r := range w.records(home, total) {
			if seen[r.EventID] {
				t.Errorf("two events have the id %s", r.EventID)
			}
			seen[r.EventID] = true
			w.wholesome(&r)
			if r.EventType == "AwsServiceEvent" {
				jobs[r.EventName]++
				continue
			}
			got[r.EventName]++
		}
		if !maps.Equal(got, w.calls) {
			for _, name := range slices.Sorted(maps.Keys(w.calls)) {
				if got[name] != w.calls[name] {
					t.Errorf("%s: %d events of %d calls", name, got[name], w.calls[name])
				}
			}
			for name := range got {
				if w.calls[name] == 0 {
					t.Errorf("%s: %d events, and it was not called", name, got[name])
				}
			}
		}
		for name, want := range map[string]int{"AccountSubscribe": 1, "AccountUnsubscribe": 1, "ConnectorVerify": 2} {
			if jobs[name] != want {
				t.Errorf("job %s: %d events, want %d", name, jobs[name], want)
			}
		}
		for _, name := range declared(t, func(o *wire.Operation) bool { return o.Service().Name() == wire.IAM && audit.Alters(o) }) {
			if w.calls[name] == 0 && !absent[name] {
				t.Errorf("%s is answered, and this test does not call it", name)
			}
		}
		if out := do(w, onsightapi.VerifyAuditTrail, onsightapi.VerifyAuditTrailRequest{AwsAccountId: home}); !*out.Intact || *out.Events != int64(len(seen)) {
			t.Errorf("verify: %+v", out)
		}
	})
}

// absent are operations that are answered with an error only.
var absent = map[string]bool{"DeleteLoginProfile": true, "DeleteAccountPasswordPolicy": true}

// declared lists the operations of a kind that the server answers.
func declared(t *testing.T, kind func(*wire.Operation) bool) (names []string) {
	t.Helper()
	a, err := app.Open(context.Background(), config.Config{
		Memory: true, Dev: true, Account: home, Region: "us-east-1", PublicURL: "http://localhost", InvitationLife: time.Hour, ClockWindow: time.Minute,
	}, app.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := a.Close(context.Background()); err != nil {
			t.Error(err)
		}
	}()
	for service, all := range a.Operations {
		for _, name := range all {
			if kind(wire.Of(service).Lookup(name)) {
				names = append(names, name)
			}
		}
	}
	slices.Sort(names)
	return names
}

// wholesome checks what every event has.
func (w *world) wholesome(r *record) {
	w.t.Helper()
	for _, s := range w.secrets {
		if strings.Contains(r.text, s) {
			w.t.Errorf("an event of %s holds the secret %s: %s", r.EventName, s, r.text)
		}
	}
	u := r.UserIdentity
	switch {
	case r.EventVersion != "1.11", r.EventTime.IsZero(), !strings.HasSuffix(r.EventSource, ".amazonaws.com") && r.EventSource != "onsight",
		r.AWSRegion != "us-east-1", r.EventCategory != "Management", !r.ManagementEvent, r.ReadOnly == nil,
		len(r.RequestID) != 36, len(r.EventID) != 36, r.Account != home && r.Account != away,
		u.Type == "", u.PrincipalID == "", u.ARN == "" && u.Type != "WebIdentityUser":
		w.t.Errorf("an event of %s lacks something: %s", r.EventName, r.text)
	case r.EventType == "AwsApiCall" && (r.SourceIPAddress != "127.0.0.1" || r.UserAgent != "Go-http-client/1.1" || u.InvokedBy != ""),
		r.EventType == "AwsServiceEvent" && (r.SourceIPAddress != "onsight" || u.InvokedBy != "onsight" || r.ServiceEvent["key"] == ""):
		w.t.Errorf("an event of %s comes from elsewhere: %s", r.EventName, r.text)
	}
}

// quickSight makes the calls of QuickSight that change something.
func (w *world) quickSight() {
	do(w, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: home, AccountName: "acme", NotificationEmail: "a@example.org", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	user := func(name string) string {
		out := do(w, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: home, Namespace: "default", IdentityType: qs.IdentityTypeQuicksight, Email: "u@example.org", UserRole: qs.UserRoleReader, UserName: &name,
			Tags: []qs.Tag{{Key: "k", Value: "v"}},
		})
		w.secret((*out.UserInvitationUrl)[strings.LastIndexAny(*out.UserInvitationUrl, "/=")+1:])
		return *out.User.Arn
	}
	arn := user("ana")
	user("bea")
	do(w, qs.UpdateUser, qs.UpdateUserRequest{AwsAccountId: home, Namespace: "default", UserName: "ana", Email: "n@example.org", Role: qs.UserRoleAuthor})
	do(w, qs.TagResource, qs.TagResourceRequest{ResourceArn: arn, Tags: []qs.Tag{{Key: "x", Value: "y"}}})
	do(w, qs.UntagResource, qs.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{"x"}})
	do(w, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{AwsAccountId: home, CustomPermissionsName: "p"})
	do(w, qs.UpdateCustomPermissions, qs.UpdateCustomPermissionsRequest{AwsAccountId: home, CustomPermissionsName: "p"})
	do(w, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{AwsAccountId: home, Namespace: "default", UserName: "ana", CustomPermissionsName: "p"})
	do(w, qs.DeleteUserCustomPermission, qs.DeleteUserCustomPermissionRequest{AwsAccountId: home, Namespace: "default", UserName: "ana"})
	do(w, qs.DeleteCustomPermissions, qs.DeleteCustomPermissionsRequest{AwsAccountId: home, CustomPermissionsName: "p"})
	bea := do(w, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: home, Namespace: "default", UserName: "bea"})
	do(w, qs.DeleteUserByPrincipalId, qs.DeleteUserByPrincipalIdRequest{AwsAccountId: home, Namespace: "default", PrincipalId: *bea.User.PrincipalId})

	auth := func(key string) *qs.AuthConfig {
		return &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeAPIKey, AuthenticationMetadata: &qs.AuthenticationMetadata{
			ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: "https://example.zendesk.com", ApiKey: contract.Secret(w.secret(key)), Email: new(contract.Secret("z@example.org"))},
		}}
	}
	do(w, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: home, ActionConnectorId: "c", Name: "Tickets", Type: qs.ActionConnectorTypeZendeskSuite, AuthenticationConfig: auth("battery-staple"),
	})
	do(w, qs.UpdateActionConnector, qs.UpdateActionConnectorRequest{AwsAccountId: home, ActionConnectorId: "c", Name: "Other", AuthenticationConfig: auth("correct-horse")})
	do(w, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{AwsAccountId: home, ActionConnectorId: "c", GrantPermissions: []qs.ResourcePermission{
		{Principal: arn, Actions: []string{"quicksight:DescribeActionConnector"}},
	}})
	do(w, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: home, ActionConnectorId: "c"})
	do(w, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: home, Namespace: "default", UserName: "ana"})
}

// leave ends the subscription.
func (w *world) leave() {
	do(w, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: home, DefaultNamespace: "default", TerminationProtectionEnabled: new(false)})
	do(w, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: home})
}

// iam makes the calls of IAM that change something.
func (w *world) iam() {
	do(w, iamapi.CreateAccountAlias, iamapi.CreateAccountAliasRequest{AccountAlias: "acme"})
	do(w, iamapi.DeleteAccountAlias, iamapi.DeleteAccountAliasRequest{AccountAlias: "acme"})

	do(w, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"})
	do(w, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewUserName: new("eve")})
	do(w, iamapi.TagUser, iamapi.TagUserRequest{UserName: "eve", Tags: tags("a")})
	do(w, iamapi.UntagUser, iamapi.UntagUserRequest{UserName: "eve", TagKeys: []string{"a"}})
	key := do(w, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("eve")}).AccessKey
	w.secret(key.SecretAccessKey.Reveal())
	do(w, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: new("eve"), AccessKeyId: key.AccessKeyId, Status: iamapi.StatusTypeInactive})
	do(w, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{UserName: new("eve"), AccessKeyId: key.AccessKeyId})

	do(w, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "g"})
	do(w, iamapi.UpdateGroup, iamapi.UpdateGroupRequest{GroupName: "g", NewPath: new("/p/")})
	do(w, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "eve"})
	do(w, iamapi.RemoveUserFromGroup, iamapi.RemoveUserFromGroupRequest{GroupName: "g", UserName: "eve"})

	do(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: house})
	do(w, iamapi.UpdateRole, iamapi.UpdateRoleRequest{RoleName: "r", MaxSessionDuration: new(int32(7200))})
	do(w, iamapi.UpdateRoleDescription, iamapi.UpdateRoleDescriptionRequest{RoleName: "r", Description: "d"})
	do(w, iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "r", PolicyDocument: house})
	do(w, iamapi.TagRole, iamapi.TagRoleRequest{RoleName: "r", Tags: tags("a")})
	do(w, iamapi.UntagRole, iamapi.UntagRoleRequest{RoleName: "r", TagKeys: []string{"a"}})

	policy := *do(w, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "p", PolicyDocument: anything}).Policy.Arn
	do(w, iamapi.TagPolicy, iamapi.TagPolicyRequest{PolicyArn: policy, Tags: tags("a")})
	do(w, iamapi.UntagPolicy, iamapi.UntagPolicyRequest{PolicyArn: policy, TagKeys: []string{"a"}})
	do(w, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: policy, PolicyDocument: anything})
	do(w, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: policy, VersionId: "v2"})
	do(w, iamapi.DeletePolicyVersion, iamapi.DeletePolicyVersionRequest{PolicyArn: policy, VersionId: "v1"})
	do(w, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "eve", PermissionsBoundary: policy})
	do(w, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "eve"})
	do(w, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "r", PermissionsBoundary: policy})
	do(w, iamapi.DeleteRolePermissionsBoundary, iamapi.DeleteRolePermissionsBoundaryRequest{RoleName: "r"})
	do(w, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "eve", PolicyArn: policy})
	do(w, iamapi.AttachGroupPolicy, iamapi.AttachGroupPolicyRequest{GroupName: "g", PolicyArn: policy})
	do(w, iamapi.AttachRolePolicy, iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: policy})
	do(w, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: "eve", PolicyArn: policy})
	do(w, iamapi.DetachGroupPolicy, iamapi.DetachGroupPolicyRequest{GroupName: "g", PolicyArn: policy})
	do(w, iamapi.DetachRolePolicy, iamapi.DetachRolePolicyRequest{RoleName: "r", PolicyArn: policy})
	do(w, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "eve", PolicyName: "i", PolicyDocument: anything})
	do(w, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: "g", PolicyName: "i", PolicyDocument: anything})
	do(w, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "i", PolicyDocument: anything})
	do(w, iamapi.DeleteUserPolicy, iamapi.DeleteUserPolicyRequest{UserName: "eve", PolicyName: "i"})
	do(w, iamapi.DeleteGroupPolicy, iamapi.DeleteGroupPolicyRequest{GroupName: "g", PolicyName: "i"})
	do(w, iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: "r", PolicyName: "i"})
	do(w, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: policy})
	do(w, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "r"})
	do(w, iamapi.DeleteGroup, iamapi.DeleteGroupRequest{GroupName: "g"})
	do(w, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "eve"})

	oidc := *do(w, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://idp.example.org"}).OpenIDConnectProviderArn
	do(w, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: oidc, ClientID: "client"})
	do(w, iamapi.RemoveClientIDFromOpenIDConnectProvider, iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: oidc, ClientID: "client"})
	do(w, iamapi.UpdateOpenIDConnectProviderThumbprint, iamapi.UpdateOpenIDConnectProviderThumbprintRequest{OpenIDConnectProviderArn: oidc, ThumbprintList: []string{strings.Repeat("a", 40)}})
	do(w, iamapi.TagOpenIDConnectProvider, iamapi.TagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: oidc, Tags: tags("a")})
	do(w, iamapi.UntagOpenIDConnectProvider, iamapi.UntagOpenIDConnectProviderRequest{OpenIDConnectProviderArn: oidc, TagKeys: []string{"a"}})
	do(w, iamapi.DeleteOpenIDConnectProvider, iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: oidc})

	metadata := `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="e"><IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"><!--` +
		strings.Repeat("x", 1000) + `--><SingleSignOnService Binding="b" Location="https://idp.example.org/sso"/></IDPSSODescriptor></EntityDescriptor>`
	saml := *do(w, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "s", SAMLMetadataDocument: metadata}).SAMLProviderArn
	do(w, iamapi.UpdateSAMLProvider, iamapi.UpdateSAMLProviderRequest{SAMLProviderArn: saml, SAMLMetadataDocument: &metadata})
	do(w, iamapi.TagSAMLProvider, iamapi.TagSAMLProviderRequest{SAMLProviderArn: saml, Tags: tags("a")})
	do(w, iamapi.UntagSAMLProvider, iamapi.UntagSAMLProviderRequest{SAMLProviderArn: saml, TagKeys: []string{"a"}})
	do(w, iamapi.DeleteSAMLProvider, iamapi.DeleteSAMLProviderRequest{SAMLProviderArn: saml})
}

// find gives the only record of an event's name; index counts from the end where there are several.
func find(t *testing.T, all []record, name string) record {
	t.Helper()
	var found []record
	for _, r := range all {
		if r.EventName == name {
			found = append(found, r)
		}
	}
	if len(found) != 1 {
		t.Fatalf("%d events of %s, want one", len(found), name)
	}
	return found[0]
}

// TestRecord looks closely at the record of some changes.
func TestRecord(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		w.srv.Subscribe(t)
		out := do(w, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: home, Namespace: "default", IdentityType: qs.IdentityTypeQuicksight, Email: "u@example.org", UserRole: qs.UserRoleReader, UserName: new("ana"),
		})
		do(w, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "adm", Path: new("/ops/")})
		do(w, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "adm", PolicyName: "all", PolicyDocument: anything})
		key := do(w, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("adm")}).AccessKey
		adm := w.srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		as(w, adm, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: home, Namespace: "default", UserName: "ana"})
		all := w.records(home, 7)

		r := find(t, all, "RegisterUser")
		if u := r.UserIdentity; u.Type != "Root" || u.ARN != "arn:aws:iam::"+home+":root" || u.AccountID != home || u.PrincipalID != home || !strings.HasPrefix(u.AccessKeyID, "AKIA") || u.UserName != "" {
			t.Errorf("root is %+v", u)
		}
		if got := fmt.Sprint(r.RequestParameters); got != "map[awsAccountId:111122223333 email:u@example.org identityType:QUICKSIGHT namespace:default userName:ana userRole:READER]" {
			t.Errorf("requestParameters %s", got)
		}
		user, _ := r.ResponseElements["user"].(map[string]any)
		if user["arn"] != *out.User.Arn || user["principalId"] != *out.User.PrincipalId {
			t.Errorf("responseElements %v", r.ResponseElements)
		}
		if len(r.Resources) != 1 || r.Resources[0]["ARN"] != *out.User.Arn || r.Resources[0]["type"] != "AWS::QuickSight::User" || r.Resources[0]["accountId"] != home {
			t.Errorf("resources %v", r.Resources)
		}
		if r.EventSource != "quicksight.amazonaws.com" || r.EventType != "AwsApiCall" || *r.ReadOnly || r.ErrorCode != "" {
			t.Errorf("%s", r.text)
		}
		if !strings.Contains(w.srv.Log.String(), "request="+r.RequestID+" ") {
			t.Errorf("the log has no call %s", r.RequestID)
		}

		r = find(t, all, "CreateAccessKey")
		made, _ := r.ResponseElements["accessKey"].(map[string]any)
		if r.EventSource != "iam.amazonaws.com" || made["accessKeyId"] != key.AccessKeyId || made["secretAccessKey"] != "HIDDEN_DUE_TO_SECURITY_REASONS" {
			t.Errorf("%s", r.text)
		}

		r = find(t, all, "DeleteUser")
		if u := r.UserIdentity; u.Type != "IAMUser" || u.UserName != "adm" || u.ARN != "arn:aws:iam::"+home+":user/ops/adm" || u.AccessKeyID != key.AccessKeyId || !strings.HasPrefix(u.PrincipalID, "AIDA") {
			t.Errorf("the user is %+v", u)
		}
		if r.ResponseElements != nil {
			t.Errorf("responseElements %v, want none", r.ResponseElements)
		}

		r = find(t, all, "AccountSubscribe")
		if call := find(t, all, "CreateAccountSubscription"); r.RequestID != call.RequestID || r.UserIdentity.ARN != call.UserIdentity.ARN ||
			r.ServiceEvent["operation"] != "CreateAccountSubscription" || r.ServiceEvent["key"] != home {
			t.Errorf("the job of %s: %s", call.RequestID, r.text)
		}
		// And as existing programs look for it.
		found := do(w, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{LookupAttributes: []cloudtrailapi.LookupAttribute{
			{AttributeKey: cloudtrailapi.LookupAttributeKeyUsername, AttributeValue: "adm"},
		}})
		if len(found.Events) != 1 || *found.Events[0].EventName != "DeleteUser" || *found.Events[0].AccessKeyId != key.AccessKeyId || *found.Events[0].ReadOnly != "false" {
			t.Errorf("what adm did: %+v", found.Events)
		}
	})
}

// TestRefusals: who was refused, what failed, and what leaves nothing.
func TestRefusals(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		w.srv.Subscribe(t)
		key := do(w, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &do(w, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "eve"}).User.UserName}).AccessKey
		eve := w.srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		before := len(w.records(home, 4))
		ana := qs.DescribeUserRequest{AwsAccountId: home, Namespace: "default", UserName: "ana"}
		refused := func(err error, code string) {
			t.Helper()
			if err == nil || !strings.HasPrefix(err.Error(), code) {
				t.Errorf("%v, want %s", err, code)
			}
		}
		call := func(srv *testkit.Server, in qs.RegisterUserRequest) error {
			_, err := testkit.Call(t, srv, qs.RegisterUser, in)
			return err
		}
		register := qs.RegisterUserRequest{AwsAccountId: home, Namespace: "default", IdentityType: qs.IdentityTypeQuicksight, Email: "e", UserRole: qs.UserRoleReader, UserName: new("x")}

		// Refused by policies: reads too, and with input that is not valid.
		_, err := testkit.Call(t, eve, qs.DescribeUser, ana)
		refused(err, "AccessDeniedException")
		refused(call(eve, register), "AccessDeniedException")
		invalid := register
		invalid.UserName, invalid.Email = nil, ""
		refused(call(eve, invalid), "AccessDeniedException")
		huge := register
		huge.UserName = new(strings.Repeat("x", 1<<20))
		refused(call(eve, huge), "AccessDeniedException")
		_, err = testkit.Call(t, eve, iamapi.ListUsers, iamapi.ListUsersRequest{})
		refused(err, "AccessDenied")
		_, err = testkit.Call(t, w.srv.As(t, away), qs.DescribeUser, ana) // another account's own trail has it
		refused(err, "AccessDeniedException")
		// Failed after policies let it through.
		refused(call(w.srv, invalid), "InvalidParameterValueException")
		bad := register
		bad.UserRole = "KING"
		refused(call(w.srv, bad), "ValidationException")
		none := register
		none.Namespace = "none"
		refused(call(w.srv, none), "ResourceNotFoundException")
		_, err = testkit.Call(t, w.srv, qs.CreateDashboard, qs.CreateDashboardRequest{AwsAccountId: home, DashboardId: "d", Name: "d", Definition: json.RawMessage(`{"DataSetIdentifierDeclarations":[{"Identifier":"hush-hush","DataSetArn":"arn:aws:quicksight:us-east-1:111122223333:dataset/x"}]}`)})
		refused(err, "NotImplementedException")
		// No events: reads that fail, what is not signed, and what cannot be read.
		_, err = testkit.Call(t, w.srv, qs.DescribeUser, ana)
		refused(err, "ResourceNotFoundException")
		_, err = testkit.Call(t, w.srv.With(key.AccessKeyId, "another/secret", ""), qs.DescribeUser, ana)
		refused(err, "InvalidSignatureException")
		_, err = testkit.Call(t, w.srv.With("AKIAABSENTABSENTABSE", "another/secret", ""), qs.DescribeUser, ana)
		refused(err, "UnrecognizedClientException")
		if res, _ := w.srv.Send(t, w.srv.Request(t, "POST", "/accounts/"+home+"/namespaces/default/users", []byte(`{`))); res.StatusCode != 400 {
			t.Errorf("a body that is cut: %d", res.StatusCode)
		}
		do(w, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: home, Namespace: "default"})

		want := []string{
			"DescribeUser AccessDeniedException true", "RegisterUser AccessDeniedException false", "RegisterUser AccessDeniedException false",
			"RegisterUser AccessDeniedException false", "ListUsers AccessDenied true", "RegisterUser InvalidParameterValueException false", "RegisterUser ValidationException false",
			"RegisterUser ResourceNotFoundException false", "CreateDashboard NotImplementedException false",
		}
		all := w.records(home, before+len(want))[before:]
		var got []string
		for _, r := range all {
			w.wholesome(&r)
			if len(r.text) > 8<<10 {
				t.Errorf("an event of %s has %d bytes", r.EventName, len(r.text))
			}
			got = append(got, fmt.Sprint(r.EventName, " ", r.ErrorCode, " ", *r.ReadOnly))
			if strings.HasPrefix(r.ErrorCode, "AccessDenied") && (r.UserIdentity.UserName != "eve" || !strings.HasPrefix(r.ErrorMessage, "User: arn:aws:iam::"+home+":user/eve is not authorized to perform: ")) {
				t.Errorf("%s", r.text)
			}
			if r.ResponseElements != nil {
				t.Errorf("%s failed with responseElements: %s", r.EventName, r.text)
			}
			if strings.Contains(r.text, "hush-hush") {
				t.Errorf("a definition is in its event: %s", r.text)
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
		if others := w.records(away, 1); len(others) != 1 || others[0].ErrorCode != "AccessDeniedException" || others[0].UserIdentity.AccountID != away {
			t.Errorf("the other account's trail: %+v", others)
		}
	})
}

// TestReads: a setting has reads recorded.
func TestReads(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		w.srv.Subscribe(t)
		do(w, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: home, Namespace: "default"})
		do(w, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		all := w.records(home, 4)
		r := find(t, all, "ListUsers")
		if !*r.ReadOnly || r.RequestParameters["namespace"] != "default" || r.ResponseElements != nil {
			t.Errorf("%s", r.text)
		}
		if r := find(t, all, "GetCallerIdentity"); !*r.ReadOnly || r.EventSource != "sts.amazonaws.com" {
			t.Errorf("%s", r.text)
		}
	}, func(c *config.Config) { c.AuditReads = true })
}

// TestSignIns: every session that is given out is in the trail before it can be used.
func TestSignIns(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			idp := idptest.Start(t, idptest.Public(idptest.RSA().Public(), "k1"))
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: idp.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			w := &world{t: t, calls: map[string]int{}, srv: testkit.Start(t, storetest.Config(t, dialect), func(c *config.Config) {
				c.IdentityProviderCA, c.IdentityProviderLoopback = ca, true
			})}
			w.signIns(idp)
		})
	}
}

func (w *world) signIns(idp *idptest.Provider) {
	t := w.t
	issuer := strings.TrimPrefix(idp.URL, "https://")
	provider := *do(w, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: idp.URL, ClientIDList: []string{"client-1"}}).OpenIDConnectProviderArn
	do(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "web", AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRoleWithWebIdentity",` +
		`"Principal":{"Federated":"` + provider + `"},"Condition":{"StringEquals":{"` + issuer + `:aud":"client-1"}}}]}`})
	do(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "near", AssumeRolePolicyDocument: house})
	far := w.srv.As(t, away)
	as(w, far, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "far", AssumeRolePolicyDocument: house})
	do(w, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"})
	do(w, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "ana", PolicyName: "all", PolicyDocument: anything})
	key := do(w, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
	ana := w.srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
	before := len(w.records(home, 6))

	keep := func(c *stsapi.Credentials) *stsapi.Credentials {
		w.secret(c.SecretAccessKey.Reveal())
		w.secret(c.SessionToken)
		return c
	}
	token := w.secret(idptest.Sign(t, jose.RS256, idptest.RSA(), "k1", idp.Claims(w.srv.Now(), nil)))
	role := func(account, name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	near := keep(as(w, ana, stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: role(home, "near"), RoleSessionName: "s1"}).Credentials)
	keep(as(w, ana, stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: role(away, "far"), RoleSessionName: "s2"}).Credentials)
	keep(do(w, stsapi.AssumeRoleWithWebIdentity, stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: role(home, "web"), RoleSessionName: "s3", WebIdentityToken: contract.Secret(token)}).Credentials)
	keep(as(w, ana, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{}).Credentials)
	keep(as(w, ana, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "fed"}).Credentials)
	session := w.srv.With(near.AccessKeyId, near.SecretAccessKey.Reveal(), near.SessionToken)
	_, err := testkit.Call(t, session, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "x"}) // the role may nothing
	if err == nil {
		t.Error("a role without policies may create users")
	}
	if _, err := testkit.Call(t, ana, stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: role(home, "web"), RoleSessionName: "s4"}); err == nil {
		t.Error("a role that trusts another has let someone in")
	}
	stranger := stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: role(home, "web"), RoleSessionName: "s4", WebIdentityToken: contract.Secret("a." + token)}
	if _, err := testkit.Call(t, w.srv, stsapi.AssumeRoleWithWebIdentity, stranger); err == nil {
		t.Error("a token that is none has let someone in")
	}

	all := w.records(home, before+7)[before:]
	var got []string
	for _, r := range all {
		w.wholesome(&r)
		got = append(got, strings.TrimSpace(fmt.Sprint(r.EventName, " ", r.UserIdentity.Type, " ", r.ErrorCode)))
	}
	want := []string{
		"AssumeRole IAMUser", "AssumeRole IAMUser", "AssumeRoleWithWebIdentity WebIdentityUser", "GetSessionToken IAMUser", "GetFederationToken IAMUser",
		"CreateUser AssumedRole AccessDenied", "AssumeRole IAMUser AccessDenied",
	}
	if !slices.Equal(got, want) {
		t.Fatalf("events\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	r := all[0]
	credentials, _ := r.ResponseElements["credentials"].(map[string]any)
	if !*r.ReadOnly || credentials["accessKeyId"] != near.AccessKeyId || credentials["sessionToken"] != "HIDDEN_DUE_TO_SECURITY_REASONS" || r.SharedEventID != "" ||
		len(r.Resources) != 1 || r.Resources[0]["ARN"] != role(home, "near") || r.RequestParameters["roleSessionName"] != "s1" {
		t.Errorf("%s", r.text)
	}
	if config := w.srv.Store(); config.URL != "" { // which can be looked into meanwhile
		err := storetest.Reopen(t, config).Read(t.Context(), func(tx *store.Tx) error {
			n, err := store.One[int](tx, `SELECT count(*) FROM audit_events WHERE account = ''`)
			if n != 0 {
				t.Errorf("strangers have left %d events", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	}
	others := w.records(away, 2)
	if r := find(t, others, "AssumeRole"); r.SharedEventID == "" || r.SharedEventID != all[1].SharedEventID || r.UserIdentity.UserName != "ana" || r.UserIdentity.AccountID != home || r.EventID == all[1].EventID {
		t.Errorf("what the other account has: %s\nand its own: %s", r.text, all[1].text)
	}
	if u := all[2].UserIdentity; u.UserName != "user-1" || u.Provider != provider || u.PrincipalID != provider+":client-1:user-1" {
		t.Errorf("who came with a token: %s", all[2].text)
	}
	u := all[5].UserIdentity
	if issuer := u.SessionContext.SessionIssuer; u.ARN != "arn:aws:sts::"+home+":assumed-role/near/s1" || issuer["type"] != "Role" || issuer["arn"] != role(home, "near") || issuer["userName"] != "near" ||
		u.SessionContext.Attributes["creationDate"] == "" || u.AccessKeyID != near.AccessKeyId {
		t.Errorf("a session: %s", all[5].text)
	}
}
