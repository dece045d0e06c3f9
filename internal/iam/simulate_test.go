package iam_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

// statements makes a policy.
func statements(list ...string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(list, ",") + `]}`
}

const (
	dashboard = "arn:aws:quicksight:us-east-1:111122223333:dashboard/"
	allowRead = `{"Effect":"Allow","Action":"quicksight:Describe*","Resource":"` + dashboard + `*"}`
	denyOne   = `{"Effect":"Deny","Action":"*","Resource":"` + dashboard + `secret"}`
	allowTeam = `{"Effect":"Allow","Action":"quicksight:UpdateDashboard","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/team":"x"}}}`
)

// resultsShown writes the results of a simulation for comparison.
func resultsShown(results []iamapi.EvaluationResult) (lines []string) {
	sources := func(list []iamapi.Statement) string {
		var out []string
		for _, s := range list {
			out = append(out, fmt.Sprintf("%s/%s %d:%d-%d:%d", *s.SourcePolicyId, *s.SourcePolicyType, *s.StartPosition.Line, *s.StartPosition.Column, *s.EndPosition.Line, *s.EndPosition.Column))
		}
		return strings.Join(out, ", ")
	}
	for _, r := range results {
		lines = append(lines, fmt.Sprintf("%s on %s: %s [%s] missing %v", r.EvalActionName, *r.EvalResourceName, r.EvalDecision, sources(r.MatchedStatements), r.MissingContextValues))
		for _, s := range r.ResourceSpecificResults {
			lines = append(lines, fmt.Sprintf("  %s: %s [%s] missing %v", s.EvalResourceName, s.EvalResourceDecision, sources(s.MatchedStatements), s.MissingContextValues))
		}
	}
	return lines
}

