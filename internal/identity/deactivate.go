package identity

import (
	"context"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// Deactivated tells whether an administrator has put a user out of use.
// ResourceNotFoundException where there is no such user.
func (s *Service) Deactivated(tx *store.Tx, account, namespace, name string) (bool, error) {
	u, err := find(tx, account, namespace, name)
	return u.DeactivatedUS != nil, err
}

// Deactivate puts a user out of use: the user can't sign in any more, nor be
// used. All else stays as it is. Who is out of use already stays so since then.
// The last administrator of an account who can act is kept.
func (s *Service) Deactivate(ctx context.Context, tx *store.Tx, account, namespace, name string) error {
	u, err := s.administered(ctx, tx, account, namespace, name)
	if err != nil || u.DeactivatedUS != nil {
		return err
	}
	if err := keepAdministrator(tx, u); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE users SET deactivated_us = $4 WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name, store.Micros(s.now()))
	if err != nil {
		return err
	}
	return s.tellIdle(tx, account, namespace, name)
}

// TellIdle has one told when a user is put out of use, by the user's ARN. It is
// called before the first request.
func (s *Service) TellIdle(idle Departed) { s.idle = append(s.idle, idle) }

func (s *Service) tellIdle(tx *store.Tx, account, namespace, name string) error {
	region, err := s.accounts.IdentityRegion(tx, account)
	if err != nil {
		return err
	}
	for _, tell := range s.idle {
		if err := tell(tx, arn.QuickSight(region, account, "user/"+namespace+"/"+name)); err != nil {
			return err
		}
	}
	return nil
}

// Reactivate puts a user back into use. From now on the user counts as seen, so
// that who tidies up next leaves them in peace. Who is in use stays so.
func (s *Service) Reactivate(ctx context.Context, tx *store.Tx, account, namespace, name string) error {
	u, err := s.administered(ctx, tx, account, namespace, name)
	if err != nil || u.DeactivatedUS == nil {
		return err
	}
	_, err = tx.Exec(`UPDATE users SET deactivated_us = NULL, warned_us = NULL, reactivated_us = $4
		WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, name, store.Micros(s.now()))
	return err
}

func (s *Service) administered(ctx context.Context, tx *store.Tx, account, namespace, name string) (user, error) {
	if _, err := s.accounts.Enter(ctx, tx, account, namespace); err != nil {
		return user{}, err
	}
	return find(tx, account, namespace, name)
}

// Warned notes that a user was warned for being idle.
func (s *Service) Warned(tx *store.Tx, account, namespace, name string) error {
	_, err := tx.Exec(`UPDATE users SET warned_us = $4 WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name, store.Micros(s.now()))
	return err
}

// KeepAdministrator answers PreconditionNotMetException when without the user
// nobody who can act would administer the account any more.
func (s *Service) KeepAdministrator(tx *store.Tx, account, namespace, name string) error {
	u, err := find(tx, account, namespace, name)
	if err != nil {
		return err
	}
	return keepAdministrator(tx, u)
}

func keepAdministrator(tx *store.Tx, u user) error {
	if !isAdministrator(u.Role) || !u.mayAct() {
		return nil
	}
	keys, err := administrators(tx, u.Account)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if k.Namespace == u.Namespace && k.Name == u.Name {
			continue
		}
		other, err := find(tx, u.Account, k.Namespace, k.Name)
		if err != nil {
			return err
		}
		if other.mayAct() {
			return nil
		}
	}
	return fault.Precondition("User %s is the last administrator of the account who can act. %s", u.Name, tail(u.Account, u.Namespace))
}

func isAdministrator(role string) bool { return role == "ADMIN" || role == "ADMIN_PRO" }
