package action_test

import (
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// define gives a connector a definition.
func define(t *testing.T, srv *testkit.Server, id, document string, change ...func(*onsightapi.UpdateActionConnectorDefinitionRequest)) (*onsightapi.UpdateActionConnectorDefinitionResponse, error) {
	t.Helper()
	in := onsightapi.UpdateActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: id, Kind: "OPENAPI", Document: &document}
	for _, c := range change {
		c(&in)
	}
	return testkit.Call(t, srv, onsightapi.UpdateActionConnectorDefinition, in)
}

func actionsOf(t *testing.T, srv *testkit.Server, id string) (ids []string) {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.ListActions, onsightapi.ListActionsRequest{AwsAccountId: account, ActionConnectorId: id})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range out.Actions {
		ids = append(ids, *a.ActionId)
	}
	return ids
}

var petshopActions = []string{"addPet", "deletePet", "findPetsByStatus", "getPetById", "updatePet"}

// TestDefine gives a connector the actions of a document, and takes them away.
func TestDefine(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../definition/testdata/upload/petshop.json")
	if err != nil {
		t.Fatal(err)
	}
	petshop := string(text)
	alone(t, func(v *vendor) {
		v.on("/api/v3/pet", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("api_key") != "s3cr3t" || r.Header.Get("Authorization") != "" {
				says(401, `{"message":"who are you?"}`)(w, r)
				return
			}
			says(200, `{"id":7,"name":"Tom"}`)(w, r)
		})
		v.on("/api/v3/pet/findByStatus", says(200, `[]`))
	}, func(t *testing.T, srv *testkit.Server, v *vendor) {
		srv.Subscribe(t)
		makeConnector(t, srv, "pets", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "s3cr3t"), "CREATION_SUCCESSFUL")
		if _, err := testkit.Call(t, srv, onsightapi.DescribeActionConnectorDefinition, onsightapi.DescribeActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "pets"}); err == nil {
			t.Error("a connector without a definition has one")
		}
		enable(t, srv, "pets", "HttpGet")

		// A dry run changes nothing.
		try := func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Validate = new(true) }
		out, err := define(t, srv, "pets", petshop, try)
		if err != nil || !*out.Valid || len(out.Actions) != 5 {
			t.Fatalf("%+v, %v", out, err)
		}
		if diff := cmp.Diff([]string{"HttpDelete", "HttpGet", "HttpPatch", "HttpPost", "HttpPut"}, actionsOf(t, srv, "pets")); diff != "" {
			t.Errorf("after a dry run:\n%s", diff)
		}
		if out, err = define(t, srv, "pets", "openapi: 3.0.0\npaths: {}", try); err != nil || *out.Valid || len(out.Problems) != 2 || *out.Problems[1].Line != 2 || *out.Problems[1].Path != "/paths" {
			t.Fatalf("%+v, %v", out, err)
		}
		_, err = define(t, srv, "pets", "openapi: 3.0.0\npaths: {}")
		wantFault(t, "a document that is none", err, "InvalidParameterValueException", "Document isn't valid:\nline 1, column 1: info is missing\nline 2, column 8: /paths: the document has no operations")

		// What was enabled and is no more is not replaced by anything.
		if out, err = define(t, srv, "pets", petshop); err != nil || len(out.EnabledActions) != 0 {
			t.Fatalf("%+v, %v", out, err)
		}
		if diff := cmp.Diff(petshopActions, actionsOf(t, srv, "pets")); diff != "" {
			t.Error(diff)
		}
		_, err = invoke(t, srv, "pets", "addPet", `{"name":"Tom","photoUrls":[]}`)
		wantFault(t, "not enabled", err, "AccessDeniedException", "is not enabled")
		enable(t, srv, "pets", petshopActions...)
		_, err = testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{AwsAccountId: account, ActionConnectorId: "pets", EnabledActions: []string{"HttpGet"}})
		wantFault(t, "enable what the type had", err, "InvalidParameterValueException", "has no action HttpGet")

		v.asked()
		got, err := invoke(t, srv, "pets", "addPet", `{"name":"Tom","photoUrls":["a"],"status":"sold"}`)
		if err != nil || body(got) != `{"id":7,"name":"Tom"}` {
			t.Errorf("%s, %v", body(got), err)
		}
		if _, err = invoke(t, srv, "pets", "findPetsByStatus", `{"status":["sold","pending"]}`); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]string{
			`POST /api/v3/pet  {"name":"Tom","photoUrls":["a"],"status":"sold"}`, `GET /api/v3/pet/findByStatus?status=sold&status=pending`,
		}, v.asked()); diff != "" {
			t.Error(diff)
		}
		_, err = invoke(t, srv, "pets", "addPet", `{"name":"Tom"}`)
		wantFault(t, "wrong input", err, "InvalidParameterValueException", `lacks "photoUrls"`)
		_, err = invoke(t, srv, "pets", "HttpGet", `{}`)
		wantFault(t, "an action of the type", err, "ResourceNotFoundException", "has no action HttpGet")
		detail, err := testkit.Call(t, srv, onsightapi.DescribeAction, onsightapi.DescribeActionRequest{AwsAccountId: account, ActionConnectorId: "pets", ActionId: "getPetById"})
		if err != nil || !strings.Contains(string(detail.Action.OutputSchema), "photoUrls") || *detail.Action.Name != "Find a pet" {
			t.Errorf("%+v, %v", detail, err)
		}
		if c := await(t, srv, "pets", "CREATION_SUCCESSFUL"); !slices.Equal(c.EnabledActions, petshopActions) {
			t.Errorf("EnabledActions %v", c.EnabledActions)
		}
		tested, err := testkit.Call(t, srv, onsightapi.TestActionConnector, onsightapi.TestActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "pets"})
		if err != nil || !*tested.Passed {
			t.Errorf("%+v, %v", tested, err)
		}
		is, err := testkit.Call(t, srv, onsightapi.DescribeActionConnectorDefinition, onsightapi.DescribeActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "pets"})
		if err != nil || *is.Definition.Kind != "OPENAPI" || *is.Definition.Document != petshop {
			t.Errorf("%v", err)
		}

		// Back to what the type has; and what was enabled stays the most there is.
		if _, err = testkit.Call(t, srv, onsightapi.DeleteActionConnectorDefinition, onsightapi.DeleteActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "pets"}); err != nil {
			t.Fatal(err)
		}
		_, err = testkit.Call(t, srv, onsightapi.DeleteActionConnectorDefinition, onsightapi.DeleteActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "pets"})
		wantFault(t, "twice", err, "ResourceNotFoundException", "no definition of its own")
		_, err = invoke(t, srv, "pets", "HttpGet", `{}`)
		wantFault(t, "it was not enabled", err, "AccessDeniedException", "is not enabled")

		// It goes with the connector.
		if _, err = define(t, srv, "pets", petshop); err != nil {
			t.Fatal(err)
		}
		if _, err = testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "pets"}); err != nil {
			t.Fatal(err)
		}
		makeConnector(t, srv, "pets", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "s3cr3t"), "CREATION_SUCCESSFUL")
		if diff := cmp.Diff([]string{"HttpDelete", "HttpGet", "HttpPatch", "HttpPost", "HttpPut"}, actionsOf(t, srv, "pets")); diff != "" {
			t.Errorf("of the one before:\n%s", diff)
		}
	})
}

