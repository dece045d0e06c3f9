package sts_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/stsapi"
)

const (
	ana     = "arn:aws:iam::" + home + ":user/ana"
	house   = "arn:aws:iam::" + home + ":root"
	anyRole = "arn:aws:iam::" + home + ":role/*"
)

// assume asks for a session of a role.
func assume(roleARN string, change ...func(*stsapi.AssumeRoleRequest)) stsapi.AssumeRoleRequest {
	in := stsapi.AssumeRoleRequest{RoleArn: roleARN, RoleSessionName: "test"}
	for _, c := range change {
		c(&in)
	}
	return in
}

// session assumes a role and gives its credentials.
func (w *world) session(as credentials, in stsapi.AssumeRoleRequest) credentials {
	w.t.Helper()
	return of(must(w, as, stsapi.AssumeRole, in).Credentials)
}

func of(c *stsapi.Credentials) credentials {
	return credentials{id: c.AccessKeyId, secret: c.SecretAccessKey.Reveal(), token: c.SessionToken}
}

func notAllowed(arn, action, on string) string {
	return fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", arn, action, on)
}

func TestAssumeRole(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana")
		must(w, root(home), iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "Reader", Path: new("/teams/"), AssumeRolePolicyDocument: document(trust(ana, "", "sts:AssumeRole"))})
		w.may(home, "Reader", allow("*", "iam:GetRole"))
		const reader = "arn:aws:iam::" + home + ":role/teams/Reader"
		before := w.now().Truncate(time.Second)
		out := must(w, key, stsapi.AssumeRole, assume(reader))
		id := *must(w, root(home), iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "Reader"}).Role
		want := &stsapi.AssumedRoleUser{Arn: "arn:aws:sts::" + home + ":assumed-role/Reader/test", AssumedRoleId: id.RoleId + ":test"}
		if diff := cmp.Diff(want, out.AssumedRoleUser); diff != "" {
			t.Errorf("AssumedRoleUser (-want +got):\n%s", diff)
		}
		if out.PackedPolicySize != nil || out.SourceIdentity != nil {
			t.Errorf("PackedPolicySize %v, SourceIdentity %v; want none", out.PackedPolicySize, out.SourceIdentity)
		}
		c := out.Credentials
		if lasts := c.Expiration.Sub(before); lasts < time.Hour || lasts > time.Hour+10*time.Second {
			t.Errorf("the session lasts %s, want an hour", lasts)
		}
		if !regexp.MustCompile(`^ASIA[A-Z2-7]{16}$`).MatchString(c.AccessKeyId) || len(c.SecretAccessKey.Reveal()) != 40 || !regexp.MustCompile(`^[A-Za-z0-9_-]{200,500}$`).MatchString(c.SessionToken) {
			t.Errorf("credentials are not of the usual form: %s, %d, %s", c.AccessKeyId, len(c.SecretAccessKey), c.SessionToken)
		}
		if *out.SessionTokenSize != int32(len(c.SessionToken)) || *out.SessionTokenUtilization < 1 {
			t.Errorf("SessionTokenSize %d, SessionTokenUtilization %d; the token has %d characters", *out.SessionTokenSize, *out.SessionTokenUtilization, len(c.SessionToken))
		}
		who := must(w, of(c), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		if *who.Arn != want.Arn || *who.UserId != want.AssumedRoleId || *who.Account != home {
			t.Errorf("caller %s, %s, %s", *who.Arn, *who.UserId, *who.Account)
		}
		must(w, of(c), iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "Reader"})
		refused(w, of(c), iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "Reader"}, 403, "AccessDenied",
			notAllowed(want.Arn, "iam:DeleteRole", reader)+" because no identity-based policy allows the iam:DeleteRole action")
	})
}

