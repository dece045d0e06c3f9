package network_test

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

const (
	account = testkit.Account
	role    = "arn:aws:iam::" + account + ":role/vpc"
)

// profiles is a file with the profiles of the tests.
func profiles(t *testing.T, text string) testkit.Option {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profiles.json")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) { c.NetworkProfiles = file }
}

const two = `{"profiles": [
	{"name": "office", "subnets": ["subnet-office1", "subnet-office2", "subnet-office3"], "vpc": "vpc-office", "allow": ["10.1.0.0/16"]},
	{"name": "lab", "subnets": ["subnet-lab1", "subnet-lab2"], "accounts": ["444455556666"]},
	{"name": "elsewhere", "subnets": ["subnet-else1", "subnet-else2"], "sourceAddress": "203.0.113.7"}
]}`

func connection(id string, subnets ...string) qs.CreateVPCConnectionRequest {
	if subnets == nil {
		subnets = []string{"subnet-office1", "subnet-office2"}
	}
	return qs.CreateVPCConnectionRequest{
		AwsAccountId: account, VPCConnectionId: id, Name: "Name of " + id, RoleArn: role, SecurityGroupIds: []string{"sg-1", "sg-2"}, SubnetIds: subnets,
	}
}

func create(t *testing.T, srv *testkit.Server, in qs.CreateVPCConnectionRequest) *qs.CreateVPCConnectionResponse {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateVPCConnection, in)
	if err != nil {
		t.Fatalf("create %s: %v", in.VPCConnectionId, err)
	}
	return out
}

func describe(t *testing.T, srv *testkit.Server, id string) (*qs.VPCConnection, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeVPCConnection, qs.DescribeVPCConnectionRequest{AwsAccountId: srv.Account, VPCConnectionId: id})
	if err != nil {
		return nil, err
	}
	return out.VPCConnection, nil
}

