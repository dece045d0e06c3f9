package wire_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/wire"
)

var update = flag.Bool("update", false, "write testdata/golden anew")

const anID = "6a0b8ae1-5c1f-4f6e-9d1a-0123456789ab"

// golden compares with, or writes, a file of testdata/golden.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", "golden", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", file, d)
	}
}

// Answers of real operations, byte for byte.
func TestAnswers(t *testing.T) {
	t.Parallel()
	created := time.Date(2023, 9, 21, 14, 14, 55, 63e6, time.UTC)
	for _, c := range []struct {
		name, op string
		out      any
	}{
		{"register-user", "RegisterUser", &qs.RegisterUserResponse{User: aUser(), UserInvitationUrl: new("https://example.org/?a=1&b=<2>")}},
		{"list-users-empty", "ListUsers", &qs.ListUsersResponse{}},
		{"list-users-nil", "ListUsers", nil},
		{"list-users-page", "ListUsers", &qs.ListUsersResponse{UserList: []qs.User{*aUser(), {}}, NextToken: new("abc")}},
		{"list-users-status", "ListUsers", &qs.ListUsersResponse{Status: new(int32(206))}},
		{"delete-user", "DeleteUser", &qs.DeleteUserResponse{}},
		{"create-namespace", "CreateNamespace", &qs.CreateNamespaceResponse{Name: new("default")}},
		{"delete-account-subscription", "DeleteAccountSubscription", nil},
		{"create-account-subscription", "CreateAccountSubscription", &qs.CreateAccountSubscriptionResponse{SignupResponse: &qs.SignupResponse{
			IAMUser: new(true), UserLoginName: new("admin"), AccountName: new("acme"),
		}}},
		{"tag-resource", "TagResource", &qs.TagResourceResponse{}},
		{"untag-resource", "UntagResource", &qs.UntagResourceResponse{}},
		{"status-in-body", "DescribeCustomPermissions", &qs.DescribeCustomPermissionsResponse{}},
		{"no-request-id", "ListBrands", &qs.ListBrandsResponse{}},
		{"lower-case-request-id", "ListUsersIndexCapacity", &qs.ListUsersIndexCapacityResponse{}},
		{"empty-maps", "DescribeIpRestriction", &qs.DescribeIpRestrictionResponse{Enabled: new(false), IpRestrictionRuleMap: map[string]string{}}},
		{"action-connector", "DescribeActionConnector", &qs.DescribeActionConnectorResponse{ActionConnector: &qs.ActionConnector{
			ActionConnectorId: "jira", Arn: "arn:aws:quicksight:us-east-1:111122223333:action-connector/jira", CreatedTime: &created,
			LastUpdatedTime: &created, Name: "Jira – support", Type: qs.ActionConnectorTypeJiraCloud,
		}}},
		{"definition", "DescribeDashboardDefinition", &qs.DescribeDashboardDefinitionResponse{Definition: json.RawMessage(`{ "Sheets" : [ ] }`)}},
	} {
		body, status := wire.Lookup(c.op).AppendOutput(nil, c.out, anID)
		golden(t, c.name, fmt.Sprintf("%d\n%s\n", status, body))
	}
}

