package network

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateVPCConnectionRequest) policy.Target {
	return onConnection(ctx, in.AwsAccountId, in.VPCConnectionId)
}

// updateVPCConnection replaces the settings of a connection once their network
// profile is found. Resolvers that are not given go away.
func (s *Service) updateVPCConnection(ctx context.Context, in *qs.UpdateVPCConnectionRequest) (*qs.UpdateVPCConnectionResponse, error) {
	set := settings{
		Name: in.Name, RoleARN: in.RoleArn, Subnets: in.SubnetIds, SecurityGroups: in.SecurityGroupIds, Resolvers: in.DnsResolvers,
	}
	if err := set.check(in.AwsAccountId); err != nil {
		return nil, err
	}
	k := key(ctx, in.AwsAccountId, in.VPCConnectionId)
	out := &qs.UpdateVPCConnectionResponse{UpdateStatus: new(qs.VPCConnectionResourceStatusUpdateInProgress)}
	err := s.settled(ctx, connections.ARN(k), func() error {
		return s.db.Write(ctx, func(tx *store.Tx) error {
			if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
				return err
			}
			it, err := connections.Update(tx, k, s.now(), func(it *item) error {
				if err := movable(it); err != nil {
					return err
				}
				it.Doc.Pending = &set
				return connections.Move(it, updating)
			})
			if err != nil {
				return err
			}
			out.Arn, out.VPCConnectionId, out.AvailabilityStatus = &it.ARN, &it.ID, s.shown(it).AvailabilityStatus
			api.Result(ctx, out)
			return s.begin(tx, it)
		})
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
