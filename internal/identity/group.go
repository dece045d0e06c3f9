package identity

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// group is a row of the table user_groups.
type group struct {
	Account     string  `db:"account"`
	Namespace   string  `db:"namespace"`
	Name        string  `db:"name"`
	NameKey     string  `db:"name_key"` // the name in lower case, for searches
	PrincipalID string  `db:"principal_id"`
	Description *string `db:"description"`
	CreatedUS   int64   `db:"created_us"`
}

const groupColumns = `account, namespace, name, name_key, principal_id, description, created_us`

// api gives the group as the API shows it. region is the account's identity region.
func (g *group) api(region string) qs.Group {
	return qs.Group{
		Arn: new(groupARN(region, g.Account, g.Namespace, g.Name)), GroupName: &g.Name, Description: g.Description, PrincipalId: &g.PrincipalID,
	}
}

// shownGroups are groups as the API shows them.
func shownGroups(groups []group, region string) []qs.Group {
	shown := make([]qs.Group, len(groups))
	for i := range groups {
		shown[i] = groups[i].api(region)
	}
	return shown
}

// onGroup is the target of an operation on one group, or on those of a
// namespace when the name is a wildcard.
func onGroup(ctx context.Context, account, namespace, name string) policy.Target {
	return policy.Target{Resource: groupARN(api.Region(ctx), account, namespace, name)}
}

// groupARN forms the ARN of a group. Names are not encoded in it.
func groupARN(region, account, namespace, name string) string {
	return arn.QuickSight(region, account, "group/"+namespace+"/"+name)
}

// noGroup is the answer for a group that is not there, after that for a user.
func noGroup(account, namespace, name string) error {
	return fault.NotFound(fault.Group, "AWS account id: %s, Namespace: %s, Group name: %s. ", account, namespace, name)
}

// findGroup reads a group; ResourceNotFoundException when there is none of the name.
func findGroup(tx *store.Tx, account, namespace, name string) (group, error) {
	g, err := store.One[group](tx, `SELECT `+groupColumns+` FROM user_groups WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name)
	if errors.Is(err, store.ErrNotFound) {
		return g, noGroup(account, namespace, name)
	}
	return g, err
}

// enterToChange is the gate of changes to groups: those of an account that a
// directory manages are changed there.
func (s *Service) enterToChange(ctx context.Context, tx *store.Tx, account, namespace string) (Tenant, error) {
	tenant, err := s.accounts.Enter(ctx, tx, account, namespace)
	if err != nil {
		return tenant, err
	}
	switch tenant.AuthenticationMethod {
	case "IAM_IDENTITY_CENTER":
		return tenant, fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
	case "ACTIVE_DIRECTORY":
		return tenant, fault.Denied("Operation is disabled for identities managed by Active Directory")
	}
	return tenant, nil
}

// leave tells everyone who keeps something of a principal that it is gone.
func (s *Service) leave(tx *store.Tx, principal string) error {
	for _, departed := range s.departed {
		if err := departed(tx, principal); err != nil {
			return err
		}
	}
	return nil
}
