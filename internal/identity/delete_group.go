package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingGroup(ctx context.Context, in *qs.DeleteGroupRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, in.GroupName)
}

// deleteGroup removes a group with its memberships and all that it was
// granted. Its members stay, and so does what it owned.
func (s *Service) deleteGroup(ctx context.Context, in *qs.DeleteGroupRequest) (*qs.DeleteGroupResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.enterToChange(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		g, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName)
		if err != nil {
			return err
		}
		if err := removeGroup(tx, g); err != nil {
			return err
		}
		return s.leave(tx, groupARN(tenant.Region, g.Account, g.Namespace, g.Name))
	})
	return &qs.DeleteGroupResponse{}, err
}

func removeGroup(tx *store.Tx, g group) error {
	for _, deletion := range []string{
		`DELETE FROM iam_policy_assignees WHERE account = $1 AND namespace = $2 AND kind = 'group' AND name = $3`,
		`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3`,
		`DELETE FROM user_groups WHERE account = $1 AND namespace = $2 AND name = $3`,
	} {
		if _, err := tx.Exec(deletion, g.Account, g.Namespace, g.Name); err != nil {
			return err
		}
	}
	_, err := tx.Exec(`UPDATE group_counts SET groups_n = groups_n - 1 WHERE account = $1 AND namespace = $2`, g.Account, g.Namespace)
	return err
}
