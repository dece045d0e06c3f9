package app_test

import (
	"context"
	"slices"
	"testing"

	"onsight/internal/app"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// notInSnapshots are the tables that no snapshot holds, and why.
var notInSnapshots = map[string]string{
	"audit_batches":           "the trail of a server says what happened there",
	"audit_chains":            "… and is sealed there",
	"audit_events":            "… and is exported by audit export",
	"embed_entries":           "URLs of five minutes, and their sessions",
	"connector_calls":         "the calls of a server say what was done there",
	"connector_invocations":   "answers to calls that were made there",
	"connector_revocations":   "work under way",
	"connector_states":        "sign-ins under way, each bound to a browser",
	"connector_tokens":        "what services gave to this server: used at two, a refresh token that rotates is void at both",
	"directory_refreshes":     "when it was compared with a directory there",
	"group_counts":            "counters, counted anew",
	"iam_accounts":            "counters, counted anew",
	"jobs":                    "work under way: no snapshot is taken meanwhile",
	"agent_grants":            "what agents may that were registered at this server",
	"agent_requests":          "authorisations under way, each bound to a browser",
	"agent_secrets":           "let in at this server's address alone",
	"personal_tokens":         "let in at this server's address alone",
	"prune_steps":             "reports of what was done there",
	"prunes":                  "… and runs that a job goes on with",
	"snapshot_rows":           "snapshots themselves",
	"snapshots":               "snapshots themselves",
	"password_resets":         "links that live for an hour",
	"saml_assertions":         "what was used up at this server, good for minutes",
	"scim_pending":            "work under way: no snapshot is taken meanwhile",
	"scim_tokens":             "let in at this server's address alone",
	"sign_in_locks":           "attempts at this server",
	"web_sessions":            "who is signed in at this server",
	"connector_confirmations": "questions that somebody has ten minutes to answer",
	"connector_usage":         "what was used of limits there",

	"connector_health": "what was noticed there; schedules begin anew",

	"federation_spent": "what was used up at this server, good for minutes",
	"sign_in_steps":    "who is about to be",
	"used_challenges":  "what was answered at this server within minutes",
}

// Every table is in snapshots, or is left out for a reason: nobody forgets one.
func TestSnapshotTables(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Read(context.Background(), func(tx *store.Tx) error {
			tables, err := store.Tables(tx)
			if err != nil {
				return err
			}
			in := app.SnapshotTables()
			for _, table := range tables {
				_, out := notInSnapshots[table]
				if out == slices.Contains(in, table) {
					t.Errorf("table %s: add it to snapshotTables in snapshot.go (columns with JSON, seals and references are said there), or give the reason here", table)
				}
			}
			for _, table := range in {
				if !slices.Contains(tables, table) {
					t.Errorf("snapshots hold %s, which is no table", table)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
