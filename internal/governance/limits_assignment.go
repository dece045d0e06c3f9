package governance

import (
	"slices"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// Kinds of what a profile is assigned to, as the table has them.
const (
	toUser    = "user"
	toGroup   = "group"
	toRole    = "role"
	toAccount = "account"
)

// assignment is a row of the table limits_assignments.
type assignment struct {
	Account   string `db:"account"`
	Kind      string `db:"kind"`
	Target    string `db:"target"`
	Profile   string `db:"profile"`
	UpdatedUS int64  `db:"updated_us"`
}

const assignmentColumns = `account, kind, target, profile, updated_us`

// roles are those that users have; a profile for another one would be for nobody.
var roles = []qs.UserRole{
	qs.UserRoleAdmin, qs.UserRoleAuthor, qs.UserRoleReader, qs.UserRoleAdminPro, qs.UserRoleAuthorPro, qs.UserRoleReaderPro,
	qs.UserRoleRestrictedAuthor, qs.UserRoleRestrictedReader,
}

// whom reads what an assignment is for: a user or a group, a role, or else the
// account.
func whom(account string, principal, role *string) (kind, target string, a arn.ARN, err error) {
	switch {
	case principal != nil && role != nil:
		return "", "", a, fault.Invalid("Only one of Principal and Role may be given.")
	case role != nil:
		if !slices.Contains(roles, qs.UserRole(*role)) {
			return "", "", a, fault.Invalid("Role isn't valid: %s is no role of users.", *role)
		}
		return toRole, *role, a, nil
	case principal == nil:
		return toAccount, "", a, nil
	}
	a, err = arn.Parse(*principal)
	if kind, _ = a.Split(); err != nil || !a.IsQuickSight() || kind != toUser && kind != toGroup {
		return "", "", a, fault.Invalid("Principal isn't valid: it must be the ARN of a user or of a group.")
	}
	if a.Account != account {
		return "", "", a, fault.Invalid("Principal isn't valid: it must be of account %s.", account)
	}
	return kind, *principal, a, nil
}

// mustBeThere refuses a user or a group that is not there.
func (s *Service) mustBeThere(tx *store.Tx, a arn.ARN) error {
	ok, err := s.people.Exists(tx, a)
	if err != nil || ok {
		return err
	}
	kind := fault.User
	if k, _ := a.Split(); k == toGroup {
		kind = fault.Group
	}
	return fault.NotFound(kind, "Principal %s can't be found.", a.String())
}

func (a assignment) shown() onsightapi.LimitsProfileAssignment {
	out := onsightapi.LimitsProfileAssignment{ProfileId: a.Profile, AssignedAt: new(store.Time(a.UpdatedUS))}
	switch a.Kind {
	case toUser, toGroup:
		out.Principal = &a.Target
	case toRole:
		out.Role = &a.Target
	}
	return out
}
