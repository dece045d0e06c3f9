package account_test

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

func TestPublicSharing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		update := func(on *bool) qs.UpdatePublicSharingSettingsRequest {
			return qs.UpdatePublicSharingSettingsRequest{AwsAccountId: testkit.Account, PublicSharingEnabled: on}
		}
		refuse(t, srv, qs.UpdatePublicSharingSettings, update(new(true)), "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		refuse(t, srv.In("eu-west-1"), qs.UpdatePublicSharingSettings, update(new(true)), "AccessDeniedException", 401, wrongRegion)
		for _, tt := range []struct{ in *bool }{{new(true)}, {nil}, {new(true)}, {new(false)}} {
			do(t, srv, qs.UpdatePublicSharingSettings, update(tt.in))
			got := do(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account}).AccountSettings
			if want := tt.in != nil && *tt.in; *got.PublicSharingEnabled != want {
				t.Errorf("public sharing is %t, want %t", *got.PublicSharingEnabled, want)
			}
		}
	})
}

func TestIPRestriction(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		describe := func() *qs.DescribeIpRestrictionResponse {
			t.Helper()
			out := do(t, srv, qs.DescribeIpRestriction, qs.DescribeIpRestrictionRequest{AwsAccountId: testkit.Account})
			out.RequestId, out.Status = nil, nil
			return out
		}
		expect := func(what string, want *qs.DescribeIpRestrictionResponse) {
			t.Helper()
			want.AwsAccountId = new(testkit.Account)
			if d := cmp.Diff(want, describe()); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		update := func(change func(*qs.UpdateIpRestrictionRequest)) qs.UpdateIpRestrictionRequest {
			in := qs.UpdateIpRestrictionRequest{AwsAccountId: testkit.Account}
			change(&in)
			return in
		}
		none := map[string]string{}
		refuse(t, srv, qs.DescribeIpRestriction, qs.DescribeIpRestrictionRequest{AwsAccountId: testkit.Account}, "ResourceNotFoundException", 404, "not signed up")
		refuse(t, srv, qs.UpdateIpRestriction, update(func(*qs.UpdateIpRestrictionRequest) {}), "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		refuse(t, srv.In("eu-west-1"), qs.DescribeIpRestriction, qs.DescribeIpRestrictionRequest{AwsAccountId: testkit.Account}, "AccessDeniedException", 401, wrongRegion)
		expect("never set", &qs.DescribeIpRestrictionResponse{
			Enabled: new(false), IpRestrictionRuleMap: none, VpcIdRestrictionRuleMap: none, VpcEndpointIdRestrictionRuleMap: none,
		})
		office := map[string]string{"192.0.2.0/24": "the office", "203.0.113.7/32": ""}
		out := do(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) {
			in.Enabled, in.IpRestrictionRuleMap, in.VpcIdRestrictionRuleMap = new(true), office, map[string]string{"vpc-1a2b": "main"}
		}))
		if *out.AwsAccountId != testkit.Account {
			t.Errorf("UpdateIpRestriction: %+v", out)
		}
		expect("set", &qs.DescribeIpRestrictionResponse{
			Enabled: new(true), IpRestrictionRuleMap: office, VpcIdRestrictionRuleMap: map[string]string{"vpc-1a2b": "main"}, VpcEndpointIdRestrictionRuleMap: none,
		})
		// A map that is given replaces the whole of it; what is not given stays.
		home := map[string]string{"198.51.100.0/24": "home"}
		do(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) {
			in.IpRestrictionRuleMap, in.VpcEndpointIdRestrictionRuleMap = home, map[string]string{"vpce-9": "e"}
		}))
		expect("one map replaced", &qs.DescribeIpRestrictionResponse{
			Enabled: new(true), IpRestrictionRuleMap: home, VpcIdRestrictionRuleMap: map[string]string{"vpc-1a2b": "main"}, VpcEndpointIdRestrictionRuleMap: map[string]string{"vpce-9": "e"},
		})
		before := describe()
		for _, cidr := range []string{"0.0.0.0/0", "192.0.2.1", "2001:db8::/32", "300.0.0.0/8", "192.0.2.0/33"} {
			refuse(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) {
				in.Enabled, in.IpRestrictionRuleMap = new(false), map[string]string{cidr: ""}
			}), "ValidationException", 400, "ipRestrictionRuleMap")
		}
		refuse(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) { in.VpcIdRestrictionRuleMap = map[string]string{"net-1": ""} }), "ValidationException", 400, "vpcIdRestrictionRuleMap")
		// 98 and the two of the other kinds are 100.
		many := func(n int) map[string]string {
			m := map[string]string{}
			for i := range n {
				m[fmt.Sprintf("10.0.%d.0/24", i)] = ""
			}
			return m
		}
		refuse(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) { in.Enabled, in.IpRestrictionRuleMap = new(false), many(99) }),
			"LimitExceededException", 409, "at most 100 IP rules")
		expect("after refusals", before)
		do(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) { in.IpRestrictionRuleMap = many(98) }))
		do(t, srv, qs.UpdateIpRestriction, update(func(in *qs.UpdateIpRestrictionRequest) {
			in.Enabled, in.IpRestrictionRuleMap, in.VpcIdRestrictionRuleMap, in.VpcEndpointIdRestrictionRuleMap = new(false), none, none, none
		}))
		expect("cleared", &qs.DescribeIpRestrictionResponse{
			Enabled: new(false), IpRestrictionRuleMap: none, VpcIdRestrictionRuleMap: none, VpcEndpointIdRestrictionRuleMap: none,
		})
	})
}

