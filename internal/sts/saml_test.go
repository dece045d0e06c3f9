package sts_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/store/storetest"
	"onsight/internal/sts/saml/samltest"
	"onsight/internal/stsapi"
)

// house registers the provider House in an account, and makes a role there
// that trusts it.
func (w *world) house(account, role, conditions string, actions ...string) (roleARN, providerARN string) {
	w.t.Helper()
	providerARN = "arn:aws:iam::" + account + ":saml-provider/House"
	_, err := call(w, root(account), iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "House", SAMLMetadataDocument: samltest.Metadata(samltest.One())})
	if err != nil && fault.Of(err).Code != "EntityAlreadyExists" {
		w.t.Fatal(err)
	}
	return w.role(account, role, strings.Replace(trust(providerARN, conditions, append(actions, "sts:AssumeRoleWithSAML")...), `"AWS"`, `"Federated"`, 1)), providerARN
}

// asserting is a call with a good assertion but for some changes.
func (w *world) asserting(role, provider string, change ...func(*samltest.Login)) stsapi.AssumeRoleWithSAMLRequest {
	w.t.Helper()
	l := samltest.Login{Now: w.now(), Roles: []string{role + "," + provider}}
	for _, c := range change {
		c(&l)
	}
	return stsapi.AssumeRoleWithSAMLRequest{RoleArn: role, PrincipalArn: provider, SAMLAssertion: stsapi.Secret(l.Post(w.t))}
}

func TestAssumeRoleWithSAML(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		role, provider := w.house(home, "readers", "")
		out := must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider))
		for what, x := range map[string]struct{ got, want string }{
			"ARN":         {out.AssumedRoleUser.Arn, "arn:aws:sts::" + home + ":assumed-role/readers/ana"},
			"Subject":     {*out.Subject, "ana@example.org"},
			"SubjectType": {*out.SubjectType, "persistent"},
			"Issuer":      {*out.Issuer, samltest.EntityID},
			"Audience":    {*out.Audience, samltest.Recipient},
			// echo -n 'https://idp.example.org/saml111122223333/House' | openssl sha1 -binary | base64
			"NameQualifier": {*out.NameQualifier, nameQualifier},
		} {
			if x.got != x.want {
				t.Errorf("%s = %s, want %s", what, x.got, x.want)
			}
		}
		if got := out.Credentials.Expiration.Sub(w.now()); got < 59*time.Minute || got > time.Hour {
			t.Errorf("the session lasts %v", got)
		}
		who := must(w, of(out.Credentials), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		if *who.Arn != "arn:aws:sts::"+home+":assumed-role/readers/ana" {
			t.Errorf("the caller is %s", *who.Arn)
		}
		s, err := w.sessions.Read(out.Credentials.AccessKeyId, out.Credentials.SessionToken, w.now())
		if err != nil {
			t.Fatal(err)
		}
		if s.Provider != provider || s.Claims["saml:sub"][0] != "ana@example.org" || s.Keys()["aws:federatedprovider"][0] != provider {
			t.Errorf("the session is %+v", s)
		}

		// The provider says when its session ends.
		out = must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, func(l *samltest.Login) { l.SessionEnds = w.now().Add(20 * time.Minute) }))
		if got := out.Credentials.Expiration.Sub(w.now()); got < 19*time.Minute || got > 20*time.Minute {
			t.Errorf("the session lasts %v", got)
		}
		// Signing changes nothing.
		if a := send(w, credentials{id: "AKIAUNKNOWNUNKNOWN00", secret: "x"}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider)); a.status != 200 {
			t.Errorf("with a signature that nobody knows: %d %s", a.status, a.body)
		}
		// The trail tells who came.
		events := must(w, root(home), cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{})
		found := false
		for _, e := range events.Events {
			var record struct {
				UserIdentity struct{ Type, PrincipalID, UserName, IdentityProvider string }
			}
			if *e.EventName != "AssumeRoleWithSAML" {
				continue
			}
			if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &record); err != nil {
				t.Fatal(err)
			}
			found = found || record.UserIdentity.Type == "SAMLUser" && record.UserIdentity.UserName == "ana@example.org" && record.UserIdentity.IdentityProvider == samltest.EntityID
		}
		if !found {
			t.Error("the trail has no event of the SAML user")
		}
	})
}

