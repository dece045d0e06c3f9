package identity

import (
	"cmp"
	"slices"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// A Registered is a user as which a principal of IAM is registered.
type Registered struct{ ARN, Role string }

// UsersOfCaller gives the users as which an IAM principal is registered, by
// namespace; see ProfilesOfCaller for what it is known by.
func (s *Service) UsersOfCaller(tx *store.Tx, account, id, principalARN, session string) ([]Registered, error) {
	if len(id) < 4 {
		return nil, nil
	}
	derived := uniqueID(id[:4], principalARN)
	if session != "" {
		id, derived = id+":"+session, derived+":"+session
	}
	type row struct {
		Namespace string `db:"namespace"`
		Name      string `db:"name"`
		Role      string `db:"role"`
	}
	rows, err := store.All[row](tx, `SELECT namespace, name, role FROM users WHERE account = $1 AND principal_id = $2
		UNION ALL SELECT namespace, name, role FROM users WHERE account = $1 AND principal_id = $3`, account, "federated/iam/"+id, "federated/iam/"+derived)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b row) int { return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name)) })
	region, err := s.accounts.IdentityRegion(tx, account)
	all := make([]Registered, len(rows))
	for i, r := range rows {
		all[i] = Registered{ARN: arn.QuickSight(region, account, "user/"+r.Namespace+"/"+r.Name), Role: r.Role}
	}
	return all, err
}