func TestKeyRegistration(t *testing.T) {
	t.Parallel()
	const one, two, far = "arn:aws:kms:us-east-1:111122223333:key/one", "arn:aws:kms:us-east-1:444455556666:key/two", "arn:aws:kms:eu-west-1:111122223333:key/far"
	key := func(arn string, isDefault *bool) qs.RegisteredCustomerManagedKey {
		return qs.RegisteredCustomerManagedKey{KeyArn: &arn, DefaultKey: isDefault}
	}
	update := func(keys ...qs.RegisteredCustomerManagedKey) qs.UpdateKeyRegistrationRequest {
		return qs.UpdateKeyRegistrationRequest{AwsAccountId: testkit.Account, KeyRegistration: append([]qs.RegisteredCustomerManagedKey{}, keys...)}
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		expect := func(srv *testkit.Server, only *bool, data *qs.QDataKey, want ...qs.RegisteredCustomerManagedKey) {
			t.Helper()
			out := do(t, srv, qs.DescribeKeyRegistration, qs.DescribeKeyRegistrationRequest{AwsAccountId: testkit.Account, DefaultKeyOnly: only})
			if d := cmp.Diff(want, out.KeyRegistration, cmpopts.EquateEmpty()); d != "" || out.KeyRegistration == nil {
				t.Errorf("keys %v (-want +got):\n%s", out.KeyRegistration, d)
			}
			if d := cmp.Diff(data, out.QDataKey); d != "" || *out.Status != 200 {
				t.Errorf("status %d, QDataKey (-want +got):\n%s", *out.Status, d)
			}
		}
		awsOwned := &qs.QDataKey{QDataKeyType: new(qs.QDataKeyTypeAWSOwned)}
		refuse(t, srv, qs.DescribeKeyRegistration, qs.DescribeKeyRegistrationRequest{AwsAccountId: testkit.Account}, "AccessDeniedException", 401, "not signed up")
		refuse(t, srv, qs.UpdateKeyRegistration, update(), "AccessDeniedException", 401, "not signed up")
		srv.Subscribe(t)
		expect(srv, nil, awsOwned)
		out := do(t, srv, qs.UpdateKeyRegistration, update(key(two, nil), key(one, new(true))))
		if len(out.FailedKeyRegistration) != 0 || len(out.SuccessfulKeyRegistration) != 2 || out.SuccessfulKeyRegistration[0] != (qs.SuccessfulKeyRegistrationEntry{KeyArn: two, StatusCode: 200}) {
			t.Errorf("UpdateKeyRegistration: %+v", out)
		}
		cmk := &qs.QDataKey{QDataKeyType: new(qs.QDataKeyTypeCMK), QDataKeyArn: new(one)}
		expect(srv, nil, cmk, key(two, new(false)), key(one, new(true)))
		expect(srv, new(true), cmk, key(one, new(true)))
		expect(srv.In("eu-west-1"), nil, awsOwned)
		do(t, srv.In("eu-west-1"), qs.UpdateKeyRegistration, update(key(far, nil)))

		for words, bad := range map[string]qs.UpdateKeyRegistrationRequest{
			"Only one key":       update(key(one, new(true)), key(two, new(true))),
			"more than once":     update(key(one, nil), key(one, nil)),
			"in the region":      update(key(far, nil)),
			`KeyArn "" isn't`:    update(qs.RegisteredCustomerManagedKey{}),
			`KeyArn "arn:aws:km`: update(key("arn:aws:kms:us-east-1:111122223333:alias/a", nil)),
			`KeyArn "key"`:       update(key("key", nil)),
		} {
			refuse(t, srv, qs.UpdateKeyRegistration, bad, "InvalidParameterValueException", 400, words)
		}
		refuse(t, srv, qs.UpdateKeyRegistration, update(make([]qs.RegisteredCustomerManagedKey, 101)...), "InvalidParameterValueException", 400, "At most 100")
		expect(srv, nil, cmk, key(two, new(false)), key(one, new(true)))
		do(t, srv, qs.UpdateKeyRegistration, update())
		expect(srv, nil, awsOwned)
		expect(srv.In("eu-west-1"), nil, awsOwned, key(far, new(false)))
	})
}

