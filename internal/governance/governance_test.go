package governance_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	account = testkit.Account
	prefix  = "arn:aws:quicksight:us-east-1:" + account + ":"
)

func wantFault(t *testing.T, what string, err error, code string) string {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
		return ""
	}
	return f.Message
}

// do makes a call that must succeed.
func do[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In) *Out {
	t.Helper()
	out, err := testkit.Call(t, srv, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refuse makes a call that must fail, and gives the message.
func refuse[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In, code string) string {
	t.Helper()
	_, err := testkit.Call(t, srv, op, in)
	return wantFault(t, op.Name, err, code)
}

func register(t *testing.T, srv *testkit.Server, name string, role qs.UserRole) string {
	t.Helper()
	return *do(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: &name, Email: strings.ToUpper(name) + "@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: role,
	}).User.Arn
}

func group(t *testing.T, srv *testkit.Server, name string, members ...string) string {
	t.Helper()
	out := do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: account, Namespace: "default", GroupName: name})
	for _, m := range members {
		do(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: account, Namespace: "default", GroupName: name, MemberName: m})
	}
	return *out.Group.Arn
}

func deleteGroup(t *testing.T, srv *testkit.Server, name string) {
	t.Helper()
	do(t, srv, qs.DeleteGroup, qs.DeleteGroupRequest{AwsAccountId: account, Namespace: "default", GroupName: name})
}

type limits = map[qs.ResourceType]qs.ProfileLimitValue

var (
	tenGB   = limits{qs.ResourceTypeIndexStorage: {MaxValue: 10, Unit: qs.LimitUnitGB}}
	oneDay  = limits{qs.ResourceTypeAgentHours: {MaxValue: 1, Unit: qs.LimitUnitDays}}
	hour    = qs.ProfileLimitValue{MaxValue: 1, Unit: qs.LimitUnitHours}
	storage = qs.ResourceTypeIndexStorage
	hours   = qs.ResourceTypeAgentHours
)

func newProfile(t *testing.T, srv *testkit.Server, name string, l limits) string {
	t.Helper()
	return do(t, srv, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "token of " + name, ProfileName: name, ResourceLimits: l}).ProfileId
}

func TestLimitsProfiles(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		request := qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "t1", ProfileName: "Analysts", Description: new("For analysts"), ResourceLimits: tenGB}
		made := do(t, srv, qs.CreateLimitsProfile, request)
		if !strings.HasPrefix(made.ProfileId, "lp-") || made.Arn != prefix+"limits-profile/"+made.ProfileId {
			t.Errorf("made %+v", made)
		}
		if again := do(t, srv, qs.CreateLimitsProfile, request); *again != *made {
			t.Errorf("again: %+v, want %+v", again, made)
		}
		other := request
		other.ResourceLimits = oneDay
		refuse(t, srv, qs.CreateLimitsProfile, other, "ConflictException") // the token
		other.ClientToken = "t2"
		refuse(t, srv, qs.CreateLimitsProfile, other, "ConflictException") // the name
		other.ProfileName = "analysts"                                     // another name
		second := do(t, srv, qs.CreateLimitsProfile, other)
		for _, bad := range []limits{
			{storage: hour},
			{hours: {MaxValue: 1, Unit: qs.LimitUnitMB}},
			{storage: {MaxValue: 1, Unit: qs.LimitUnitGB}, hours: {MaxValue: 1, Unit: qs.LimitUnitGB}},
		} {
			refuse(t, srv, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "t3", ProfileName: "x", ResourceLimits: bad}, "InvalidParameterValueException")
			refuse(t, srv, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: made.ProfileId, ResourceLimits: bad}, "InvalidParameterValueException")
		}

		p := do(t, srv, qs.DescribeLimitsProfile, qs.DescribeLimitsProfileRequest{AccountId: account, ProfileId: made.ProfileId}).Profile
		if p.Arn != made.Arn || p.ProfileName != "Analysts" || *p.Description != "For analysts" || p.AccountId != account || !p.CreatedAt.Equal(*p.UpdatedAt) {
			t.Errorf("profile %+v", p)
		}
		if diff := cmp.Diff(tenGB, p.ResourceLimits); diff != "" {
			t.Errorf("limits (-want +got):\n%s", diff)
		}
		do(t, srv, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: made.ProfileId, ResourceLimits: oneDay})
		refuse(t, srv, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: made.ProfileId, ProfileName: new("analysts")}, "ConflictException")
		p = do(t, srv, qs.DescribeLimitsProfile, qs.DescribeLimitsProfileRequest{AccountId: account, ProfileId: made.ProfileId}).Profile
		if p.ProfileName != "Analysts" || *p.Description != "For analysts" || !cmp.Equal(p.ResourceLimits, oneDay) {
			t.Errorf("updated %+v", p)
		}

		missing := "lp-00000000-0000-4000-8000-000000000000"
		refuse(t, srv, qs.DescribeLimitsProfile, qs.DescribeLimitsProfileRequest{AccountId: account, ProfileId: missing}, "ResourceNotFoundException")
		refuse(t, srv, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: missing}, "ResourceNotFoundException")
		refuse(t, srv, qs.DeleteLimitsProfile, qs.DeleteLimitsProfileRequest{AccountId: account, ProfileId: missing}, "ResourceNotFoundException")

		if gone := do(t, srv, qs.DeleteLimitsProfile, qs.DeleteLimitsProfileRequest{AccountId: account, ProfileId: second.ProfileId}); gone.Arn != second.Arn {
			t.Errorf("deleted %s", gone.Arn)
		}
		if back := do(t, srv, qs.CreateLimitsProfile, other); back.ProfileId == second.ProfileId { // its token went with it
			t.Error("a deleted profile is back")
		}
	})
}