// Errors of every family, byte for byte.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, op string
		fault    *fault.Fault
	}{
		{"fault-exists", "RegisterUser", fault.Exists(fault.User, "User %s already exists in namespace default.", "ana")},
		{"fault-not-found", "DescribeUser", fault.NotFound("", "No \"quotes\" & <tags>\n")},
		{"fault-denied", "DescribeUser", fault.Denied("Operation is disabled for STANDARD Edition. ")},
		{"fault-forbidden", "DescribeUser", fault.Forbidden("User: x is not authorized.")},
		{"fault-next-token", "ListUsers", fault.InvalidNextToken()},
		{"fault-next-token-undeclared", "ListUserGroups", fault.InvalidNextToken()},
		{"fault-throttled", "ListUsers", fault.Throttled()},
		{"fault-internal", "ListUsers", fault.Of(os.ErrClosed)},
		{"fault-internal-undeclared", "ListBrands", fault.Of(os.ErrClosed)},
		{"fault-invalid-undeclared", "CreateBrand", fault.Invalid("No brand is like this.")},
		{"fault-undeclared", "ListUsers", fault.Conflict("No place else for this.")},
		{"fault-not-implemented", "CreateDashboard", fault.NotImplemented("CreateDashboard")},
		{"fault-serialization", "RegisterUser", fault.Serialization("The body is odd.")},
		{"fault-unknown-operation", "", fault.UnknownOperation("GET", "/x")},
		{"fault-too-large", "RegisterUser", fault.TooLarge(10)},
		{"fault-unmodelled", "", &fault.Fault{Code: "SomethingElse", Message: "Odd."}},
		{"fault-members", "RegisterUser", &fault.Fault{Code: "ConflictException", Message: "bad \xff", Members: map[string]string{"Zone": "z", "Message": "not this", "Area": "a"}}},
		{"fault-front-status", "", &fault.Fault{Code: "RequestTimeoutException", Front: true}},
	} {
		body, status, errorType := wire.AppendFault(nil, wire.Lookup(c.op), c.fault, anID)
		golden(t, c.name, fmt.Sprintf("%d %s\n%s\n", status, errorType, body))
		got := wire.DecodeFault(status, errorType, body)
		if got.Code != errorType || got.Status != status || got.Front != c.fault.Front || got.Message != strings.ToValidUTF8(c.fault.Message, "\ufffd") {
			t.Errorf("%s decodes to %+v", body, got)
		}
	}
}

// Requests as clients send them, byte for byte.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, op string
		in       any
	}{
		{"request-register-user", "RegisterUser", qs.RegisterUserRequest{
			AwsAccountId: "111122223333", Namespace: "default", UserName: new("ana"), Email: "ana@example.org",
			IdentityType: qs.IdentityTypeIAM, UserRole: qs.UserRoleReaderPro, Tags: []qs.Tag{{Key: "a", Value: ""}},
		}},
		{"request-list-users", "ListUsers", &qs.ListUsersRequest{AwsAccountId: "111122223333", Namespace: "de fault", MaxResults: new(int32(10)), NextToken: new("a+/=")}},
		{"request-untag", "UntagResource", &qs.UntagResourceRequest{ResourceArn: "arn:aws:quicksight:::x/y", TagKeys: []string{"a b", "c&d"}}},
		{"request-create-group-membership", "CreateGroupMembership", &qs.CreateGroupMembershipRequest{AwsAccountId: "1", Namespace: "n", GroupName: "g", MemberName: "m"}},
		{"request-secret", "CreateActionConnector", &qs.CreateActionConnectorRequest{
			AwsAccountId: "1", ActionConnectorId: "a", Name: "n", Type: qs.ActionConnectorTypeJiraCloud,
			AuthenticationConfig: &qs.AuthConfig{AuthenticationType: "BASIC", AuthenticationMetadata: &qs.AuthenticationMetadata{
				BasicAuthConnectionMetadata: &qs.BasicAuthConnectionMetadata{BaseEndpoint: "https://x", Username: "u", Password: "hunter2"},
			}},
		}},
	} {
		method, target, body, err := wire.Lookup(c.op).EncodeRequest(c.in)
		if err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, fmt.Sprintf("%s %s\n%s\n", method, target, body))
	}
	for name, in := range map[string]any{"an empty label": &qs.DescribeUserRequest{AwsAccountId: "1", Namespace: "n"}, "no input": nil, "another input": &qs.ListUsersRequest{}} {
		if _, _, _, err := wire.Lookup("DescribeUser").EncodeRequest(in); err == nil {
			t.Errorf("%s is encoded", name)
		}
	}
}

