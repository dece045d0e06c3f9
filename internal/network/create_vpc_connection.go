package network

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *qs.CreateVPCConnectionRequest) policy.Target {
	on := onConnection(ctx, in.AwsAccountId, in.VPCConnectionId)
	on.Context = resource.RequestTags(in.Tags)
	return on
}

// createVPCConnection makes a connection, its tags and the job that looks for
// its network profile. The id of one that was deleted is free.
func (s *Service) createVPCConnection(ctx context.Context, in *qs.CreateVPCConnectionRequest) (*qs.CreateVPCConnectionResponse, error) {
	set := settings{
		Name: in.Name, RoleARN: in.RoleArn, Subnets: in.SubnetIds, SecurityGroups: in.SecurityGroupIds, Resolvers: in.DnsResolvers,
	}
	if err := set.check(in.AwsAccountId); err != nil {
		return nil, err
	}
	out := &qs.CreateVPCConnectionResponse{
		CreationStatus: new(qs.VPCConnectionResourceStatusCreationInProgress), AvailabilityStatus: new(qs.VPCConnectionAvailabilityStatusUnavailable),
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
			return err
		}
		it := &item{Key: key(ctx, in.AwsAccountId, in.VPCConnectionId), Name: set.Name, Status: creating, Doc: document{Settings: set}}
		before, err := connections.Get(tx, it.Key)
		if err == nil && before.Status == deleted {
			_, err = connections.Delete(tx, it.Key)
		}
		if err != nil && !missing(err) {
			return err
		}
		if err := connections.Create(tx, it, s.now()); err != nil {
			return err
		}
		out.Arn, out.VPCConnectionId = &it.ARN, &it.ID
		api.Result(ctx, out)
		if err := s.tags.Put(tx, it.ARN, in.Tags); err != nil {
			return err
		}
		return s.begin(tx, it)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
