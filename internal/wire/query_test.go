package wire_test

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/stsapi"
	"onsight/internal/wire"
)

// lookup finds an operation by its IAM action.
func lookup(t *testing.T, action string) *wire.Operation {
	t.Helper()
	service, name, _ := strings.Cut(action, ":")
	op := wire.Of(service).Lookup(name)
	if op == nil {
		t.Fatalf("there is no operation %s", action)
	}
	return op
}

// Answers of IAM, STS and CloudTrail, byte for byte.
func TestQueryAnswers(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 1, 1, 0, 0, 999e6, time.FixedZone("", 3600))
	ana := iamapi.User{Path: "/", UserName: "ana", UserId: "AIDAIOSFODNN7EXAMPLE", Arn: "arn:aws:iam::111122223333:user/ana", CreateDate: &at}
	odd := ana
	odd.Tags = []iamapi.Tag{{Key: "<a&b>", Value: "\"'\r\n\t\x00\x1f\ufffe\xff é世😀]]>"}}
	for _, c := range []struct {
		name, action string
		out          any
	}{
		{"sts-get-caller-identity", "sts:GetCallerIdentity", &stsapi.GetCallerIdentityResponse{
			Account: new("111122223333"), Arn: new("arn:aws:iam::111122223333:root"), UserId: new("111122223333"),
		}},
		{"sts-assume-role", "sts:AssumeRole", &stsapi.AssumeRoleResponse{
			AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: "arn:aws:sts::111122223333:assumed-role/r/s", AssumedRoleId: "AROAIOSFODNN7EXAMPLE:s"},
			Credentials:     &stsapi.Credentials{AccessKeyId: "ASIAIOSFODNN7EXAMPLE", SecretAccessKey: "shh", SessionToken: "a/b+c==", Expiration: &at},
		}},
		{"iam-create-user", "iam:CreateUser", &iamapi.CreateUserResponse{User: &odd}},
		{"iam-delete-user", "iam:DeleteUser", &iamapi.DeleteUserResponse{}},
		{"iam-delete-user", "iam:DeleteUser", nil},
		{"iam-list-users", "iam:ListUsers", &iamapi.ListUsersResponse{IsTruncated: new(true), Marker: new("m"), Users: []iamapi.User{ana, ana}}},
		{"iam-list-users-empty", "iam:ListUsers", &iamapi.ListUsersResponse{IsTruncated: new(false)}},
		{"iam-list-users-nil", "iam:ListUsers", nil},
		{"iam-list-mfa-devices-empty", "iam:ListMFADevices", &iamapi.ListMFADevicesResponse{MFADevices: []iamapi.MFADevice{}}},
		{"iam-get-account-summary", "iam:GetAccountSummary", &iamapi.GetAccountSummaryResponse{SummaryMap: map[iamapi.SummaryKeyType]int32{"Users": 2, "Groups": 0}}},
		{"iam-authorization-details", "iam:GetAccountAuthorizationDetails", &iamapi.GetAccountAuthorizationDetailsResponse{
			UserDetailList: []iamapi.UserDetail{{UserName: new("ana"), GroupList: []string{"a", "b"}, UserPolicyList: []iamapi.PolicyDetail{{PolicyName: new("p"), PolicyDocument: new("%7B%7D")}}}},
			Policies:       []iamapi.ManagedPolicyDetail{},
		}},
		{"iam-get-credential-report", "iam:GetCredentialReport", &iamapi.GetCredentialReportResponse{Content: []byte("user,arn\n")}},
		{"cloudtrail-lookup-events", "cloudtrail:LookupEvents", &cloudtrailapi.LookupEventsResponse{Events: []cloudtrailapi.Event{{EventId: new("e"), EventTime: &at}}}},
	} {
		body, status := lookup(t, c.action).AppendOutput(nil, c.out, anID)
		golden(t, c.name, fmt.Sprintf("%d\n%s\n", status, body))
	}
}

