package connector_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestUpdateActionConnectorPermissions(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := register(t, srv, "ana"), register(t, srv, "bo")
		made := create(t, srv, crm("shared"))
		change := func(grant, revoke []qs.ResourcePermission) (*qs.UpdateActionConnectorPermissionsResponse, error) {
			return testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
				AwsAccountId: account, ActionConnectorId: "shared", GrantPermissions: grant, RevokePermissions: revoke,
			})
		}
		entry := func(principal string, actions []string) []qs.ResourcePermission {
			return []qs.ResourcePermission{{Principal: principal, Actions: actions}}
		}
		// At once, while the connector is still being made.
		out, err := change(entry(ana, owner), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(entry(ana, owner), out.Permissions); diff != "" || *out.Arn != *made.Arn || *out.ActionConnectorId != "shared" {
			t.Errorf("grant answers %s, %s, -want +got:\n%s", *out.Arn, *out.ActionConnectorId, diff)
		}
		// An owner becomes a viewer in one call, and another one comes.
		out, err = change(slices.Concat(entry(bo, owner), entry(ana, viewer)), entry(ana, owner))
		if err != nil {
			t.Fatal(err)
		}
		want := slices.Concat(entry(ana, viewer), entry(bo, owner))
		if diff := cmp.Diff(want, out.Permissions); diff != "" {
			t.Errorf("change of roles, -want +got:\n%s", diff)
		}
		unknown := []string{"quicksight:InvokeActionConnector", "quicksight:ListActionConnectorActions"}
		if _, err := change(entry(ana, unknown), nil); err != nil {
			t.Errorf("the names that published samples grant: %v", err)
		}
		if _, err := change(nil, entry(ana, unknown)); err != nil {
			t.Errorf("… and revoke: %v", err)
		}
		for name, tt := range map[string]struct {
			grant, revoke []qs.ResourcePermission
			want          string
		}{
			"neither":           {nil, nil, "InvalidParameterValueException"},
			"grant to nobody":   {entry(strings.Replace(ana, "ana", "cy", 1), viewer), nil, "InvalidParameterValueException"},
			"revoke from root":  {nil, entry("arn:aws:iam::"+account+":root", viewer), "InvalidParameterValueException"},
			"unknown action":    {entry(ana, []string{"quicksight:*"}), nil, "InvalidParameterValueException"},
			"revoke of unknown": {nil, entry(ana, []string{"quicksight:PassDataSet"}), "InvalidParameterValueException"},
			"no actions":        {entry(ana, []string{}), nil, "ValidationException"},
			"65 principals":     {slices.Repeat(entry(ana, viewer), 65), nil, "ValidationException"},
		} {
			_, err := change(tt.grant, tt.revoke)
			wantFault(t, name, err, tt.want)
		}
		_, err = testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: account, ActionConnectorId: "none", GrantPermissions: entry(ana, viewer),
		})
		wantFault(t, "no connector", err, "ResourceNotFoundException")
		got, err := testkit.Call(t, srv, qs.DescribeActionConnectorPermissions,
			qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: account, ActionConnectorId: "shared"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got.Permissions); diff != "" || *got.Arn != *made.Arn {
			t.Errorf("describe gives %s, -want +got:\n%s", *got.Arn, diff)
		}
		// A user who goes leaves the list; one with the same name inherits nothing.
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "bo"})
		if err != nil {
			t.Fatal(err)
		}
		register(t, srv, "bo")
		got, err = testkit.Call(t, srv, qs.DescribeActionConnectorPermissions,
			qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: account, ActionConnectorId: "shared"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(entry(ana, viewer), got.Permissions); diff != "" {
			t.Errorf("after the user has gone, -want +got:\n%s", diff)
		}
	})
}

// Permission lists end at 100 principals, with nothing of the call kept.
func TestPermissionLimit(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, crm("popular"))
		var all []qs.ResourcePermission
		for i := range 110 {
			name := "u" + strings.Repeat("i", i%10) + strings.Repeat("x", i/10)
			all = append(all, qs.ResourcePermission{Principal: register(t, srv, name), Actions: viewer})
		}
		grant := func(list []qs.ResourcePermission) error {
			_, err := testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
				AwsAccountId: account, ActionConnectorId: "popular", GrantPermissions: list,
			})
			return err
		}
		if err := grant(all[:60]); err != nil {
			t.Fatal(err)
		}
		wantFault(t, "110 principals", grant(all[60:]), "LimitExceededException")
		if err := grant(all[60:100]); err != nil {
			t.Errorf("100 principals: %v", err)
		}
	})
}
