package catalog_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/policy"
	"onsight/internal/policy/catalog"
	"onsight/model"
)

// input is the input of a call, by members.
func input(members map[string][]string) catalog.Members {
	return func(name string) []string { return members[name] }
}

// TestEveryOperationIsChecked goes over the whole contract of the service.
func TestEveryOperationIsChecked(t *testing.T) {
	t.Parallel()
	var api model.Document
	if err := json.Unmarshal(model.QuickSight, &api); err != nil {
		t.Fatal(err)
	}
	anything := func(string) []string { return []string{"x"} }
	for name, op := range api.Operations {
		checks := catalog.Checks(name)
		first := checks[0]
		if !first.Applies(input(nil)) || first.DenyOnly {
			t.Errorf("%s: its own action %s is not always checked", name, first.Action)
		}
		if info, ok := catalog.Action(first.Action.String()); !ok {
			t.Errorf("%s is checked against %s, which is no action", name, first.Action)
		} else if info.PermissionOnly {
			t.Errorf("%s is checked against %s, which is none of the API's", name, first.Action)
		}
		members := api.Shapes[op.Input].Members
		for _, c := range checks {
			if _, ok := catalog.Action(c.Action.String()); !ok && c.Action.String() != "iam:PassRole" {
				t.Errorf("%s is checked against %s, which is no action", name, c.Action)
			}
			asked := map[string]bool{}
			record := func(member string) []string { asked[member] = true; return anything(member) }
			if got := c.ARNs("aws", "us-east-1", "111122223333", record); len(got) != 1 {
				t.Errorf("%s: resource %s of %s gives %q, want one", name, c.Resource, c.Action, got)
			}
			c.Alternatives("aws", "us-east-1", "111122223333", record)
			c.Applies(record)
			for member := range asked {
				top, _, _ := strings.Cut(member, ".")
				if _, ok := members[top]; !ok && !strings.HasPrefix(member, "<") {
					t.Errorf("%s: %s asks for member %s, which the input has not", name, c.Action, member)
				}
			}
		}
	}
	var rules model.AuthorizationDocument
	if err := json.Unmarshal(model.QuickSightAuthorization, &rules); err != nil {
		t.Fatal(err)
	}
	for name := range rules.Operations {
		if _, ok := api.Operations[name]; !ok {
			t.Errorf("the authorization data know %s, which is no operation", name)
		}
	}
	for name, a := range rules.Actions {
		for _, kind := range a.Resources {
			if _, ok := rules.Resources[strings.TrimSuffix(kind, "?")]; !ok {
				t.Errorf("%s names the resource type %s, which does not exist", name, kind)
			}
		}
		if !slices.Contains([]string{"Read", "List", "Write", "Tagging", "Permissions management"}, a.Access) {
			t.Errorf("%s has the access level %q", name, a.Access)
		}
	}
}

