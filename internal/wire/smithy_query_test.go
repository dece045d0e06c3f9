package wire

import (
	"cmp"
	"encoding/json"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
)

// TestSmithyQuery runs Smithy's cases of awsQuery, which are written for
// clients, from both ends: what a client sends is read and sent again, what it
// gets is written and read.
func TestSmithyQuery(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/smithy/query.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Model json.RawMessage
		Cases []struct {
			ID, Kind, Operation, Body, AppliesTo, Shape string
			Params                                      json.RawMessage
			Status                                      int
		}
	}
	if err := json.Unmarshal(file, &data); err != nil {
		t.Fatal(err)
	}
	service, err := Parse(data.Model)
	if err == nil {
		err = service.Check()
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range data.Cases {
		t.Run(c.Kind+"/"+c.ID, func(t *testing.T) {
			t.Parallel()
			op := service.Lookup(c.Operation)
			switch c.Kind {
			case "request":
				smithyRequest(t, op, c.Body, c.Params)
			case "response":
				smithyResponse(t, op, c.Body, c.Params, c.AppliesTo != "client")
			case "error":
				sh, err := service.shape(c.Shape)
				if err != nil {
					t.Fatal(err)
				}
				smithyError(t, service, sh, c.Status, c.Body)
			}
		})
	}
	if len(data.Cases) < 60 {
		t.Errorf("only %d cases", len(data.Cases))
	}
}

func smithyRequest(t *testing.T, op *Operation, body string, params []byte) {
	t.Helper()
	want := smithyValue(t, op.plan.in, params, op.inputCodec)
	form, err := ParseForm("", formType, []byte(body))
	if err != nil {
		t.Fatal(err)
	}
	got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
	broken, err := op.Bind(got, Request{Form: form})
	if err == nil {
		err = broken.Err()
	}
	if err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	noMap := gocmp.FilterValues(func(a, b map[string]string) bool { return len(a) == 0 && len(b) == 0 }, gocmp.Ignore()) // an empty map is not sent
	if d := gocmp.Diff(want, got, sameNaN, noMap); d != "" {
		t.Errorf("%s (-want +got):\n%s", body, d)
	}
	_, _, sent, err := op.EncodeRequest(want)
	if err != nil {
		t.Fatal(err)
	}
	// The order of parameters is free, and so is what is escaped in their names.
	if d := gocmp.Diff(sortedForm(t, body), sortedForm(t, string(sent))); d != "" {
		t.Errorf("sent (-want +got):\n%s", d)
	}
}

func sortedForm(t *testing.T, body string) []string {
	t.Helper()
	var all []string
	for pair := range strings.SplitSeq(body, "&") {
		plain, err := url.QueryUnescape(pair)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, plain)
	}
	slices.Sort(all)
	return all
}

func smithyResponse(t *testing.T, op *Operation, body string, params []byte, server bool) {
	t.Helper()
	want := smithyValue(t, op.plan.out, params, op.outputCodec)
	got := reflect.New(reflect.TypeOf(want).Elem()).Interface()
	if body != "" {
		if err := op.DecodeOutput(200, []byte(body), got); err != nil {
			t.Fatal(err)
		}
		if d := gocmp.Diff(want, got, sameNaN); d != "" {
			t.Errorf("%s (-want +got):\n%s", body, d)
		}
	}
	if !server {
		return
	}
	sent, _ := op.AppendOutput(nil, want, "an-id")
	if body == "" {
		return
	}
	wantTree, gotTree := smithyTree(t, body), smithyTree(t, string(sent))
	// Few of the cases have the metadata that all answers have.
	wantTree.kids = slices.DeleteFunc(wantTree.kids, func(k *element) bool { return k.name == "ResponseMetadata" })
	gotTree.kids = slices.DeleteFunc(gotTree.kids, func(k *element) bool { return k.name == "ResponseMetadata" })
	if d := gocmp.Diff(wantTree, gotTree, gocmp.AllowUnexported(element{})); d != "" {
		t.Errorf("%s\n(-want +got):\n%s", sent, d)
	}
}

func smithyError(t *testing.T, s *Service, sh *shape, status int, body string) {
	t.Helper()
	decoded := DecodeFault(status, "", []byte(body))
	if decoded.Code != sh.code {
		t.Errorf("decoded %+v, want code %s", decoded, sh.code)
	}
	for _, code := range []string{sh.name, sh.code} {
		sent, got, _ := s.AppendFault(nil, nil, fault.New(code, "%s", decoded.Message), "foo-id")
		if got != status {
			t.Errorf("%s: status %d, want %d", code, got, status)
		}
		want := smithyTree(t, body)
		if len(sh.members) > 1 {
			continue // members beside the message are no part of a fault
		}
		if d := gocmp.Diff(want, smithyTree(t, string(sent)), gocmp.AllowUnexported(element{})); d != "" {
			t.Errorf("%s\n(-want +got):\n%s", sent, d)
		}
	}
}

// smithyTree is a document with the kids of each element in order of name.
func smithyTree(t *testing.T, document string) *element {
	t.Helper()
	root, err := parseXML([]byte(document))
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	var sort func(*element)
	sort = func(n *element) {
		for _, k := range n.kids {
			sort(k)
		}
		slices.SortStableFunc(n.kids, func(a, b *element) int {
			if c := cmp.Compare(a.name, b.name); c != 0 || len(a.kids) != 2 || len(b.kids) != 2 {
				return c
			}
			return cmp.Compare(a.kids[0].text, b.kids[0].text) // entries of a map have no order
		})
	}
	sort(root)
	return root
}

// smithyValue reads parameters into a Go value that is made for their shape.
func smithyValue(t *testing.T, sh *shape, params []byte, codecOf func(reflect.Type) (*codec, error)) any {
	t.Helper()
	typ := typeOf(sh, 0)
	c, err := codecOf(typ)
	if err != nil {
		t.Fatal(err)
	}
	v := reflect.New(typ)
	d := newDecoder(params)
	defer d.release()
	d.client = true
	if _, err := d.root(sh, c, v.Elem()); err != nil {
		t.Fatalf("%s: %v", params, err)
	}
	return v.Interface()
}

// sameNaN lets NaN be like NaN.
var sameNaN = gocmp.Comparer(func(a, b float64) bool { return a == b || a != a && b != b })

// typeOf makes a Go type such as qsgen writes for a shape. Where a shape holds
// itself it ends some levels down with a type that is never filled.
func typeOf(sh *shape, depth int) reflect.Type {
	switch sh.kind {
	case text:
		return reflect.TypeFor[string]()
	case boolean:
		return reflect.TypeFor[bool]()
	case integer:
		return reflect.TypeFor[int32]()
	case long:
		return reflect.TypeFor[int64]()
	case double:
		return reflect.TypeFor[float64]()
	case timestamp:
		return reflect.TypeFor[time.Time]()
	case blob:
		return bytesType
	case list:
		return reflect.SliceOf(typeOf(sh.elem, depth+1))
	case mapping:
		return reflect.MapOf(reflect.TypeFor[string](), typeOf(sh.elem, depth+1))
	default:
	}
	if depth > 10 || sh.kind == document {
		return rawType
	}
	fields := make([]reflect.StructField, len(sh.members))
	for i, m := range sh.members {
		of := typeOf(m.shape, depth+1)
		if m.shape.kind != list && m.shape.kind != mapping && m.shape.kind != blob && of != rawType {
			of = reflect.PointerTo(of)
		}
		fields[i] = reflect.StructField{Name: strings.ToUpper(m.name[:1]) + m.name[1:], Type: of}
	}
	return reflect.StructOf(fields)
}
