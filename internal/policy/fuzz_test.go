package policy_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"onsight/internal/policy"
)

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		document(allowAll), document("[" + allowDescribe + "," + denyDescribe + "]"), document(grant("Allow", `"*"`)), document(trusts(`{"AWS":["111122223333"]}`)),
		document(`{"Effect":"Deny","NotAction":["a:*","b:c?"],"NotResource":["arn:aws:s3:::${aws:username, 'x'}*"],"Condition":{"ForAnyValue:StringLikeIfExists":{"a":["*",1,true]},"NumericEquals":{"b":-0.5},"DateLessThan":{"c":"2026"},"IpAddress":{"d":"::/0"},"ArnLike":{"e":"arn:aws:iam::*:${f}"},"Null":{"g":false},"BinaryEquals":{"h":"AAE="}}}`),
		`{"Statement":[{"Sid":"\u00e9\ud83d\ude00\n"}]}`, `[[[[`, `{"a":1,"a":2}`, `{"Version":null}`, "\ufeff{}",
	} {
		for kind := policy.Identity; kind <= policy.Trust; kind++ {
			f.Add(byte(kind), seed)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, text string) {
		k := policy.Kind(kind%6) + policy.Identity
		start := time.Now()
		p, err := policy.Parse(k, text)
		if took := time.Since(start); took > 10*time.Second {
			t.Errorf("%d bytes took %s", len(text), took)
		}
		if err != nil {
			broken, ok := errors.AsType[*policy.SyntaxError](err)
			if !ok || broken.Text == "" || broken.Detail == "" || broken.Line < 1 || broken.Column < 1 || broken.Line > strings.Count(text, "\n")+1 {
				t.Errorf("error %#v", err)
			}
			return
		}
		if !json.Valid([]byte(text)) {
			t.Errorf("what is no JSON was read: %q", text)
		}
		same, err := policy.RenamePrincipals(k, text, func(name string) string { return name })
		if err != nil || same != text {
			t.Errorf("renaming nothing gives %q, %v", same, err)
		}
		for i := range p.Len() {
			if start, end := p.Span(i); end.Line < start.Line || start.Line < 1 || start.Column < 1 {
				t.Errorf("statement %d spans %v to %v", i, start, end)
			}
		}
		policy.ContextKeys(p)
		set := policy.NewSet(k, policy.Attached{ID: "p", Policy: p})
		s := policy.Subject{Principal: ana, Identity: set}
		r := policy.Request{Action: policy.NewAction(describe), Resource: user, Context: ana.Keys()}
		if k == policy.ResourceBased || k == policy.Trust {
			s.Identity, r.Policy = nil, set
		}
		d := s.Decide(&r)
		if x := s.Explain(&r); x.Decision != d {
			t.Errorf("Explain decides %+v, Decide %+v", x.Decision, d)
		}
		if sim := s.Simulate(&r); sim.Decision != d {
			t.Errorf("Simulate decides %+v, Decide %+v", sim.Decision, d)
		}
		s.Reach(r.Action)
	})
}