// Every family of errors on the query face: its code, status and form.
func TestQueryFaults(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		service string
		fault   *fault.Fault
		code    string
		status  int
	}{
		{"iam", fault.New(iamapi.ErrNoSuchEntity, "The user with name <ana> cannot be found."), "NoSuchEntity", 404},
		{"iam", fault.New("NoSuchEntityException", "x"), "NoSuchEntity", 404},
		{"iam", fault.New(iamapi.ErrEntityAlreadyExists, "x"), "EntityAlreadyExists", 409},
		{"iam", fault.New(iamapi.ErrServiceNotSupported, "x"), "NotSupportedService", 404},
		{"iam", fault.New(iamapi.ErrCredentialReportNotReady, "x"), "ReportInProgress", 404},
		{"iam", fault.New(iamapi.ErrOrganizationNotFound, "x"), "OrganizationNotFoundException", 400},
		{"iam", fault.Limit("", "x"), "LimitExceeded", 409},
		{"iam", fault.Invalid("x"), "InvalidInput", 400},
		{"iam", fault.Of(os.ErrClosed), "ServiceFailure", 500},
		{"sts", fault.Of(os.ErrClosed), "InternalFailure", 500},
		{"sts", fault.Invalid("x"), "InvalidParameterValue", 400},
		{"sts", fault.New("InvalidParameterValue", "x"), "InvalidParameterValue", 400},
		{"sts", fault.New(stsapi.ErrExpiredToken, "x"), "ExpiredTokenException", 400},
		{"sts", fault.New(stsapi.ErrIDPRejectedClaim, "x"), "IDPRejectedClaim", 403},
		{"sts", fault.New(stsapi.ErrPackedPolicyTooLarge, "x"), "PackedPolicyTooLarge", 400},
		{"sts", fault.ExpiredToken(), "ExpiredToken", 403},
		{"sts", fault.MissingAuthenticationToken(), "MissingAuthenticationToken", 403},
		{"sts", fault.IncompleteSignature("x"), "IncompleteSignature", 400},
		{"sts", fault.InvalidSignature("x"), "SignatureDoesNotMatch", 403},
		{"sts", fault.UnrecognizedClient(), "InvalidClientTokenId", 403},
		{"sts", fault.Forbidden("x"), "AccessDenied", 403},
		{"sts", fault.Denied("x"), "AccessDenied", 403},
		{"sts", fault.New("AccessDenied", "x"), "AccessDenied", 403},
		{"sts", fault.Throttled(), "Throttling", 400},
		{"sts", fault.Unavailable("x"), "ServiceUnavailable", 503},
		{"sts", fault.Validation("x"), "ValidationError", 400},
		{"sts", fault.New("ValidationError", "x"), "ValidationError", 400},
		{"sts", fault.Serialization("x"), "MalformedInput", 400},
		{"sts", fault.MalformedRequest("x"), "MalformedQueryString", 400},
		{"sts", fault.InvalidNextToken(), "ValidationError", 400},
		{"sts", fault.TooLarge(1), "RequestEntityTooLarge", 413},
		{"sts", fault.NotImplemented("AssumeRoot"), "NotImplemented", 501},
		{"sts", fault.MissingAction(), "MissingAction", 400},
		{"sts", fault.InvalidAction("X", "V"), "InvalidAction", 400},
		{"sts", fault.New("Odd", "x"), "Odd", 400},
	} {
		body, status, code := wire.Of(c.service).AppendFault(nil, nil, c.fault, anID)
		if status != c.status || code != c.code {
			t.Errorf("%s %s: %d %s, want %d %s", c.service, c.fault.Code, status, code, c.status, c.code)
		}
		kind := "Sender"
		if c.status >= 500 {
			kind = "Receiver"
		}
		if !strings.Contains(string(body), "<Type>"+kind+"</Type><Code>"+c.code+"</Code>") {
			t.Errorf("%s %s: %s", c.service, c.fault.Code, body)
		}
		if d := cmp.Diff(&fault.Fault{Code: c.code, Status: c.status, Message: c.fault.Message}, wire.DecodeFault(status, "", body)); d != "" {
			t.Errorf("%s decodes otherwise (-want +got):\n%s", body, d)
		}
	}
	for name, f := range map[string]*fault.Fault{
		"iam-fault": fault.New(iamapi.ErrNoSuchEntity, "The user with name <ana> & \x01 cannot be found."), "iam-fault-internal": fault.Of(os.ErrClosed),
	} {
		body, status, code := wire.Of("iam").AppendFault(nil, nil, f, anID)
		golden(t, name, fmt.Sprintf("%d %s\n%s\n", status, code, body))
	}
	_, _, err := wire.FindAction(mustForm(t, "Action=X&Version=V"))
	body, status, code := wire.Stranger(wire.Query).AppendFault(nil, nil, fault.Of(err), anID)
	golden(t, "query-fault-invalid-action", fmt.Sprintf("%d %s\n%s\n", status, code, body))
	for _, broken := range []string{"<", "<a><b></a>", "<a/><b/>", "<html>", "<ErrorResponse/>"} {
		if f := wire.DecodeFault(404, "", []byte(broken)); f.Code != "Not Found" || f.Status != 404 {
			t.Errorf("%s: %+v", broken, f)
		}
	}
}

