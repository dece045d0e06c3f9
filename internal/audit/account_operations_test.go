package audit_test

import (
	"maps"
	"testing"

	"onsight/internal/qs"
)

// accountSettings makes the calls that change namespaces and settings.
func (w *world) accountSettings() {
	name := new("tenant")
	do(w, qs.CreateNamespace, qs.CreateNamespaceRequest{AwsAccountId: home, Namespace: *name, IdentityStore: qs.IdentityStoreQuicksight})
	do(w, qs.CreateAccountCustomization, qs.CreateAccountCustomizationRequest{AwsAccountId: home, Namespace: name, AccountCustomization: &qs.AccountCustomization{}})
	do(w, qs.UpdateAccountCustomization, qs.UpdateAccountCustomizationRequest{AwsAccountId: home, Namespace: name, AccountCustomization: &qs.AccountCustomization{}})
	do(w, qs.DeleteAccountCustomization, qs.DeleteAccountCustomizationRequest{AwsAccountId: home, Namespace: name})
	do(w, qs.UpdateDefaultQBusinessApplication, qs.UpdateDefaultQBusinessApplicationRequest{AwsAccountId: home, ApplicationId: "app"})
	do(w, qs.DeleteDefaultQBusinessApplication, qs.DeleteDefaultQBusinessApplicationRequest{AwsAccountId: home})
	do(w, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: home, Namespace: *name})
	do(w, qs.UpdatePublicSharingSettings, qs.UpdatePublicSharingSettingsRequest{AwsAccountId: home})
	do(w, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{AwsAccountId: home, IpRestrictionRuleMap: map[string]string{"10.0.0.0/8": "d"}})
	do(w, qs.UpdateKeyRegistration, qs.UpdateKeyRegistrationRequest{AwsAccountId: home, KeyRegistration: []qs.RegisteredCustomerManagedKey{}})
	do(w, qs.UpdateSPICECapacityConfiguration, qs.UpdateSPICECapacityConfigurationRequest{AwsAccountId: home, PurchaseMode: qs.PurchaseModeManual})
	do(w, qs.UpdateQPersonalizationConfiguration, qs.UpdateQPersonalizationConfigurationRequest{AwsAccountId: home, PersonalizationMode: qs.PersonalizationModeEnabled})
	do(w, qs.UpdateQuickSightQSearchConfiguration, qs.UpdateQuickSightQSearchConfigurationRequest{AwsAccountId: home, QSearchStatus: qs.QSearchStatusEnabled})
	do(w, qs.UpdateDashboardsQAConfiguration, qs.UpdateDashboardsQAConfigurationRequest{AwsAccountId: home, DashboardsQAStatus: qs.DashboardsQAStatusEnabled})
}

// centred are the operations of accounts that an identity centre manages.
var centred = []string{"UpdateIdentityPropagationConfig", "DeleteIdentityPropagationConfig", "UpdateApplicationWithTokenExchangeGrant"}

// TestEveryChangeWithAnIdentityCentre makes the calls that need one.
func TestEveryChangeWithAnIdentityCentre(t *testing.T) {
	t.Parallel()
	each(t, func(w *world) {
		do(w, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
			AwsAccountId: home, AccountName: "acme", NotificationEmail: "a@example.org",
			AuthenticationMethod: qs.AuthenticationMethodOptionIAMIdentityCenter, AdminGroup: []string{"admins"},
		})
		do(w, qs.UpdateIdentityPropagationConfig, qs.UpdateIdentityPropagationConfigRequest{AwsAccountId: home, Service: "ATHENA", AuthorizedTargets: []string{"t"}})
		do(w, qs.DeleteIdentityPropagationConfig, qs.DeleteIdentityPropagationConfigRequest{AwsAccountId: home, Service: "ATHENA"})
		do(w, qs.UpdateApplicationWithTokenExchangeGrant, qs.UpdateApplicationWithTokenExchangeGrantRequest{AwsAccountId: home, Namespace: "default"})
		got := map[string]int{}
		for _, r := range w.records(home, 5) { // the calls, and the job of the sign-up
			w.wholesome(&r)
			if r.EventType != "AwsServiceEvent" {
				got[r.EventName]++
			}
		}
		if !maps.Equal(got, w.calls) {
			t.Errorf("events %v of the calls %v", got, w.calls)
		}
		for _, name := range centred {
			if w.calls[name] == 0 {
				t.Errorf("%s was not called", name)
			}
		}
	})
}
