package action_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/connector/action"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// guard sets the guards of a connector.
func guard(t *testing.T, srv *testkit.Server, id string, g onsightapi.ActionConnectorGuards) error {
	t.Helper()
	_, err := testkit.Call(t, srv, onsightapi.UpdateActionConnectorGuards, onsightapi.UpdateActionConnectorGuardsRequest{AwsAccountId: account, ActionConnectorId: id, Guards: &g})
	return err
}

func mustGuard(t *testing.T, srv *testkit.Server, id string, g onsightapi.ActionConnectorGuards) {
	t.Helper()
	if err := guard(t, srv, id, g); err != nil {
		t.Fatal(err)
	}
}

func guards(t *testing.T, srv *testkit.Server, id string) *onsightapi.DescribeActionConnectorGuardsResponse {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.DescribeActionConnectorGuards, onsightapi.DescribeActionConnectorGuardsRequest{AwsAccountId: account, ActionConnectorId: id})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// early moves the clock to the beginning of the next hour, so that no span of
// time ends by itself while a test counts.
func early(srv *testkit.Server) {
	now := srv.Now()
	srv.Advance(now.Truncate(time.Hour).Add(time.Hour + time.Second).Sub(now))
}

func with(token string) func(*onsightapi.InvokeActionRequest) {
	return func(in *onsightapi.InvokeActionRequest) { in.ConfirmationToken = &token }
}