// nameQualifier is base64 of SHA-1 of issuer, account, / and provider's name.
const nameQualifier = "1zkwY3DOxdYYXI1+nDpP3wj5+Fg="

func TestAssertionsThatAreRefused(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		role, provider := w.house(home, "readers", "")
		closed, _ := w.house(home, "closed", `"StringEquals":{"saml:sub":"bob@example.org"}`)
		awayRole, awayProvider := w.house(away, "readers", "")
		// A role that trusts the provider of another account.
		lax := w.role(home, "lax", strings.Replace(trust(awayProvider, "", "sts:AssumeRoleWithSAML"), `"AWS"`, `"Federated"`, 1))
		with := func(change func(*samltest.Login)) stsapi.AssumeRoleWithSAMLRequest {
			return w.asserting(role, provider, change)
		}
		attribute := func(name string, values ...string) stsapi.AssumeRoleWithSAMLRequest {
			return with(func(l *samltest.Login) { l.Attributes = map[string][]string{name: values} })
		}
		in := func(change func(*stsapi.AssumeRoleWithSAMLRequest)) stsapi.AssumeRoleWithSAMLRequest {
			r := w.asserting(role, provider)
			change(&r)
			return r
		}
		const denied = "Not authorized to perform sts:AssumeRoleWithSAML"
		for _, x := range []struct {
			in         stsapi.AssumeRoleWithSAMLRequest
			status     int
			code, text string
		}{
			{with(func(l *samltest.Login) { l.Key = samltest.Two() }), 400, "InvalidIdentityToken", "Response signature invalid…"},
			{with(func(l *samltest.Login) { l.Unsigned = true }), 400, "InvalidIdentityToken", "Response signature invalid…"},
			{with(func(l *samltest.Login) { l.Issuer = "https://other" }), 400, "InvalidIdentityToken", "Issuer not present in specified provider"},
			{with(func(l *samltest.Login) { l.Audience = "https://other" }), 400, "InvalidIdentityToken", "Response does not contain the required audience."},
			{with(func(l *samltest.Login) { l.Recipient = "https://other" }), 400, "InvalidIdentityToken", "The response is addressed to another server…"},
			{with(func(l *samltest.Login) { l.Now = w.now().Add(-10 * time.Minute) }), 400, "ExpiredTokenException", "Token expired: current date/time…"},
			{with(func(l *samltest.Login) { l.Now, l.Life = w.now().Add(-10*time.Minute), time.Hour }), 400, "ExpiredTokenException", "Token must be redeemed within 5 minutes of issuance"},
			{with(func(l *samltest.Login) { l.Now = w.now().Add(5 * time.Minute) }), 400, "InvalidIdentityToken", "The assertion is not valid yet…"},
			{with(func(l *samltest.Login) { l.Status = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed" }), 403, "IDPRejectedClaim", "The identity provider reported that authentication failed: AuthnFailed."},
			{with(func(l *samltest.Login) { l.Session = "-" }), 400, "InvalidIdentityToken", "RoleSessionName is required in AuthnResponse"},
			{with(func(l *samltest.Login) { l.Session = "ana maria" }), 400, "InvalidIdentityToken", "RoleSessionName in AuthnResponse must match [a-zA-Z_0-9+=,.@-]{2,64}"},
			{with(func(l *samltest.Login) { l.Roles = nil }), 403, "AccessDenied", denied},
			{with(func(l *samltest.Login) { l.Roles = []string{closed + "," + provider} }), 403, "AccessDenied", denied},
			{with(func(l *samltest.Login) { l.Roles = []string{role + "," + awayProvider} }), 403, "AccessDenied", denied},
			{attribute("SourceIdentity", "aws:me"), 400, "InvalidIdentityToken", "Source Identity must match…"},
			{attribute("SourceIdentity", "ana"), 403, "AccessDenied", "Not authorized to perform sts:SetSourceIdentity"},
			{attribute("PrincipalTag:Team", "red"), 403, "AccessDenied", "Not authorized to perform sts:TagSession"},
			{attribute("PrincipalTag:Team", "red", "blue"), 400, "InvalidIdentityToken", "The attribute PrincipalTag:Team…"},
			{attribute("TransitiveTagKeys", "Team"), 400, "InvalidParameterValue", "The specified transitive tag key…"},
			{w.asserting(closed, provider), 403, "AccessDenied", denied},
			{w.asserting("arn:aws:iam::"+home+":role/absent", provider), 403, "AccessDenied", denied},
			{w.asserting(role, awayProvider), 403, "AccessDenied", denied},
			{w.asserting(lax, awayProvider), 403, "AccessDenied", denied},
			{w.asserting(awayRole, provider), 403, "AccessDenied", denied},
			{w.asserting(role, "arn:aws:iam::"+home+":saml-provider/Absent"), 400, "InvalidIdentityToken", "Specified provider doesn't exist"},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) {
				r.PrincipalArn = "arn:aws:iam::" + home + ":oidc-provider/x"
			}), 400, "ValidationError", "Request ARN is invalid"},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) { r.RoleArn = "arn:aws:iam::" + home + ":user/xxxxxxx" }), 400, "ValidationError", "Request ARN is invalid"},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) { r.SAMLAssertion = "no base64" }), 400, "InvalidIdentityToken", "The SAML response is not valid…"},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) { r.DurationSeconds = new(int32(7200)) }), 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) { r.Policy = new("{}x") }), 400, "MalformedPolicyDocument", "…"},
			{in(func(r *stsapi.AssumeRoleWithSAMLRequest) {
				r.PolicyArns = []stsapi.PolicyDescriptorType{{Arn: new("arn:aws:iam::" + home + ":policy/absent")}}
			}), 400, "ValidationError", "Policy arn:aws:iam::" + home + ":policy/absent does not exist or is not attachable."},
		} {
			refused(w, credentials{}, stsapi.AssumeRoleWithSAML, x.in, x.status, x.code, x.text)
		}
		must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(awayRole, awayProvider))
	})
}

