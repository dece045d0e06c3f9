package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"onsight/internal/fault"
	"onsight/internal/qs"
)

// fuzzed are operations with every kind of member between them.
var fuzzed = []string{"RegisterUser", "CreateActionConnector", "CreateDataSource", "CreateDashboard", "CreateTopic", "StartAssetBundleImportJob", "UpdateIpRestriction", "CreateKnowledgeBase"}

// Whatever the body, Bind answers with an input, violations or a fault of the
// caller; it takes no text that is not JSON, and what it takes is read the same
// when it is sent again.
func FuzzBindBody(f *testing.F) {
	for i := range fuzzed {
		for _, body := range []string{
			``, `{}`, `{"Email":"ana@example.org","IdentityType":"IAM","UserRole":"READER","Tags":[{"Key":"a","Value":"b"}]}`,
			`{"ActionConnectorId":"a","Name":"n","Type":"SLACK","AuthenticationConfig":{"AuthenticationType":"NONE","AuthenticationMetadata":{"NoneConnectionMetadata":{"BaseEndpoint":"https://x"}}}}`,
			`{"IpRestrictionRuleMap":{"10.0.0.0/8":"x"},"Enabled":true}`, `{"DataSourceId":"a","Name":"b","Type":"ATHENA","DataSourceParameters":{"RdsParameters":{"InstanceId":"i","Database":"d"}}}`,
			`{"Name":"n","Definition":{"DataSetIdentifierDeclarations":[],"Sheets":[{"SheetId":"s"}]}}`, `{"AssetBundleImportSource":{"Body":"AAAA"}}`,
			`{"a":[[[[[]]]]],"b":1e999,"c":"\ud83d\ude00"}`, `{"Email":null,"Email":1}`, "{\"Email\":\"\xff\"}", `null`, `[`,
			`{"Topic":{"DataSets":[{"DatasetArn":"a","Filters":[{"NamedEntity":1.5}]}]}}`,
		} {
			f.Add(i, []byte(body))
		}
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		op := Lookup(fuzzed[uint(which)%uint(len(fuzzed))])
		r := Request{Body: body}
		if err := op.compile(); err != nil {
			t.Fatal(err)
		}
		r.Labels = make([]string, len(op.plan.labels))
		for i := range r.Labels {
			r.Labels[i] = "a"
		}
		in := reflect.New(reflect.TypeOf(goTypes(op)[0]))
		broken, err := op.Bind(in.Interface(), r)
		again, err2 := op.Bind(nil, r)
		if (err == nil) != (err2 == nil) || broken.count != again.count {
			t.Fatalf("reading and checking differ: %v, %d; %v, %d", err, broken.count, err2, again.count)
		}
		if err != nil {
			if _, ok := errors.AsType[*fault.Fault](err); !ok {
				t.Fatalf("the body makes an error of the program: %v", err)
			}
			if message := fault.Of(err).Message; !utf8.ValidString(message) || len(message) > 4<<10 {
				t.Fatalf("message of %d bytes: %q", len(message), message)
			}
			return
		}
		if len(body) > 0 && !jsontext.Value(body).IsValid() {
			t.Fatalf("taken, and no JSON: %q", body)
		}
		if broken.Err() != nil {
			if message := fault.Of(broken.Err()).Message; !utf8.ValidString(message) || len(message) > 40<<10 {
				t.Fatalf("message of %d bytes: %q", len(message), message)
			}
			return
		}
		_, _, sent, err := op.EncodeRequest(in.Interface())
		if err != nil {
			t.Fatal(err)
		}
		r.Body = sent
		second := reflect.New(in.Elem().Type())
		if _, err := op.Bind(second.Interface(), r); err != nil {
			t.Fatalf("sent again as %s: %v", sent, err)
		}
		if d := cmp.Diff(in.Interface(), second.Interface()); d != "" {
			t.Fatalf("sent again (-first +second):\n%s", d)
		}
	})
}