func await(t *testing.T, srv *testkit.Server, id string, want qs.VPCConnectionResourceStatus) *qs.VPCConnection {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		c, err := describe(t, srv, id)
		if err != nil {
			t.Fatal(err)
		}
		if *c.Status == want {
			return c
		}
		if !strings.HasSuffix(string(*c.Status), "_IN_PROGRESS") || time.Now().After(deadline) {
			t.Fatalf("%s is %s (%v), want %s", id, *c.Status, reason(c), want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func reason(c *qs.VPCConnection) string {
	for _, n := range c.NetworkInterfaces {
		if n.ErrorMessage != nil {
			return *n.ErrorMessage
		}
	}
	return ""
}

func update(t *testing.T, srv *testkit.Server, id, name string, subnets ...string) (*qs.UpdateVPCConnectionResponse, error) {
	t.Helper()
	return testkit.Call(t, srv, qs.UpdateVPCConnection, qs.UpdateVPCConnectionRequest{
		AwsAccountId: srv.Account, VPCConnectionId: id, Name: name, RoleArn: role, SecurityGroupIds: []string{"sg-3"}, SubnetIds: subnets,
	})
}

func remove(t *testing.T, srv *testkit.Server, id string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.DeleteVPCConnection, qs.DeleteVPCConnectionRequest{AwsAccountId: srv.Account, VPCConnectionId: id})
	return err
}

func list(t *testing.T, srv *testkit.Server, size int32) (ids []string) {
	t.Helper()
	in := qs.ListVPCConnectionsRequest{AwsAccountId: srv.Account, MaxResults: &size}
	for {
		out, err := testkit.Call(t, srv, qs.ListVPCConnections, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range out.VPCConnectionSummaries {
			ids = append(ids, *c.VPCConnectionId)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return ids
		}
	}
}

func want(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, text)
	}
}

func TestVPCConnection(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		in := connection("main")
		in.DnsResolvers = []string{"10.1.0.2", "9.9.9.9"}
		in.Tags = []qs.Tag{{Key: "team", Value: "data"}}
		out := create(t, srv, in)
		arn := "arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/main"
		if *out.Arn != arn || *out.VPCConnectionId != "main" || *out.CreationStatus != "CREATION_IN_PROGRESS" || *out.AvailabilityStatus != "UNAVAILABLE" {
			t.Errorf("created as %+v", out)
		}
		c := await(t, srv, "main", "CREATION_SUCCESSFUL")
		if *c.AvailabilityStatus != "AVAILABLE" || *c.Name != "Name of main" || *c.RoleArn != role || *c.VPCId != "vpc-office" || reason(c) != "" ||
			!slices.Equal(c.SecurityGroupIds, in.SecurityGroupIds) || !slices.Equal(c.DnsResolvers, in.DnsResolvers) || len(c.NetworkInterfaces) != 2 {
			t.Errorf("described as %+v", c)
		}
		for i, n := range c.NetworkInterfaces {
			if *n.SubnetId != in.SubnetIds[i] || *n.Status != "AVAILABLE" || !strings.HasPrefix(*n.NetworkInterfaceId, "eni-") {
				t.Errorf("interface %+v", n)
			}
		}
		tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn})
		if err != nil || len(tags.Tags) != 1 {
			t.Errorf("tags %v, %v", tags, err)
		}
		_, err = testkit.Call(t, srv, qs.CreateVPCConnection, connection("main"))
		want(t, "a second one", err, "ResourceExistsException", "main already exists")

		up, err := update(t, srv, "main", "Other", "subnet-office3", "subnet-office1")
		if err != nil || *up.UpdateStatus != "UPDATE_IN_PROGRESS" || *up.Arn != arn || *up.AvailabilityStatus != "AVAILABLE" {
			t.Fatalf("updated as %+v, %v", up, err)
		}
		c = await(t, srv, "main", "UPDATE_SUCCESSFUL")
		if *c.Name != "Other" || len(c.DnsResolvers) != 0 || *c.NetworkInterfaces[0].SubnetId != "subnet-office3" || len(c.SecurityGroupIds) != 1 {
			t.Errorf("after the update %+v", c)
		}
		// A failed update leaves what was before in force, and tells why.
		if _, err := update(t, srv, "main", "Third", "subnet-none1", "subnet-none2"); err != nil {
			t.Fatal(err)
		}
		c = await(t, srv, "main", "UPDATE_FAILED")
		if *c.Name != "Other" || *c.AvailabilityStatus != "AVAILABLE" || !strings.Contains(reason(c), "subnet-none1 belongs to no network profile") {
			t.Errorf("after a failed update %+v: %s", c, reason(c))
		}
		if _, err := update(t, srv, "main", "Fourth", "subnet-office1", "subnet-office2"); err != nil {
			t.Fatal(err)
		}
		if c = await(t, srv, "main", "UPDATE_SUCCESSFUL"); *c.Name != "Fourth" || reason(c) != "" {
			t.Errorf("mended %+v", c)
		}

		// Deleted it can be seen as DELETED for an hour, but is in no list; its id is free.
		if err := remove(t, srv, "main"); err != nil {
			t.Fatal(err)
		}
		c = await(t, srv, "main", "DELETED")
		if *c.AvailabilityStatus != "UNAVAILABLE" || *c.NetworkInterfaces[0].Status != "DELETED" {
			t.Errorf("deleted %+v", c)
		}
		want(t, "delete twice", remove(t, srv, "main"), "ConflictException", "Cannot perform operation on deleted VPCConnection")
		_, err = update(t, srv, "main", "Fifth", "subnet-office1", "subnet-office2")
		want(t, "update of a deleted one", err, "ConflictException", "Cannot perform operation on deleted VPCConnection")
		if got := list(t, srv, 10); len(got) != 0 {
			t.Errorf("the list has %v", got)
		}
		_, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn})
		want(t, "tags of a deleted one", err, "ResourceNotFoundException", "")
		create(t, srv, connection("main"))
		await(t, srv, "main", "CREATION_SUCCESSFUL")
		if tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn}); err != nil || len(tags.Tags) != 0 {
			t.Errorf("the new one has tags of the old one: %v, %v", tags, err)
		}
		srv.Advance(2 * time.Hour)
		if _, err := describe(t, srv, "main"); err != nil {
			t.Errorf("what is left of the old one took the new one along: %v", err)
		}
		if err := remove(t, srv, "main"); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "main", "DELETED")
		srv.Advance(2 * time.Hour)
		deadline := time.Now().Add(time.Minute)
		for {
			if _, err = describe(t, srv, "main"); err != nil || time.Now().After(deadline) {
				break
			}
			time.Sleep(5 * time.Millisecond)
		}
		want(t, "an hour later", err, "ResourceNotFoundException", "main can't be found")
		want(t, "delete of none", remove(t, srv, "main"), "ResourceNotFoundException", "main can't be found")
		_, err = update(t, srv, "main", "x", "subnet-office1", "subnet-office2")
		want(t, "update of none", err, "ResourceNotFoundException", "main can't be found")
	}, profiles(t, two))
}