func TestSimulateCustomPolicy(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policies := []string{statements(allowRead, denyOne), " {\"Version\":\"2012-10-17\",\n\"Statement\": [\n  " + allowTeam + " ,\n\n " + allowRead + "\n]}"}
		// A statement begins right behind what is before it: a bracket, or another statement.
		const lead = len(`{"Version":"2012-10-17","Statement":[`)
		read1 := fmt.Sprintf("PolicyInputList.1/IAM Policy 1:%d-1:%d", lead+1, lead+1+len(allowRead))
		deny1 := fmt.Sprintf("PolicyInputList.1/IAM Policy 1:%d-1:%d", lead+1+len(allowRead), lead+2+len(allowRead)+len(denyOne))
		team2 := fmt.Sprintf("PolicyInputList.2/IAM Policy 2:15-3:%d", 3+len(allowTeam))
		read2 := fmt.Sprintf("PolicyInputList.2/IAM Policy 3:%d-5:%d", 3+len(allowTeam), 2+len(allowRead))
		for _, tt := range []struct {
			name string
			in   iamapi.SimulateCustomPolicyRequest
			want []string
		}{
			{"no resource", iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"quicksight:DescribeDashboard"}}, []string{
				"quicksight:DescribeDashboard on *: implicitDeny [] missing [aws:PrincipalTag/team]",
			}},
			{"one resource", iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"quicksight:DescribeDashboard", "quicksight:DeleteDashboard"}, ResourceArns: []string{dashboard + "a"}}, []string{
				"quicksight:DescribeDashboard on " + dashboard + "a: allowed [" + read1 + ", " + read2 + "] missing []",
				"  " + dashboard + "a: allowed [" + read1 + ", " + read2 + "] missing [aws:PrincipalTag/team]",
				"quicksight:DeleteDashboard on " + dashboard + "a: implicitDeny [] missing []",
				"  " + dashboard + "a: implicitDeny [] missing [aws:PrincipalTag/team]",
			}},
			// Only the Deny is shown.
			{"denied", iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"quicksight:DescribeDashboard"}, ResourceArns: []string{dashboard + "secret"}, ContextEntries: []iamapi.ContextEntry{
				{ContextKeyName: new("AWS:principaltag/Team"), ContextKeyType: new(iamapi.ContextKeyTypeEnumString), ContextKeyValues: []string{"y"}},
			}}, []string{
				"quicksight:DescribeDashboard on " + dashboard + "secret: explicitDeny [" + deny1 + "] missing []",
				"  " + dashboard + "secret: explicitDeny [" + deny1 + "] missing []",
			}},
			{"several resources", iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"quicksight:UpdateDashboard"}, ResourceArns: []string{dashboard + "a", dashboard + "secret", "*"}, ContextEntries: []iamapi.ContextEntry{
				{ContextKeyName: new("aws:PrincipalTag/team"), ContextKeyType: new(iamapi.ContextKeyTypeEnumString), ContextKeyValues: []string{"x"}},
			}}, []string{
				"quicksight:UpdateDashboard on *: explicitDeny [] missing []",
				"  " + dashboard + "a: allowed [" + team2 + "] missing []",
				"  " + dashboard + "secret: explicitDeny [" + deny1 + "] missing []",
				"  *: allowed [" + team2 + "] missing []",
			}},
		} {
			tt.in.PolicyInputList = policies
			out := do(t, srv, iamapi.SimulateCustomPolicy, tt.in)
			if diff := cmp.Diff(tt.want, resultsShown(out.EvaluationResults)); diff != "" || *out.IsTruncated {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

// TestSimulatedLevels puts boundaries, service control policies and policies
// of resources beside those of the identity.
func TestSimulatedLevels(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		everything := statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
		nothing := statements(`{"Effect":"Allow","Action":"sts:*","Resource":"*"}`)
		caller, foreign := "arn:aws:iam::111122223333:user/ana", "arn:aws:iam::444455556666:root"
		ofResource := func(principal string) string {
			return statements(`{"Effect":"Allow","Principal":{"AWS":"` + principal + `"},"Action":"s3:GetObject","Resource":"arn:aws:s3:::b/*"}`)
		}
		type expected struct {
			decision          string
			boundary, control *bool
			sides             map[string]string
		}
		for _, tt := range []struct {
			name string
			in   iamapi.SimulateCustomPolicyRequest
			want expected
		}{
			{"identity", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}}, expected{decision: "allowed"}},
			{"boundary allows", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, PermissionsBoundaryPolicyInputList: []string{everything}}, expected{decision: "allowed", boundary: new(true)}},
			{"boundary does not", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, PermissionsBoundaryPolicyInputList: []string{nothing}}, expected{decision: "implicitDeny", boundary: new(false)}},
			{"boundary grants nothing", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{nothing}, PermissionsBoundaryPolicyInputList: []string{everything}}, expected{decision: "implicitDeny", boundary: new(true)}},
			{"control", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, OrderedOrganizationPolicyInputList: []iamapi.OrderedOrganizationPolicyType{
				{ServiceControlPolicyInputList: []string{nothing, everything}}, {ServiceControlPolicyInputList: []string{everything}},
			}}, expected{decision: "allowed", control: new(true)}},
			{"control of one level", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, OrderedOrganizationPolicyInputList: []iamapi.OrderedOrganizationPolicyType{
				{ServiceControlPolicyInputList: []string{everything}}, {ServiceControlPolicyInputList: []string{nothing}},
			}}, expected{decision: "implicitDeny", control: new(false)}},
			{"resource", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{nothing}, CallerArn: &caller, ResourcePolicy: new(ofResource(caller))}, expected{decision: "allowed"}},
			{"resource names the account", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{nothing}, CallerArn: &caller, ResourcePolicy: new(ofResource("111122223333"))}, expected{decision: "implicitDeny"}},
			{"resource of another", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, CallerArn: &caller, ResourceOwner: &foreign}, expected{
				decision: "implicitDeny", sides: map[string]string{"IAM Policy": "allowed", "Resource Policy": "implicitDeny"},
			}},
			{"both sides", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{everything}, CallerArn: &caller, ResourceOwner: &foreign, ResourcePolicy: new(ofResource("111122223333"))}, expected{
				decision: "allowed", sides: map[string]string{"IAM Policy": "allowed", "Resource Policy": "allowed"},
			}},
			{"one side", iamapi.SimulateCustomPolicyRequest{PolicyInputList: []string{nothing}, CallerArn: &caller, ResourceOwner: &foreign, ResourcePolicy: new(ofResource(caller))}, expected{
				decision: "implicitDeny", sides: map[string]string{"IAM Policy": "implicitDeny", "Resource Policy": "allowed"},
			}},
		} {
			tt.in.ActionNames, tt.in.ResourceArns = []string{"s3:GetObject"}, []string{"arn:aws:s3:::b/key"}
			r := do(t, srv, iamapi.SimulateCustomPolicy, tt.in).EvaluationResults[0]
			got := expected{decision: string(r.EvalDecision)}
			if r.PermissionsBoundaryDecisionDetail != nil {
				got.boundary = r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary
			}
			if r.OrganizationsDecisionDetail != nil {
				got.control = r.OrganizationsDecisionDetail.AllowedByOrganizations
			}
			for side, decision := range r.EvalDecisionDetails {
				if got.sides == nil {
					got.sides = map[string]string{}
				}
				got.sides[side] = string(decision)
			}
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(expected{})); diff != "" {
				t.Errorf("%s (-want +got):\n%s", tt.name, diff)
			}
		}
	})
}

