package embed

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// codeLife is how long a code can be redeemed (the API's documentation).
const codeLife = 5 * time.Minute

// keptFor is how long an entry is kept after its code or session has ended, so
// that its host and its reader are told so.
const keptFor = 24 * time.Hour

// entry is a row of the table embed_entries.
type entry struct {
	ID            string  `db:"id"`
	CodeHash      []byte  `db:"code_hash"`
	Account       string  `db:"account"`
	Namespace     string  `db:"namespace"`
	UserName      string  `db:"user_name"`
	Domains       string  `db:"domains"`
	Features      string  `db:"features"`
	LifeUS        int64   `db:"life_us"`
	CreatedUS     int64   `db:"created_us"`
	CodeExpiresUS int64   `db:"code_expires_us"`
	RedeemedUS    *int64  `db:"redeemed_us"`
	SessionID     *string `db:"session_id"`
	KeptUS        int64   `db:"kept_us"`
}

const entryColumns = `id, code_hash, account, namespace, user_name, domains, features, life_us, created_us, code_expires_us, redeemed_us, session_id, kept_us`

func (e *entry) life() time.Duration { return time.Duration(e.LifeUS) * time.Microsecond }

var codeText = base64.RawURLEncoding.Strict()

// newCode makes the 32 random bytes of a code, and what is kept of them.
func newCode() (code string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	sum := sha256.Sum256(b[:])
	return codeText.EncodeToString(b[:]), sum[:]
}

// readCode gives what is kept of a code; nil for what is none.
func readCode(code string) []byte {
	raw, err := codeText.DecodeString(code)
	if err != nil || len(raw) != 32 || strings.ContainsAny(code, "\r\n") {
		return nil
	}
	sum := sha256.Sum256(raw)
	return sum[:]
}

// newID makes the name of an entry, which its URL has in its path.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

// asked is what a URL is asked for with, once it is found to be right.
type asked struct {
	account, namespace, user string
	domains                  []Domain // nil for those of the account
	path                     string
	features                 any
	life                     time.Duration
}

// add keeps an entry, and gives its URL.
func (s *Service) add(tx *store.Tx, a asked) (string, error) {
	domains := ""
	if a.domains != nil {
		text, err := json.Marshal(a.domains)
		if err != nil {
			return "", fmt.Errorf("write the domains of an entry: %w", err)
		}
		domains = string(text)
	}
	features, err := json.Marshal(a.features)
	if err != nil {
		return "", fmt.Errorf("write the features of an entry: %w", err)
	}
	code, hash := newCode()
	now := s.Now()
	e := entry{
		ID: newID(), CodeHash: hash, Account: a.account, Namespace: a.namespace, UserName: a.user, Domains: domains, Features: string(features),
		LifeUS: a.life.Microseconds(), CreatedUS: store.Micros(now), CodeExpiresUS: store.Micros(now.Add(codeLife)),
		KeptUS: store.Micros(now.Add(codeLife + keptFor)),
	}
	if err := store.Insert(tx, "embed_entries", e); err != nil {
		return "", err
	}
	return s.Site.PublicURL(root+e.ID+a.path, "code", code, "identityprovider", "quicksight", "isauthcode", "true"), nil
}

// find gives an entry; store.ErrNotFound where there is none.
func find(tx *store.Tx, id string) (entry, error) {
	return store.One[entry](tx, `SELECT `+entryColumns+` FROM embed_entries WHERE id = $1`, id)
}

// take uses an entry's code up. ok is false where that was done before, or it
// is too late: of many who try at once, one has it.
func (s *Service) take(tx *store.Tx, id string, hash []byte) (ok bool, err error) {
	now := store.Micros(s.Now())
	n, err := tx.Exec(`UPDATE embed_entries SET redeemed_us = $3 WHERE id = $1 AND code_hash = $2 AND redeemed_us IS NULL AND code_expires_us > $3`, id, hash, now)
	return n == 1, err
}

// taken notes the session that an entry has begun.
func (s *Service) taken(tx *store.Tx, e *entry, session string) error {
	_, err := tx.Exec(`UPDATE embed_entries SET session_id = $2, kept_us = $3 WHERE id = $1`, e.ID, session, store.Micros(s.Now().Add(e.life()+keptFor)))
	return err
}

// domainsOf are the domains that may have an entry's page in a frame.
func domainsOf(tx *store.Tx, e *entry) ([]Domain, error) {
	if e.Domains == "" {
		return store.All[Domain](tx, `SELECT domain FROM embed_domains WHERE account = $1 ORDER BY domain`, e.Account)
	}
	var domains []Domain
	if err := json.Unmarshal([]byte(e.Domains), &domains); err != nil {
		return nil, fmt.Errorf("read the domains of an entry: %w", err)
	}
	return domains, nil
}

// Forget takes the URLs of a user who is gone from whoever has the name next.
// Others are not ours.
func (s *Service) Forget(tx *store.Tx, gone string) error {
	a, err := arn.Parse(gone)
	if err != nil {
		return err
	}
	namespace, name, ok := a.User()
	if !ok {
		return nil
	}
	_, err = tx.Exec(`UPDATE embed_entries SET user_name = '', session_id = NULL WHERE account = $1 AND namespace = $2 AND user_name = $3`, a.Account, namespace, name)
	return err
}

const batch = 2000

// Purge removes what is kept of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	for _, deletion := range []string{
		`DELETE FROM embed_entries WHERE id IN (SELECT id FROM embed_entries WHERE account = $1 LIMIT $2)`,
		`DELETE FROM embed_domains WHERE (account, domain) IN (SELECT account, domain FROM embed_domains WHERE account = $1 LIMIT $2)`,
	} {
		if err := s.remove(ctx, deletion, account); err != nil {
			return err
		}
	}
	return nil
}

// Tidy removes the entries that nobody needs any more.
func (s *Service) Tidy(ctx context.Context) error {
	return s.remove(ctx, `DELETE FROM embed_entries WHERE id IN (SELECT id FROM embed_entries WHERE kept_us < $1 ORDER BY kept_us LIMIT $2)`, store.Micros(s.Now()))
}

func (s *Service) remove(ctx context.Context, deletion string, of any) error {
	for gone := int64(batch); gone == batch; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(deletion, of, batch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
