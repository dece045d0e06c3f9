package capability_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"onsight/internal/capability"
	"onsight/internal/qs"
	"onsight/internal/wire"
)

// TestTable holds the table against the model: each of its capabilities is
// there, and none else; what gates them exists.
func TestTable(t *testing.T) {
	t.Parallel()
	model := make(map[string]bool)
	for f := range reflect.TypeFor[qs.Capabilities]().Fields() {
		model[f.Name] = true
	}
	seen := make(map[string]bool)
	for _, c := range capability.Table() {
		if seen[c.Name] {
			t.Errorf("%s is there twice", c.Name)
		}
		seen[c.Name] = true
		if !model[c.Name] {
			t.Errorf("the model has no capability %s", c.Name)
		}
		if c.Does == "" || (len(c.Operations) == 0) == (c.Later == "") {
			t.Errorf("%s: it must say what it does, and what asks for it: operations or a later feature", c.Name)
		}
		if c.Category != "" && !slices.Contains(capability.Categories(), c.Category) {
			t.Errorf("%s is of the unknown category %s", c.Name, c.Category)
		}
		for _, operation := range c.Operations {
			if wire.Of(wire.QuickSight).Lookup(operation) == nil && wire.Of(wire.Onsight).Lookup(operation) == nil {
				t.Errorf("%s gates %s, which is no operation", c.Name, operation)
			}
		}
		for _, parent := range c.Parents {
			if p, ok := capability.Find(parent); !ok || len(p.Parents) > 2 {
				t.Errorf("%s stands under %s, which is not there", c.Name, parent)
			}
		}
	}
	for name := range model {
		if !seen[name] {
			t.Errorf("the table lacks %s", name)
		}
	}
	t.Logf("%d capabilities", len(seen))
}

// TestSortsAreTypes makes sure that every type of connector has a capability.
func TestSortsAreTypes(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../model/quicksight.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Shapes struct{ ActionConnectorType struct{ Enum []string } }
	}
	if err := json.Unmarshal(text, &model); err != nil || len(model.Shapes.ActionConnectorType.Enum) < 27 {
		t.Fatalf("types of connectors: %v, %v", model, err)
	}
	for _, sort := range model.Shapes.ActionConnectorType.Enum {
		got := capability.Asked("CreateActionConnector", sort)
		if len(got) != 1 || !strings.HasPrefix(got[0], "CreateAndUpdate") {
			t.Errorf("CreateActionConnector of %s asks for %v, want one CreateAndUpdate…Action", sort, got)
		}
	}
}

// TestWhoCannotBeLockedOut makes sure that no profile keeps anyone from
// changing people, profiles and settings.
func TestWhoCannotBeLockedOut(t *testing.T) {
	t.Parallel()
	for _, c := range capability.Table() {
		for _, operation := range c.Operations {
			for _, of := range []string{"User", "Group", "CustomPermission", "AccountSettings", "Subscription", "Namespace", "RoleMembership", "IAMPolicyAssignment", "Tag", "IpRestriction"} {
				if strings.Contains(operation, of) {
					t.Errorf("%s gates %s", c.Name, operation)
				}
			}
		}
	}
}

