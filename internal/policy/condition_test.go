package policy_test

import (
	"encoding/json"
	"strings"
	"testing"

	"onsight/internal/policy"
)

// TestConditions holds the table of operators. A request that has none of the
// values is written as nil.
func TestConditions(t *testing.T) {
	t.Parallel()
	type values = []string
	for _, tt := range []struct {
		operator string
		policy   values
		request  values
		want     bool
	}{
		// Strings.
		{"StringEquals", values{"bi"}, values{"bi"}, true},
		{"StringEquals", values{"bi"}, values{"BI"}, false},
		{"StringEquals", values{"it", "bi"}, values{"bi"}, true},
		{"StringEquals", values{"b*"}, values{"bi"}, false},
		{"StringEquals", values{"b*"}, values{"b*"}, true},
		{"StringEquals", values{""}, values{""}, true},
		{"StringEquals", values{"bi"}, nil, false},
		{"StringEquals", values{}, values{"bi"}, false},
		{"StringNotEquals", values{"bi"}, values{"it"}, true},
		{"StringNotEquals", values{"it", "bi"}, values{"bi"}, false},
		{"StringNotEquals", values{"bi"}, nil, true},
		{"StringNotEquals", values{}, values{"bi"}, true},
		{"StringEqualsIgnoreCase", values{"BÌ"}, values{"bì"}, true},
		{"StringEqualsIgnoreCase", values{"bi"}, values{"it"}, false},
		{"StringNotEqualsIgnoreCase", values{"BI"}, values{"bi"}, false},
		{"StringNotEqualsIgnoreCase", values{"BI"}, nil, true},
		{"StringLike", values{"b*i?"}, values{"b--i-"}, true},
		{"StringLike", values{"b*i?"}, values{"bi"}, false},
		{"StringLike", values{"?"}, values{"é"}, true},
		{"StringLike", values{"*"}, values{""}, true},
		{"StringLike", values{"*"}, nil, false},
		{"StringLike", values{"B*"}, values{"bi"}, false},
		{"StringNotLike", values{"b*"}, values{"bi"}, false},
		{"StringNotLike", values{"b*"}, values{"it"}, true},

		// Numbers.
		{"NumericEquals", values{"10"}, values{"10.0"}, true},
		{"NumericEquals", values{"-0"}, values{"0"}, true},
		{"NumericEquals", values{"9007199254740993"}, values{"9007199254740992"}, false},
		{"NumericEquals", values{"0.1"}, values{".10"}, true},
		{"NumericNotEquals", values{"10"}, values{"11"}, true},
		{"NumericNotEquals", values{"10"}, values{"10"}, false},
		{"NumericLessThan", values{"3600"}, values{"3599.9"}, true},
		{"NumericLessThan", values{"3600"}, values{"3600"}, false},
		{"NumericLessThan", values{"-2"}, values{"-10"}, true},
		{"NumericLessThan", values{"100"}, values{"99"}, true},
		{"NumericLessThanEquals", values{"3600"}, values{"3600.0"}, true},
		{"NumericGreaterThan", values{"5", "50"}, values{"10"}, true},
		{"NumericGreaterThan", values{"0.05"}, values{"0.5"}, true},
		{"NumericGreaterThanEquals", values{"-1"}, values{"-1"}, true},
		{"NumericLessThan", values{"3600"}, nil, false},
		{"NumericNotEquals", values{"3600"}, nil, true},
		{"NumericEquals", values{"10"}, values{"ten"}, false},
		{"NumericNotEquals", values{"10"}, values{"ten"}, false},
		{"NumericLessThan", values{"10"}, values{""}, false},
		{"NumericLessThan", values{"10"}, values{"1e0"}, false},

		// Dates.
		{"DateEquals", values{"2026-01-31T12:00:00Z"}, values{"2026-01-31T13:00:00+01:00"}, true},
		{"DateEquals", values{"1769860800"}, values{"2026-01-31T12:00:00Z"}, true},
		{"DateNotEquals", values{"2026-01-31"}, values{"2026-01-31T00:00:00Z"}, false},
		{"DateLessThan", values{"2026-02"}, values{"2026-01-31T23:59:59Z"}, true},
		{"DateLessThan", values{"2026-01-31T12:00Z"}, values{"2026-01-31T12:00:00Z"}, false},
		{"DateLessThanEquals", values{"2026-01-31T12:00Z"}, values{"2026-01-31T12:00:00Z"}, true},
		{"DateGreaterThan", values{"2026"}, values{"2026-01-01T00:00:00.001Z"}, true},
		{"DateGreaterThanEquals", values{"2026"}, values{"1767225600"}, true},
		{"DateGreaterThan", values{"2026"}, values{"soon"}, false},
		{"DateNotEquals", values{"2026"}, values{"soon"}, false},
		{"DateGreaterThan", values{"2026"}, nil, false},

		// Booleans and bytes.
		{"Bool", values{"true"}, values{"TRUE"}, true},
		{"Bool", values{"False"}, values{"false"}, true},
		{"Bool", values{"true"}, values{"false"}, false},
		{"Bool", values{"true", "false"}, values{"false"}, true},
		{"Bool", values{"true"}, nil, false},
		{"Bool", values{"false"}, nil, false},
		{"Bool", values{"false"}, values{"no"}, false},
		{"BoolIfExists", values{"false"}, nil, true},
		{"BoolIfExists", values{"false"}, values{"true"}, false},
		{"BinaryEquals", values{"AAE="}, values{"AAE="}, true},
		{"BinaryEquals", values{"AAE="}, values{"AAI="}, false},
		{"BinaryEquals", values{"AAE="}, values{"?"}, false},

		// Addresses.
		{"IpAddress", values{"203.0.113.0/24"}, values{"203.0.113.255"}, true},
		{"IpAddress", values{"203.0.113.5/24"}, values{"203.0.113.6"}, true},
		{"IpAddress", values{"203.0.113.0/24"}, values{"203.0.114.0"}, false},
		{"IpAddress", values{"203.0.113.7"}, values{"203.0.113.7"}, true},
		{"IpAddress", values{"203.0.113.7"}, values{"::ffff:203.0.113.7"}, true},
		{"IpAddress", values{"2001:db8::/32"}, values{"2001:db8:ffff::1"}, true},
		{"IpAddress", values{"0.0.0.0/0"}, values{"2001:db8::1"}, false},
		{"IpAddress", values{"203.0.113.0/24", "2001:db8::/32"}, values{"2001:db8::1"}, true},
		{"IpAddress", values{"203.0.113.0/24"}, nil, false},
		{"IpAddress", values{"fe80::/10"}, values{"fe80::1%eth0"}, false},
		{"NotIpAddress", values{"203.0.113.0/24"}, values{"192.0.2.1"}, true},
		{"NotIpAddress", values{"203.0.113.0/24"}, values{"203.0.113.1"}, false},
		{"NotIpAddress", values{"203.0.113.0/24"}, nil, true},
		{"NotIpAddress", values{"203.0.113.0/24"}, values{"localhost"}, false},

		// ARNs.
		{"ArnEquals", values{"arn:aws:iam::111122223333:role/r*"}, values{"arn:aws:iam::111122223333:role/reader"}, true},
		{"ArnLike", values{"arn:aws:iam::111122223333:role/r"}, values{"arn:aws:iam::111122223333:role/r"}, true},
		{"ArnLike", values{"arn:aws:iam::1111*:*"}, values{"arn:aws:iam::111122223333:role/a:b/c"}, true},
		{"ArnLike", values{"arn:aws:*:role/x:y:z"}, values{"arn:aws:iam::111122223333:role/x"}, false},
		{"ArnLike", values{"arn:aws:i*:111122223333:*:*"}, values{"arn:aws:iam::111122223333:role/x"}, false},
		{"ArnLike", values{"arn:aws:iam::111122223333:*"}, values{"arn:aws:sts::111122223333:role/x"}, false},
		{"ArnLike", values{"*"}, values{"arn:aws:iam::111122223333:role/x"}, true},
		{"ArnLike", values{"*"}, values{"x"}, false},
		{"ArnLike", values{"arn:aws:iam::*:role/x"}, nil, false},
		{"ArnNotLike", values{"arn:aws:iam::*:role/x"}, nil, true},
		{"ArnNotEquals", values{"arn:aws:iam::*:role/x"}, values{"arn:aws:iam::111122223333:role/y"}, true},
		{"ArnNotEquals", values{"arn:aws:iam::*:role/x"}, values{"arn:aws:iam::111122223333:role/x"}, false},
		{"ArnNotLike", values{"arn:aws:iam::*:role/x"}, values{"ana"}, false},

		// Null.
		{"Null", values{"true"}, nil, true},
		{"Null", values{"true"}, values{"x"}, false},
		{"Null", values{"false"}, nil, false},
		{"Null", values{"false"}, values{"x"}, true},
		{"Null", values{"true"}, values{""}, true},
		{"Null", values{"true", "false"}, nil, true},
		{"Null", values{}, nil, false},

		// Keys that may be absent.
		{"StringEqualsIfExists", values{"bi"}, nil, true},
		{"StringEqualsIfExists", values{"bi"}, values{"it"}, false},
		{"StringNotEqualsIfExists", values{"bi"}, nil, true},
		{"NumericLessThanIfExists", values{"1"}, nil, true},
		{"IpAddressIfExists", values{"203.0.113.7"}, values{"192.0.2.1"}, false},

		// Keys with several values.
		{"StringEquals", values{"bi"}, values{"it", "bi"}, true},
		{"StringNotEquals", values{"bi"}, values{"it", "bi"}, false},
		{"StringNotEquals", values{"bi"}, values{"it", "hr"}, true},
		{"ForAllValues:StringEquals", values{"bi", "it"}, values{"it", "bi", "it"}, true},
		{"ForAllValues:StringEquals", values{"bi", "it"}, values{"it", "hr"}, false},
		{"ForAllValues:StringEquals", values{"bi"}, nil, true},
		{"ForAllValues:StringEquals", values{"bi"}, values{""}, true},
		{"ForAllValues:StringEquals", values{}, values{"bi"}, false},
		{"ForAllValues:StringLike", values{"b*"}, values{"bi", "bo"}, true},
		{"ForAllValues:StringNotEquals", values{"bi"}, values{"it", "hr"}, true},
		{"ForAllValues:StringNotEquals", values{"bi"}, values{"it", "bi"}, false},
		{"ForAllValues:NumericLessThan", values{"5"}, values{"1", "x"}, false},
		{"ForAnyValue:StringEquals", values{"bi"}, values{"it", "bi"}, true},
		{"ForAnyValue:StringEquals", values{"bi"}, values{"it", "hr"}, false},
		{"ForAnyValue:StringEquals", values{"bi"}, nil, false},
		{"ForAnyValue:StringEquals", values{""}, values{""}, false},
		{"ForAnyValue:StringNotEquals", values{"bi"}, values{"bi", "it"}, true},
		{"ForAnyValue:StringNotEquals", values{"bi"}, values{"bi"}, false},
		{"ForAnyValue:StringNotEquals", values{"bi"}, nil, false},
		{"ForAnyValue:NumericLessThan", values{"5"}, values{"x", "1"}, true},
		{"ForAnyValue:StringEqualsIfExists", values{"bi"}, nil, true},
		{"ForAllValues:StringEqualsIfExists", values{"bi"}, values{"it"}, false},
		{"ForAllValues:ArnLike", values{"arn:aws:iam::*:role/*"}, values{"arn:aws:iam::111122223333:role/x"}, true},

		// Variables.
		{"StringEquals", values{"${aws:username}"}, values{"ana"}, true},
		{"StringEquals", values{"x${AWS:UserName}y"}, values{"xanay"}, true},
		{"StringEqualsIgnoreCase", values{"${aws:username}"}, values{"ANA"}, true},
		{"StringLike", values{"${aws:username}*"}, values{"anastasia"}, true},
		{"StringEquals", values{"${aws:nothing}"}, values{"${aws:nothing}"}, false},
		{"StringNotEquals", values{"${aws:nothing}"}, values{"x"}, true},
		{"StringLike", values{"${aws:nothing}*"}, values{"x"}, false},
		{"StringEqualsIgnoreCase", values{"${aws:nothing}"}, values{""}, false},
		{"StringEquals", values{"${aws:nothing, 'x y'}"}, values{"x y"}, true},
		{"StringEquals", values{"${aws:username,'x'}"}, values{"ana"}, true},
		{"StringEquals", values{"${aws:nothing, ''}"}, values{""}, true},
		{"StringLike", values{"${*}${?}${$}"}, values{"*?$"}, true},
		{"StringLike", values{"${*}"}, values{"x"}, false},
		{"StringLike", values{"${aws:star}"}, values{"x"}, false},
		{"StringLike", values{"${aws:star}"}, values{"*"}, true},
		{"StringEquals", values{"${aws:TagKeys}"}, values{"one"}, false},
		{"StringEquals", values{"${aws:TagKeys, 'one'}"}, values{"one"}, true},
		{"StringEquals", values{"${aws:two}"}, values{"a"}, false},
		{"ArnLike", values{"arn:aws:iam::111122223333:user/${aws:username}"}, values{"arn:aws:iam::111122223333:user/ana"}, true},
		{"ArnLike", values{"${aws:PrincipalArn}"}, values{"arn:aws:iam::111122223333:user/ana"}, true},
		{"ArnLike", values{"${aws:PrincipalArn}"}, values{"arn:aws:iam::111122223333:user/bo"}, false},
		{"ArnLike", values{"arn:aws:iam::${aws:PrincipalAccount}:*"}, values{"arn:aws:iam::111122223333:user/ana"}, true},
		{"ArnLike", values{"arn:aws:iam::${aws:nothing}:*"}, values{"arn:aws:iam::111122223333:user/ana"}, false},
	} {
		name := tt.operator + " " + strings.Join(tt.policy, ",") + " of " + strings.Join(tt.request, ",")
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			want, err := json.Marshal(tt.policy)
			if err != nil {
				t.Fatal(err)
			}
			keys := policy.Keys{
				"aws:username": {"ana"}, "aws:star": {"*"}, "aws:two": {"a", "b"}, "aws:tagkeys": {"one"},
				"aws:principalarn": {"arn:aws:iam::111122223333:user/ana"}, "aws:principalaccount": {"111122223333"},
			}
			if tt.request != nil {
				keys["test:key"] = tt.request
			}
			p := parse(t, policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"`+tt.operator+`":{"Test:Key":`+string(want)+`}}}`))
			s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
			if got := s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: "*", Context: keys}).Allowed(); got != tt.want {
				t.Errorf("%q of the policy with %q of the request: %t, want %t", tt.policy, tt.request, got, tt.want)
			}
		})
	}
}

// TestConditionsTogether takes several at once: all must hold.
func TestConditionsTogether(t *testing.T) {
	t.Parallel()
	p := parse(t, policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{
		"StringEquals":{"a:one":["x","y"],"a:two":"z"},"NumericLessThan":{"a:three":"5"}}}`))
	s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
	all := policy.Keys{"a:one": {"y"}, "a:two": {"z"}, "a:three": {"4"}}
	decide := func(keys policy.Keys) bool {
		return s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: "*", Context: keys}).Allowed()
	}
	if !decide(all) {
		t.Error("all hold, and it is denied")
	}
	for key := range all {
		less := policy.Keys{}
		for k, v := range all {
			if k != key {
				less[k] = v
			}
		}
		if decide(less) {
			t.Errorf("without %s it is allowed", key)
		}
	}
	if s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: "*"}).Allowed() {
		t.Error("without a context it is allowed")
	}
}