// TestWhoMayAssume goes through what the trust policy and the policies of the
// caller come to together.
func TestWhoMayAssume(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		plain, able := w.user(home, "ana"), w.user(home, "bob", allow(anyRole, "sts:AssumeRole"))
		denied := w.user(home, "dan", `{"Effect":"Deny","Action":"sts:AssumeRole","Resource":"*"}`)
		guest := w.user(away, "gus", allow("*", "sts:AssumeRole"))
		stranger := w.user(away, "sam")
		byName := w.role(home, "byName", trust(ana, "", "sts:AssumeRole"))
		byAccount := w.role(home, "byAccount", trust(house, "", "sts:AssumeRole"))
		w.role(home, "denies", trust(house, "", "sts:AssumeRole"), strings.Replace(trust("arn:aws:iam::"+home+":user/bob", "", "sts:AssumeRole"), "Allow", "Deny", 1))
		toDan := w.role(home, "toDan", trust("arn:aws:iam::"+home+":user/dan", "", "sts:AssumeRole"))
		guests := w.role(home, "guests", trust("arn:aws:iam::"+away+":root", "", "sts:AssumeRole"))

		for name, x := range map[string]struct {
			as   credentials
			arn  string
			role string
			ok   bool
		}{
			"named by the role":                        {plain, ana, byName, true},
			"the account is named, no policy":          {plain, ana, byAccount, false},
			"the account is named, and a policy":       {able, "arn:aws:iam::" + home + ":user/bob", byAccount, true},
			"a policy, and not trusted":                {able, "arn:aws:iam::" + home + ":user/bob", byName, false},
			"a policy, and the role denies":            {able, "arn:aws:iam::" + home + ":user/bob", "arn:aws:iam::" + home + ":role/denies", false},
			"named by the role, and a policy denies":   {denied, "arn:aws:iam::" + home + ":user/dan", toDan, false},
			"another account, trusted and a policy":    {guest, "arn:aws:iam::" + away + ":user/gus", guests, true},
			"another account, trusted without policy":  {stranger, "arn:aws:iam::" + away + ":user/sam", guests, false},
			"another account, a policy and no trust":   {guest, "arn:aws:iam::" + away + ":user/gus", byAccount, false},
			"a role that is not there":                 {able, "arn:aws:iam::" + home + ":user/bob", "arn:aws:iam::" + home + ":role/nobody", false},
			"a role under another path":                {plain, ana, "arn:aws:iam::" + home + ":role/else/byName", false},
			"a role in an account that is not there":   {able, "arn:aws:iam::" + home + ":user/bob", "arn:aws:iam::999999999999:role/x", false},
			"a role with the name in lower-case":       {plain, ana, "arn:aws:iam::" + home + ":role/byname", false},
			"a role of another partition":              {plain, ana, "arn:aws-cn:iam::" + home + ":role/byName", false},
			"a policy, another's role that trusts all": {able, "arn:aws:iam::" + home + ":user/bob", w.role(away, "open", trust("*", "", "sts:AssumeRole")), false},
		} {
			if x.ok {
				if _, err := call(w, x.as, stsapi.AssumeRole, assume(x.role)); err != nil {
					t.Errorf("%s: %v", name, err)
				}
				continue
			}
			// The words are the same whatever the reason.
			refused(w, x.as, stsapi.AssumeRole, assume(x.role), 403, "AccessDenied", notAllowed(x.arn, "sts:AssumeRole", x.role))
		}
		refused(w, root(home), stsapi.AssumeRole, assume(byAccount), 403, "AccessDenied", "Roles may not be assumed by root accounts.")
		for _, arn := range []string{"arn:aws:iam::" + home + ":user/ana", "arn:aws:iam::" + home + ":role/", "arn:aws:s3:::role/byNameOfSomething", "byNameOfSomethingElse"} {
			refused(w, plain, stsapi.AssumeRole, assume(arn), 400, "ValidationError", arn+" is invalid")
		}
		refused(w, plain, stsapi.AssumeRole, assume(byName, func(in *stsapi.AssumeRoleRequest) { in.RoleSessionName = "Session1:2" }), 400, "ValidationError",
			`1 validation error detected: Value 'Session1:2' at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]*`)
		refused(w, plain, stsapi.AssumeRole, assume(byName, func(in *stsapi.AssumeRoleRequest) {
			in.SerialNumber, in.TokenCode = new("arn:aws:iam::"+home+":mfa/ana"), new("123456")
		}), 403, "AccessDenied", "MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user…")
		refused(w, plain, stsapi.AssumeRole, assume(byName, func(in *stsapi.AssumeRoleRequest) {
			in.ProvidedContexts = []stsapi.ProvidedContext{{ContextAssertion: new("assertion"), ProviderArn: new("arn:aws:iam::aws:contextProvider/IdentityCenter")}}
		}), 400, "InvalidParameterValue", "ProvidedContexts must hold an assertion of the provider arn:aws:iam::aws:contextProvider/QuickSight…")
	})
}

