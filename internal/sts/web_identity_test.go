package sts_test

import (
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/sts"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/stsapi"
)

// issuer is the world's identity provider as IAM calls it.
func (w *world) issuer() string { return strings.TrimPrefix(w.IDP.URL, "https://") }

// trusting registers the provider in an account, for client-1, and makes a
// role there that trusts it.
func (w *world) trusting(account, role, conditions string, actions ...string) (roleARN, providerARN string) {
	w.t.Helper()
	providerARN = "arn:aws:iam::" + account + ":oidc-provider/" + w.issuer()
	_, err := call(w, root(account), iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: w.IDP.URL, ClientIDList: []string{"client-1"}})
	if err != nil && fault.Of(err).Code != "EntityAlreadyExists" {
		w.t.Fatal(err)
	}
	return w.role(account, role, trust(providerARN, conditions, append(actions, "sts:AssumeRoleWithWebIdentity")...)), providerARN
}

// token is a good token but for some changes.
func (w *world) token(changes map[string]any) string {
	w.t.Helper()
	return idptest.Sign(w.t, jose.RS256, idptest.RSA(), "k1", w.IDP.Claims(w.now(), changes))
}

func web(role, token string, change ...func(*stsapi.AssumeRoleWithWebIdentityRequest)) stsapi.AssumeRoleWithWebIdentityRequest {
	in := stsapi.AssumeRoleWithWebIdentityRequest{RoleArn: role, RoleSessionName: "app", WebIdentityToken: stsapi.Secret(token)}
	for _, c := range change {
		c(&in)
	}
	return in
}

func TestWebIdentity(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		role, provider := w.trusting(home, "web", fmt.Sprintf(`"StringEquals":{"%s:aud":"client-1"}`, w.issuer()))
		w.may(home, "web", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::`+home+`:user/${`+w.issuer()+`:sub}","Condition":{"StringEquals":{"aws:FederatedProvider":"`+provider+`"}}}`)
		in := web(role, w.token(map[string]any{"amr": []string{"pwd", "otp"}}))
		in.Policy = new(document(allow("*", "iam:*")))
		out := must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, in)
		id := must(w, root(home), iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "web"}).Role.RoleId
		if out.PackedPolicySize == nil || time.Until(*out.Credentials.Expiration).Round(time.Minute) != time.Hour {
			t.Errorf("PackedPolicySize %v, Expiration %s", out.PackedPolicySize, out.Credentials.Expiration)
		}
		me := of(out.Credentials)
		out.Credentials, out.PackedPolicySize, out.SessionTokenSize, out.SessionTokenUtilization = nil, nil, nil, nil
		want := &stsapi.AssumeRoleWithWebIdentityResponse{
			AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: "arn:aws:sts::" + home + ":assumed-role/web/app", AssumedRoleId: id + ":app"},
			Audience:        new("client-1"), Provider: &provider, SubjectFromWebIdentityToken: new("user-1"),
		}
		if diff := cmp.Diff(want, out); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if who := must(w, me, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}); *who.Arn != want.AssumedRoleUser.Arn {
			t.Errorf("caller %s", *who.Arn)
		}
		// What the token said goes with the session.
		w.user(home, "user-1")
		must(w, me, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("user-1")})
		refused(w, me, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("user-2")}, 403, "AccessDenied", "User: arn:aws:sts::"+home+":assumed-role/web/app is not authorized…")
		s, err := w.sessions.Read(me.id, me.token, w.now())
		if err != nil {
			t.Fatal(err)
		}
		keys := s.Keys()
		delete(keys, "aws:tokenissuetime")
		if diff := cmp.Diff(policy.Keys{
			w.issuer() + ":sub": {"user-1"}, w.issuer() + ":aud": {"client-1"}, w.issuer() + ":oaud": {"client-1"}, w.issuer() + ":amr": {"pwd", "otp"},
			"aws:federatedprovider": {provider}, "aws:multifactorauthpresent": {"false"},
		}, keys); diff != "" {
			t.Errorf("condition keys (-want +got):\n%s", diff)
		}
		// The session is that of a role like any other.
		refused(w, me, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{}, 403, "AccessDenied", "Cannot call GetSessionToken with session credentials")
	})
}

