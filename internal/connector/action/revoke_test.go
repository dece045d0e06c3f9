package action

import (
	"net/http"
	"net/url"
	"sync"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// What is left to be revoked is revoked at the service, once it answers.
func TestRevoke(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		var seen []string
		s, a, k := people(t, db, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			id, secret, _ := r.BasicAuth()
			id, _ = url.QueryUnescape(id)
			secret, _ = url.QueryUnescape(secret)
			seen = append(seen, r.URL.Path+" "+id+" "+secret+" "+r.PostFormValue("token")+" "+r.PostFormValue("token_type_hint")+" "+r.PostFormValue("client_id"))
		}))
		base := a.base
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, style := range []string{inHeader, inBody} {
				err := s.leaveRevocation(tx, k.Account, revocation{
					Endpoint: base + "/revoke", ClientID: "a b", Secret: "s&t", Style: style, Token: "refresh-1", Hint: "refresh_token",
				})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err == nil {
			err = s.Jobs.Drain(t.Context())
		}
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]bool{}
		for _, line := range seen {
			got[line] = true
		}
		if len(seen) != 2 || !got["/revoke a b s&t refresh-1 refresh_token "] || !got["/revoke   refresh-1 refresh_token a b"] {
			t.Errorf("revoked by %q", seen)
		}
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			n, err := store.One[int64](tx, `SELECT COUNT(*) FROM connector_revocations`)
			if n != 0 {
				t.Errorf("%d are left", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

// What is kept of somebody goes with them; what is kept of an account goes with
// it; and new keys seal all of it.
func TestKept(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _, k := people(t, db, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
		s.Payloads = true
		const bo = "arn:aws:quicksight:us-east-1:" + tester + ":user/default/bo"
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, who := range []string{ana, bo} {
				r := record{ARN: "arn", Principal: who, Account: tester, Status: connected, Version: 1}
				if err := s.seal(&r, &granted{Access: "a"}); err != nil {
					return err
				}
				if err := store.Insert(tx, "connector_tokens", r); err != nil {
					return err
				}
			}
			return s.leaveRevocation(tx, tester, revocation{})
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Perform(t.Context(), Actor{Principal: ana}, Request{Connector: k, Action: "HttpPost", Once: "k"}); err != nil {
			t.Fatal(err)
		}
		if err := s.Keys.Rotate(); err != nil {
			t.Fatal(err)
		}
		if n, err := s.Reseal(t.Context()); err != nil || n != 5 {
			t.Errorf("sealed %d anew, %v; want 5", n, err)
		}
		if err := s.Keys.Retire(); err != nil {
			t.Fatal(err)
		}
		if out, err := s.Perform(t.Context(), Actor{Principal: ana}, Request{Connector: k, Action: "HttpPost", Once: "k"}); err != nil || out.Status != 200 {
			t.Errorf("what came of the call, by the new key: %+v, %v", out, err)
		}
		count := func() (n int64) {
			t.Helper()
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				n = 0
				for _, table := range tables {
					m, err := store.One[int64](tx, `SELECT COUNT(*) FROM `+table)
					if err != nil {
						return err
					}
					n += m
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		if n := count(); n != 5 {
			t.Errorf("%d rows, want 5", n)
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return Forget(tx, ana) }); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 3 { // of bo a token; the revocation; the call as a trace
			t.Errorf("%d rows without ana, want 3", n)
		}
		if err := Purge(t.Context(), db, tester); err != nil || count() != 0 {
			t.Errorf("%d rows after a purge, %v", count(), err)
		}
	})
}
