package sealing_test

import (
	"testing"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
)

// TestRotation changes the key under a server at work: what it keeps goes on
// to open, with the old key there and without.
func TestRotation(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")})
		if err != nil {
			t.Fatal(err)
		}
		ana := srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
		session, err := testkit.Call(t, srv, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		temporary := srv.With(session.Credentials.AccessKeyId, session.Credentials.SecretAccessKey.Reveal(), session.Credentials.SessionToken)
		connect := func(id string) {
			t.Helper()
			_, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
				AwsAccountId: testkit.Account, ActionConnectorId: id, Name: "Tickets", Type: qs.ActionConnectorTypeZendeskSuite,
				AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeAPIKey, AuthenticationMetadata: &qs.AuthenticationMetadata{
					ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: "https://example.zendesk.com", ApiKey: "hush", Email: new(qs.Secret("a@example.org"))},
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		connect("before")
		whoami := func(s *testkit.Server) error {
			_, err := testkit.Call(t, s, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
			return err
		}
		check := func(when string, sessions bool) {
			t.Helper()
			if err := whoami(ana); err != nil {
				t.Errorf("%s: the access key: %v", when, err)
			}
			if err := whoami(temporary); (err == nil) != sessions {
				t.Errorf("%s: a session: %v, want it to go on %t", when, err, sessions)
			}
		}
		check("before", true)
		out, err := testkit.Call(t, srv, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{})
		if err != nil || len(out.KeyIds) != 2 || *out.Secrets < 2 {
			t.Fatalf("rotate: %+v, %v; want two keys and at least the secrets of a connector and of a key", out, err)
		}
		check("after the rotation", true)
		connect("between")
		retired, err := testkit.Call(t, srv, onsightapi.RetireSealingKeys, onsightapi.RetireSealingKeysRequest{})
		if err != nil || len(retired.KeyIds) != 1 || retired.KeyIds[0] != out.KeyIds[0] {
			t.Fatalf("retire: %+v, %v; want the new key alone", retired, err)
		}
		// Opened anew: nothing is kept of what the old key has opened.
		again := srv.Restart(t)
		ana, temporary = ana.At(again), temporary.At(again)
		check("after the old key is gone", false)
	})
}

func TestKeysAreTheServersOwn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		other := srv.As(t, "444455556666")
		_, err := testkit.Call(t, other, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{})
		if f := fault.Of(err); f == nil || f.Code != "AccessDeniedException" {
			t.Errorf("the root of another account: %v, want a refusal", err)
		}
		if out, err := testkit.Call(t, srv, onsightapi.ListSealingKeys, onsightapi.ListSealingKeysRequest{}); err != nil || len(out.KeyIds) != 1 {
			t.Errorf("keys: %+v, %v; want one", out, err)
		}
	})
}