// TestWebIdentityIsRefused goes through everything that is wrong with tokens,
// roles and requests. The verifier has its own tests for what is in tokens.
func TestWebIdentityIsRefused(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		role, provider := w.trusting(home, "web", "")
		w.role(home, "plain", trust(house, "", "sts:AssumeRole"))
		elsewhere := w.role(away, "web", trust("arn:aws:iam::"+away+":oidc-provider/"+w.issuer(), "", "sts:AssumeRoleWithWebIdentity"))
		good := w.token(nil)
		parts := strings.Split(good, ".")
		segment := func(v any) string {
			b, err := json.Marshal(v)
			if err != nil {
				t.Fatal(err)
			}
			return base64.RawURLEncoding.EncodeToString(b)
		}
		der, err := x509.MarshalPKIXPublicKey(idptest.RSA().Public())
		if err != nil {
			t.Fatal(err)
		}
		publicPEM := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
		now := w.now().Unix()
		const (
			noJWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
			noKey = "Couldn't retrieve verification key from your identity provider,  please reference AssumeRoleWithWebIdentity documentation for requirements"
			later = "The ID Token is not valid yet…"
			no    = "Not authorized to perform sts:AssumeRoleWithWebIdentity"
		)
		for name, x := range map[string]struct {
			in         stsapi.AssumeRoleWithWebIdentityRequest
			status     int
			code, text string
		}{
			"no token":                     {web(role, "hello"), 400, "InvalidIdentityToken", noJWT},
			"alg none":                     {web(role, segment(map[string]string{"alg": "none", "typ": "JWT"})+"."+parts[1]+"."), 400, "InvalidIdentityToken", noJWT},
			"alg none with a signature":    {web(role, segment(map[string]string{"alg": "none", "kid": "k1"})+"."+parts[1]+"."+parts[2]), 400, "InvalidIdentityToken", noJWT},
			"HS256 with the public key":    {web(role, idptest.Sign(t, jose.HS256, publicPEM, "k1", w.IDP.Claims(w.now(), nil))), 400, "InvalidIdentityToken", noJWT},
			"HS256 with the key's bytes":   {web(role, idptest.Sign(t, jose.HS256, der, "k1", w.IDP.Claims(w.now(), nil))), 400, "InvalidIdentityToken", noJWT},
			"another's key":                {web(role, idptest.Sign(t, jose.RS256, idptest.Other(), "k1", w.IDP.Claims(w.now(), nil))), 400, "InvalidIdentityToken", "The signature of the ID Token is not valid."},
			"changed":                      {web(role, parts[0]+"."+segment(w.IDP.Claims(w.now(), map[string]any{"sub": "admin"}))+"."+parts[2]), 400, "InvalidIdentityToken", "The signature of the ID Token is not valid."},
			"an unknown key":               {web(role, idptest.Sign(t, jose.RS256, idptest.Other(), "k9", w.IDP.Claims(w.now(), nil))), 400, "InvalidIdentityToken", noKey},
			"wrong issuer":                 {web(role, w.token(map[string]any{"iss": "https://login.example.org"})), 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for https://login.example.org"},
			"issuer without a scheme":      {web(role, w.token(map[string]any{"iss": w.issuer()})), 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + w.issuer()},
			"no issuer":                    {web(role, w.token(map[string]any{"iss": nil})), 400, "InvalidIdentityToken", "Missing a required claim: iss"},
			"wrong audience":               {web(role, w.token(map[string]any{"aud": "client-2"})), 400, "InvalidIdentityToken", "Incorrect token audience"},
			"made for another":             {web(role, w.token(map[string]any{"azp": "client-2"})), 400, "InvalidIdentityToken", "Incorrect token audience"},
			"no audience":                  {web(role, w.token(map[string]any{"aud": nil})), 400, "InvalidIdentityToken", "Missing a required claim: aud"},
			"expired":                      {web(role, w.token(map[string]any{"exp": now - 3600})), 400, "ExpiredTokenException", "Token expired: current date/time …"},
			"issued in the future":         {web(role, w.token(map[string]any{"iat": now + 600})), 400, "InvalidIdentityToken", later},
			"not yet":                      {web(role, w.token(map[string]any{"nbf": now + 600})), 400, "InvalidIdentityToken", later},
			"a role that trusts others":    {web("arn:aws:iam::"+home+":role/plain", good), 403, "AccessDenied", no},
			"a role that is not there":     {web("arn:aws:iam::"+home+":role/nobody", good), 403, "AccessDenied", no},
			"an account without provider":  {web(elsewhere, good), 400, "InvalidIdentityToken", "No OpenIDConnect provider found in your account for " + w.IDP.URL},
			"no role":                      {web("arn:aws:iam::"+home+":user/ana", good), 400, "ValidationError", "Request ARN is invalid"},
			"no token at all":              {web(role, ""), 400, "ValidationError", "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length greater than or equal to 4"},
			"a token of 20001 characters":  {web(role, strings.Repeat("x", 20001)), 400, "ValidationError", "1 validation error detected: Value at 'webIdentityToken' failed to satisfy constraint: Member must have length less than or equal to 20000"},
			"an OAuth provider":            {web(role, good, func(in *stsapi.AssumeRoleWithWebIdentityRequest) { in.ProviderId = new("graph.facebook.com") }), 400, "InvalidParameterValue", "ProviderId is for OAuth 2.0 access tokens only…"},
			"longer than the role":         {web(role, good, func(in *stsapi.AssumeRoleWithWebIdentityRequest) { in.DurationSeconds = new(int32(3601)) }), 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role."},
			"a policy that is none":        {web(role, good, func(in *stsapi.AssumeRoleWithWebIdentityRequest) { in.Policy = new("{}") }), 400, "MalformedPolicyDocument", "Syntax errors in policy.…"},
			"tags that the role refuses":   {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"a": []string{"b"}}}})), 403, "AccessDenied", "Not authorized to perform sts:TagSession"},
			"an identity that it refuses":  {web(role, w.token(map[string]any{"https://aws.amazon.com/source_identity": "ana"})), 403, "AccessDenied", "Not authorized to perform sts:SetSourceIdentity"},
			"an identity that is none":     {web(role, w.token(map[string]any{"https://aws.amazon.com/source_identity": "a b"})), 400, "InvalidIdentityToken", "The claim https://aws.amazon.com/source_identity is not a source identity."},
			"tags that are none":           {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": "a=b"})), 400, "InvalidIdentityToken", "The claim https://aws.amazon.com/tags does not hold principal_tags and transitive_tag_keys."},
			"a tag of two values":          {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"a": []string{"b", "c"}}}})), 400, "InvalidIdentityToken", `The tag "a" in the claim…`},
			"a tag with odd characters":    {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"a": []string{"<b>"}}}})), 400, "InvalidIdentityToken", `The tag "a" in the claim…`},
			"tags that differ in case":     {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"a": "b", "A": "b"}}})), 400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive."},
			"transitive and not a tag":     {web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"transitive_tag_keys": []string{"a"}}})), 400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags."},
			"a session name with a colon":  {web(role, good, func(in *stsapi.AssumeRoleWithWebIdentityRequest) { in.RoleSessionName = "a:b" }), 400, "ValidationError", "1 validation error detected: Value 'a:b' at 'roleSessionName'…"},
			"another provider of the host": {web(role, w.token(map[string]any{"iss": w.IDP.URL + "/tenant"})), 400, "InvalidIdentityToken", "No OpenIDConnect provider found…"},
		} {
			refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, x.in, x.status, x.code, x.text)
			if t.Failed() {
				t.Fatalf("%s", name)
			}
		}
		must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, good))

		// Nobody but the holder of a token can use it, and signing changes nothing.
		if a := send(w, credentials{id: "AKIAUNKNOWNUNKNOWN00", secret: "x"}, stsapi.AssumeRoleWithWebIdentity, web(role, good)); a.status != http.StatusOK {
			t.Errorf("with a signature that nobody knows: %d %s", a.status, a.body)
		}

		// A provider that is no longer trusted is not asked any more.
		must(w, root(home), iamapi.RemoveClientIDFromOpenIDConnectProvider, iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: provider, ClientID: "client-1"})
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, good), 400, "InvalidIdentityToken", "Incorrect token audience")
		must(w, root(home), iamapi.DeleteOpenIDConnectProvider, iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: provider})
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, good), 400, "InvalidIdentityToken", "No OpenIDConnect provider found…")
	})
}