func TestConfirmation(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			v.on("/items", says(200, `{"ok":true}`))
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, v.Server))
			srv.Subscribe(t)
			makeConnector(t, srv, "shop", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "k"), "CREATION_SUCCESSFUL")
			if g := guards(t, srv, "shop"); *g.Guards.Confirmation != "NONE" || *g.Guards.Verification != "OFF" || g.Usage != nil {
				t.Errorf("at first: %+v", g.Guards)
			}
			const input = `{"path":"items","body":{"name":"a","password":"hunter2"}}`
			call := func(action string, change ...func(*onsightapi.InvokeActionRequest)) (*onsightapi.InvokeActionResponse, error) {
				t.Helper()
				return invoke(t, srv, "shop", action, input, change...)
			}
			ask := func(id string, change ...func(*onsightapi.InvokeActionRequest)) *action.Confirmation {
				t.Helper()
				v.asked()
				_, err := call(id, change...)
				wantFault(t, id, err, "ConfirmationRequiredException", "Confirm it by the same call with the ConfirmationToken.")
				if seen := v.asked(); len(seen) > 0 {
					t.Errorf("the service was asked before it was confirmed: %v", seen)
				}
				c, ok := action.ConfirmationOf(fault.Of(err))
				if !ok || c.Token == "" || strings.Contains(c.Summary, "hunter2") || !strings.Contains(c.Summary, `"path":"items"`) || c.Ends.Before(srv.Now()) {
					t.Fatalf("confirmation %+v", c)
				}
				return c
			}

			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{Confirmation: new(onsightapi.ActionConfirmationDestructive)})
			if _, err := call("HttpPost"); err != nil {
				t.Errorf("what only writes: %v", err)
			}
			c := ask("HttpDelete")
			if !strings.Contains(c.Summary, "HTTP DELETE (HttpDelete) of the connector The shop") || !strings.Contains(c.Summary, "removes something") {
				t.Errorf("summary %q", c.Summary)
			}
			if _, err := call("HttpDelete", with(c.Token)); err != nil {
				t.Fatalf("confirmed: %v", err)
			}
			_, err := call("HttpDelete", with(c.Token))
			wantFault(t, "a second time", err, "InvalidParameterValueException", "ConfirmationToken isn't valid")

			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{Confirmation: new(onsightapi.ActionConfirmationWrites)})
			if _, err := invoke(t, srv, "shop", "HttpGet", `{"path":"items"}`); err != nil {
				t.Errorf("what reads: %v", err)
			}
			c = ask("HttpPost")
			for what, try := range map[string]func() error{
				"another action": func() error { _, err := call("HttpPut", with(c.Token)); return err },
				"another input": func() error {
					_, err := invoke(t, srv, "shop", "HttpPost", `{"path":"items","body":{"name":"b"}}`, with(c.Token))
					return err
				},
				"a made-up token": func() error { _, err := call("HttpPost", with("x")); return err },
			} {
				wantFault(t, what, try(), "InvalidParameterValueException", "ConfirmationToken isn't valid")
			}
			srv.Advance(10*time.Minute + time.Second)
			_, err = call("HttpPost", with(c.Token))
			wantFault(t, "late", err, "InvalidParameterValueException", "ConfirmationToken isn't valid")

			// Calls that are answered later, and those that are made once.
			later := func(in *onsightapi.InvokeActionRequest) { in.Asynchronous = new(true) }
			c = ask("HttpPost", later)
			if out, err := call("HttpPost", later, with(c.Token)); err != nil || out.InvocationId == nil {
				t.Fatalf("later, confirmed: %v", err)
			} else {
				srv.Done(t, "connector.invoke", *out.InvocationId)
			}
			once := func(in *onsightapi.InvokeActionRequest) { in.IdempotencyKey = new("k1") }
			c = ask("HttpPatch", once)
			for range 2 { // the second needs no confirmation: nothing is done any more
				if _, err := call("HttpPatch", once, with(c.Token)); err != nil {
					t.Fatalf("once, confirmed: %v", err)
				}
			}
			if _, err := call("HttpPatch", once); err != nil {
				t.Errorf("the result of before: %v", err)
			}
			// Of many who use one token, one gets through.
			c = ask("HttpPut")
			v.asked()
			var all sync.WaitGroup
			for range 8 {
				all.Go(func() { _, _ = call("HttpPut", with(c.Token)) })
			}
			all.Wait()
			if seen := v.asked(); len(seen) != 1 {
				t.Errorf("a token was good %d times", len(seen))
			}
		})
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			v.on("/items", says(200, `{}`))
			db, near := storetest.Config(t, dialect), testkit.Near(t, v.Server)
			seal := testkit.SealKey(t.TempDir() + "/seal.key")
			srv := testkit.Start(t, db, near, seal)
			servers := []*testkit.Server{srv}
			if db.URL != "" {
				servers = append(servers, srv.At(testkit.Start(t, db, near, seal)))
			}
			srv.Subscribe(t)
			makeConnector(t, srv, "shop", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "k"), "CREATION_SUCCESSFUL")
			for _, s := range servers {
				early(s)
			}
			get := func() error { _, err := invoke(t, srv, "shop", "HttpGet", `{"path":"items"}`); return err }

			for what, g := range map[string]onsightapi.ActionConnectorGuards{
				"has no action Fly":        {UnitsPerDay: new(int64(5)), ActionUnits: map[string]int64{"Fly": 1}},
				"with UnitsPerDay or":      {ActionUnits: map[string]int64{"HttpGet": 1}},
				"and UnitsPerDay allows 5": {UnitsPerDay: new(int64(5)), ActionUnits: map[string]int64{"HttpGet": 6}},
			} {
				wantFault(t, what, guard(t, srv, "shop", g), "InvalidParameterValueException", what)
			}
			// Many at once, at one server and at two: as many as the limit get through.
			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{CallsPerMinute: new(int64(5)), CallsPerMinutePerCaller: new(int64(10))})
			v.asked()
			var all sync.WaitGroup
			for n := range 20 {
				all.Go(func() { _, _ = invoke(t, servers[n%len(servers)], "shop", "HttpGet", `{"path":"items"}`) })
			}
			all.Wait()
			if n := len(v.asked()); n != 5 {
				t.Errorf("%d calls got through, want 5", n)
			}
			err := get()
			next := srv.Now().UTC().Truncate(time.Minute).Add(time.Minute).Format(time.RFC3339)
			wantFault(t, "the sixth", err, "ThrottlingException", "All callers together may call action connector shop 5 times a minute, and have done so. Next possible at "+next+".")
			if f := fault.Of(err); f.Members["RetryAfterSeconds"] == "" {
				t.Errorf("no word of when: %v", f.Members)
			}
			if u := guards(t, srv, "shop").Usage; u == nil || *u.CallsThisMinute != 5 {
				t.Errorf("usage %+v", u)
			}
			srv.Advance(time.Minute)
			if err := get(); err != nil {
				t.Errorf("in the next minute: %v", err)
			}

			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{CallsPerDayPerCaller: new(int64(1))})
			if err := get(); err != nil {
				t.Fatal(err)
			}
			wantFault(t, "the second of the day", get(), "ThrottlingException", "arn:aws:iam::"+account+":root may call action connector shop once a day, and has done so. Next possible at ")

			// A day's units: two of two, and then one of one.
			srv.Advance(24 * time.Hour)
			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{UnitsPerDay: new(int64(5)), ActionUnits: map[string]int64{"HttpPost": 2}})
			post := func() error { _, err := invoke(t, srv, "shop", "HttpPost", `{"path":"items"}`); return err }
			if err := post(); err != nil {
				t.Fatal(err)
			}
			if err := post(); err != nil {
				t.Fatal(err)
			}
			wantFault(t, "a third", post(), "ThrottlingException", "All callers together may spend 5 units a day with action connector shop: 4 are spent, and action HttpPost costs 2. Next possible at ")
			if err := get(); err != nil {
				t.Errorf("what is left: %v", err)
			}
			if u := guards(t, srv, "shop").Usage; u == nil || *u.UnitsToday != 5 || u.CallsToday != nil {
				t.Errorf("usage %+v", u)
			}
			// What is refused by the guards leaves an idempotency key free, and what
			// repeats one costs nothing.
			srv.Advance(24 * time.Hour)
			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{CallsPerDay: new(int64(1))})
			once := func(key string) error {
				_, err := invoke(t, srv, "shop", "HttpPost", `{"path":"items"}`, func(in *onsightapi.InvokeActionRequest) { in.IdempotencyKey = &key })
				return err
			}
			if err := once("a"); err != nil {
				t.Fatal(err)
			}
			if err := once("a"); err != nil {
				t.Errorf("the same again: %v", err)
			}
			wantFault(t, "another", once("b"), "ThrottlingException", "once a day")
			srv.Advance(24 * time.Hour)
			if err := once("b"); err != nil {
				t.Errorf("the next day: %v", err)
			}
		})
	}
}