func TestListLimitsProfiles(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		want, withHours := []string{}, []string{}
		for i := range 100 {
			l := tenGB
			if i%10 == 0 {
				l = oneDay
			}
			id := newProfile(t, srv, fmt.Sprint("p", i), l)
			if want = append(want, id); i%10 == 0 {
				withHours = append(withHours, id)
			}
		}
		slices.Sort(want)
		slices.Sort(withHours)
		read := func(in qs.ListLimitsProfilesRequest) []string {
			got := []string{}
			for {
				out := do(t, srv, qs.ListLimitsProfiles, in)
				for _, p := range out.Profiles {
					got = append(got, p.ProfileId)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return got
				}
			}
		}
		if diff := cmp.Diff(want, read(qs.ListLimitsProfilesRequest{AccountId: account, MaxResults: new(int32(7))})); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(withHours, read(qs.ListLimitsProfilesRequest{AccountId: account, MaxResults: new(int32(3)), ResourceType: &hours})); diff != "" {
			t.Errorf("those with hours (-want +got):\n%s", diff)
		}
		token := do(t, srv, qs.ListLimitsProfiles, qs.ListLimitsProfilesRequest{AccountId: account, MaxResults: new(int32(1))}).NextToken
		refuse(t, srv, qs.ListLimitsProfiles, qs.ListLimitsProfilesRequest{AccountId: account, NextToken: token, ResourceType: &hours}, "InvalidParameterValueException")
		refuse(t, srv, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "more", ProfileName: "more", ResourceLimits: tenGB}, "LimitExceededException")
	})
}

