package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// command runs onsight in a folder, without credentials in the environment.
func command(t *testing.T, p *process, dir string, status int, args ...string) string {
	t.Helper()
	cmd := exec.Command(p.cmd.Path, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_REGION=", "AWS_DEFAULT_REGION=")
	out, _ := cmd.CombinedOutput()
	if got := cmd.ProcessState.ExitCode(); got != status {
		t.Errorf("%v: exit status %d, want %d\n%s", args, got, status, out)
	}
	return string(out)
}

func has(t *testing.T, text string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			t.Errorf("got\n%s\nwant … %q", text, part)
		}
	}
}

// TestAudit exports and verifies at a server and in the database, and finds
// what was altered in it.
func TestAudit(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := storetest.Config(t, dialect)
			offline := []string{"-offline"}
			var p *process
			if dialect == store.SQLite {
				config = store.Config{Dir: filepath.Join(dir, "onsight-data")}
				p = start(t, dir)
			} else {
				offline = append(offline, "-database", config.URL)
				p = start(t, dir, "-database", config.URL)
			}
			run := func(status int, args ...string) string {
				t.Helper()
				return command(t, p, dir, status, args...)
			}
			at := []string{"-endpoint", p.url}
			with := func(args []string, more ...string) []string { return append(append([]string{}, args...), more...) }
			export := func(where ...string) []string { return with([]string{"audit", "export"}, where...) }
			verify := func(where ...string) []string { return with([]string{"audit", "verify"}, where...) }

			for range 3 {
				run(0, with([]string{"keys", "rotate"}, at...)...)
			}
			lines := run(0, export(at...)...)
			// What changed nothing in the database is written soon, not at once.
			for deadline := time.Now().Add(10 * time.Second); strings.Count(lines, "\n") < 3 && time.Now().Before(deadline); {
				lines = run(0, export(at...)...)
			}
			if n := strings.Count(lines, "\n"); n != 3 {
				t.Errorf("%d records, want 3:\n%s", n, lines)
			}
			for line := range strings.Lines(lines) {
				var record map[string]any
				if err := json.Unmarshal([]byte(line), &record); err != nil || record["eventName"] != "RotateSealingKey" || record["recipientAccountId"] != "111122223333" {
					t.Errorf("%s: %v", line, err)
				}
			}
			has(t, run(0, verify(at...)...), "account 111122223333: 3 events", "intact")
			if dialect == store.SQLite {
				has(t, run(1, verify(offline...)...), "in use by another onsight", "a running server is asked without -offline")
			} else { // which servers share
				if got := run(0, export(offline...)...); got != lines {
					t.Errorf("offline: %s\nwant %s", got, lines)
				}
				has(t, run(0, verify(offline...)...), "account 111122223333: 3 events", "intact")
			}
			if err := p.stop(t); err != nil {
				t.Error(err)
			}

			// The server has sealed all before it ended.
			if got := run(0, export(offline...)...); got != lines {
				t.Errorf("offline: %s\nwant %s", got, lines)
			}
			if got := run(0, export(append(offline, "-account", "444455556666")...)...); got != "" {
				t.Errorf("another account's records: %s", got)
			}
			if got := run(0, export(append(offline, "-until", "2020-01-01T00:00:00Z")...)...); got != "" {
				t.Errorf("records of the past: %s", got)
			}
			report := run(0, verify(offline...)...)
			has(t, report, "account 111122223333: 3 events", "intact", "\nhead 111122223333 3 ")
			if strings.Contains(report, "not sealed") {
				t.Errorf("not all is sealed:\n%s", report)
			}
			heads := filepath.Join(dir, "heads")
			if err := os.WriteFile(heads, []byte(report), 0o600); err != nil {
				t.Fatal(err)
			}
			has(t, run(0, verify(append(offline, "-heads", heads)...)...), "intact")
			has(t, run(0, verify(append(offline, "-json")...)...), `"Events": 3`, `"Head": "head 111122223333 3 `)

			alter(t, config, `UPDATE audit_events SET record = replace(record, 'Root', 'IAMUser')`)
			has(t, run(1, verify(offline...)...), "was changed after it was sealed; it now says RotateSealingKey", "onsight: the audit trail is not what was written")
			alter(t, config, `UPDATE audit_events SET record = replace(record, 'IAMUser', 'Root')`)
			has(t, run(0, verify(offline...)...), "intact")
			for _, table := range []string{"audit_events", "audit_batches", "audit_chains"} {
				alter(t, config, `DELETE FROM `+table)
			}
			has(t, run(0, verify(offline...)...), "there are no events yet", "intact")
			has(t, run(1, verify(append(offline, "-heads", heads)...)...), "PROBLEM: account 111122223333: all events are gone, of which 3 were sealed")
		})
	}
}

// alter changes a database behind the server's back.
func alter(t *testing.T, config store.Config, query string) {
	t.Helper()
	db, err := store.Open(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(context.Background(), func(tx *store.Tx) error {
		_, err := tx.Exec(query)
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if err := db.Close(); err != nil {
		t.Error(err)
	}
}
