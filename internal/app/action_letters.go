package app

import (
	"slices"

	"onsight/internal/account"
	"onsight/internal/arn"
	"onsight/internal/audit"
	"onsight/internal/connector/action"
	"onsight/internal/identity"
	"onsight/internal/mail"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// mostOwners is how many owners of a connector are written to.
const mostOwners = 100

// letters lets action write to people without knowing identity and account.
type letters struct {
	*mail.Sender
	people   *identity.Service
	accounts *account.Service
}

// Owners gives the owners of a connector who can be written to.
func (l letters) Owners(tx *store.Tx, connector string) ([]string, error) {
	principals, err := resource.Owners(tx, connector)
	if err != nil {
		return nil, err
	}
	var owners []string
	for _, p := range principals {
		a, err := arn.Parse(p)
		if err != nil {
			return nil, err
		}
		found, err := l.people.Readers(tx, a, mostOwners)
		if err != nil {
			return nil, err
		}
		for _, u := range found {
			owners = append(owners, arn.QuickSight(a.Region, u.Account, "user/"+u.Namespace+"/"+u.Name))
		}
	}
	slices.Sort(owners)
	owners = slices.Compact(owners)
	return owners[:min(len(owners), mostOwners)], nil
}

// Recipient finds a user.
func (l letters) Recipient(tx *store.Tx, user arn.ARN) (action.Recipient, error) {
	found, err := l.people.Readers(tx, user, 1)
	if err != nil || len(found) == 0 {
		return action.Recipient{}, err
	}
	return action.Recipient{Name: found[0].Name, Email: found[0].Email}, nil
}

// Account gives an account's name and its address for notices.
func (l letters) Account(tx *store.Tx, account string) (name, email string, err error) {
	return l.accounts.Notification(tx, account)
}

// Noticed leaves the event of something that the server noticed by itself.
func (t actionTrail) Noticed(tx *store.Tx, n action.Notice) { t.Trail.Noticed(tx, audit.Noticed(n)) }