func enable(t *testing.T, srv *testkit.Server, id string, actions ...string) {
	t.Helper()
	if _, err := testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{AwsAccountId: account, ActionConnectorId: id, EnabledActions: actions}); err != nil {
		t.Fatal(err)
	}
}

// TestDefineRefusals: what no connector can be given, and who may not.
func TestDefineRefusals(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		const document = `{"openapi":"3.1.0","info":{"title":"t"},"paths":{"/a":{"get":{"operationId":"a","summary":"s"}}}}`
		_, err := define(t, srv, "none", document)
		wantFault(t, "no connector", err, "ResourceNotFoundException", "none")
		makeConnector(t, srv, "tasks", "ASANA", "API_KEY", withKey("https://app.asana.com/api/1.0", "k"), "CREATION_SUCCESSFUL")
		_, err = define(t, srv, "tasks", document)
		wantFault(t, "another type", err, "InvalidParameterValueException", "only connectors of type GENERIC_HTTP")
		makeConnector(t, srv, "pets", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "k"), "CREATION_SUCCESSFUL")
		_, err = define(t, srv, "pets", document, func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Document = nil })
		wantFault(t, "nothing", err, "InvalidParameterValueException", "Document is required")
		_, err = define(t, srv, "pets", " ")
		wantFault(t, "empty", err, "InvalidParameterValueException", "must not be empty")
		_, err = define(t, srv, "pets", document, func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Kind = "WSDL" })
		wantFault(t, "another kind", err, "ValidationException", "WSDL")
		_, err = define(t, srv, "pets", strings.Replace(document, `"paths"`, `"servers":[{"url":"https://169.254.169.254/"}],"paths"`, 1))
		wantFault(t, "another server", err, "InvalidParameterValueException", "/servers/0/url: the server 169.254.169.254 is not the host")

		// Whoever may update the connector may define it, and nobody else.
		reader := asUser(t, srv, "reader", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["quicksight:DescribeActionConnector","onsight:*"],"Resource":"*"}]}`)
		_, err = define(t, reader, "pets", document)
		wantFault(t, "who may not", err, "AccessDeniedException", "quicksight:UpdateActionConnector")
		writer := asUser(t, srv, "writer", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"quicksight:UpdateActionConnector","Resource":"arn:aws:quicksight:us-east-1:111122223333:action-connector/pets"}]}`)
		if _, err = define(t, writer, "pets", document); err != nil {
			t.Errorf("who may: %v", err)
		}
		_, err = testkit.Call(t, writer, onsightapi.DescribeActionConnectorDefinition, onsightapi.DescribeActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "pets"})
		wantFault(t, "who may not look", err, "AccessDeniedException", "quicksight:DescribeActionConnector")
	}, testkit.Near(t, v.Server))
}