// TestConfusedDeputy has somebody who serves several customers, of whom one
// tries to have it act in the account of another.
func TestConfusedDeputy(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		deputy := w.user(away, "deputy", allow("*", "sts:AssumeRole"))
		const arn = "arn:aws:iam::" + away + ":user/deputy"
		role := w.role(home, "ForTheDeputy", trust(arn, `"StringEquals":{"sts:ExternalId":"customer-1"}`, "sts:AssumeRole"))
		with := func(id string) stsapi.AssumeRoleRequest {
			return assume(role, func(in *stsapi.AssumeRoleRequest) { in.ExternalId = &id })
		}
		must(w, deputy, stsapi.AssumeRole, with("customer-1"))
		for _, in := range []stsapi.AssumeRoleRequest{with("customer-2"), with("Customer-1"), with("customer-1,customer-2"), with("customer-1@customer-2"), assume(role)} {
			refused(w, deputy, stsapi.AssumeRole, in, 403, "AccessDenied", notAllowed(arn, "sts:AssumeRole", role))
		}
		refused(w, deputy, stsapi.AssumeRole, with("customer 1"), 400, "ValidationError", "1 validation error detected: Value 'customer 1' at 'externalId' failed…")
	})
}

func TestDurations(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana", allow("*", "sts:AssumeRole"))
		must(w, root(home), iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "long", AssumeRolePolicyDocument: document(trust(house, "", "sts:AssumeRole")), MaxSessionDuration: new(int32(7200))})
		w.may(home, "long", allow("*", "sts:AssumeRole"))
		long := "arn:aws:iam::" + home + ":role/long"
		lasting := func(seconds int32) stsapi.AssumeRoleRequest {
			return assume(long, func(in *stsapi.AssumeRoleRequest) { in.DurationSeconds = &seconds })
		}
		for _, seconds := range []int32{900, 7200} {
			out := must(w, key, stsapi.AssumeRole, lasting(seconds))
			if got := time.Until(*out.Credentials.Expiration).Round(10 * time.Second); got != time.Duration(seconds)*time.Second {
				t.Errorf("the session lasts %s, want %d s", got, seconds)
			}
		}
		refused(w, key, stsapi.AssumeRole, lasting(7201), 400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
		refused(w, key, stsapi.AssumeRole, lasting(899), 400, "ValidationError", "1 validation error detected: Value '899' at 'durationSeconds' failed to satisfy constraint: Member must have value greater than or equal to 900")
		refused(w, key, stsapi.AssumeRole, lasting(43201), 400, "ValidationError", "1 validation error detected: Value '43201'…")

		first := w.session(key, lasting(7200))
		must(w, first, stsapi.AssumeRole, lasting(3600))
		must(w, first, stsapi.AssumeRole, assume(long))
		refused(w, first, stsapi.AssumeRole, lasting(3601), 400, "ValidationError", "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")

		w.advance(2*time.Hour - time.Minute)
		must(w, first, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		w.advance(time.Minute)
		refused(w, first, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "ExpiredToken", "The security token included in the request is expired")
	})
}