func TestUserLimits(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana", qs.UserRoleAuthor)
		register(t, srv, "bob", qs.UserRoleReader)
		small, large := group(t, srv, "small", "ana"), group(t, srv, "large", "ana")
		of := func(name string, types ...qs.ResourceType) []qs.EffectiveLimit {
			t.Helper()
			out := do(t, srv, qs.BatchDescribeUserLimits, qs.BatchDescribeUserLimitsRequest{
				AccountId: account, ResourceTypes: types, Users: []qs.UserLimitsEntry{{Namespace: "default", UserName: name}},
			})
			if len(out.UserLimits) != 1 || len(out.Errors) != 0 || out.UserLimits[0].UserName != name || out.UserLimits[0].Namespace != "default" {
				t.Fatalf("limits of %s: %+v", name, out)
			}
			return out.UserLimits[0].EffectiveLimits
		}
		want := func(what string, got []qs.EffectiveLimit, want ...qs.EffectiveLimit) {
			t.Helper()
			if want == nil {
				want = []qs.EffectiveLimit{}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		assign := func(principal, role *string, id string) {
			t.Helper()
			out := do(t, srv, onsightapi.AssignLimitsProfile, onsightapi.AssignLimitsProfileRequest{AwsAccountId: account, Principal: principal, Role: role, ProfileId: id})
			if a := out.Assignment; a.ProfileId != id || !cmp.Equal(a.Principal, principal) || !cmp.Equal(a.Role, role) || a.AssignedAt == nil {
				t.Errorf("assigned %+v", out.Assignment)
			}
		}
		effective := func(id string, r qs.ResourceType, l qs.ProfileLimitValue, source qs.LimitSource) qs.EffectiveLimit {
			return qs.EffectiveLimit{LimitUnit: l.Unit, LimitValue: l.MaxValue, ProfileId: id, ResourceType: r, Source: source}
		}

		want("without any", of("ana"))
		mb, gb := qs.ProfileLimitValue{MaxValue: 1000, Unit: qs.LimitUnitMB}, qs.ProfileLimitValue{MaxValue: 1, Unit: qs.LimitUnitGB}
		day := oneDay[hours]
		forAll := newProfile(t, srv, "all", limits{storage: {MaxValue: 5, Unit: qs.LimitUnitMB}, hours: day})
		forRole := newProfile(t, srv, "role", limits{hours: hour})
		forSmall, forLarge := newProfile(t, srv, "small", limits{storage: mb}), newProfile(t, srv, "large", limits{storage: gb})
		own := newProfile(t, srv, "own", limits{storage: {Unit: qs.LimitUnitGB}}) // none at all

		assign(nil, nil, forAll)
		want("the account's", of("ana"), effective(forAll, storage, qs.ProfileLimitValue{MaxValue: 5, Unit: qs.LimitUnitMB}, "ACCOUNT"), effective(forAll, hours, day, "ACCOUNT"))
		assign(nil, new("AUTHOR"), forRole)
		want("the role's", of("ana", hours), effective(forRole, hours, hour, "ROLE"))
		want("another role's", of("bob", hours, hours), effective(forAll, hours, day, "ACCOUNT"))
		assign(&small, nil, forSmall)
		assign(&large, nil, forLarge)
		want("the wider of two groups", of("ana", storage), effective(forLarge, storage, gb, "GROUP"))
		assign(&ana, nil, own)
		want("the user's own", of("ana"), effective(own, storage, qs.ProfileLimitValue{Unit: qs.LimitUnitGB}, "DIRECT_USER"), effective(forRole, hours, hour, "ROLE"))
		do(t, srv, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: forRole, ResourceLimits: limits{hours: {MaxValue: 7, Unit: qs.LimitUnitHours}}})
		want("after an update", of("ana", hours), effective(forRole, hours, qs.ProfileLimitValue{MaxValue: 7, Unit: qs.LimitUnitHours}, "ROLE"))

		// Several users, some of them unknown, in the order of the request.
		out := do(t, srv, qs.BatchDescribeUserLimits, qs.BatchDescribeUserLimitsRequest{AccountId: account, Users: []qs.UserLimitsEntry{
			{Namespace: "default", UserName: "bob"}, {Namespace: "default", UserName: "Ana"}, {Namespace: "other", UserName: "ana"}, {Namespace: "default", UserName: "ana"},
		}})
		if len(out.UserLimits) != 2 || out.UserLimits[0].UserName != "bob" || out.UserLimits[1].UserName != "ana" ||
			len(out.Errors) != 2 || *out.Errors[0].UserName != "Ana" || out.Errors[0].ErrorCode != "ResourceNotFoundException" || *out.Errors[1].Namespace != "other" {
			t.Errorf("several users: %+v", out)
		}
		refuse(t, srv, qs.BatchDescribeUserLimits, qs.BatchDescribeUserLimitsRequest{AccountId: account}, "InvalidParameterValueException")

		// What is assigned, page by page; a profile in use stays.
		listed := func(id *string) []string {
			got := []string{}
			in := onsightapi.ListLimitsProfileAssignmentsRequest{AwsAccountId: account, ProfileId: id, MaxResults: new(int32(2))}
			for {
				out := do(t, srv, onsightapi.ListLimitsProfileAssignments, in)
				for _, a := range out.Assignments {
					switch {
					case a.Principal != nil:
						got = append(got, strings.TrimPrefix(*a.Principal, prefix))
					case a.Role != nil:
						got = append(got, *a.Role)
					default:
						got = append(got, "account")
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return got
				}
			}
		}
		if diff := cmp.Diff([]string{"account", "group/default/large", "group/default/small", "AUTHOR", "user/default/ana"}, listed(nil)); diff != "" {
			t.Errorf("assignments (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"group/default/large"}, listed(&forLarge)); diff != "" {
			t.Errorf("of one profile (-want +got):\n%s", diff)
		}
		refuse(t, srv, qs.DeleteLimitsProfile, qs.DeleteLimitsProfileRequest{AccountId: account, ProfileId: forLarge}, "ConflictException")

		// Who is deleted leaves nothing, and whoever takes the name begins anew.
		deleteGroup(t, srv, "large")
		do(t, srv, qs.DeleteLimitsProfile, qs.DeleteLimitsProfileRequest{AccountId: account, ProfileId: forLarge})
		do(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"})
		register(t, srv, "ana", qs.UserRoleAuthor)
		want("another user of the name", of("ana", storage), effective(forAll, storage, qs.ProfileLimitValue{MaxValue: 5, Unit: qs.LimitUnitMB}, "ACCOUNT"))

		do(t, srv, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{AwsAccountId: account})
		do(t, srv, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{AwsAccountId: account, Role: new("AUTHOR")})
		do(t, srv, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{AwsAccountId: account, Principal: &small})
		refuse(t, srv, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{AwsAccountId: account}, "ResourceNotFoundException")
		want("when all are taken away", of("ana"))

		for what, c := range map[string]struct {
			principal, role *string
			profile, code   string
		}{
			"both":               {&small, new("READER"), own, "InvalidParameterValueException"},
			"an unknown role":    {nil, new("BOSS"), own, "InvalidParameterValueException"},
			"no ARN":             {new("ana"), nil, own, "InvalidParameterValueException"},
			"a namespace":        {new(prefix + "namespace/default"), nil, own, "InvalidParameterValueException"},
			"another account's":  {new("arn:aws:quicksight:us-east-1:444455556666:user/default/ana"), nil, own, "InvalidParameterValueException"},
			"an unknown user":    {new(prefix + "user/default/nobody"), nil, own, "ResourceNotFoundException"},
			"an unknown group":   {new(prefix + "group/default/nobody"), nil, own, "ResourceNotFoundException"},
			"an unknown profile": {&small, nil, "lp-0", "ResourceNotFoundException"},
		} {
			_, err := testkit.Call(t, srv, onsightapi.AssignLimitsProfile, onsightapi.AssignLimitsProfileRequest{AwsAccountId: account, Principal: c.principal, Role: c.role, ProfileId: c.profile})
			wantFault(t, what, err, c.code)
		}
	})
}

func purview(labels ...string) *qs.ProviderConfig {
	m := &qs.MicrosoftPurviewProviderConfig{
		Credentials:         &qs.MicrosoftPurviewCredentials{SecretArn: "arn:aws:secretsmanager:us-east-1:" + account + ":secret:purview-AbCdEf"},
		LabelActionMappings: []qs.LabelActionMapping{}, UnmappedAction: qs.DlpActionAllow,
	}
	for _, l := range labels {
		m.LabelActionMappings = append(m.LabelActionMappings, qs.LabelActionMapping{LabelId: l, LabelName: "Label " + l, Action: qs.DlpActionBlock})
	}
	return &qs.ProviderConfig{MicrosoftPurview: m}
}

func newSetting(id string) qs.CreateDlpSettingRequest {
	return qs.CreateDlpSettingRequest{
		AwsAccountId: account, DlpSettingId: id, Name: "Setting " + id, Enabled: true, ProviderType: qs.DlpProviderTypeMicrosoftPurview,
		ProviderOutageAction: qs.DlpActionWarn, ProviderConfig: purview("00000000-0000-4000-8000-000000000001"),
	}
}

func TestDlpSettings(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		in := newSetting("s0")
		in.Tags = []qs.Tag{{Key: "team", Value: "security"}}
		arn := prefix + "dlpsetting/s0"
		if made := do(t, srv, qs.CreateDlpSetting, in); made.Arn != arn || made.DlpSettingId != "s0" {
			t.Errorf("made %+v", made)
		}
		refuse(t, srv, qs.CreateDlpSetting, in, "ResourceExistsException")
		describe := func() *qs.DlpSettingDetails {
			return do(t, srv, qs.DescribeDlpSetting, qs.DescribeDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s0"}).DlpSetting
		}
		d := describe()
		if d.Status != qs.DlpSettingStatusActive || d.Name != "Setting s0" || d.ProviderOutageAction != qs.DlpActionWarn || d.ProviderType != in.ProviderType || d.Arn != arn {
			t.Errorf("described %+v", d)
		}
		if diff := cmp.Diff(in.ProviderConfig, d.ProviderConfig); diff != "" {
			t.Errorf("provider (-want +got):\n%s", diff)
		}
		if tags := do(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn}).Tags; len(tags) != 1 || tags[0].Value != "security" {
			t.Errorf("tags %v", tags)
		}
		do(t, srv, qs.UpdateDlpSetting, qs.UpdateDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s0", Enabled: new(false)})
		if d := describe(); d.Status != qs.DlpSettingStatusInactive || d.Name != "Setting s0" || len(d.ProviderConfig.MicrosoftPurview.LabelActionMappings) != 1 {
			t.Errorf("updated %+v", d)
		}
		do(t, srv, qs.UpdateDlpSetting, qs.UpdateDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s0", Name: new("Renamed"), ProviderConfig: purview(), ProviderOutageAction: new(qs.DlpActionBlock)})
		if d := describe(); d.Status != qs.DlpSettingStatusInactive || d.Name != "Renamed" || len(d.ProviderConfig.MicrosoftPurview.LabelActionMappings) != 0 || d.ProviderOutageAction != qs.DlpActionBlock {
			t.Errorf("updated again %+v", d)
		}

		twice := purview("00000000-0000-4000-8000-000000000001", "00000000-0000-4000-8000-000000000001")
		refuse(t, srv, qs.UpdateDlpSetting, qs.UpdateDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s0", ProviderConfig: twice}, "InvalidRequestException")
		bad := newSetting("bad")
		bad.ProviderConfig = twice
		refuse(t, srv, qs.CreateDlpSetting, bad, "InvalidRequestException")
		refuse(t, srv, qs.UpdateDlpSetting, qs.UpdateDlpSettingRequest{AwsAccountId: account, DlpSettingId: "none"}, "ResourceNotFoundException")
		refuse(t, srv, qs.DescribeDlpSetting, qs.DescribeDlpSettingRequest{AwsAccountId: account, DlpSettingId: "none"}, "ResourceNotFoundException")
		refuse(t, srv, qs.DeleteDlpSetting, qs.DeleteDlpSettingRequest{AwsAccountId: account, DlpSettingId: "none"}, "ResourceNotFoundException")

		want := []string{"s0"}
		for i := 1; i < 10; i++ {
			do(t, srv, qs.CreateDlpSetting, newSetting(fmt.Sprint("s", i)))
			want = append(want, fmt.Sprint("s", i))
		}
		refuse(t, srv, qs.CreateDlpSetting, newSetting("s10"), "LimitExceededException")
		refuse(t, srv, qs.CreateDlpSetting, newSetting("s9"), "ResourceExistsException")
		got := []string{}
		for list := (qs.ListDlpSettingsRequest{AwsAccountId: account, MaxResults: new(int32(4))}); ; {
			out := do(t, srv, qs.ListDlpSettings, list)
			for _, s := range out.DlpSettingSummaries {
				got = append(got, s.DlpSettingId)
			}
			if list.NextToken = out.NextToken; list.NextToken == nil {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		if out := do(t, srv, qs.DeleteDlpSetting, qs.DeleteDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s0"}); out.Arn != arn || out.DlpSettingId != "s0" {
			t.Errorf("deleted %+v", out)
		}
		do(t, srv, qs.CreateDlpSetting, newSetting("s0"))
		if tags := do(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn}).Tags; len(tags) != 0 {
			t.Errorf("tags of another setting of the id: %v", tags)
		}
	})
}

func TestApprovalPolicies(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		authors, boss, deputy := group(t, srv, "authors"), group(t, srv, "boss"), group(t, srv, "deputy")
		in := qs.CreateApprovalPolicyRequest{
			PolicyId: "p", Name: "Sharing", Description: new("Ask first"), Actions: []qs.GovernedAction{qs.GovernedActionShare},
			AssetTypes: []qs.AssetType{qs.AssetTypeSpace, qs.AssetTypeAgent}, ApprovalGroups: []string{boss, deputy},
			ApplicableTo: &qs.ApplicableTo{Type: qs.ApplicableToTypeGroup, GroupArns: []string{authors}},
		}
		made := do(t, srv, qs.CreateApprovalPolicy, in).Policy
		if made.PolicyArn != prefix+"approval-policy/p" || made.Name != "Sharing" || *made.Description != "Ask first" || made.CreatedAt == nil || made.UpdatedAt == nil ||
			!cmp.Equal(made.AssetTypes, in.AssetTypes) || !cmp.Equal(made.ApplicableTo, in.ApplicableTo) || !cmp.Equal(made.ApprovalGroups, in.ApprovalGroups) {
			t.Errorf("made %+v", made)
		}
		refuse(t, srv, qs.CreateApprovalPolicy, in, "ConflictException")
		describe := func() *qs.ApprovalPolicy {
			return do(t, srv, qs.DescribeApprovalPolicy, qs.DescribeApprovalPolicyRequest{PolicyId: "p"}).Policy
		}
		updated := do(t, srv, qs.UpdateApprovalPolicy, qs.UpdateApprovalPolicyRequest{PolicyId: "p", Name: new("Sharing 2"), AssetTypes: []qs.AssetType{qs.AssetTypeKnowledgeBase}}).Policy
		if updated.Name != "Sharing 2" || *updated.Description != "Ask first" || !cmp.Equal(updated.ApprovalGroups, in.ApprovalGroups) || len(updated.AssetTypes) != 1 {
			t.Errorf("updated %+v", updated)
		}
		if diff := cmp.Diff(updated, describe()); diff != "" {
			t.Errorf("described (-updated +described):\n%s", diff)
		}

		for what, c := range map[string]struct {
			change func(*qs.CreateApprovalPolicyRequest)
			code   string
		}{
			"no group that it applies to": {func(r *qs.CreateApprovalPolicyRequest) { r.ApplicableTo = &qs.ApplicableTo{Type: "GROUP"} }, "InvalidParameterValueException"},
			"a user who approves":         {func(r *qs.CreateApprovalPolicyRequest) { r.ApprovalGroups = []string{prefix + "user/default/ana"} }, "InvalidParameterValueException"},
			"no ARN":                      {func(r *qs.CreateApprovalPolicyRequest) { r.ApprovalGroups = []string{"boss"} }, "InvalidParameterValueException"},
			"a group twice":               {func(r *qs.CreateApprovalPolicyRequest) { r.ApprovalGroups = []string{boss, boss} }, "InvalidParameterValueException"},
			"an action twice":             {func(r *qs.CreateApprovalPolicyRequest) { r.Actions = []qs.GovernedAction{"SHARE", "SHARE"} }, "InvalidParameterValueException"},
			"another account's group": {func(r *qs.CreateApprovalPolicyRequest) {
				r.ApprovalGroups = []string{strings.Replace(boss, account, "444455556666", 1)}
			}, "InvalidParameterValueException"},
			"a group that is not there": {func(r *qs.CreateApprovalPolicyRequest) { r.ApprovalGroups = []string{prefix + "group/default/none"} }, "ResourceNotFoundException"},
		} {
			r := in
			r.PolicyId = "q"
			c.change(&r)
			_, err := testkit.Call(t, srv, qs.CreateApprovalPolicy, r)
			wantFault(t, what, err, c.code)
			_, err = testkit.Call(t, srv, qs.UpdateApprovalPolicy, qs.UpdateApprovalPolicyRequest{PolicyId: "p", Actions: r.Actions, ApplicableTo: r.ApplicableTo, ApprovalGroups: r.ApprovalGroups})
			wantFault(t, what+", in an update", err, c.code)
		}
		refuse(t, srv, qs.DescribeApprovalPolicy, qs.DescribeApprovalPolicyRequest{PolicyId: "q"}, "ResourceNotFoundException")
		refuse(t, srv, qs.UpdateApprovalPolicy, qs.UpdateApprovalPolicyRequest{PolicyId: "q"}, "ResourceNotFoundException")
		refuse(t, srv, qs.DeleteApprovalPolicy, qs.DeleteApprovalPolicyRequest{PolicyId: "q"}, "ResourceNotFoundException")

		// Groups that are gone are named no more; what is left works on.
		deleteGroup(t, srv, "boss")
		if got := describe(); !cmp.Equal(got.ApprovalGroups, []string{deputy}) || !cmp.Equal(got.ApplicableTo.GroupArns, []string{authors}) {
			t.Errorf("without one group: %+v", got)
		}
		deleteGroup(t, srv, "deputy")
		deleteGroup(t, srv, "authors")
		if got := describe(); len(got.ApprovalGroups) != 0 || len(got.ApplicableTo.GroupArns) != 0 {
			t.Errorf("without any: %+v", got)
		}
		do(t, srv, qs.UpdateApprovalPolicy, qs.UpdateApprovalPolicyRequest{PolicyId: "p", Name: new("Sharing 3")})

		boss = group(t, srv, "boss")
		want := []string{"p"}
		for i := range 4 {
			r := in
			r.PolicyId, r.ApprovalGroups, r.ApplicableTo = fmt.Sprint("p", i), []string{boss}, &qs.ApplicableTo{Type: "GROUP", GroupArns: []string{boss}}
			do(t, srv, qs.CreateApprovalPolicy, r)
			want = append(want, r.PolicyId)
		}
		got := []string{}
		for list := (qs.ListApprovalPoliciesRequest{MaxResults: new(int32(2))}); ; {
			out := do(t, srv, qs.ListApprovalPolicies, list)
			for _, p := range out.Policies {
				got = append(got, p.PolicyId)
			}
			if list.NextToken = out.NextToken; list.NextToken == nil {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("list (-want +got):\n%s", diff)
		}
		do(t, srv, qs.DeleteApprovalPolicy, qs.DeleteApprovalPolicyRequest{PolicyId: "p"})
		refuse(t, srv, qs.DescribeApprovalPolicy, qs.DescribeApprovalPolicyRequest{PolicyId: "p"}, "ResourceNotFoundException")

		// Another account sees none of these.
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		if out := do(t, other, qs.ListApprovalPolicies, qs.ListApprovalPoliciesRequest{}); len(out.Policies) != 0 {
			t.Errorf("another account sees %+v", out.Policies)
		}
	})
}

func TestUsersIndexCapacity(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t) // makes the first administrator
		for _, name := range []string{"ana", "anna", "bob"} {
			register(t, srv, name, qs.UserRoleReader)
		}
		read := func(in qs.ListUsersIndexCapacityRequest) []string {
			t.Helper()
			in.AwsAccountId = account
			names := []string{}
			for {
				out := do(t, srv, qs.ListUsersIndexCapacity, in)
				for _, u := range out.Users {
					names = append(names, *u.UserName)
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return names
				}
			}
		}
		byName := func(p string) []qs.UserIndexCapacityFilter {
			return []qs.UserIndexCapacityFilter{{UserNameOrEmail: &qs.UserNameOrEmailFilter{Prefix: p}}}
		}
		byBytes := func(from, to *int64) []qs.UserIndexCapacityFilter {
			return []qs.UserIndexCapacityFilter{{TotalCapacityBytes: &qs.CapacityBytesRangeFilter{MinBytes: from, MaxBytes: to}}}
		}
		space, one := new("default"), new(int32(1))
		all := []string{account, "ana", "anna", "bob"}
		for what, c := range map[string]struct {
			in   qs.ListUsersIndexCapacityRequest
			want []string
		}{
			"all":                 {qs.ListUsersIndexCapacityRequest{}, all},
			"one by one":          {qs.ListUsersIndexCapacityRequest{MaxResults: one, SortOrder: new(qs.UserIndexCapacitySortOrderAsc)}, all},
			"of a namespace":      {qs.ListUsersIndexCapacityRequest{Namespace: space, MaxResults: one}, all},
			"by name":             {qs.ListUsersIndexCapacityRequest{Namespace: space, MaxResults: one, Filters: byName("an")}, []string{"ana", "anna"}},
			"by e-mail":           {qs.ListUsersIndexCapacityRequest{Namespace: space, Filters: byName("anna@")}, []string{"anna"}},
			"by another name":     {qs.ListUsersIndexCapacityRequest{Namespace: space, Filters: byName("x")}, []string{}},
			"who fill something":  {qs.ListUsersIndexCapacityRequest{Filters: byBytes(new(int64(1)), nil)}, []string{}},
			"who fill not much":   {qs.ListUsersIndexCapacityRequest{Filters: byBytes(nil, new(int64(9)))}, all},
			"who fill no minimum": {qs.ListUsersIndexCapacityRequest{Filters: byBytes(nil, nil)}, all},
		} {
			if diff := cmp.Diff(c.want, read(c.in)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", what, diff)
			}
		}
		u := do(t, srv, qs.ListUsersIndexCapacity, qs.ListUsersIndexCapacityRequest{AwsAccountId: account, Namespace: space, Filters: byName("bob")}).Users[0]
		if *u.UserArn != prefix+"user/default/bob" || *u.Email != "BOB@example.org" || *u.Role != "READER" || *u.KbCount != 0 || *u.SpaceCount != 0 ||
			*u.TotalCapacityBytes != 0 || *u.TotalKBCapacityBytes != 0 || *u.TotalSpaceCapacityBytes != 0 {
			t.Errorf("bob: %+v", u)
		}
		for what, in := range map[string]qs.ListUsersIndexCapacityRequest{
			"a name without a namespace": {Filters: byName("a")},
			"two filters":                {Namespace: space, Filters: slices.Concat(byName("a"), byBytes(nil, nil))},
			"an empty range":             {Filters: byBytes(new(int64(2)), new(int64(1)))},
			"a bad token":                {NextToken: new("nonsense")},
		} {
			in.AwsAccountId = account
			_, err := testkit.Call(t, srv, qs.ListUsersIndexCapacity, in)
			wantFault(t, what, err, "InvalidRequestException")
		}
		refuse(t, srv, qs.ListUsersIndexCapacity, qs.ListUsersIndexCapacityRequest{AwsAccountId: account, Namespace: new("none")}, "ResourceNotFoundException")
	})
}

