package identity

import "onsight/internal/store"

// A Member is a user as other domains see one.
type Member struct{ ARN, Namespace, Name, Email, Role string }

func (u *user) member(region string) Member {
	return Member{ARN: userARN(region, u.Account, u.Namespace, u.Name), Namespace: u.Namespace, Name: u.Name, Email: u.Email, Role: u.Role}
}

// Member reads a user; store.ErrNotFound where there is none of the name.
// region is the account's identity region.
func (s *Service) Member(tx *store.Tx, region, account, namespace, name string) (Member, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, name)
	return u.member(region), err
}

// Members reads up to limit users by namespace and name, from what comes after
// the two given; of one namespace only, where it is not empty.
func (s *Service) Members(tx *store.Tx, region, account, only, namespace, name string, limit int) ([]Member, error) {
	query, args := `(namespace, name) > ($2, $3)`, []any{account, namespace, name, limit}
	if only != "" {
		query, args = `namespace = $2 AND name > $3`, []any{account, only, name, limit}
	}
	users, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND `+query+` ORDER BY namespace, name LIMIT $4`, args...)
	members := make([]Member, len(users))
	for i := range users {
		members[i] = users[i].member(region)
	}
	return members, err
}
