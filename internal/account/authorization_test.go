package account_test

import (
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// someone makes an IAM user, and gives what sets its one policy.
func someone(t *testing.T, srv *testkit.Server) (who *testkit.Server, may func(statements ...string)) {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"}); err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), ""), func(statements ...string) {
		t.Helper()
		_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
			UserName: "ana", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

func allow(resource string, actions ...string) string {
	return `{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"` + resource + `"}`
}

// TestWhoMayNot asks for each sort of target: what the policy allows is done,
// and what it does not is refused with the action and the resource.
func TestWhoMayNot(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, may := someone(t, srv)
		id := testkit.Account
		const here = "arn:aws:quicksight:us-east-1:111122223333:"
		denied := func(err error, action, resource string) {
			t.Helper()
			want := "is not authorized to perform: quicksight:" + action + " on resource: " + resource + " because no identity-based policy allows the quicksight:" + action + " action"
			if f := fault.Of(err); f == nil || f.Code != "AccessDeniedException" || f.Status != 403 || !strings.Contains(f.Message, want) {
				t.Errorf("%s: %v, want 403 and %s", action, err, want)
			}
		}
		may(allow(here+"namespace/mine", "quicksight:*Namespace"), allow(here+"customization/mine", "quicksight:*AccountCustomization"))
		do(t, ana, qs.CreateNamespace, newNamespace("mine"))
		do(t, ana, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: id, Namespace: "mine"})
		_, err := testkit.Call(t, ana, qs.CreateNamespace, newNamespace("yours"))
		denied(err, "CreateNamespace", here+"namespace/yours")
		_, err = testkit.Call(t, ana, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: id, Namespace: "default"})
		denied(err, "DeleteNamespace", here+"namespace/default")
		_, err = testkit.Call(t, ana, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: id})
		denied(err, "ListNamespaces", here+"namespace/*")
		tagged := newNamespace("mine")
		tagged.Tags = []qs.Tag{{Key: "k", Value: "v"}}
		_, err = testkit.Call(t, ana, qs.CreateNamespace, tagged)
		denied(err, "TagResource", here+"namespace/mine")

		do(t, srv, qs.CreateAccountCustomization, qs.CreateAccountCustomizationRequest{AwsAccountId: id, Namespace: new("mine"), AccountCustomization: &qs.AccountCustomization{}})
		do(t, ana, qs.DescribeAccountCustomization, qs.DescribeAccountCustomizationRequest{AwsAccountId: id, Namespace: new("mine")})
		_, err = testkit.Call(t, ana, qs.DescribeAccountCustomization, qs.DescribeAccountCustomizationRequest{AwsAccountId: id})
		denied(err, "DescribeAccountCustomization", here+"customization/account/111122223333")
		_, err = testkit.Call(t, ana, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{AwsAccountId: id, Enabled: new(true)})
		denied(err, "UpdateIpRestriction", "*")
		_, err = testkit.Call(t, ana, qs.UpdateSPICECapacityConfiguration, qs.UpdateSPICECapacityConfigurationRequest{AwsAccountId: id, PurchaseMode: "MANUAL"})
		denied(err, "UpdateSPICECapacityConfiguration", "*")

		// To register and to remove keys are actions of their own.
		keys := func(names ...string) error {
			in := qs.UpdateKeyRegistrationRequest{AwsAccountId: id, KeyRegistration: []qs.RegisteredCustomerManagedKey{}}
			for _, name := range names {
				in.KeyRegistration = append(in.KeyRegistration, qs.RegisteredCustomerManagedKey{KeyArn: new("arn:aws:kms:us-east-1:111122223333:key/" + name)})
			}
			_, err := testkit.Call(t, ana, qs.UpdateKeyRegistration, in)
			return err
		}
		may(allow("*", "quicksight:UpdateKeyRegistration"))
		denied(keys("a"), "RegisterCustomerManagedKey", "*")
		if err := keys(); err != nil {
			t.Errorf("no change: %v", err)
		}
		may(allow("*", "quicksight:UpdateKeyRegistration", "quicksight:RegisterCustomerManagedKey"))
		if err := keys("a", "b"); err != nil {
			t.Errorf("keys added: %v", err)
		}
		denied(keys("a"), "RemoveCustomerManagedKey", "*")
		if n := len(do(t, srv, qs.DescribeKeyRegistration, qs.DescribeKeyRegistrationRequest{AwsAccountId: id}).KeyRegistration); n != 2 {
			t.Errorf("%d keys are left after a refusal, want 2", n)
		}
		may(allow("*", "quicksight:UpdateKeyRegistration", "quicksight:RemoveCustomerManagedKey"))
		if err := keys("a"); err != nil {
			t.Errorf("a key removed: %v", err)
		}
	})
}
