package seal

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"sync/atomic"
)

// A sealed value is a header (the format's number and the key's id), a nonce,
// and what AES-GCM makes.
const (
	format     = 1
	idSize     = 4
	headerSize = 1 + idSize
	nonceSize  = 24
	tagSize    = 16
	// Overhead is how many bytes a sealed value has more than the plain one.
	Overhead = headerSize + nonceSize + tagSize
)

// ErrAltered says that a value was not sealed for this context, or is no longer
// what it was.
var ErrAltered = errors.New("the sealed value is altered, or belongs elsewhere")

// UnknownKeyError says that a value was sealed with a key that is not there.
type UnknownKeyError struct {
	ID string // of the key, as in the key file
}

// Error names the key.
func (e *UnknownKeyError) Error() string {
	return "the value was sealed with key " + e.ID + ", which is not in the key file"
}

// Keyring holds keys. The first one seals; all of them open. It may be used by
// many goroutines at once.
type Keyring struct {
	path string // of the file; empty for none
	now  atomic.Pointer[ring]
}

// ring is the keys at one time. It never changes.
type ring struct {
	keys []*key
	file fs.FileInfo // as it was when it was read; nil for none
}

type key struct {
	id    [idSize]byte
	block cipher.Block
	k1    [aes.BlockSize]byte // of the key derivation
}

// New gives a keyring of one random key, which nothing keeps.
func New() *Keyring {
	secret := make([]byte, keySize)
	rand.Read(secret)
	r := &Keyring{}
	r.now.Store(&ring{keys: []*key{newKey(secret)}})
	return r
}

const keySize = 32

// newKey prepares a key of keySize bytes. Its id is part of its hash.
func newKey(secret []byte) *key {
	k := &key{}
	sum := sha256.Sum256(append([]byte("onsight key id\x00"), secret...))
	copy(k.id[:], sum[:])
	k.block = newAES(secret)
	k.block.Encrypt(k.k1[:], k.k1[:])
	// Doubling in the field of 2^128, as in CMAC.
	msb := k.k1[0] >> 7
	for i := range k.k1 {
		next := byte(0)
		if i+1 < len(k.k1) {
			next = k.k1[i+1] >> 7
		}
		k.k1[i] = k.k1[i]<<1 | next
	}
	k.k1[len(k.k1)-1] ^= byte(subtle.ConstantTimeSelect(int(msb), 0x87, 0))
	return k
}

func newAES(secret []byte) cipher.Block {
	b, err := aes.NewCipher(secret)
	if err != nil {
		panic(err) // the size is right
	}
	return b
}

// message gives the cipher of one message, whose nonce has nonceSize bytes; the
// last twelve of them are GCM's.
func (k *key) message(nonce []byte) cipher.AEAD {
	derived := make([]byte, 0, keySize)
	for i := byte(1); i <= 2; i++ {
		m := [aes.BlockSize]byte{0, i, 'X', 0}
		copy(m[4:], nonce[:12])
		subtle.XORBytes(m[:], m[:], k.k1[:])
		k.block.Encrypt(m[:], m[:])
		derived = append(derived, m[:]...)
	}
	gcm, err := cipher.NewGCM(newAES(derived))
	if err != nil {
		panic(err) // AES has the block size that GCM needs
	}
	return gcm
}

// Seal seals plain for the context that aad names, such as an ARN and a field.
func (r *Keyring) Seal(plain []byte, aad string) []byte {
	k := r.now.Load().keys[0]
	out := make([]byte, headerSize+nonceSize, Overhead+len(plain))
	out[0] = format
	copy(out[1:], k.id[:])
	nonce := out[headerSize:]
	rand.Read(nonce)
	return k.message(nonce).Seal(out, nonce[12:], plain, bound(out[:headerSize], aad))
}

// IDs are the ids of the keys, the one that seals first.
func (r *Keyring) IDs() []string {
	keys := r.now.Load().keys
	ids := make([]string, len(keys))
	for i, k := range keys {
		ids[i] = hex.EncodeToString(k.id[:])
	}
	return ids
}

// Current tells whether a value is sealed with the key that seals now.
func (r *Keyring) Current(sealed []byte) bool {
	return len(sealed) >= Overhead && sealed[0] == format && bytes.Equal(sealed[1:headerSize], r.now.Load().keys[0].id[:])
}

// Open gives what was sealed for the same context. It fails with ErrAltered or
// an UnknownKeyError. Where it does not know the key, it looks whether the file
// has a new one.
func (r *Keyring) Open(sealed []byte, aad string) ([]byte, error) {
	if len(sealed) < Overhead || sealed[0] != format {
		return nil, ErrAltered
	}
	header, nonce, body := sealed[:headerSize], sealed[headerSize:headerSize+nonceSize], sealed[headerSize+nonceSize:]
	k := r.now.Load().find(header[1:])
	if k == nil && r.reload() {
		k = r.now.Load().find(header[1:])
	}
	if k != nil {
		plain, err := k.message(nonce).Open(nil, nonce[12:], body, bound(header, aad))
		if err != nil {
			return nil, ErrAltered
		}
		return plain, nil
	}
	return nil, &UnknownKeyError{hex.EncodeToString(header[1:])}
}

func (r *ring) find(id []byte) *key {
	for _, k := range r.keys {
		if bytes.Equal(k.id[:], id) {
			return k
		}
	}
	return nil
}

// bound is what a value is bound to: its header too.
func bound(header []byte, aad string) []byte {
	return append(append(make([]byte, 0, len(header)+len(aad)), header...), aad...)
}

// A key file has a line for each key: the format's name, the key's id, and the
// key. The id is made from the key, so a key that is cut or altered shows.
const linePrefix = "onsight-key"

func line(secret []byte) string {
	return fmt.Sprintf("%s %x %s\n", linePrefix, newKey(secret).id, base64.StdEncoding.EncodeToString(secret))
}

// parse reads the text of a key file. Its errors hold nothing of a key.
func parse(text []byte) (*ring, error) {
	r := &ring{}
	n := 0
	for l := range bytes.Lines(text) {
		n++
		f := bytes.Fields(l)
		if len(f) == 0 || f[0][0] == '#' {
			continue
		}
		if len(f) != 3 || string(f[0]) != linePrefix {
			return nil, fmt.Errorf("line %d is not a key; one reads: %s, its id, its 32 bytes in base64", n, linePrefix)
		}
		secret, err := base64.StdEncoding.Strict().DecodeString(string(f[2]))
		if err != nil || len(secret) != keySize || !bytes.HasSuffix(l, []byte("\n")) {
			return nil, fmt.Errorf("the key in line %d is cut short or altered", n)
		}
		k := newKey(secret)
		if hex.EncodeToString(k.id[:]) != string(f[1]) {
			return nil, fmt.Errorf("the key in line %d does not match its id; one of them is altered", n)
		}
		for _, other := range r.keys {
			if other.id == k.id {
				return nil, fmt.Errorf("line %d repeats key %s", n, f[1])
			}
		}
		r.keys = append(r.keys, k)
	}
	if len(r.keys) == 0 {
		return nil, errors.New("it holds no key")
	}
	return r, nil
}
