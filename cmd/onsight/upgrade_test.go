package main

import (
	"strings"
	"testing"

	"onsight/internal/qs"
)

// TestUpgrade asks for a higher role and decides, with the commands.
func TestUpgrade(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	root := rootOf(t, p, dir)
	mustCall(t, root, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: "111122223333", AccountName: "upgrades", NotificationEmail: "admin@example.org", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	mustCall(t, root, qs.UpdateSelfUpgradeConfiguration, qs.UpdateSelfUpgradeConfigurationRequest{
		AwsAccountId: "111122223333", Namespace: "default", SelfUpgradeStatus: qs.SelfUpgradeStatusAdminApproval,
	})
	run := func(status int, name string, args ...string) string {
		t.Helper()
		return command(t, p, dir, status, append([]string{"upgrade", name, "-endpoint", p.url}, args...)...)
	}
	has(t, run(1, "request", "-role", "author"), "AUTHOR is no upgrade from ADMIN")
	asked := run(0, "request", "-role", "ADMIN_PRO", "-note", "for topics")
	id, _, _ := strings.Cut(asked, " ")
	has(t, asked, "PENDING: 111122223333 from ADMIN to ADMIN_PRO")
	has(t, run(0, "list"), "REQUEST", id+"  PENDING", "ADMIN  ADMIN_PRO  \"for topics\"")
	has(t, run(1, "verify", id), "VERIFY_FAILED", "The user's role is ADMIN, not ADMIN_PRO.")
	has(t, run(0, "approve", id), id+"  APPROVED: 111122223333 from ADMIN to ADMIN_PRO")
	has(t, run(1, "deny", id), "is APPROVED already")
	if list := run(0, "list"); strings.Contains(list, id) {
		t.Errorf("what is decided is listed:\n%s", list)
	}
	has(t, run(0, "list", "-all", "-json"), `"RequestStatus": "APPROVED"`, `"UserName": "111122223333"`)
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