// TestClaimsDecide lets trust policies ask what tokens say.
func TestClaimsDecide(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := func(claim string) string { return `"` + w.issuer() + ":" + claim + `"` }
		for i, x := range []struct {
			condition string
			claims    map[string]any
			ok        bool
		}{
			{`"StringEquals":{` + key("sub") + `:"user-1"}`, nil, true},
			{`"StringEquals":{` + key("sub") + `:"user-2"}`, nil, false},
			{`"StringLike":{` + key("sub") + `:"repo:house/*"}`, map[string]any{"sub": "repo:house/garden:ref:main"}, true},
			{`"StringEquals":{` + key("aud") + `:"client-1",` + key("oaud") + `:"client-1"}`, nil, true},
			{`"StringEquals":{` + key("aud") + `:"client-1"},"ForAnyValue:StringEquals":{` + key("oaud") + `:"api"}`, map[string]any{"aud": []string{"api", "client-1"}, "azp": "client-1"}, true},
			// A claim of a name that STS gives a meaning cannot change it.
			{`"StringEquals":{` + key("oaud") + `:"api"}`, map[string]any{"oaud": "api"}, false},
			{`"ForAnyValue:StringEquals":{` + key("amr") + `:"mfa"}`, map[string]any{"amr": []string{"pwd", "mfa"}}, true},
			{`"ForAnyValue:StringEquals":{` + key("amr") + `:"mfa"}`, map[string]any{"amr": []string{"pwd"}}, false},
			{`"ForAnyValue:StringEquals":{` + key("groups") + `:"admins"}`, map[string]any{"groups": []string{"admins"}}, true},
			{`"ForAnyValue:StringEquals":{` + key("groups") + `:"admins"}`, nil, false},
			{`"Bool":{` + key("email_verified") + `:"true"}`, map[string]any{"email_verified": true}, true},
			{`"NumericLessThan":{` + key("level") + `:"3"}`, map[string]any{"level": 2}, true},
			{`"Null":{` + key("address") + `:"true"}`, map[string]any{"address": map[string]string{"city": "x"}}, true},
			{`"StringEquals":{"sts:RoleSessionName":"app"}`, nil, true},
			{`"StringEquals":{"sts:RoleSessionName":"another"}`, nil, false},
			{`"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}`, nil, true},
			{`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`, nil, false},
			{`"StringEquals":{"login.example.org:sub":"user-1"}`, nil, false},
		} {
			role, _ := w.trusting(home, fmt.Sprintf("r%d", i), x.condition)
			if _, err := call(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(x.claims))); (err == nil) != x.ok {
				t.Errorf("%s with %v: %v, want allowed: %t", x.condition, x.claims, err, x.ok)
			}
		}
	})
}