// What is wrong with the settings shows at once; what is wrong with the
// operator's profiles, as a creation that failed.
func TestWrongVPCConnections(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.CreateVPCConnection, connection("a"))
		want(t, "not subscribed", err, "UnsupportedUserEditionException", "not subscribed")
		_, err = describe(t, srv, "a")
		want(t, "describe, not subscribed", err, "UnsupportedUserEditionException", "not subscribed")
		_, err = testkit.Call(t, srv, qs.ListVPCConnections, qs.ListVPCConnectionsRequest{AwsAccountId: account})
		want(t, "list, not subscribed", err, "UnsupportedUserEditionException", "not subscribed")
		want(t, "delete, not subscribed", remove(t, srv, "a"), "UnsupportedUserEditionException", "not subscribed")
		srv.Subscribe(t)
		for name, x := range map[string]struct {
			change func(*qs.CreateVPCConnectionRequest)
			text   string
		}{
			"role of another account": {func(in *qs.CreateVPCConnectionRequest) { in.RoleArn = "arn:aws:iam::999988887777:role/vpc" }, "RoleArn isn't valid"},
			"no role":                 {func(in *qs.CreateVPCConnectionRequest) { in.RoleArn = "arn:aws:iam::" + account + ":user/someone" }, "RoleArn isn't valid"},
			"no ARN":                  {func(in *qs.CreateVPCConnectionRequest) { in.RoleArn = strings.Repeat("x", 20) }, "RoleArn isn't valid"},
			"subnet twice":            {func(in *qs.CreateVPCConnectionRequest) { in.SubnetIds = []string{"subnet-office1", "subnet-office1"} }, "there twice"},
			"group twice":             {func(in *qs.CreateVPCConnectionRequest) { in.SecurityGroupIds = []string{"sg-1", "sg-1"} }, "there twice"},
			"resolver":                {func(in *qs.CreateVPCConnectionRequest) { in.DnsResolvers = []string{"dns.example"} }, "DnsResolvers isn't valid"},
		} {
			in := connection("wrong")
			x.change(&in)
			_, err := testkit.Call(t, srv, qs.CreateVPCConnection, in)
			want(t, name, err, "InvalidParameterValueException", x.text)
		}
		for id, x := range map[string]struct {
			subnets, resolvers []string
			text               string
		}{
			"none":      {[]string{"subnet-x1", "subnet-x2"}, nil, "Subnet subnet-x1 belongs to no network profile of this server that account " + account + " may use"},
			"mixed":     {[]string{"subnet-office1", "subnet-else1"}, nil, "belong to different network profiles"},
			"others":    {[]string{"subnet-lab1", "subnet-lab2"}, nil, "belongs to no network profile"},
			"elsewhere": {[]string{"subnet-else1", "subnet-else2"}, nil, "does not have the source address"},
			"resolver":  {nil, []string{"10.2.0.1"}, "DNS resolver 10.2.0.1 is a private address"},
			"metadata":  {nil, []string{"169.254.169.254"}, "hands out credentials"},
		} {
			in := connection(id, x.subnets...)
			in.DnsResolvers = x.resolvers
			create(t, srv, in)
			c := await(t, srv, id, "CREATION_FAILED")
			if !strings.Contains(reason(c), x.text) || *c.AvailabilityStatus != "UNAVAILABLE" || *c.NetworkInterfaces[0].Status != "CREATION_FAILED" {
				t.Errorf("%s: %s, want %s", id, reason(c), x.text)
			}
		}
		// A failed one can be mended, and deleted.
		if _, err := update(t, srv, "none", "Mended", "subnet-office1", "subnet-office2"); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "none", "UPDATE_SUCCESSFUL")
		if err := remove(t, srv, "mixed"); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "mixed", "DELETED")

		// Another account sees nothing of it.
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		_, err = describe(t, other, "none")
		want(t, "of another account", err, "ResourceNotFoundException", "")
		in := connection("lab", "subnet-lab1", "subnet-lab2")
		in.AwsAccountId, in.RoleArn = other.Account, "arn:aws:iam::444455556666:role/vpc"
		create(t, other, in)
		await(t, other, "lab", "CREATION_SUCCESSFUL")
		_, err = describe(t, srv.In("eu-west-1"), "none")
		want(t, "of another region", err, "ResourceNotFoundException", "")
	}, profiles(t, two))
}

func TestPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		var ids []string
		for i := range 7 {
			ids = append(ids, fmt.Sprintf("c%d", i))
			create(t, srv, connection(ids[i]))
		}
		if got := list(t, srv, 3); !slices.Equal(got, ids) {
			t.Errorf("listed %v", got)
		}
		// What comes and goes between two pages moves nothing else.
		first, err := testkit.Call(t, srv, qs.ListVPCConnections, qs.ListVPCConnectionsRequest{AwsAccountId: account, MaxResults: new(int32(3))})
		if err != nil {
			t.Fatal(err)
		}
		await(t, srv, "c1", "CREATION_SUCCESSFUL")
		if err := remove(t, srv, "c1"); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "c1", "DELETED")
		create(t, srv, connection("a"))
		second, err := testkit.Call(t, srv, qs.ListVPCConnections, qs.ListVPCConnectionsRequest{AwsAccountId: account, MaxResults: new(int32(100)), NextToken: first.NextToken})
		if err != nil || len(second.VPCConnectionSummaries) != 4 || *second.VPCConnectionSummaries[0].VPCConnectionId != "c3" {
			t.Errorf("second page %+v, %v", second, err)
		}
		_, err = testkit.Call(t, srv.In("eu-west-1"), qs.ListVPCConnections, qs.ListVPCConnectionsRequest{AwsAccountId: account, NextToken: first.NextToken})
		want(t, "a token of another region", err, "InvalidNextTokenException", "")
	}, profiles(t, two))
}