// Errors on the JSON 1.1 face: all that is the caller's is 400.
func TestTargetFaults(t *testing.T) {
	t.Parallel()
	op := lookup(t, "cloudtrail:LookupEvents")
	for _, c := range []struct {
		fault *fault.Fault
		want  string
	}{
		{fault.New(cloudtrailapi.ErrInvalidTimeRange, "x"), `400 {"Message":"x","__type":"InvalidTimeRangeException"}`},
		{fault.InvalidNextToken(), `400 {"Message":"The NextToken value isn't valid.","__type":"InvalidNextTokenException"}`},
		{fault.UnrecognizedClient(), `400 {"__type":"UnrecognizedClientException","message":"The security token included in the request is invalid."}`},
		{fault.Forbidden("x"), `400 {"Message":"x","__type":"AccessDeniedException"}`},
		{fault.Throttled(), `400 {"Message":"Rate exceeded","__type":"ThrottlingException"}`},
		{fault.Validation("x"), `400 {"__type":"ValidationException","message":"x"}`},
		{fault.UnknownTarget("x"), `400 {"__type":"UnknownOperationException","message":"There is no operation x."}`},
		{fault.TooLarge(1), `413 {"__type":"RequestEntityTooLargeException","message":"The request body is larger than the limit of 1 bytes."}`},
		{fault.Of(os.ErrClosed), `500 {"Message":"An internal failure occurred.","__type":"InternalFailureException"}`},
	} {
		body, status, code := wire.AppendFault(nil, op, c.fault, anID)
		if got := fmt.Sprintf("%d %s", status, body); got != c.want {
			t.Errorf("%s: %s, want %s", c.fault.Code, got, c.want)
		}
		if got := wire.DecodeFault(status, "", body); got.Code != code || got.Message != c.fault.Message {
			t.Errorf("%s decodes to %+v", body, got)
		}
	}
}

// Requests as clients send them, byte for byte.
func TestQueryRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, action string
		in           any
	}{
		{"request-sts-assume-role", "sts:AssumeRole", stsapi.AssumeRoleRequest{
			RoleArn: "arn:aws:iam::111122223333:role/r", RoleSessionName: "s", DurationSeconds: new(int32(900)),
			PolicyArns: []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::aws:policy/ReadOnlyAccess")}},
			Tags:       []stsapi.Tag{{Key: "a b", Value: "c+d"}, {Key: "e", Value: ""}}, TransitiveTagKeys: []string{},
		}},
		{"request-iam-list-users", "iam:ListUsers", iamapi.ListUsersRequest{PathPrefix: new("/eng/"), MaxItems: new(int32(5))}},
		{"request-iam-secret", "iam:ChangePassword", iamapi.ChangePasswordRequest{OldPassword: "old&", NewPassword: "new="}},
		{"request-cloudtrail", "cloudtrail:LookupEvents", cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(1))}},
		{"request-cloudtrail-empty", "cloudtrail:LookupEvents", cloudtrailapi.LookupEventsRequest{}},
	} {
		op := lookup(t, c.action)
		method, target, body, err := op.EncodeRequest(c.in)
		if err != nil {
			t.Fatal(err)
		}
		h := http.Header{}
		op.RequestHeaders(h, body)
		var b strings.Builder
		if err := h.Write(&b); err != nil {
			t.Fatal(err)
		}
		golden(t, c.name, fmt.Sprintf("%s %s\n%s\n%s\n", method, target, strings.ReplaceAll(b.String(), "\r\n", "\n"), body))
	}
}