// call makes an operation's call, whatever comes of it.
func call[In, Out any](t *testing.T, op contract.Op[In, Out], in In) func(*testkit.Server) error {
	return func(srv *testkit.Server) error {
		_, err := testkit.Call(t, srv, op, in)
		return err
	}
}

func calls(t *testing.T) map[string]func(*testkit.Server) error {
	t.Helper()
	boss := prefix + "group/default/boss"
	return map[string]func(*testkit.Server) error{
		"CreateLimitsProfile":          call(t, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "t", ProfileName: "n", ResourceLimits: tenGB}),
		"DescribeLimitsProfile":        call(t, qs.DescribeLimitsProfile, qs.DescribeLimitsProfileRequest{AccountId: account, ProfileId: "lp-0"}),
		"UpdateLimitsProfile":          call(t, qs.UpdateLimitsProfile, qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: "lp-0"}),
		"DeleteLimitsProfile":          call(t, qs.DeleteLimitsProfile, qs.DeleteLimitsProfileRequest{AccountId: account, ProfileId: "lp-0"}),
		"ListLimitsProfiles":           call(t, qs.ListLimitsProfiles, qs.ListLimitsProfilesRequest{AccountId: account}),
		"BatchDescribeUserLimits":      call(t, qs.BatchDescribeUserLimits, qs.BatchDescribeUserLimitsRequest{AccountId: account, Users: []qs.UserLimitsEntry{{Namespace: "default", UserName: "ana"}}}),
		"AssignLimitsProfile":          call(t, onsightapi.AssignLimitsProfile, onsightapi.AssignLimitsProfileRequest{AwsAccountId: account, ProfileId: "lp-0"}),
		"UnassignLimitsProfile":        call(t, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{AwsAccountId: account}),
		"ListLimitsProfileAssignments": call(t, onsightapi.ListLimitsProfileAssignments, onsightapi.ListLimitsProfileAssignmentsRequest{AwsAccountId: account}),
		"CreateDlpSetting":             call(t, qs.CreateDlpSetting, newSetting("s")),
		"DescribeDlpSetting":           call(t, qs.DescribeDlpSetting, qs.DescribeDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s"}),
		"UpdateDlpSetting":             call(t, qs.UpdateDlpSetting, qs.UpdateDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s"}),
		"DeleteDlpSetting":             call(t, qs.DeleteDlpSetting, qs.DeleteDlpSettingRequest{AwsAccountId: account, DlpSettingId: "s"}),
		"ListDlpSettings":              call(t, qs.ListDlpSettings, qs.ListDlpSettingsRequest{AwsAccountId: account}),
		"CreateApprovalPolicy": call(t, qs.CreateApprovalPolicy, qs.CreateApprovalPolicyRequest{
			PolicyId: "p", Name: "n", Actions: []qs.GovernedAction{"SHARE"}, AssetTypes: []qs.AssetType{"AGENT"},
			ApprovalGroups: []string{boss}, ApplicableTo: &qs.ApplicableTo{Type: "GROUP", GroupArns: []string{boss}},
		}),
		"DescribeApprovalPolicy": call(t, qs.DescribeApprovalPolicy, qs.DescribeApprovalPolicyRequest{PolicyId: "p"}),
		"UpdateApprovalPolicy":   call(t, qs.UpdateApprovalPolicy, qs.UpdateApprovalPolicyRequest{PolicyId: "p"}),
		"DeleteApprovalPolicy":   call(t, qs.DeleteApprovalPolicy, qs.DeleteApprovalPolicyRequest{PolicyId: "p"}),
		"ListApprovalPolicies":   call(t, qs.ListApprovalPolicies, qs.ListApprovalPoliciesRequest{}),
		"ListUsersIndexCapacity": call(t, qs.ListUsersIndexCapacity, qs.ListUsersIndexCapacityRequest{AwsAccountId: account}),
	}
}

