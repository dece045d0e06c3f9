package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	jsonv2 "github.com/go-json-experiment/json"
	"pgregory.net/rapid"

	"onsight/internal/api"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/contract"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/stsapi"
	"onsight/internal/wire"
)

func TestQuote(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "text")
		var got string
		if err := json.Unmarshal(quote(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := string([]rune(s)); got != want { // U+FFFD for each byte that is no UTF-8
			t.Errorf("%q comes back as %q, want %q", s, got, want)
		}
	})
}

func FuzzQuote(f *testing.F) {
	f.Add("a\"\\\n\x00\x7f\u2028é\xff")
	f.Fuzz(func(t *testing.T, s string) {
		var got string
		if err := json.Unmarshal(quote(nil, s), &got); err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		if want := string([]rune(s)); got != want {
			t.Errorf("%q comes back as %q", s, got)
		}
	})
}

func TestShorten(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		s    string
		n    int
		want string
	}{{"abc", 3, "abc"}, {"abc", 2, "ab"}, {"aé", 2, "a"}, {"é", 1, ""}, {"\xa9\xa9", 1, ""}} {
		if got := shorten(test.s, test.n); got != test.want {
			t.Errorf("shorten(%q, %d) = %q, want %q", test.s, test.n, got, test.want)
		}
	}
}

func TestEventID(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seq := rapid.Int64Min(0).Draw(t, "seq")
		account := rapid.StringMatching(`[0-9]{12}`).Draw(t, "account")
		id := eventID(account, seq)
		got, err := numberIn(id)
		if err != nil || got != seq {
			t.Errorf("number %d of %s gives %s, and that %d, %v", seq, account, id, got, err)
		}
		if id[14] != '8' || !strings.ContainsRune("89ab", rune(id[19])) {
			t.Errorf("%s is no UUID of version 8", id)
		}
		if other := eventID(account+"0", seq); other == id {
			t.Errorf("two accounts share %s", id)
		}
	})
	at := time.Date(2026, 11, 20, 7, 39, 42, 123456000, time.UTC)
	if got := timeOf(seqAt(at) + 5); !got.Equal(at) {
		t.Errorf("time %s, want %s", got, at)
	}
	if end := timeOf(1<<63 - 1); end.Year() < 2112 {
		t.Errorf("numbers end in %d", end.Year())
	}
}

func TestFilter(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 7, 600} {
		hashes := map[uint64]struct{}{}
		for i := range n {
			hashes[termHash(cloudtrailapi.LookupAttributeKeyResourceName, fmt.Sprintf("user-%d", i))] = struct{}{}
		}
		f := makeFilter(hashes)
		for i := range n {
			if !mayHold(f, termHash(cloudtrailapi.LookupAttributeKeyResourceName, fmt.Sprintf("user-%d", i))) {
				t.Errorf("of %d terms the filter lacks number %d", n, i)
			}
		}
		wrong := 0
		for i := range 10000 {
			if mayHold(f, termHash(cloudtrailapi.LookupAttributeKeyResourceName, fmt.Sprintf("other-%d", i))) {
				wrong++
			}
		}
		if wrong > 300 {
			t.Errorf("of %d terms the filter takes %d of 10000 others for its own", n, wrong)
		}
	}
	if mayHold(nil, 1) {
		t.Error("an empty filter holds something")
	}
}

