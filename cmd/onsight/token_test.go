package main

import (
	"os"
	"os/exec"
	"regexp"
	"testing"

	"onsight/internal/iamapi"
	"onsight/internal/qs"
)

// TestToken makes, lists and ends tokens at a server.
func TestToken(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	dir := t.TempDir()
	p := start(t, dir)
	c := rootClient(t, p, dir, account)
	must(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "token-test", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "a@example.org",
	})
	const name = "ana"
	must(t, c, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name})
	must(t, c, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: name, PolicyName: "tokens",
		PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"onsight:*PersonalToken*","Resource":"arn:aws:quicksight:us-east-1:` + account + `:user/default/ana"}}`,
	})
	must(t, c, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", Email: "ana@example.org", IdentityType: qs.IdentityTypeIAM, IamArn: new("arn:aws:iam::" + account + ":user/ana"),
		UserRole: qs.UserRoleAuthor,
	})
	key := must(t, c, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
	run := func(status int, args ...string) string {
		t.Helper()
		cmd := exec.Command(p.cmd.Path, append([]string{"token", args[0], "-endpoint", p.url, "-user", name}, args[1:]...)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID="+key.AccessKeyId, "AWS_SECRET_ACCESS_KEY="+key.SecretAccessKey.Reveal(), "AWS_REGION=us-east-1")
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != status {
			t.Errorf("%v: exit status %d, want %d\n%s", args, got, status, out)
		}
		return string(out)
	}
	made := run(0, "create", "-name", "laptop", "-read-only")
	has(t, made, "Endpoint  "+p.url+"/mcp\n", "Token     onsight-pat_", "Keep the token now: it is shown this once.")
	id := regexp.MustCompile(`Its id is ([0-9a-f]{16}),`).FindStringSubmatch(made)
	if id == nil {
		t.Fatalf("no id in %q", made)
	}
	has(t, run(0, "list"), id[1]+"  laptop  look  ", "never")
	has(t, run(0, "list", "-json"), `"TokenId": "`+id[1]+`"`, `"ReadOnly": true`)
	has(t, run(0, "create", "-name", "phone", "-json"), `"Token": "onsight-pat_`)
	has(t, run(0, "delete", "-id", id[1]), "Token "+id[1]+" lets nobody in any more.")
	has(t, run(1, "delete", "-id", id[1]), "ResourceNotFoundException")
	has(t, run(1, "create", "-name", "x", "-days", "400"), "less than or equal to 365")
	has(t, command(t, p, dir, 1, "token", "create", "-endpoint", p.url, "-user", name, "-name", "x"), "makes personal tokens for themself")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