// Each kind of value as it is written, and read again.
func TestAppendOutputOfEveryKind(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	at := func(s string) *time.Time {
		t.Helper()
		when, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return &when
	}
	const empty = `"Need":"","NeedList":[],"NeedMap":{}`
	for _, c := range []struct {
		out  zooOut
		want string
	}{
		{zooOut{}, `{` + empty + `}`},
		{zooOut{Need: "a\"\\\n<&>\u2028é\x00"}, `{"Need":"a\"\\\n<&>` + "\u2028" + `é\u0000","NeedList":[],"NeedMap":{}}`},
		{zooOut{Need: "\xff\xc0a"}, `{"Need":"` + "\ufffd\ufffd" + `a","NeedList":[],"NeedMap":{}}`},
		{zooOut{At: at("2023-09-21T14:14:55.063Z")}, `{"At":1695305695.063,` + empty + `}`},
		{zooOut{At: at("2023-09-21T14:14:55.0639999Z")}, `{"At":1695305695.063,` + empty + `}`},
		{zooOut{At: at("2023-09-21T14:14:55.5+02:00")}, `{"At":1695298495.5,` + empty + `}`},
		{zooOut{At: at("1970-01-01T00:00:00Z")}, `{"At":0,` + empty + `}`},
		{zooOut{At: at("1969-12-31T23:59:58.75Z")}, `{"At":-1.25,` + empty + `}`},
		{zooOut{Real: new(0.1)}, `{` + empty + `,"Real":0.1}`},
		{zooOut{Real: new(1e21)}, `{` + empty + `,"Real":1e+21}`},
		{zooOut{Real: new(100000.0)}, `{` + empty + `,"Real":100000}`},
		{zooOut{Real: new(math.NaN())}, `{` + empty + `,"Real":"NaN"}`},
		{zooOut{Real: new(math.Inf(1))}, `{` + empty + `,"Real":"Infinity"}`},
		{zooOut{Real: new(math.Inf(-1))}, `{` + empty + `,"Real":"-Infinity"}`},
		{zooOut{Data: []byte{}}, `{"Data":"",` + empty + `}`},
		{zooOut{Data: []byte{0xff, 0xfe}}, `{"Data":"//4=",` + empty + `}`},
		{zooOut{Any: json.RawMessage(`[ 1 ]`)}, `{"Any":[ 1 ],` + empty + `}`},
		{zooOut{Keys: []string{}, Labels: map[string]string{}}, `{"Keys":[],"Labels":{},` + empty + `}`},
		{zooOut{Labels: map[string]string{"b": "2", "a": "1"}}, `{"Labels":{"a":"1","b":"2"},` + empty + `}`},
		{zooOut{Box: &box{Inner: []box{{Key: "i"}}}}, `{"Box":{"Inner":[{"Key":"i"}],"Key":""},` + empty + `}`},
		{zooOut{Hidden: new(qs.Secret("told"))}, `{"Hidden":"told",` + empty + `}`},
		{zooOut{Yes: new(false), Count: new(int32(-7))}, `{"Count":-7,` + empty + `,"Yes":false}`},
	} {
		body, status := op.AppendOutput(nil, &c.out, "")
		if string(body) != c.want || status != 200 {
			t.Errorf("%+v is written as %d\n%s, want\n%s", c.out, status, body, c.want)
		}
		if !json.Valid(body) {
			t.Errorf("%s is no JSON", body)
		}
	}
}