// TestMembers writes inputs and outputs as CloudTrail shows them.
func TestMembers(t *testing.T) {
	t.Parallel()
	when := time.Date(2026, 1, 2, 3, 4, 5, 6, time.FixedZone("", 3600))
	tests := []struct {
		name string
		in   any
		want string
	}{
		{
			"absent members are left out", &qs.RegisterUserRequest{AwsAccountId: ana, Namespace: "default", Email: "a@b", IdentityType: "IAM", UserRole: "READER"},
			`{"awsAccountId":"111122223333","email":"a@b","identityType":"IAM","namespace":"default","userRole":"READER"}`,
		},
		{
			"an invitation is hidden, and what is aside is left out", &qs.RegisterUserResponse{UserInvitationUrl: new("https://x/?token=y"), User: &qs.User{UserName: new("é\"")}},
			`{"user":{"userName":"é\""},"userInvitationUrl":"HIDDEN_DUE_TO_SECURITY_REASONS"}`,
		},
		{
			"a secret access key is hidden", &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{AccessKeyId: "AKIA", CreateDate: &when, SecretAccessKey: "hush", Status: "Active", UserName: "u"}},
			`{"accessKey":{"accessKeyId":"AKIA","createDate":"2026-01-02T02:04:05Z","secretAccessKey":"HIDDEN_DUE_TO_SECURITY_REASONS","status":"Active","userName":"u"}}`,
		},
		{
			"a session token is hidden", &stsapi.GetSessionTokenResponse{Credentials: &stsapi.Credentials{AccessKeyId: "ASIA", Expiration: &when, SecretAccessKey: "hush", SessionToken: "token"}},
			`{"credentials":{"accessKeyId":"ASIA","expiration":"2026-01-02T02:04:05Z","secretAccessKey":"HIDDEN_DUE_TO_SECURITY_REASONS","sessionToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}}`,
		},
		{
			"initialisms keep all but the first letter", &iamapi.CreateSAMLProviderRequest{Name: "n", SAMLMetadataDocument: "<x/>"},
			`{"name":"n","sAMLMetadataDocument":"\u003cx/>"}`,
		},
		{
			"lists", &iamapi.TagUserRequest{UserName: "u", Tags: []iamapi.Tag{{Key: "a", Value: "1"}, {Key: "b"}}},
			`{"tags":[{"key":"a","value":"1"},{"key":"b","value":""}],"userName":"u"}`,
		},
		{
			"documents", &qs.CreateDashboardRequest{AwsAccountId: ana, DashboardId: "d", Name: "n", Definition: json.RawMessage(`{"x":"hush"}`)},
			`{"awsAccountId":"111122223333","dashboardId":"d","definition":{"omitted":true,"originalSize":12,"reason":"document"},"name":"n"}`,
		},
		{
			"passwords in URLs", &iamapi.CreateOpenIDConnectProviderRequest{Url: "https://user:p/w@host:1/a@b?x=https://u:p@h#@"},
			`{"url":"https://user:p/w@host:1/a@b?x=https://HIDDEN_DUE_TO_SECURITY_REASONS@h#@"}`,
		},
		{
			"a password in a URL", &iamapi.CreateOpenIDConnectProviderRequest{Url: "https://user:p%40w@host:1/a@b"},
			`{"url":"https://HIDDEN_DUE_TO_SECURITY_REASONS@host:1/a@b"}`,
		},
		{
			"what is too long", &iamapi.PutUserPolicyRequest{UserName: "u", PolicyName: "p", PolicyDocument: strings.Repeat("x", maxMembers)},
			`{"omitted":true,"reason":"too large"}`,
		},
		{
			"too many members", &iamapi.TagUserRequest{UserName: "u", Tags: make([]iamapi.Tag, maxMembers)},
			`{"omitted":true,"reason":"too large"}`,
		},
	}
	for _, test := range tests {
		got := string(appendMembers([]byte("before "), test.in))
		var a, b any
		err1, err2 := json.Unmarshal([]byte(strings.TrimPrefix(got, "before ")), &a), json.Unmarshal([]byte(test.want), &b)
		if err := errors.Join(err1, err2); err != nil || !reflect.DeepEqual(a, b) {
			t.Errorf("%s: got %s, %v\nwant %s", test.name, got, err, test.want)
		}
	}
}

// TestNoSecretMember fills whole inputs and outputs: what is written is JSON, and
// nothing of a secret, a document or a blob is in it.
func TestNoSecretMember(t *testing.T) {
	t.Parallel()
	for _, typ := range types {
		v := reflect.New(typ)
		fill(v.Elem(), 0)
		text := string(appendMembers(nil, v.Interface()))
		if !json.Valid([]byte(text)) {
			t.Errorf("%s: %s", typ, text)
		}
		if strings.Contains(text, "hush") {
			t.Errorf("%s shows a secret: %s", typ, text)
		}
	}
}

// fill sets every member of v: secrets to a text that may not come out.
func fill(v reflect.Value, depth int) {
	t := v.Type()
	switch {
	case t == reflect.TypeFor[contract.Secret]():
		v.SetString("hush")
	case t == reflect.TypeFor[time.Time]():
	case t == reflect.TypeFor[json.RawMessage]():
		v.SetBytes([]byte(`{"a":"hush"}`))
	case depth > 6:
	default:
		switch t.Kind() {
		case reflect.Pointer:
			v.Set(reflect.New(t.Elem()))
			fill(v.Elem(), depth+1)
		case reflect.String:
			v.SetString("text")
		case reflect.Slice:
			if t.Elem().Kind() == reflect.Uint8 {
				v.SetBytes([]byte("hush"))
				return
			}
			v.Set(reflect.MakeSlice(t, 2, 2))
			fill(v.Index(0), depth+1)
		case reflect.Map:
			v.Set(reflect.MakeMap(t))
			elem := reflect.New(t.Elem()).Elem()
			fill(elem, depth+1)
			v.SetMapIndex(reflect.ValueOf("key").Convert(t.Key()), elem)
		case reflect.Struct:
			for i := range t.NumField() {
				if secret[t.Field(i).Name] {
					fillSecret(v.Field(i))
					continue
				}
				fill(v.Field(i), depth+1)
			}
		default:
		}
	}
}

