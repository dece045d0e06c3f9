package definitions_test

import (
	"testing"

	"onsight/internal/connector/definitions"
)

// What is no id, no name or no condition is not sent.
func TestSalesforceRefuses(t *testing.T) {
	t.Parallel()
	d, _ := definitions.Of("SALESFORCE_CRM")
	for _, c := range []struct{ action, input string }{
		{"GetAccount", `{"id": "001D000000IqhS"}`},
		{"GetAccount", `{"id": "001D000000IqhSL1"}`},
		{"GetAccount", `{"id": "001D000000Iqh/L"}`},
		{"GetAccount", `{"id": "001D000000IqhSLIAZ\n"}`},
		{"GetRecord", `{"object": "Account/describe", "id": "001D000000IqhSL"}`},
		{"CreateAccount", `{"Industry": "Energy"}`},
		{"CreateOpportunity", `{"Name": "", "StageName": "x", "CloseDate": "2026-01-01"}`},
		{"ListCases", `{"filters": [{"field": "Id", "operator": "=", "value": "x", "raw": "y"}]}`},
		{"ListCases", `{"filters": "Id != null"}`},
		{"RunReport", `{"reportId": "00OD0000001cxIE", "logic": "1; drop"}`},
	} {
		if _, err := d.Operations[c.action].Check([]byte(c.input)); err == nil {
			t.Errorf("%s takes %s", c.action, c.input)
		}
	}
}