func TestChecks(t *testing.T) {
	t.Parallel()
	type check struct {
		Action    string
		Resources []string
		DenyOnly  bool
	}
	const arn = "arn:aws:quicksight:us-east-1:111122223333:"
	for _, tt := range []struct {
		name, operation string
		members         map[string][]string
		want            []check
	}{
		{
			"its own name", "DescribeUser",
			map[string][]string{"Namespace": {"default"}, "UserName": {"role/session"}},
			[]check{{"quicksight:DescribeUser", []string{arn + "user/default/role/session"}, false}},
		},
		{
			"another name", "DeleteTopicV2",
			map[string][]string{"TopicId": {"t"}},
			[]check{{"quicksight:DeleteTopic", []string{arn + "topic/t"}, false}},
		},
		{
			"no resource, and an action that must not be denied", "CreateAccountSubscription", nil,
			[]check{{"quicksight:CreateAccountSubscription", []string{"*"}, false}, {"quicksight:Subscribe", []string{"*"}, true}},
		},
		{
			"without tags and role", "CreateActionConnector",
			map[string][]string{"ActionConnectorId": {"c"}},
			[]check{{"quicksight:CreateActionConnector", []string{arn + "action-connector/c"}, false}},
		},
		{
			"with tags and role", "CreateActionConnector",
			map[string][]string{"ActionConnectorId": {"c"}, "Tags": {"team"}, "<role>": {"arn:aws:iam::111122223333:role/r"}},
			[]check{
				{"quicksight:CreateActionConnector", []string{arn + "action-connector/c"}, false},
				{"iam:PassRole", []string{"arn:aws:iam::111122223333:role/r"}, false},
				{"quicksight:TagResource", []string{arn + "action-connector/c"}, false},
			},
		},
		{
			"several", "BatchDeleteKnowledgeBase",
			map[string][]string{"KnowledgeBaseIds": {"a", "b"}},
			[]check{
				{"quicksight:BatchDeleteKnowledgeBase", []string{arn + "knowledge-base/a", arn + "knowledge-base/b"}, false},
				{"quicksight:DeleteKnowledgeBase", []string{arn + "knowledge-base/a", arn + "knowledge-base/b"}, false},
			},
		},
		{
			"by value", "GetDashboardEmbedUrl",
			map[string][]string{"DashboardId": {"d"}, "IdentityType": {"ANONYMOUS"}},
			[]check{
				{"quicksight:GetDashboardEmbedUrl", []string{arn + "dashboard/d"}, false},
				{"quicksight:GetAnonymousUserEmbedUrl", []string{"*"}, false},
			},
		},
		{
			"a whole ARN", "TagResource",
			map[string][]string{"ResourceArn": {arn + "user/default/ana"}},
			[]check{{"quicksight:TagResource", []string{arn + "user/default/ana"}, false}},
		},
		{
			"no region", "DescribeIAMPolicyAssignment",
			map[string][]string{"AssignmentName": {"a"}},
			[]check{{"quicksight:DescribeIAMPolicyAssignment", []string{"arn:aws:quicksight::111122223333:assignment/a"}, false}},
		},
		{
			"newer than the catalog", "FoldDashboard", nil,
			[]check{{"quicksight:FoldDashboard", []string{"*"}, false}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got []check
			for _, c := range catalog.Checks(tt.operation) {
				resources := c.ARNs("aws", "us-east-1", "111122223333", input(tt.members))
				if c.Applies(input(tt.members)) && len(resources) > 0 {
					got = append(got, check{c.Action.String(), resources, c.DenyOnly})
				}
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestActions(t *testing.T) {
	t.Parallel()
	info, ok := catalog.Action("QuickSight:creategroupmembership")
	if !ok || info.Name != "quicksight:CreateGroupMembership" || info.Access != "Write" {
		t.Errorf("Action = %+v, %t", info, ok)
	}
	if len(info.Resources) != 1 || info.Resources[0].Tail != "group/{ResourceId}" || !slices.Contains(info.Keys, "quicksight:UserName") {
		t.Errorf("resources %+v and keys %q; want the group, and quicksight:UserName", info.Resources, info.Keys)
	}
	if info, ok := catalog.Action("quicksight:GetAuthCode"); !ok || !info.PermissionOnly {
		t.Errorf("GetAuthCode = %+v, %t; want one for permissions only", info, ok)
	}
	if _, ok := catalog.Action("quicksight:Nothing"); ok {
		t.Error("an action that does not exist was found")
	}
	if n := len(catalog.Actions()); n < 340 {
		t.Errorf("%d actions, want 340 at least", n)
	}
}

func TestManaged(t *testing.T) {
	t.Parallel()
	all := catalog.ManagedPolicies()
	if !slices.IsSortedFunc(all, func(a, b catalog.Managed) int { return strings.Compare(a.Name, b.Name) }) {
		t.Error("the policies are not in the order of their names")
	}
	ids := map[string]bool{}
	for _, m := range all {
		if _, err := policy.Parse(policy.Identity, m.Document); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
		if size := policy.Size(m.Document); size > policy.MaxManaged {
			t.Errorf("%s has %d characters", m.Name, size)
		}
		if len(m.ID) != 21 || !strings.HasPrefix(m.ID, "ANPA") || ids[m.ID] {
			t.Errorf("%s has the id %q", m.Name, m.ID)
		}
		ids[m.ID] = true
		for _, partition := range []string{"aws", "aws-cn"} {
			got, ok := catalog.ManagedPolicy(m.ARN(partition))
			if !ok || got.Name != m.Name {
				t.Errorf("ManagedPolicy(%s) = %q, %t", m.ARN(partition), got.Name, ok)
			}
		}
	}
	for _, arn := range []string{"", "arn:aws:iam::aws:policy/Nothing", "arn:aws:iam::111122223333:policy/AdministratorAccess", "AdministratorAccess"} {
		if m, ok := catalog.ManagedPolicy(arn); ok {
			t.Errorf("ManagedPolicy(%q) = %s", arn, m.Name)
		}
	}
}

// TestManagedPoliciesAllow asks what the ready-made policies come to.
func TestManagedPoliciesAllow(t *testing.T) {
	t.Parallel()
	ana := policy.Principal{Type: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ana", UserID: "AIDAANAANAANAANAANA22", UserName: "ana"}
	for _, tt := range []struct {
		name, action, resource string
		want                   bool
	}{
		{"AdministratorAccess", "quicksight:DeleteUser", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", true},
		{"ReadOnlyAccess", "quicksight:DescribeUser", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", true},
		{"ReadOnlyAccess", "quicksight:SearchDashboards", "arn:aws:quicksight:us-east-1:111122223333:dashboard/*", true},
		{"ReadOnlyAccess", "quicksight:DeleteUser", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", false},
		{"ReadOnlyAccess", "quicksight:GetAuthCode", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", false},
		{"PowerUserAccess", "quicksight:DeleteUser", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", true},
		{"PowerUserAccess", "iam:CreateUser", "arn:aws:iam::111122223333:user/bo", false},
		{"IAMFullAccess", "iam:CreateUser", "arn:aws:iam::111122223333:user/bo", true},
		{"IAMReadOnlyAccess", "iam:GetUser", "arn:aws:iam::111122223333:user/bo", true},
		{"IAMReadOnlyAccess", "iam:CreateUser", "arn:aws:iam::111122223333:user/bo", false},
		{"IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/ana", true},
		{"IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/team/ana", true},
		{"IAMUserChangePassword", "iam:ChangePassword", "arn:aws:iam::111122223333:user/bo", false},
		{"AWSQuickSightAssetBundleExportPolicy", "quicksight:DescribeDashboard", "arn:aws:quicksight:us-east-1:111122223333:dashboard/d", true},
		{"AWSQuickSightAssetBundleExportPolicy", "quicksight:UpdateDashboard", "arn:aws:quicksight:us-east-1:111122223333:dashboard/d", false},
		{"AWSQuickSightAssetBundleImportPolicy", "quicksight:UpdateDashboard", "arn:aws:quicksight:us-east-1:111122223333:dashboard/d", true},
		{"AWSCloudTrail_ReadOnlyAccess", "cloudtrail:LookupEvents", "*", true},
	} {
		arn := "arn:aws:iam::aws:policy/" + tt.name
		m, ok := catalog.ManagedPolicy(arn)
		if !ok {
			t.Errorf("no policy %s", arn)
			continue
		}
		p, err := policy.Parse(policy.Identity, m.Document)
		if err != nil {
			t.Fatal(err)
		}
		who := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, policy.Attached{ID: arn, Policy: p})}
		d := who.Decide(&policy.Request{Action: policy.NewAction(tt.action), Resource: tt.resource, Context: ana.Keys()})
		if d.Allowed() != tt.want {
			t.Errorf("%s: %s on %s: %s", tt.name, tt.action, tt.resource, d.Outcome)
		}
	}
}

func TestCheckDecide(t *testing.T) {
	t.Parallel()
	const (
		arn       = "arn:aws:quicksight:us-east-1:111122223333:"
		dashboard = arn + "dashboard/d"
		source    = arn + "datasource/s"
	)
	allow := func(action, resource string) string {
		return `{"Effect":"Allow","Action":"quicksight:` + action + `","Resource":"` + resource + `"}`
	}
	deny := func(action, resource string) string {
		return `{"Sid":"No","Effect":"Deny","Action":"quicksight:` + action + `","Resource":"` + resource + `"}`
	}
	for name, tt := range map[string]struct {
		operation    string
		check        int
		resource     string
		alternatives []string
		statements   string
		want         policy.Outcome
	}{
		"the action":                  {"DescribeDashboardDefinition", 0, dashboard, nil, allow("DescribeDashboard", dashboard), policy.Allowed},
		"the alias":                   {"DescribeDashboardDefinition", 0, dashboard, nil, allow("DescribeDashboardDefinition", dashboard), policy.Allowed},
		"a Deny of the alias":         {"DescribeDashboardDefinition", 0, dashboard, nil, allow("*", "*") + "," + deny("DescribeDashboardDefinition", "*"), policy.ExplicitDeny},
		"a Deny of the action":        {"DescribeDashboardDefinition", 0, dashboard, nil, allow("*", "*") + "," + deny("DescribeDashboard", "*"), policy.ExplicitDeny},
		"neither":                     {"DescribeDashboardDefinition", 0, dashboard, nil, allow("ListDashboards", "*"), policy.ImplicitDeny},
		"the resource":                {"CreateDataSet", 0, arn + "dataset/x", []string{source}, allow("CreateDataSet", arn+"dataset/*"), policy.Allowed},
		"the alternative":             {"CreateDataSet", 0, arn + "dataset/x", []string{source}, allow("CreateDataSet", source), policy.Allowed},
		"a Deny of the alternative":   {"CreateDataSet", 0, arn + "dataset/x", []string{source}, allow("*", "*") + "," + deny("CreateDataSet", source), policy.ExplicitDeny},
		"another alternative":         {"CreateDataSet", 0, arn + "dataset/x", []string{source}, allow("CreateDataSet", arn+"datasource/t"), policy.ImplicitDeny},
		"need not be allowed":         {"CreateAccountSubscription", 1, "*", nil, allow("CreateAccountSubscription", "*"), policy.Allowed},
		"must not be denied":          {"CreateAccountSubscription", 1, "*", nil, allow("*", "*") + "," + deny("Subscribe", "*"), policy.ExplicitDeny},
		"the other one is not enough": {"CreateAccountSubscription", 0, "*", nil, allow("Subscribe", "*"), policy.ImplicitDeny},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":[`+tt.statements+`]}`)
			if err != nil {
				t.Fatal(err)
			}
			s := policy.Subject{
				Principal: policy.Principal{Type: policy.User, Account: "111122223333"},
				Identity:  policy.NewSet(policy.Identity, policy.Attached{Policy: p}),
			}
			d := catalog.Checks(tt.operation)[tt.check].Decide(&s, policy.Request{Resource: tt.resource}, tt.alternatives...)
			if d.Outcome != tt.want {
				t.Errorf("decided %+v, want %s", d, tt.want)
			}
			if d.Outcome == policy.ExplicitDeny && d.Sid != "No" {
				t.Errorf("statement %q denied, want No", d.Sid)
			}
		})
	}
}