func fillSecret(v reflect.Value) {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	v.SetString("hush")
}

// types are inputs and outputs with secrets, documents, blobs, maps, and types
// that hold themselves.
var types = []reflect.Type{
	reflect.TypeFor[qs.CreateDataSourceRequest](), reflect.TypeFor[qs.CreateDataSetRequest](), reflect.TypeFor[qs.UpdateDataSourceRequest](),
	reflect.TypeFor[qs.StartAssetBundleImportJobRequest](), reflect.TypeFor[qs.CreateActionConnectorRequest](),
	reflect.TypeFor[qs.UpdateActionConnectorRequest](), reflect.TypeFor[qs.GetDashboardEmbedUrlResponse](),
	reflect.TypeFor[qs.DescribeDashboardDefinitionResponse](), reflect.TypeFor[qs.CreateTopicRequest](), reflect.TypeFor[qs.CreateThemeRequest](),
	reflect.TypeFor[qs.CreateBrandRequest](), reflect.TypeFor[qs.RegisterUserResponse](), reflect.TypeFor[qs.CreateKnowledgeBaseRequest](),
	reflect.TypeFor[iamapi.CreateAccessKeyResponse](), reflect.TypeFor[iamapi.UploadServerCertificateRequest](),
	reflect.TypeFor[iamapi.CreateSAMLProviderRequest](), reflect.TypeFor[iamapi.ChangePasswordRequest](),
	reflect.TypeFor[iamapi.EnableMFADeviceRequest](), reflect.TypeFor[iamapi.GetAccountAuthorizationDetailsResponse](),
	reflect.TypeFor[iamapi.SimulatePolicyResponse](), reflect.TypeFor[stsapi.AssumeRoleResponse](),
	reflect.TypeFor[stsapi.AssumeRoleWithWebIdentityRequest](), reflect.TypeFor[stsapi.AssumeRoleWithSAMLRequest](),
}

// TestEffects sorts every operation of every API.
func TestEffects(t *testing.T) {
	t.Parallel()
	for service, names := range map[string]map[effect][]string{
		wire.QuickSight: {
			reads:  {"DescribeUser", "ListUsers", "SearchActionConnectors", "PredictQAResults"},
			alters: {"RegisterUser", "TagResource", "CreateActionConnector", "UpdateIpRestriction", "StartAssetBundleExportJob", "CancelIngestion", "RestoreAnalysis"},
			admits: {"GenerateEmbedUrlForRegisteredUser", "GetDashboardEmbedUrl", "GetSessionEmbedUrl"},
		},
		wire.IAM: {
			reads:  {"GetUser", "SimulateCustomPolicy", "GenerateCredentialReport"},
			alters: {"CreateUser", "PutUserPolicy", "AttachRolePolicy", "SetDefaultPolicyVersion", "ChangePassword", "AddUserToGroup"},
		},
		wire.STS: {
			reads:  {"GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage"},
			admits: {"AssumeRole", "AssumeRoleWithWebIdentity", "GetSessionToken", "GetFederationToken"},
		},
		wire.CloudTrail: {reads: {"LookupEvents"}},
		wire.Onsight:    {reads: {"ExplainAccess", "ListAuditRecords", "VerifyAuditTrail"}, alters: {"RotateSealingKey"}},
	} {
		for want, names := range names {
			for _, name := range names {
				if got := effectOf(wire.Of(service).Lookup(name)); got != want {
					t.Errorf("%s of %s has effect %d, want %d", name, service, got, want)
				}
			}
		}
	}
	// No operation whose name says that it changes something is taken for a read.
	for _, service := range wire.Services() {
		for _, o := range wire.Of(service).Operations() {
			for _, word := range []string{"Create", "Update", "Delete", "Put", "Attach", "Detach", "Tag", "Untag", "Add", "Remove", "Set", "Start", "Register", "Batch", "Enable", "Upload", "Reset", "Cancel", "Restore", "Rotate", "Retire"} {
				if strings.HasPrefix(o.Name, word) && effectOf(o) == reads {
					t.Errorf("%s of %s is taken for a read", o.Name, service)
				}
			}
		}
	}
}