// TestSessionPolicies limits sessions with policies that come with the request.
func TestSessionPolicies(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana")
		role := w.role(home, "admin", trust(ana, "", "sts:AssumeRole"))
		w.may(home, "admin", allow("*", "iam:*"))
		look := must(w, root(home), iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "look", PolicyDocument: document(allow("*", "iam:List*"))}).Policy.Arn
		foreign := must(w, root(away), iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "look", PolicyDocument: document(allow("*", "iam:List*"))}).Policy.Arn
		limited := func(document string, arns ...string) stsapi.AssumeRoleRequest {
			return assume(role, func(in *stsapi.AssumeRoleRequest) {
				if document != "" {
					in.Policy = &document
				}
				for _, arn := range arns {
					in.PolicyArns = append(in.PolicyArns, stsapi.PolicyDescriptorType{Arn: &arn})
				}
			})
		}
		const me = "arn:aws:sts::" + home + ":assumed-role/admin/test"
		for name, x := range map[string]struct {
			in        stsapi.AssumeRoleRequest
			list, get bool
		}{
			"nothing":            {limited(""), true, true},
			"a document":         {limited(document(allow("*", "iam:GetUser"))), false, true},
			"a managed policy":   {limited("", *look), true, false},
			"one of AWS":         {limited("", "arn:aws:iam::aws:policy/AdministratorAccess"), true, true},
			"both":               {limited(document(allow("*", "iam:GetUser")), *look), true, true},
			"more than the role": {limited(document(allow("*", "*"))), true, true},
			"a document denies":  {limited(document(allow("*", "*"), `{"Effect":"Deny","Action":"iam:List*","Resource":"*"}`)), false, true},
		} {
			out := must(w, key, stsapi.AssumeRole, x.in)
			if (out.PackedPolicySize == nil) != (name == "nothing") || out.PackedPolicySize != nil && (*out.PackedPolicySize < 1 || *out.PackedPolicySize > 20) {
				t.Errorf("%s: PackedPolicySize %v", name, out.PackedPolicySize)
			}
			_, listed := call(w, of(out.Credentials), iamapi.ListUsers, iamapi.ListUsersRequest{})
			_, got := call(w, of(out.Credentials), iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")})
			if (listed == nil) != x.list || (got == nil) != x.get {
				t.Errorf("%s: ListUsers %v, GetUser %v; want allowed: %t, %t", name, listed, got, x.list, x.get)
			}
		}
		refused(w, w.session(key, limited("", *look)), iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}, 403, "AccessDenied",
			notAllowed(me, "iam:GetUser", ana)+" because no session policy allows the iam:GetUser action")

		refused(w, key, stsapi.AssumeRole, limited("{"), 400, "MalformedPolicyDocument", "Syntax errors in policy.…")
		refused(w, key, stsapi.AssumeRole, limited(document(trust(ana, "", "sts:AssumeRole"))), 400, "MalformedPolicyDocument", "Policy document should not specify a principal.…")
		refused(w, key, stsapi.AssumeRole, limited(document(allow("*", "iam:*"))+strings.Repeat(" ", 2048)), 400, "ValidationError",
			"1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to 2048")
		refused(w, key, stsapi.AssumeRole, limited("", strings.Split(strings.Repeat(*look+" ", 11), " ")[:11]...), 400, "ValidationError",
			"1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to 10")
		refused(w, key, stsapi.AssumeRole, limited("", role), 400, "ValidationError", "ARN "+role+" is not valid.")
		refused(w, key, stsapi.AssumeRole, limited("", *foreign), 400, "ValidationError", "The policy "+*foreign+" is not in the account "+home+".")
		absent := "arn:aws:iam::" + home + ":policy/absent"
		refused(w, key, stsapi.AssumeRole, limited("", absent), 400, "ValidationError", "Policy "+absent+" does not exist or is not attachable.")

		// Who may not assume the role learns nothing about its account.
		refused(w, w.user(home, "bob"), stsapi.AssumeRole, limited("{", absent), 403, "AccessDenied", notAllowed("arn:aws:iam::"+home+":user/bob", "sts:AssumeRole", role))
	})
}

