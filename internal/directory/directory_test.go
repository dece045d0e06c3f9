package directory_test

import (
	"strings"
	"testing"

	"onsight/internal/config"
	"onsight/internal/directory/slapdtest"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const accountName = "account-" + testkit.Account

// corp is a directory with ana, who administers by way of two groups, and bob,
// who reads.
func corp(t *testing.T) *slapdtest.Server {
	t.Helper()
	s := slapdtest.Start(t)
	s.AddPerson(1, "ana", "Ana-secret-1")
	s.AddPerson(2, "bob", "Bob-secret-2")
	s.AddPerson(3, "eve", "Eve-secret-3")
	s.AddGroup(2001, "bi-core", slapdtest.PersonDN("ana"))
	s.AddGroup(2002, "bi-admins", slapdtest.GroupDN("bi-core"))
	s.AddGroup(2003, "bi-readers", slapdtest.PersonDN("bob"), slapdtest.PersonDN("ana"))
	s.Join("bi-core", slapdtest.GroupDN("bi-admins")) // a cycle
	return s
}

func using(file, networks string) testkit.Option {
	return func(c *config.Config) { c.Directories, c.NetworkProfiles = file, networks }
}

// subscribe subscribes the account with the directory's people.
func subscribe(t *testing.T, srv *testkit.Server) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: srv.Account, AccountName: accountName, NotificationEmail: "admin@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionActiveDirectory, ActiveDirectoryName: new("corp.example.org"), Realm: new("CORP.EXAMPLE.ORG"),
		AdminGroup: []string{"bi-admins"}, ReaderGroup: []string{"bi-readers"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func signIn(b *testkit.Browser, name, password string) testkit.Shown {
	return b.Post("/signin", "account", accountName, "username", name, "password", password)
}

func TestSignIn(t *testing.T) {
	t.Parallel()
	dir := corp(t)
	file, networks := dir.Settings(), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		b := srv.Browser(t)
		page := signIn(b, "ana", "Ana-secret-1")
		if page.Status != 200 || page.Heading() != "Your account" || !strings.Contains(page.Text(), "Administrator") {
			t.Fatalf("ana: %d %s", page.Status, page.Text())
		}
		out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err != nil {
			t.Fatal(err)
		}
		u := out.User
		if *u.Role != qs.UserRoleAdmin || *u.Email != "ana@example.org" || *u.IdentityType != qs.IdentityTypeQuicksight || !*u.Active ||
			!strings.HasPrefix(*u.PrincipalId, "user/d-") || !strings.HasSuffix(*u.PrincipalId, "/44495547-6f2d-2d66-7465-737400000001") {
			t.Errorf("ana is %s %s %s %s", *u.Role, *u.Email, *u.IdentityType, *u.PrincipalId)
		}
		for _, name := range []string{"BOB", "bob@corp.example.org", `CORP\bob`, "bob@CORP.EXAMPLE.ORG"} {
			if page := signIn(srv.Browser(t), name, "Bob-secret-2"); page.Heading() != "Your account" || !strings.Contains(page.Text(), "bob@example.org") || !strings.Contains(page.Text(), "Reader") {
				t.Errorf("%s: %d %s", name, page.Status, page.Text())
			}
		}
		if page := signIn(srv.Browser(t), "eve", "Eve-secret-3"); page.Status != 403 || !strings.Contains(page.Text(), "in none of the groups") {
			t.Errorf("eve: %d %s", page.Status, page.Text())
		}
		// The password is typed here, so asking for more is this server's matter.
		_, err = testkit.Call(t, srv, onsightapi.PutSecondFactorPolicy, onsightapi.PutSecondFactorPolicyRequest{AwsAccountId: srv.Account, Policy: onsightapi.SecondFactorPolicyRequired})
		if err != nil {
			t.Error(err)
		}
		if page := signIn(srv.Browser(t), "ana", "Ana-secret-1"); page.Status != 200 || page.Heading() == "Your account" {
			t.Errorf("with a required second factor: %d %s", page.Status, page.Heading())
		}
	}, using(file, networks))
}
