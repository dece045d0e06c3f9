package network

import (
	"net/netip"
	"slices"

	"onsight/internal/arn"
	"onsight/internal/fault"
)

// check refuses settings that no connection can have, whatever the operator's
// profiles are.
func (set *settings) check(account string) error {
	role, err := arn.Parse(set.RoleARN)
	if err != nil {
		return fault.Invalid("RoleArn isn't valid: %v.", err)
	}
	if !role.IsRole() || role.Account != account {
		return fault.Invalid("RoleArn isn't valid: it must be the ARN of an IAM role of account %s.", account)
	}
	for i, id := range set.Subnets {
		if slices.Contains(set.Subnets[:i], id) {
			return fault.Invalid("SubnetIds isn't valid: %s is there twice.", id)
		}
	}
	for i, id := range set.SecurityGroups {
		if slices.Contains(set.SecurityGroups[:i], id) {
			return fault.Invalid("SecurityGroupIds isn't valid: %s is there twice.", id)
		}
	}
	for _, text := range set.Resolvers {
		if a, err := netip.ParseAddr(text); err != nil || !a.Is4() {
			return fault.Invalid("DnsResolvers isn't valid: %s is not an IPv4 address.", text)
		}
	}
	return nil
}