// TestATokenWithTags carries tags and a source identity from a token along a
// chain.
func TestATokenWithTags(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		role, provider := w.trusting(home, "web", `"StringEquals":{"aws:RequestTag/Project":"Automation"},"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["Project","CostCenter"]}`, "sts:TagSession", "sts:SetSourceIdentity")
		second := w.role(home, "second", trust(role, "", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"))
		w.may(home, "web", allow("*", "sts:*"))
		// The example of the IAM User Guide, "Passing session tags using AssumeRoleWithWebIdentity".
		claims := map[string]any{
			"https://aws.amazon.com/tags": map[string]any{
				"principal_tags":      map[string]any{"Project": []string{"Automation"}, "CostCenter": []string{"987654"}, "Department": "Engineering"},
				"transitive_tag_keys": []string{"Project", "CostCenter"},
			},
			"https://aws.amazon.com/source_identity": "Admin",
		}
		out := must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(claims)))
		if out.SourceIdentity == nil || *out.SourceIdentity != "Admin" || out.PackedPolicySize == nil {
			t.Errorf("SourceIdentity %v, PackedPolicySize %v", out.SourceIdentity, out.PackedPolicySize)
		}
		read := func(c *stsapi.Credentials) *sts.Session {
			s, err := w.sessions.Read(c.AccessKeyId, c.SessionToken, w.now())
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		one := read(out.Credentials)
		if diff := cmp.Diff(map[string]string{"Project": "Automation", "CostCenter": "987654", "Department": "Engineering"}, one.Principal.Tags); diff != "" {
			t.Errorf("tags (-want +got):\n%s", diff)
		}
		if one.Provider != provider || one.SourceIdentity != "Admin" {
			t.Errorf("provider %s, source identity %s", one.Provider, one.SourceIdentity)
		}
		two := read(must(w, of(out.Credentials), stsapi.AssumeRole, assume(second)).Credentials)
		if diff := cmp.Diff(map[string]string{"Project": "Automation", "CostCenter": "987654"}, two.Principal.Tags); diff != "" {
			t.Errorf("tags of the second session (-want +got):\n%s", diff)
		}
		if two.Provider != "" || two.SourceIdentity != "Admin" {
			t.Errorf("second session: provider %s, source identity %s", two.Provider, two.SourceIdentity)
		}
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"Project": "Other"}}})),
			403, "AccessDenied", "Not authorized to perform sts:AssumeRoleWithWebIdentity")
	})
}

// TestAProviderRotatesItsKeys exchanges the key of the provider while the
// server runs.
func TestAProviderRotatesItsKeys(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		role, _ := w.trusting(home, "web", "")
		old, young := w.token(nil), idptest.Sign(t, jose.RS256, idptest.Other(), "k2", w.IDP.Claims(w.now(), nil))
		must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, old))
		w.IDP.Publish(idptest.Public(idptest.Other().Public(), "k2"))
		w.advance(10 * time.Second)
		must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, young))
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, old), 400, "InvalidIdentityToken", "Couldn't retrieve verification key from your identity provider…")
	})
}

func TestAProviderThatIsDown(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		role, _ := w.trusting(home, "web", "")
		w.IDP.Break(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(nil)), 400, "IDPCommunicationError", "The identity provider could not be reached…")
		w.IDP.Break(nil)
		w.advance(10 * time.Second)
		must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(nil)))
		w.IDP.Close()
		w.advance(30 * time.Minute)
		must(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(nil))) // by the keys of half an hour ago
		w.advance(time.Hour)
		refused(w, credentials{}, stsapi.AssumeRoleWithWebIdentity, web(role, w.token(nil)), 400, "IDPCommunicationError", "The identity provider could not be reached…")
	})
}
