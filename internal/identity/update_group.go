package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updatingGroup(ctx context.Context, in *qs.UpdateGroupRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, in.GroupName)
}

// updateGroup gives a group another description, or takes it away where the
// request has none: Terraform sends none when the attribute was removed.
func (s *Service) updateGroup(ctx context.Context, in *qs.UpdateGroupRequest) (*qs.UpdateGroupResponse, error) {
	out := &qs.UpdateGroupResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.enterToChange(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		g, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName)
		if err != nil {
			return err
		}
		g.Description = in.Description
		_, err = tx.Exec(`UPDATE user_groups SET description = $4 WHERE account = $1 AND namespace = $2 AND name = $3`,
			g.Account, g.Namespace, g.Name, g.Description)
		out.Group = new(g.api(tenant.Region))
		return err
	})
	return out, err
}
