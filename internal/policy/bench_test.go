package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"onsight/internal/policy"
)

// attachedStatements makes a user with n statements in policies of ten, the
// last of which allows what benchmarks ask for.
func attachedStatements(tb testing.TB, n int, condition string) policy.Subject {
	tb.Helper()
	verbs := []string{"Create", "Update", "Delete", "List", "Search"}
	nouns := []string{"Group", "Dashboard", "DataSet", "Topic", "Theme", "Folder", "Brand", "Template"}
	var attached []policy.Attached
	for done := 0; done < n; {
		var statements []string
		for ; done < n && len(statements) < 10; done++ {
			verb, noun := verbs[done%len(verbs)], nouns[done/len(verbs)%len(nouns)]
			action, effect := fmt.Sprintf(`["quicksight:%s%s","quicksight:Describe%sPermissions"]`, verb, noun, noun), "Allow"
			resource := fmt.Sprintf("arn:aws:quicksight:*:111122223333:%s/%d*", strings.ToLower(noun), done)
			switch {
			case done == n-1:
				action, resource = `["quicksight:Describe*","quicksight:List*"]`, "arn:aws:quicksight:us-east-1:111122223333:user/default/*"
			case done%7 == 3:
				effect = "Deny"
			case done%9 == 2:
				action = `"quicksight:*Permissions"`
			}
			statements = append(statements, fmt.Sprintf(`{"Effect":%q,"Action":%s,"Resource":%q%s}`, effect, action, resource, condition))
		}
		p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[`+strings.Join(statements, ",")+`]}`)
		if err != nil {
			tb.Fatal(err)
		}
		attached = append(attached, policy.Attached{ID: fmt.Sprint("policy-", len(attached)), Policy: p})
	}
	ana := policy.Principal{
		Type: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ana",
		UserID: "AIDAANAANAANAANAANA22", UserName: "ana", Tags: map[string]string{"team": "bi"},
	}
	return policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, attached...)}
}

var describeUser = policy.NewAction("quicksight:DescribeUser")

const userARN = "arn:aws:quicksight:us-east-1:111122223333:user/default/role/session"

func BenchmarkDecide(b *testing.B) {
	for _, bench := range []struct{ name, condition string }{
		{"plain", ""},
		{"conditions", `,"Condition":{"StringEquals":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"Bool":{"aws:SecureTransport":"true"}}`},
	} {
		for _, n := range []int{1, 10, 100} {
			b.Run(fmt.Sprintf("%s/%d", bench.name, n), func(b *testing.B) {
				s := attachedStatements(b, n, bench.condition)
				var keys policy.Context = policy.Contexts{s.Principal.Keys(), policy.Keys{"aws:sourceip": {"203.0.113.7"}, "aws:securetransport": {"true"}}}
				r := policy.Request{Action: describeUser, Resource: userARN, Account: "111122223333", Context: keys}
				if d := s.Decide(&r); !d.Allowed() {
					b.Fatalf("decided %+v", d)
				}
				b.ReportAllocs()
				for b.Loop() {
					if d := s.Decide(&r); !d.Allowed() {
						b.Fatal(d)
					}
				}
			})
		}
	}
}

func BenchmarkDecideAdministrator(b *testing.B) {
	p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		b.Fatal(err)
	}
	s := policy.Subject{Principal: policy.Principal{Type: policy.User, Account: "111122223333"}, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
	r := policy.Request{Action: describeUser, Resource: userARN, Account: "111122223333"}
	b.ReportAllocs()
	for b.Loop() {
		if d := s.Decide(&r); !d.Allowed() {
			b.Fatal(d)
		}
	}
}

// BenchmarkDecideOwn is a policy with a variable in its resource.
func BenchmarkDecideOwn(b *testing.B) {
	p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:DescribeUser","Resource":"arn:aws:quicksight:*:*:user/default/${aws:username}"}}`)
	if err != nil {
		b.Fatal(err)
	}
	who := policy.Principal{Type: policy.User, Account: "111122223333", UserName: "ana"}
	s := policy.Subject{Principal: who, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
	r := policy.Request{Action: describeUser, Resource: "arn:aws:quicksight:us-east-1:111122223333:user/default/ana", Context: who.Keys()}
	b.ReportAllocs()
	for b.Loop() {
		if d := s.Decide(&r); !d.Allowed() {
			b.Fatal(d)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	const document = `{"Version":"2012-10-17","Statement":[
		{"Sid":"Read","Effect":"Allow","Action":["quicksight:Describe*","quicksight:List*","quicksight:Search*"],"Resource":"*"},
		{"Sid":"Own","Effect":"Allow","Action":"quicksight:UpdateUser","Resource":"arn:aws:quicksight:*:111122223333:user/default/${aws:username}"},
		{"Sid":"Far","Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","2001:db8::/32"]}}}]}`
	b.ReportAllocs()
	for b.Loop() {
		if _, err := policy.Parse(policy.Identity, document); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkNewSet(b *testing.B) {
	for _, n := range []int{1, 10, 100} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			s := attachedStatements(b, n, "")
			policies := s.Identity.Policies()
			b.ReportAllocs()
			for b.Loop() {
				policy.NewSet(policy.Identity, policies...)
			}
		})
	}
}

// TestDecideAllocatesNothing keeps authorisation off the heap.
func TestDecideAllocatesNothing(t *testing.T) {
	for name, condition := range map[string]string{
		"plain":      "",
		"conditions": `,"Condition":{"StringLike":{"aws:PrincipalTag/team":"${aws:PrincipalTag/team}*"},"IpAddress":{"aws:SourceIp":"203.0.113.0/24"},"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/a?a"}}`,
	} {
		s := attachedStatements(t, 100, condition)
		var keys policy.Context = policy.Contexts{s.Principal.Keys(), policy.Keys{"aws:sourceip": {"203.0.113.7"}}}
		r := policy.Request{Action: describeUser, Resource: userARN, Context: keys}
		if d := s.Decide(&r); !d.Allowed() {
			t.Fatalf("%s: decided %+v", name, d)
		}
		if n := testing.AllocsPerRun(100, func() { s.Decide(&r) }); n != 0 {
			t.Errorf("%s: %g allocations for a decision, want none", name, n)
		}
	}
}