// TestOddValuesFailClosed gives values that are not of the operator's type: no
// Allow applies, and each Deny does.
func TestOddValuesFailClosed(t *testing.T) {
	t.Parallel()
	for _, condition := range []string{
		`"NumericLessThan":{"a:odd":"5"}`, `"NumericNotEquals":{"a:odd":"5"}`, `"DateLessThan":{"a:odd":"2026"}`, `"Bool":{"a:odd":"true"}`,
		`"BinaryEquals":{"a:odd":"AAE="}`, `"IpAddress":{"a:odd":"10.0.0.0/8"}`, `"NotIpAddress":{"a:odd":"10.0.0.0/8"}`,
		`"ArnLike":{"a:odd":"arn:aws:iam::*:role/x"}`, `"ArnNotLike":{"a:odd":"arn:aws:iam::*:role/x"}`, `"ForAllValues:NumericEquals":{"a:odd":"5"}`,
		`"ForAnyValue:NumericEqualsIfExists":{"a:odd":"5"}`,
	} {
		for _, effect := range []string{"Allow", "Deny"} {
			p := parse(t, policy.Identity, document(`[{"Effect":"`+effect+`","Action":"a:b","Resource":"*","Condition":{`+condition+`,"StringEquals":{"a:fine":"yes"}}}]`))
			s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
			d := s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: "*", Context: policy.Keys{"a:odd": {"odd!"}, "a:fine": {"yes"}}})
			want := map[string]policy.Outcome{"Allow": policy.ImplicitDeny, "Deny": policy.ExplicitDeny}[effect]
			if d.Outcome != want {
				t.Errorf("%s if %s: %s, want %s", effect, condition, d.Outcome, want)
			}
			// What does not hold for certain outweighs what is not known.
			d = s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: "*", Context: policy.Keys{"a:odd": {"odd!"}, "a:fine": {"no"}}})
			if d.Outcome != policy.ImplicitDeny {
				t.Errorf("%s if %s and something that is false: %s", effect, condition, d.Outcome)
			}
		}
	}
}

