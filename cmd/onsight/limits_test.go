package main

import (
	"testing"

	"onsight/internal/qs"
)

// TestLimits assigns profiles at a server, and shows what is in force.
func TestLimits(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	dir := t.TempDir()
	p := start(t, dir)
	c := rootClient(t, p, dir, account)
	must(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "limits-test", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "a@example.org",
	})
	ana := *must(t, c, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: new("ana"), Email: "ana@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	}).User.Arn
	profile := func(name string, gb int64) string {
		return must(t, c, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{
			AccountId: account, ClientToken: name, ProfileName: name,
			ResourceLimits: map[qs.ResourceType]qs.ProfileLimitValue{qs.ResourceTypeIndexStorage: {MaxValue: gb, Unit: qs.LimitUnitGB}},
		}).ProfileId
	}
	few, many := profile("few", 1), profile("many", 9)
	run := func(status int, args ...string) string {
		t.Helper()
		return command(t, p, dir, status, append([]string{"limits", args[0], "-endpoint", p.url}, args[1:]...)...)
	}
	has(t, run(0, "show", "-user", "ana"), "Nothing limits ana.")
	has(t, run(0, "assign", "-profile", few), few+" is for the account.")
	has(t, run(0, "assign", "-profile", few, "-role", "READER"), "role READER")
	has(t, run(0, "show", "-user", "ana"), "INDEX_STORAGE  1 GB  ROLE  "+few)
	has(t, run(0, "assign", "-profile", many, "-principal", ana, "-json"), `"Principal": "`+ana+`"`)
	has(t, run(0, "show", "-user", "ana", "-json"), `"DIRECT_USER"`, many)
	has(t, run(0, "list"), few+"  the account\n", few+"  role READER\n", many+"  "+ana+"\n")
	has(t, run(0, "unassign", "-principal", ana), "No profile is assigned to "+ana+" any more.")
	if got, want := run(0, "list", "-profile", many), ""; got != want {
		t.Errorf("list: %q, want %q", got, want)
	}
	has(t, run(1, "unassign", "-principal", ana), "ResourceNotFoundException")
	has(t, run(1, "show", "-user", "nobody"), "User nobody can't be found in namespace default.")
	has(t, run(2, "show"), "limits show needs -user")
	has(t, run(2, "assign", "-role", "READER"), "limits assign needs -profile")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
