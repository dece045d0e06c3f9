package mcp

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"onsight/internal/store"
)

// Prefixes of what lets in, so that one that leaks is known for what it is, and
// is no other by mistake.
const (
	personalPrefix = "onsight-pat_"
)

const (
	// tokenDays is how long a personal token is good where nothing is said.
	tokenDays = 90
	// mostTokens is how many a person may have.
	mostTokens = 50
	// usedEvery is how exact the time of a last use is.
	usedEvery = time.Minute
)

// token is a row of the table personal_tokens.
type token struct {
	Account    string `db:"account"`
	Namespace  string `db:"namespace"`
	UserName   string `db:"user_name"`
	ID         string `db:"id"`
	Name       string `db:"name"`
	Hash       []byte `db:"hash"`
	ReadOnly   bool   `db:"read_only"`
	CreatedUS  int64  `db:"created_us"`
	ExpiresUS  int64  `db:"expires_us"`
	LastUsedUS *int64 `db:"last_used_us"`
}

const tokenColumns = `account, namespace, user_name, id, name, hash, read_only, created_us, expires_us, last_used_us`

var secretText = base64.RawURLEncoding.Strict()

// newSecret makes 32 random bytes as text, and what is kept of them.
func newSecret() (shown string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	sum := sha256.Sum256(b[:])
	return secretText.EncodeToString(b[:]), sum[:]
}

// readSecret gives what is kept of a secret; nil for what is none.
func readSecret(shown string) []byte {
	raw, err := secretText.DecodeString(shown)
	if err != nil || len(raw) != 32 {
		return nil
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}

func newID() string {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return hex.EncodeToString(b[:])
}

// newPersonal makes a token: what is shown once, what names it, and what is kept.
func newPersonal() (shown, id string, hash []byte) {
	secret, hash := newSecret()
	id = newID()
	return personalPrefix + id + "_" + secret, id, hash
}

// readPersonal gives the id of a personal token and the hash of its secret; ok
// is false for what is none.
func readPersonal(shown string) (id string, hash []byte, ok bool) {
	rest, ok := strings.CutPrefix(shown, personalPrefix)
	id, secret, found := strings.Cut(rest, "_")
	hash = readSecret(secret)
	return id, hash, ok && found && len(id) == 16 && hash != nil
}

// personal finds the token that is shown; store.ErrNotFound for one that is not
// known.
func personal(tx *store.Tx, shown string) (token, error) {
	id, hash, ok := readPersonal(shown)
	if !ok {
		return token{}, store.ErrNotFound
	}
	row, err := store.One[token](tx, `SELECT `+tokenColumns+` FROM personal_tokens WHERE id = $1`, id)
	if errors.Is(err, store.ErrNotFound) {
		row.Hash = make([]byte, sha256.Size) // as if there was one
	} else if err != nil {
		return token{}, err
	}
	if subtle.ConstantTimeCompare(row.Hash, hash) != 1 || row.ID == "" {
		return token{}, store.ErrNotFound
	}
	return row, nil
}

// tokensOf gives a person's tokens by id, after one of them.
func tokensOf(tx *store.Tx, p *Person, after string, limit int) ([]token, error) {
	return store.All[token](tx, `SELECT `+tokenColumns+` FROM personal_tokens WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id > $4
		ORDER BY id LIMIT $5`, p.Account, p.Namespace, p.Name, after, limit)
}
