package sts

import (
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// sessionPrefix is what the ids of temporary access keys begin with.
const sessionPrefix = "ASIA"

// newAccessKeyID makes the id of a temporary access key. The account is in it,
// as in those of the real service: in bits 1 to 40 of the ten bytes that stand
// after the prefix, in base 32. So GetAccessKeyInfo needs no table. The other
// 40 bits, the first of which is set, are random. Two sessions may by rare
// chance have one id; each has its own secret, and its token goes with it.
func newAccessKeyID(account string) string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	n, err := strconv.ParseUint(account, 10, 40)
	if err != nil {
		panic(fmt.Sprintf("%q is no account", account)) // it was one when the caller signed
	}
	var head [8]byte
	binary.BigEndian.PutUint64(head[:], 1<<47|n<<7|uint64(b[5]&0x7f))
	copy(b[:6], head[2:])
	return sessionPrefix + base32.StdEncoding.EncodeToString(b[:])
}

// accountOf gives the account in the id of a temporary access key.
func accountOf(accessKeyID string) (string, bool) {
	if !isSessionKey(accessKeyID) {
		return "", false
	}
	b, err := base32.StdEncoding.DecodeString(accessKeyID[len(sessionPrefix):])
	if err != nil {
		return "", false
	}
	n := binary.BigEndian.Uint64(append([]byte{0, 0}, b[:6]...)) >> 7 & (1<<40 - 1)
	if b[0]&0x80 == 0 || n > 999_999_999_999 {
		return "", false
	}
	return fmt.Sprintf("%012d", n), true
}

// isSessionKey says whether an access key id has the form of temporary ones.
func isSessionKey(id string) bool { return len(id) == 20 && strings.HasPrefix(id, sessionPrefix) }

// newSecret makes a secret access key: forty characters, 240 bits.
func newSecret() string {
	var b [30]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b[:])
}