// TestTokensAreBounded asks for sessions that hold as much as they can, and
// more.
func TestTokensAreBounded(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana")
		role := w.role(home, "r", trust(ana, "", "sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"))
		asking := func(tags, size int) stsapi.AssumeRoleRequest {
			return assume(role, func(in *stsapi.AssumeRoleRequest) {
				in.RoleSessionName, in.SourceIdentity = noise(64), new(noise(64))
				for range tags {
					in.Tags = append(in.Tags, stsapi.Tag{Key: noise(20), Value: noise(size)})
				}
			})
		}
		out := must(w, key, stsapi.AssumeRole, asking(9, 200))
		if p := *out.PackedPolicySize; p < 60 || p > 100 {
			t.Errorf("PackedPolicySize of nine tags of noise: %d", p)
		}
		if n := len(out.Credentials.SessionToken); n > 4096 {
			t.Errorf("the token has %d characters, want at most 4096", n)
		}
		must(w, of(out.Credentials), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		_, err := call(w, key, stsapi.AssumeRole, asking(50, 256))
		if text := fmt.Sprint(err); !regexp.MustCompile(`^PackedPolicyTooLarge: Packed size of session tags consumes [4-9]\d\d% of allotted space\.$`).MatchString(text) {
			t.Errorf("50 tags of noise: %s", text)
		}
		in := asking(12, 200)
		in.Policy = new(document(allow("*", "iam:*")))
		if _, err := call(w, key, stsapi.AssumeRole, in); !regexp.MustCompile(`^PackedPolicyTooLarge: Packed policy consumes 1\d\d% of allotted space, please use smaller policy\.$`).MatchString(fmt.Sprint(err)) {
			t.Errorf("a policy and 12 tags of noise: %v", err)
		}
		refused(w, key, stsapi.AssumeRole, asking(51, 1), 400, "ValidationError", "1 validation error detected: Value…")

		for _, least := range []int32{0, 700, 701, 702, 703, 4096} {
			out := must(w, key, stsapi.AssumeRole, assume(role, func(in *stsapi.AssumeRoleRequest) { in.MinimumSessionTokenSize = &least }))
			if n := len(out.Credentials.SessionToken); n < int(least) || least >= 700 && n > int(least)+4 {
				t.Errorf("asked for at least %d characters, got %d", least, n)
			}
			must(w, of(out.Credentials), stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{})
		}
	})
}