// TestDefineIsAtOnce: a call sees one definition or the other, and never a mixture.
func TestDefineIsAtOnce(t *testing.T) {
	t.Parallel()
	alone(t, func(v *vendor) {
		v.on("/one", says(200, `1`))
		v.on("/two", says(200, `2`))
	}, func(t *testing.T, srv *testkit.Server, v *vendor) {
		srv.Subscribe(t)
		makeConnector(t, srv, "c", "GENERIC_HTTP", "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: v.URL}}, "CREATION_SUCCESSFUL")
		document := func(n string) string {
			return `{"openapi":"3.1.0","info":{"title":"t"},"paths":{"/` + n + `":{"get":{"operationId":"ask","summary":"s","parameters":[{"name":"` + n + `","in":"query","required":true,"description":"d","schema":{"enum":["` + n + `"]}}]}}}}`
		}
		var wg sync.WaitGroup
		stop := make(chan struct{})
		if _, err := define(t, srv, "c", document("one")); err != nil {
			t.Fatal(err)
		}
		wg.Go(func() {
			defer close(stop)
			for i := range 20 {
				if _, err := define(t, srv, "c", document([]string{"two", "one"}[i%2])); err != nil {
					t.Error(err)
				}
			}
		})
		for n, want := range map[string]string{"one": "1", "two": "2"} {
			wg.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					out, err := invoke(t, srv, "c", "ask", `{"`+n+`":"`+n+`"}`)
					if err == nil && body(out) != want || err != nil && !strings.Contains(err.Error(), "Input isn't valid") {
						t.Errorf("%s: %s, %v", n, body(out), err)
						return
					}
				}
			})
		}
		wg.Wait()
		for _, asked := range v.asked() {
			if asked != "GET /one?one=one" && asked != "GET /two?two=two" {
				t.Errorf("asked %s", asked)
			}
		}
	})
}

// asUser gives the server as a new IAM user with a policy sees it.
func asUser(t *testing.T, srv *testkit.Server, name, policy string) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: policy}); err != nil {
		t.Fatal(err)
	}
	out, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(out.AccessKey.AccessKeyId, out.AccessKey.SecretAccessKey.Reveal(), "")
}
