package account

import (
	"context"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// customization is what people of an account or of a namespace see first.
// Customizations of one region say nothing of another.
type customization struct {
	DefaultTheme                      string `json:"defaultTheme,omitempty"`
	DefaultEmailCustomizationTemplate string `json:"defaultEmailCustomizationTemplate,omitempty"`
}

const customizations kind[customization] = "customization"

// customizationARN forms the ARN of the customization of a namespace, or with an
// empty name, of the account. No namespace has a slash in its name.
func customizationARN(region, account, name string) string {
	if name == "" {
		name = "account/" + account
	}
	return arn.QuickSight(region, account, "customization/"+name)
}

func onCustomization(ctx context.Context, account string, name *string) policy.Target {
	return policy.Target{Resource: customizationARN(api.Region(ctx), account, value(name))}
}

func (c customization) api() *qs.AccountCustomization {
	out := &qs.AccountCustomization{}
	if c.DefaultTheme != "" {
		out.DefaultTheme = &c.DefaultTheme
	}
	if c.DefaultEmailCustomizationTemplate != "" {
		out.DefaultEmailCustomizationTemplate = &c.DefaultEmailCustomizationTemplate
	}
	return out
}

// newCustomization reads a customization of the account from a request.
func newCustomization(account string, in *qs.AccountCustomization) (customization, error) {
	c := customization{value(in.DefaultTheme), value(in.DefaultEmailCustomizationTemplate)}
	if !names(c.DefaultTheme, account, "theme") {
		return c, fault.Invalid("DefaultTheme %s isn't valid: it must be the ARN of a theme of account %s, or of one of AWS's own. ", c.DefaultTheme, account)
	}
	if !names(c.DefaultEmailCustomizationTemplate, account, "email-customization-template") {
		return c, fault.Invalid("DefaultEmailCustomizationTemplate %s isn't valid: it must be the ARN of an e-mail customization template of account %s. ",
			c.DefaultEmailCustomizationTemplate, account)
	}
	return c, nil
}

// names tells whether a text is the ARN of something of a type that belongs to
// the account or, such as the theme MIDNIGHT, to AWS. The empty text is none.
func names(text, account, kind string) bool {
	if text == "" {
		return true
	}
	a, err := arn.Parse(text)
	if err != nil || a.Service != "quicksight" || a.Account != account && (a.Account != "aws" || kind != "theme") {
		return false
	}
	is, id := a.Split()
	return is == kind && id != "" && !strings.Contains(id, "/")
}

// customized is the gate of operations on customizations, which answer in every
// region: the account must be subscribed, and the namespace must be there.
func customized(ctx context.Context, tx *store.Tx, account string, name *string) (place, error) {
	at := place{account: account, namespace: value(name), region: api.Region(ctx)}
	if _, err := openAnywhere(tx, account); err != nil {
		return at, err
	}
	if name == nil {
		return at, nil
	}
	n, err := findNamespace(tx, account, *name)
	if err == nil && n.Status != namespaceCreated {
		err = unusable(account, n.Name, n.Status)
	}
	return at, err
}

func noCustomization(at place) error {
	if at.namespace == "" {
		return fault.NotFound("", "The account has no customization in region %s. AWS account ID: %s. ", at.region, at.account)
	}
	return fault.NotFound("", "The namespace has no customization in region %s. AWS account ID: %s, Namespace: %s. ", at.region, at.account, at.namespace)
}

func (s *Service) creatingCustomization(_ context.Context, in *qs.CreateAccountCustomizationRequest) policy.Target {
	return policy.Target{Resource: "*", Context: resource.RequestTags(in.Tags)}
}

func (s *Service) createAccountCustomization(ctx context.Context, in *qs.CreateAccountCustomizationRequest) (*qs.CreateAccountCustomizationResponse, error) {
	c, err := newCustomization(in.AwsAccountId, in.AccountCustomization)
	if err != nil {
		return nil, err
	}
	out := &qs.CreateAccountCustomizationResponse{AccountCustomization: c.api(), AwsAccountId: &in.AwsAccountId, Namespace: in.Namespace}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		at, err := customized(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, found, err := customizations.read(tx, at); err != nil {
			return err
		} else if found {
			return fault.Exists("", "There is a customization already: change it with UpdateAccountCustomization. AWS account ID: %s, Namespace: %s. ",
				at.account, at.namespace)
		}
		out.Arn = new(customizationARN(at.region, at.account, at.namespace))
		if len(in.Tags) > 0 {
			if err := s.tags.Put(tx, *out.Arn, in.Tags); err != nil {
				return err
			}
		}
		return customizations.write(tx, at, c, s.now())
	})
	return out, err
}

