package network

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteVPCConnectionRequest) policy.Target {
	return onConnection(ctx, in.AwsAccountId, in.VPCConnectionId)
}

// deleteVPCConnection begins to delete a connection that nothing uses.
func (s *Service) deleteVPCConnection(ctx context.Context, in *qs.DeleteVPCConnectionRequest) (*qs.DeleteVPCConnectionResponse, error) {
	k := key(ctx, in.AwsAccountId, in.VPCConnectionId)
	out := &qs.DeleteVPCConnectionResponse{
		DeletionStatus: new(qs.VPCConnectionResourceStatusDeletionInProgress), AvailabilityStatus: new(qs.VPCConnectionAvailabilityStatusUnavailable),
	}
	err := s.settled(ctx, connections.ARN(k), func() error {
		return s.db.Write(ctx, func(tx *store.Tx) error {
			if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
				return err
			}
			it, err := connections.Update(tx, k, s.now(), func(it *item) error {
				if err := movable(it); err != nil {
					return err
				}
				return connections.Move(it, deleting)
			})
			if err != nil {
				return err
			}
			// Asked after the row was written, which whoever begins to use the
			// connection writes too.
			for _, users := range s.users {
				by, err := users(tx, it.ARN)
				if err != nil {
					return err
				}
				if len(by) > 0 {
					return fault.Conflict("VPC connection %s can't be deleted while %s uses it.", it.ID, by[0])
				}
			}
			out.Arn, out.VPCConnectionId = &it.ARN, &it.ID
			api.Result(ctx, out)
			return s.begin(tx, it)
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
