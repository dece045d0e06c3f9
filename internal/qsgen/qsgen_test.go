package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/model"
)

// What is committed is what the model gives.
func TestGeneratedFilesAreCurrent(t *testing.T) {
	t.Parallel()
	for _, s := range services {
		var doc model.Document
		if err := json.Unmarshal(s.document, &doc); err != nil {
			t.Fatal(err)
		}
		g, err := newGenerator(s, &doc)
		if err != nil {
			t.Fatal(err)
		}
		for file, generate := range g.files() {
			got, err := generate()
			if err != nil {
				t.Fatal(err)
			}
			want, err := os.ReadFile(filepath.Join("..", s.pkg, file))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != string(want) {
				t.Errorf("%s of %s is not what the model gives; run go generate ./...", file, s.pkg)
			}
		}
	}
}

func TestCamel(t *testing.T) {
	t.Parallel()
	for value, want := range map[string]string{
		"READER_PRO": "ReaderPro", "IAM": "IAM", "IAM_IDENTITY_CENTER": "IAMIdentityCenter", "QUICKSIGHT": "Quicksight",
		"StringEquals": "StringEquals", "assetName": "AssetName", "1": "1", "A_B-C.D": "ABCD", "S3": "S3", "X509": "X509",
	} {
		if got := camel(value); got != want {
			t.Errorf("camel(%q) = %q, want %q", value, got, want)
		}
	}
}

// Two values that would have one name are set apart; what cannot be is refused.
func TestNamesAreDistinct(t *testing.T) {
	t.Parallel()
	doc := &model.Document{
		Operations: map[string]model.Operation{"Do": {Method: "GET", URI: "/", Input: "In"}},
		Shapes: map[string]model.Shape{
			"In":    {Type: "structure", Members: map[string]model.Member{"A": {Shape: "Color"}, "B": {Shape: "ColorDark"}}},
			"Color": {Type: "string", Enum: []string{"DARK_RED", "DARK"}}, "ColorDark": {Type: "string", Enum: []string{"RED"}},
		},
	}
	g, err := newGenerator(service{}, doc)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range g.constants() {
		got = append(got, c.name)
	}
	want := []string{"Color_DarkRed", "Color_Dark", "ColorDark_Red"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("constants (-want +got):\n%s", d)
	}
	doc.Shapes["Color"] = model.Shape{Type: "string", Enum: []string{"A_B", "A-B"}}
	if _, err := newGenerator(service{}, doc); err == nil || !strings.Contains(err.Error(), "Color_AB") {
		t.Errorf("values that stay alike: error %v, want one that names Color_AB", err)
	}
}

// The model is refreshed without prose, and stops at traits nobody has read.
func TestFacts(t *testing.T) {
	t.Parallel()
	const service = `{"version":"2.0","metadata":{"protocol":"rest-json","endpointPrefix":"x"},"documentation":"<p>Prose</p>",
		"operations":{"Do":{"name":"Do","http":{"method":"GET","requestUri":"/{a}"},"input":{"shape":"In","documentation":"Prose"},"errors":[{"shape":"B"},{"shape":"A"}],"documentation":"Prose"}},
		"shapes":{"In":{"type":"structure","required":["b","a"],"members":{"b":{"shape":"S","locationName":"b"},"a":{"shape":"S","location":"uri","locationName":"A","documentation":"Prose"}}},
		"S":{"type":"string","max":9,"pattern":"<.*>","documentation":"Prose"},
		"A":{"type":"structure","error":{"httpStatusCode":409},"exception":true},"B":{"type":"structure","exception":true,"fault":true}}}`
	doc, err := facts([]byte(service))
	if err != nil {
		t.Fatal(err)
	}
	doc.Source = "botocore 1"
	got, err := render(doc)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
"source":"botocore 1",
"metadata":{"apiVersion":"","endpointPrefix":"x","jsonVersion":"","protocol":"rest-json","serviceId":"","signatureVersion":"","signingName":"x"},
"operations":{
"Do":{"method":"GET","uri":"/{a}","input":"In","errors":["A","B"]}
},
"shapes":{
"A":{"type":"structure","error":409},
"B":{"type":"structure","error":500,"fault":true},
"In":{"type":"structure","required":["a","b"],"members":{"a":{"shape":"S","location":"uri","locationName":"A"},"b":{"shape":"S"}}},
"S":{"type":"string","max":9,"pattern":"<.*>"}
}
}
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("rendered (-want +got):\n%s", d)
	}
	if _, err := facts([]byte(strings.Replace(service, `"max":9`, `"maximus":9`, 1))); err == nil {
		t.Error("a trait that qsgen does not know went by")
	}
	if _, err := facts([]byte(strings.Replace(service, `rest-json`, `ec2`, 1))); err == nil {
		t.Error("a service of another protocol went by")
	}
}

