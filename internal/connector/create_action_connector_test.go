package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// Every type with every way to authenticate: what the matrix takes is made and
// read back without its secret, the rest is refused.
func TestCreateEveryType(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		connector.EachCell(func(typ qs.ActionConnectorType, a qs.ConnectionAuthType, cell string) {
			id := strings.ToLower(fmt.Sprintf("%s-%s", typ, a))
			in := qs.CreateActionConnectorRequest{
				AwsAccountId: account, ActionConnectorId: id, Name: "Any name", Type: typ, AuthenticationConfig: authOf(a, "s3cret"),
			}
			if cell == "E" {
				in.AuthenticationConfig.AuthenticationMetadata.ApiKeyConnectionMetadata.Email = nil
				_, err := testkit.Call(t, srv, qs.CreateActionConnector, in)
				if message := wantFault(t, id+" without e-mail", err, "InvalidParameterValueException"); !strings.Contains(message, "Email") {
					t.Errorf("%s without e-mail: %s does not say what is missing", id, message)
				}
				in.AuthenticationConfig = authOf(a, "s3cret")
			}
			out, err := testkit.Call(t, srv, qs.CreateActionConnector, in)
			if cell == "-" {
				if message := wantFault(t, id, err, "InvalidParameterValueException"); !strings.Contains(message, string(a)) {
					t.Errorf("%s: %s does not name the authentication", id, message)
				}
				return
			}
			if err != nil {
				t.Errorf("%s: %v", id, err)
				return
			}
			if got, want := *out.Arn, "arn:aws:quicksight:us-east-1:"+account+":action-connector/"+id; got != want {
				t.Errorf("Arn = %s, want %s", got, want)
			}
			if *out.CreationStatus != qs.ResourceStatusCreationInProgress || *out.ActionConnectorId != id {
				t.Errorf("%s: status %s and id %s", id, *out.CreationStatus, *out.ActionConnectorId)
			}
			c := await(t, srv, id, qs.ResourceStatusCreationSuccessful)
			if diff := cmp.Diff(readShape(a, *out.Arn), c.AuthenticationConfig); diff != "" {
				t.Errorf("%s, -want +got:\n%s", id, diff)
			}
			if len(c.EnabledActions) == 0 || !slices.IsSorted(c.EnabledActions) {
				t.Errorf("%s: EnabledActions = %v, want some, sorted", id, c.EnabledActions)
			}
		})
	})
}

// readShape is what authOf looks like when it is read back.
func readShape(a qs.ConnectionAuthType, arn string) *qs.ReadAuthConfig {
	m := &qs.ReadAuthenticationMetadata{}
	switch a {
	case qs.ConnectionAuthTypeBasic:
		m.BasicAuthConnectionMetadata = &qs.ReadBasicAuthConnectionMetadata{BaseEndpoint: "https://api.example.com", Username: "robot"}
	case qs.ConnectionAuthTypeAPIKey:
		m.ApiKeyConnectionMetadata = &qs.ReadAPIKeyConnectionMetadata{BaseEndpoint: "https://api.example.com", Email: new(qs.Secret("robot@example.com"))}
	case qs.ConnectionAuthTypeNone:
		m.NoneConnectionMetadata = &qs.ReadNoneConnectionMetadata{BaseEndpoint: "https://api.example.com"}
	case qs.ConnectionAuthTypeIAM:
		m.IamConnectionMetadata = &qs.ReadIamConnectionMetadata{RoleArn: "arn:aws:iam::" + account + ":role/service-role/connector", SourceArn: arn}
	case qs.ConnectionAuthTypeOauth2ClientCredentials:
		m.ClientCredentialsGrantMetadata = &qs.ReadClientCredentialsGrantMetadata{
			BaseEndpoint: "https://api.example.com", ClientCredentialsSource: new(qs.ClientCredentialsSourcePlainCredentials),
			ReadClientCredentialsDetails: &qs.ReadClientCredentialsDetails{ReadClientCredentialsGrantDetails: &qs.ReadClientCredentialsGrantDetails{
				ClientId: "client-1", TokenEndpoint: "https://login.example.com/token",
			}},
		}
	case qs.ConnectionAuthTypeOauth2AuthorizationCode:
		m.AuthorizationCodeGrantMetadata = &qs.ReadAuthorizationCodeGrantMetadata{
			BaseEndpoint: "https://api.example.com", RedirectUrl: "https://192.168.1.10/sn/oauthcallback",
			AuthorizationCodeGrantCredentialsSource: new(qs.AuthorizationCodeGrantCredentialsSourcePlainCredentials),
			ReadAuthorizationCodeGrantCredentialsDetails: &qs.ReadAuthorizationCodeGrantCredentialsDetails{
				ReadAuthorizationCodeGrantDetails: &qs.ReadAuthorizationCodeGrantDetails{
					ClientId: "client-1", TokenEndpoint: "https://login.example.com/token", AuthorizationEndpoint: "https://login.example.com/authorize",
				},
			},
		}
	}
	return &qs.ReadAuthConfig{AuthenticationType: a, AuthenticationMetadata: m}
}

