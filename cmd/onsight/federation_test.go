package main

import (
	"os"
	"path/filepath"
	"testing"

	"onsight/internal/qs"
)

// TestFederation sets a provider up at a server, changes it and removes it.
func TestFederation(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	dir := t.TempDir()
	p := start(t, dir)
	c := rootClient(t, p, dir, account)
	must(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "federation-test", AuthenticationMethod: "IAM_AND_QUICKSIGHT", NotificationEmail: "a@example.org",
	})
	run := func(status int, args ...string) string {
		t.Helper()
		return command(t, p, dir, status, append([]string{"federation", args[0], "-endpoint", p.url}, args[1:]...)...)
	}
	set := func(status int, more ...string) string {
		t.Helper()
		return run(status, append([]string{"set", "-id", "okta", "-issuer", "https://login.example.org", "-client-id", "onsight", "-role", "arn:aws:iam::" + account + ":role/people"}, more...)...)
	}
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, []byte("of-this-test-alone\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, set(0), "okta (okta)", "none: PKCE alone", "/signin/oidc/"+account+"/okta/done", "/signin/oidc/"+account+"/okta/initiate", "openid email")
	has(t, set(0, "-name", "Okta", "-client-secret-file", file, "-groups-claim", "groups", "-contact", "it-help@example.org"), "okta (Okta)", "sealed", "claim groups", "it-help@example.org")
	has(t, set(0, "-name", "Okta", "-json"), `"HasClientSecret": true`)
	has(t, set(0, "-no-client-secret"), "none: PKCE alone")
	has(t, run(0, "show", "-id", "okta"), "https://login.example.org")
	has(t, run(0, "list"), "okta  okta  https://login.example.org  arn:aws:iam::"+account+":role/people")
	has(t, set(1, "-scopes", "a\"b"), "ValidationException")
	has(t, run(1, "redirect"), "IdentityProviderUrl and RelayStateParameter are needed")
	has(t, run(0, "redirect", "-url", "https://idp.example.org/app", "-parameter", "RelayState"), "People are sent to https://idp.example.org/app", "&here=1")
	has(t, run(0, "redirect", "-off"), "own page")
	has(t, run(0, "remove", "-id", "okta"), "Nobody signs in with okta any more.")
	has(t, run(1, "show", "-id", "okta"), "can't be found")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}

// TestFederationOfCentre sets the application of an identity centre up, which
// needs no role.
func TestFederationOfCentre(t *testing.T) {
	t.Parallel()
	const account = "111122223333"
	dir := t.TempDir()
	p := start(t, dir)
	c := rootClient(t, p, dir, account)
	must(t, c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "centre-test", AuthenticationMethod: "IAM_IDENTITY_CENTER", NotificationEmail: "a@example.org",
		AdminGroup: []string{"admins"},
	})
	set := func(status int, more ...string) string {
		t.Helper()
		args := []string{"federation", "set", "-endpoint", p.url, "-id", "okta", "-issuer", "https://login.example.org", "-client-id", "onsight"}
		return command(t, p, dir, status, append(args, more...)...)
	}
	has(t, set(0), "as the identity centre has provisioned them", "/signin/oidc/"+account+"/okta/done")
	has(t, set(1, "-role", "arn:aws:iam::"+account+":role/people"), "Leave RoleArn out")
	has(t, set(1, "-groups-claim", "groups"), "Leave SessionNameClaim, EmailClaim and GroupsClaim out")
	has(t, command(t, p, dir, 0, "federation", "list", "-endpoint", p.url), "okta  okta  https://login.example.org  as the identity centre")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
