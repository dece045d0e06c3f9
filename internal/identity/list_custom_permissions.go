package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingProfiles(ctx context.Context, in *qs.ListCustomPermissionsRequest) policy.Target {
	return onProfile(ctx, in.AwsAccountId, "*")
}

// listCustomPermissions lists the profiles of an account by name.
func (s *Service) listCustomPermissions(ctx context.Context, in *qs.ListCustomPermissionsRequest) (*qs.ListCustomPermissionsResponse, error) {
	scope := page.Scope("ListCustomPermissions", in.AwsAccountId)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListCustomPermissionsResponse{CustomPermissionsList: []qs.CustomPermissions{}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		profiles, err := store.All[profile](tx, `SELECT `+profileColumns+` FROM custom_permissions
			WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3`, in.AwsAccountId, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &profiles) {
			out.NextToken = p.Next(profiles[len(profiles)-1].Name)
		}
		for i := range profiles {
			shown, err := profiles[i].api(region)
			if err != nil {
				return err
			}
			out.CustomPermissionsList = append(out.CustomPermissionsList, shown)
		}
		return nil
	})
	return out, err
}
