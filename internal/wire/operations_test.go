package wire

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// goTypes returns the zero input and output of an operation.
func goTypes(op *Operation) [2]any {
	return map[string]map[string][2]any{
		QuickSight: qsTypes, IAM: iamapiTypes, STS: stsapiTypes, CloudTrail: cloudtrailapiTypes, Onsight: onsightapiTypes,
	}[op.service.name][op.Name]
}

// Every operation, with few and with many members, makes the way from a client
// to a handler and back.
func TestEveryOperationRoundTrips(t *testing.T) {
	t.Parallel()
	router := NewRouter(RESTOperations())
	for i, op := range allOperations() {
		t.Run(op.Action(), func(t *testing.T) {
			t.Parallel()
			if err := op.compile(); err != nil {
				t.Fatal(err)
			}
			for j, optional := range []float64{0, 0.3, 1} {
				s := &sampler{t: t, rand: rand.New(rand.NewPCG(uint64(i), uint64(j))), optional: optional, form: op.service.protocol == Query}
				if op.service.protocol == RestJSON {
					requestRoundTrip(t, router, op, s)
				} else {
					rootRoundTrip(t, op, s)
				}
				if op.Streams() {
					streamRoundTrip(t, op)
					continue
				}
				answerRoundTrip(t, op, s)
			}
		})
	}
}

// allOperations are those of all services.
func allOperations() []*Operation {
	var all []*Operation
	for _, name := range Services() {
		all = append(all, Of(name).Operations()...)
	}
	return all
}

