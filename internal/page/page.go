package page

import (
	"encoding/base64"
	"encoding/binary"
	"strconv"
	"strings"
	"time"

	"onsight/internal/fault"
	"onsight/internal/seal"
)

const (
	// life is how long a token is good for.
	life = 24 * time.Hour
	// maxToken bounds what is worth decoding. Keys of up to 500 bytes make
	// tokens of at most 800 characters.
	maxToken = 4096
)

// Tokens makes and reads tokens. It may be used by many goroutines at once.
type Tokens struct {
	keys *seal.Keyring
	now  func() time.Time
}

// NewTokens gives tokens sealed with keys, that expire by the clock now.
func NewTokens(keys *seal.Keyring, now func() time.Time) *Tokens {
	return &Tokens{keys, now}
}

// Scope joins what a list is: its operation, its account, its filters. Other
// parts, or the same ones divided differently, make another scope.
func Scope(parts ...string) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(strconv.Itoa(len(p)))
		b.WriteByte(':')
		b.WriteString(p)
	}
	return b.String()
}

// Next gives the token for what comes after key in the list scope: letters,
// digits, - and _.
func (t *Tokens) Next(scope string, key ...string) string {
	plain := binary.AppendVarint(nil, t.now().Add(life).Unix())
	for _, part := range key {
		plain = binary.AppendUvarint(plain, uint64(len(part)))
		plain = append(plain, part...)
	}
	return base64.RawURLEncoding.EncodeToString(t.keys.Seal(plain, purpose(scope)))
}

// Key gives the key that a token of the list scope holds, nil for the empty
// token, and fault.InvalidNextToken for what is no token of this list now.
func (t *Tokens) Key(scope, token string) ([]string, error) {
	if token == "" {
		return nil, nil
	}
	if len(token) > maxToken || strings.ContainsAny(token, "\r\n") { // which the decoder would pass over
		return nil, fault.InvalidNextToken()
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, fault.InvalidNextToken()
	}
	plain, err := t.keys.Open(sealed, purpose(scope))
	if err != nil {
		return nil, fault.InvalidNextToken()
	}
	expires, n := binary.Varint(plain)
	if n <= 0 || !t.now().Before(time.Unix(expires, 0)) {
		return nil, fault.InvalidNextToken()
	}
	plain = plain[n:]
	key := []string{}
	for len(plain) > 0 {
		size, n := binary.Uvarint(plain)
		if n <= 0 || size > uint64(len(plain)-n) {
			return nil, fault.InvalidNextToken()
		}
		key = append(key, string(plain[n:n+int(size)]))
		plain = plain[n+int(size):]
	}
	return key, nil
}

// purpose keeps tokens apart from all else that is sealed with the same keys.
func purpose(scope string) string { return "page\x00" + scope }
