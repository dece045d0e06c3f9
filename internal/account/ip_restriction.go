package account

import (
	"context"
	"maps"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// maxIPRules is how many rules of all kinds an account has at most (the
// service's published quota).
const maxIPRules = 100

const ipRestriction kind[IPRules] = "ip-restriction"

// describeIPRestriction answers with empty maps, not with none: a client that
// compares them with its plan finds no difference.
func (s *Service) describeIPRestriction(ctx context.Context, in *qs.DescribeIpRestrictionRequest) (*qs.DescribeIpRestrictionResponse, error) {
	out := &qs.DescribeIpRestrictionResponse{AwsAccountId: &in.AwsAccountId}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		r, _, err := ipRestriction.read(tx, place{account: in.AwsAccountId})
		out.Enabled = &r.Enabled
		out.IpRestrictionRuleMap = given(r.Ranges)
		out.VpcIdRestrictionRuleMap = given(r.VPCs)
		out.VpcEndpointIdRestrictionRuleMap = given(r.VPCEndpoints)
		return err
	})
	return out, err
}

// given makes a map that is there, though it may be empty.
func given(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return m
}

// updateIPRestriction replaces each map that is given, whole; what is not given
// stays.
func (s *Service) updateIPRestriction(ctx context.Context, in *qs.UpdateIpRestrictionRequest) (*qs.UpdateIpRestrictionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		at := place{account: in.AwsAccountId}
		r, _, err := ipRestriction.read(tx, at)
		if err != nil {
			return err
		}
		if in.Enabled != nil {
			r.Enabled = *in.Enabled
		}
		replace(&r.Ranges, in.IpRestrictionRuleMap)
		replace(&r.VPCs, in.VpcIdRestrictionRuleMap)
		replace(&r.VPCEndpoints, in.VpcEndpointIdRestrictionRuleMap)
		if n := len(r.Ranges) + len(r.VPCs) + len(r.VPCEndpoints); n > maxIPRules {
			return fault.Limit("", "An account has at most %d IP rules of all kinds together; these would be %d. AWS account ID: %s. ", maxIPRules, n, at.account)
		}
		s.addresses.changed(tx, at.account)
		return ipRestriction.write(tx, at, r, s.now())
	})
	return &qs.UpdateIpRestrictionResponse{AwsAccountId: &in.AwsAccountId}, err
}

// replace puts a map that is given into the place of another.
func replace(old *map[string]string, by map[string]string) {
	if by != nil {
		*old = maps.Clone(by)
	}
}
