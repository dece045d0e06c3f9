package identity

import (
	"crypto/sha256"
	"errors"
	"time"

	"onsight/internal/qs"
	"onsight/internal/store"
)

// An Entrant is a user as whoever signs people in sees them.
type Entrant struct {
	Account, Namespace, Name, PrincipalID, Email, Role string
	// IdentityType is QUICKSIGHT for those whose password is kept here, and
	// DIRECTORY for those whom the account's Active Directory has.
	IdentityType string
	// Active tells that the user has answered the invitation, and was not put
	// out of use.
	Active bool
}

// Entrant finds a user; store.ErrNotFound where there is none.
func (s *Service) Entrant(tx *store.Tx, account, namespace, name string) (Entrant, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name)
	return Entrant{
		Account: u.Account, Namespace: u.Namespace, Name: u.Name, PrincipalID: u.PrincipalID, Email: u.Email, Role: u.Role,
		IdentityType: u.signsIn(), Active: u.mayAct(),
	}, err
}

// signsIn is the identity type as Entrant tells it.
func (u *user) signsIn() string {
	if u.DirectoryID != nil {
		return "DIRECTORY"
	}
	return u.IdentityType
}

// SignedIn notes when a user signed in last.
func (s *Service) SignedIn(tx *store.Tx, account, namespace, name string) error {
	_, err := tx.Exec(`UPDATE users SET last_sign_in_us = $4 WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name, store.Micros(s.now()))
	return err
}

// Invited finds whom an invitation is for; store.ErrNotFound for one that was
// never made, that is answered, replaced or too old.
func (s *Service) Invited(tx *store.Tx, token string) (Entrant, error) {
	i, err := s.invitationOf(tx, token)
	if err != nil {
		return Entrant{}, err
	}
	return s.Entrant(tx, i.Account, i.Namespace, i.UserName)
}

// Accept answers an invitation: it can't be answered again, and its user is
// active from now on. store.ErrNotFound as of Invited.
func (s *Service) Accept(tx *store.Tx, token string) (Entrant, error) {
	i, err := s.invitationOf(tx, token)
	if err != nil {
		return Entrant{}, err
	}
	n, err := tx.Exec(`DELETE FROM invitations WHERE token_hash = $1`, i.TokenHash)
	if err != nil {
		return Entrant{}, err
	}
	if n == 0 {
		return Entrant{}, store.ErrNotFound
	}
	_, err = tx.Exec(`UPDATE users SET active = $4 WHERE account = $1 AND namespace = $2 AND name = $3`, i.Account, i.Namespace, i.UserName, true)
	if err != nil {
		return Entrant{}, err
	}
	return s.Entrant(tx, i.Account, i.Namespace, i.UserName)
}

func (s *Service) invitationOf(tx *store.Tx, token string) (invitation, error) {
	raw, err := tokenText.DecodeString(token)
	if err != nil || len(raw) != tokenSize {
		return invitation{}, store.ErrNotFound
	}
	hash := sha256.Sum256(raw)
	i, err := store.One[invitation](tx, `SELECT token_hash, account, namespace, user_name, created_us, expires_us FROM invitations WHERE token_hash = $1`, hash[:])
	if err != nil {
		return i, err
	}
	if !s.now().Before(store.Time(i.ExpiresUS)) {
		return i, store.ErrNotFound
	}
	return i, nil
}

// Invite makes a user's invitation anew, and the one before void. It gives the
// link and when it ends; ok is false for a user who has nothing to answer:
// one who is active, or signs in elsewhere.
func (s *Service) Invite(tx *store.Tx, account, namespace, name string) (link string, ends time.Time, ok bool, err error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && (u.Active || u.signsIn() != string(qs.IdentityTypeQuicksight)) {
		return "", ends, false, nil
	}
	if err != nil {
		return "", ends, false, err
	}
	if _, err := tx.Exec(`DELETE FROM invitations WHERE account = $1 AND namespace = $2 AND user_name = $3`, account, namespace, name); err != nil {
		return "", ends, false, err
	}
	link, err = s.invite(tx, u)
	return link, s.now().Add(s.invitationLife), err == nil, err
}

// AlsoTell has one more told when a user or a group is gone. It is called
// before the first request.
func (s *Service) AlsoTell(departed Departed) { s.departed = append(s.departed, departed) }
