package main

import (
	"context"
	"encoding/csv"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"onsight/internal/access"
	"onsight/internal/client"
	"onsight/internal/contract"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// subscribe signs the account of a server up, and gives a client of its root.
func subscribe(t *testing.T, p *process, dir string) *client.Client {
	t.Helper()
	roots, err := access.OpenRoots(filepath.Join(dir, "onsight-data"))
	if err != nil {
		t.Fatal(err)
	}
	root, _ := roots.Of("111122223333")
	c := &client.Client{URL: p.url, Region: "us-east-1", AccessKeyID: root.AccessKeyID, SecretAccessKey: contract.Secret(root.SecretAccessKey)}
	_, err = client.Call(context.Background(), c, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: root.Account, AccountName: "people", NotificationEmail: "a@b", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.Call(context.Background(), c, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: root.Account, Namespace: "default", GroupName: "staff"})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// TestPeople imports, reports, counts, prunes and removes users at a server.
func TestPeople(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			var p *process
			if config := storetest.Config(t, dialect); dialect == store.SQLite {
				p = start(t, dir)
			} else {
				p = start(t, dir, "-database", config.URL)
			}
			subscribe(t, p, dir)
			write := func(name, text string) {
				t.Helper()
				if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			run := func(status int, args ...string) string {
				t.Helper()
				return command(t, p, dir, status, append([]string{"people"}, append(args, "-endpoint", p.url)...)...)
			}
			results := func(name string) [][]string {
				t.Helper()
				path := filepath.Join(dir, name)
				info, err := os.Stat(path)
				if err != nil || info.Mode().Perm() != 0o600 {
					t.Fatalf("%s: %v, %v; want mode 0600", name, info, err)
				}
				text, err := os.ReadFile(path)
				if err != nil {
					t.Fatal(err)
				}
				records, err := csv.NewReader(strings.NewReader(string(text))).ReadAll()
				if err != nil {
					t.Fatal(err)
				}
				return records
			}

			const header = "\ufeffUser_Name,email,role,groups,profile,iam_arn,session_name\n"
			good := header + "ana,ana@example.org,READER,staff,,,\n\"bo, the builder\",=cmd(),author,,,,\n,x,READER, staff ; ,,arn:aws:iam::111122223333:role/Bi,cy\n"
			write("team.csv", good+"ana,again@example.org,READER,,,,\nking,k,KING,,,,\nshort\n")
			dry := run(1, "import", "team.csv", "-dry-run")
			has(t, dry, "line 5 (ana): The user is on line 2 already.\n", "line 6 (king): ValidationException: 1 validation error detected: Value 'KING' at 'userRole'",
				"line 7: The line has 1 fields, and the first line names 7.", "would be 3 registered, 0 already as asked, 3 failed")
			if _, err := os.Stat(filepath.Join(dir, "team.csv.results.csv")); err == nil {
				t.Error("a dry run wrote results")
			}
			has(t, run(1, "import", "team.csv", "-all-or-nothing"), "nothing was registered: 2 lines can't be")
			has(t, run(0, "report"), "1 person")
			has(t, run(1, "import", "team.csv"), "3 registered, 0 already as asked, 3 failed", "results and invitations: team.csv.results.csv", "3 lines have failed")
			first := results("team.csv.results.csv")
			if len(first) != 7 || first[1][2] != "REGISTERED" || !strings.Contains(first[1][7], "/inviteuser?token=") || first[3][4] != "Bi/cy" || first[3][7] != "" {
				t.Errorf("results %q", first)
			}
			// Again: only what has failed is tried.
			has(t, run(1, "import", "team.csv"), "3 lines were done before", "0 registered, 0 already as asked, 3 failed")
			// Another client, that knows nothing of it, is told that all is as it asks.
			write("copy.csv", good)
			has(t, run(0, "import", "copy.csv"), "0 registered, 3 already as asked, 0 failed")
			if copied := results("copy.csv.results.csv"); copied[1][7] != "" {
				t.Errorf("an invitation was made anew without need: %q", copied[1])
			}
			// A client that was killed has sent lines of which it knows no more. The
			// invitation was in the answer that is lost, so there is another.
			cut := ""
			for _, record := range first[:3] {
				if record[2] == "REGISTERED" {
					record[2], record[7] = "SENT", ""
				}
				cut += strings.Join(record[:4], ",") + ",,,," + record[7] + "\n"
			}
			cut = strings.Join(first[0], ",") + "\n" + strings.SplitN(cut, "\n", 2)[1] + "4,half a li"
			write("team.csv.results.csv", cut)
			has(t, run(1, "import", "team.csv"), "0 registered, 3 already as asked, 3 failed")
			resumed := results("team.csv.results.csv")
			if !strings.Contains(resumed[1][7], "/inviteuser?token=") || resumed[1][7] == first[1][7] || len(resumed) != 7 {
				t.Errorf("results after the client was killed %q", resumed)
			}
			write("other.csv.results.csv", "something,else\n")
			write("other.csv", header)
			has(t, run(1, "import", "other.csv"), "holds something else than results")

			table := run(0, "report")
			has(t, table, "NAMESPACE", "bo, the builder", "staff", "INVITED", "4 people")
			text := run(0, "report", "-format", "csv", "-name", "bo")
			has(t, text, `"bo, the builder",`, `,'=cmd(),AUTHOR,`)
			has(t, run(0, "report", "-json", "-role", "reader"), `"UserName":"ana"`, "\n]\n")
			if got := run(0, "report", "-format", "json", "-never", "-idle", "1d"); got != "[]\n" {
				t.Errorf("nobody as JSON: %q", got)
			}

			write("prices.json", `{"currency": "EUR", "editions": {"ENTERPRISE": {"ADMIN": {"month": 24.10}, "AUTHOR": {"month": 24.1}, "READER": {"session": 0.30, "monthMax": 5}}}}`)
			has(t, run(0, "seats"), "edition ENTERPRISE; idle is who was not seen for 30 days")
			seats := regexp.MustCompile(` +`).ReplaceAllString(run(0, "seats", "-prices", "prices.json"), " ")
			has(t, seats, "EUR A MONTH", "AUTHOR 1 0 0 1 0 0 24.10 24.10 0.00", "READER 2 1 0 1 0 1 5.00 at most 10.00 at most 0.00", "TOTAL 4 2 0 2 0", "at most 58.20 at most 0.00")
			write("prices.json", `{"currency": "EUR", "editions": {"ENTERPRISE": {"ADMIN": {"month": 1}}}}`)
			has(t, run(1, "seats", "-prices", "prices.json"), "the prices have none for AUTHOR in edition ENTERPRISE")

			has(t, run(0, "deactivate", "Bi/cy"), "Bi/cy of namespace default is deactivated")
			has(t, run(0, "reactivate", "Bi/cy", "-json"), `"State": "ACTIVE"`)
			has(t, run(1, "deactivate", "nobody"), "Username: nobody")
			has(t, run(0, "prunes"), "there was no prune yet")
			has(t, run(0, "prune", "-idle", "90d"), "Of 4 users: 0 to warn, 0 to deactivate, 0 to delete, 0 protected. Nothing was done; -apply does it.")
			done := run(0, "prune", "-idle", "90d", "-protect", "ana", "-apply")
			has(t, done, "Of 4 users: 0 warned, 0 deactivated, 0 deleted, 0 protected, 0 failed.")
			id := regexp.MustCompile(`Prune (\S+) has begun`).FindStringSubmatch(done)[1]
			has(t, run(0, "prunes"), id, "COMPLETED", "arn:aws:iam::111122223333:root")
			has(t, run(0, "prunes", id), "Of 4 users")
			has(t, run(1, "prunes", "gone"), "Prune gone can't be found")

			write("leavers.csv", "user_name\nana\nnobody\n")
			has(t, run(0, "remove", "leavers.csv", "-dry-run"), "would be 1 deleted, 1 already as asked, 0 failed")
			has(t, run(0, "remove", "leavers.csv"), "1 deleted, 1 already as asked, 0 failed", "results: leavers.csv.results.csv")
			has(t, run(0, "remove", "leavers.csv"), "2 lines were done before")
			has(t, run(0, "report"), "3 people")
			many := "user_name,email,role\n"
			for i := range 10_001 {
				many += fmt.Sprintf("u%d,e,READER\n", i)
			}
			write("many.csv", many)
			has(t, run(1, "import", "many.csv", "-all-or-nothing"), "many.csv has 10,001 lines: with -all-or-nothing it has at most 10,000")
			if err := p.stop(t); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestProgress has a bar, and lines where there is no terminal.
func TestProgress(t *testing.T) {
	t.Parallel()
	var out strings.Builder
	p := newProgress(streams{err: &out, getenv: os.Getenv}, "lines", 100_000)
	for range 50 {
		p.add(1000)
	}
	if got, want := out.String(), "10,000 of 100,000 lines\n20,000 of 100,000 lines\n30,000 of 100,000 lines\n40,000 of 100,000 lines\n50,000 of 100,000 lines\n"; got != want {
		t.Errorf("lines %q, want %q", got, want)
	}
	if got, want := p.bar(), "[###############...............] 50,000 of 100,000 lines"; got != want {
		t.Errorf("bar %q, want %q", got, want)
	}
}

// TestInert has no cell of a CSV file be a formula.
func TestInert(t *testing.T) {
	t.Parallel()
	for cell, want := range map[string]string{
		"": "", "ana": "ana", "=1+1": "'=1+1", "+1": "'+1", "-1": "'-1", "@SUM(A1)": "'@SUM(A1)", "\t=1": "'\t=1", "'quoted": "''quoted", "a=b": "a=b",
	} {
		if got := inert(cell); got != want {
			t.Errorf("inert(%q) = %q, want %q", cell, got, want)
		}
	}
}
