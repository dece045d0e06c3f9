package policy_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/policy"
)

// The callers of the tables.
var (
	ana = policy.Principal{
		Type: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/staff/ana",
		UserID: "AIDAANAANAANAANAANA22", UserName: "ana",
	}
	reader = policy.Principal{
		Type: policy.RoleSession, Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/reader/ana",
		Issuer: "arn:aws:iam::111122223333:role/team/reader", UserID: "AROAREADERREADERREADE:ana",
	}
	guest = policy.Principal{
		Type: policy.FederatedUser, Account: "111122223333", ARN: "arn:aws:sts::111122223333:federated-user/guest",
		Issuer: ana.ARN, UserID: "111122223333:guest",
	}
	root   = policy.Principal{Type: policy.Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", UserID: "111122223333"}
	nobody = policy.Principal{}
	token  = policy.Principal{Type: policy.Federated, Provider: "arn:aws:iam::111122223333:oidc-provider/id.example.org"}
	mail   = policy.Principal{Type: policy.Service, Provider: "mail.amazonaws.com"}
)

const (
	describe   = "quicksight:DescribeUser"
	user       = "arn:aws:quicksight:us-east-1:111122223333:user/default/bo"
	foreign    = "arn:aws:quicksight:us-east-1:444455556666:user/default/bo"
	trustOwner = "arn:aws:iam::111122223333:role/writer"
)

// levels are the documents of a request, by level; "" has none, and "none" is
// a level without policies.
type levels struct {
	identity, boundary, session, control, resource, trust string
}

// set makes the set of a level of one document, or of several that a line
// with --- parts.
func set(tb testing.TB, kind policy.Kind, documents string) *policy.Set {
	tb.Helper()
	switch documents {
	case "":
		return nil
	case "none":
		return policy.NewSet(kind)
	}
	var attached []policy.Attached
	for i, text := range strings.Split(documents, "\n---\n") {
		attached = append(attached, policy.Attached{
			ID: string(rune('a'+i)) + " " + kind.String(), Type: "user-managed", Policy: parse(tb, kind, document(text)),
		})
	}
	return policy.NewSet(kind, attached...)
}

func (l levels) subject(tb testing.TB, who policy.Principal) (policy.Subject, *policy.Set) {
	tb.Helper()
	s := policy.Subject{
		Principal: who,
		Identity:  set(tb, policy.Identity, l.identity),
		Boundary:  set(tb, policy.Boundary, l.boundary),
		Session:   set(tb, policy.Session, l.session),
	}
	if control := set(tb, policy.ServiceControl, l.control); control != nil {
		s.Control = []*policy.Set{control}
	}
	if l.trust != "" {
		return s, set(tb, policy.Trust, l.trust)
	}
	return s, set(tb, policy.ResourceBased, l.resource)
}

const (
	allowAll      = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allowDescribe = `{"Sid":"Look","Effect":"Allow","Action":"quicksight:Describe*","Resource":"*"}`
	denyDescribe  = `{"Sid":"No","Effect":"Deny","Action":"quicksight:DescribeUser","Resource":"*"}`
	allowOther    = `{"Effect":"Allow","Action":"quicksight:ListUsers","Resource":"*"}`
)

// grant is a statement of a resource's policy.
func grant(effect, principal string) string {
	return `{"Effect":"` + effect + `","Principal":` + principal + `,"Action":"quicksight:*","Resource":"*"}`
}

// trusts is a statement of a role's trust policy.
func trusts(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":["sts:AssumeRole","sts:AssumeRoleWithWebIdentity"]}`
}

// TestDecide follows the rules of IAM's guide on how policies are evaluated,
// one case for each.
func TestDecide(t *testing.T) {
	t.Parallel()
	aws := func(name string) string { return `{"AWS":"` + name + `"}` }
	for name, tt := range map[string]struct {
		levels  levels
		who     policy.Principal
		action  string // describe where empty
		on      string // user where empty
		account string
		want    string
	}{
		// Within an account, by policies of identities.
		"nobody is allowed by default":          {levels{}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"no policy allows":                      {levels{identity: allowOther}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"an Allow allows":                       {levels{identity: allowDescribe}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 Look"},
		"any policy may allow":                  {levels{identity: allowOther + "\n---\n" + allowDescribe}, ana, "", "", "", "allowed by identity-based policy: b identity-based policy, 0 Look"},
		"the first that allows is named":        {levels{identity: "[" + allowOther + "," + allowDescribe + "," + allowAll + "]"}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 1 Look"},
		"a Deny outweighs every Allow":          {levels{identity: allowAll + "\n---\n[" + allowAll + "," + denyDescribe + "]"}, ana, "", "", "", "explicitDeny by identity-based policy: b identity-based policy, 1 No"},
		"a Deny alone is explicit":              {levels{identity: denyDescribe}, ana, "", "", "", "explicitDeny by identity-based policy: a identity-based policy, 0 No"},
		"a Deny of something else":              {levels{identity: `[` + denyDescribe + `,` + allowAll + `]`}, ana, "quicksight:ListUsers", "", "", "allowed by identity-based policy: a identity-based policy, 1 "},
		"actions have no case":                  {levels{identity: `{"Effect":"Allow","Action":"QUICKSIGHT:describeUSER","Resource":"*"}`}, ana, "quickSight:DescribeUser", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"resources have case":                   {levels{identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:quicksight:us-east-1:111122223333:user/default/Bo"}`}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"all but some actions":                  {levels{identity: `{"Effect":"Allow","NotAction":["iam:*","quicksight:delete*"],"Resource":"*"}`}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"all but these actions":                 {levels{identity: `{"Effect":"Allow","NotAction":["iam:*","quicksight:describe*"],"Resource":"*"}`}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"a Deny of all but some":                {levels{identity: `[` + allowAll + `,{"Effect":"Deny","NotAction":"quicksight:List*","Resource":"*"}]`}, ana, "", "", "", "explicitDeny by identity-based policy: a identity-based policy, 1 "},
		"all but some resources":                {levels{identity: `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:quicksight:*:*:group/*"}`}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"all but these resources":               {levels{identity: `{"Effect":"Allow","Action":"*","NotResource":"arn:aws:quicksight:*:*:user/*"}`}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"no resource needs *":                   {levels{identity: `{"Effect":"Allow","Action":"*","Resource":["arn:aws:quicksight:*:*:*","arn:aws:quicksight"]}`}, ana, "quicksight:Subscribe", "*", "", "implicitDeny by identity-based policy"},
		"no resource and *":                     {levels{identity: allowAll}, ana, "quicksight:Subscribe", "*", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"a list asks for a wildcard":            {levels{identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:quicksight:*:*:user/default/bo"}`}, ana, "quicksight:ListUsers", "arn:aws:quicksight:us-east-1:111122223333:user/default/*", "", "implicitDeny by identity-based policy"},
		"a wildcard crosses slashes and colons": {levels{identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:quicksight:us-east-1:111122223333:user/*/x"}`}, ana, "", "arn:aws:quicksight:us-east-1:111122223333:user/default/role:a/b/x", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"a wildcard stays in its field":         {levels{identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:quicksight:u*3:*:user/default/bo"}`}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"another region":                        {levels{identity: `{"Effect":"Allow","Action":"*","Resource":"arn:aws:quicksight:eu-west-1:111122223333:user/*"}`}, ana, "", "", "", "implicitDeny by identity-based policy"},

		// Boundaries and sessions bound; they never grant.
		"a boundary allows too":                 {levels{identity: allowAll, boundary: allowDescribe}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"a boundary does not allow":             {levels{identity: allowAll, boundary: allowOther}, ana, "", "", "", "implicitDeny by permissions boundary"},
		"a boundary grants nothing":             {levels{boundary: allowAll}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"an empty boundary":                     {levels{identity: allowAll, boundary: "none"}, ana, "", "", "", "implicitDeny by permissions boundary"},
		"a boundary denies":                     {levels{identity: allowAll, boundary: "[" + allowAll + "," + denyDescribe + "]"}, ana, "", "", "", "explicitDeny by permissions boundary: a permissions boundary, 1 No"},
		"a session does not allow":              {levels{identity: allowAll, session: allowOther}, reader, "", "", "", "implicitDeny by session policy"},
		"one of a session's policies does":      {levels{identity: allowAll, session: allowOther + "\n---\n" + allowDescribe}, reader, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"a session grants nothing":              {levels{session: allowAll, identity: allowOther}, reader, "", "", "", "implicitDeny by identity-based policy"},
		"a session denies":                      {levels{identity: allowAll, session: denyDescribe}, reader, "", "", "", "explicitDeny by session policy: a session policy, 0 No"},
		"a federated user without policies":     {levels{identity: allowAll, session: "none"}, guest, "", "", "", "implicitDeny by session policy"},
		"the boundary comes before the session": {levels{identity: allowAll, boundary: allowOther, session: allowOther}, reader, "", "", "", "implicitDeny by permissions boundary"},
		"identity comes before the boundary":    {levels{identity: allowOther, boundary: allowOther}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"a Deny comes before a missing Allow":   {levels{identity: allowOther, boundary: denyDescribe}, ana, "", "", "", "explicitDeny by permissions boundary: a permissions boundary, 0 No"},

		// Service control policies bound accounts.
		"control does not allow":  {levels{identity: allowAll, control: allowOther}, ana, "", "", "", "implicitDeny by service control policy"},
		"control allows":          {levels{identity: allowAll, control: allowDescribe}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"control denies":          {levels{identity: allowAll, control: "[" + allowAll + "," + denyDescribe + "]"}, ana, "", "", "", "explicitDeny by service control policy: a service control policy, 1 No"},
		"control denies root too": {levels{control: denyDescribe}, root, "", "", "", "explicitDeny by service control policy: a service control policy, 0 No"},
		"control grants nothing":  {levels{control: allowAll}, ana, "", "", "", "implicitDeny by identity-based policy"},

		// The account's root.
		"root may do everything":         {levels{}, root, "", "", "", "allowed by policy"},
		"root has no policies":           {levels{identity: denyDescribe, boundary: allowOther}, root, "", "", "", "allowed by policy"},
		"a resource may deny root":       {levels{resource: grant("Deny", `"*"`)}, root, "", "", "", "explicitDeny by resource-based policy: a resource-based policy, 0 "},
		"root of another account":        {levels{}, root, "", foreign, "444455556666", "implicitDeny by resource-based policy"},
		"root that another account lets": {levels{resource: grant("Allow", aws("111122223333"))}, root, "", foreign, "444455556666", "allowed by policy"},

		// Policies of resources, within the account.
		"a resource names the user":                       {levels{resource: grant("Allow", aws(ana.ARN))}, ana, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"then no boundary counts":                         {levels{boundary: allowOther, resource: grant("Allow", aws(ana.ARN))}, ana, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"a resource names the session":                    {levels{boundary: allowOther, session: allowOther, resource: grant("Allow", aws(reader.ARN))}, reader, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"a resource names the role":                       {levels{resource: grant("Allow", aws(reader.Issuer))}, reader, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"then the boundary counts":                        {levels{boundary: allowOther, resource: grant("Allow", aws(reader.Issuer))}, reader, "", "", "", "implicitDeny by permissions boundary"},
		"and the session":                                 {levels{session: allowOther, resource: grant("Allow", aws(reader.Issuer))}, reader, "", "", "", "implicitDeny by session policy"},
		"a resource names the user of a federated user":   {levels{session: "none", resource: grant("Allow", aws(ana.ARN))}, guest, "", "", "", "implicitDeny by session policy"},
		"a resource names the federated user":             {levels{session: "none", resource: grant("Allow", aws(guest.ARN))}, guest, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"a resource names the account":                    {levels{resource: grant("Allow", aws("111122223333"))}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"a resource names everyone":                       {levels{resource: grant("Allow", `"*"`)}, ana, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"everyone, and a boundary":                        {levels{boundary: allowOther, resource: grant("Allow", `"*"`)}, ana, "", "", "", "implicitDeny by permissions boundary"},
		"a resource names somebody else":                  {levels{identity: allowOther, resource: grant("Allow", aws("arn:aws:iam::111122223333:user/bo"))}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"a resource's policy is not needed":               {levels{identity: allowDescribe, resource: grant("Allow", aws("arn:aws:iam::111122223333:user/bo"))}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 Look"},
		"a resource denies":                               {levels{identity: allowAll, resource: grant("Deny", aws(ana.ARN))}, ana, "", "", "", "explicitDeny by resource-based policy: a resource-based policy, 0 "},
		"an identity denies what a resource allows":       {levels{identity: denyDescribe, resource: grant("Allow", aws(ana.ARN))}, ana, "", "", "", "explicitDeny by identity-based policy: a identity-based policy, 0 No"},
		"a boundary denies what a resource allows":        {levels{boundary: denyDescribe, resource: grant("Allow", aws(ana.ARN))}, ana, "", "", "", "explicitDeny by permissions boundary: a permissions boundary, 0 No"},
		"a resource names the user by its id":             {levels{resource: grant("Allow", aws(ana.UserID))}, ana, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"a resource names a user that is gone":            {levels{resource: grant("Allow", aws("AIDABOBOBOBOBOBOBOB22"))}, ana, "", "", "", "implicitDeny by identity-based policy"},
		"nobody known":                                    {levels{resource: grant("Allow", aws(ana.ARN))}, nobody, "", "", "", "implicitDeny by resource-based policy"},
		"nobody known, and everyone":                      {levels{resource: grant("Allow", `"*"`)}, nobody, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"a service":                                       {levels{resource: grant("Allow", `{"Service":["x.amazonaws.com","mail.amazonaws.com"]}`)}, mail, "", "", "", "allowed by resource-based policy: a resource-based policy, 0 "},
		"another service":                                 {levels{resource: grant("Allow", `{"Service":"x.amazonaws.com"}`)}, mail, "", "", "", "implicitDeny by resource-based policy"},
		"a Deny that spares the user and its account":     {levels{identity: allowAll, resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["` + ana.ARN + `","111122223333"]},"Action":"*","Resource":"*"}`}, ana, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"a Deny that spares the user alone":               {levels{identity: allowAll, resource: `{"Effect":"Deny","NotPrincipal":{"AWS":"` + ana.ARN + `"},"Action":"*","Resource":"*"}`}, ana, "", "", "", "explicitDeny by resource-based policy: a resource-based policy, 0 "},
		"a Deny that spares the role and not the session": {levels{identity: allowAll, resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["` + reader.Issuer + `","111122223333"]},"Action":"*","Resource":"*"}`}, reader, "", "", "", "explicitDeny by resource-based policy: a resource-based policy, 0 "},
		"a Deny that spares the session":                  {levels{identity: allowAll, resource: `{"Effect":"Deny","NotPrincipal":{"AWS":["` + reader.ARN + `","` + reader.Issuer + `","111122223333"]},"Action":"*","Resource":"*"}`}, reader, "", "", "", "allowed by identity-based policy: a identity-based policy, 0 "},

		// Across accounts both sides must allow.
		"neither side allows":               {levels{}, ana, "", foreign, "444455556666", "implicitDeny by identity-based policy"},
		"only the identity's side allows":   {levels{identity: allowAll}, ana, "", foreign, "444455556666", "implicitDeny by resource-based policy"},
		"only the resource's side allows":   {levels{resource: grant("Allow", aws(ana.ARN))}, ana, "", foreign, "444455556666", "implicitDeny by identity-based policy"},
		"both sides allow":                  {levels{identity: allowAll, resource: grant("Allow", aws("111122223333"))}, ana, "", foreign, "444455556666", "allowed by identity-based policy: a identity-based policy, 0 "},
		"both sides allow, by name":         {levels{identity: allowAll, resource: grant("Allow", aws(ana.ARN))}, ana, "", foreign, "444455556666", "allowed by identity-based policy: a identity-based policy, 0 "},
		"the boundary counts across":        {levels{identity: allowAll, boundary: allowOther, resource: grant("Allow", aws(ana.ARN))}, ana, "", foreign, "444455556666", "implicitDeny by permissions boundary"},
		"the session counts across":         {levels{identity: allowAll, session: allowOther, resource: grant("Allow", aws(reader.ARN))}, reader, "", foreign, "444455556666", "implicitDeny by session policy"},
		"the other account denies":          {levels{identity: allowAll, resource: "[" + grant("Allow", `"*"`) + "," + grant("Deny", aws("111122223333")) + "]"}, ana, "", foreign, "444455556666", "explicitDeny by resource-based policy: a resource-based policy, 1 "},
		"the other account trusts a third":  {levels{identity: allowAll, resource: grant("Allow", aws("777788889999"))}, ana, "", foreign, "444455556666", "implicitDeny by resource-based policy"},
		"the account is that of the ARN":    {levels{identity: allowAll}, ana, "", foreign, "", "implicitDeny by resource-based policy"},
		"an ARN without account":            {levels{identity: allowAll}, ana, "", "arn:aws:s3:::bucket", "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"the account named is the caller's": {levels{identity: allowAll}, ana, "", user, "111122223333", "allowed by identity-based policy: a identity-based policy, 0 "},

		// A role's trust policy must allow whatever else does.
		"a trust without anyone":                   {levels{identity: allowAll, trust: "none"}, ana, "sts:AssumeRole", trustOwner, "", "implicitDeny by role trust policy"},
		"neither trust nor identity":               {levels{trust: trusts(aws("111122223333"))}, ana, "sts:AssumeRole", trustOwner, "", "implicitDeny by identity-based policy"},
		"trust in the user is enough":              {levels{trust: trusts(aws(ana.ARN))}, ana, "sts:AssumeRole", trustOwner, "", "allowed by role trust policy: a role trust policy, 0 "},
		"trust in the account and identity":        {levels{identity: allowAll, trust: trusts(aws("arn:aws:iam::111122223333:root"))}, ana, "sts:AssumeRole", trustOwner, "", "allowed by identity-based policy: a identity-based policy, 0 "},
		"trust in somebody else":                   {levels{identity: allowAll, trust: trusts(aws("arn:aws:iam::111122223333:user/bo"))}, ana, "sts:AssumeRole", trustOwner, "", "implicitDeny by role trust policy"},
		"trust in the role is bounded":             {levels{session: allowOther, trust: trusts(aws(reader.Issuer))}, reader, "sts:AssumeRole", trustOwner, "", "implicitDeny by session policy"},
		"trust in the role by its id":              {levels{trust: trusts(aws("AROAREADERREADERREADE"))}, reader, "sts:AssumeRole", trustOwner, "", "allowed by role trust policy: a role trust policy, 0 "},
		"trust in a role that was made anew":       {levels{trust: trusts(aws("AROAFORMERREADERREADE"))}, reader, "sts:AssumeRole", trustOwner, "", "implicitDeny by identity-based policy"},
		"trust across accounts needs identity":     {levels{trust: trusts(aws(ana.ARN))}, ana, "sts:AssumeRole", "arn:aws:iam::444455556666:role/writer", "444455556666", "implicitDeny by identity-based policy"},
		"trust across accounts":                    {levels{identity: allowAll, trust: trusts(aws("111122223333"))}, ana, "sts:AssumeRole", "arn:aws:iam::444455556666:role/writer", "444455556666", "allowed by identity-based policy: a identity-based policy, 0 "},
		"trust denies":                             {levels{identity: allowAll, trust: `{"Effect":"Deny","Principal":"*","Action":"sts:*"}`}, ana, "sts:AssumeRole", trustOwner, "", "explicitDeny by role trust policy: a role trust policy, 0 "},
		"trust in a provider":                      {levels{trust: trusts(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/id.example.org"}`)}, token, "sts:AssumeRoleWithWebIdentity", trustOwner, "", "allowed by role trust policy: a role trust policy, 0 "},
		"trust in another provider":                {levels{trust: trusts(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/evil.example.org"}`)}, token, "sts:AssumeRoleWithWebIdentity", trustOwner, "", "implicitDeny by role trust policy"},
		"trust in everyone is none in a token":     {levels{trust: trusts(`"*"`)}, token, "sts:AssumeRoleWithWebIdentity", trustOwner, "", "implicitDeny by role trust policy"},
		"trust in a provider is none in a session": {levels{identity: allowAll, trust: trusts(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/id.example.org"}`)}, ana, "sts:AssumeRole", trustOwner, "", "implicitDeny by role trust policy"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, resource := tt.levels.subject(t, tt.who)
			r := policy.Request{Action: policy.NewAction(describe), Resource: user, Account: tt.account, Policy: resource}
			if tt.action != "" {
				r.Action = policy.NewAction(tt.action)
			}
			if tt.on != "" {
				r.Resource = tt.on
			}
			d := s.Decide(&r)
			got := d.Outcome.String() + " by " + d.Kind.String()
			if d.Statement >= 0 {
				got += ": " + d.Policy + ", " + string(rune('0'+d.Statement)) + " " + d.Sid
				if d.Type != "user-managed" {
					t.Errorf("type %q of the policy is not what was given", d.Type)
				}
			}
			if got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
			if d.Allowed() != strings.HasPrefix(tt.want, "allowed") {
				t.Errorf("Allowed() = %t", d.Allowed())
			}
		})
	}
}

// TestDecideKnowsGroups lets a resource name what a user of the service
// belongs to.
func TestDecideKnowsGroups(t *testing.T) {
	t.Parallel()
	const group = "arn:aws:quicksight:us-east-1:111122223333:group/default/all"
	s := policy.Subject{Principal: policy.Principal{ARN: "arn:aws:quicksight:us-east-1:111122223333:user/default/bo", Also: []string{group}}}
	r := policy.Request{Action: policy.NewAction("quicksight:DescribeDashboard"), Resource: user, Policy: set(t, policy.ResourceBased, grant("Allow", `{"AWS":"`+group+`"}`))}
	if d := s.Decide(&r); !d.Allowed() {
		t.Errorf("a member of the group: %+v", d)
	}
	s.Principal.Also = nil
	if d := s.Decide(&r); d.Allowed() {
		t.Errorf("not a member of the group: %+v", d)
	}
}

func TestZeroValuesDeny(t *testing.T) {
	t.Parallel()
	var d policy.Decision
	if d.Allowed() || d.Outcome != policy.ImplicitDeny {
		t.Errorf("the zero Decision is %s", d.Outcome)
	}
	var s policy.Subject
	if d := s.Decide(&policy.Request{}); d.Allowed() {
		t.Errorf("the zero Subject: %+v", d)
	}
	if set := policy.NewSet(policy.Identity, policy.Attached{ID: "no policy"}); len(set.Policies()) != 0 {
		t.Errorf("a set of no policy has %d", len(set.Policies()))
	}
}

func TestMessage(t *testing.T) {
	t.Parallel()
	const who = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: quicksight:DescribeUser on resource: " + user
	for _, tt := range []struct {
		outcome policy.Outcome
		kind    policy.Kind
		want    string
	}{
		{policy.ImplicitDeny, policy.Identity, who + " because no identity-based policy allows the quicksight:DescribeUser action"},
		{policy.ImplicitDeny, policy.Boundary, who + " because no permissions boundary allows the quicksight:DescribeUser action"},
		{policy.ImplicitDeny, policy.Session, who + " because no session policy allows the quicksight:DescribeUser action"},
		{policy.ImplicitDeny, policy.ResourceBased, who + " because no resource-based policy allows the quicksight:DescribeUser action"},
		{policy.ImplicitDeny, policy.Trust, who + " because no role trust policy allows the quicksight:DescribeUser action"},
		{policy.ImplicitDeny, policy.ServiceControl, who + " with an explicit deny in a service control policy"},
		{policy.ImplicitDeny, 0, who},
		{policy.ExplicitDeny, policy.Identity, who + " with an explicit deny in an identity-based policy"},
		{policy.ExplicitDeny, policy.Boundary, who + " with an explicit deny in a permissions boundary"},
		{policy.ExplicitDeny, policy.Session, who + " with an explicit deny in a session policy"},
		{policy.ExplicitDeny, policy.ResourceBased, who + " with an explicit deny in a resource-based policy"},
		{policy.ExplicitDeny, policy.ServiceControl, who + " with an explicit deny in a service control policy"},
		{policy.ExplicitDeny, policy.Trust, who + " with an explicit deny in the role trust policy"},
		{policy.Allowed, policy.Identity, ""},
	} {
		got := policy.Message(policy.Decision{Outcome: tt.outcome, Kind: tt.kind}, "arn:aws:iam::111122223333:user/ana", describe, user)
		if got != tt.want {
			t.Errorf("%s of a %s:\ngot  %s\nwant %s", tt.outcome, tt.kind, got, tt.want)
		}
	}
	got := policy.Message(policy.Decision{Kind: policy.Trust}, "", "sts:AssumeRoleWithWebIdentity", trustOwner)
	if want := "Not authorized to perform sts:AssumeRoleWithWebIdentity"; got != want {
		t.Errorf("nobody known: %q, want %q", got, want)
	}
}

func TestExplain(t *testing.T) {
	t.Parallel()
	s, _ := levels{
		identity: `[
			{"Sid":"Elsewhere","Effect":"Allow","Action":"quicksight:DescribeUser","Resource":"arn:aws:quicksight:us-east-1:111122223333:user/team/*"},
			{"Sid":"Other","Effect":"Allow","Action":"quicksight:ListUsers","Resource":"*"},
			{"Sid":"Careful","Effect":"Allow","Action":"quicksight:*User","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"},"StringEquals":{"aws:PrincipalTag/team":["bi","it"]}}}
		]`,
		boundary: allowDescribe,
	}.subject(t, ana)
	r := policy.Request{Action: policy.NewAction(describe), Resource: user, Context: policy.Keys{"aws:PrincipalTag/Team": {"bi"}}}
	x := s.Explain(&r)
	if want := (policy.Decision{Outcome: policy.ImplicitDeny, Kind: policy.Identity, Statement: -1}); x.Decision != want {
		t.Errorf("decided %+v, want %+v", x.Decision, want)
	}
	wantLevels := []policy.Level{{policy.Identity, policy.ImplicitDeny}, {policy.Boundary, policy.Allowed}}
	if diff := cmp.Diff(wantLevels, x.Levels); diff != "" {
		t.Errorf("levels, -want +got:\n%s", diff)
	}
	if want := "An identity-based policy must allow quicksight:DescribeUser on " + user + "."; x.Missing != want {
		t.Errorf("missing is %q, want %q", x.Missing, want)
	}
	finding := func(kind policy.Kind, i int, sid string, misses ...policy.Miss) policy.Finding {
		return policy.Finding{Kind: kind, Policy: "a " + kind.String(), Type: "user-managed", Statement: i, Sid: sid, Effect: "Allow", Misses: misses}
	}
	want := []policy.Finding{
		finding(policy.Boundary, 0, "Look"),
		finding(policy.Identity, 2, "Careful", policy.Miss{Element: "Condition", Operator: "Bool", Key: "aws:MultiFactorAuthPresent", Want: []string{"true"}}),
		finding(policy.Identity, 0, "Elsewhere", policy.Miss{Element: "Resource", Want: []string{"arn:aws:quicksight:us-east-1:111122223333:user/team/*"}, Got: []string{user}}),
		finding(policy.Identity, 1, "Other", policy.Miss{Element: "Action", Want: []string{"quicksight:ListUsers"}, Got: []string{describe}}),
	}
	if diff := cmp.Diff(want, x.Statements); diff != "" {
		t.Errorf("statements, -want +got:\n%s", diff)
	}
	if !x.Statements[0].Applies() || x.Statements[1].Applies() {
		t.Error("what applies and what does not is mixed up")
	}
	for i, want := range map[int]string{
		1: "Bool of aws:MultiFactorAuthPresent wants true, and the request has nothing",
		2: "Resource is arn:aws:quicksight:us-east-1:111122223333:user/team/*, and the request has " + user,
	} {
		if got := x.Statements[i].Misses[0].String(); got != want {
			t.Errorf("miss %d: %s, want %s", i, got, want)
		}
	}
}

func TestExplainDeny(t *testing.T) {
	t.Parallel()
	s, resource := levels{
		identity: allowAll + "\n---\n" + denyDescribe,
		resource: `{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/bo"},"NotAction":"quicksight:*","NotResource":"*"}`,
	}.subject(t, ana)
	x := s.Explain(&policy.Request{Action: policy.NewAction(describe), Resource: user, Policy: resource})
	if want := "Statement No of b identity-based policy denies it; no Allow can outweigh that."; x.Missing != want {
		t.Errorf("missing is %q, want %q", x.Missing, want)
	}
	wantLevels := []policy.Level{{policy.ResourceBased, policy.ImplicitDeny}, {policy.Identity, policy.ExplicitDeny}}
	if diff := cmp.Diff(wantLevels, x.Levels); diff != "" {
		t.Errorf("levels, -want +got:\n%s", diff)
	}
	last := x.Statements[len(x.Statements)-1]
	want := []policy.Miss{
		{Element: "NotAction", Want: []string{"quicksight:*"}, Got: []string{describe}},
		{Element: "Principal", Want: []string{"arn:aws:iam::111122223333:user/bo"}, Got: []string{ana.ARN}},
		{Element: "NotResource", Want: []string{"*"}, Got: []string{user}},
	}
	if diff := cmp.Diff(want, last.Misses); diff != "" {
		t.Errorf("misses, -want +got:\n%s", diff)
	}
}

func TestSimulate(t *testing.T) {
	t.Parallel()
	s, _ := levels{
		identity: `[
			{"Effect":"Allow","Action":"quicksight:Describe*","Resource":"*"},
			{"Effect":"Allow","Action":"quicksight:DescribeUser","Resource":"*","Condition":{"StringEquals":{"aws:PrincipalTag/Team":"${aws:RequestTag/Team}"}}},
			{"Effect":"Allow","Action":"quicksight:ListUsers","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}
		]`,
		boundary: allowOther,
	}.subject(t, ana)
	r := policy.Request{Action: policy.NewAction(describe), Resource: "*", Context: policy.Keys{"aws:principaltag/team": {"bi"}}}
	got := s.Simulate(&r)
	no := false
	want := policy.Simulation{
		Decision:    policy.Decision{Outcome: policy.ImplicitDeny, Kind: policy.Boundary, Statement: -1},
		Matched:     []policy.Match{{Kind: policy.Identity, Policy: "a identity-based policy", Type: "user-managed", Start: policy.Position{Line: 2, Column: 4}, End: policy.Position{Line: 2, Column: 69}}},
		MissingKeys: []string{"aws:RequestTag/Team"},
		Boundary:    &no,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}

	s, _ = levels{identity: `{"Effect":"Allow","Action":["quicksight:DescribeUser","quicksight:*","quicksight:Describe*"],"Resource":"*"}`}.subject(t, ana)
	if got := s.Simulate(&r); len(got.Matched) != 1 {
		t.Errorf("a statement that names the action three times matched as %+v", got.Matched)
	}

	s, _ = levels{identity: allowAll, control: "[" + denyDescribe + "," + allowAll + "]"}.subject(t, ana)
	got = s.Simulate(&r)
	if got.Decision.Outcome.String() != "explicitDeny" || len(got.Matched) != 1 || got.Matched[0].Kind != policy.ServiceControl || got.Control == nil || *got.Control || got.Boundary != nil {
		t.Errorf("an explicit Deny: %+v", got)
	}
}

func TestReach(t *testing.T) {
	t.Parallel()
	list := policy.NewAction("quicksight:ListUsers")
	for name, tt := range map[string]struct {
		levels               levels
		who                  policy.Principal
		possible, everywhere bool
		grants, limits       int
	}{
		"nothing":              {levels{}, ana, false, false, 0, 0},
		"everything":           {levels{identity: allowAll}, ana, true, true, 1, 0},
		"root":                 {levels{}, root, true, true, 0, 0},
		"something else":       {levels{identity: allowDescribe}, ana, false, false, 0, 0},
		"some resources":       {levels{identity: `{"Effect":"Allow","Action":"quicksight:List*","Resource":"arn:aws:quicksight:*:*:user/default/*"}`}, ana, true, false, 1, 0},
		"under a condition":    {levels{identity: `{"Effect":"Allow","Action":"quicksight:List*","Resource":"*","Condition":{"Bool":{"a":"true"}}}`}, ana, true, false, 1, 0},
		"denied here":          {levels{identity: "[" + allowAll + `,{"Effect":"Deny","Action":"quicksight:List*","Resource":"arn:aws:quicksight:*:*:user/x"}]`}, ana, true, false, 1, 1},
		"denied everywhere":    {levels{identity: "[" + allowAll + `,{"Effect":"Deny","Action":"quicksight:List*","Resource":"*"}]`}, ana, false, false, 1, 1},
		"bounded":              {levels{identity: allowAll, boundary: allowDescribe}, ana, false, false, 1, 0},
		"bounded to some":      {levels{identity: allowAll, boundary: `{"Effect":"Allow","Action":"quicksight:List*","Resource":"arn:aws:quicksight:*:*:user/default/*"}`}, ana, true, false, 1, 0},
		"a session of nothing": {levels{identity: allowAll, session: "none"}, reader, false, false, 1, 0},
		"root under control":   {levels{control: allowDescribe}, root, false, false, 0, 0},
		"all but some":         {levels{identity: `{"Effect":"Allow","NotAction":"quicksight:Delete*","NotResource":"arn:aws:quicksight:*:*:user/x"}`}, ana, true, false, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, _ := tt.levels.subject(t, tt.who)
			got := s.Reach(list)
			if got.Possible != tt.possible || got.Everywhere != tt.everywhere || len(got.Grants) != tt.grants || len(got.Limits) != tt.limits {
				t.Errorf("got %+v; want possible %t, everywhere %t, %d grants, %d limits", got, tt.possible, tt.everywhere, tt.grants, tt.limits)
			}
		})
	}
	s, _ := levels{identity: `{"Sid":"S","Effect":"Allow","NotAction":"quicksight:Delete*","NotResource":["arn:aws:quicksight:*:*:user/x"],"Condition":{"Bool":{"b":"true"},"StringEquals":{"A":"x"}}}`}.subject(t, ana)
	want := []policy.Scope{{
		Kind: policy.Identity, Policy: "a identity-based policy", Type: "user-managed", Sid: "S",
		Resources: []string{"arn:aws:quicksight:*:*:user/x"}, Except: true, Conditions: []string{"A", "b"},
	}}
	if diff := cmp.Diff(want, s.Reach(list).Grants); diff != "" {
		t.Errorf("grants, -want +got:\n%s", diff)
	}
}

func TestContextKeys(t *testing.T) {
	t.Parallel()
	a := parse(t, policy.Identity, document(`[
		{"Effect":"Allow","Action":"*","Resource":["arn:aws:s3:::${aws:username}/${aws:PrincipalTag/Team, 'x'}","arn:aws:s3:::${*}"]},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"StringLike":{"AWS:UserName":"${aws:userid}"},"ArnLike":{"aws:SourceArn":"${aws:PrincipalArn}"},"Null":{"aws:TokenIssueTime":"true"}}}]`))
	b := parse(t, policy.Identity, document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEqualsIgnoreCase":{"quicksight:UserName":"${aws:username}x"}}}`))
	got := policy.ContextKeys(a, b)
	want := []string{"aws:PrincipalArn", "aws:PrincipalTag/Team", "aws:SourceArn", "aws:TokenIssueTime", "aws:userid", "aws:username", "quicksight:UserName"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

func TestPrincipalKeys(t *testing.T) {
	t.Parallel()
	tagged := ana
	tagged.Tags = map[string]string{"Team": "bi", "empty": ""}
	for _, tt := range []struct {
		who  policy.Principal
		want policy.Keys
	}{
		{tagged, policy.Keys{
			"aws:principalarn": {ana.ARN}, "aws:principalaccount": {"111122223333"}, "aws:principaltype": {"User"}, "aws:userid": {ana.UserID},
			"aws:username": {"ana"}, "aws:principalisawsservice": {"false"}, "aws:principaltag/team": {"bi"}, "aws:principaltag/empty": {""},
		}},
		{reader, policy.Keys{
			"aws:principalarn": {reader.Issuer}, "aws:principalaccount": {"111122223333"}, "aws:principaltype": {"AssumedRole"},
			"aws:userid": {reader.UserID}, "aws:principalisawsservice": {"false"},
		}},
		{root, policy.Keys{
			"aws:principalarn": {root.ARN}, "aws:principalaccount": {"111122223333"}, "aws:principaltype": {"Account"},
			"aws:userid": {"111122223333"}, "aws:principalisawsservice": {"false"},
		}},
		{guest, policy.Keys{
			"aws:principalarn": {guest.ARN}, "aws:principalaccount": {"111122223333"}, "aws:principaltype": {"FederatedUser"},
			"aws:userid": {"111122223333:guest"}, "aws:principalisawsservice": {"false"},
		}},
		{token, policy.Keys{"aws:principaltype": {"Federated"}, "aws:federatedprovider": {token.Provider}, "aws:principalisawsservice": {"false"}}},
		{nobody, policy.Keys{"aws:principaltype": {"Anonymous"}, "aws:principalisawsservice": {"false"}}},
		{mail, policy.Keys{"aws:principaltype": {"Service"}, "aws:principalisawsservice": {"true"}}},
	} {
		if diff := cmp.Diff(tt.want, tt.who.Keys()); diff != "" {
			t.Errorf("%s, -want +got:\n%s", tt.who.Type, diff)
		}
	}
}

func TestContexts(t *testing.T) {
	t.Parallel()
	c := policy.Contexts{nil, policy.Keys{"AWS:One": {"1"}, "aws:empty": {}}, policy.Keys{"aws:one": {"other"}, "aws:two": {"2"}, "aws:Empty": {"no"}}}
	for key, want := range map[string][]string{"aws:one": {"1"}, "aws:two": {"2"}, "aws:three": nil, "aws:empty": {"no"}} {
		if diff := cmp.Diff(want, c.Values(key)); diff != "" {
			t.Errorf("%s, -want +got:\n%s", key, diff)
		}
	}
}

// TestDecideIsBounded decides about a role with as many policies as it can
// have, full of what is hard to match.
func TestDecideIsBounded(t *testing.T) {
	t.Parallel()
	pattern := "arn:aws:quicksight:*:*:" + strings.Repeat("*a", 400) + strings.Repeat("*?a", 300) + "*" + strings.Repeat("a", 900) + "?b*"
	var statements []string
	for range 2 {
		statements = append(statements, `{"Effect":"Allow","Action":"quicksight:*","Resource":"`+pattern+`"}`,
			`{"Effect":"Allow","Action":"quicksight:*","Resource":"*","Condition":{"StringLike":{"aws:useragent":"`+pattern+`"}}}`)
	}
	text := document("[" + strings.Join(statements, ",") + "]")
	var attached []policy.Attached
	for range 20 {
		attached = append(attached, policy.Attached{Policy: parse(t, policy.Identity, text)})
	}
	s := policy.Subject{Principal: ana, Identity: policy.NewSet(policy.Identity, attached...)}
	r := policy.Request{
		Action: policy.NewAction(describe), Resource: "arn:aws:quicksight:us-east-1:111122223333:user/" + strings.Repeat("a", 2000),
		Context: policy.Keys{"aws:useragent": {"arn:aws:quicksight:us-east-1:111122223333:" + strings.Repeat("a", 60_000)}},
	}
	start := time.Now()
	if d := s.Decide(&r); d.Allowed() {
		t.Errorf("decided %+v", d)
	}
	took := time.Since(start)
	t.Logf("it took %s", took)
	if took > 20*time.Second {
		t.Errorf("it took %s", took)
	}
}
