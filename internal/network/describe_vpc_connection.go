package network

import (
	"context"
	"crypto/sha256"
	"encoding/hex"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeVPCConnectionRequest) policy.Target {
	return onConnection(ctx, in.AwsAccountId, in.VPCConnectionId)
}

// describeVPCConnection gives the settings in force, and how they work out.
func (s *Service) describeVPCConnection(ctx context.Context, in *qs.DescribeVPCConnectionRequest) (*qs.DescribeVPCConnectionResponse, error) {
	out := &qs.DescribeVPCConnectionResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := connections.Get(tx, key(ctx, in.AwsAccountId, in.VPCConnectionId))
		if err != nil {
			return err
		}
		shown := qs.VPCConnection(s.shown(it))
		out.VPCConnection = &shown
		return nil
	})
	return out, err
}

// shown is a connection as callers see it. Whether it is available is asked of
// the profiles of today: an operator may have taken one away.
func (s *Service) shown(it *item) qs.VPCConnectionSummary {
	set := &it.Doc.Settings
	summary := qs.VPCConnectionSummary{
		Arn: &it.ARN, VPCConnectionId: &it.ID, Name: &set.Name, RoleArn: &set.RoleARN,
		SecurityGroupIds: set.SecurityGroups, DnsResolvers: set.Resolvers, CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		Status: new(qs.VPCConnectionResourceStatus(it.Status)), AvailabilityStatus: new(qs.VPCConnectionAvailabilityStatusUnavailable),
	}
	status, reason := interfaceStatus[it.Status], it.Doc.Error
	found, err := s.profile(it.Account, set)
	switch {
	case err == nil && found.VPC != "":
		summary.VPCId = &found.VPC
	case err != nil && inForce(it.Status):
		status, reason = qs.NetworkInterfaceStatusUpdateFailed, err.Error()
	}
	if err == nil && inForce(it.Status) {
		summary.AvailabilityStatus = new(qs.VPCConnectionAvailabilityStatusAvailable)
	}
	for _, subnet := range set.Subnets {
		n := qs.NetworkInterface{SubnetId: new(subnet), NetworkInterfaceId: new(interfaceID(it.ARN, subnet)), Status: &status}
		if reason != "" {
			n.ErrorMessage = &reason
		}
		summary.NetworkInterfaces = append(summary.NetworkInterfaces, n)
	}
	return summary
}

// interfaceStatus is the status of the interfaces of a connection in a status.
var interfaceStatus = map[string]qs.NetworkInterfaceStatus{
	creating: qs.NetworkInterfaceStatusCreating, created: qs.NetworkInterfaceStatusAvailable, notCreated: qs.NetworkInterfaceStatusCreationFailed,
	updating: qs.NetworkInterfaceStatusUpdating, updated: qs.NetworkInterfaceStatusAvailable, notUpdated: qs.NetworkInterfaceStatusUpdateFailed,
	deleting: qs.NetworkInterfaceStatusDeleting, deleted: qs.NetworkInterfaceStatusDeleted,
}

// interfaceID is always the same for a connection and a subnet.
func interfaceID(arn, subnet string) string {
	sum := sha256.Sum256([]byte(arn + "\x00" + subnet))
	return "eni-" + hex.EncodeToString(sum[:])[:17]
}
