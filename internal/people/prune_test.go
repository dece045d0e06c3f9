package people_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// steps writes what a prune does, or did, shortly.
func steps(all []onsightapi.PruneStep) string {
	var lines []string
	for _, s := range all {
		line := fmt.Sprintf("%s %s: %s", *s.Action, *s.UserName, *s.Reason)
		if s.Error != nil {
			line += "; " + *s.Error
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func plan(t *testing.T, srv *testkit.Server, p onsightapi.PrunePolicy) string {
	t.Helper()
	in := onsightapi.PlanPruneRequest{AwsAccountId: srv.Account, Policy: &p, MaxResults: new(int32(2))}
	var all []onsightapi.PruneStep
	for range 1000 {
		out := do(t, srv, onsightapi.PlanPrune, in)
		all = append(all, out.Steps...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return steps(all)
}

// apply runs a prune to its end and gives its report.
func apply(t *testing.T, srv *testkit.Server, p onsightapi.PrunePolicy) (*onsightapi.Prune, string) {
	t.Helper()
	id := do(t, srv, onsightapi.StartPrune, onsightapi.StartPruneRequest{AwsAccountId: srv.Account, Policy: &p}).Prune.PruneId
	return ended(t, srv, *id)
}

// ended waits for the end of a prune.
func ended(t *testing.T, srv *testkit.Server, id string) (*onsightapi.Prune, string) {
	t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		prune := do(t, srv, onsightapi.DescribePrune, onsightapi.DescribePruneRequest{AwsAccountId: srv.Account, PruneId: id}).Prune
		if *prune.State == "COMPLETED" {
			in := onsightapi.ListPruneStepsRequest{AwsAccountId: srv.Account, PruneId: id, MaxResults: new(int32(2))}
			var all []onsightapi.PruneStep
			for range 1000 {
				out := do(t, srv, onsightapi.ListPruneSteps, in)
				all = append(all, out.Steps...)
				if in.NextToken = out.NextToken; in.NextToken == nil {
					break
				}
			}
			return prune, steps(all)
		}
		if time.Now().After(deadline) {
			t.Fatalf("prune %+v does not end", prune)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// operator gives the server as an IAM user sees it who may do everything, and
// who is no user of the account.
func operator(t *testing.T, srv *testkit.Server) *testkit.Server {
	t.Helper()
	do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "operator"})
	do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "operator", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`})
	key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("operator")}).AccessKey
	return srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
}

func TestPrune(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		op := operator(t, srv)
		for _, name := range []string{"a", "b", "named", "tagged"} {
			register(t, srv, name, "READER")
		}
		register(t, srv, "heir", "ADMIN")
		tag := qs.TagResourceRequest{ResourceArn: "arn:aws:quicksight:us-east-1:" + srv.Account + ":user/default/tagged", Tags: []qs.Tag{{Key: "keep", Value: "yes"}}}
		do(t, srv, qs.TagResource, tag)
		srv.Advance(2 * time.Hour)
		do(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: srv.Account, Namespace: "default"}) // root is used, and then no more
		srv.Advance(60 * day)
		srv = op
		register(t, srv, "c", "READER")
		srv.Advance(40 * day)
		policy := onsightapi.PrunePolicy{
			WarnAfterDays: new(int32(30)), DeactivateAfterDays: new(int32(90)),
			ProtectedUsers: []string{"named"}, ProtectedTag: &onsightapi.ProtectedTag{Key: "keep"},
		}
		since := func(days int) string { return fmt.Sprintf("never seen in %d days since the registration", days) }
		root := srv.Account
		want := "KEEP " + root + ": the last administrator who can act\nDEACTIVATE a: " + since(100) + "\nDEACTIVATE b: " + since(100) + "\nWARN c: " + since(40) +
			"\nDEACTIVATE heir: " + since(100) + "\nKEEP named: protected by name\nKEEP tagged: protected by the tag keep=yes"
		if got := plan(t, srv, policy); got != want {
			t.Errorf("plan\n%s\nwant\n%s", got, want)
		}
		prune, got := apply(t, srv, policy)
		if got != want {
			t.Errorf("report\n%s\nwant\n%s", got, want)
		}
		if *prune.Deactivated != 3 || *prune.Warned != 1 || *prune.Kept != 3 || *prune.Failed != 0 || *prune.Looked != 7 || prune.EndedTime == nil {
			t.Errorf("counts %+v", prune)
		}
		// There is nothing more to do, but to say who is kept.
		if _, got := apply(t, srv, policy); got != "KEEP "+root+": the last administrator who can act\nKEEP named: protected by name\nKEEP tagged: protected by the tag keep=yes" {
			t.Errorf("again\n%s", got)
		}
		if all := do(t, srv, onsightapi.ListPrunes, onsightapi.ListPrunesRequest{AwsAccountId: srv.Account, MaxResults: new(int32(1))}); len(all.Prunes) != 1 || all.NextToken == nil || *all.Prunes[0].PruneId <= *prune.PruneId {
			t.Errorf("prunes %+v, want the latest and a token", all)
		}
		do(t, srv, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "a"})

		refuse := func(p onsightapi.PrunePolicy, code, text string) {
			t.Helper()
			refused(t, srv, onsightapi.PlanPrune, onsightapi.PlanPruneRequest{AwsAccountId: srv.Account, Policy: &p}, code, text)
			refused(t, srv, onsightapi.StartPrune, onsightapi.StartPruneRequest{AwsAccountId: srv.Account, Policy: &p}, code, text)
		}
		n := func(days int32) *int32 { return &days }
		refuse(onsightapi.PrunePolicy{}, "InvalidParameterValueException", "does nothing")
		refuse(onsightapi.PrunePolicy{WarnAfterDays: n(30), DeactivateAfterDays: n(30)}, "InvalidParameterValueException", "WarnAfterDays (30) must be less")
		refuse(onsightapi.PrunePolicy{DeactivateAfterDays: n(31), DeleteAfterDays: n(30), TransferTo: new("heir")}, "InvalidParameterValueException", "must not be more")
		refuse(onsightapi.PrunePolicy{DeleteAfterDays: n(30)}, "InvalidParameterValueException", "needs TransferTo")
		refuse(onsightapi.PrunePolicy{DeleteAfterDays: n(30), TransferTo: new("gone")}, "ResourceNotFoundException", "Username: gone")
		refuse(onsightapi.PrunePolicy{DeleteAfterDays: n(30), TransferTo: new("heir")}, "InvalidParameterValueException", "is deactivated")
		refuse(onsightapi.PrunePolicy{DeactivateAfterDays: n(30), Namespace: new("gone")}, "ResourceNotFoundException", "namespace gone")
		refuse(onsightapi.PrunePolicy{DeactivateAfterDays: n(0)}, "ValidationException", "")
		refused(t, srv, onsightapi.DescribePrune, onsightapi.DescribePruneRequest{AwsAccountId: srv.Account, PruneId: "gone"}, "ResourceNotFoundException", "Prune gone can't be found")
		refused(t, srv, onsightapi.ListPruneSteps, onsightapi.ListPruneStepsRequest{AwsAccountId: srv.Account, PruneId: "gone"}, "ResourceNotFoundException", "Prune gone can't be found")
	})
}

// centre is a row for a user of an identity centre.
func centre(i int) onsightapi.BulkUser {
	name := fmt.Sprintf("user-%05d", i)
	return onsightapi.BulkUser{Line: new(int32(i)), IdentityType: new("IAM_IDENTITY_CENTER"), UserName: &name, Email: new(name + "@example.org"), UserRole: new("AUTHOR")}
}

func TestPruneDeletes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, name := range []string{"a", "b", "heir"} {
			register(t, srv, name, "AUTHOR")
		}
		user := func(name string) string {
			return "arn:aws:quicksight:us-east-1:" + srv.Account + ":user/default/" + name
		}
		do(t, srv, qs.CreateFolder, qs.CreateFolderRequest{
			AwsAccountId: srv.Account, FolderId: "f", Name: new("F"), Permissions: []qs.ResourcePermission{{Principal: user("a"), Actions: []string{
				"quicksight:CreateFolder", "quicksight:DescribeFolder", "quicksight:UpdateFolder", "quicksight:DeleteFolder", "quicksight:CreateFolderMembership",
				"quicksight:DeleteFolderMembership", "quicksight:DescribeFolderPermissions", "quicksight:UpdateFolderPermissions",
			}}},
		})
		srv.Advance(100 * day)
		policy := onsightapi.PrunePolicy{DeactivateAfterDays: new(int32(90)), DeleteAfterDays: new(int32(95)), TransferTo: new("heir"), Role: new(onsightapi.PersonRole("AUTHOR"))}
		since := func(days int) string { return fmt.Sprintf("never seen in %d days since the registration", days) }
		want := "DEACTIVATE a: " + since(100) + "\nDEACTIVATE b: " + since(100) + "\nKEEP heir: gets what deleted users own"
		if _, got := apply(t, srv, policy); got != want {
			t.Errorf("first\n%s\nwant\n%s", got, want)
		}
		srv.Advance(6 * day)
		if got, want := plan(t, srv, policy), "KEEP heir: gets what deleted users own"; got != want {
			t.Errorf("within the grace\n%s\nwant\n%s", got, want)
		}
		do(t, srv, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "b"})
		srv.Advance(2 * day)
		prune, got := apply(t, srv, policy)
		if want := "DELETE a: " + since(108) + ", and deactivated since"; !strings.HasPrefix(got, want) || *prune.Deleted != 1 {
			t.Errorf("after the grace\n%s\nwant\n%s", got, want)
		}
		steps := do(t, srv, onsightapi.ListPruneSteps, onsightapi.ListPruneStepsRequest{AwsAccountId: srv.Account, PruneId: *prune.PruneId}).Steps
		if *steps[0].Moved != 1 {
			t.Errorf("%d assets moved, want the folder", *steps[0].Moved)
		}
		permissions := do(t, srv, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: srv.Account, FolderId: "f"}).Permissions
		if len(permissions) != 1 || permissions[0].Principal != user("heir") {
			t.Errorf("the folder is of %+v, want heir", permissions)
		}
		if got := users(t, srv); got != srv.Account+" b heir" {
			t.Errorf("left: %s", got)
		}
		// Each deletion is in the trail by itself, in the name of who has begun the prune.
		events := do(t, srv, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{LookupAttributes: []cloudtrailapi.LookupAttribute{{AttributeKey: "EventName", AttributeValue: "DeleteUser"}}}).Events
		if len(events) != 1 || !strings.Contains(*events[0].CloudTrailEvent, `"userName":"a"`) || !strings.Contains(*events[0].CloudTrailEvent, `"sourceIPAddress":"onsight"`) {
			t.Errorf("events of DeleteUser: %+v, want one of a", events)
		}
		srv.Advance(200 * day)
		refused(t, srv, onsightapi.StartPrune, onsightapi.StartPruneRequest{AwsAccountId: srv.Account, Policy: &onsightapi.PrunePolicy{DeleteAfterDays: new(int32(95)), TransferTo: new("a")}}, "ResourceNotFoundException", "Username: a")
	})
}

// TestPruneGoesOn stops the server in the middle of a prune: another one goes on
// with it, and every user is dealt with once.
func TestPruneGoesOn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		const n = 1300
		var rows []onsightapi.BulkUser
		for i := range n {
			rows = append(rows, centre(i))
		}
		if out := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows, AllOrNothing: new(true)}); *out.Done != n {
			t.Fatalf("%d of %d registered", *out.Done, n)
		}
		srv.Advance(100 * day)
		start := onsightapi.StartPruneRequest{AwsAccountId: srv.Account, Policy: &onsightapi.PrunePolicy{DeactivateAfterDays: new(int32(90)), Role: new(onsightapi.PersonRole("AUTHOR"))}}
		id := *do(t, srv, onsightapi.StartPrune, start).Prune.PruneId
		for range 3 {
			if p := do(t, srv, onsightapi.DescribePrune, onsightapi.DescribePruneRequest{AwsAccountId: srv.Account, PruneId: id}).Prune; *p.State == "RUNNING" {
				refused(t, srv, onsightapi.StartPrune, start, "ConflictException", "Prune "+id+" of the account is still running")
			}
			srv = srv.At(srv.Restart(t))
		}
		prune, steps := ended(t, srv, id)
		if got := strings.Count(steps, "DEACTIVATE"); got != n || *prune.Deactivated != n || *prune.Looked != n+1 || *prune.Failed != 0 {
			t.Errorf("%d steps, counts %d deactivated, %d looked at, %d failed; want %d", got, *prune.Deactivated, *prune.Looked, *prune.Failed, n)
		}
	})
}
