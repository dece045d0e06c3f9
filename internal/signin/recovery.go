package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"strings"

	"onsight/internal/store"
)

// Recovery codes: ten of 80 random bits, which need no slow hash.
const (
	recoveryCodes = 10
	recoveryBytes = 10
	// fewCodes is how many are so few that their owner is told.
	fewCodes = 3
)

// recoveryText has no letters that look like others.
var recoveryText = base32.NewEncoding("abcdefghjkmnpqrstuvwxyz023456789").WithPadding(base32.NoPadding)

// hashCode is what is kept of a recovery code.
func hashCode(p Person, code string) string {
	sum := sha256.Sum256([]byte("recovery\x00" + p.Account + "\x00" + p.Namespace + "\x00" + p.Name + "\x00" + code))
	return hex.EncodeToString(sum[:])
}

// readCode takes a recovery code as people type it.
func readCode(s string) string {
	return strings.ReplaceAll(digits(strings.ToLower(s)), "o", "0")
}

// makeCodes makes recovery codes in place of those that were there.
func (s *Service) makeCodes(tx *store.Tx, p Person) ([]string, error) {
	if _, err := tx.Exec(`DELETE FROM recovery_codes WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name); err != nil {
		return nil, err
	}
	codes := make([]string, recoveryCodes)
	for i := range codes {
		var b [recoveryBytes]byte
		_, _ = rand.Read(b[:]) // never fails (crypto/rand)
		code := recoveryText.EncodeToString(b[:])
		codes[i] = grouped(code, "-")
		_, err := tx.Exec(`INSERT INTO recovery_codes (account, namespace, user_name, hash, created_us) VALUES ($1, $2, $3, $4, $5)`,
			p.Account, p.Namespace, p.Name, hashCode(p, code), store.Micros(s.Now()))
		if err != nil {
			return nil, err
		}
	}
	return codes, nil
}

// takeCode takes a recovery code, once.
func takeCode(tx *store.Tx, p Person, code string) error {
	n, err := tx.Exec(`DELETE FROM recovery_codes WHERE account = $1 AND namespace = $2 AND user_name = $3 AND hash = $4`, p.Account, p.Namespace, p.Name, hashCode(p, code))
	if err == nil && n == 0 {
		err = &wrongFactor{"recovery.wrong"}
	}
	return err
}

func codesLeft(tx *store.Tx, p Person) (int64, error) {
	return store.One[int64](tx, `SELECT COUNT(*) FROM recovery_codes WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
}