func TestServicesAreWhole(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int{QuickSight: len(qsTypes), IAM: len(iamapiTypes), STS: len(stsapiTypes), CloudTrail: len(cloudtrailapiTypes), Onsight: len(onsightapiTypes)} {
		s := Of(name)
		if s.Name() != name || len(s.Operations()) != want || want == 0 {
			t.Errorf("%s: name %s and %d operations, want %d", name, s.Name(), len(s.Operations()), want)
		}
		if err := s.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if Of("s3") != nil {
		t.Error("there is a service s3")
	}
}

// A rootRoundTrip is a requestRoundTrip at the path /.
func rootRoundTrip(t *testing.T, op *Operation, s *sampler) {
	t.Helper()
	inType := reflect.TypeOf(goTypes(op)[0])
	first := s.value(op, op.plan.in, inType, op.inputCodec)
	method, path, body, err := op.EncodeRequest(first)
	if err != nil {
		t.Fatal(err)
	}
	h := http.Header{}
	op.RequestHeaders(h, body)
	r := Request{ContentType: h.Get("Content-Type"), Body: body}
	var found *Operation
	switch protocol := AtRoot(method, "", h); protocol {
	case Query:
		if r.Form, err = ParseForm("", r.ContentType, body); err == nil {
			_, found, err = FindAction(r.Form)
		}
	case JSON11:
		_, found, err = FindTarget(h.Get("X-Amz-Target"))
	case RestJSON:
	}
	if err != nil || found != op || path != "/" {
		t.Fatalf("%s %s %v %s leads to %v, %v", method, path, h, body, found, err)
	}
	second := reflect.New(inType)
	bindValid(t, op, second.Interface(), r)
	bindValid(t, op, nil, r)
	if d := cmp.Diff(first, second.Interface()); d != "" {
		t.Fatalf("input after a round (-first +second):\n%s\n%s", d, body)
	}
}

func requestRoundTrip(t *testing.T, router *Router, op *Operation, s *sampler) {
	t.Helper()
	inType := reflect.TypeOf(goTypes(op)[0])
	r := Request{ContentType: "application/json"}
	for _, m := range op.plan.labels {
		r.Labels = append(r.Labels, string(appendEscaped(nil, s.scalarText(m.shape))))
	}
	var query []string
	for name, m := range op.plan.query {
		if m.bit == 0 && s.rand.Float64() >= s.optional {
			continue
		}
		of, n := m.shape, 1
		if of.kind == list {
			of, n = of.elem, max(1, int(max(0, m.shape.min)))
		}
		for range n {
			query = append(query, name+"="+string(appendEscaped(nil, s.scalarText(of))))
		}
	}
	r.RawQuery = strings.Join(query, "&")
	if op.plan.body {
		r.Body = []byte(s.object(op.plan.in, 0, func(m *member) bool { return m.location == inBody }))
	}
	first := reflect.New(inType)
	bindValid(t, op, first.Interface(), r)
	bindValid(t, op, nil, r)

	method, target, body, err := op.EncodeRequest(first.Interface())
	if err != nil {
		t.Fatal(err)
	}
	path, rawQuery, _ := strings.Cut(target, "?")
	for _, path := range []string{path, strings.TrimSuffix(path, "/"), strings.TrimSuffix(path, "/") + "/"} {
		found, labels, ok := router.Match(method, path)
		if !ok || found != op {
			t.Fatalf("%s %s leads to %v", method, path, found)
		}
		second := reflect.New(inType)
		bindValid(t, op, second.Interface(), Request{Labels: labels, RawQuery: rawQuery, ContentType: "application/json", Body: body})
		if d := cmp.Diff(first.Interface(), second.Interface()); d != "" {
			t.Fatalf("input after a round (-first +second):\n%s", d)
		}
	}
}

func bindValid(t *testing.T, op *Operation, in any, r Request) {
	t.Helper()
	broken, err := op.Bind(in, r)
	if err == nil {
		err = broken.Err()
	}
	if err != nil {
		t.Fatalf("%v\nlabels %q\nquery %s\nbody %s", err, r.Labels, r.RawQuery, r.Body)
	}
}

func answerRoundTrip(t *testing.T, op *Operation, s *sampler) {
	t.Helper()
	outType := reflect.TypeOf(goTypes(op)[1])
	first := s.value(op, op.plan.out, outType, op.outputCodec)
	body, status := op.AppendOutput([]byte("kept"), first, "")
	if status != op.Success() {
		t.Errorf("status %d, want %d", status, op.Success())
	}
	body, ok := bytes.CutPrefix(body, []byte("kept"))
	if !ok {
		t.Error("AppendOutput does not append")
	}
	if status == http.StatusNoContent {
		if len(body) > 0 {
			t.Errorf("status 204 with body %s", body)
		}
		return
	}
	second := reflect.New(outType)
	if err := op.DecodeOutput(status, body, second.Interface()); err != nil {
		t.Fatalf("%v\n%s", err, body)
	}
	again, _ := op.AppendOutput(nil, second.Interface(), "")
	if !bytes.Equal(body, again) {
		t.Errorf("output after a round:\n%s\nwant:\n%s", again, body)
	}
	for _, empty := range []any{nil, reflect.Zero(reflect.PointerTo(outType)).Interface(), reflect.New(outType).Interface()} {
		body, _ := op.AppendOutput(nil, empty, "an-id")
		hasID := bytes.Contains(body, []byte(`equestId":"an-id"`)) || bytes.Contains(body, []byte("<RequestId>an-id</RequestId>"))
		if hasID != (op.plan.requestID != nil || op.service.protocol == Query) {
			t.Errorf("empty output %T is %s", empty, body)
		}
		if err := op.DecodeOutput(200, body, reflect.New(outType).Interface()); err != nil {
			t.Errorf("empty output %T is %s: %v", empty, body, err)
		}
	}
}

// What a required member lacks, and only that, is told.
func TestEveryRequiredMemberIsAskedFor(t *testing.T) {
	t.Parallel()
	for _, op := range allOperations() {
		if err := op.compile(); err != nil {
			t.Fatal(err)
		}
		s := &sampler{t: t, rand: rand.New(rand.NewPCG(1, 1))}
		r := Request{}
		for _, m := range op.plan.labels {
			r.Labels = append(r.Labels, string(appendEscaped(nil, s.scalarText(m.shape))))
		}
		broken, err := op.Bind(nil, r)
		if err != nil {
			t.Errorf("%s: %v", op.Name, err)
			continue
		}
		got := 0
		for _, m := range op.plan.in.members {
			if m.bit == 0 || m.location == inPath {
				continue
			}
			got++
			if want := fmt.Sprintf("Value null at '%s' failed to satisfy constraint: Member must not be null", m.path); !strings.Contains(broken.Err().Error(), want) {
				t.Errorf("%s without %s: %v", op.Name, m.name, broken.Err())
			}
		}
		if broken.count != got {
			t.Errorf("%s: %d violations, want %d: %v", op.Name, broken.count, got, broken.Err())
		}
	}
}

// A streamRoundTrip is an answerRoundTrip of an operation whose body is a stream.
func streamRoundTrip(t *testing.T, op *Operation) {
	t.Helper()
	outType := reflect.TypeOf(goTypes(op)[1])
	first := reflect.New(outType)
	sent := http.Header{}
	for _, m := range op.plan.headers {
		sent.Set(m.wire, "7") // a text and a number
	}
	sent.Set("Content-Type", "image/png")
	if err := op.DecodeStream(sent, 3, io.NopCloser(strings.NewReader("abc")), first.Interface()); err != nil {
		t.Fatal(err)
	}
	if body, status := op.AppendOutput(nil, first.Interface(), "id"); len(body) != 0 || status != op.Success() {
		t.Errorf("a body of its own: %s, status %d", body, status)
	}
	told := http.Header{}
	stream, err := op.Stream(first.Interface(), told)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(stream)
	sent.Set("Content-Length", "3")
	if d := cmp.Diff(sent, told); d != "" || string(got) != "abc" || err != nil {
		t.Errorf("%q, %v, headers after a round (-first +second):\n%s", got, err, d)
	}
	if _, err := op.Stream(reflect.New(outType).Interface(), http.Header{}); err == nil {
		t.Error("an output without a stream has one")
	}
	if err := op.DecodeStream(http.Header{}, 0, nil, nil); err == nil {
		t.Error("a stream is decoded into nothing")
	}
}