func mustForm(t *testing.T, body string) wire.Form {
	t.Helper()
	f, err := wire.ParseForm("", "", []byte(body))
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return f
}

// Forms that are read, whatever the order and the dress.
func TestForms(t *testing.T) {
	t.Parallel()
	full := iamapi.CreateUserRequest{
		UserName: "ana", Path: new("/a b/"), PermissionsBoundary: new(""),
		Tags: []iamapi.Tag{{Key: "k1", Value: "v1"}, {Key: "k2", Value: ""}, {Key: "k10", Value: "=&"}},
	}
	for name, c := range map[string]struct {
		query, contentType, body string
		want                     iamapi.CreateUserRequest
	}{
		"as sent": {
			"", "application/x-www-form-urlencoded; charset=utf-8",
			"Action=CreateUser&Version=2010-05-08&UserName=ana&Path=%2Fa+b%2F&PermissionsBoundary=&Tags.member.1.Key=k1&Tags.member.1.Value=v1&Tags.member.2.Key=k2&Tags.member.2.Value=&Tags.member.10.Key=k10&Tags.member.10.Value=%3D%26", full,
		},
		"any order, escaped names, gaps": {
			"", "APPLICATION/X-WWW-FORM-URLENCODED",
			"Tags.member.10.Value=%3d%26&&Tags%2Emember.7.Value=&Tags.member.1.Value=v1&Path=%2Fa%20b%2F&Tags.member.10.Key=k10&UserName=%61na&Tags.member.7.Key=k2&PermissionsBoundary&Tags.member.1.Key=k1&", full,
		},
		"by GET":                  {"UserName=ana&X-Amz-Signature=00", "", "", iamapi.CreateUserRequest{UserName: "ana"}},
		"by both":                 {"UserName=ana", "", "Path=/", iamapi.CreateUserRequest{UserName: "ana", Path: new("/")}},
		"a body that is no form":  {"UserName=ana", "application/json", `{"Path":"/"}`, iamapi.CreateUserRequest{UserName: "ana"}},
		"unknown parameters":      {"", "", "UserName=ana&UserNam=x&Tag.member.1.Key=a&Tags.items.1.Key=a&Tags.1.Key=b&UserName.x=1&Unknown=1&Unknown=2", iamapi.CreateUserRequest{UserName: "ana"}},
		"an empty list":           {"", "", "UserName=ana&Tags=", iamapi.CreateUserRequest{UserName: "ana", Tags: []iamapi.Tag{}}},
		"unknown below a member":  {"", "", "UserName=ana&Tags.member.1.Key=a&Tags.member.1.Value=b&Tags.member.1.Value.c=d&Tags.member.1.Color=red", iamapi.CreateUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "a", Value: "b"}}}},
		"names that begin alike":  {"", "", "Path=/&UserName-x=1&UserName=ana&UserName.y=1&Path-=1&PathX=2", iamapi.CreateUserRequest{UserName: "ana", Path: new("/")}},
		"semicolons are no limit": {"", "", "UserName=ana&Path=a;b", iamapi.CreateUserRequest{UserName: "ana", Path: new("a;b")}},
	} {
		f, err := wire.ParseForm(c.query, c.contentType, []byte(c.body))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got iamapi.CreateUserRequest
		if _, err := lookup(t, "iam:CreateUser").Bind(&got, wire.Request{Form: f}); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}

