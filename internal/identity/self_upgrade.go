package identity

import (
	"errors"
	"slices"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// upgrade is a row of the table self_upgrades: somebody's request for a higher
// role.
type upgrade struct {
	Account       string  `db:"account"`
	Namespace     string  `db:"namespace"`
	ID            string  `db:"id"`
	User          string  `db:"user_name"`
	OriginalRole  string  `db:"original_role"`
	RequestedRole string  `db:"requested_role"`
	Note          *string `db:"note"`
	Status        string  `db:"status"`
	CreatedUS     int64   `db:"created_us"`
	AttemptedUS   *int64  `db:"attempted_us"`
	Failure       *string `db:"failure"`
}

const upgradeColumns = `account, namespace, id, user_name, original_role, requested_role, note, status, created_us, attempted_us, failure`

// above are the roles that each role may ask for: an author's from a reader's,
// and the PRO of what one may do anyway. Nobody asks to become an administrator.
var above = map[string][]string{
	"READER": {"READER_PRO", "AUTHOR", "AUTHOR_PRO"}, "READER_PRO": {"AUTHOR_PRO"}, "AUTHOR": {"AUTHOR_PRO"}, "ADMIN": {"ADMIN_PRO"},
}

// api gives the request as the API shows it. Times are in milliseconds.
func (r *upgrade) api() qs.SelfUpgradeRequestDetail {
	out := qs.SelfUpgradeRequestDetail{
		UpgradeRequestId: &r.ID, UserName: &r.User, OriginalRole: new(qs.UserRole(r.OriginalRole)), RequestedRole: new(qs.UserRole(r.RequestedRole)),
		RequestNote: r.Note, RequestStatus: new(qs.SelfUpgradeRequestStatus(r.Status)), CreationTime: new(r.CreatedUS / 1000),
		LastUpdateFailureReason: r.Failure,
	}
	if r.AttemptedUS != nil {
		out.LastUpdateAttemptTime = new(*r.AttemptedUS / 1000)
	}
	return out
}

// settled tells whether the request has been decided for good. What failed can
// be tried again, once its reason is out of the way.
func (r *upgrade) settled() bool {
	return r.Status == string(qs.SelfUpgradeRequestStatusApproved) || r.Status == string(qs.SelfUpgradeRequestStatusDenied)
}

// directory tells whether the groups of a directory decide about roles.
func (t Tenant) directory() bool {
	return t.AuthenticationMethod == "IAM_IDENTITY_CENTER" || t.AuthenticationMethod == "ACTIVE_DIRECTORY"
}

// approvalOf gives how the requests of a namespace are approved: as was said,
// else at once, or by an administrator where a directory decides about roles.
func approvalOf(tx *store.Tx, tenant Tenant, account, namespace string) (qs.SelfUpgradeStatus, error) {
	status, err := store.One[string](tx, `SELECT status FROM self_upgrade_settings WHERE account = $1 AND namespace = $2`, account, namespace)
	switch {
	case !errors.Is(err, store.ErrNotFound):
		return qs.SelfUpgradeStatus(status), err
	case tenant.directory():
		return qs.SelfUpgradeStatusAdminApproval, nil
	}
	return qs.SelfUpgradeStatusAutoApproval, nil
}

// findUpgrade reads a request.
func findUpgrade(tx *store.Tx, account, namespace, id string) (upgrade, error) {
	r, err := store.One[upgrade](tx, `SELECT `+upgradeColumns+` FROM self_upgrades WHERE account = $1 AND namespace = $2 AND id = $3`, account, namespace, id)
	if errors.Is(err, store.ErrNotFound) {
		return r, fault.NotFound("", "AWS account id: %s, Namespace: %s, Upgrade request id: %s. ", account, namespace, id)
	}
	return r, err
}

// save writes how far a request has come.
func (s *Service) save(tx *store.Tx, r *upgrade) error {
	r.AttemptedUS = new(store.Micros(s.now()))
	_, err := tx.Exec(`UPDATE self_upgrades SET status = $4, attempted_us = $5, failure = $6 WHERE account = $1 AND namespace = $2 AND id = $3`,
		r.Account, r.Namespace, r.ID, r.Status, r.AttemptedUS, r.Failure)
	return err
}

// apply gives the user the role that is asked for. Where the role has become
// another meanwhile, from which that is no step up, the request has failed.
func (s *Service) apply(tx *store.Tx, r *upgrade) error {
	u, err := find(tx, r.Account, r.Namespace, r.User)
	if err != nil {
		return err
	}
	r.Status, r.Failure = string(qs.SelfUpgradeRequestStatusApproved), nil
	switch {
	case u.Role == r.RequestedRole:
		return nil
	case !slices.Contains(above[u.Role], r.RequestedRole):
		r.Status = string(qs.SelfUpgradeRequestStatusUpdateFailed)
		r.Failure = new("The user's role is " + u.Role + " now, from which " + r.RequestedRole + " is no upgrade.")
		return nil
	}
	_, err = tx.Exec(`UPDATE users SET role = $4 WHERE account = $1 AND namespace = $2 AND name = $3`, r.Account, r.Namespace, r.User, r.RequestedRole)
	return err
}

// verify looks whether the user has the role that is asked for.
func (s *Service) verify(tx *store.Tx, r *upgrade) error {
	u, err := find(tx, r.Account, r.Namespace, r.User)
	if err != nil {
		return err
	}
	r.Status, r.Failure = string(qs.SelfUpgradeRequestStatusApproved), nil
	if u.Role != r.RequestedRole {
		r.Status = string(qs.SelfUpgradeRequestStatusVerifyFailed)
		r.Failure = new("The user's role is " + u.Role + ", not " + r.RequestedRole + ".")
	}
	return nil
}