// Required and listed members are there even when nothing is.
func TestEmptyLists(t *testing.T) {
	t.Parallel()
	body, _ := zooService(t).Lookup("ListThings").AppendOutput(nil, nil, "i")
	if got, want := string(body), `{"List":[],"RequestId":"i","Status":200}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAppendOutputOfAnotherType(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	wire.Lookup("DescribeUser").AppendOutput(nil, &qs.ListUsersResponse{}, "")
}

func TestDecodeOutput(t *testing.T) {
	t.Parallel()
	op := wire.Lookup("DescribeUser")
	var out qs.DescribeUserResponse
	if err := op.DecodeOutput(207, []byte(`{"User":{"Role":"EMPEROR","New":1,"Active":null},"RequestId":"r"}`), &out); err != nil {
		t.Fatal(err)
	}
	role := qs.UserRole("EMPEROR")
	want := qs.DescribeUserResponse{RequestId: new("r"), Status: new(int32(207)), User: &qs.User{Role: &role}}
	if d := cmp.Diff(want, out); d != "" {
		t.Errorf("output (-want +got):\n%s", d)
	}
	if err := op.DecodeOutput(200, nil, &out); err != nil || *out.Status != 200 {
		t.Errorf("an empty body: %v, status %d", err, *out.Status)
	}
	for name, err := range map[string]error{
		"not JSON":    op.DecodeOutput(200, []byte("<html>"), &out),
		"wrong type":  op.DecodeOutput(200, []byte(`{"User":[]}`), &out),
		"no pointer":  op.DecodeOutput(200, nil, out),
		"not its own": op.DecodeOutput(200, nil, &qs.ListUsersResponse{}),
	} {
		if err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestDecodeFault(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		header, body string
		want         fault.Fault
	}{
		{
			"ResourceNotFoundException:http://internal.amazon.com/coral/", `{"Message":"m","RequestId":"r","ResourceType":"USER"}`,
			fault.Fault{Code: "ResourceNotFoundException", Message: "m", ResourceType: "USER", Members: map[string]string{"RequestId": "r"}},
		},
		{
			"", `{"__type":"com.amazon.coral.service#UnknownOperationException","message":"m"}`,
			fault.Fault{Code: "UnknownOperationException", Message: "m", Front: true},
		},
		{"", `{"code":"Odd:x"}`, fault.Fault{Code: "Odd"}},
		{"", `<html>`, fault.Fault{Code: "I'm a teapot"}},
		{"", `{"Message":1}`, fault.Fault{Code: "I'm a teapot"}},
	} {
		c.want.Status = 418
		if d := cmp.Diff(&c.want, wire.DecodeFault(418, c.header, []byte(c.body))); d != "" {
			t.Errorf("%q %s (-want +got):\n%s", c.header, c.body, d)
		}
	}
}

// The exceptions of the model and their statuses, as the service declares them.
func TestExceptionStatuses(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]int{
		"AccessDeniedException": 401, "ConcurrentUpdatingException": 500, "ConflictException": 409, "CustomerManagedKeyUnavailableException": 400,
		"DomainNotWhitelistedException": 403, "IdentityTypeNotSupportedException": 403, "InternalFailureException": 500, "InternalServerException": 500,
		"InvalidDataSetParameterValueException": 400, "InvalidNextTokenException": 400, "InvalidParameterException": 400,
		"InvalidParameterValueException": 400, "InvalidRequestException": 400, "LimitExceededException": 409, "PreconditionNotMetException": 400,
		"QuickSightUserNotFoundException": 404, "ResourceExistsException": 409, "ResourceNotFoundException": 404, "ResourceUnavailableException": 503,
		"SessionLifetimeInMinutesInvalidException": 400, "ThrottlingException": 429, "UnsupportedPricingPlanException": 403,
		"UnsupportedUserEditionException": 403, "ValidationException": 400, "NoSuchException": 500,
	} {
		if _, got, _ := wire.AppendFault(nil, nil, &fault.Fault{Code: code}, ""); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestCoverage(t *testing.T) {
	t.Parallel()
	for model, want := range map[string]string{
		`{"operations":{"B":{"method":"GET","uri":"/b/{x}"},"A":{"method":"POST","uri":"/a"}},"shapes":{}}`: `1 of 2 operations are answered.

| operation | method | path | answered |
| --- | --- | --- | --- |
| A | POST | ` + "`/a`" + ` |  |
| B | GET | ` + "`/b/{x}`" + ` | yes |
`,
		`{"metadata":{"protocol":"query"},"operations":{"B":{"method":"POST","uri":"/"},"A":{"method":"POST","uri":"/"}},"shapes":{}}`: `1 of 2 operations are answered.

| operation | answered |
| --- | --- |
| A |  |
| B | yes |
`,
	} {
		s, err := wire.Parse([]byte(model))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, string(wire.Coverage(s, []string{"B", "Unknown"}))); d != "" {
			t.Errorf("table (-want +got):\n%s", d)
		}
	}
}