// Router and labels take any path; what matches is what was sent.
func FuzzMatch(f *testing.F) {
	for _, path := range []string{
		"/accounts/1/namespaces/default/users/a%2Fb", "/", "", "//", "/accounts//", "/v1/accounts/1/knowledge-bases/batch-delete/", "/resources/a/tags", "/accounts/%zz",
		"/governance/limits/accounts/1/profiles/p", "/accounts/1/namespaces/n/v2/iam-policy-assignments",
	} {
		f.Add("GET", path)
		f.Add("POST", path)
	}
	router := NewRouter(Operations())
	f.Fuzz(func(t *testing.T, method, path string) {
		op, labels, ok := router.Match(method, path)
		if !ok {
			if op != nil || labels != nil {
				t.Fatal("something without a match")
			}
			return
		}
		if op.Method != method {
			t.Fatalf("%s leads to %s", method, op.Method)
		}
		rebuilt := false
		for _, template := range append([]string{op.Path}, aliases[op.Name]...) {
			next := 0
			segments := strings.Split(trimSlashes(template), "/")
			for i, s := range segments {
				if _, isLabel := labelName(s); isLabel {
					if next == len(labels) || labels[next] == "" || strings.Contains(labels[next], "/") {
						t.Fatalf("labels %q", labels)
					}
					segments[i] = labels[next]
					next++
				}
			}
			rebuilt = rebuilt || "/"+strings.Join(segments, "/") == strings.TrimSuffix(path, "/")
		}
		if !rebuilt {
			t.Fatalf("%s leads to %s with %q", path, op.Path, labels)
		}
		if _, err := op.Bind(nil, Request{Labels: labels}); err != nil {
			if _, ok := errors.AsType[*fault.Fault](err); !ok {
				t.Fatalf("the path makes an error of the program: %v", err)
			}
		}
	})
}

// Any query is read, or refused as the caller's fault; what is read is read
// the same when it is sent again.
func FuzzQuery(f *testing.F) {
	for _, query := range []string{
		"", "next-token=a&max-results=1", "max-results=%31", "keys=a&keys=b", "keys=%zz", "a=b;c=d", "&&=", "max-results=-1", "next-token=", "next-token=a+b%2B", "resolved=true",
	} {
		f.Add(query)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for name, in := range map[string][2]any{
			"ListUsers":                    {new(qs.ListUsersRequest), new(qs.ListUsersRequest)},
			"UntagResource":                {new(qs.UntagResourceRequest), new(qs.UntagResourceRequest)},
			"DescribeAccountCustomization": {new(qs.DescribeAccountCustomizationRequest), new(qs.DescribeAccountCustomizationRequest)},
		} {
			op := Lookup(name)
			if err := op.compile(); err != nil {
				t.Fatal(err)
			}
			labels := []string{"a", "a"}[:len(op.plan.labels)]
			if _, err := op.Bind(in[0], Request{Labels: labels, RawQuery: query}); err != nil {
				if _, ok := errors.AsType[*fault.Fault](err); !ok {
					t.Fatalf("the query makes an error of the program: %v", err)
				}
				continue
			}
			_, target, _, err := op.EncodeRequest(in[0])
			if err != nil {
				t.Fatal(err)
			}
			_, sent, _ := strings.Cut(target, "?")
			if _, err := op.Bind(in[1], Request{Labels: labels, RawQuery: sent}); err != nil {
				t.Fatalf("sent again as %s: %v", sent, err)
			}
			if d := cmp.Diff(in[0], in[1]); d != "" {
				t.Fatalf("sent again as %s (-first +second):\n%s", sent, d)
			}
		}
	})
}

