package directory_test

import (
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"

	"onsight/internal/directory/slapdtest"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

// Names and passwords that mean something in filters, DNs and binds let nobody
// in, and find nobody.
func TestInjection(t *testing.T) {
	t.Parallel()
	dir := corp(t)
	file, networks := dir.Settings("attempts", "50"), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		for _, name := range []string{
			"*", "an*", "ana)(cn=*", "*)(objectClass=*", "ana\\2a", "ana\x00", "(ana", "ana)", `\61na`, "cn=ana," + slapdtest.People, "ana)(|(cn=*",
			"á\xff\xfe", strings.Repeat("a", 2000), "@", `CORP\`, "@corp.example.org", "&|!", "onsight",
		} {
			if page := signIn(srv.Browser(t), name, "Ana-secret-1"); page.Status != 422 || !strings.Contains(page.Text(), "is not right") {
				t.Errorf("name %q: %d %s", name, page.Status, page.Text())
			}
		}
		// A bind without a password succeeds at this directory.
		for _, password := range []string{"", "\x00", "\x00Ana-secret-1", "Ana-secret-1\x00", "*", strings.Repeat("x", 5000), "Ana-secret-1 ", "Bob-secret-2"} {
			if page := signIn(srv.Browser(t), "ana", password); page.Status != 422 {
				t.Errorf("password %q: %d %s", password, page.Status, page.Text())
			}
		}
		if page := signIn(srv.Browser(t), "ana", "Ana-secret-1"); page.Heading() != "Your account" {
			t.Errorf("after all: %d %s", page.Status, page.Text())
		}
	}, using(file, networks))
}

// Someone who guesses gets fewer attempts than the directory allows, however
// the name is written, and whether or not there is anyone of the name.
func TestLockOut(t *testing.T) {
	t.Parallel()
	dir := corp(t)
	file, networks := dir.Settings(), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		for _, names := range [][]string{
			{"ana", "ANA", "ana@corp.example.org", `CORP\ana`},
			{"nobody", "NOBODY", "nobody@corp.example.org", `CORP\nobody`},
		} {
			for i, name := range names {
				page := signIn(srv.Browser(t), name, "Wrong-secret-9")
				want := 422
				if i == 3 {
					want = 429
				}
				if page.Status != want {
					t.Errorf("%s: %d %s", name, page.Status, page.Text())
				}
			}
		}
		page := signIn(srv.Browser(t), "ana", "Ana-secret-1")
		if page.Status != 429 || !strings.Contains(page.Text(), "not locked out of your company") {
			t.Errorf("locked: %d %s", page.Status, page.Text())
		}
		srv.Advance(16 * time.Minute)
		if page := signIn(srv.Browser(t), "ana", "Ana-secret-1"); page.Heading() != "Your account" {
			t.Errorf("after a quarter of an hour: %d %s", page.Status, page.Text())
		}
	}, using(file, networks))
}

func refresh(t *testing.T, srv *testkit.Server) onsightapi.RefreshDirectoryResponse {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.RefreshDirectory, onsightapi.RefreshDirectoryRequest{AwsAccountId: srv.Account})
	if err != nil {
		t.Fatal(err)
	}
	return *out
}

// Who leaves the groups is signed out, who moves has another role, and who
// comes back is let in; the directory being down changes nothing.
func TestRefresh(t *testing.T) {
	t.Parallel()
	for _, secured := range []string{"ldaps", "StartTLS"} {
		t.Run(secured, func(t *testing.T) {
			t.Parallel()
			dir := corp(t)
			file := dir.Settings()
			if secured == "StartTLS" {
				file = dir.Settings("urls", `["ldap://`+dir.LDAP+`"]`)
			}
			networks := dir.Networks()
			var once sync.Mutex // the directory is one
			testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
				once.Lock()
				defer once.Unlock()
				testRefresh(t, srv, dir)
			}, using(file, networks))
		})
	}
}

func testRefresh(t *testing.T, srv *testkit.Server, dir *slapdtest.Server) {
	subscribe(t, srv)
	ana, bob := srv.Browser(t), srv.Browser(t)
	signIn(ana, "ana", "Ana-secret-1")
	signIn(bob, "bob", "Bob-secret-2")
	in := func(b *testkit.Browser) bool { return b.Get("/signin/you").Heading() == "Your account" }
	if !in(ana) || !in(bob) {
		t.Fatal("not signed in")
	}
	role := func(name string) (qs.UserRole, bool) {
		out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
		if err != nil {
			t.Fatal(err)
		}
		return *out.User.Role, *out.User.Active
	}
	if done := refresh(t, srv); *done.Compared != 2 || *done.Left+*done.Moved+*done.Returned != 0 {
		t.Errorf("nothing has changed, but %v", done)
	}
	dir.Leave("bi-readers", slapdtest.PersonDN("bob"))
	dir.Leave("bi-core", slapdtest.PersonDN("ana"))
	if done := refresh(t, srv); *done.Left != 1 || *done.Moved != 1 {
		t.Errorf("left %d, moved %d", *done.Left, *done.Moved)
	}
	if r, active := role("ana"); r != qs.UserRoleReader || !active || !in(ana) {
		t.Errorf("ana is %s, %t", r, active)
	}
	if _, active := role("bob"); active || in(bob) {
		t.Error("bob has left, and is not signed out")
	}
	if page := signIn(bob, "bob", "Bob-secret-2"); page.Status != 403 || !strings.Contains(page.Text(), "none of the groups") {
		t.Errorf("bob: %d %s", page.Status, page.Text())
	}
	dir.Join("bi-readers", slapdtest.PersonDN("bob"))
	dir.Join("bi-core", slapdtest.PersonDN("ana"))
	dir.Stop()
	began := time.Now()
	page := signIn(srv.Browser(t), "bob", "Bob-secret-2")
	if page.Status != 503 || !strings.Contains(page.Heading(), "does not answer") || page.Header.Get("Retry-After") == "" || time.Since(began) > 8*time.Second {
		t.Errorf("down: %d %s after %s", page.Status, page.Text(), time.Since(began))
	}
	if !in(ana) {
		t.Error("ana is signed out because the directory is down")
	}
	_, err := testkit.Call(t, srv, onsightapi.RefreshDirectory, onsightapi.RefreshDirectoryRequest{AwsAccountId: srv.Account})
	if fault.Of(err).Code != "ResourceUnavailableException" {
		t.Errorf("refresh while it is down: %v", err)
	}
	if !strings.Contains(srv.Log.String(), "the directory does not answer") {
		t.Error("the log says nothing")
	}
	dir.Run()
	srv.Advance(3 * time.Second)
	if done := refresh(t, srv); *done.Returned != 1 || *done.Moved != 1 {
		t.Errorf("returned %d, moved %d", *done.Returned, *done.Moved)
	}
	if page := signIn(bob, "bob", "Bob-secret-2"); page.Heading() != "Your account" {
		t.Errorf("bob is back: %d %s", page.Status, page.Text())
	}
	// Disabled at the directory: told to who knows the password alone.
	dir.Set(slapdtest.PersonDN("bob"), "userAccountControl", "514")
	if page := signIn(srv.Browser(t), "bob", "Bob-secret-2"); page.Status != 403 || page.Heading() != "Your account is disabled" {
		t.Errorf("disabled: %d %s", page.Status, page.Text())
	}
	if page := signIn(srv.Browser(t), "bob", "Wrong-secret"); page.Status != 422 {
		t.Errorf("disabled, wrong password: %d %s", page.Status, page.Text())
	}
	if done := refresh(t, srv); *done.Left != 1 || in(bob) {
		t.Error("bob is disabled, and signed in")
	}
	dir.Set(slapdtest.PersonDN("bob"), "userAccountControl", "512")
	groups, err := testkit.Call(t, srv, onsightapi.SearchDirectoryGroups, onsightapi.SearchDirectoryGroupsRequest{AwsAccountId: srv.Account, Name: new("admin")})
	if err != nil || len(groups.Groups) != 1 || *groups.Groups[0].Name != "bi-admins" || *groups.Groups[0].Role != "ADMIN" {
		t.Errorf("groups %v, %v", groups, err)
	}
	groups, err = testkit.Call(t, srv, onsightapi.SearchDirectoryGroups, onsightapi.SearchDirectoryGroupsRequest{AwsAccountId: srv.Account, Name: new("*)(cn=*")})
	if err != nil || len(groups.Groups) != 0 {
		t.Errorf("injected: %v, %v", groups, err)
	}
	people, err := testkit.Call(t, srv, onsightapi.ListDirectoryPeople, onsightapi.ListDirectoryPeopleRequest{AwsAccountId: srv.Account, MaxResults: new(int32(1))})
	if err != nil || len(people.People) != 1 || *people.People[0].UserName != "ana" || *people.People[0].Role != "ADMIN" || people.NextToken == nil {
		t.Fatalf("people %v, %v", people, err)
	}
	people, err = testkit.Call(t, srv, onsightapi.ListDirectoryPeople, onsightapi.ListDirectoryPeopleRequest{AwsAccountId: srv.Account, NextToken: people.NextToken})
	if err != nil || len(people.People) != 1 || *people.People[0].UserName != "bob" || people.NextToken != nil {
		t.Errorf("people %v, %v", people, err)
	}
	check, err := testkit.Call(t, srv, onsightapi.CheckDirectory, onsightapi.CheckDirectoryRequest{AwsAccountId: srv.Account, UserName: new("ana")})
	if err != nil || !*check.Works {
		t.Fatalf("check %v, %v", check, err)
	}
	if last := check.Steps[len(check.Steps)-1]; !strings.Contains(*last.Detail, "ADMIN, by bi-admins, bi-readers") {
		t.Errorf("the last step: %s %s", *last.Name, *last.Detail)
	}
}

// Thousands of people are read page by page, past the limit of one search, and
// compared.
func TestThousandsOfPeople(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const people = 3_000
	var ldif, members strings.Builder
	for i := range people {
		name := fmt.Sprintf("user%05d", i)
		fmt.Fprintf(&ldif, "dn: cn=%[1]s,%[2]s\nobjectClass: user\ncn: %[1]s\nsAMAccountName: %[1]s\nmail: %[1]s@example.org\nuserAccountControl: 512\nobjectGUID: %[3]s\nmemberOf: cn=bi-readers,%[4]s\nuserPassword: User-secret-1\n\n",
			name, slapdtest.People, fmt.Sprintf("GUID-of-%08d", i), slapdtest.Groups)
		fmt.Fprintf(&members, "member: cn=%s,%s\n", name, slapdtest.People)
	}
	fmt.Fprintf(&ldif, "dn: cn=bi-readers,%s\nobjectClass: group\ncn: bi-readers\nsAMAccountName: bi-readers\n%s\n", slapdtest.Groups, members.String())
	dir := slapdtest.Start(t, ldif.String())
	file, networks := dir.Settings(), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		if page := signIn(srv.Browser(t), "user00007", "User-secret-1"); page.Heading() != "Your account" {
			t.Fatalf("one of them: %d %s", page.Status, page.Text())
		}
		srv.Write(t, func(tx *store.Tx) error { // all others came before, and some of them administered
			for i := range people {
				if i == 7 {
					continue
				}
				role := "READER"
				if i%10 == 0 {
					role = "ADMIN"
				}
				guid := fmt.Sprintf("GUID-of-%08d", i)
				id := fmt.Sprintf("%x%x%x%x-%x%x-%x%x-%x-%x", guid[3], guid[2], guid[1], guid[0], guid[5], guid[4], guid[7], guid[6], guid[8:10], guid[10:])
				_, err := tx.Exec(`INSERT INTO users (account, namespace, name, principal_id, email, role, identity_type, active, created_us, directory_id)
					VALUES ($1, 'default', $2, $3, $4, $5, 'QUICKSIGHT', $6, 1, $7)`,
					srv.Account, fmt.Sprintf("user%05d", i), "user/d/"+id, fmt.Sprintf("user%05d@example.org", i), role, true, id)
				if err != nil {
					return err
				}
			}
			return nil
		})
		for i, most := range []int64{people / 10, 0} { // the server compares too, as it finds that a group has a role
			began := time.Now()
			done := refresh(t, srv)
			t.Logf("compared %d in %s", *done.Compared, time.Since(began).Round(time.Millisecond))
			if *done.Compared != people || *done.Moved > most || *done.Left != 0 {
				t.Errorf("%d: compared %d, moved %d, left %d", i, *done.Compared, *done.Moved, *done.Left)
			}
		}
		srv.Write(t, func(tx *store.Tx) error {
			readers, err := store.One[int64](tx, `SELECT count(*) FROM users WHERE account = $1 AND role = 'READER'`, srv.Account)
			if readers != people {
				t.Errorf("%d readers, want all %d", readers, people)
			}
			return err
		})
	}, using(file, networks))
}

// Without a call, people are compared when it is time, and when a group loses
// its role.
func TestComparing(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := corp(t)
	file, networks := dir.Settings(), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		bob := srv.Browser(t)
		signIn(bob, "bob", "Bob-secret-2")
		becomes := func(want bool) {
			t.Helper()
			for range 120 { // it is looked every five seconds
				if (bob.Get("/signin/you").Heading() == "Your account") != want {
					time.Sleep(250 * time.Millisecond)
					continue
				}
				return
			}
			t.Fatalf("signed in: still not %t", want)
		}
		becomes(true)
		_, err := testkit.Call(t, srv, qs.DeleteRoleMembership, qs.DeleteRoleMembershipRequest{
			AwsAccountId: srv.Account, Namespace: "default", Role: qs.RoleReader, MemberName: "bi-readers",
		})
		if err != nil {
			t.Fatal(err)
		}
		becomes(false)
	}, using(file, networks))
}

// Many sign in at once over few connections.
func TestThousandSignIns(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := corp(t)
	count := &counting{to: dir.LDAPS}
	at := count.listen(t)
	file, networks := dir.Settings("urls", `["ldaps://`+at+`"]`, "connections", "4", "timeout", `"30s"`, "attempts", "100"), dir.Networks()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe(t, srv)
		var group sync.WaitGroup
		var mu sync.Mutex
		answers := make(map[int]int)
		for i := range 1000 {
			group.Go(func() {
				page := signIn(srv.Browser(t), fmt.Sprintf("user%d", i), "Wrong-secret")
				mu.Lock()
				defer mu.Unlock()
				answers[page.Status]++
			})
		}
		group.Wait()
		if most := count.most(); most > 16 { // 8 for each of two servers
			t.Errorf("%d connections at once", most)
		}
		if answers[500] > 0 || answers[503] > 0 || answers[422]+answers[429] != 1000 {
			t.Errorf("answers %v", answers)
		}
	}, using(file, networks))
}

// counting hands connections on, and counts them.
type counting struct {
	to        string
	mu        sync.Mutex
	now, peak int
}

func (c *counting) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.peak
}

func (c *counting) add(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now += n
	c.peak = max(c.peak, c.now)
}

func (c *counting) listen(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			in, err := l.Accept()
			if err != nil {
				return
			}
			c.add(1)
			go func() {
				defer c.add(-1)
				defer func() { _ = in.Close() }()
				out, err := net.Dial("tcp", c.to)
				if err != nil {
					return
				}
				defer func() { _ = out.Close() }()
				go copyAll(out, in)
				copyAll(in, out)
			}()
		}
	}()
	return l.Addr().String()
}

func copyAll(to, from net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	_ = to.Close()
}

// fake is a directory with ana that says what answer says to her bind, or
// nothing where it stalls.
func fake(t *testing.T, answer func(password string) (code uint16, text string), stalls bool) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer func() { _ = c.Close() }()
				for {
					p, err := ber.ReadPacket(c)
					if err != nil || len(p.Children) < 2 {
						return
					}
					if stalls {
						continue
					}
					id, _ := p.Children[0].Value.(int64)
					switch op := p.Children[1]; op.Tag { //nolint:exhaustive // others need no answer
					case ldap.ApplicationBindRequest:
						code, text := uint16(0), ""
						if name, _ := op.Children[1].Value.(string); strings.HasPrefix(name, "cn=ana") {
							code, text = answer(op.Children[2].Data.String())
						}
						_, _ = c.Write(result(id, ldap.ApplicationBindResponse, code, text))
					case ldap.ApplicationSearchRequest:
						_, _ = c.Write(found(id))
						_, _ = c.Write(result(id, ldap.ApplicationSearchResultDone, 0, ""))
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

func message(id int64, op *ber.Packet) []byte {
	p := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	p.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagInteger, id, ""))
	p.AppendChild(op)
	return p.Bytes()
}

func text(s string) *ber.Packet {
	return ber.NewString(ber.ClassUniversal, ber.TypePrimitive, ber.TagOctetString, s, "")
}

func result(id int64, tag ber.Tag, code uint16, diagnostic string) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, tag, nil, "")
	op.AppendChild(ber.NewInteger(ber.ClassUniversal, ber.TypePrimitive, ber.TagEnumerated, int64(code), ""))
	op.AppendChild(text(""))
	op.AppendChild(text(diagnostic))
	return message(id, op)
}

func found(id int64) []byte {
	op := ber.Encode(ber.ClassApplication, ber.TypeConstructed, ldap.ApplicationSearchResultEntry, nil, "")
	op.AppendChild(text("cn=ana," + slapdtest.People))
	attributes := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
	for name, value := range map[string]string{"sAMAccountName": "ana", "objectGUID": slapdtest.GUID(1), "cn": "ana"} {
		a := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSequence, nil, "")
		a.AppendChild(text(name))
		values := ber.Encode(ber.ClassUniversal, ber.TypeConstructed, ber.TagSet, nil, "")
		values.AppendChild(text(value))
		a.AppendChild(values)
		attributes.AppendChild(a)
	}
	op.AppendChild(attributes)
	return message(id, op)
}

// What Active Directory tells only to who knows the password is told; what it
// tells anyone is not.
func TestWhatTheDirectoryTells(t *testing.T) {
	t.Parallel()
	dir := slapdtest.Files(t)
	var mu sync.Mutex
	code := ""
	at := fake(t, func(string) (uint16, string) {
		mu.Lock()
		defer mu.Unlock()
		return ldap.LDAPResultInvalidCredentials, "80090308: LdapErr: DSID-0C09041C, comment: AcceptSecurityContext error, data " + code + ", v4563\x00"
	}, false)
	file := dir.Settings("urls", `["ldap://`+at+`"]`, "plain", "true", "attempts", "100")
	srv := testkit.Start(t, store.Config{Dir: t.TempDir()}, using(file, dir.Networks()))
	subscribe(t, srv)
	for _, c := range []struct {
		code, want string
		status     int
	}{
		{"525", "is not right", 422},
		{"52e", "is not right", 422},
		{"775", "is not right", 422},
		{"530", "Not at this time", 403},
		{"531", "Not from here", 403},
		{"532", "Your password has expired", 403},
		{"533", "Your account is disabled", 403},
		{"701", "Your account has expired", 403},
		{"773", "Choose a new password first", 403},
		{"999", "is not right", 422},
	} {
		mu.Lock()
		code = c.code
		mu.Unlock()
		if page := signIn(srv.Browser(t), "ana", "some-secret"); page.Status != c.status || !strings.Contains(page.Text(), c.want) {
			t.Errorf("%s: %d %s", c.code, page.Status, page.Text())
		}
	}
}

// A directory that takes connections and says nothing is told from a wrong
// password within seconds, and the next one is told at once.
func TestStallingDirectory(t *testing.T) {
	t.Parallel()
	dir := slapdtest.Files(t)
	at := fake(t, nil, true)
	file := dir.Settings("urls", `["ldap://`+at+`"]`, "plain", "true", "timeout", `"1s"`)
	srv := testkit.Start(t, store.Config{Dir: t.TempDir()}, using(file, dir.Networks()))
	subscribe(t, srv)
	for i := range 2 {
		began := time.Now()
		page := signIn(srv.Browser(t), "ana", "some-secret")
		if took := time.Since(began); page.Status != 503 || !strings.Contains(page.Heading(), "does not answer") || took > 10*time.Second {
			t.Errorf("%d: %d %s after %s", i, page.Status, page.Text(), took)
		}
	}
	if page := srv.Browser(t).Get("/signin?account=" + accountName); page.Status != 200 {
		t.Errorf("the page itself: %d", page.Status)
	}
}
