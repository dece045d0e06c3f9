package connector_test

import (
	"strings"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const account = testkit.Account

// authOf is a complete authentication of a type, with the secret given.
func authOf(t qs.ConnectionAuthType, secret qs.Secret) *qs.AuthConfig {
	m := &qs.AuthenticationMetadata{}
	switch t {
	case qs.ConnectionAuthTypeBasic:
		m.BasicAuthConnectionMetadata = &qs.BasicAuthConnectionMetadata{BaseEndpoint: "https://api.example.com", Username: "robot", Password: secret}
	case qs.ConnectionAuthTypeAPIKey:
		m.ApiKeyConnectionMetadata = &qs.APIKeyConnectionMetadata{
			BaseEndpoint: "https://api.example.com", ApiKey: secret, Email: new(qs.Secret("robot@example.com")),
		}
	case qs.ConnectionAuthTypeNone:
		m.NoneConnectionMetadata = &qs.NoneConnectionMetadata{BaseEndpoint: "https://api.example.com"}
	case qs.ConnectionAuthTypeIAM:
		m.IamConnectionMetadata = &qs.IAMConnectionMetadata{RoleArn: "arn:aws:iam::" + account + ":role/service-role/connector"}
	case qs.ConnectionAuthTypeOauth2ClientCredentials:
		m.ClientCredentialsGrantMetadata = &qs.ClientCredentialsGrantMetadata{
			BaseEndpoint: "https://api.example.com",
			ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
				ClientId: "client-1", ClientSecret: secret, TokenEndpoint: "https://login.example.com/token",
			}},
		}
	case qs.ConnectionAuthTypeOauth2AuthorizationCode:
		m.AuthorizationCodeGrantMetadata = &qs.AuthorizationCodeGrantMetadata{
			BaseEndpoint: "https://api.example.com", RedirectUrl: "https://192.168.1.10/sn/oauthcallback",
			AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{
				AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
					ClientId: "client-1", ClientSecret: secret,
					TokenEndpoint: "https://login.example.com/token", AuthorizationEndpoint: "https://login.example.com/authorize",
				},
			},
		}
	}
	return &qs.AuthConfig{AuthenticationType: t, AuthenticationMetadata: m}
}

// crm is a connector that any test can make.
func crm(id string) qs.CreateActionConnectorRequest {
	return qs.CreateActionConnectorRequest{
		AwsAccountId: account, ActionConnectorId: id, Name: qs.Secret("Customers " + id), Type: qs.ActionConnectorTypeGenericHTTP,
		AuthenticationConfig: authOf(qs.ConnectionAuthTypeAPIKey, "key-of-"+qs.Secret(id)),
	}
}

func create(t *testing.T, srv *testkit.Server, in qs.CreateActionConnectorRequest) *qs.CreateActionConnectorResponse {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateActionConnector, in)
	if err != nil {
		t.Fatalf("create %s: %v", in.ActionConnectorId, err)
	}
	return out
}

func describe(t *testing.T, srv *testkit.Server, id string) *qs.ActionConnector {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: srv.Account, ActionConnectorId: id})
	if err != nil {
		t.Fatalf("describe %s: %v", id, err)
	}
	return out.ActionConnector
}

// await describes a connector until it is in a status.
func await(t *testing.T, srv *testkit.Server, id string, want qs.ResourceStatus) *qs.ActionConnector {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c := describe(t, srv, id)
		if *c.Status == want {
			return c
		}
		if !strings.HasSuffix(string(*c.Status), "_IN_PROGRESS") || time.Now().After(deadline) {
			t.Fatalf("%s is %s, want %s", id, *c.Status, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// register makes a native user and gives its ARN.
func register(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	})
	if err != nil {
		t.Fatalf("register %s: %v", name, err)
	}
	return *out.User.Arn
}

// wantFault makes sure of an error's code and gives its message.
func wantFault(t *testing.T, what string, err error, code string) string {
	t.Helper()
	f := fault.Of(err)
	if f == nil {
		t.Errorf("%s: no error, want %s", what, code)
		return ""
	}
	if f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
	return f.Message
}

var (
	owner = []string{
		"quicksight:DeleteActionConnector", "quicksight:DescribeActionConnector", "quicksight:DescribeActionConnectorPermissions",
		"quicksight:ListActionConnectors", "quicksight:UpdateActionConnector", "quicksight:UpdateActionConnectorPermissions",
	}
	viewer = []string{"quicksight:DescribeActionConnector", "quicksight:ListActionConnectors"}
)
