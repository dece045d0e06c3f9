package account_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	midnight = "arn:aws:quicksight::aws:theme/MIDNIGHT"
	corporal = "arn:aws:quicksight:us-east-1:111122223333:theme/corporate"
	letter   = "arn:aws:quicksight:us-east-1:111122223333:email-customization-template/letter"
)

func TestAccountCustomization(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		create := func(ns *string, theme, mail *string) qs.CreateAccountCustomizationRequest {
			return qs.CreateAccountCustomizationRequest{
				AwsAccountId: testkit.Account, Namespace: ns,
				AccountCustomization: &qs.AccountCustomization{DefaultTheme: theme, DefaultEmailCustomizationTemplate: mail},
			}
		}
		describe := func(ns *string, resolved *bool) qs.DescribeAccountCustomizationRequest {
			return qs.DescribeAccountCustomizationRequest{AwsAccountId: testkit.Account, Namespace: ns, Resolved: resolved}
		}
		update := func(ns *string, theme, mail *string) qs.UpdateAccountCustomizationRequest {
			return qs.UpdateAccountCustomizationRequest{
				AwsAccountId: testkit.Account, Namespace: ns,
				AccountCustomization: &qs.AccountCustomization{DefaultTheme: theme, DefaultEmailCustomizationTemplate: mail},
			}
		}
		remove := func(ns *string) qs.DeleteAccountCustomizationRequest {
			return qs.DeleteAccountCustomizationRequest{AwsAccountId: testkit.Account, Namespace: ns}
		}
		expect := func(what string, got, want *qs.AccountCustomization) {
			t.Helper()
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		n := new("n")
		refuse(t, srv, qs.CreateAccountCustomization, create(nil, nil, nil), "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		do(t, srv, qs.CreateNamespace, newNamespace("n"))

		// Nothing is set: each level says so, and nothing applies.
		for _, ns := range []*string{nil, n} {
			refuse(t, srv, qs.DescribeAccountCustomization, describe(ns, nil), "ResourceNotFoundException", 404, "no customization")
			refuse(t, srv, qs.UpdateAccountCustomization, update(ns, new(midnight), nil), "ResourceNotFoundException", 404, "no customization")
			refuse(t, srv, qs.DeleteAccountCustomization, remove(ns), "ResourceNotFoundException", 404, "no customization")
			expect("resolved at first", do(t, srv, qs.DescribeAccountCustomization, describe(ns, new(true))).AccountCustomization, &qs.AccountCustomization{})
		}
		for _, bad := range []string{"midnight", "arn:aws:quicksight::aws:dashboard/d", "arn:aws:quicksight:us-east-1:444455556666:theme/t", "arn:aws:quicksight:us-east-1:111122223333:theme/", "arn:aws:s3:::theme/x"} {
			refuse(t, srv, qs.CreateAccountCustomization, create(nil, new(bad), nil), "InvalidParameterValueException", 400, "DefaultTheme "+bad)
		}
		refuse(t, srv, qs.CreateAccountCustomization, create(nil, nil, new(midnight)), "InvalidParameterValueException", 400, "DefaultEmailCustomizationTemplate")
		refuse(t, srv, qs.CreateAccountCustomization, create(new("absent"), nil, nil), "ResourceNotFoundException", 404, "namespace absent")

		in := create(nil, new(midnight), new(letter))
		in.Tags = []qs.Tag{{Key: "team", Value: "bi"}}
		made := do(t, srv, qs.CreateAccountCustomization, in)
		if *made.Arn != "arn:aws:quicksight:us-east-1:111122223333:customization/account/111122223333" || *made.AwsAccountId != testkit.Account || made.Namespace != nil || *made.Status != 201 {
			t.Errorf("CreateAccountCustomization: %+v", made)
		}
		refuse(t, srv, qs.CreateAccountCustomization, create(nil, nil, nil), "ResourceExistsException", 409, "UpdateAccountCustomization")
		if tags := do(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn}).Tags; len(tags) != 1 {
			t.Errorf("tags of the customization: %v", tags)
		}
		do(t, srv, qs.CreateAccountCustomization, create(n, new(corporal), nil))
		expect("of the account", do(t, srv, qs.DescribeAccountCustomization, describe(nil, nil)).AccountCustomization, in.AccountCustomization)
		expect("of the namespace", do(t, srv, qs.DescribeAccountCustomization, describe(n, nil)).AccountCustomization, &qs.AccountCustomization{DefaultTheme: new(corporal)})
		expect("resolved", do(t, srv, qs.DescribeAccountCustomization, describe(n, new(true))).AccountCustomization,
			&qs.AccountCustomization{DefaultTheme: new(corporal), DefaultEmailCustomizationTemplate: new(letter)})
		expect("resolved in another namespace", do(t, srv, qs.DescribeAccountCustomization, describe(new("default"), new(true))).AccountCustomization, in.AccountCustomization)
		// Another region has its own.
		refuse(t, srv.In("eu-west-1"), qs.DescribeAccountCustomization, describe(nil, nil), "ResourceNotFoundException", 404, "in region eu-west-1")

		expect("updated", do(t, srv, qs.UpdateAccountCustomization, update(n, nil, new(letter))).AccountCustomization,
			&qs.AccountCustomization{DefaultEmailCustomizationTemplate: new(letter)})
		expect("of the namespace, updated", do(t, srv, qs.DescribeAccountCustomization, describe(n, nil)).AccountCustomization,
			&qs.AccountCustomization{DefaultEmailCustomizationTemplate: new(letter)})
		do(t, srv, qs.DeleteAccountCustomization, remove(nil))
		refuse(t, srv, qs.DeleteAccountCustomization, remove(nil), "ResourceNotFoundException", 404, "no customization")
		refuse(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn}, "ResourceNotFoundException", 404, "")
		expect("of the namespace, alone", do(t, srv, qs.DescribeAccountCustomization, describe(n, nil)).AccountCustomization,
			&qs.AccountCustomization{DefaultEmailCustomizationTemplate: new(letter)})
	})
}