func TestCapacityAndQ(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		id := testkit.Account
		spice := qs.UpdateSPICECapacityConfigurationRequest{AwsAccountId: id, PurchaseMode: qs.PurchaseModeAutoPurchase}
		refuse(t, srv, qs.UpdateSPICECapacityConfiguration, spice, "ResourceNotFoundException", 404, "not signed up")
		refuse(t, srv, qs.DescribeQPersonalizationConfiguration, qs.DescribeQPersonalizationConfigurationRequest{AwsAccountId: id}, "ResourceNotFoundException", 404, "not signed up")
		refuse(t, srv, qs.UpdateDashboardsQAConfiguration, qs.UpdateDashboardsQAConfigurationRequest{AwsAccountId: id, DashboardsQAStatus: "ENABLED"}, "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		refuse(t, srv, qs.UpdateSPICECapacityConfiguration, qs.UpdateSPICECapacityConfigurationRequest{AwsAccountId: id, PurchaseMode: "FREE"}, "ValidationException", 400, "purchaseMode")
		refuse(t, srv, qs.UpdateQPersonalizationConfiguration, qs.UpdateQPersonalizationConfigurationRequest{AwsAccountId: id, PersonalizationMode: "ON"}, "ValidationException", 400, "personalizationMode")
		do(t, srv, qs.UpdateSPICECapacityConfiguration, spice)
		do(t, srv.In("eu-west-1"), qs.UpdateSPICECapacityConfiguration, spice)

		state := func(srv *testkit.Server) [3]string {
			return [3]string{
				string(*do(t, srv, qs.DescribeQPersonalizationConfiguration, qs.DescribeQPersonalizationConfigurationRequest{AwsAccountId: id}).PersonalizationMode),
				string(*do(t, srv, qs.DescribeQuickSightQSearchConfiguration, qs.DescribeQuickSightQSearchConfigurationRequest{AwsAccountId: id}).QSearchStatus),
				string(*do(t, srv, qs.DescribeDashboardsQAConfiguration, qs.DescribeDashboardsQAConfigurationRequest{AwsAccountId: id}).DashboardsQAStatus),
			}
		}
		expect := func(what string, srv *testkit.Server, want [3]string) {
			t.Helper()
			if got := state(srv); got != want {
				t.Errorf("%s: personalisation, search and questions are %v, want %v", what, got, want)
			}
		}
		expect("without Q", srv, [3]string{"ENABLED", "DISABLED", "DISABLED"})
		subscribeTo(t, srv, func(in *qs.CreateAccountSubscriptionRequest) {
			in.AccountName, in.Edition = "account-"+id, new(qs.EditionEnterpriseAndQ)
			in.FirstName, in.LastName, in.EmailAddress, in.ContactNumber = new("Ana"), new("Roe"), new("ana@example.org"), new("5551234567")
		})
		expect("with Q", srv, [3]string{"ENABLED", "ENABLED", "ENABLED"})
		if out := do(t, srv, qs.UpdateQPersonalizationConfiguration, qs.UpdateQPersonalizationConfigurationRequest{AwsAccountId: id, PersonalizationMode: "DISABLED"}); *out.PersonalizationMode != "DISABLED" {
			t.Errorf("UpdateQPersonalizationConfiguration: %+v", out)
		}
		if out := do(t, srv, qs.UpdateQuickSightQSearchConfiguration, qs.UpdateQuickSightQSearchConfigurationRequest{AwsAccountId: id, QSearchStatus: "DISABLED"}); *out.QSearchStatus != "DISABLED" {
			t.Errorf("UpdateQuickSightQSearchConfiguration: %+v", out)
		}
		if out := do(t, srv, qs.UpdateDashboardsQAConfiguration, qs.UpdateDashboardsQAConfigurationRequest{AwsAccountId: id, DashboardsQAStatus: "DISABLED"}); *out.DashboardsQAStatus != "DISABLED" {
			t.Errorf("UpdateDashboardsQAConfiguration: %+v", out)
		}
		expect("turned off", srv, [3]string{"DISABLED", "DISABLED", "DISABLED"})
		expect("in another region", srv.In("eu-west-1"), [3]string{"ENABLED", "ENABLED", "ENABLED"})
	})
}

