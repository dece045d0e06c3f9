package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
	"strings"
	"sync"
)

// A signingKey is what signs for one secret, day, region and service.
type signingKey struct {
	// secret is what the key was made from. One whose secret has been replaced
	// must not live on in the cache.
	secret string
	// macs are HMACs with the key in place: used again, one costs less than
	// half of a new one, and no memory.
	macs sync.Pool
}

func deriveKey(secret string, c *Credential) *signingKey {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.Date, c.Region, c.Service, terminator} {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(part))
		key = h.Sum(nil)
	}
	k := &signingKey{secret: secret}
	k.macs.New = func() any { return hmac.New(sha256.New, key) }
	return k
}

// sum writes the signature of text to out, which has room for it.
func (k *signingKey) sum(out, text []byte) []byte {
	h := k.macs.Get().(hash.Hash)
	defer k.macs.Put(h)
	h.Reset()
	h.Write(text)
	return h.Sum(out[:0])
}

// keyCache keeps signing keys: four of five HMACs of a verification are spent
// on deriving one. It has two generations and drops the older when the newer
// is full, so what is in use stays and the rest goes. The zero value is ready.
type keyCache struct {
	mu         sync.RWMutex
	young, old map[Credential]*signingKey
}

// generation is how many keys one generation holds, 300 bytes each.
const generation = 4096

// find gives the signing key, from the cache where it is, else derived anew.
func (c *keyCache) find(cred *Credential, secret string) (k *signingKey, cached bool) {
	c.mu.RLock()
	k, young := c.young[*cred]
	if !young {
		k = c.old[*cred]
	}
	c.mu.RUnlock()
	if k == nil || subtle.ConstantTimeCompare([]byte(k.secret), []byte(secret)) == 0 {
		return deriveKey(secret, cred), false
	}
	return k, young
}

// add keeps a key. The credential's strings are parts of a request, which
// must not be held in memory for their sake.
func (c *keyCache) add(cred *Credential, k *signingKey) {
	own := Credential{
		AccessKeyID: strings.Clone(cred.AccessKeyID), Date: strings.Clone(cred.Date),
		Region: strings.Clone(cred.Region), Service: strings.Clone(cred.Service),
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= generation {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[Credential]*signingKey)
	}
	c.young[own] = k
}
