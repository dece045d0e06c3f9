package identity

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"

	"onsight/internal/store"
)

// invitation is a row of the table invitations.
type invitation struct {
	TokenHash []byte `db:"token_hash"`
	Account   string `db:"account"`
	Namespace string `db:"namespace"`
	UserName  string `db:"user_name"`
	CreatedUS int64  `db:"created_us"`
	ExpiresUS int64  `db:"expires_us"`
}

// A token is 32 random bytes, in the alphabet of URLs.
const tokenSize = 32

var tokenText = base64.RawURLEncoding.Strict()

// invite makes the one link with which a user sets a first password. Only the
// token's hash is kept: who reads the database cannot answer for the user.
func (s *Service) invite(tx *store.Tx, u user) (link string, err error) {
	var token [tokenSize]byte
	_, _ = rand.Read(token[:]) // never fails (crypto/rand)
	hash := sha256.Sum256(token[:])
	now := s.now()
	err = store.Insert(tx, "invitations", invitation{
		TokenHash: hash[:], Account: u.Account, Namespace: u.Namespace, UserName: u.Name,
		CreatedUS: store.Micros(now), ExpiresUS: store.Micros(now.Add(s.invitationLife)),
	})
	if err != nil {
		return "", fmt.Errorf("insert invitation: %w", err)
	}
	return s.publicURL + "/inviteuser?token=" + tokenText.EncodeToString(token[:]), nil
}