func TestDefaultQBusinessApplication(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		id := testkit.Account
		describe := func(ns *string) qs.DescribeDefaultQBusinessApplicationRequest {
			return qs.DescribeDefaultQBusinessApplicationRequest{AwsAccountId: id, Namespace: ns}
		}
		update := func(ns *string, app string) qs.UpdateDefaultQBusinessApplicationRequest {
			return qs.UpdateDefaultQBusinessApplicationRequest{AwsAccountId: id, Namespace: ns, ApplicationId: app}
		}
		remove := func(ns *string) qs.DeleteDefaultQBusinessApplicationRequest {
			return qs.DeleteDefaultQBusinessApplicationRequest{AwsAccountId: id, Namespace: ns}
		}
		refuse(t, srv, qs.DescribeDefaultQBusinessApplication, describe(nil), "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		do(t, srv, qs.CreateNamespace, newNamespace("n"))
		refuse(t, srv, qs.DescribeDefaultQBusinessApplication, describe(nil), "ResourceNotFoundException", 404, "no default Q Business application")
		refuse(t, srv, qs.DeleteDefaultQBusinessApplication, remove(nil), "ResourceNotFoundException", 404, "no default Q Business application")
		refuse(t, srv, qs.UpdateDefaultQBusinessApplication, update(nil, ""), "InvalidParameterValueException", 400, "ApplicationId")
		refuse(t, srv, qs.UpdateDefaultQBusinessApplication, update(new("absent"), "a"), "ResourceNotFoundException", 404, "namespace absent")
		refuse(t, srv.In("eu-west-1"), qs.UpdateDefaultQBusinessApplication, update(nil, "a"), "AccessDeniedException", 401, wrongRegion)
		do(t, srv, qs.UpdateDefaultQBusinessApplication, update(nil, "first"))
		do(t, srv, qs.UpdateDefaultQBusinessApplication, update(nil, "app"))
		do(t, srv, qs.UpdateDefaultQBusinessApplication, update(new("n"), "other"))
		for ns, want := range map[string]string{"": "app", "default": "app", "n": "other"} {
			in := describe(nil)
			if ns != "" {
				in = describe(&ns)
			}
			if got := *do(t, srv, qs.DescribeDefaultQBusinessApplication, in).ApplicationId; got != want {
				t.Errorf("application of %q: %s, want %s", ns, got, want)
			}
		}
		do(t, srv, qs.DeleteDefaultQBusinessApplication, remove(nil))
		refuse(t, srv, qs.DescribeDefaultQBusinessApplication, describe(nil), "ResourceNotFoundException", 404, "")
		do(t, srv, qs.DescribeDefaultQBusinessApplication, describe(new("n")))
	})
}

