package connector_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func filter(name, operator, value string) []qs.ActionConnectorSearchFilter {
	return []qs.ActionConnectorSearchFilter{{
		Name: qs.ActionConnectorSearchFilterNameEnum(name), Operator: qs.FilterOperator(operator), Value: value,
	}}
}

// found collects all pages of a search.
func found(t *testing.T, srv *testkit.Server, f []qs.ActionConnectorSearchFilter, max int32) []string {
	t.Helper()
	ids := []string{}
	in := qs.SearchActionConnectorsRequest{AwsAccountId: srv.Account, Filters: f, MaxResults: &max}
	if in.Filters == nil {
		in.Filters = []qs.ActionConnectorSearchFilter{}
	}
	for {
		out, err := testkit.Call(t, srv, qs.SearchActionConnectors, in)
		if err != nil {
			t.Fatalf("search %v: %v", f, err)
		}
		for _, c := range out.ActionConnectorSummaries {
			ids = append(ids, c.ActionConnectorId)
		}
		if out.NextToken == nil {
			return ids
		}
		in.NextToken = out.NextToken
	}
}

func TestSearchActionConnectors(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := register(t, srv, "ana"), register(t, srv, "Admin/bo@example.org")
		for id, c := range map[string]struct {
			name   string
			typ    qs.ActionConnectorType
			owners []string
			views  []string
		}{
			"a": {"Ticket desk", qs.ActionConnectorTypeJiraCloud, []string{ana}, nil},
			"b": {"Ticket desk 2", qs.ActionConnectorTypeJiraCloud, []string{ana, bo}, nil},
			"C": {"tickets_old", qs.ActionConnectorTypeZendeskSuite, []string{bo}, []string{ana}},
			"d": {"Chat", qs.ActionConnectorTypeSlack, nil, nil},
		} {
			in := crm(id)
			in.Name, in.Type = qs.Secret(c.name), c.typ
			for _, p := range c.owners {
				in.Permissions = append(in.Permissions, qs.ResourcePermission{Principal: p, Actions: owner})
			}
			for _, p := range c.views {
				in.Permissions = append(in.Permissions, qs.ResourcePermission{Principal: p, Actions: viewer})
			}
			create(t, srv, in)
		}
		create(t, srv.In("eu-west-1"), crm("elsewhere"))
		const equals, like = "StringEquals", "StringLike"
		for _, tt := range []struct {
			f    []qs.ActionConnectorSearchFilter
			want string
		}{
			{nil, "C a b d"},
			{filter("ACTION_CONNECTOR_NAME", equals, "Ticket desk"), "a"},
			{filter("ACTION_CONNECTOR_NAME", equals, "ticket desk"), ""},
			{filter("ACTION_CONNECTOR_NAME", like, "TICKET"), "C a b"},
			{filter("ACTION_CONNECTOR_NAME", like, "ticket?desk"), "a"},
			{filter("ACTION_CONNECTOR_NAME", like, "*desk*"), "a b"},
			{filter("ACTION_CONNECTOR_NAME", like, "s_o"), "C"},
			{filter("ACTION_CONNECTOR_NAME", like, "%"), ""},
			{filter("ACTION_CONNECTOR_TYPE", equals, "JIRA_CLOUD"), "a b"},
			{filter("ACTION_CONNECTOR_TYPE", like, "slack"), "d"},
			{filter("ACTION_CONNECTOR_TYPE", like, "*_suite"), "C"},
			{filter("ACTION_CONNECTOR_TYPE", like, "[a-z]"), ""},
			{filter("ACTION_CONNECTOR_TYPE", like, `\`), ""},
			{filter("QUICKSIGHT_OWNER", equals, ana), "a b"},
			{filter("DIRECT_QUICKSIGHT_OWNER", equals, ana), "a b"},
			{filter("DIRECT_QUICKSIGHT_SOLE_OWNER", equals, ana), "a"},
			{filter("DIRECT_QUICKSIGHT_SOLE_OWNER", equals, bo), "C"},
			{filter("QUICKSIGHT_VIEWER_OR_OWNER", equals, ana), "C a b"},
			{filter("DIRECT_QUICKSIGHT_VIEWER_OR_OWNER", equals, ana), "C a b"},
			{filter("DIRECT_QUICKSIGHT_VIEWER_OR_OWNER", equals, bo), "C b"},
			{filter("QUICKSIGHT_OWNER", equals, "arn:aws:quicksight:us-east-1:"+account+":user/default/nobody"), ""},
			{filter("QUICKSIGHT_OWNER", equals, "arn:aws:quicksight:us-east-1:"+account+":group/default/none"), ""},
		} {
			for _, size := range []int32{0, 1, 2, 100} {
				if got := strings.Join(found(t, srv, tt.f, size), " "); got != tt.want {
					t.Errorf("%v in pages of %d: %q, want %q", tt.f, size, got, tt.want)
				}
			}
		}
		for name, tt := range map[string]struct {
			f    []qs.ActionConnectorSearchFilter
			want string
		}{
			"like on an owner":     {filter("QUICKSIGHT_OWNER", like, ana), "InvalidParameterValueException"},
			"a name for an owner":  {filter("QUICKSIGHT_OWNER", equals, "ana"), "InvalidParameterValueException"},
			"owner of elsewhere":   {filter("QUICKSIGHT_OWNER", equals, strings.Replace(ana, account, "444455556666", 1)), "InvalidParameterValueException"},
			"namespace":            {filter("QUICKSIGHT_OWNER", equals, "arn:aws:quicksight:us-east-1:"+account+":namespace/default"), "InvalidParameterValueException"},
			"unknown type":         {filter("ACTION_CONNECTOR_TYPE", equals, "FAX"), "InvalidParameterValueException"},
			"an enormous pattern":  {filter("ACTION_CONNECTOR_NAME", like, strings.Repeat("%a", 300)), "InvalidParameterValueException"},
			"a character of zero":  {filter("ACTION_CONNECTOR_NAME", equals, "a\x00b"), "InvalidParameterValueException"},
			"unknown filter":       {filter("COLOUR", equals, "red"), "ValidationException"},
			"unknown operator":     {filter("ACTION_CONNECTOR_NAME", "Near", "red"), "ValidationException"},
			"more than one filter": {append(filter("ACTION_CONNECTOR_NAME", equals, "a"), filter("ACTION_CONNECTOR_NAME", equals, "b")...), "ValidationException"},
		} {
			_, err := testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{AwsAccountId: account, Filters: tt.f})
			wantFault(t, name, err, tt.want)
		}
	})
}

func TestListActionConnectors(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		var want []string
		for i := range 25 {
			id := fmt.Sprintf("c%02d", i*2)
			create(t, srv, crm(id))
			want = append(want, id)
		}
		list := func(s *testkit.Server, token *string, max int32) (*qs.ListActionConnectorsResponse, error) {
			return testkit.Call(t, s, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: s.Account, MaxResults: &max, NextToken: token})
		}
		first, err := list(srv, nil, 10)
		if err != nil || first.NextToken == nil || len(first.ActionConnectorSummaries) != 10 {
			t.Fatalf("the first page: %v, %v", first, err)
		}
		s := first.ActionConnectorSummaries[0]
		if s.ActionConnectorId != "c00" || s.Name != "Customers c00" || s.Type != qs.ActionConnectorTypeGenericHTTP || s.Status == nil ||
			s.CreatedTime == nil || s.LastUpdatedTime == nil || s.Arn != "arn:aws:quicksight:us-east-1:"+account+":action-connector/c00" {
			t.Errorf("the first summary is %+v", s)
		}
		// Between the pages some go that were seen and some that were not, and others come.
		for _, id := range []string{"c00", "c18", "c20", "c48"} {
			if _, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: id}); err != nil {
				t.Fatal(err)
			}
		}
		create(t, srv, crm("c01"))
		create(t, srv, crm("c19"))
		want = slices.DeleteFunc(append(want, "c19"), func(id string) bool { return id == "c20" || id == "c48" })
		slices.Sort(want)
		got := []string{}
		page := first
		for {
			for _, c := range page.ActionConnectorSummaries {
				got = append(got, c.ActionConnectorId)
			}
			if page.NextToken == nil {
				break
			}
			if page, err = list(srv, page.NextToken, 7); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the pages, -want +got:\n%s", diff)
		}

		_, err = list(srv.In("eu-west-1"), first.NextToken, 10)
		wantFault(t, "a token of another region", err, "InvalidNextTokenException")
		_, err = list(srv, new(*first.NextToken+"A"), 10)
		wantFault(t, "an altered token", err, "InvalidNextTokenException")
		_, err = testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
			AwsAccountId: account, Filters: []qs.ActionConnectorSearchFilter{}, NextToken: first.NextToken,
		})
		wantFault(t, "a token of another operation", err, "InvalidNextTokenException")
		one, err := testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
			AwsAccountId: account, Filters: filter("ACTION_CONNECTOR_NAME", "StringLike", "c"), MaxResults: new(int32(1)),
		})
		if err != nil || one.NextToken == nil {
			t.Fatalf("search: %v, %v", one, err)
		}
		_, err = testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
			AwsAccountId: account, Filters: filter("ACTION_CONNECTOR_NAME", "StringLike", "d"), NextToken: one.NextToken,
		})
		wantFault(t, "a token of another filter", err, "InvalidNextTokenException")
		if out, err := list(srv, new(""), 10); err != nil || len(out.ActionConnectorSummaries) != 10 {
			t.Errorf("an empty token: %v, %v; want the first page", out, err)
		}
		_, err = list(srv, nil, 101)
		wantFault(t, "101 results", err, "ValidationException")
		_, err = list(srv, nil, 0)
		wantFault(t, "no results", err, "ValidationException")
	})
}