func (s *Service) describingCustomization(ctx context.Context, in *qs.DescribeAccountCustomizationRequest) policy.Target {
	return onCustomization(ctx, in.AwsAccountId, in.Namespace)
}

// describeAccountCustomization gives what is set for the account or for the
// namespace or, resolved, what applies there: what the namespace does not set,
// the account does.
func (s *Service) describeAccountCustomization(ctx context.Context, in *qs.DescribeAccountCustomizationRequest) (*qs.DescribeAccountCustomizationResponse, error) {
	out := &qs.DescribeAccountCustomizationResponse{AwsAccountId: &in.AwsAccountId, Namespace: in.Namespace}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		at, err := customized(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		c, found, err := customizations.read(tx, at)
		if err != nil {
			return err
		}
		if in.Resolved != nil && *in.Resolved {
			of, _, err := customizations.read(tx, place{account: at.account, region: at.region})
			if err != nil {
				return err
			}
			c = c.over(of)
		} else if !found {
			return noCustomization(at)
		}
		out.AccountCustomization = c.api()
		out.Arn = new(customizationARN(at.region, at.account, at.namespace))
		return nil
	})
	return out, err
}

// over puts a customization before that of a level above.
func (c customization) over(above customization) customization {
	if c.DefaultTheme == "" {
		c.DefaultTheme = above.DefaultTheme
	}
	if c.DefaultEmailCustomizationTemplate == "" {
		c.DefaultEmailCustomizationTemplate = above.DefaultEmailCustomizationTemplate
	}
	return c
}

func (s *Service) updatingCustomization(ctx context.Context, in *qs.UpdateAccountCustomizationRequest) policy.Target {
	return onCustomization(ctx, in.AwsAccountId, in.Namespace)
}

// updateAccountCustomization replaces a customization: what the request leaves
// out, it has no longer.
func (s *Service) updateAccountCustomization(ctx context.Context, in *qs.UpdateAccountCustomizationRequest) (*qs.UpdateAccountCustomizationResponse, error) {
	c, err := newCustomization(in.AwsAccountId, in.AccountCustomization)
	if err != nil {
		return nil, err
	}
	out := &qs.UpdateAccountCustomizationResponse{AccountCustomization: c.api(), AwsAccountId: &in.AwsAccountId, Namespace: in.Namespace}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		at, err := customized(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, found, err := customizations.read(tx, at); err != nil {
			return err
		} else if !found {
			return noCustomization(at)
		}
		out.Arn = new(customizationARN(at.region, at.account, at.namespace))
		return customizations.write(tx, at, c, s.now())
	})
	return out, err
}

func (s *Service) deletingCustomization(ctx context.Context, in *qs.DeleteAccountCustomizationRequest) policy.Target {
	return onCustomization(ctx, in.AwsAccountId, in.Namespace)
}

// deleteAccountCustomization removes the customization of one level; those of
// the other stay.
func (s *Service) deleteAccountCustomization(ctx context.Context, in *qs.DeleteAccountCustomizationRequest) (*qs.DeleteAccountCustomizationResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		at, err := customized(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		found, err := customizations.remove(tx, at)
		if err != nil {
			return err
		}
		if !found {
			return noCustomization(at)
		}
		return s.tags.Delete(tx, customizationARN(at.region, at.account, at.namespace))
	})
	return &qs.DeleteAccountCustomizationResponse{}, err
}

// CustomizationExists tells whether the customization of an ARN is there.
func (s *Service) CustomizationExists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, name := a.Split()
	if name == "account/"+a.Account {
		name = ""
	}
	_, found, err := customizations.read(tx, place{account: a.Account, namespace: name, region: a.Region})
	return found, err
}