func TestGates(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		undeclared := []string{"CreateLimitsProfile", "ListLimitsProfiles", "BatchDescribeUserLimits", "CreateDlpSetting", "ListDlpSettings"}
		for name, call := range calls(t) {
			want := "ResourceNotFoundException"
			if slices.Contains(undeclared, name) {
				want = "AccessDeniedException"
			}
			wantFault(t, name+" without a subscription", call(srv), want)
		}
		srv.Subscribe(t)
		name := "nobody"
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name})
		k := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name}).AccessKey
		nobody := srv.With(k.AccessKeyId, string(k.SecretAccessKey), "")
		stranger := srv.As(t, "444455556666")
		for name, call := range calls(t) {
			if m := wantFault(t, name+" in another region", call(srv.In("eu-west-1")), "AccessDeniedException"); !strings.Contains(m, "your identity region is us-east-1") {
				t.Errorf("%s in another region: %s", name, m)
			}
			if m := wantFault(t, name+" by someone who may not", call(nobody), "AccessDeniedException"); !strings.Contains(m, name) {
				t.Errorf("%s by someone who may not: %s", name, m)
			}
			if !strings.Contains(name, "Approval") { // these are about the caller's own account
				wantFault(t, name+" from another account", call(stranger), "AccessDeniedException")
			}
		}
	})
}

