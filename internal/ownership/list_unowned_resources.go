package ownership

import (
	"context"
	"slices"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// window is how many resources one call looks at: an account in which
// everything has an owner is no reason for one long read.
const window = 2000

func (s *Service) listing(context.Context, *onsightapi.ListUnownedResourcesRequest) policy.Target {
	return everything()
}

// listUnownedResources lists what no permission list and no folder gives an
// owner, by region, kind and id. A page may have fewer than asked for, or
// none, and yet a NextToken.
func (s *Service) listUnownedResources(ctx context.Context, in *onsightapi.ListUnownedResourcesRequest) (*onsightapi.ListUnownedResourcesResponse, error) {
	kind := ""
	if in.Kind != nil {
		if kind = *in.Kind; !slices.Contains(s.kinds, kind) {
			return nil, fault.Invalid("Kind %s isn't one that has owners. These are %s.", kind, strings.Join(s.kinds, ", "))
		}
	}
	scope := page.Scope("ListUnownedResources", in.AwsAccountId, kind)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	after := resource.Place{Region: p.After(0), Kind: p.After(1), ID: p.After(2)}
	out := &onsightapi.ListUnownedResourcesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		all, err := resource.Walk(tx, in.AwsAccountId, after, window)
		if err != nil {
			return err
		}
		out.Resources, out.NextToken = []onsightapi.UnownedResource{}, nil
		for i, r := range all {
			free, err := s.unowned(tx, kind, r)
			if err != nil {
				return err
			}
			if free {
				out.Resources = append(out.Resources, onsightapi.UnownedResource{
					Arn: &r.ARN, Kind: &r.Kind, Region: &r.Region, Id: &r.ID, Name: &r.Name, CreatedTime: &r.Created, LastUpdatedTime: &r.Updated,
				})
			}
			if len(out.Resources) == p.Limit && i+1 < len(all) || i+1 == window {
				out.NextToken = p.Next(r.Region, r.Kind, r.ID)
				break
			}
		}
		return nil
	})
	return out, err
}

// unowned says whether a resource, of the kind where one is named, has no owner.
func (s *Service) unowned(tx *store.Tx, kind string, r resource.Found) (bool, error) {
	if r.Owners > 0 || !slices.Contains(s.kinds, r.Kind) || kind != "" && r.Kind != kind {
		return false, nil
	}
	kept, err := s.folders.Kept(tx, r.ARN)
	return !kept, err
}