func TestIdentityPropagation(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		id := testkit.Account
		update := func(service qs.ServiceType, targets ...string) qs.UpdateIdentityPropagationConfigRequest {
			return qs.UpdateIdentityPropagationConfigRequest{AwsAccountId: id, Service: service, AuthorizedTargets: targets}
		}
		list := qs.ListIdentityPropagationConfigsRequest{AwsAccountId: id}
		grant := qs.UpdateApplicationWithTokenExchangeGrantRequest{AwsAccountId: id, Namespace: "default"}
		refuse(t, srv, qs.ListIdentityPropagationConfigs, list, "ResourceNotFoundException", 404, "not signed up")
		subscribeTo(t, srv, centre)
		if out := do(t, srv, qs.ListIdentityPropagationConfigs, list); len(out.Services) != 0 {
			t.Errorf("services at first: %+v", out.Services)
		}
		refuse(t, srv, qs.UpdateIdentityPropagationConfig, update("S3", "a"), "ValidationException", 400, "service")
		refuse(t, srv, qs.UpdateIdentityPropagationConfig, update("ATHENA", ""), "InvalidParameterValueException", 400, "empty")
		refuse(t, srv, qs.UpdateIdentityPropagationConfig, update("ATHENA", make([]string, 1001)...), "InvalidParameterValueException", 400, "at most 1000")
		refuse(t, srv.In("eu-west-1"), qs.UpdateIdentityPropagationConfig, update("ATHENA", "a"), "AccessDeniedException", 401, wrongRegion)
		for _, in := range []qs.UpdateIdentityPropagationConfigRequest{update("REDSHIFT", "x"), update("REDSHIFT", "b", "a"), update("ATHENA"), update("QBUSINESS", "q")} {
			do(t, srv, qs.UpdateIdentityPropagationConfig, in)
		}
		want := []qs.AuthorizedTargetsByService{
			{Service: new(qs.ServiceType("ATHENA")), AuthorizedTargets: []string{}},
			{Service: new(qs.ServiceType("QBUSINESS")), AuthorizedTargets: []string{"q"}},
			{Service: new(qs.ServiceType("REDSHIFT")), AuthorizedTargets: []string{"b", "a"}},
		}
		if d := cmp.Diff(want, do(t, srv, qs.ListIdentityPropagationConfigs, list).Services); d != "" {
			t.Errorf("services (-want +got):\n%s", d)
		}
		page := list
		page.MaxResults = new(int32(2))
		first := do(t, srv, qs.ListIdentityPropagationConfigs, page)
		page.NextToken = first.NextToken
		if d := cmp.Diff(want, append(first.Services, do(t, srv, qs.ListIdentityPropagationConfigs, page).Services...)); d != "" {
			t.Errorf("services in pages (-want +got):\n%s", d)
		}
		page.NextToken = new("x")
		refuse(t, srv, qs.ListIdentityPropagationConfigs, page, "InvalidParameterValueException", 400, "The NextToken value isn't valid.")
		remove := qs.DeleteIdentityPropagationConfigRequest{AwsAccountId: id, Service: "QBUSINESS"}
		do(t, srv, qs.DeleteIdentityPropagationConfig, remove)
		refuse(t, srv, qs.DeleteIdentityPropagationConfig, remove, "ResourceNotFoundException", 404, "QBUSINESS")

		do(t, srv, qs.UpdateApplicationWithTokenExchangeGrant, grant)
		do(t, srv, qs.UpdateApplicationWithTokenExchangeGrant, grant)
		grant.Namespace = "absent"
		refuse(t, srv, qs.UpdateApplicationWithTokenExchangeGrant, grant, "ResourceNotFoundException", 404, "namespace absent")
	})
}

func TestIdentityPropagationNeedsACentre(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		id, words := testkit.Account, "enabled only for identities managed by IAM Identity Center"
		refuse(t, srv, qs.ListIdentityPropagationConfigs, qs.ListIdentityPropagationConfigsRequest{AwsAccountId: id}, "AccessDeniedException", 401, words)
		refuse(t, srv, qs.UpdateIdentityPropagationConfig, qs.UpdateIdentityPropagationConfigRequest{AwsAccountId: id, Service: "ATHENA"}, "AccessDeniedException", 401, words)
		refuse(t, srv, qs.DeleteIdentityPropagationConfig, qs.DeleteIdentityPropagationConfigRequest{AwsAccountId: id, Service: "ATHENA"}, "AccessDeniedException", 401, words)
		refuse(t, srv, qs.UpdateApplicationWithTokenExchangeGrant, qs.UpdateApplicationWithTokenExchangeGrantRequest{AwsAccountId: id, Namespace: "default"}, "AccessDeniedException", 401, words)
	})
}

// TestSettingsEndWithTheSubscription finds nothing of before in an account that
// has come back.
func TestSettingsEndWithTheSubscription(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		id := testkit.Account
		srv.Subscribe(t)
		do(t, srv, qs.UpdatePublicSharingSettings, qs.UpdatePublicSharingSettingsRequest{AwsAccountId: id, PublicSharingEnabled: new(true)})
		do(t, srv, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{AwsAccountId: id, Enabled: new(true)})
		do(t, srv, qs.CreateNamespace, newNamespace("n"))
		do(t, srv, qs.CreateAccountCustomization, qs.CreateAccountCustomizationRequest{AwsAccountId: id, Namespace: new("n"), AccountCustomization: &qs.AccountCustomization{}, Tags: []qs.Tag{{Key: "k", Value: "v"}}})
		do(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: id, DefaultNamespace: "default"})
		do(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: id})
		srv.Write(t, func(tx *store.Tx) error {
			for _, table := range []string{"account_documents", "namespaces", "tags"} {
				n, err := store.One[int](tx, `SELECT COUNT(*) FROM `+table)
				if err != nil || n > 0 {
					t.Errorf("%d rows of %s are left, %v", n, table, err)
				}
			}
			return nil
		})
		srv.Subscribe(t)
		if *do(t, srv, qs.DescribeIpRestriction, qs.DescribeIpRestrictionRequest{AwsAccountId: id}).Enabled ||
			*do(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: id}).AccountSettings.PublicSharingEnabled {
			t.Error("the account that came back has settings of before")
		}
	})
}