func TestStandardEdition(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		do(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
			AwsAccountId: account, AccountName: "small", NotificationEmail: "a@example.org", Edition: new(qs.EditionStandard),
			AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
		})
		for name, call := range calls(t) {
			wantFault(t, name, call(srv), "AccessDeniedException")
		}
	}, func(c *config.Config) { c.Standard = true })
}

func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		id := newProfile(t, srv, "shared", tenGB)
		var wg sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			wg.Go(func() {
				in := qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: id, Description: new(fmt.Sprint(i))}
				if i%2 == 0 {
					in = qs.UpdateLimitsProfileRequest{AccountId: account, ProfileId: id, ResourceLimits: limits{storage: {MaxValue: int64(i), Unit: qs.LimitUnitMB}}}
				}
				_, errs[i] = testkit.Call(t, srv, qs.UpdateLimitsProfile, in)
			})
		}
		wg.Wait()
		for i, err := range errs {
			if err != nil {
				wantFault(t, fmt.Sprint("update ", i), err, "ConflictException")
			}
		}
		p := do(t, srv, qs.DescribeLimitsProfile, qs.DescribeLimitsProfileRequest{AccountId: account, ProfileId: id}).Profile
		if p.Description == nil || p.ResourceLimits[storage].Unit != qs.LimitUnitMB {
			t.Errorf("one half of the updates is lost: %+v", p)
		}

		// One token, many calls: one profile.
		ids := make([]string, 8)
		for i := range ids {
			wg.Go(func() {
				out, err := testkit.Call(t, srv, qs.CreateLimitsProfile, qs.CreateLimitsProfileRequest{AccountId: account, ClientToken: "once", ProfileName: "once", ResourceLimits: tenGB})
				if err != nil {
					t.Errorf("create: %v", err)
					return
				}
				ids[i] = out.ProfileId
			})
		}
		wg.Wait()
		if len(slices.Compact(ids)) != 1 {
			t.Errorf("made %q", ids)
		}
	})
}

func TestUnsubscribing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		id := newProfile(t, srv, "p", tenGB)
		do(t, srv, onsightapi.AssignLimitsProfile, onsightapi.AssignLimitsProfileRequest{AwsAccountId: account, ProfileId: id})
		do(t, srv, qs.CreateDlpSetting, newSetting("s"))
		do(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default"})
		do(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account})
		srv.Subscribe(t)
		if out := do(t, srv, onsightapi.ListLimitsProfileAssignments, onsightapi.ListLimitsProfileAssignmentsRequest{AwsAccountId: account}); len(out.Assignments) != 0 {
			t.Errorf("assignments %+v", out.Assignments)
		}
		if out := do(t, srv, qs.ListDlpSettings, qs.ListDlpSettingsRequest{AwsAccountId: account}); len(out.DlpSettingSummaries) != 0 {
			t.Errorf("settings %+v", out.DlpSettingSummaries)
		}
		if again := newProfile(t, srv, "p", tenGB); again == id { // the token is forgotten
			t.Error("the profile is back")
		}
	})
}
