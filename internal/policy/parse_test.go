package policy_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/policy"
)

// document wraps statements.
func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":` + statements + `}`
}

func TestParse(t *testing.T) {
	t.Parallel()
	const rest = `"Effect":"Allow","Action":"quicksight:*","Resource":"*"`
	for name, tt := range map[string]struct {
		kind policy.Kind
		text string
	}{
		"one statement":              {policy.Identity, document(`{` + rest + `}`)},
		"a list of one":              {policy.Identity, document(`[{` + rest + `}]`)},
		"without a version":          {policy.Identity, `{"Statement":{` + rest + `}}`},
		"of the old version":         {policy.Identity, `{"Version":"2008-10-17","Statement":{` + rest + `}}`},
		"with an id":                 {policy.Identity, `{"Id":"x y","Statement":{` + rest + `}}`},
		"white space":                {policy.Identity, " \r\n\t{ \"Statement\" :\n[ {" + rest + "} ]\n}\n"},
		"two sids":                   {policy.Identity, document(`[{"Sid":"A",` + rest + `},{"Sid":"B",` + rest + `}]`)},
		"empty sids":                 {policy.Identity, document(`[{"Sid":"",` + rest + `},{"Sid":"",` + rest + `}]`)},
		"escapes":                    {policy.Identity, document(`{"Effect":"\u0041llow","Action":"quicksight:*","Resource":"arn:aws:quicksight:*:*:user\/\ud83d\ude00\""}`)},
		"every action":               {policy.Identity, document(`{"Effect":"Deny","NotAction":"*","NotResource":"*"}`)},
		"action with odd characters": {policy.Identity, document(`{"Effect":"Allow","Action":["s3-x.y:Do it/?*"],"Resource":"*"}`)},
		"short ARNs":                 {policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":["arn:aws:quicksight","arn:aws:quicksight:*","arn:*:quicksight:us-east-1:*"]}`)},
		"IAM resources":              {policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":["arn:aws:iam::*:*","arn:aws:iam::111122223333:r*","arn:aws:iam::aws:policy/x","arn:aws:iam::*:user/${aws:username}"]}`)},
		"variables":                  {policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${aws:PrincipalTag/cost center , 'a,b'}/${*}${?}${$}"}`)},
		"old variables are text":     {policy.Identity, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::${"}}`},
		"all conditions": {policy.Boundary, document(`{` + rest + `,"Condition":{
			"StringEquals":{"a":"x"},"StringNotEqualsIgnoreCaseIfExists":{"a":["x","y"]},"ForAllValues:StringLike":{"a":[]},"ForAnyValue:StringNotLikeIfExists":{"a":"*"},
			"NumericLessThanEquals":{"a":5,"b":"-5.25"},"NumericEquals":{"a":"+.5"},"DateGreaterThan":{"a":"2026-01-31T00:00:00.25+01:00","b":1700000000,"c":"2026"},"Bool":{"a":true,"b":"False"},
			"BinaryEquals":{"a":"AAE="},"IpAddress":{"a":"10.0.0.0/8","b":"::1"},"ArnLike":{"a":["arn:aws:iam::*:role/x","*","${aws:PrincipalArn}"]},"Null":{"a":"true","b":false}}}`)},
		"empty conditions":      {policy.Session, document(`{` + rest + `,"Condition":{}}`)},
		"an empty operator":     {policy.ServiceControl, document(`{` + rest + `,"Condition":{"StringEquals":{}}}`)},
		"everyone":              {policy.ResourceBased, document(`{"Sid":"of a service","Principal":"*",` + rest + `}`)},
		"principals":            {policy.ResourceBased, document(`{"Principal":{"AWS":["*","111122223333","arn:aws:iam::111122223333:root","arn:aws:iam::111122223333:user/p/ana","arn:aws:sts::111122223333:assumed-role/r/s","arn:aws:sts::111122223333:federated-user/f","AIDAANAANAANAANAANA22"],"Service":"quicksight.amazonaws.com","Federated":"accounts.google.com","CanonicalUser":"79a5"},` + rest + `}`)},
		"users of the service":  {policy.ResourceBased, document(`{"Principal":{"AWS":["arn:aws:quicksight:us-east-1:111122223333:user/default/ana","arn:aws:quicksight:us-east-1:111122223333:group/default/all"]},` + rest + `}`)},
		"not principals":        {policy.ResourceBased, document(`{"NotPrincipal":{"AWS":"111122223333"},"Effect":"Deny","Action":"*","Resource":"*"}`)},
		"trust":                 {policy.Trust, document(`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:TagSession"]}`)},
		"trust in a provider":   {policy.Trust, document(`{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/id.example.org/x"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringEquals":{"id.example.org/x:aud":"a"}}}`)},
		"trust in what is gone": {policy.Trust, document(`{"Effect":"Allow","Principal":{"AWS":["AROAREADERREADERREADE","AROAREADERREADERREADE:s"]},"Action":"sts:AssumeRole"}`)},
		"trust in everyone":     {policy.Trust, document(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}`)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse(tt.kind, tt.text)
			if err != nil {
				t.Fatal(err)
			}
			if p.Kind() != tt.kind || p.Len() == 0 {
				t.Errorf("a %s of %d statements; want one of kind %s with some", p.Kind(), p.Len(), tt.kind)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	t.Parallel()
	const (
		syntax = "Syntax errors in policy."
		legacy = "The policy failed legacy parsing"
		head   = `{"Version":"2012-10-17","Statement":`
	)
	allow := func(more string) string { return document(`{"Effect":"Allow",` + more + `}`) }
	action := func(value string) string { return allow(`"Action":` + value + `,"Resource":"*"`) }
	resource := func(value string) string { return allow(`"Action":"*","Resource":` + value) }
	condition := func(value string) string {
		return allow(`"Action":"*","Resource":"*","Condition":` + value)
	}
	principal := func(value string) string {
		return allow(`"Action":"sts:AssumeRole","Principal":` + value)
	}
	for name, tt := range map[string]struct {
		kind       policy.Kind
		text       string
		says, path string
	}{
		"nothing":                     {policy.Identity, "", syntax, ""},
		"no JSON":                     {policy.Identity, "This is no JSON", syntax, ""},
		"no JSON, of a role":          {policy.Trust, "{", "This policy contains invalid Json", ""},
		"not an object":               {policy.Identity, "[]", syntax, ""},
		"more behind":                 {policy.Identity, action(`"*"`) + "x", syntax, ""},
		"two documents":               {policy.Identity, action(`"*"`) + "{}", syntax, ""},
		"a comma too many":            {policy.Identity, head + `[],}`, syntax, ""},
		"a byte order mark":           {policy.Identity, "\ufeff" + action(`"*"`), syntax, ""},
		"not UTF-8":                   {policy.Identity, head + `{"Sid":"` + "\xff" + `"}}`, syntax, ""},
		"a control character":         {policy.Identity, head + `{"Sid":"` + "\x01" + `"}}`, syntax, "Statement.Sid"},
		"a bad escape":                {policy.Identity, head + `{"Sid":"\x"}}`, syntax, "Statement.Sid"},
		"a short escape":              {policy.Identity, head + `{"Sid":"\u12"}}`, syntax, "Statement.Sid"},
		"half a pair":                 {policy.Identity, head + `{"Sid":"\ud83d"}}`, syntax, "Statement.Sid"},
		"the other half":              {policy.Identity, head + `{"Sid":"\ude00\ud83d"}}`, syntax, "Statement.Sid"},
		"a number with a zero":        {policy.Identity, head + `{"Sid":012}}`, syntax, "Statement"},
		"a number without digits":     {policy.Identity, head + `{"Sid":-}}`, syntax, "Statement.Sid"},
		"a name twice":                {policy.Identity, head + `{"Effect":"Deny","Action":"*","Effect":"Allow","Resource":"*"}}`, syntax, "Statement.Effect"},
		"a name twice, in escapes":    {policy.Identity, head + `{"Effect":"Deny","Action":"*","\u0045ffect":"Allow","Resource":"*"}}`, syntax, "Statement.Effect"},
		"a key twice":                 {policy.Identity, condition(`{"Bool":{"a":"true","a":"false"}}`), syntax, "Statement.Condition.Bool.a"},
		"deep":                        {policy.Identity, head + strings.Repeat("[", 1000), syntax, "Statement" + strings.Repeat("[0]", 11)},
		"an unknown version":          {policy.Identity, `{"Version":"2013-10-17","Statement":[]}`, syntax, "Version"},
		"a role's version":            {policy.Trust, `{"Version":"2013-10-17","Statement":[]}`, "The policy must contain a valid version string", "Version"},
		"an odd id":                   {policy.Identity, `{"Id":["x"],"Statement":[]}`, syntax, "Id"},
		"an unknown element":          {policy.Identity, `{"Statements":[]}`, syntax, "Statements"},
		"an element in other letters": {policy.Identity, `{"statement":[]}`, syntax, "statement"},
		"no statement":                {policy.Identity, `{"Version":"2012-10-17"}`, syntax, ""},
		"an empty list":               {policy.Identity, document(`[]`), syntax, "Statement"},
		"a role's empty list":         {policy.Trust, document(`[]`), "Could not parse the policy: Statement is empty!", "Statement"},
		"a text for a statement":      {policy.Identity, document(`["x"]`), syntax, "Statement[0]"},
		"null for statements":         {policy.Identity, document(`null`), syntax, "Statement"},

		"an unknown element of a statement": {policy.Identity, action(`"*","Effekt":"Deny"`), syntax, "Statement.Effekt"},
		"an odd sid":                        {policy.Identity, document(`{"Sid":{},"Effect":"Allow","Action":"*","Resource":"*"}`), syntax, "Statement.Sid"},
		"a sid with a space":                {policy.Identity, document(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`), "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*", "Statement.Sid"},
		"a sid twice":                       {policy.Identity, document(`[{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"}]`), "Statement IDs (SID) in a single policy must be unique.", "Statement[1].Sid"},
		"no effect":                         {policy.Identity, document(`{"Action":"*","Resource":"*"}`), syntax, "Statement"},
		"no effect, of a role":              {policy.Trust, document(`{"Action":"sts:AssumeRole"}`), "Missing required field Effect", "Statement"},
		"another effect":                    {policy.Identity, document(`{"Effect":"Maybe","Action":"*","Resource":"*"}`), syntax, "Statement.Effect"},
		"an effect in other letters":        {policy.Identity, document(`{"Effect":"allow","Action":"*","Resource":"*"}`), legacy, "Statement.Effect"},
		"another effect, of a role":         {policy.Trust, document(`{"Effect":"Maybe","Action":"sts:AssumeRole"}`), "Invalid effect: Maybe", "Statement.Effect"},
		"an odd effect":                     {policy.Identity, document(`{"Effect":true,"Action":"*","Resource":"*"}`), syntax, "Statement.Effect"},

		"no action":                {policy.Identity, allow(`"Resource":"*"`), "Policy statement must contain actions.", "Statement"},
		"no action, of a role":     {policy.Trust, allow(`"Principal":"*"`), "Missing required field Action", "Statement"},
		"both actions":             {policy.Identity, allow(`"Action":"*","NotAction":[],"Resource":"*"`), syntax, "Statement.NotAction"},
		"an empty list of them":    {policy.Identity, action(`[]`), "Policy statement must contain actions.", "Statement.Action"},
		"an odd action":            {policy.Identity, action(`["iam:*",7]`), syntax, "Statement.Action[1]"},
		"lists of actions":         {policy.Identity, action(`[[]]`), syntax, "Statement.Action[0]"},
		"an object for an action":  {policy.Identity, action(`{}`), syntax, "Statement.Action"},
		"no service":               {policy.Identity, action(`"DescribeUser"`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", "Statement.Action"},
		"an empty action":          {policy.Identity, action(`""`), "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", "Statement.Action"},
		"two colons":               {policy.Identity, action(`"a:b:c"`), "Actions/Condition can contain only one colon.", "Statement.Action"},
		"an odd service":           {policy.Identity, action(`"quick sight:x"`), "Vendor quick sight is not valid", "Statement.Action"},
		"any service":              {policy.Identity, action(`"*:Describe"`), "Vendor * is not valid", "Statement.Action"},
		"some service":             {policy.Identity, action(`"quick*:x"`), "Vendor quick* is not valid", "Statement.Action"},
		"an empty name":            {policy.Identity, action(`"quicksight:"`), syntax, "Statement.Action"},
		"a name that is not ASCII": {policy.Identity, action(`"quicksight:Dé"`), syntax, "Statement.Action"},

		"no resource":                 {policy.Identity, allow(`"Action":"*"`), "Policy statement must contain resources.", "Statement"},
		"an empty list of resources":  {policy.Identity, resource(`[]`), "Policy statement must contain resources.", "Statement.Resource"},
		"both resources":              {policy.Identity, resource(`"*","NotResource":"*"`), syntax, "Statement.NotResource"},
		"no ARN":                      {policy.Identity, resource(`["*","dashboard"]`), `Resource dashboard must be in ARN format or "*".`, "Statement.Resource[1]"},
		"an empty resource":           {policy.Identity, resource(`""`), `Resource  must be in ARN format or "*".`, "Statement.Resource"},
		"wildcards for an ARN":        {policy.Identity, resource(`"**"`), `Resource ** must be in ARN format or "*".`, "Statement.Resource"},
		"an unknown partition":        {policy.Identity, resource(`"arn:moon:s3:::x"`), `Partition "moon" is not valid for resource "arn:moon:s3:::x".`, "Statement.Resource"},
		"an unknown partition, short": {policy.Identity, resource(`"arn:moon:s3"`), `Partition "moon" is not valid for resource "arn:moon:s3:*:*:*".`, "Statement.Resource"},
		"any service in an ARN":       {policy.Identity, resource(`"arn:aws:*:us-east-1:111122223333:*"`), "Resource vendor must be fully qualified and cannot contain regexes.", "Statement.Resource"},
		"no service in an ARN":        {policy.Identity, resource(`"arn:aws"`), "Resource vendor must be fully qualified and cannot contain regexes.", "Statement.Resource"},
		"an empty service in an ARN":  {policy.Identity, resource(`"arn:aws::us-east-1:111122223333:x"`), legacy, "Statement.Resource"},
		"no account":                  {policy.Identity, resource(`"arn:aws:quicksight:us-east-1:user/default/ana"`), legacy, "Statement.Resource"},
		"an odd account":              {policy.Identity, resource(`"arn:aws:quicksight:us-east-1:1111:user/x"`), legacy, "Statement.Resource"},
		"an ARN without end":          {policy.Identity, resource(`"arn:aws:quicksight:us-east-1:111122223333:"`), legacy, "Statement.Resource"},
		"IAM with a region":           {policy.Identity, resource(`"arn:aws:iam:us-east-1:111122223333:user/x"`), "IAM resource arn:aws:iam:us-east-1:111122223333:user/x cannot contain region information.", "Statement.Resource"},
		"IAM without a type":          {policy.Identity, resource(`"arn:aws:iam::111122223333:ana"`), `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`, "Statement.Resource"},
		"a variable for an account":   {policy.Identity, resource(`"arn:aws:quicksight:*:${aws:PrincipalAccount}:x"`), legacy, "Statement.Resource"},
		"a variable without end":      {policy.Identity, resource(`"arn:aws:s3:::${aws:username"`), syntax, "Statement.Resource"},
		"a variable without name":     {policy.Identity, resource(`"arn:aws:s3:::${}"`), syntax, "Statement.Resource"},
		"a default without quotes":    {policy.Identity, resource(`"arn:aws:s3:::${aws:username, x}"`), syntax, "Statement.Resource"},
		"a default without end":       {policy.Identity, resource(`"arn:aws:s3:::${aws:username, 'x}"`), syntax, "Statement.Resource"},
		"a variable in a variable":    {policy.Identity, resource(`"arn:aws:s3:::${a${b}}"`), syntax, "Statement.Resource"},

		"a list of conditions":    {policy.Identity, condition(`[]`), syntax, "Statement.Condition"},
		"a text for conditions":   {policy.Identity, condition(`{"StringEquals":"x"}`), syntax, "Statement.Condition.StringEquals"},
		"an object for a value":   {policy.Identity, condition(`{"StringEquals":{"a":{}}}`), syntax, "Statement.Condition.StringEquals.a"},
		"null for a value":        {policy.Identity, condition(`{"StringEquals":{"a":null}}`), syntax, "Statement.Condition.StringEquals.a"},
		"lists in lists":          {policy.Identity, condition(`{"StringEquals":{"a":["x",["y"]]}}`), syntax, "Statement.Condition.StringEquals.a"},
		"an unknown operator":     {policy.Identity, condition(`{"StringIs":{"a":"x"}}`), syntax, "Statement.Condition.StringIs"},
		"an operator in capitals": {policy.Identity, condition(`{"STRINGEQUALS":{"a":"x"}}`), syntax, "Statement.Condition.STRINGEQUALS"},
		"two colons of a prefix":  {policy.Identity, condition(`{"ForAnyValue::StringEquals":{"a":"x"}}`), syntax, "Statement.Condition.ForAnyValue::StringEquals"},
		"two prefixes":            {policy.Identity, condition(`{"ForAnyValue:ForAllValues:StringEquals":{"a":"x"}}`), syntax, "Statement.Condition.ForAnyValue:ForAllValues:StringEquals"},
		"two suffixes":            {policy.Identity, condition(`{"StringEqualsIfExistsIfExists":{"a":"x"}}`), syntax, "Statement.Condition.StringEqualsIfExistsIfExists"},
		"Null with a suffix":      {policy.Identity, condition(`{"NullIfExists":{"a":"true"}}`), syntax, "Statement.Condition.NullIfExists"},
		"Null with a prefix":      {policy.Identity, condition(`{"ForAllValues:Null":{"a":"true"}}`), syntax, "Statement.Condition.ForAllValues:Null"},
		"no key":                  {policy.Identity, condition(`{"StringEquals":{"":"x"}}`), syntax, "Statement.Condition.StringEquals."},
		"no number":               {policy.Identity, condition(`{"NumericEquals":{"a":"1e3"}}`), legacy, "Statement.Condition.NumericEquals.a"},
		"no date":                 {policy.Identity, condition(`{"DateLessThan":{"a":"234-13"}}`), legacy, "Statement.Condition.DateLessThan.a"},
		"a date after all days":   {policy.Identity, condition(`{"DateLessThan":{"a":"9223372036854775808"}}`), legacy, "Statement.Condition.DateLessThan.a"},
		"no boolean":              {policy.Identity, condition(`{"Bool":{"a":"yes"}}`), legacy, "Statement.Condition.Bool.a"},
		"no boolean for Null":     {policy.Identity, condition(`{"Null":{"a":"yes"}}`), legacy, "Statement.Condition.Null.a"},
		"no base64":               {policy.Identity, condition(`{"BinaryEquals":{"a":"?"}}`), legacy, "Statement.Condition.BinaryEquals.a"},
		"no address":              {policy.Identity, condition(`{"IpAddress":{"a":"300.0.0.1"}}`), legacy, "Statement.Condition.IpAddress.a"},
		"no range":                {policy.Identity, condition(`{"NotIpAddress":{"a":"10.0.0.0/33"}}`), legacy, "Statement.Condition.NotIpAddress.a"},
		"an address of this host": {policy.Identity, condition(`{"IpAddress":{"a":"fe80::1%eth0"}}`), legacy, "Statement.Condition.IpAddress.a"},
		"no ARN to compare":       {policy.Identity, condition(`{"ArnLike":{"a":"role/*"}}`), legacy, "Statement.Condition.ArnLike.a"},
		"a short ARN to compare":  {policy.Identity, condition(`{"ArnEquals":{"a":"arn:aws:iam::*"}}`), legacy, "Statement.Condition.ArnEquals.a"},
		"an odd variable":         {policy.Identity, condition(`{"StringEquals":{"a":"${*x}"}}`), legacy, "Statement.Condition.StringEquals.a"},

		"a principal":                   {policy.Identity, action(`"*","Principal":"*"`), "Policy document should not specify a principal.", "Statement.Principal"},
		"a principal of a boundary":     {policy.Boundary, action(`"*","NotPrincipal":"*"`), "Policy document should not specify a principal.", "Statement.NotPrincipal"},
		"a principal of a session":      {policy.Session, action(`"*","Principal":{"AWS":"*"}`), "Policy document should not specify a principal.", "Statement.Principal"},
		"no principal":                  {policy.ResourceBased, action(`"*"`), syntax, "Statement"},
		"no principal, of a role":       {policy.Trust, allow(`"Action":"sts:AssumeRole"`), "Missing required field Principal", "Statement"},
		"an empty principal":            {policy.Trust, principal(`{}`), "Missing required field Principal cannot be empty!", "Statement.Principal"},
		"empty lists of principals":     {policy.Trust, principal(`{"AWS":[]}`), "Missing required field Principal cannot be empty!", "Statement.Principal"},
		"a list of principals":          {policy.Trust, principal(`["*"]`), "Principal must be a JSON object.", "Statement.Principal"},
		"a text for a principal":        {policy.Trust, principal(`"ana"`), `Invalid principal in policy: "AWS":"ana"`, "Statement.Principal"},
		"an unknown kind of principal":  {policy.Trust, principal(`{"aws":"*"}`), `Invalid principal in policy: "aws":"*"`, "Statement.Principal.aws"},
		"wildcards in a principal":      {policy.Trust, principal(`{"AWS":"arn:aws:iam::111122223333:role/*"}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:role/*"`, "Statement.Principal.AWS"},
		"a group":                       {policy.Trust, principal(`{"AWS":["*","arn:aws:iam::111122223333:group/all"]}`), `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/all"`, "Statement.Principal.AWS[1]"},
		"a user of the service":         {policy.Trust, principal(`{"AWS":"arn:aws:quicksight:us-east-1:111122223333:user/default/ana"}`), `Invalid principal in policy: "AWS":"arn:aws:quicksight:us-east-1:111122223333:user/default/ana"`, "Statement.Principal.AWS"},
		"a short account":               {policy.Trust, principal(`{"AWS":"1111"}`), `Invalid principal in policy: "AWS":"1111"`, "Statement.Principal.AWS"},
		"an odd root":                   {policy.Trust, principal(`{"AWS":"arn:aws:iam:us-east-1:111122223333:root"}`), `Invalid principal in policy: "AWS":"arn:aws:iam:us-east-1:111122223333:root"`, "Statement.Principal.AWS"},
		"any service as principal":      {policy.Trust, principal(`{"Service":"*"}`), `Invalid principal in policy: "Service":"*"`, "Statement.Principal.Service"},
		"any provider":                  {policy.Trust, principal(`{"Federated":"*"}`), `Invalid principal in policy: "Federated":"*"`, "Statement.Principal.Federated"},
		"a canonical user of a role":    {policy.Trust, principal(`{"CanonicalUser":"x"}`), `Invalid principal in policy: "CanonicalUser":"x"`, "Statement.Principal.CanonicalUser"},
		"both principals":               {policy.ResourceBased, action(`"*","Principal":"*","NotPrincipal":"*"`), syntax, "Statement.NotPrincipal"},
		"all but a principal":           {policy.ResourceBased, action(`"*","NotPrincipal":{"AWS":"111122223333"}`), "Allow with NotPrincipal is not allowed.", "Statement.NotPrincipal"},
		"all but a principal of a role": {policy.Trust, document(`{"Effect":"Deny","NotPrincipal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}`), "AssumeRole policy must not contain NotPrincipal field.", "Statement.NotPrincipal"},
		"a role's resource":             {policy.Trust, principal(`"*","Resource":"*"`), "Has prohibited field Resource", "Statement.Resource"},
		"a role's other resource":       {policy.Trust, principal(`"*","NotResource":"*"`), "Has prohibited field Resource", "Statement.NotResource"},
		"a role's sid twice":            {policy.Trust, document(`[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"},{"Sid":"a","Effect":"Allow","Principal":"*","Action":"sts:AssumeRole"}]`), "The Statement Ids in the policy are not unique", "Statement[1].Sid"},
		"another action of a role":      {policy.Trust, allow(`"Principal":"*","Action":["sts:AssumeRole","*"]`), "AssumeRole policy may only specify STS AssumeRole actions.", "Statement.Action[1]"},
		"another service of a role":     {policy.Trust, allow(`"Principal":"*","Action":"iam:PassRole"`), "AssumeRole policy may only specify STS AssumeRole actions.", "Statement.Action"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse(tt.kind, tt.text)
			broken, ok := errors.AsType[*policy.SyntaxError](err)
			if !ok {
				t.Fatalf("Parse(%s) = %v, %v; want a syntax error", tt.text, p, err)
			}
			if broken.Text != tt.says || !strings.HasPrefix(err.Error(), tt.says) {
				t.Errorf("it says %q, want %q", broken.Text, tt.says)
			}
			if broken.Path != tt.path {
				t.Errorf("the place is %q (%v), want %q", broken.Path, err, tt.path)
			}
			if broken.Line != 1 || broken.Column < 1 || broken.Detail == "" {
				t.Errorf("line %d, column %d, detail %q", broken.Line, broken.Column, broken.Detail)
			}
		})
	}
}

