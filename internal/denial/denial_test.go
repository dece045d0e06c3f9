package denial_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/denial"
	"onsight/internal/seal"
)

const account = "111122223333"

var example = denial.Message{
	ExplicitDeny: true,
	Matched: []denial.Statement{{
		ID: "NoDeletes", Effect: "Deny", Policy: "arn:aws:iam::111122223333:policy/Guard",
		Principals: []string{"AIDAEXAMPLEEXAMPLE000"}, Actions: []string{"quicksight:Delete*"}, Resources: []string{"*"},
		Conditions: map[string][]string{"aws:RequestedRegion": {"us-east-1", "eu-west-1"}},
	}},
	Principal: denial.Principal{ID: "AIDAEXAMPLEEXAMPLE000", Name: "ana", ARN: "arn:aws:iam::111122223333:user/ana"},
	Action:    "quicksight:DeleteUser", Resource: "arn:aws:quicksight:us-east-1:111122223333:user/default/bob",
	Conditions: map[string][]string{"aws:SourceIp": {"10.0.0.1"}, "aws:PrincipalArn": {"arn:aws:iam::111122223333:user/ana"}},
}

// want is the example in the shape of recorded answers of the real service.
const want = `{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[{"statementId":"NoDeletes","effect":"DENY",` +
	`"policy":"arn:aws:iam::111122223333:policy/Guard","principals":{"items":[{"value":"AIDAEXAMPLEEXAMPLE000"}]},"principalGroups":{"items":[]},` +
	`"actions":{"items":[{"value":"quicksight:Delete*"}]},"resources":{"items":[{"value":"*"}]},` +
	`"conditions":{"items":[{"key":"aws:RequestedRegion","values":{"items":[{"value":"us-east-1"},{"value":"eu-west-1"}]}}]}}]},` +
	`"failures":{"items":[]},"context":{"principal":{"id":"AIDAEXAMPLEEXAMPLE000","name":"ana","arn":"arn:aws:iam::111122223333:user/ana"},` +
	`"action":"quicksight:DeleteUser","resource":"arn:aws:quicksight:us-east-1:111122223333:user/default/bob",` +
	`"conditions":{"items":[{"key":"aws:PrincipalArn","values":{"items":[{"value":"arn:aws:iam::111122223333:user/ana"}]}},` +
	`{"key":"aws:SourceIp","values":{"items":[{"value":"10.0.0.1"}]}}]}}}`

func TestAMessageOpensForItsAccount(t *testing.T) {
	t.Parallel()
	keys := seal.New()
	encoded := denial.Encode(keys, account, example)
	if !regexp.MustCompile(`^[A-Za-z0-9_-]+$`).MatchString(encoded) {
		t.Errorf("the message has other characters than letters, digits, - and _: %s", encoded)
	}
	if len(encoded) > 1000 {
		t.Errorf("the example has %d characters, want at most 1000", len(encoded))
	}
	got, err := denial.Decode(keys, account, encoded)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
	if got, err := denial.Decode(keys, "444455556666", encoded); !errors.Is(err, denial.ErrInvalid) {
		t.Errorf("for another account: %s, %v; want %v", got, err, denial.ErrInvalid)
	}
	if got, err := denial.Decode(seal.New(), account, encoded); !errors.Is(err, denial.ErrInvalid) {
		t.Errorf("with another key: %s, %v; want %v", got, err, denial.ErrInvalid)
	}
}

func TestAnImplicitDenyHasEmptyLists(t *testing.T) {
	t.Parallel()
	keys := seal.New()
	got, err := denial.Decode(keys, account, denial.Encode(keys, account, denial.Message{Action: "a", Failures: []string{"Allow it."}}))
	if err != nil {
		t.Fatal(err)
	}
	want := `{"allowed":false,"explicitDeny":false,"matchedStatements":{"items":[]},"failures":{"items":[{"value":"Allow it."}]},` +
		`"context":{"principal":{"id":"","arn":""},"action":"a","resource":"","conditions":{"items":[]}}}`
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("decoded (-want +got):\n%s", diff)
	}
}

// TestAMessageIsBounded packs what cannot be packed.
func TestAMessageIsBounded(t *testing.T) {
	t.Parallel()
	random := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[rand.IntN(62)]
		}
		return string(b)
	}
	keys := seal.New()
	wide := example
	wide.Conditions = map[string][]string{"aws:UserAgent": {random(20000)}}
	deep := wide
	deep.Matched = []denial.Statement{{ID: "Long", Effect: "Deny", Actions: []string{random(20000)}}}
	huge := deep
	huge.Failures = []string{random(20000)}
	for name, c := range map[string]struct {
		m    denial.Message
		keep string
	}{"conditions": {wide, "NoDeletes"}, "statements": {deep, `"Long"`}, "everything": {huge, example.Resource}} {
		encoded := denial.Encode(keys, account, c.m)
		if encoded == "" || len(encoded) > denial.MaxLength {
			t.Errorf("%s: %d characters, want at most %d", name, len(encoded), denial.MaxLength)
		}
		text, err := denial.Decode(keys, account, encoded)
		if err != nil || !strings.Contains(text, c.keep) {
			t.Errorf("%s: decoded %s, %v; want something with %s", name, text, err, c.keep)
		}
	}
}

func FuzzDecode(f *testing.F) {
	keys := seal.New()
	genuine := denial.Encode(keys, account, example)
	f.Add(genuine)
	f.Add(genuine[:len(genuine)/2])
	f.Add(genuine + "\n")
	f.Add("")
	f.Add(base64.RawURLEncoding.EncodeToString(keys.Seal(nil, "authorization failure message\x00"+account)))
	f.Fuzz(func(t *testing.T, encoded string) {
		text, err := denial.Decode(keys, account, encoded)
		if err == nil && (encoded != genuine || !json.Valid([]byte(text))) {
			t.Errorf("%q opens as %q", encoded, text)
		}
	})
}
