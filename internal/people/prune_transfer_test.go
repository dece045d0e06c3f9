package people_test

import (
	"testing"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// What a pruned user owns goes to the heir before the user is deleted, and so
// nothing is nobody's afterwards.
func TestPruneTransfers(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		op := operator(t, srv)
		register(t, srv, "leaver", "AUTHOR")
		prefix := "arn:aws:quicksight:us-east-1:" + srv.Account + ":user/default/"
		owner := []string{
			"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolder", "quicksight:DeleteFolderMembership",
			"quicksight:DescribeFolder", "quicksight:DescribeFolderPermissions", "quicksight:UpdateFolder", "quicksight:UpdateFolderPermissions",
		}
		do(t, srv, qs.CreateFolder, qs.CreateFolderRequest{
			AwsAccountId: srv.Account, FolderId: "f", Permissions: []qs.ResourcePermission{{Principal: prefix + "leaver", Actions: owner}},
		})
		srv.Advance(100 * day)
		register(t, op, "heir", "ADMIN")
		policy := onsightapi.PrunePolicy{DeleteAfterDays: new(int32(90)), TransferTo: new("heir"), GraceDays: new(int32(1)), ProtectedUsers: []string{srv.Account}}
		apply(t, op, policy) // deactivates
		srv.Advance(day)
		prune, report := apply(t, op, policy)
		if *prune.Deleted != 1 || *prune.Failed != 0 {
			t.Errorf("counts %+v of\n%s", prune, report)
		}
		refused(t, op, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "leaver"}, "ResourceNotFoundException", "leaver")
		got := do(t, op, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: srv.Account, FolderId: "f"}).Permissions
		if len(got) != 1 || got[0].Principal != prefix+"heir" || len(got[0].Actions) != len(owner) {
			t.Errorf("the folder is %+v's", got)
		}
		if left := do(t, op, onsightapi.ListUnownedResources, onsightapi.ListUnownedResourcesRequest{AwsAccountId: srv.Account}).Resources; len(left) != 0 {
			t.Errorf("%+v are nobody's", left)
		}
	})
}