// Forms that are refused, with the code and the sentence.
func TestBrokenForms(t *testing.T) {
	t.Parallel()
	user := func(rest string) string { return "UserName=ana&" + rest }
	for _, c := range []struct{ action, body, code, message string }{
		{"iam:CreateUser", "", "ValidationError", "1 validation error detected: Value null at 'userName' failed to satisfy constraint: Member must not be null"},
		{"iam:CreateUser", "UserName=", "ValidationError", "2 validation errors detected: Value '' at 'userName' failed to satisfy constraint: Member must have length greater than or equal to 1; Value '' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]+"},
		{"iam:CreateUser", user("Tags.member.1.Key=a"), "ValidationError", "1 validation error detected: Value null at 'tags.1.member.value' failed to satisfy constraint: Member must not be null"},
		{"iam:CreateUser", user("Tags.member.3=&Tags.member.2.Key=&Tags.member.2.Value=x"), "ValidationError", "4 validation errors detected: Value '' at 'tags.1.member.key'"},
		{"iam:ListUsers", "MaxItems=1001", "ValidationError", "1 validation error detected: Value '1001' at 'maxItems' failed to satisfy constraint: Member must have value less than or equal to 1000"},
		{"iam:ListUsers", "MaxItems=ten", "MalformedInput", "Member 'maxItems' is 'ten' where an integer of 32 bits is expected."},
		{"iam:ListUsers", "MaxItems=", "MalformedInput", "Member 'maxItems' is '' where an integer of 32 bits is expected."},
		{"iam:ListUsers", "MaxItems=4294967296", "MalformedInput", "where an integer of 32 bits is expected."},
		{"iam:ListUsers", "MaxItems.x=1", "MalformedInput", "Member 'maxItems' is a structure or a list where an integer of 32 bits is expected."},
		{"iam:DeletePolicyVersion", "PolicyArn=arn:aws:iam::111122223333:policy/p&VersionId=1", "ValidationError", "at 'versionId' failed to satisfy constraint: Member must satisfy regular expression pattern: v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?"},
		{"iam:CreatePolicyVersion", "PolicyArn=arn:aws:iam::111122223333:policy/p&PolicyDocument={}&SetAsDefault=yes", "MalformedInput", "Member 'setAsDefault' is 'yes' where true or false is expected."},
		{"iam:UntagUser", user("TagKeys.member.1=a&TagKeys.member.2="), "ValidationError", "Value '[a, ]' at 'tagKeys' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 128, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "},
		{"iam:CreateUser", user("Tags=x"), "MalformedInput", "Member 'tags' is a text where a list is expected."},
		{"iam:CreateUser", user("Tags=&Tags.member.1.Key=a"), "MalformedInput", "Member 'tags' is a text where a list is expected."},
		{"iam:CreateUser", user("Tags.member.1=x"), "MalformedInput", "Member 'tags.1.member' is a text where an object is expected."},
		{"iam:CreateUser", user("Tags.member=x"), "MalformedInput", "has no number"},
		{"iam:CreateUser", user("Tags.member.0.Key=x"), "MalformedInput", "'0' is not the number of a member of a list; they go from 1 to 10000."},
		{"iam:CreateUser", user("Tags.member.01.Key=x"), "MalformedInput", "'01' is not the number"},
		{"iam:CreateUser", user("Tags.member.-1.Key=x"), "MalformedInput", "'-1' is not the number"},
		{"iam:CreateUser", user("Tags.member.N.Key=x"), "MalformedInput", "'N' is not the number"},
		{"iam:CreateUser", user("Tags.member.999999999999999999999.Key=x"), "MalformedInput", "is not the number"},
		{"iam:CreateUser", user("Tags.member.10001.Key=x"), "MalformedInput", "'10001' is not the number"},
		{"iam:CreateUser", user("UserName=bob"), "MalformedQueryString", "Parameter 'UserName' is given more than once."},
		{"iam:CreateUser", user("Tags.member.1.Key=a&Tags.member.1.Value=&Tags.member.1.Key=a"), "MalformedQueryString", "Parameter 'Tags.member.1.Key' is given more than once."},
		{"iam:CreateUser", user("Tags." + strings.Repeat("x.", 15) + "x=1"), "MalformedQueryString", "has more than 16 parts."},
		{"iam:CreateUser", "UserName=%zz", "MalformedQueryString", "Parameter 'UserName' is not valid: invalid URL escape"},
		{"iam:CreateUser", "UserName=%ff", "MalformedQueryString", "Parameter 'UserName' is not valid: it is not UTF-8."},
		{"iam:CreateUser", "%ff=a", "MalformedQueryString", "Parameter '?' is not valid: it is not UTF-8."},
		{"iam:CreateUser", strings.Repeat("a=b&", 10_001), "MalformedQueryString", "The request has more than 10000 parameters."},
		{"iam:ChangePassword", "OldPassword=hunter2&NewPassword=", "ValidationError", "2 validation errors detected: Value at 'newPassword' failed to satisfy constraint: Member must have length greater than or equal to 1; Value at 'newPassword' failed"},
		{"sts:AssumeRole", "RoleArn=arn:aws:iam::111122223333:role/r&RoleSessionName=Session1:2", "ValidationError", "1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\\w+=,.@-]*"},
		{"sts:AssumeRole", "RoleArn=x&RoleSessionName=ab&PolicyArns.member.1.arn=short", "ValidationError", "Value 'short' at 'policyArns.1.member.arn' failed to satisfy constraint: Member must have length greater than or equal to 20"},
		{"iam:CreateAccountAlias", "AccountAlias=a--b", "ValidationError", "at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$"},
		{"iam:ResyncMFADevice", user("SerialNumber=123456789&AuthenticationCode1=12345&AuthenticationCode2=123456"), "ValidationError", "authenticationCode1"},
	} {
		op := lookup(t, c.action)
		f, err := wire.ParseForm("", "", []byte(c.body))
		if err == nil {
			var broken wire.Violations
			if broken, err = op.Bind(nil, wire.Request{Form: f}); err == nil {
				err = broken.Err()
			}
		}
		if err == nil {
			t.Errorf("%s %.200s is taken, want %s", c.action, c.body, c.code)
			continue
		}
		_, status, code := wire.AppendFault(nil, op, fault.Of(err), anID)
		if message := fault.Of(err).Message; status != 400 || code != c.code || !strings.Contains(message, c.message) || len(message) > 4096 {
			t.Errorf("%s %.200s: %d %s %s, want 400 %s %s", c.action, c.body, status, code, message, c.code, c.message)
		}
		if strings.Contains(err.Error(), "hunter2") {
			t.Errorf("a password shows in %v", err)
		}
	}
}