func TestCreateActionConnector(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		in := crm("all")
		in.Description = new(qs.Secret("Everything that a connector can have"))
		in.Permissions = []qs.ResourcePermission{{Principal: ana, Actions: owner}}
		in.Tags = []qs.Tag{{Key: "team", Value: "sales"}, {Key: "Team", Value: "other"}}
		out := create(t, srv, in)
		c := await(t, srv, "all", qs.ResourceStatusCreationSuccessful)
		if c.Name != in.Name || *c.Description != *in.Description || c.Type != in.Type || c.Arn != *out.Arn || c.Error != nil || c.VpcConnectionArn != nil {
			t.Errorf("describe gives name %q, description %q, type %s, ARN %s, error %v", c.Name.Reveal(), c.Description.Reveal(), c.Type, c.Arn, c.Error)
		}
		if c.CreatedTime == nil || c.LastUpdatedTime.Before(*c.CreatedTime) {
			t.Errorf("created %v, updated %v", c.CreatedTime, c.LastUpdatedTime)
		}
		p, err := testkit.Call(t, srv, qs.DescribeActionConnectorPermissions,
			qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: account, ActionConnectorId: "all"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(in.Permissions, p.Permissions); diff != "" {
			t.Errorf("permissions, -want +got:\n%s", diff)
		}
		tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *out.Arn})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]qs.Tag{{Key: "Team", Value: "other"}, {Key: "team", Value: "sales"}}, tags.Tags); diff != "" {
			t.Errorf("tags, -want +got:\n%s", diff)
		}

		_, err = testkit.Call(t, srv, qs.CreateActionConnector, in)
		wantFault(t, "the same id again", err, "ResourceExistsException")
		// The same id in another region is another connector.
		create(t, srv.In("eu-west-1"), in)
		other := describe(t, srv.In("eu-west-1"), "all")
		if want := "arn:aws:quicksight:eu-west-1:" + account + ":action-connector/all"; other.Arn != want {
			t.Errorf("Arn = %s, want %s", other.Arn, want)
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		generic := func(a *qs.AuthConfig) qs.CreateActionConnectorRequest {
			in := crm("refused")
			in.AuthenticationConfig = a
			return in
		}
		client := func(change func(*qs.ClientCredentialsGrantMetadata)) qs.CreateActionConnectorRequest {
			a := authOf(qs.ConnectionAuthTypeOauth2ClientCredentials, "s")
			change(a.AuthenticationMetadata.ClientCredentialsGrantMetadata)
			return generic(a)
		}
		code := func(change func(*qs.AuthorizationCodeGrantMetadata)) qs.CreateActionConnectorRequest {
			a := authOf(qs.ConnectionAuthTypeOauth2AuthorizationCode, "s")
			change(a.AuthenticationMetadata.AuthorizationCodeGrantMetadata)
			return generic(a)
		}
		role := func(arn string) qs.CreateActionConnectorRequest {
			in := crm("refused")
			in.Type, in.AuthenticationConfig = qs.ActionConnectorTypeAmazonS3, authOf(qs.ConnectionAuthTypeIAM, "")
			in.AuthenticationConfig.AuthenticationMetadata.IamConnectionMetadata.RoleArn = arn
			return in
		}
		with := func(change func(*qs.CreateActionConnectorRequest)) qs.CreateActionConnectorRequest {
			in := crm("refused")
			change(&in)
			return in
		}
		shared := func(principal string, actions ...string) qs.CreateActionConnectorRequest {
			return with(func(in *qs.CreateActionConnectorRequest) {
				in.Permissions = []qs.ResourcePermission{{Principal: principal, Actions: actions}}
			})
		}
		vpc := func(arn string) qs.CreateActionConnectorRequest {
			return with(func(in *qs.CreateActionConnectorRequest) { in.VpcConnectionArn = &arn })
		}
		mismatched := authOf(qs.ConnectionAuthTypeBasic, "s")
		mismatched.AuthenticationType = qs.ConnectionAuthTypeNone
		for name, tt := range map[string]struct {
			in   qs.CreateActionConnectorRequest
			want string // part of the message
		}{
			"reserved id":         {crm("quicksuite-mail"), "quicksuite-"},
			"metadata mismatched": {generic(mismatched), "NoneConnectionMetadata"},
			"no details": {client(func(m *qs.ClientCredentialsGrantMetadata) {
				m.ClientCredentialsDetails = nil
			}), "no OAuth application of its own"},
			"no details of a code grant": {code(func(m *qs.AuthorizationCodeGrantMetadata) {
				m.AuthorizationCodeGrantCredentialsDetails = nil
			}), "no OAuth application of its own"},
			"private token endpoint": {client(func(m *qs.ClientCredentialsGrantMetadata) {
				m.ClientCredentialsDetails.ClientCredentialsGrantDetails.TokenEndpoint = "https://10.0.0.1/token"
			}), "TokenEndpoint"},
			"private authorization endpoint": {code(func(m *qs.AuthorizationCodeGrantMetadata) {
				m.AuthorizationCodeGrantCredentialsDetails.AuthorizationCodeGrantDetails.AuthorizationEndpoint = "https://[::1]/authorize"
			}), "AuthorizationEndpoint"},
			"redirect URL with a user": {code(func(m *qs.AuthorizationCodeGrantMetadata) {
				m.RedirectUrl = "https://me@example.com/"
			}), "RedirectUrl"},
			"no client id": {client(func(m *qs.ClientCredentialsGrantMetadata) {
				m.ClientCredentialsDetails.ClientCredentialsGrantDetails.ClientId = ""
			}), "ClientId must not be empty"},
			"no client secret": {client(func(m *qs.ClientCredentialsGrantMetadata) {
				m.ClientCredentialsDetails.ClientCredentialsGrantDetails.ClientSecret = ""
			}), "ClientSecret must not be empty"},
			"empty API key":          {generic(authOf(qs.ConnectionAuthTypeAPIKey, "")), "ApiKey must not be empty"},
			"API key of two lines":   {generic(authOf(qs.ConnectionAuthTypeAPIKey, "a\r\nHost: b")), "control character"},
			"enormous password":      {generic(authOf(qs.ConnectionAuthTypeBasic, qs.Secret(strings.Repeat("p", 16<<10+1)))), "Password"},
			"no role":                {role("arn:aws:iam::" + account + ":user/reader"), "IAM role"},
			"role of someone else":   {role("arn:aws:iam::444455556666:role/reader"), account},
			"no ARN for a role":      {role("service-role/reader-of-things"), "RoleArn"},
			"VPC connection missing": {vpc("arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/office"), "can't be found"},
			"VPC connection of someone else": {
				vpc("arn:aws:quicksight:us-east-1:444455556666:vpcConnection/office"), account,
			},
			"VPC connection of another kind": {vpc("arn:aws:quicksight:us-east-1:" + account + ":dataset/office"), "VPC connection"},
			"VPC connection without form":    {vpc("office"), "VpcConnectionArn"},
			"namespace as principal": {
				shared("arn:aws:quicksight:us-east-1:"+account+":namespace/default", viewer...), "namespace/default",
			},
			"account as principal":  {shared("arn:aws:iam::"+account+":root", viewer...), ":root"},
			"principal elsewhere":   {shared("arn:aws:quicksight:us-east-1:444455556666:user/default/ana", viewer...), account},
			"principal that is not": {shared("arn:aws:quicksight:us-east-1:"+account+":user/default/bo", viewer...), "can't be found"},
			"principal in another region": {
				shared("arn:aws:quicksight:eu-west-1:"+account+":user/default/ana", viewer...), "can't be found",
			},
			"unknown action": {shared(ana, "quicksight:DescribeDashboard"), "DescribeDashboard"},
			"tag reserved": {with(func(in *qs.CreateActionConnectorRequest) {
				in.Tags = []qs.Tag{{Key: "AWS:x", Value: "y"}}
			}), "aws:"},
			"tag twice": {with(func(in *qs.CreateActionConnectorRequest) {
				in.Tags = []qs.Tag{{Key: "x", Value: "y"}, {Key: "x", Value: "z"}}
			}), "more than once"},
			"51 tags": {with(func(in *qs.CreateActionConnectorRequest) {
				for i := range 51 {
					in.Tags = append(in.Tags, qs.Tag{Key: fmt.Sprint(i), Value: "v"})
				}
			}), "50"},
		} {
			_, err := testkit.Call(t, srv, qs.CreateActionConnector, tt.in)
			if message := wantFault(t, name, err, "InvalidParameterValueException"); !strings.Contains(message, tt.want) {
				t.Errorf("%s: %q does not contain %q", name, message, tt.want)
			}
		}
		for name, change := range map[string]func(*qs.CreateActionConnectorRequest){ // what the model refuses
			"id":          func(in *qs.CreateActionConnectorRequest) { in.ActionConnectorId = "a b" },
			"name":        func(in *qs.CreateActionConnectorRequest) { in.Name = "Ana's" },
			"description": func(in *qs.CreateActionConnectorRequest) { in.Description = new(qs.Secret("a/b")) },
			"type":        func(in *qs.CreateActionConnectorRequest) { in.Type = "FAX" },
			"endpoint": func(in *qs.CreateActionConnectorRequest) {
				in.AuthenticationConfig.AuthenticationMetadata.ApiKeyConnectionMetadata.BaseEndpoint = "http://api.example.com"
			},
		} {
			in := crm("refused")
			change(&in)
			_, err := testkit.Call(t, srv, qs.CreateActionConnector, in)
			wantFault(t, name, err, "ValidationException")
		}
		_, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "refused"})
		wantFault(t, "nothing was made", err, "ResourceNotFoundException")
	})
}