var xapi = service{name: "x", pkg: "xapi"}

// A service of the query face keeps what its protocol needs, and only the
// operations that are asked for.
func TestFactsOfAQueryService(t *testing.T) {
	t.Parallel()
	const description = `{"version":"2.0","metadata":{"apiVersion":"2020-01-01","protocol":"query","endpointPrefix":"x","xmlNamespace":"https://x/"},
		"operations":{
		"Do":{"name":"Do","http":{"method":"POST","requestUri":"/"},"input":{"shape":"In"},"output":{"shape":"Out","resultWrapper":"DoResult"},"errors":[{"shape":"GoneException"}],"authtype":"none","auth":["smithy.api#noAuth"]},
		"Other":{"name":"Other","http":{"method":"POST","requestUri":"/"},"input":{"shape":"Unused"}}},
		"shapes":{"In":{"type":"structure","members":{"L":{"shape":"L","flattened":true},"M":{"shape":"M"}}},"Out":{"type":"structure","members":{}},"Unused":{"type":"structure","members":{}},
		"L":{"type":"list","member":{"shape":"S","locationName":"item"}},"M":{"type":"map","key":{"shape":"S","locationName":"k"},"value":{"shape":"S"},"flattened":true},"S":{"type":"string"},
		"GoneException":{"type":"structure","members":{"message":{"shape":"S"}},"error":{"code":"Gone","httpStatusCode":410,"senderFault":true},"exception":true}}}`
	doc, err := facts([]byte(description))
	if err == nil {
		err = reduce(doc, []string{"Do"})
	}
	if err != nil {
		t.Fatal(err)
	}
	got, err := render(doc)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{
"source":"",
"metadata":{"apiVersion":"2020-01-01","endpointPrefix":"x","jsonVersion":"","protocol":"query","serviceId":"","signatureVersion":"","signingName":"x","xmlNamespace":"https://x/"},
"operations":{
"Do":{"method":"POST","uri":"/","input":"In","output":"Out","errors":["GoneException"],"unsigned":true}
},
"shapes":{
"GoneException":{"type":"structure","error":410,"code":"Gone","members":{"message":{"shape":"S"}}},
"In":{"type":"structure","members":{"L":{"shape":"L","flattened":true},"M":{"shape":"M"}}},
"L":{"type":"list","member":"S","memberName":"item"},
"M":{"type":"map","key":"S","value":"S","flattened":true,"keyName":"k"},
"Out":{"type":"structure"},
"S":{"type":"string"}
}
}
`
	if d := cmp.Diff(want, string(got)); d != "" {
		t.Errorf("rendered (-want +got):\n%s", d)
	}
	g, err := newGenerator(xapi, doc)
	if err != nil {
		t.Fatal(err)
	}
	ops, err := g.operations()
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{"package xapi\n", `Do = Op[In, Out]{Service: "x", Name: "Do", Method: "POST", Path: "/"}`, `ErrGone = "Gone"`} {
		if !strings.Contains(string(ops), part) {
			t.Errorf("ops_gen.go lacks %s:\n%s", part, ops)
		}
	}
	if err := reduce(doc, []string{"Other"}); err == nil {
		t.Error("an operation that is not there was kept")
	}
	if _, err := facts([]byte(strings.Replace(description, "DoResult", "Do", 1))); err == nil {
		t.Error("a result under another name went by")
	}
}