func TestSimulatePrincipalPolicy(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		user := do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "Ana", Path: new("/p/"), Tags: []iamapi.Tag{{Key: "team", Value: "x"}}}).User.Arn
		role := do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRootPolicy}).Role.Arn
		group := do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "g"}).Group.Arn
		do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "Ana"})
		managed := newPolicy(t, srv, "managed")
		do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "Ana", PolicyName: "mine", PolicyDocument: statements(allowTeam)})
		do(t, srv, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: "g", PolicyName: "ours", PolicyDocument: statements(allowRead)})
		do(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "its", PolicyDocument: statements(allowRead, denyOne)})
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "Ana", PolicyArn: managed})

		sources := func(source, action, resource string, change func(*iamapi.SimulatePrincipalPolicyRequest)) string {
			t.Helper()
			in := iamapi.SimulatePrincipalPolicyRequest{PolicySourceArn: source, ActionNames: []string{action}, ResourceArns: []string{resource}}
			if change != nil {
				change(&in)
			}
			r := do(t, srv, iamapi.SimulatePrincipalPolicy, in).EvaluationResults[0]
			out := string(r.EvalDecision)
			for _, m := range r.MatchedStatements {
				out += " " + *m.SourcePolicyId
			}
			return out
		}
		exclude := func(list ...iamapi.PolicyIdentifier) func(*iamapi.SimulatePrincipalPolicyRequest) {
			return func(in *iamapi.SimulatePrincipalPolicyRequest) { in.PolicyExclusionList = list }
		}
		const read, update = "quicksight:DescribeDashboard", "quicksight:UpdateDashboard"
		for _, tt := range []struct {
			source, action, resource string
			change                   func(*iamapi.SimulatePrincipalPolicyRequest)
			want                     string
		}{
			{user, update, dashboard + "a", nil, "allowed user_Ana_mine"}, // by the tag
			{user, read, dashboard + "a", nil, "allowed group_g_ours"},
			{user, "iam:ListUsers", "*", nil, "allowed managed"},
			{user, "iam:GetUser", user, nil, "implicitDeny"},
			{group, read, dashboard + "a", nil, "allowed group_g_ours"},
			{group, update, dashboard + "a", nil, "implicitDeny"},
			{role, read, dashboard + "a", nil, "allowed role_r_its"},
			{role, read, dashboard + "secret", nil, "explicitDeny role_r_its"},
			{user, read, dashboard + "a", exclude(iamapi.PolicyIdentifier{InlinePolicyIdentifier: &iamapi.InlinePolicyIdentifierType{
				AttachmentName: "G", AttachmentType: iamapi.AttachmentTypeGroup, PolicyName: "ours",
			}}), "implicitDeny"},
			{user, "iam:ListUsers", "*", exclude(iamapi.PolicyIdentifier{PolicyArn: &managed}), "implicitDeny"},
			{user, "iam:ListUsers", "*", exclude(iamapi.PolicyIdentifier{PolicyType: new(iamapi.PolicyIdentifierPolicyTypeInline)}), "allowed managed"},
			{user, "iam:ListUsers", "*", exclude(iamapi.PolicyIdentifier{PolicyType: new(iamapi.PolicyIdentifierPolicyTypeUserManaged)}), "implicitDeny"},
			{user, read, dashboard + "a", func(in *iamapi.SimulatePrincipalPolicyRequest) {
				in.PolicyInputList = []string{statements(denyOne), statements(allowRead)}
			}, "allowed group_g_ours PolicyInputList.2"},
			// As if another user had Ana's policies: her tags are not that user's.
			{user, update, dashboard + "a", func(in *iamapi.SimulatePrincipalPolicyRequest) {
				in.CallerArn = new("arn:aws:iam::111122223333:user/bob")
			}, "implicitDeny"},
			{user, update, dashboard + "a", func(in *iamapi.SimulatePrincipalPolicyRequest) {
				in.ContextEntries = []iamapi.ContextEntry{{ContextKeyName: new("aws:PrincipalTag/team"), ContextKeyValues: []string{"y"}}}
			}, "implicitDeny"},
		} {
			if got := sources(tt.source, tt.action, tt.resource, tt.change); got != tt.want {
				t.Errorf("%s of %s on %s: %s, want %s", tt.action, tt.source, tt.resource, got, tt.want)
			}
		}

		do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "Ana", PermissionsBoundary: managed})
		for _, tt := range []struct {
			change   func(*iamapi.SimulatePrincipalPolicyRequest)
			decision iamapi.PolicyEvaluationDecisionType
			boundary *bool
		}{
			{nil, "implicitDeny", new(false)},
			{func(in *iamapi.SimulatePrincipalPolicyRequest) {
				in.PermissionsBoundaryPolicyInputList = []string{statements(allowRead)}
			}, "allowed", new(true)},
			{exclude(iamapi.PolicyIdentifier{PolicyType: new(iamapi.PolicyIdentifierPolicyTypePermissionBoundary)}), "allowed", nil},
		} {
			in := iamapi.SimulatePrincipalPolicyRequest{PolicySourceArn: user, ActionNames: []string{read}, ResourceArns: []string{dashboard + "a"}}
			if tt.change != nil {
				tt.change(&in)
			}
			r := do(t, srv, iamapi.SimulatePrincipalPolicy, in).EvaluationResults[0]
			var boundary *bool
			if r.PermissionsBoundaryDecisionDetail != nil {
				boundary = r.PermissionsBoundaryDecisionDetail.AllowedByPermissionsBoundary
			}
			if r.EvalDecision != tt.decision || cmp.Diff(tt.boundary, boundary) != "" {
				t.Errorf("with a boundary: %s, %v, want %s", r.EvalDecision, boundary, tt.decision)
			}
		}
		keys := do(t, srv, iamapi.GetContextKeysForPrincipalPolicy, iamapi.GetContextKeysForPrincipalPolicyRequest{
			PolicySourceArn: user, PolicyInputList: []string{statements(`{"Effect":"Allow","Action":"s3:*","Resource":"arn:aws:s3:::${aws:username}"}`)},
		}).ContextKeyNames
		if diff := cmp.Diff([]string{"aws:PrincipalTag/team", "aws:username"}, keys); diff != "" {
			t.Errorf("context keys (-want +got):\n%s", diff)
		}
	})
}