// Any form is read, or refused as the caller's fault; what is read is read the
// same when it is sent again.
func FuzzForm(f *testing.F) {
	actions := []string{"sts:AssumeRole", "iam:CreateUser", "iam:SimulateCustomPolicy", "iam:UpdateAccountPasswordPolicy", "iam:UntagUser", "iam:AcquireRole", "iam:CreateVirtualMFADevice"}
	for i, body := range []string{
		"RoleArn=arn:aws:iam::111122223333:role/r&RoleSessionName=s&DurationSeconds=900&PolicyArns.member.1.arn=x&Tags.member.1.Key=a&Tags.member.1.Value=b&TransitiveTagKeys.member.1=a",
		"UserName=ana&Tags.member.2.Key=b&Tags.member.1.Key=a&Tags.member.1.Value=%C3%A9+x", "PolicyInputList.member.1={}&ContextEntries.member.1.ContextKeyValues.member.1=v&ActionNames=",
		"HardExpiry=true&MinimumPasswordLength=8", "TagKeys.member.1=a&TagKeys.member.1=b&TagKeys.member.0=", "ReplacementValues.entry.1.key=k&ReplacementValues.entry.1.value.Values.member.1=x",
		"Tags=&UserName=&Tags.member=", "&&=&a=%&%=a&.=.&..=&Tags..Key=x&Tags.member.1..Key=x", "UserName=a;Path=/&UserName.a=b",
	} {
		f.Add(i, []byte(body))
	}
	f.Fuzz(func(t *testing.T, which int, body []byte) {
		service, name, _ := strings.Cut(actions[uint(which)%uint(len(actions))], ":")
		op := Of(service).Lookup(name)
		form, err := ParseForm("", "", body)
		in := reflect.New(reflect.TypeOf(goTypes(op)[0]))
		var broken, again Violations
		if err == nil {
			broken, err = op.Bind(in.Interface(), Request{Form: form})
			var err2 error
			again, err2 = op.Bind(nil, Request{Form: form})
			if (err == nil) != (err2 == nil) || broken.count != again.count {
				t.Fatalf("reading and checking differ: %v, %d; %v, %d", err, broken.count, err2, again.count)
			}
		}
		if err != nil {
			if _, ok := errors.AsType[*fault.Fault](err); !ok {
				t.Fatalf("the form makes an error of the program: %v", err)
			}
			if message := fault.Of(err).Message; !utf8.ValidString(message) || len(message) > 4<<10 {
				t.Fatalf("message of %d bytes: %q", len(message), message)
			}
			answer, status, _ := AppendFault(nil, op, fault.Of(err), "")
			if _, err := parseXML(answer); err != nil || status != 400 {
				t.Fatalf("%d %s: %v", status, answer, err)
			}
			return
		}
		if broken.Err() != nil {
			if message := fault.Of(broken.Err()).Message; !utf8.ValidString(message) || len(message) > 40<<10 {
				t.Fatalf("message of %d bytes: %q", len(message), message)
			}
			return
		}
		_, _, sent, err := op.EncodeRequest(in.Interface())
		if err != nil {
			t.Fatal(err)
		}
		if form, err = ParseForm("", formType, sent); err != nil {
			t.Fatalf("sent again as %s: %v", sent, err)
		}
		second := reflect.New(in.Elem().Type())
		if _, err := op.Bind(second.Interface(), Request{Form: form}); err != nil {
			t.Fatalf("sent again as %s: %v", sent, err)
		}
		if d := cmp.Diff(in.Interface(), second.Interface(), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("sent again as %s (-first +second):\n%s", sent, d)
		}
	})
}

// Any text comes back from XML as it went in, but for what XML has no place for.
func FuzzXMLText(f *testing.F) {
	for _, s := range []string{"", "a", "<&>\"'", "\r\n\t", "\x00\x1f\x7f", "\ufffe\uffff\ufffd", "\xff\xc3", "é世😀", "]]>", "  "} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		root, err := parseXML(append(appendXMLText([]byte("<a>"), s), "</a>"...))
		if err != nil {
			t.Fatalf("%q: %v", s, err)
		}
		var b strings.Builder
		for _, r := range s { // a byte that is no UTF-8 is a U+FFFD each
			if r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
				r = utf8.RuneError
			}
			b.WriteRune(r)
		}
		if root.text != b.String() {
			t.Fatalf("%q came back as %q, want %q", s, root.text, b.String())
		}
	})
}

// Any answer is read, or refused; what is read is written as JSON again.
func FuzzDecodeOutput(f *testing.F) {
	for _, body := range []string{
		`<GetUserResponse><GetUserResult><User><Tags><member><Key>a</Key></member></Tags></User></GetUserResult></GetUserResponse>`,
		``, `{}`, `{"User":{"Active":true,"Role":"READER"},"RequestId":"r"}`, `{"ActionConnector":{"CreatedTime":1.5e9,"AuthenticationConfig":{"AuthenticationMetadata":{"X":1}}}}`,
		`{"Definition":{"Sheets":[{}]}}`, `[]`, `{"Status":5}`,
	} {
		f.Add(200, []byte(body))
	}
	names := []string{"DescribeUser", "DescribeActionConnector", "DescribeDashboardDefinition", "DescribeIpRestriction", "ListUsers", "DescribeDataSource", "DescribeKnowledgeBase"}
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		for _, name := range names {
			op := Lookup(name)
			out := reflect.New(reflect.TypeOf(goTypes(op)[1]))
			if err := op.DecodeOutput(status, body, out.Interface()); err != nil {
				continue
			}
			written, _ := op.AppendOutput(nil, out.Interface(), "")
			if len(written) > 0 && !json.Valid(written) {
				t.Fatalf("%s: %q is written as %q", name, body, written)
			}
			if len(written) == 0 && !bytes.Equal(body, nil) && status != 204 {
				t.Fatalf("%s: nothing is written with status %d", name, status)
			}
		}
		getUser := Of(IAM).Lookup("GetUser")
		out := reflect.New(reflect.TypeOf(goTypes(getUser)[1]))
		if err := getUser.DecodeOutput(status, body, out.Interface()); err == nil {
			written, _ := getUser.AppendOutput(nil, out.Interface(), "")
			if _, err := parseXML(written); err != nil {
				t.Fatalf("%q is written as %q: %v", body, written, err)
			}
		}
		_ = DecodeFault(status, string(body), body)
	})
}