func TestSyntaxErrorNamesThePlace(t *testing.T) {
	t.Parallel()
	const text = `{
  "Version": "2012-10-17",
  "Statement": [
    {"Effect": "Allow", "Action": "quicksight:*", "Resource": "*"},
    {"Sid": "Zweite", "Effect": "Deny",
     "Action": ["iam:*", "überall"], "Resource": "*"}
  ]
}`
	_, err := policy.Parse(policy.Identity, text)
	got, ok := errors.AsType[*policy.SyntaxError](err)
	if !ok {
		t.Fatalf("Parse: %v", err)
	}
	want := &policy.SyntaxError{
		Text: "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.", Detail: `"überall" is no action such as quicksight:DescribeUser`,
		Path: "Statement[1].Action[1]", Line: 6, Column: 26,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	const says = `Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc. (Statement[1].Action[1], line 6, column 26: "überall" is no action such as quicksight:DescribeUser)`
	if err.Error() != says {
		t.Errorf("Error() = %s, want %s", err, says)
	}
}

func TestSpan(t *testing.T) {
	t.Parallel()
	p := parse(t, policy.Identity, `{"Version":"2012-10-17","Id":"é","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
  {"Effect":"Deny","Action":"*","Resource":"*"
  }]}`)
	for i, want := range [][2]policy.Position{{{1, 47}, {1, 93}}, {{2, 3}, {3, 4}}} {
		start, end := p.Span(i)
		if start != want[0] || end != want[1] {
			t.Errorf("statement %d spans %v to %v, want %v", i, start, end, want)
		}
	}
	if p.ID() != "é" || p.Version() != policy.Version2012 {
		t.Errorf("id %q, version %q", p.ID(), p.Version())
	}
}

func TestSize(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]int{"": 0, " \t\r\n": 0, `{ "a": "é" }`: 9, "a b": 2} {
		if got := policy.Size(text); got != want {
			t.Errorf("Size(%q) = %d, want %d", text, got, want)
		}
	}
}

