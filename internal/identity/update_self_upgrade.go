package identity

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) decidingSelfUpgrade(ctx context.Context, in *qs.UpdateSelfUpgradeRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, "*")
}

// updateSelfUpgrade decides a request. APPROVE changes the role at once. Where
// a directory decides about roles, an administrator changes the user's groups
// first, and VERIFY looks whether the role has come.
func (s *Service) updateSelfUpgrade(ctx context.Context, in *qs.UpdateSelfUpgradeRequest) (*qs.UpdateSelfUpgradeResponse, error) {
	out := &qs.UpdateSelfUpgradeResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		r, err := findUpgrade(tx, in.AwsAccountId, in.Namespace, in.UpgradeRequestId)
		if err != nil {
			return err
		}
		if r.settled() {
			return fault.Precondition("Upgrade request %s is %s already. %s", r.ID, r.Status, tail(r.Account, r.Namespace))
		}
		switch in.Action {
		case qs.SelfUpgradeAdminActionApprove:
			if tenant.directory() {
				return fault.Precondition("The groups of the directory decide about roles: add the user to a group that has the role %s, and VERIFY the request. %s",
					r.RequestedRole, tail(r.Account, r.Namespace))
			}
			err = s.apply(tx, &r)
		case qs.SelfUpgradeAdminActionVerify:
			err = s.verify(tx, &r)
		case qs.SelfUpgradeAdminActionDeny:
			r.Status, r.Failure = string(qs.SelfUpgradeRequestStatusDenied), nil
		}
		if err == nil {
			err = s.save(tx, &r)
		}
		out.SelfUpgradeRequestDetail = new(r.api())
		api.Result(ctx, out)
		return err
	})
	return out, err
}