// TestAnAssertionIsUsedOnce uses one for each of its roles, and for none again.
func TestAnAssertionIsUsedOnce(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		one, provider := w.house(home, "one", "")
		two, _ := w.house(home, "two", "")
		first := w.asserting(one, provider, func(l *samltest.Login) { l.Roles = []string{one + "," + provider, provider + "," + two} })
		second := first
		second.RoleArn = two
		// What is refused doesn't count.
		early := first
		early.DurationSeconds = new(int32(43200))
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, early, 400, "ValidationError", "The requested DurationSeconds…")
		must(w, credentials{}, stsapi.AssumeRoleWithSAML, first)
		must(w, credentials{}, stsapi.AssumeRoleWithSAML, second)
		for _, again := range []stsapi.AssumeRoleWithSAMLRequest{first, second} {
			refused(w, credentials{}, stsapi.AssumeRoleWithSAML, again, 400, "InvalidIdentityToken", "The assertion was used for this role before…")
		}
		w.advance(5*time.Minute + 20*time.Second) // within the leeway still
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, first, 400, "InvalidIdentityToken", "The assertion was used for this role before…")
		w.advance(time.Minute)
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, first, 400, "ExpiredTokenException", "Token expired…")
	})
}

// TestASAMLProviderRotatesItsKey exchanges the certificate in the metadata.
func TestASAMLProviderRotatesItsKey(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		role, provider := w.house(home, "readers", "")
		young := func(l *samltest.Login) { l.Key = samltest.Two() }
		update := func(keys ...*samltest.Key) {
			must(w, root(home), iamapi.UpdateSAMLProvider, iamapi.UpdateSAMLProviderRequest{SAMLProviderArn: provider, SAMLMetadataDocument: new(samltest.Metadata(keys...))})
		}
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, young), 400, "InvalidIdentityToken", "Response signature invalid…")
		update(samltest.One(), samltest.Two())
		must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, young))
		must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider))
		update(samltest.Two())
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider), 400, "InvalidIdentityToken", "Response signature invalid…")
		must(w, root(home), iamapi.DeleteSAMLProvider, iamapi.DeleteSAMLProviderRequest{SAMLProviderArn: provider})
		refused(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, young), 400, "InvalidIdentityToken", "Specified provider doesn't exist")
	})
}