// TestHostileDocuments reads what is made to take long.
func TestHostileDocuments(t *testing.T) {
	t.Parallel()
	many := func(n int, s string) string { return strings.TrimSuffix(strings.Repeat(s+",", n), ",") }
	const stmt = `{"Effect":"Deny","Action":"a:b","Resource":"*"}`
	for name, tt := range map[string]struct {
		text string
		ok   bool
	}{
		"10,000 statements":            {document("[" + many(10_000, stmt) + "]"), false},
		"as many statements as fit":    {document("[" + many((policy.MaxDocument-100)/(len(stmt)+1), stmt) + "]"), true},
		"as many actions as fit":       {document(`{"Effect":"Allow","Action":[` + many(18_000, `"a:b*"`) + `],"Resource":"*"}`), true},
		"as many operators as fit":     {document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{` + numbered(8000, `"a%d":"b"`) + `}}}`), true},
		"one long pattern":             {document(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::` + strings.Repeat("?a*", 40_000) + `"}`), true},
		"a long run of question marks": {document(`{"Effect":"Allow","Action":"*","Resource":"arn:aws:s3:::*` + strings.Repeat("?ab", 40_000) + `*"}`), true},
		"a megabyte":                   {document(`{"Sid":"` + strings.Repeat("a", 1<<20) + `"}`), false},
		"brackets":                     {strings.Repeat("[", policy.MaxDocument), false},
		"names":                        {`{` + numbered(10_000, `"%d":0`) + `}`, false},
		"backslashes":                  {`"` + strings.Repeat(`\\`, 60_000), false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			_, err := policy.Parse(policy.Identity, tt.text)
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
			if (err == nil) != tt.ok {
				t.Errorf("error %.200v; want one: %t", err, !tt.ok)
			}
			if err != nil && len(err.Error()) > 1000 {
				t.Errorf("the message has %d bytes", len(err.Error()))
			}
		})
	}
}