// Two members in the union are a request that cannot be read.
func TestCreateRefusesTwoMembers(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		body := `{"ActionConnectorId":"two","Name":"Two","Type":"GENERIC_HTTP","AuthenticationConfig":{"AuthenticationType":"NONE",
			"AuthenticationMetadata":{"NoneConnectionMetadata":{"BaseEndpoint":"https://a.example"},"BasicAuthConnectionMetadata":null,
			"IamConnectionMetadata":{"RoleArn":"arn:aws:iam::111122223333:role/reader"}}}}`
		res, answer := srv.Send(t, srv.Request(t, "POST", "/accounts/"+account+"/action-connectors", []byte(body)))
		if res.StatusCode != 400 || res.Header.Get("x-amzn-ErrorType") != "SerializationException" {
			t.Errorf("two members: %d %s %s, want a SerializationException", res.StatusCode, res.Header.Get("x-amzn-ErrorType"), answer)
		}
	})
}

func TestNotSubscribed(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		const want = "Account " + account + " is not subscribed for QuickSight"
		check := func(what string, err error) {
			t.Helper()
			if message := wantFault(t, what, err, "UnsupportedUserEditionException"); message != want {
				t.Errorf("%s: %q, want %q", what, message, want)
			}
		}
		_, err := testkit.Call(t, srv, qs.CreateActionConnector, crm("a"))
		check("create", err)
		_, err = testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "a"})
		check("describe", err)
		_, err = testkit.Call(t, srv, qs.UpdateActionConnector, qs.UpdateActionConnectorRequest{
			AwsAccountId: account, ActionConnectorId: "a", Name: "A", AuthenticationConfig: authOf(qs.ConnectionAuthTypeNone, ""),
		})
		check("update", err)
		_, err = testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "a"})
		check("delete", err)
		_, err = testkit.Call(t, srv, qs.DescribeActionConnectorPermissions,
			qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: account, ActionConnectorId: "a"})
		check("describe permissions", err)
		_, err = testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: account, ActionConnectorId: "a",
			RevokePermissions: []qs.ResourcePermission{{Principal: "arn:aws:quicksight:us-east-1:" + account + ":user/default/ana", Actions: viewer}},
		})
		check("update permissions", err)
		list, err := testkit.Call(t, srv, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: account})
		if err != nil || list.ActionConnectorSummaries == nil || len(list.ActionConnectorSummaries) != 0 {
			t.Errorf("list: %v, %v; want an empty list", list, err)
		}
		found, err := testkit.Call(t, srv, qs.SearchActionConnectors,
			qs.SearchActionConnectorsRequest{AwsAccountId: account, Filters: []qs.ActionConnectorSearchFilter{}})
		if err != nil || len(found.ActionConnectorSummaries) != 0 {
			t.Errorf("search: %v, %v; want an empty list", found, err)
		}
	})
}