// TestResources matches the Resource element with ARNs.
func TestResources(t *testing.T) {
	t.Parallel()
	const arn = "arn:aws:quicksight:us-east-1:111122223333:"
	for _, tt := range []struct {
		pattern, resource string
		want, notResource bool // of an Allow with Resource, and with NotResource
	}{
		{"*", "*", true, false},
		{"*", arn + "user/default/ana", true, false},
		{arn + "user/default/ana", arn + "user/default/ana", true, false},
		{arn + "user/default/ana", arn + "user/default/anastasia", false, true},
		{arn + "user/default/*", arn + "user/default/role/session", true, false},
		{arn + "user/default/*", arn + "user/default/*", true, false},
		{arn + "user/default/*", arn + "user/default/", true, false},
		{arn + "user/*/ana", arn + "user/default/ana", true, false},
		{arn + "*/default/a?a", arn + "user/default/aña", true, false},
		{arn + "user/default/a??a", arn + "user/default/aña", false, true},
		{"arn:aws:quicksight:*:*:*", arn + "user/default/ana", true, false},
		{"arn:aws*:quicksight::111122223333:*", arn + "user/default/ana", false, true},
		{"arn:aws:quicksight", arn + "user/default/ana", true, false},
		{"arn:aws:quicksight:*", arn + "user/default/ana", true, false},
		{"arn:aws:quicksight:eu-*", arn + "user/default/ana", false, true},
		{"arn:aws:iam:*", arn + "user/default/ana", false, true},
		{"arn:aws:quicksight:*:*:*", "*", false, true},
		{"arn:aws:quicksight:*:*:*", "arn:aws:quicksight:us-east-1:111122223333", false, true},
		{"arn:aws:quicksight:*:1111????3333:user/*", arn + "user/default/ana", true, false},
		{arn + "user/default/${aws:username}", arn + "user/default/ana", true, false},
		{arn + "user/default/${aws:username}", arn + "user/default/bo", false, true},
		{arn + "user/default/${aws:username}/*", arn + "user/default/ana/x", true, false},
		{arn + "user/${aws:username}${aws:username}*a", arn + "user/anaana-a", true, false},
		{arn + "*${aws:username}?", arn + "user/default/an-ana!", true, false},
		{arn + "*?${aws:username}*", arn + "user/default/an-ana!", true, false},
		{arn + "*${aws:username}*", arn + "user/default/bo", false, true},
		{arn + "user/default/${aws:star}", arn + "user/default/ana", false, true},
		{arn + "user/default/${aws:star}", arn + "user/default/*", true, false},
		{arn + "user/default/${*}", arn + "user/default/ana", false, true},
		{arn + "user/default/${aws:nothing}", arn + "user/default/ana", false, false},
		{arn + "user/default/${aws:nothing}*", arn + "user/default/ana", false, false},
		{arn + "group/${aws:nothing}", arn + "user/default/ana", false, false},
		{"arn:aws:quicksight:*:*:group/${aws:nothing}", arn + "user/default/ana", false, false},
		{"arn:aws:quicksight:eu-*:*:group/${aws:nothing}", arn + "user/default/ana", false, false},
		{arn + "user/default/${aws:nothing, 'ana'}", arn + "user/default/ana", true, false},
		{arn + "user/default/${aws:two, 'ana'}", arn + "user/default/ana", false, false},
	} {
		keys := policy.Keys{"aws:username": {"ana"}, "aws:star": {"*"}, "aws:two": {"a", "b"}}
		for element, want := range map[string]bool{"Resource": tt.want, "NotResource": tt.notResource} {
			p := parse(t, policy.Identity, document(`{"Effect":"Allow","Action":"*","`+element+`":"`+tt.pattern+`"}`))
			s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
			if got := s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: tt.resource, Context: keys}).Allowed(); got != want {
				t.Errorf("%s %s with %s: %t, want %t", element, tt.pattern, tt.resource, got, want)
			}
		}
		// A Deny of all but what is not known denies.
		p := parse(t, policy.Identity, document(`{"Effect":"Deny","Action":"*","NotResource":"`+tt.pattern+`"}`))
		s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{Policy: p})}
		if got := s.Decide(&policy.Request{Action: policy.NewAction("a:b"), Resource: tt.resource, Context: keys}).Outcome == policy.ExplicitDeny; got == tt.want {
			t.Errorf("Deny NotResource %s with %s: %t, want %t", tt.pattern, tt.resource, got, !tt.want)
		}
	}
}