// Where a request to the path / leads.
func TestAtRoot(t *testing.T) {
	t.Parallel()
	const form = "application/x-www-form-urlencoded"
	for _, c := range []struct {
		method, query, contentType, target string
		want                               wire.Protocol
	}{
		{"POST", "", form, "", wire.Query},
		{"POST", "", form + "; charset=UTF-8", "", wire.Query},
		{"POST", "", "", "", wire.Query},
		{"GET", "Action=GetCallerIdentity&Version=2011-06-15", "", "", wire.Query},
		{"GET", "Version=2011-06-15", "", "", wire.Query},
		{"POST", "a=b&Action=X", "text/plain", "", wire.Query},
		{"POST", "", "application/json", "", wire.RestJSON},
		{"GET", "", "", "", wire.RestJSON},
		{"GET", "", form, "", wire.RestJSON},
		{"GET", "action=x", "", "", wire.RestJSON},
		{"PUT", "Action=X", form, "", wire.RestJSON},
		{"POST", "", "application/x-amz-json-1.1", "x.LookupEvents", wire.JSON11},
		{"POST", "Action=X", form, "x", wire.JSON11},
	} {
		h := http.Header{}
		if c.contentType != "" {
			h.Set("Content-Type", c.contentType)
		}
		if c.target != "" {
			h.Set("X-Amz-Target", c.target)
		}
		if got := wire.AtRoot(c.method, c.query, h); got != c.want {
			t.Errorf("%s ?%s %v: %d, want %d", c.method, c.query, h, got, c.want)
		}
	}
}

func leadsTo(op *wire.Operation, err error) string {
	if err != nil {
		return err.Error()
	}
	return op.Action()
}