func TestResource(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]named{
		"arn:aws:quicksight:us-east-1:111122223333:user/default/role/session": {ana, "AWS::QuickSight::User", "role/session"},
		"arn:aws:quicksight:us-east-1:111122223333:action-connector/c1":       {ana, "AWS::Quicksight::ActionConnector", "c1"},
		"arn:aws:quicksight:us-east-1:111122223333:dataset/d":                 {ana, "AWS::QuickSight::DataSet", "d"},
		"arn:aws:quicksight:us-east-1:111122223333:dashboard/d":               {ana, "AWS::QuickSight::Dashboard", "d"},
		"arn:aws:iam::111122223333:user/path/to/ana":                          {ana, "AWS::IAM::User", "ana"},
		"arn:aws:iam::111122223333:oidc-provider/idp.example.org/x":           {ana, "AWS::IAM::OIDCProvider", "x"},
		"arn:aws:iam::111122223333:instance-profile/p":                        {ana, "AWS::IAM::InstanceProfile", "p"},
		"arn:aws:iam::111122223333:root":                                      {ana, "", ""},
		"arn:aws:s3:::bucket/key":                                             {"", "", "key"},
		"AKIAEXAMPLE":                                                         {},
	} {
		if got := resource(arn); got != want {
			t.Errorf("%s: %+v, want %+v", arn, got, want)
		}
	}
}

// TestDamagedEvent: what cannot be read is shown with what is known of it.
func TestDamagedEvent(t *testing.T) {
	t.Parallel()
	for _, record := range []string{"", "{", `{"eventName":7}`, `[]`, `{"eventName":"a","eventName":"b"}`} {
		e := event{Seq: seqAt(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)), Account: ana, Record: []byte(record)}
		var got map[string]any
		if err := json.Unmarshal(appendRecord(nil, &e), &got); err != nil {
			t.Errorf("%q: %v", record, err)
			continue
		}
		want := []string{"eventID", "eventTime", "errorMessage", "recipientAccountId"}
		for _, name := range want {
			if text, _ := got[name].(string); text == "" {
				t.Errorf("%q has no %s; it has %v", record, name, slices.Sorted(maps.Keys(got)))
			}
		}
	}
}

// TestScanHead: the short way to read a head leads to the same as the long one.
func TestScanHead(t *testing.T) {
	t.Parallel()
	parts := func(t *rapid.T, label string, values ...string) string {
		return rapid.SampledFrom(values).Draw(t, label)
	}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.StringMatching(`[a-zA-Z0-9:/.,_ {}\[\]-]{0,20}`), rapid.String())
		b := append([]byte(`{"eventName":"`), parts(t, "name", "RegisterUser", "AssumeRole")+`"`...)
		if rapid.Bool().Draw(t, "has source") {
			b = member(b, "eventSource", "iam.amazonaws.com")
		}
		b = member(b, "awsRegion", "us-east-1")
		if rapid.Bool().Draw(t, "reads") {
			b = append(b, `,"readOnly":true`...)
		}
		b = appendResource(b, text.Draw(t, "resource"))
		who := api.Identity{Principal: api.Principal{
			Type: parts(t, "type", "Root", "IAMUser", "AssumedRole"), UserID: text.Draw(t, "id"), ARN: text.Draw(t, "arn"), AccessKeyID: text.Draw(t, "key"),
		}}
		if rapid.Bool().Draw(t, "has session") {
			who.Session = &api.Session{IssuerARN: text.Draw(t, "issuer"), IssuerName: text.Draw(t, "issuer's name")}
		}
		if rapid.Bool().Draw(t, "federated") {
			b = appendFederated(b, &stsapi.AssumeRoleWithWebIdentityResponse{SubjectFromWebIdentityToken: new(text.Draw(t, "subject"))})
		} else {
			b = appendIdentity(b, &who, parts(t, "invoked by", "", "onsight"))
		}
		got, ok := scanHead(b)
		if !ok {
			return
		}
		want := head{EventSource: quickSightSource}
		if err := jsonv2.Unmarshal(append(b, '}'), &want); err != nil {
			t.Fatalf("%s: %v", b, err)
		}
		u := want.UserIdentity
		want.UserIdentity = identity{Type: u.Type, ARN: u.ARN, AccessKeyID: u.AccessKeyID, UserName: u.UserName}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s}: got %+v, want %+v", b, got, want)
		}
	})
	e := event{Record: []byte(user("eve", "RegisterUser", "x"))}
	if i := strings.Index(string(e.Record), string(headEnd)); i < 0 {
		t.Error("the record has no end of its head")
	} else if _, ok := scanHead(e.Record[:i]); !ok {
		t.Error("a usual record is not read the short way")
	}
}

// BenchmarkMembers writes the parameters of a call.
func BenchmarkMembers(b *testing.B) {
	u := &qs.RegisterUserRequest{
		AwsAccountId: ana, Namespace: "default", Email: "u@example.org", IdentityType: "IAM", UserRole: "READER",
		IamArn: new("arn:aws:iam::111122223333:role/Bi"), SessionName: new("person-000000001"),
	}
	var room []byte
	for b.Loop() {
		room = appendMembers(room[:0], u)
	}
}
