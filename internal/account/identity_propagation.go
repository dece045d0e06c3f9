package account

import (
	"context"
	"maps"
	"slices"

	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// propagation is to whom the identity of a user is passed on: targets by the
// service that they belong to.
type propagation map[qs.ServiceType][]string

const (
	identityPropagation kind[propagation] = "identity-propagation"

	propagationPage = 10   // services: the most that the model allows
	maxTargets      = 1000 // of one service; nothing is published
)

// centred is the gate of operations that need an identity centre.
func centred(ctx context.Context, tx *store.Tx, account string) error {
	row, err := open(ctx, tx, account)
	if err != nil {
		return err
	}
	if row.AuthenticationMethod != string(qs.AuthenticationMethodOptionIAMIdentityCenter) {
		return fault.Denied("Operation is enabled only for identities managed by IAM Identity Center. AWS account ID: %s. ", account)
	}
	return nil
}

// listIdentityPropagationConfigs lists by the name of the service.
func (s *Service) listIdentityPropagationConfigs(ctx context.Context, in *qs.ListIdentityPropagationConfigsRequest) (*qs.ListIdentityPropagationConfigsResponse, error) {
	scope := page.Scope("ListIdentityPropagationConfigs", in.AwsAccountId)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, propagationPage)
	if err != nil {
		return nil, err
	}
	out := &qs.ListIdentityPropagationConfigsResponse{Services: []qs.AuthorizedTargetsByService{}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := centred(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		all, _, err := identityPropagation.read(tx, place{account: in.AwsAccountId})
		services := slices.DeleteFunc(slices.Sorted(maps.Keys(all)), func(t qs.ServiceType) bool { return string(t) <= p.After(0) })
		if page.Cut(p, &services) {
			out.NextToken = p.Next(string(services[len(services)-1]))
		}
		for _, service := range services {
			out.Services = append(out.Services, qs.AuthorizedTargetsByService{Service: &service, AuthorizedTargets: all[service]})
		}
		return err
	})
	return out, err
}

// updateIdentityPropagationConfig replaces the targets of a service.
func (s *Service) updateIdentityPropagationConfig(ctx context.Context, in *qs.UpdateIdentityPropagationConfigRequest) (*qs.UpdateIdentityPropagationConfigResponse, error) {
	if len(in.AuthorizedTargets) > maxTargets {
		return nil, fault.Invalid("A service has at most %d authorized targets, the request has %d.", maxTargets, len(in.AuthorizedTargets))
	}
	if slices.Contains(in.AuthorizedTargets, "") {
		return nil, fault.Invalid("AuthorizedTargets must not hold an empty text.")
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := centred(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		at := place{account: in.AwsAccountId}
		all, _, err := identityPropagation.read(tx, at)
		if err != nil {
			return err
		}
		if all == nil {
			all = propagation{}
		}
		all[in.Service] = append([]string{}, in.AuthorizedTargets...)
		return identityPropagation.write(tx, at, all, s.now())
	})
	return &qs.UpdateIdentityPropagationConfigResponse{}, err
}

func (s *Service) deleteIdentityPropagationConfig(ctx context.Context, in *qs.DeleteIdentityPropagationConfigRequest) (*qs.DeleteIdentityPropagationConfigResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := centred(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		at := place{account: in.AwsAccountId}
		all, _, err := identityPropagation.read(tx, at)
		if err != nil {
			return err
		}
		if _, found := all[in.Service]; !found {
			return fault.NotFound("", "Service %s has no identity propagation configuration. AWS account ID: %s. ", in.Service, in.AwsAccountId)
		}
		delete(all, in.Service)
		return identityPropagation.write(tx, at, all, s.now())
	})
	return &qs.DeleteIdentityPropagationConfigResponse{}, err
}