// A connector goes by the connection's profile: it may name what the profile
// allows, and holds the connection.
func TestConnectors(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, connection("main"))
		await(t, srv, "main", "CREATION_SUCCESSFUL")
		connector := func(id, base, vpc string) qs.CreateActionConnectorRequest {
			in := qs.CreateActionConnectorRequest{
				AwsAccountId: account, ActionConnectorId: id, Name: "Any", Type: qs.ActionConnectorTypeGenericHTTP,
				AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
					NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: base},
				}},
			}
			if vpc != "" {
				in.VpcConnectionArn = new("arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/" + vpc)
			}
			return in
		}
		for name, x := range map[string]struct{ base, vpc, text string }{
			"without":          {"https://10.1.2.3/", "", "BaseEndpoint isn't valid"},
			"outside":          {"https://10.2.2.3/", "main", "BaseEndpoint isn't valid"},
			"metadata":         {"https://169.254.169.254/", "main", "BaseEndpoint isn't valid"},
			"loopback":         {"https://localhost/", "main", "BaseEndpoint isn't valid"},
			"not there":        {"https://10.1.2.3/", "none", "can't be found"},
			"of another shape": {"https://user@10.1.2.3/", "main", "user name"},
		} {
			_, err := testkit.Call(t, srv, qs.CreateActionConnector, connector("wrong", x.base, x.vpc))
			want(t, name, err, "InvalidParameterValueException", x.text)
		}
		if _, err := testkit.Call(t, srv, qs.CreateActionConnector, connector("c1", "https://10.1.2.3/", "main")); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for status := ""; status != "CREATION_SUCCESSFUL"; {
			out, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "c1"})
			if err != nil || time.Now().After(deadline) || *out.ActionConnector.Status == "CREATION_FAILED" {
				t.Fatalf("%+v, %v", out, err)
			}
			status = string(*out.ActionConnector.Status)
		}
		want(t, "delete while in use", remove(t, srv, "main"), "ConflictException", "action-connector/c1 uses it")
		if c := await(t, srv, "main", "CREATION_SUCCESSFUL"); *c.AvailabilityStatus != "AVAILABLE" {
			t.Errorf("after the refusal %+v", c)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "c1"}); err != nil {
			t.Fatal(err)
		}
		if err := remove(t, srv, "main"); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "main", "DELETED")
		_, err := testkit.Call(t, srv, qs.CreateActionConnector, connector("c2", "https://10.1.2.3/", "main"))
		want(t, "by a deleted connection", err, "InvalidParameterValueException", "can't be found")
		create(t, srv, connection("failed", "subnet-x1", "subnet-x2"))
		await(t, srv, "failed", "CREATION_FAILED")
		_, err = testkit.Call(t, srv, qs.CreateActionConnector, connector("c2", "https://api.example.com/", "failed"))
		want(t, "by a failed connection", err, "InvalidParameterValueException", "CREATION_FAILED")
	}, profiles(t, two))
}

// Whoever begins to use a connection and whoever deletes it: one of them loses,
// and nothing is left without its connection.
func TestRaces(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for round := range 4 {
			id := fmt.Sprintf("r%d", round)
			create(t, srv, connection(id))
			await(t, srv, id, "CREATION_SUCCESSFUL")
			var wg sync.WaitGroup
			var used, gone [4]error
			for i := range 4 {
				wg.Go(func() {
					_, used[i] = testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
						AwsAccountId: account, ActionConnectorId: fmt.Sprintf("%s-%d", id, i), Name: "Any", Type: qs.ActionConnectorTypeGenericHTTP,
						VpcConnectionArn: new("arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/" + id),
						AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
							NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://10.1.2.3"},
						}},
					})
				})
				wg.Go(func() { gone[i] = remove(t, srv, id) })
			}
			wg.Wait()
			users, deletions := 0, 0
			for i := range 4 {
				if used[i] == nil {
					users++
				}
				if gone[i] == nil {
					deletions++
				}
			}
			if deletions > 1 || deletions == 1 && users > 0 || deletions == 0 && users == 0 {
				t.Errorf("round %d: %d connectors, %d deletions: %v %v", round, users, deletions, used, gone)
			}
		}
	}, profiles(t, two))
}

// Operators change their profiles; a connection says so, and comes back.
func TestProfilesChange(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "profiles.json")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(two)
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			srv := testkit.Start(t, storetest.Config(t, dialect), func(c *config.Config) { c.NetworkProfiles = file })
			srv.Subscribe(t)
			create(t, srv, connection("main"))
			await(t, srv, "main", "CREATION_SUCCESSFUL")
			write(`{"profiles": []}`)
			srv = srv.Restart(t)
			c := await(t, srv, "main", "CREATION_SUCCESSFUL")
			if *c.AvailabilityStatus != "UNAVAILABLE" || !strings.Contains(reason(c), "belongs to no network profile") || *c.NetworkInterfaces[0].Status != "UPDATE_FAILED" {
				t.Errorf("without its profile: %+v", c)
			}
			write(two)
			srv = srv.Restart(t)
			if c := await(t, srv, "main", "CREATION_SUCCESSFUL"); *c.AvailabilityStatus != "AVAILABLE" || reason(c) != "" {
				t.Errorf("with its profile again: %+v", c)
			}
		})
	}
}