func TestSimulationInput(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		do(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewPath: new("/p/")})
		for _, tt := range []struct{ source, code, part string }{
			{"arn:aws:iam::111122223333:user/p/bea", "NoSuchEntity", "The user with name bea cannot be found."},
			{"arn:aws:iam::111122223333:user/ana", "NoSuchEntity", "The user with name ana cannot be found."},
			{"arn:aws:iam::111122223333:user/p/Ana", "NoSuchEntity", "The user with name Ana cannot be found."},
			{"arn:aws:iam::111122223333:role/none", "NoSuchEntity", "The role with name none cannot be found."},
			{"arn:aws:iam::111122223333:group/none", "NoSuchEntity", "The group with name none cannot be found."},
			{"arn:aws:iam::444455556666:user/ana", "InvalidInput", "Invalid Policy Source Arn: caller's account 111122223333 does not have access to policies in account 444455556666"},
			{"arn:aws:sts::111122223333:assumed-role/r/s", "InvalidInput", "does not clearly define entity type and name."},
			{"arn:aws:iam::111122223333:root", "InvalidInput", "Invalid Entity Arn: arn:aws:iam::111122223333:root does not clearly define entity type and name."},
			{"arn:aws:iam::111122223333:policy/p", "InvalidInput", "does not clearly define"},
			{"this is no arn at all", "InvalidInput", "does not clearly define"},
		} {
			refused(t, srv, iamapi.SimulatePrincipalPolicy, iamapi.SimulatePrincipalPolicyRequest{PolicySourceArn: tt.source, ActionNames: []string{"s3:GetObject"}}, tt.code, tt.part)
			refused(t, srv, iamapi.GetContextKeysForPrincipalPolicy, iamapi.GetContextKeysForPrincipalPolicyRequest{PolicySourceArn: tt.source}, tt.code, tt.part)
		}
		entry := func(typ iamapi.ContextKeyTypeEnum, values ...string) func(*iamapi.SimulateCustomPolicyRequest) {
			return func(in *iamapi.SimulateCustomPolicyRequest) {
				in.ContextEntries = []iamapi.ContextEntry{{ContextKeyName: new("custom:key"), ContextKeyType: &typ, ContextKeyValues: values}}
			}
		}
		type change = func(*iamapi.SimulateCustomPolicyRequest)
		for name, tt := range map[string]struct {
			change change
			code   string
			part   string
		}{
			"no service":       {func(in *iamapi.SimulateCustomPolicyRequest) { in.ActionNames = []string{"GetObject"} }, "InvalidInput", "Invalid Input Actions"},
			"wildcard action":  {func(in *iamapi.SimulateCustomPolicyRequest) { in.ActionNames = []string{"s3:*"} }, "InvalidInput", "s3:*"},
			"no resource":      {func(in *iamapi.SimulateCustomPolicyRequest) { in.ResourceArns = []string{"bucket"} }, "InvalidInput", "ResourceNames are not in a valid ARN format: bucket."},
			"half an ARN":      {func(in *iamapi.SimulateCustomPolicyRequest) { in.ResourceArns = []string{"arn:aws:s3"} }, "InvalidInput", "ResourceNames are not in a valid ARN format"},
			"malformed":        {func(in *iamapi.SimulateCustomPolicyRequest) { in.PolicyInputList = []string{listUser, "{"} }, "InvalidInput", "PolicyInputList.2: Syntax errors in policy."},
			"with a principal": {func(in *iamapi.SimulateCustomPolicyRequest) { in.PolicyInputList = []string{trustRootPolicy} }, "InvalidInput", "PolicyInputList.1"},
			"two boundaries": {func(in *iamapi.SimulateCustomPolicyRequest) {
				in.PermissionsBoundaryPolicyInputList = []string{listUser, listUser}
			}, "InvalidInput", "cannot exceed 1 items"},
			"empty level": {func(in *iamapi.SimulateCustomPolicyRequest) {
				in.OrderedOrganizationPolicyInputList = []iamapi.OrderedOrganizationPolicyType{{}}
			}, "InvalidInput", "Level 1"},
			"owner":          {func(in *iamapi.SimulateCustomPolicyRequest) { in.ResourceOwner = new("123456789012") }, "InvalidInput", "'123456789012' is not a valid as a Resource Owner."},
			"handling":       {func(in *iamapi.SimulateCustomPolicyRequest) { in.ResourceHandlingOption = new("else") }, "InvalidInput", "else"},
			"role as caller": {func(in *iamapi.SimulateCustomPolicyRequest) { in.CallerArn = new("arn:aws:iam::111122223333:role/r") }, "InvalidInput", "Invalid caller - Caller must be an IAM user in this context."},
			"nobody calls":   {func(in *iamapi.SimulateCustomPolicyRequest) { in.ResourcePolicy = new(trustRootPolicy) }, "InvalidInput", "Invalid caller"},
			"not a number":   {entry("numeric", "one"), "InvalidInput", `The context key custom:key has the value "one", which is not of type numeric.`},
			"not a boolean":  {entry("boolean", "yes"), "InvalidInput", "boolean"},
			"not an address": {entry("ipList", "::1", "10.0.0.0/8", "300.1.1.1"), "InvalidInput", "300.1.1.1"},
			"not a date":     {entry("date", "tomorrow"), "InvalidInput", "tomorrow"},
			"not binary":     {entry("binary", "%"), "InvalidInput", "binary"},
			"several of one": {entry("string", "a", "b"), "InvalidInput", "stringList"},
			"unknown type":   {entry("colour", "a"), "ValidationError", "contextKeyType"},
		} {
			in := iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"s3:GetObject"}, PolicyInputList: []string{listUser}}
			tt.change(&in)
			refused(t, srv, iamapi.SimulateCustomPolicy, in, tt.code, tt.part)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		in := iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"s3:GetObject"}, PolicyInputList: []string{listUser}, ResourceHandlingOption: new("EC2-VPC-EBS")}
		for typ, v := range map[iamapi.ContextKeyTypeEnum]string{
			"numeric": "-1.5", "boolean": "TRUE", "ip": "2001:db8::/32", "date": "2026-01-02T03:04:05Z", "dateList": "1700000000", "binary": "aGk=", "stringList": "",
		} {
			in.ContextEntries = append(in.ContextEntries, iamapi.ContextEntry{ContextKeyName: new("custom:" + string(typ)), ContextKeyType: &typ, ContextKeyValues: []string{v}})
		}
		do(t, srv, iamapi.SimulateCustomPolicy, in)

		keys := do(t, srv, iamapi.GetContextKeysForCustomPolicy, iamapi.GetContextKeysForCustomPolicyRequest{PolicyInputList: []string{
			statements(allowTeam), strings.Replace(trustRootPolicy, `"Action"`, `"Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}},"Action"`, 1),
		}}).ContextKeyNames
		if diff := cmp.Diff([]string{"aws:MultiFactorAuthPresent", "aws:PrincipalTag/team"}, keys); diff != "" {
			t.Errorf("context keys (-want +got):\n%s", diff)
		}
		refused(t, srv, iamapi.GetContextKeysForCustomPolicy, iamapi.GetContextKeysForCustomPolicyRequest{PolicyInputList: []string{"[]"}}, "InvalidInput", "PolicyInputList.1")
	})
}