// TestAssertionsDecide lets trust policies ask what assertions say.
func TestAssertionsDecide(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		for i, x := range []struct {
			condition  string
			attributes map[string][]string
			ok         bool
		}{
			{`"StringEquals":{"SAML:aud":"https://signin.aws.amazon.com/saml"}`, nil, true},
			{`"StringEquals":{"SAML:aud":"https://other"}`, nil, false},
			{`"StringEquals":{"saml:iss":"https://idp.example.org/saml","saml:sub_type":"persistent","saml:doc":"111122223333/House"}`, nil, true},
			{`"StringEquals":{"saml:sub":"bob@example.org"}`, nil, false},
			{`"StringEquals":{"saml:namequalifier":"` + nameQualifier + `"}`, nil, true},
			{`"ForAnyValue:StringEquals":{"saml:eduPersonAffiliation":"staff"}`, map[string][]string{"urn:oid:1.3.6.1.4.1.5923.1.1.1.1": {"member", "staff"}}, true},
			{`"ForAnyValue:StringEquals":{"saml:eduPersonAffiliation":"staff"}`, map[string][]string{"saml:eduPersonAffiliation": {"staff"}}, false},
			{`"StringLike":{"saml:mail":"*@example.org"}`, map[string][]string{"urn:oid:0.9.2342.19200300.100.1.3": {"ana@example.org"}}, true},
			{
				`"StringEquals":{"aws:RequestTag/Team":"red"},"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["Team"]}`,
				map[string][]string{"PrincipalTag:Team": {"red"}, "TransitiveTagKeys": {"Team"}},
				true,
			},
			{`"StringEquals":{"aws:RequestTag/Team":"red"}`, map[string][]string{"PrincipalTag:Team": {"blue"}}, false},
			{`"StringEquals":{"sts:SourceIdentity":"ana"}`, map[string][]string{"SourceIdentity": {"ana"}}, true},
			{`"StringEquals":{"sts:RoleSessionName":"ana"},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`, nil, true},
		} {
			role, provider := w.house(home, "r"+string(rune('a'+i)), x.condition, "sts:TagSession", "sts:SetSourceIdentity")
			out, err := call(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, func(l *samltest.Login) { l.Attributes = x.attributes }))
			if (err == nil) != x.ok {
				t.Errorf("%s with %v: %v, want allowed: %t", x.condition, x.attributes, err, x.ok)
			}
			if x.ok && x.attributes["PrincipalTag:Team"] != nil {
				s, err := w.sessions.Read(out.Credentials.AccessKeyId, out.Credentials.SessionToken, w.now())
				if err != nil || s.Principal.Tags["Team"] != "red" || len(s.Transitive) != 1 || out.PackedPolicySize == nil {
					t.Errorf("session %+v, %v", s, err)
				}
			}
			if x.ok && x.attributes["SourceIdentity"] != nil && (out.SourceIdentity == nil || *out.SourceIdentity != "ana") {
				t.Errorf("source identity %v", out.SourceIdentity)
			}
		}
	})
}

// TestAddressesOfAssertions asks for what the settings say, and nothing else.
func TestAddressesOfAssertions(t *testing.T) {
	t.Parallel()
	w := start(t, storetest.Config(t, storetest.Dialects[0]), func(c *config.Config) { c.SAMLAddresses = "https://bi.example.org/saml, urn:bi" })
	role, provider := w.house(home, "readers", "")
	must(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider, func(l *samltest.Login) {
		l.Recipient, l.Audience = "https://bi.example.org/saml", "urn:bi"
	}))
	refused(w, credentials{}, stsapi.AssumeRoleWithSAML, w.asserting(role, provider), 400, "InvalidIdentityToken", "The response is addressed to another server…")
}