// An account that ends leaves nothing, and begins with nothing.
func TestPurge(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, connection("main"))
		await(t, srv, "main", "CREATION_SUCCESSFUL")
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account}); err != nil {
			t.Fatal(err)
		}
		deadline := time.Now().Add(time.Minute)
		for {
			_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
				AwsAccountId: account, AccountName: "again", NotificationEmail: "admin@example.org", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
			})
			if err == nil {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
			time.Sleep(5 * time.Millisecond)
		}
		if got := list(t, srv, 10); len(got) != 0 {
			t.Errorf("left over: %v", got)
		}
	}, profiles(t, two))
}

// may gives the server as an IAM user sees it who may do what the statements say.
func may(t *testing.T, srv *testkit.Server, name, statements string) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: name, PolicyName: "p", PolicyDocument: `{"Version": "2012-10-17", "Statement": [` + statements + `]}`,
	}); err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, string(key.AccessKey.SecretAccessKey), "")
}

func TestWhoMayNot(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, connection("main"))
		await(t, srv, "main", "CREATION_SUCCESSFUL")
		reader := may(t, srv, "reader", `{"Effect": "Allow", "Action": "quicksight:DescribeVPCConnection", "Resource": "*"}`)
		if _, err := describe(t, reader, "main"); err != nil {
			t.Errorf("a reader reads: %v", err)
		}
		_, err := testkit.Call(t, reader, qs.ListVPCConnections, qs.ListVPCConnectionsRequest{AwsAccountId: account})
		want(t, "a reader lists", err, "AccessDeniedException", "quicksight:ListVPCConnections")
		_, err = testkit.Call(t, reader, qs.CreateVPCConnection, connection("other"))
		want(t, "a reader creates", err, "AccessDeniedException", "quicksight:CreateVPCConnection")
		_, err = update(t, reader, "main", "x", "subnet-office1", "subnet-office2")
		want(t, "a reader updates", err, "AccessDeniedException", "quicksight:UpdateVPCConnection")
		want(t, "a reader deletes", remove(t, reader, "main"), "AccessDeniedException", "quicksight:DeleteVPCConnection")

		// The role is passed, so that must be allowed too.
		maker := may(t, srv, "maker", `{"Effect": "Allow", "Action": "quicksight:*VPCConnection*", "Resource": "arn:aws:quicksight:*:*:vpcConnection/own-*"}`)
		_, err = testkit.Call(t, maker, qs.CreateVPCConnection, connection("own-1"))
		want(t, "without the role", err, "AccessDeniedException", "iam:PassRole")
		passer := may(t, srv, "passer", `{"Effect": "Allow", "Action": "quicksight:*VPCConnection*", "Resource": "arn:aws:quicksight:*:*:vpcConnection/own-*"},
			{"Effect": "Allow", "Action": "iam:PassRole", "Resource": "`+role+`"}`)
		create(t, passer, connection("own-1"))
		_, err = testkit.Call(t, passer, qs.CreateVPCConnection, connection("other"))
		want(t, "under another name", err, "AccessDeniedException", "vpcConnection/other")
		tagged := connection("own-2")
		tagged.Tags = []qs.Tag{{Key: "a", Value: "b"}}
		_, err = testkit.Call(t, passer, qs.CreateVPCConnection, tagged)
		want(t, "with tags", err, "AccessDeniedException", "quicksight:TagResource")
		if _, err := describe(t, srv, "own-2"); err == nil {
			t.Error("a refused call has made a connection")
		}
	}, profiles(t, two))
}

func TestStandardEdition(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
			AwsAccountId: account, AccountName: "small", NotificationEmail: "a@example.org", Edition: new(qs.EditionStandard),
			AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
		}); err != nil {
			t.Fatal(err)
		}
		_, err := testkit.Call(t, srv, qs.CreateVPCConnection, connection("a"))
		want(t, "the STANDARD edition", err, "UnsupportedUserEditionException", "STANDARD")
	}, profiles(t, two), func(c *config.Config) { c.Standard = true })
}
