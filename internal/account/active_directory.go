package account

import (
	"encoding/json"
	"errors"
	"fmt"

	"onsight/internal/store"
)

// An ActiveDirectory is the directory from which the people of an account come.
type ActiveDirectory struct {
	Account string
	// Name and Realm are those of the subscription.
	Name, Realm string
	// Namespace is the one that the people are in, Store its part of principal ids.
	Namespace, Store string
	// Region is the account's identity region.
	Region string
}

// activeDirectories selects what is needed of subscriptions with a directory.
const activeDirectories = `SELECT s.account, s.directory, s.region, s.default_namespace, n.directory_id
	FROM subscriptions s JOIN namespaces n ON n.account = s.account AND n.name = s.default_namespace
	WHERE s.authentication_method = 'ACTIVE_DIRECTORY' AND s.status = $1`

type activeDirectoryRow struct {
	Account     string `db:"account"`
	Directory   string `db:"directory"`
	Region      string `db:"region"`
	Namespace   string `db:"default_namespace"`
	DirectoryID string `db:"directory_id"`
}

func (r activeDirectoryRow) directory() (ActiveDirectory, error) {
	var d directory
	if err := json.Unmarshal([]byte(r.Directory), &d); err != nil {
		return ActiveDirectory{}, fmt.Errorf("directory of %s: %w", r.Account, err)
	}
	return ActiveDirectory{Account: r.Account, Name: d.ActiveDirectoryName, Realm: d.Realm, Namespace: r.Namespace, Store: r.DirectoryID, Region: r.Region}, nil
}

// ActiveDirectory gives the directory of an account; ok is false for one whose
// people are from elsewhere.
func (s *Service) ActiveDirectory(tx *store.Tx, account string) (d ActiveDirectory, ok bool, err error) {
	row, err := store.One[activeDirectoryRow](tx, activeDirectories+` AND s.account = $2`, created, account)
	if errors.Is(err, store.ErrNotFound) {
		return d, false, nil
	}
	if err != nil {
		return d, false, err
	}
	d, err = row.directory()
	return d, err == nil, err
}

// ActiveDirectories gives the directories of all accounts that have one.
func (s *Service) ActiveDirectories(tx *store.Tx) ([]ActiveDirectory, error) {
	rows, err := store.All[activeDirectoryRow](tx, activeDirectories+` ORDER BY s.account`, created)
	all := make([]ActiveDirectory, 0, len(rows))
	for _, row := range rows {
		d, e := row.directory()
		all, err = append(all, d), errors.Join(err, e)
	}
	return all, err
}
