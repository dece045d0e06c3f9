package connector

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"onsight/internal/qs"
)

// matrix is the table of the user guide in its own order: authorisation code,
// client credentials, API key, basic, none, IAM.
const matrix = `
GENERIC_HTTP                            x x x x x -
SERVICENOW_NOW_PLATFORM                 x x - x - -
SALESFORCE_CRM                          x x - - - -
MICROSOFT_OUTLOOK                       x x - - - -
PAGERDUTY_ADVANCE                       x x x - - -
JIRA_CLOUD                              x - E - - -
ATLASSIAN_CONFLUENCE                    x - E - - -
AMAZON_S3                               - - - - - x
AMAZON_BEDROCK_AGENT_RUNTIME            - - - - - x
AMAZON_BEDROCK_RUNTIME                  - - - - - x
AMAZON_BEDROCK_DATA_AUTOMATION_RUNTIME  - - - - - x
AMAZON_TEXTRACT                         - - - - - x
AMAZON_COMPREHEND                       - - - - - x
AMAZON_COMPREHEND_MEDICAL               - - - - - x
MICROSOFT_ONEDRIVE                      x x - - - -
MICROSOFT_SHAREPOINT                    x x - - - -
MICROSOFT_TEAMS                         x x - - - -
SAP_BUSINESSPARTNER                     - x - x - -
SAP_PRODUCTMASTERDATA                   - x - x - -
SAP_PHYSICALINVENTORY                   - x - x - -
SAP_BILLOFMATERIALS                     - x - x - -
SAP_MATERIALSTOCK                       - x - x - -
ZENDESK_SUITE                           x - E - - -
SMARTSHEET                              x - x - - -
SLACK                                   x - x - - -
ASANA                                   x - x - - -
BAMBOO_HR                               x - x - - -
`

var matrixColumns = []qs.ConnectionAuthType{code, client, apiKey, basic, none, iam}

// EachCell calls f for each type and way to authenticate: x is accepted, E
// needs an e-mail address, - is refused.
func EachCell(f func(t qs.ActionConnectorType, a qs.ConnectionAuthType, cell string)) {
	for line := range strings.Lines(strings.TrimSpace(matrix)) {
		fields := strings.Fields(line)
		for i, cell := range fields[1:] {
			f(qs.ActionConnectorType(fields[0]), matrixColumns[i], cell)
		}
	}
}

func TestSorts(t *testing.T) {
	t.Parallel()
	cells := 0
	EachCell(func(typ qs.ActionConnectorType, a qs.ConnectionAuthType, cell string) {
		cells++
		if got, want := sorts[typ].accepts(a), cell != "-"; got != want {
			t.Errorf("%s with %s: accepted %t, want %t", typ, a, got, want)
		}
		if a == apiKey && sorts[typ].email != (cell == "E") {
			t.Errorf("%s with an API key: needs an e-mail address %t", typ, sorts[typ].email)
		}
	})
	if want := len(sorts) * len(matrixColumns); cells != want {
		t.Errorf("the matrix has %d cells, want %d", cells, want)
	}
}

// A type that the model gains must get a row, a decision and actions.
func TestSortsAreThoseOfTheModel(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile("../../model/quicksight.json")
	if err != nil {
		t.Fatal(err)
	}
	var model struct {
		Shapes map[string]struct {
			Enum []string `json:"enum"`
			Max  float64  `json:"max"`
		} `json:"shapes"`
	}
	if err := json.Unmarshal(raw, &model); err != nil {
		t.Fatal(err)
	}
	types := model.Shapes["ActionConnectorType"].Enum
	if len(types) != len(sorts) {
		t.Errorf("the model has %d types, the table %d", len(types), len(sorts))
	}
	for _, name := range types {
		typ := qs.ActionConnectorType(name)
		if len(sorts[typ].auth) == 0 {
			t.Errorf("%s is in the model and not in the table of types", name)
		}
		ids := actionsOf(typ)
		if n := len(ids); n == 0 || float64(n) > model.Shapes["ActionIdList"].Max {
			t.Errorf("%s has %d actions, want 1 to %v", name, n, model.Shapes["ActionIdList"].Max)
		}
		if !slices.IsSorted(ids) {
			t.Errorf("the actions of %s are not sorted", name)
		}
		if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
			t.Errorf("%s has an action twice: %v", name, ids)
		}
	}
	for typ, want := range map[qs.ActionConnectorType]int{ // as many as the user guide counts
		"SERVICENOW_NOW_PLATFORM": 26, "SALESFORCE_CRM": 42, "MICROSOFT_OUTLOOK": 21, "MICROSOFT_ONEDRIVE": 22, "MICROSOFT_SHAREPOINT": 19,
		"MICROSOFT_TEAMS": 18, "JIRA_CLOUD": 29, "ATLASSIAN_CONFLUENCE": 4, "ZENDESK_SUITE": 5, "SMARTSHEET": 5, "SLACK": 39,
	} {
		if got := len(actionsOf(typ)); got != want {
			t.Errorf("%s has %d actions, want %d", typ, got, want)
		}
	}
}