func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	const text = `{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:user/ana", "111122223333"],"Service":"quicksight.amazonaws.com"},"Action":"sts:AssumeRole"},
  {"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"arn:aws:iam::111122223333:user\/ana"}},
  {"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}]}`
	got := parse(t, policy.Trust, text).Principals()
	want := []policy.PrincipalName{
		{Kind: "AWS", Value: "arn:aws:iam::111122223333:user/ana"},
		{Kind: "AWS", Value: "111122223333"},
		{Kind: "Service", Value: "quicksight.amazonaws.com"},
		{Kind: "AWS", Value: "arn:aws:iam::111122223333:user/ana"},
		{Kind: "AWS", Value: "*"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	renamed, err := policy.RenamePrincipals(policy.Trust, text, func(name string) string {
		if name == "arn:aws:iam::111122223333:user/ana" {
			return "AIDAANAANAANAANAANA22"
		}
		return name
	})
	if err != nil {
		t.Fatal(err)
	}
	const wantText = `{"Version":"2012-10-17","Statement":[
  {"Effect":"Allow","Principal":{"AWS":["AIDAANAANAANAANAANA22", "111122223333"],"Service":"quicksight.amazonaws.com"},"Action":"sts:AssumeRole"},
  {"Effect":"Deny","Action":"sts:AssumeRole","Principal":{"AWS":"AIDAANAANAANAANAANA22"}},
  {"Effect":"Deny","Action":"sts:AssumeRole","Principal":"*"}]}`
	if diff := cmp.Diff(wantText, renamed); diff != "" {
		t.Errorf("renamed, -want +got:\n%s", diff)
	}
	if _, err := policy.RenamePrincipals(policy.Trust, "{", strings.ToLower); err == nil {
		t.Error("what is no policy was renamed")
	}
}

// parse reads a document that must be one.
func parse(tb testing.TB, kind policy.Kind, text string) *policy.Policy {
	tb.Helper()
	p, err := policy.Parse(kind, text)
	if err != nil {
		tb.Fatalf("%v\n%s", err, text)
	}
	return p
}