// TestSimulationInPages gives each action once, and bounds what a page costs.
func TestSimulationInPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		var actions []string
		for i := range 23 {
			actions = append(actions, fmt.Sprintf("s3:Action%02d", i))
		}
		list := func(in iamapi.SimulateCustomPolicyRequest) (names []string, pages int) {
			t.Helper()
			for {
				out := do(t, srv, iamapi.SimulateCustomPolicy, in)
				pages++
				for _, r := range out.EvaluationResults {
					names = append(names, r.EvalActionName)
				}
				if !*out.IsTruncated {
					return names, pages
				}
				in.Marker = out.Marker
			}
		}
		for _, size := range []int32{1, 5, 22, 23, 24} {
			got, pages := list(iamapi.SimulateCustomPolicyRequest{ActionNames: actions, PolicyInputList: []string{listUser}, MaxItems: &size})
			if want := (len(actions) + int(size) - 1) / int(size); pages != want || !slices.Equal(got, actions) {
				t.Errorf("in pages of %d: %d pages, want %d, with %v", size, pages, want, got)
			}
		}
		// 3,000 statements and 400 resources: one action for each page.
		large := statements(slices.Repeat([]string{`{"Effect":"Deny","NotAction":"a:b","Resource":"arn:aws:s3:::x"}`}, 1000)...)
		var resources []string
		for i := range 400 {
			resources = append(resources, fmt.Sprintf("arn:aws:s3:::b%d", i))
		}
		in := iamapi.SimulateCustomPolicyRequest{ActionNames: actions[:3], PolicyInputList: []string{large, large, large}, ResourceArns: resources}
		if got, pages := list(in); pages != 3 || !slices.Equal(got, actions[:3]) {
			t.Errorf("a large one: %d pages with %v", pages, got)
		}
		in.ResourceArns = append(resources, resources...)
		refused(t, srv, iamapi.SimulateCustomPolicy, in, "InvalidInput", "The simulation is too large: 800 resources with 3000 statements.")
		marker := do(t, srv, iamapi.SimulateCustomPolicy, iamapi.SimulateCustomPolicyRequest{ActionNames: actions, PolicyInputList: []string{listUser}, MaxItems: new(int32(1))}).Marker
		refused(t, srv.As(t, "444455556666"), iamapi.SimulateCustomPolicy, iamapi.SimulateCustomPolicyRequest{ActionNames: actions, PolicyInputList: []string{listUser}, Marker: marker}, "ValidationError", "Marker")
		if out := do(t, srv, iamapi.SimulateCustomPolicy, iamapi.SimulateCustomPolicyRequest{ActionNames: []string{"s3:A"}, PolicyInputList: []string{listUser}, Marker: do(t, srv, iamapi.SimulateCustomPolicy, iamapi.SimulateCustomPolicyRequest{
			ActionNames: actions, PolicyInputList: []string{listUser}, MaxItems: new(int32(20)),
		}).Marker}); len(out.EvaluationResults) != 0 || *out.IsTruncated {
			t.Errorf("a marker behind the end: %+v", out)
		}
	})
}
