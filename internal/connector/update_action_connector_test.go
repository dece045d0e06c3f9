package connector_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func update(id string, auth *qs.AuthConfig) qs.UpdateActionConnectorRequest {
	return qs.UpdateActionConnectorRequest{AwsAccountId: account, ActionConnectorId: id, Name: qs.Secret("Renamed " + id), AuthenticationConfig: auth}
}

func TestUpdateActionConnector(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		in := crm("crm")
		in.Description = new(qs.Secret("Before"))
		create(t, srv, in)
		// Right after the create, without waiting: as programs do.
		out, err := testkit.Call(t, srv, qs.UpdateActionConnector, update("crm", authOf(qs.ConnectionAuthTypeBasic, "pw")))
		if err != nil {
			t.Fatal(err)
		}
		if *out.UpdateStatus != qs.ResourceStatusUpdateInProgress || !strings.HasSuffix(*out.Arn, ":action-connector/crm") || *out.ActionConnectorId != "crm" {
			t.Errorf("update answers %s, %s, %s", *out.UpdateStatus, *out.Arn, *out.ActionConnectorId)
		}
		c := await(t, srv, "crm", qs.ResourceStatusUpdateSuccessful)
		if c.Name != "Renamed crm" || c.Description != nil || c.Type != in.Type || c.AuthenticationConfig.AuthenticationType != qs.ConnectionAuthTypeBasic {
			t.Errorf("after the update: name %q, description %v, type %s, authentication %s",
				c.Name.Reveal(), c.Description, c.Type, c.AuthenticationConfig.AuthenticationType)
		}
		_, err = testkit.Call(t, srv, qs.UpdateActionConnector, update("crm", authOf(qs.ConnectionAuthTypeIAM, "")))
		wantFault(t, "an authentication that the type does not know", err, "InvalidParameterValueException")
		_, err = testkit.Call(t, srv, qs.UpdateActionConnector, update("crm", authOf(qs.ConnectionAuthTypeBasic, "")))
		wantFault(t, "no password", err, "InvalidParameterValueException")
		_, err = testkit.Call(t, srv, qs.UpdateActionConnector, update("other", authOf(qs.ConnectionAuthTypeNone, "")))
		wantFault(t, "an id that is not there", err, "ResourceNotFoundException")
		if c := describe(t, srv, "crm"); *c.Status != qs.ResourceStatusUpdateSuccessful {
			t.Errorf("refused updates left the status %s", *c.Status)
		}
	})
}

// An OAuth grant may be updated without its details; they stay with their host.
func TestUpdateKeepsOAuthDetails(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		bare := func(base string) *qs.AuthConfig {
			a := authOf(qs.ConnectionAuthTypeOauth2ClientCredentials, "")
			m := a.AuthenticationMetadata.ClientCredentialsGrantMetadata
			m.BaseEndpoint, m.ClientCredentialsDetails = base, nil
			return a
		}
		in := crm("oauth")
		in.AuthenticationConfig = authOf(qs.ConnectionAuthTypeOauth2ClientCredentials, "client-secret")
		create(t, srv, in)
		for range 2 { // what was kept can be kept again
			if _, err := testkit.Call(t, srv, qs.UpdateActionConnector, update("oauth", bare("https://API.example.com:443/v2"))); err != nil {
				t.Fatal(err)
			}
			c := await(t, srv, "oauth", qs.ResourceStatusUpdateSuccessful)
			m := c.AuthenticationConfig.AuthenticationMetadata.ClientCredentialsGrantMetadata
			if d := m.ReadClientCredentialsDetails.ReadClientCredentialsGrantDetails; m.BaseEndpoint != "https://API.example.com:443/v2" ||
				d.ClientId != "client-1" || d.TokenEndpoint != "https://login.example.com/token" {
				t.Errorf("after an update without details: %+v, %+v", m, d)
			}
		}
		_, err := testkit.Call(t, srv, qs.UpdateActionConnector, update("oauth", bare("https://collector.example")))
		wantFault(t, "another host without details", err, "InvalidParameterValueException")
		other := authOf(qs.ConnectionAuthTypeOauth2AuthorizationCode, "")
		other.AuthenticationMetadata.AuthorizationCodeGrantMetadata.AuthorizationCodeGrantCredentialsDetails = nil
		_, err = testkit.Call(t, srv, qs.UpdateActionConnector, update("oauth", other))
		wantFault(t, "another grant without details", err, "InvalidParameterValueException")
	})
}

// Many who change one connector at once wait for each other; whoever gives up
// hears of a conflict, and the last one that was accepted is in force.
func TestConcurrentUpdates(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, crm("busy"))
		var wg sync.WaitGroup
		var mu sync.Mutex
		accepted := map[string]bool{}
		for i := range 12 {
			wg.Go(func() {
				name := fmt.Sprintf("Name %d", i)
				in := update("busy", authOf(qs.ConnectionAuthTypeAPIKey, qs.Secret("key-"+name)))
				in.Name = qs.Secret(name)
				_, err := testkit.Call(t, srv, qs.UpdateActionConnector, in)
				if err != nil {
					if f := fault.Of(err); f.Code != "ConflictException" {
						t.Errorf("update %d: %v", i, err)
					}
					return
				}
				mu.Lock()
				defer mu.Unlock()
				accepted[name] = true
			})
		}
		wg.Wait()
		c := await(t, srv, "busy", qs.ResourceStatusUpdateSuccessful)
		if !accepted[c.Name.Reveal()] {
			t.Errorf("in force is %q, which is none of the accepted %v", c.Name.Reveal(), accepted)
		}
	})
}

func TestDeleteActionConnector(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		in := crm("gone")
		in.Permissions = []qs.ResourcePermission{{Principal: ana, Actions: owner}}
		in.Tags = []qs.Tag{{Key: "team", Value: "sales"}}
		for range 3 { // the id is free again at once
			made := create(t, srv, in)
			out, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "gone"})
			if err != nil {
				t.Fatal(err)
			}
			if *out.Arn != *made.Arn || *out.ActionConnectorId != "gone" {
				t.Errorf("delete answers %s, %s", *out.Arn, *out.ActionConnectorId)
			}
			_, err = testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "gone"})
			wantFault(t, "describe", err, "ResourceNotFoundException")
			_, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn})
			wantFault(t, "tags", err, "ResourceNotFoundException")
			_, err = testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "gone"})
			wantFault(t, "delete again", err, "ResourceNotFoundException")
		}
		in.Permissions, in.Tags = nil, nil
		made := create(t, srv, in)
		p, err := testkit.Call(t, srv, qs.DescribeActionConnectorPermissions,
			qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: account, ActionConnectorId: "gone"})
		if err != nil || len(p.Permissions) != 0 {
			t.Errorf("permissions of a new connector with an old id: %v, %v", p, err)
		}
		tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn})
		if err != nil || len(tags.Tags) != 0 {
			t.Errorf("tags of a new connector with an old id: %v, %v", tags, err)
		}
	})
}
