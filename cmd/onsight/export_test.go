package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/access"
	"onsight/internal/client"
	"onsight/internal/contract"
	"onsight/internal/qs"
)

// rootOf gives a client with the root credentials of a server's folder.
func rootOf(t *testing.T, p *process, dir string) *client.Client {
	t.Helper()
	roots, err := access.OpenRoots(filepath.Join(dir, "onsight-data"))
	if err != nil {
		t.Fatal(err)
	}
	root, ok := roots.Of("111122223333")
	if !ok {
		t.Fatal("the folder has no root credentials")
	}
	return &client.Client{URL: p.url, Region: "us-east-1", AccessKeyID: root.AccessKeyID, SecretAccessKey: contract.Secret(root.SecretAccessKey)}
}

func mustCall[In, Out any](t *testing.T, c *client.Client, op contract.Op[In, Out], in In) {
	t.Helper()
	if _, err := client.Call(context.Background(), c, op, in); err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
}

// TestExportImport takes an account from one server to another through files,
// edits them as people do, and imports them again.
func TestExportImport(t *testing.T) {
	t.Parallel()
	dir, second := t.TempDir(), t.TempDir()
	p := start(t, dir)
	c := rootOf(t, p, dir)
	mustCall(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: "111122223333", AccountName: "acme", NotificationEmail: "a@example.org", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	for _, name := range []string{"ana", "bob/x"} {
		mustCall(t, c, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: "111122223333", Namespace: "default", UserName: &name, Email: "p@example.org", IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
		})
	}
	mustCall(t, c, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
		AwsAccountId: "111122223333", CustomPermissionsName: "careful", Capabilities: &qs.Capabilities{Dashboard: new(qs.CapabilityStateDeny)},
	})
	at := func(p *process, args ...string) []string { return append(args, "-endpoint", p.url) }

	has(t, command(t, p, dir, 0, at(p, "export", "out")...), "3  users", "Account 111122223333 is in out")
	users := filepath.Join(dir, "out", "users.jsonl")
	text, err := os.ReadFile(users)
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(text), `"name":"bob/x"`)
	has(t, command(t, p, dir, 0, at(p, "import", "-dry-run", "out")...), "would be created 0, changed 0, deleted 0")
	first, err := os.ReadFile(filepath.Join(dir, "out", "custom-permissions", "careful.json"))
	if err != nil {
		t.Fatal(err)
	}
	has(t, string(first), "\n  \"name\": \"careful\"", `"Dashboard": "DENY"`)

	// What people break is named with its file and line.
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(users, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(string(text), `"READER"`, `"KING"`, 1))
	has(t, command(t, p, dir, 1, at(p, "import", "out")...), "users.jsonl:", `role is "KING", and may be ADMIN`)
	write(strings.Replace(string(text), `"READER"`, `READER`, 1))
	has(t, command(t, p, dir, 1, at(p, "import", "out")...), "users.jsonl:", "is not JSON")

	// An edit, and a row less.
	var lines []string
	for line := range strings.Lines(strings.Replace(string(text), `"READER"`, `"AUTHOR"`, 1)) {
		if !strings.Contains(line, "bob/x") {
			lines = append(lines, line)
		}
	}
	write(strings.Join(lines, ""))
	has(t, command(t, p, dir, 1, at(p, "import", "out")...), "there is no users for its namespace and user_name")
	if err := os.Remove(filepath.Join(dir, "out", "invitations.jsonl")); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, p, dir, 1, at(p, "import", "out")...), "~ users default/ana (role)", "- users default/bob/x", "give -delete to delete them")
	has(t, command(t, p, dir, 0, at(p, "import", "out", "-keep-others")...), "created 0, changed 1, deleted 0", "is as the files say")
	has(t, command(t, p, dir, 0, at(p, "import", "out", "-delete")...), "created 0, changed 0, deleted 3")

	// A second server, with nothing in it and another sealing key.
	q := start(t, second)
	if err := os.CopyFS(filepath.Join(second, "out"), os.DirFS(filepath.Join(dir, "out"))); err != nil {
		t.Fatal(err)
	}
	has(t, command(t, q, second, 0, at(q, "import", "out")...), "deleted 0, unchanged 0", "is as the files say")
	has(t, command(t, q, second, 0, at(q, "export", "out")...), "2  users")
	mustCall(t, rootOf(t, q, second), qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: "111122223333", Namespace: "default", UserName: "ana"})
	again, err := os.ReadFile(filepath.Join(second, "out", "users.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if got, want := string(again), strings.Join(lines, ""); got != want {
		t.Errorf("exported from the second server:\n%s\nwant\n%s", got, want)
	}

	// Folders that are none.
	has(t, command(t, p, dir, 1, at(p, "import", "nowhere")...), "nowhere is no folder of an export")
	has(t, command(t, p, dir, 1, at(p, "export", ".")...), "is no export; give a folder that is empty")
	has(t, command(t, p, dir, 2, "export"), "takes one folder, but got 0 arguments")
}