func TestSessionTags(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana", allow("*", "sts:AssumeRole", "sts:TagSession"))
		role := func(name string, tags ...iamapi.Tag) string {
			arn := must(w, root(home), iamapi.CreateRole, iamapi.CreateRoleRequest{
				RoleName: name, AssumeRolePolicyDocument: document(trust(house, "", "sts:AssumeRole", "sts:TagSession")), Tags: tags,
			}).Role.Arn
			w.may(home, name, allow("*", "sts:AssumeRole", "sts:TagSession"), `{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::`+home+`:user/${aws:PrincipalTag/star, 'none'}-${aws:PrincipalTag/heart, 'none'}-${aws:PrincipalTag/sun, 'none'}"}`)
			return arn
		}
		first := role("Role1", iamapi.Tag{Key: "Heart", Value: "1"})
		second := role("Role2", iamapi.Tag{Key: "Sun", Value: "2"})
		third := role("Role3", iamapi.Tag{Key: "STAR", Value: "3"}, iamapi.Tag{Key: "sun", Value: "3"})
		tagged := func(arn string, transitive []string, tags ...string) stsapi.AssumeRoleRequest {
			return assume(arn, func(in *stsapi.AssumeRoleRequest) {
				in.TransitiveTagKeys = transitive
				for i := 0; i < len(tags); i += 2 {
					in.Tags = append(in.Tags, stsapi.Tag{Key: tags[i], Value: tags[i+1]})
				}
			})
		}
		// has says which tags a session has: it may get a user that is named for them.
		has := func(who credentials, star, heart, sun string) {
			t.Helper()
			name := star + "-" + heart + "-" + sun
			if _, err := call(w, who, iamapi.GetUser, iamapi.GetUserRequest{UserName: &name}); !strings.HasPrefix(fmt.Sprint(err), "NoSuchEntity") {
				t.Errorf("tags are not star %s, heart %s, sun %s: %v", star, heart, sun, err)
			}
		}
		// The example of the IAM User Guide, "Chaining roles with session tags".
		one := w.session(key, tagged(first, []string{"star", "Heart"}, "Star", "1", "Heart", "1"))
		has(one, "1", "1", "none")
		two := w.session(one, assume(second))
		has(two, "1", "1", "2")
		three := w.session(two, assume(third))
		has(three, "1", "1", "3")
		refused(w, two, stsapi.AssumeRole, tagged(third, nil, "heart", "3"), 400, "InvalidParameterValue",
			"One of the specified transitive tag keys can't be set because it conflicts with a transitive tag key from the calling session.")
		// Tags that are not transitive end with their session, and those of a
		// role are none of its session's.
		plain := w.session(key, tagged(first, nil, "Star", "9"))
		has(plain, "9", "1", "none")
		has(w.session(plain, assume(second)), "none", "none", "2")
		has(w.session(key, tagged(third, nil, "star", "4", "Sun", "5")), "4", "none", "5")

		refused(w, key, stsapi.AssumeRole, tagged(first, nil, "Team", "a", "team", "b"), 400, "InvalidParameterValue", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		refused(w, key, stsapi.AssumeRole, tagged(first, []string{"Team"}, "Star", "1"), 400, "InvalidParameterValue", "The specified transitive tag key must be included in the requested tags.")
		refused(w, key, stsapi.AssumeRole, tagged(first, nil, "aws:x", "1"), 400, "InvalidParameterValue", "The tag key aws:x is reserved…")

		// To pass tags, or to have them passed on, is a permission of its own: of
		// the caller, and of the role.
		w.may(home, "Role1", allow("*", "sts:AssumeRole"))
		refused(w, one, stsapi.AssumeRole, assume(second), 403, "AccessDenied", notAllowed("arn:aws:sts::"+home+":assumed-role/Role1/test", "sts:TagSession", second))
		w.may(home, "Role1", allow("*", "sts:*"))
		must(w, root(home), iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "Role2", PolicyDocument: document(trust(house, "", "sts:AssumeRole"))})
		refused(w, one, stsapi.AssumeRole, assume(second), 403, "AccessDenied", notAllowed("arn:aws:sts::"+home+":assumed-role/Role1/test", "sts:TagSession", second))
		must(w, plain, stsapi.AssumeRole, assume(second))
		refused(w, key, stsapi.AssumeRole, tagged(second, nil, "Star", "1"), 403, "AccessDenied", notAllowed(ana, "sts:TagSession", second))

		// The conditions on tags of the example in "Permissions required to add session tags".
		guarded := must(w, root(home), iamapi.CreateRole, iamapi.CreateRoleRequest{
			RoleName: "guarded", Tags: []iamapi.Tag{{Key: "Level", Value: "low"}}, AssumeRolePolicyDocument: document(
				trust(ana, `"StringLike":{"aws:RequestTag/Project":"*"},"StringEquals":{"aws:ResourceTag/level":"low"}`, "sts:AssumeRole"),
				trust(ana, `"StringEquals":{"aws:RequestTag/Department":["Engineering","Marketing"]},"ForAllValues:StringEquals":{"sts:TransitiveTagKeys":["Project"],"aws:TagKeys":["Project","Department"]}`, "sts:TagSession"),
			),
		}).Role.Arn
		must(w, key, stsapi.AssumeRole, tagged(guarded, []string{"Project"}, "Project", "x", "Department", "Marketing"))
		for action, in := range map[string]stsapi.AssumeRoleRequest{
			"sts:AssumeRole": tagged(guarded, nil, "Department", "Marketing"),
			"sts:TagSession": tagged(guarded, []string{"Department"}, "Project", "x", "Department", "Marketing"),
		} {
			refused(w, key, stsapi.AssumeRole, in, 403, "AccessDenied", notAllowed(ana, action, guarded))
		}
		refused(w, key, stsapi.AssumeRole, tagged(guarded, nil, "Project", "x", "Department", "Sales"), 403, "AccessDenied", notAllowed(ana, "sts:TagSession", guarded))
		refused(w, key, stsapi.AssumeRole, tagged(guarded, nil, "Project", "x", "Department", "Marketing", "More", "y"), 403, "AccessDenied", notAllowed(ana, "sts:TagSession", guarded))
	})
}

