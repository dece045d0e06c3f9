package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/access"
	"onsight/internal/client"
	"onsight/internal/contract"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
)

func rootClient(t *testing.T, p *process, dir, account string) *client.Client {
	t.Helper()
	roots, err := access.OpenRoots(filepath.Join(dir, "onsight-data"))
	if err != nil {
		t.Fatal(err)
	}
	root, ok := roots.Of(account)
	if !ok {
		t.Fatalf("no root credentials of %s", account)
	}
	return &client.Client{URL: p.url, Region: "us-east-1", AccessKeyID: root.AccessKeyID, SecretAccessKey: contract.Secret(root.SecretAccessKey)}
}

func must[In, Out any](t *testing.T, c *client.Client, op contract.Op[In, Out], in In) *Out {
	t.Helper()
	out, err := client.Call(t.Context(), c, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// TestOwnership transfers what somebody owns at a server, first as a dry run,
// and lists what nobody owns.
func TestOwnership(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	dir := t.TempDir()
	p := start(t, dir)
	c := rootClient(t, p, dir, account)
	must(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "ownership-test", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "a@example.org",
		Edition: new(qs.EditionEnterprise),
	})
	arns := map[string]string{}
	for _, name := range []string{"ana", "bo"} {
		arns[name] = *must(t, c, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: account, Namespace: "default", UserName: &name, Email: name + "@example.org",
			IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleAuthor,
		}).User.Arn
	}
	owner := strings.Split("CreateFolder CreateFolderMembership DeleteFolder DeleteFolderMembership DescribeFolder "+
		"DescribeFolderPermissions UpdateFolder UpdateFolderPermissions", " ")
	for i := range owner {
		owner[i] = "quicksight:" + owner[i]
	}
	for _, id := range []string{"plans", "sales", "nobodys"} {
		r := qs.CreateFolderRequest{AwsAccountId: account, FolderId: id, Name: new("The " + id)}
		if id != "nobodys" {
			r.Permissions = []qs.ResourcePermission{{Principal: arns["ana"], Actions: owner}}
		}
		must(t, c, qs.CreateFolder, r)
	}
	run := func(status int, args ...string) string {
		t.Helper()
		return command(t, p, dir, status, append(append([]string{"ownership"}, args...), "-endpoint", p.url)...)
	}
	parties := []string{"-from", "user/default/ana", "-to", "user/default/bo"}
	has(t, run(0, append([]string{"transfer"}, parties...)...),
		"KIND    REGION     ID     NAME       OUTCOME\n", "folder  us-east-1  plans  The plans  would be transferred\n",
		"2 resources would go from "+arns["ana"]+" to "+arns["bo"]+".\nNothing was changed; -apply does it.\n")
	plans := "arn:aws:quicksight:us-east-1:" + account + ":folder/plans"
	has(t, run(0, append([]string{"transfer", "-apply", "-resource", plans, "-resource", plans + "x"}, parties...)...),
		"The plans  transferred\n", plans+"x", "is not there\n", "1 resource went from ")
	var out onsightapi.TransferOwnershipResponse
	if text := run(0, append([]string{"transfer", "-apply", "-json"}, parties...)...); json.Unmarshal([]byte(text), &out) != nil ||
		*out.Transferred != 1 || *out.Results[0].Id != "sales" {
		t.Errorf("as JSON: %s", text)
	}
	has(t, run(0, append([]string{"transfer"}, parties...)...), "0 resources would go from ")
	has(t, run(1, "transfer", "-from", "user/default/cy", "-to", "user/default/bo"), "From arn:aws:quicksight:us-east-1:"+account+":user/default/cy can't be found.")
	has(t, run(0, "unowned"), "KIND    REGION     ID       NAME         LAST CHANGE\n", "folder  us-east-1  nobodys  The nobodys  20")
	has(t, run(0, "unowned", "-kind", "action-connector"), "Everything has an owner.")
	has(t, run(0, "unowned", "-json"), `"Id": "nobodys"`)
	has(t, run(1, "unowned", "-kind", "user"), "Kind user isn't one that has owners. These are action-connector, folder.")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
