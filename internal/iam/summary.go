package iam

import (
	"context"

	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// getAccountSummary counts what the account has, beside the quotas. Of what
// is not kept here (passwords, MFA devices, certificates, instance profiles)
// there is none.
func (s *Service) getAccountSummary(ctx context.Context, _ *iamapi.GetAccountSummaryRequest) (*iamapi.GetAccountSummaryResponse, error) {
	var n struct {
		Users     int64 `db:"users"`
		Groups    int64 `db:"groups"`
		Roles     int64 `db:"roles"`
		Policies  int64 `db:"policies"`
		Versions  int64 `db:"versions"`
		Providers int64 `db:"providers"`
	}
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		n, err = store.One[struct {
			Users     int64 `db:"users"`
			Groups    int64 `db:"groups"`
			Roles     int64 `db:"roles"`
			Policies  int64 `db:"policies"`
			Versions  int64 `db:"versions"`
			Providers int64 `db:"providers"`
		}](tx, `SELECT COALESCE(MAX(users), 0) AS users, COALESCE(MAX(groups), 0) AS groups, COALESCE(MAX(roles), 0) AS roles,
			COALESCE(MAX(policies), 0) AS policies,
			(SELECT COUNT(*) FROM iam_policies p JOIN iam_policy_versions v ON v.policy_id = p.id WHERE p.account = $1) AS versions,
			(SELECT COUNT(*) FROM iam_oidc_providers WHERE account = $1) + (SELECT COUNT(*) FROM iam_saml_providers WHERE account = $1) AS providers
			FROM iam_accounts WHERE account = $1`, account(ctx))
		return err
	})
	if err != nil {
		return nil, err
	}
	q := s.quotas
	return &iamapi.GetAccountSummaryResponse{SummaryMap: map[iamapi.SummaryKeyType]int32{
		iamapi.SummaryKeyTypeUsers:               *small(n.Users),
		iamapi.SummaryKeyTypeGroups:              *small(n.Groups),
		iamapi.SummaryKeyTypeRoles:               *small(n.Roles),
		iamapi.SummaryKeyTypePolicies:            *small(n.Policies),
		iamapi.SummaryKeyTypePolicyVersionsInUse: *small(n.Versions),
		iamapi.SummaryKeyTypeProviders:           *small(n.Providers),

		iamapi.SummaryKeyTypeUsersQuota:                    *small(int64(q.Users)),
		iamapi.SummaryKeyTypeGroupsQuota:                   *small(int64(q.Groups)),
		iamapi.SummaryKeyTypeRolesQuota:                    *small(int64(q.Roles)),
		iamapi.SummaryKeyTypePoliciesQuota:                 *small(int64(q.Policies)),
		iamapi.SummaryKeyTypePolicyVersionsInUseQuota:      *small(int64(q.Policies) * int64(q.PolicyVersions)),
		iamapi.SummaryKeyTypeVersionsPerPolicyQuota:        *small(int64(q.PolicyVersions)),
		iamapi.SummaryKeyTypeGroupsPerUserQuota:            *small(int64(q.GroupsPerUser)),
		iamapi.SummaryKeyTypeAccessKeysPerUserQuota:        *small(int64(q.AccessKeysPerUser)),
		iamapi.SummaryKeyTypeAttachedPoliciesPerUserQuota:  *small(int64(q.AttachedPolicies)),
		iamapi.SummaryKeyTypeAttachedPoliciesPerGroupQuota: *small(int64(q.AttachedPolicies)),
		iamapi.SummaryKeyTypeAttachedPoliciesPerRoleQuota:  *small(int64(q.AttachedPolicies)),
		iamapi.SummaryKeyTypeAssumeRolePolicySizeQuota:     *small(int64(q.TrustPolicy)),
		iamapi.SummaryKeyTypePolicySizeQuota:               policy.MaxManaged,
		iamapi.SummaryKeyTypeUserPolicySizeQuota:           policy.MaxUserInline,
		iamapi.SummaryKeyTypeGroupPolicySizeQuota:          policy.MaxGroupInline,
		iamapi.SummaryKeyTypeRolePolicySizeQuota:           policy.MaxRoleInline,

		// Root has an access key from the start: the server is set up with it.
		iamapi.SummaryKeyTypeAccountAccessKeysPresent:          1,
		iamapi.SummaryKeyTypeAccountMFAEnabled:                 0,
		iamapi.SummaryKeyTypeAccountPasswordPresent:            0,
		iamapi.SummaryKeyTypeAccountSigningCertificatesPresent: 0,
		iamapi.SummaryKeyTypeGlobalEndpointTokenVersion:        1,
		iamapi.SummaryKeyTypeInstanceProfiles:                  0,
		iamapi.SummaryKeyTypeInstanceProfilesQuota:             0,
		iamapi.SummaryKeyTypeMFADevices:                        0,
		iamapi.SummaryKeyTypeMFADevicesInUse:                   0,
		iamapi.SummaryKeyTypeServerCertificates:                0,
		iamapi.SummaryKeyTypeServerCertificatesQuota:           0,
		iamapi.SummaryKeyTypeSigningCertificatesPerUserQuota:   0,
	}}, nil
}