func TestFindAction(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ form, want string }{
		{"Action=GetCallerIdentity&Version=2011-06-15", "sts:GetCallerIdentity"},
		{"Version=2010-05-08&Action=CreateUser&UserName=x", "iam:CreateUser"},
		{"Action=NoSuchAction&Version=2011-06-15", "InvalidAction: Could not find operation NoSuchAction for version 2011-06-15"},
		{"Action=CreateUser&Version=2011-06-15", "InvalidAction: Could not find operation CreateUser for version 2011-06-15"},
		{"Action=RegisterUser&Version=2018-04-01", "InvalidAction: Could not find operation RegisterUser for version 2018-04-01"},
		{"Action=GetCallerIdentity&Version=2000-01-01", "InvalidAction: Could not find operation GetCallerIdentity for version 2000-01-01"},
		{"Action=GetCallerIdentity", "InvalidAction: Could not find operation GetCallerIdentity for version NO_VERSION_SPECIFIED"},
		{"Action=GetCallerIdentity&Version=", "InvalidAction: Could not find operation GetCallerIdentity for version "},
		{"Action=&Version=2011-06-15", "InvalidAction: Could not find operation  for version 2011-06-15"},
		{"Version=2011-06-15", "MissingAction: The request is missing an action or a required parameter."},
		{"", "MissingAction: The request is missing an action or a required parameter."},
		{"Action=GetCallerIdentity&Version=2011-06-15&Action=AssumeRole", "MalformedHttpRequestException: Parameter 'Action' is given more than once."},
		{"Action=GetCallerIdentity&Version=2011-06-15&Version=2011-06-15", "MalformedHttpRequestException: Parameter 'Version' is given more than once."},
	} {
		service, op, err := wire.FindAction(mustForm(t, c.form))
		got := leadsTo(op, err)
		if got != c.want || service == nil || service.Protocol() != wire.Query {
			t.Errorf("%s: %v %s, want %s", c.form, service, got, c.want)
		}
	}
	for target, want := range map[string]string{
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents": "cloudtrail:LookupEvents",
		"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail":  "UnknownOperationException: There is no operation com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.CreateTrail.",
		"CloudTrail_20131101.LookupEvents":                                    "cloudtrail:LookupEvents",
		"v20131101.CloudTrail_20131101.LookupEvents":                          "UnknownOperationException: There is no operation v20131101.CloudTrail_20131101.LookupEvents.",
		"LookupEvents": "UnknownOperationException: There is no operation LookupEvents.",
		"":             "UnknownOperationException: There is no operation .",
	} {
		service, op, err := wire.FindTarget(target)
		got := leadsTo(op, err)
		if got != want || service == nil || service.Protocol() != wire.JSON11 {
			t.Errorf("%s: %v %s, want %s", target, service, got, want)
		}
	}
}

// A document that answers something else is no output.
func TestDecodeXMLOutput(t *testing.T) {
	t.Parallel()
	op := lookup(t, "iam:GetUser")
	var out iamapi.GetUserResponse
	for name, body := range map[string]string{
		"nothing":     "",
		"JSON":        "{}",
		"not closed":  "<GetUserResponse><GetUserResult>",
		"of another":  "<ListUsersResponse><ListUsersResult/></ListUsersResponse>",
		"no result":   "<GetUserResponse/>",
		"a bad time":  "<GetUserResponse><GetUserResult><User><CreateDate>now</CreateDate></User></GetUserResult></GetUserResponse>",
		"too deep":    strings.Repeat("<a>", 200) + strings.Repeat("</a>", 200),
		"two of them": "<GetUserResponse><GetUserResult/></GetUserResponse><a/>",
	} {
		if err := op.DecodeOutput(200, []byte(body), &out); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	const pretty = "<?xml version=\"1.0\"?>\n<!-- c --><x:GetUserResponse xmlns:x=\"u\">\n <GetUserResult a=\"b\">\n  <User><UserName>a<![CDATA[&b]]>&#xD;</UserName><New>1</New></User> </GetUserResult></x:GetUserResponse>\n"
	if err := op.DecodeOutput(200, []byte(pretty), &out); err != nil || out.User.UserName != "a&b\r" {
		t.Errorf("%+v, %v", out.User, err)
	}
	if err := lookup(t, "iam:DeleteUser").DecodeOutput(200, []byte("<DeleteUserResponse><ResponseMetadata/></DeleteUserResponse>"), new(iamapi.DeleteUserResponse)); err != nil {
		t.Error(err)
	}
}
