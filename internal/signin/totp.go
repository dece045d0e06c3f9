package signin

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1" //nolint:gosec // RFC 6238: what every authenticator app computes; HMAC needs no collision resistance
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"net/url"
	"strings"
	"time"

	"onsight/internal/store"
)

// Codes of authenticator apps: RFC 6238 with what all apps know, six digits of
// SHA-1, a new one every 30 seconds.
const (
	totpPeriod = 30
	totpDigits = 6
	totpSecret = 20 // bytes, as RFC 4226 recommends
	totpSkew   = 1  // steps that a clock may be off
)

var totpText = base32.StdEncoding.WithPadding(base32.NoPadding)

// newTOTPSecret makes the secret that an app and the server share.
func newTOTPSecret() []byte {
	secret := make([]byte, totpSecret)
	_, _ = rand.Read(secret) // never fails (crypto/rand)
	return secret
}

func totpStep(t time.Time) int64 { return t.Unix() / totpPeriod }

// hotp is the code of a counter (RFC 4226, 5.3).
func hotp(h func() hash.Hash, secret []byte, counter int64, digits int) string {
	mac := hmac.New(h, secret)
	_ = binary.Write(mac, binary.BigEndian, counter) // to a hash it can't fail
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	n, modulus := binary.BigEndian.Uint32(sum[at:])&0x7fffffff, uint32(1)
	for range digits {
		modulus *= 10
	}
	return fmt.Sprintf("%0*d", digits, n%modulus)
}

// totpMatch finds the time step that a code is of, near now.
func totpMatch(secret []byte, code string, now time.Time) (step int64, ok bool) {
	for at := totpStep(now) - totpSkew; at <= totpStep(now)+totpSkew; at++ {
		if subtle.ConstantTimeCompare([]byte(hotp(sha1.New, secret, at, totpDigits)), []byte(code)) == 1 {
			step, ok = at, true
		}
	}
	return step, ok
}

// totpURL is what an app reads from the picture (Key Uri Format).
func totpURL(secret []byte, issuer, name string) string {
	q := url.Values{"secret": {totpText.EncodeToString(secret)}, "issuer": {issuer}}
	label := strings.ReplaceAll(issuer, ":", " ") + ":" + name
	// Apps read + as a plus sign.
	return "otpauth://totp/" + url.PathEscape(label) + "?" + strings.ReplaceAll(q.Encode(), "+", "%20")
}

// grouped sets a text in groups of four, to be read and typed.
func grouped(s, between string) string {
	var parts []string
	for len(s) > 4 {
		parts, s = append(parts, s[:4]), s[4:]
	}
	return strings.Join(append(parts, s), between)
}

// digits takes a code as people type it: apps show it in groups.
func digits(s string) string {
	return strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '\u00a0' {
			return -1
		}
		return r
	}, s)
}

// totpFactor is a row of the table totp_factors.
type totpFactor struct {
	Account   string `db:"account"`
	Namespace string `db:"namespace"`
	UserName  string `db:"user_name"`
	Secret    []byte `db:"secret"`
	LastStep  int64  `db:"last_step"`
	CreatedUS int64  `db:"created_us"`
	UsedUS    int64  `db:"used_us"`
}

const totpColumns = `account, namespace, user_name, secret, last_step, created_us, used_us`

// TOTPContext is what the secret of a user's app is sealed for.
func TOTPContext(account, namespace, user string) string {
	return "totp\x00" + account + "\x00" + namespace + "\x00" + user
}

func totpOf(tx *store.Tx, p Person) (*totpFactor, error) {
	row, err := store.One[totpFactor](tx, `SELECT `+totpColumns+` FROM totp_factors WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	return &row, err
}

// takeTOTP takes a code of the person's app, once. Codes of steps before one
// that was taken are worth nothing either.
func (s *Service) takeTOTP(tx *store.Tx, p Person, code string) error {
	row, err := totpOf(tx, p)
	if err != nil {
		return err
	}
	if row == nil {
		return &wrongFactor{"code.wrong"}
	}
	text, err := s.Keys.Open(row.Secret, TOTPContext(p.Account, p.Namespace, p.Name))
	var secret []byte
	if err == nil {
		secret, err = totpText.DecodeString(string(text))
	}
	if err != nil {
		return fmt.Errorf("the app of %s: %w", p.Name, err)
	}
	step, ok := totpMatch(secret, code, s.Now())
	if !ok {
		return &wrongFactor{"code.wrong"}
	}
	n, err := tx.Exec(`UPDATE totp_factors SET last_step = $4, used_us = $5 WHERE account = $1 AND namespace = $2 AND user_name = $3 AND last_step < $4`,
		p.Account, p.Namespace, p.Name, step, store.Micros(s.Now()))
	if err == nil && n == 0 {
		err = &wrongFactor{"code.used"}
	}
	return err
}

// keepTOTP keeps the secret of an app that has shown a code of it; the app
// before is void.
func (s *Service) keepTOTP(tx *store.Tx, p Person, secret []byte, step int64) error {
	_, err := tx.Exec(`INSERT INTO totp_factors (`+totpColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $6)
		ON CONFLICT (account, namespace, user_name) DO UPDATE SET secret = excluded.secret, last_step = excluded.last_step,
		created_us = excluded.created_us, used_us = excluded.used_us`,
		p.Account, p.Namespace, p.Name, s.Keys.Seal([]byte(totpText.EncodeToString(secret)), TOTPContext(p.Account, p.Namespace, p.Name)), step, store.Micros(s.Now()))
	return err
}