func TestEffective(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, capabilities, governance string
		capability                     string
		want                           capability.Verdict
	}{
		{"nothing said", "", "", "CreateAndUpdateJiraAction", capability.Verdict{Allowed: true}},
		{"denied", `{"ShareJiraAction":"DENY"}`, "", "ShareJiraAction", capability.Verdict{By: "ShareJiraAction"}},
		{"a sibling", `{"ShareJiraAction":"DENY"}`, "", "UseJiraAction", capability.Verdict{Allowed: true}},
		{"the parent", `{"JiraAction":"DENY","UseJiraAction":"ALLOW"}`, "", "UseJiraAction", capability.Verdict{By: "JiraAction"}},
		{"above the parent", `{"Action":"DENY","JiraAction":"ALLOW","UseJiraAction":"ALLOW"}`, "", "UseJiraAction", capability.Verdict{By: "Action"}},
		{"a child does not deny its parent", `{"UseJiraAction":"DENY"}`, "", "JiraAction", capability.Verdict{Allowed: true}},
		{"one of two parents", `{"CreateAndUpdateDataSources":"DENY"}`, "", "CreateAthenaDataSource", capability.Verdict{By: "CreateAndUpdateDataSources"}},
		{"the other of two parents", `{"AthenaDataSource":"DENY"}`, "", "CreateAthenaDataSource", capability.Verdict{By: "AthenaDataSource"}},
		{"beside the parents", `{"AthenaDataSource":"DENY"}`, "", "CreateMySqlDataSource", capability.Verdict{Allowed: true}},
		{"ALLOW is as good as nothing", `{"ExportToCsv":"ALLOW"}`, "", "ExportToPdf", capability.Verdict{Allowed: true}},
		{"governed", "", `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "Story", capability.Verdict{By: "Story", Category: "AI"}},
		{"governed and allowed", `{"Story":"ALLOW"}`, `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "Story", capability.Verdict{Allowed: true}},
		{"governed, of no category", "", `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "ExportToCsv", capability.Verdict{Allowed: true}},
		{"governed, the parent not allowed", `{"UseJiraAction":"ALLOW","JiraAction":"ALLOW"}`, `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "UseJiraAction", capability.Verdict{By: "Action", Category: "AI"}},
		{"governed, all above allowed", `{"UseJiraAction":"ALLOW","JiraAction":"ALLOW","Action":"ALLOW"}`, `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "UseJiraAction", capability.Verdict{Allowed: true}},
		{"governed, all above allowed, not itself", `{"JiraAction":"ALLOW","Action":"ALLOW"}`, `{"DefaultCategoryEffects":{"AI":"DENY_BY_DEFAULT"}}`, "UseJiraAction", capability.Verdict{By: "UseJiraAction", Category: "AI"}},
		{"empty governance", "", `{}`, "Story", capability.Verdict{Allowed: true}},
		{"a capability of a later model", `{"FlyToTheMoon":"DENY"}`, "", "FlyToTheMoon", capability.Verdict{By: "FlyToTheMoon"}},
		{"a capability of a later model, unsaid", "", "", "FlyToTheMoon", capability.Verdict{Allowed: true}},
	}
	for _, tt := range tests {
		p, err := capability.Read(tt.capabilities, tt.governance)
		if err != nil {
			t.Fatal(err)
		}
		if got := capability.Effective(p, tt.capability); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
	if _, err := capability.Read("[]", ""); err == nil {
		t.Error("capabilities that are no object were read")
	}
}

// TestInheritance denies each capability alone, and looks at what follows.
func TestInheritance(t *testing.T) {
	t.Parallel()
	table := capability.Table()
	for _, denied := range table {
		p, err := capability.Read(`{"`+denied.Name+`":"DENY"}`, "")
		if err != nil {
			t.Fatal(err)
		}
		var below func(c capability.Capability) bool
		below = func(c capability.Capability) bool {
			return c.Name == denied.Name || slices.ContainsFunc(c.Parents, func(name string) bool {
				parent, _ := capability.Find(name)
				return below(parent)
			})
		}
		for _, c := range table {
			if v := capability.Effective(p, c.Name); v.Allowed == below(c) {
				t.Fatalf("%s is denied, and %s is allowed: %t", denied.Name, c.Name, v.Allowed)
			}
		}
	}
}

func TestAsked(t *testing.T) {
	t.Parallel()
	tests := []struct {
		operation, sort string
		want            []string
	}{
		{"UpdateActionConnector", "JIRA_CLOUD", []string{"CreateAndUpdateJiraAction"}},
		{"UpdateActionConnectorPermissions", "JIRA_CLOUD", []string{"ShareJiraAction"}},
		{"DescribeActionConnector", "JIRA_CLOUD", []string{"JiraAction"}},
		{"DescribeActionConnector", "", []string{"Action"}},
		{"ListActionConnectors", "", []string{"Action"}},
		{"CreateFolder", "", []string{"CreateSharedFolders"}},
		{"CreateDataSet", "", []string{"CreateAndUpdateDatasets"}},
		{"CreateDataSet", "SPICE", []string{"CreateSPICEDataset"}},
		{"CreateDataSource", "AURORA_POSTGRESQL", []string{"CreateAuroraDataSource"}},
		{"DescribeUser", "", nil},
	}
	for _, tt := range tests {
		if got := capability.Asked(tt.operation, tt.sort); !slices.Equal(got, tt.want) {
			t.Errorf("%s of %q asks for %v, want %v", tt.operation, tt.sort, got, tt.want)
		}
		if got := capability.Gated(tt.operation); got != (tt.want != nil) {
			t.Errorf("%s is gated: %t", tt.operation, got)
		}
	}
}

func BenchmarkDecide(b *testing.B) {
	p, err := capability.Read(`{"ExportToCsv":"DENY","ShareJiraAction":"DENY"}`, `{"DefaultCategoryEffects":{}}`)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, v := capability.Decide(p, "UpdateActionConnector", "JIRA_CLOUD"); !v.Allowed {
			b.Fatal(v)
		}
	}
}
