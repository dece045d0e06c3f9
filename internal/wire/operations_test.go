package wire

import (
	"bytes"
	"fmt"
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
		QuickSight: qsTypes, IAM: iamapiTypes, STS: stsapiTypes, CloudTrail: cloudtrailapiTypes,
	}[op.service.name][op.Name]
}

// Every operation, with few and with many members, makes the way from a client
// to a handler and back.
func TestEveryOperationRoundTrips(t *testing.T) {
	t.Parallel()
	router := NewRouter(Operations())
	if got, want := len(Operations()), len(qsTypes); got != want {
		t.Fatalf("%d operations, want %d", got, want)
	}
	for i, op := range Operations() {
		t.Run(op.Name, func(t *testing.T) {
			t.Parallel()
			if err := op.compile(); err != nil {
				t.Fatal(err)
			}
			for j, optional := range []float64{0, 0.3, 1} {
				s := &sampler{t: t, rand: rand.New(rand.NewPCG(uint64(i), uint64(j))), optional: optional}
				requestRoundTrip(t, router, op, s)
				answerRoundTrip(t, op, s)
			}
		})
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
	want := s.object(op.plan.out, 0, func(m *member) bool { return m.location == inBody && m != op.plan.status && m != op.plan.requestID })
	first := reflect.New(outType)
	if err := op.DecodeOutput(op.Success(), []byte(want), first.Interface()); err != nil {
		t.Fatalf("%v\n%s", err, want)
	}
	body, status := op.AppendOutput([]byte("kept"), first.Interface(), "")
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
		hasID := bytes.Contains(body, []byte(`equestId":"an-id"`))
		if hasID != (op.plan.requestID != nil) {
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
	for _, op := range Operations() {
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