func TestSourceIdentity(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		t := w.t
		key := w.user(home, "ana", allow("*", "sts:AssumeRole", "sts:SetSourceIdentity"))
		first := w.role(home, "one", trust(house, `"StringLike":{"sts:SourceIdentity":"ana*"}`, "sts:SetSourceIdentity"), trust(house, "", "sts:AssumeRole"))
		second := w.role(home, "two", trust(house, "", "sts:AssumeRole", "sts:SetSourceIdentity"))
		closed := w.role(home, "three", trust(house, "", "sts:AssumeRole"))
		w.may(home, "one", allow("*", "sts:*"), `{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"ana.b"}}}`)
		w.may(home, "two", `{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:SourceIdentity":"ana.b"}}}`)
		as := func(arn, identity string) stsapi.AssumeRoleRequest {
			return assume(arn, func(in *stsapi.AssumeRoleRequest) { in.SourceIdentity = &identity })
		}
		out := must(w, key, stsapi.AssumeRole, as(first, "ana.b"))
		if out.SourceIdentity == nil || *out.SourceIdentity != "ana.b" {
			t.Errorf("SourceIdentity = %v, want ana.b", out.SourceIdentity)
		}
		one := of(out.Credentials)
		must(w, one, iamapi.ListUsers, iamapi.ListUsersRequest{})
		refused(w, key, stsapi.AssumeRole, as(first, "bob"), 403, "AccessDenied", notAllowed(ana, "sts:SetSourceIdentity", first))
		refused(w, key, stsapi.AssumeRole, as(closed, "ana.b"), 403, "AccessDenied", notAllowed(ana, "sts:SetSourceIdentity", closed))

		// It goes with the chain, and stays what it is.
		const me = "arn:aws:sts::" + home + ":assumed-role/one/test"
		out = must(w, one, stsapi.AssumeRole, assume(second))
		if out.SourceIdentity == nil || *out.SourceIdentity != "ana.b" {
			t.Errorf("SourceIdentity of the second session = %v, want ana.b", out.SourceIdentity)
		}
		must(w, of(out.Credentials), iamapi.ListUsers, iamapi.ListUsersRequest{})
		must(w, one, stsapi.AssumeRole, as(second, "ana.b"))
		refused(w, one, stsapi.AssumeRole, as(second, "ana.c"), 403, "AccessDenied", notAllowed(me, "sts:SetSourceIdentity", second))
		refused(w, one, stsapi.AssumeRole, assume(closed), 403, "AccessDenied", notAllowed(me, "sts:SetSourceIdentity", closed))
		refused(w, key, stsapi.AssumeRole, as(first, "aws:x"), 400, "ValidationError", "1 validation error detected: Value 'aws:x' at 'sourceIdentity'…")
	})
}

// TestSessionsEnd revokes the sessions of a role in the ways that there are.
func TestSessionsEnd(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		key := w.user(home, "ana")
		trusted := document(trust(ana, "", "sts:AssumeRole"))
		role := w.role(home, "r", trust(ana, "", "sts:AssumeRole"))
		w.may(home, "r", allow("*", "iam:ListUsers"))
		old := w.session(key, assume(role))
		must(w, old, iamapi.ListUsers, iamapi.ListUsersRequest{})

		// What the console of IAM does to revoke: AWSRevokeOlderSessions.
		w.advance(time.Minute)
		must(w, root(home), iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "AWSRevokeOlderSessions", PolicyDocument: document(
			fmt.Sprintf(`{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateLessThan":{"aws:TokenIssueTime":%q}}}`, w.now().UTC().Format(time.RFC3339)),
		)})
		refused(w, old, iamapi.ListUsers, iamapi.ListUsersRequest{}, 403, "AccessDenied",
			notAllowed("arn:aws:sts::"+home+":assumed-role/r/test", "iam:ListUsers", "arn:aws:iam::"+home+":user/")+" with an explicit deny in an identity-based policy")
		w.advance(2 * time.Second)
		young := w.session(key, assume(role))
		must(w, young, iamapi.ListUsers, iamapi.ListUsersRequest{})

		// A role that is gone takes its sessions with it, and one that is made
		// anew does not bring them back.
		for _, name := range []string{"test", "AWSRevokeOlderSessions"} {
			must(w, root(home), iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: "r", PolicyName: name})
		}
		must(w, root(home), iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "r"})
		const invalid = "The security token included in the request is invalid."
		refused(w, young, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalid)
		must(w, root(home), iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trusted})
		refused(w, young, stsapi.GetCallerIdentity, stsapi.GetCallerIdentityRequest{}, 403, "InvalidClientTokenId", invalid)
	})
}
