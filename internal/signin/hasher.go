package signin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/argon2"
)

// A Cost is what hashing a password takes by argon2id: memory in KiB, and how
// many times it is passed over.
type Cost struct{ Memory, Passes uint32 }

// LeastCost is the least that OWASP's password storage cheat sheet allows.
var LeastCost = Cost{Memory: 19 << 10, Passes: 2}

const (
	saltSize = 16
	hashSize = 32
	// queueFor is how many may wait for each worker: some three seconds.
	queueFor = 96
)

// ErrBusy says that so many passwords wait to be hashed that another had to
// wait too long.
var ErrBusy = errors.New("signin: too many passwords at once")

// A Hasher hashes passwords, as many at once as there are processors; others
// wait in a queue with an end.
type Hasher struct {
	cost    Cost
	slots   chan struct{}
	waiting atomic.Int64
	most    int64
	dummy   string
	done    atomic.Int64

	pace pace
}

// NewHasher makes a Hasher. calls counts the server's other work; nil for none.
func NewHasher(cost Cost, now func() time.Time, calls func() uint64) *Hasher {
	workers := runtime.GOMAXPROCS(0)
	h := &Hasher{cost: cost, slots: make(chan struct{}, workers), most: int64(workers * (queueFor + 1))}
	// Nobody knows a password that makes these bytes, but finding out that one
	// does not is the same work as for any other.
	var nothing [saltSize + hashSize]byte
	_, _ = rand.Read(nothing[:]) // never fails (crypto/rand)
	h.dummy = encodeHash(cost, nothing[:saltSize], nothing[saltSize:])
	h.pace = pace{now: now, calls: calls, processors: workers}
	return h
}

// Done is how many passwords have been hashed.
func (h *Hasher) Done() int64 { return h.done.Load() }

// Hash makes what is kept of a password.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	var salt [saltSize]byte
	_, _ = rand.Read(salt[:]) // never fails (crypto/rand)
	sum, err := h.sum(ctx, password, salt[:], h.cost, hashSize)
	if err != nil {
		return "", err
	}
	return encodeHash(h.cost, salt[:], sum), nil
}

// Verify tells whether a password is the one of which kept was made; stale,
// that it should be hashed anew at today's cost. An empty kept is of nobody: it
// takes the same work, and no password is right.
func (h *Hasher) Verify(ctx context.Context, kept, password string) (right, stale bool, err error) {
	nobody := kept == ""
	if nobody {
		kept = h.dummy
	}
	cost, salt, want, err := decodeHash(kept)
	if err != nil {
		return false, false, err
	}
	got, err := h.sum(ctx, password, salt, cost, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1 && !nobody, cost != h.cost, nil
}

func (h *Hasher) sum(ctx context.Context, password string, salt []byte, cost Cost, size uint32) ([]byte, error) {
	if h.waiting.Add(1) > h.most {
		h.waiting.Add(-1)
		return nil, ErrBusy
	}
	defer h.waiting.Add(-1)
	select {
	case h.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-h.slots }()
	if err := h.pace.wait(ctx); err != nil {
		return nil, err
	}
	began := h.pace.now()
	sum := argon2.IDKey([]byte(password), salt, cost.Passes, cost.Memory, 1, size)
	h.pace.took(h.pace.now().Sub(began))
	h.done.Add(1)
	return sum, nil
}

// encodeHash writes the form that argon2's own tools do.
func encodeHash(c Cost, salt, sum []byte) string {
	b64 := base64.RawStdEncoding
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=1$%s$%s", argon2.Version, c.Memory, c.Passes, b64.EncodeToString(salt), b64.EncodeToString(sum))
}

func decodeHash(kept string) (c Cost, salt, sum []byte, err error) {
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("signin: a kept password is of an unknown form")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=1", &c.Memory, &c.Passes); err != nil {
		return c, nil, nil, fmt.Errorf("signin: a kept password is of an unknown form: %w", err)
	}
	b64 := base64.RawStdEncoding.Strict()
	if salt, err = b64.DecodeString(parts[4]); err == nil {
		sum, err = b64.DecodeString(parts[5])
	}
	if err == nil && (len(sum) < 16 || c.Memory > 4<<20 || c.Passes == 0 || c.Passes > 1000) {
		err = errors.New("out of bounds")
	}
	if err != nil {
		return c, nil, nil, fmt.Errorf("signin: a kept password is of an unknown form: %w", err)
	}
	return c, salt, sum, nil
}

// A pace keeps passwords from taking the processors away from calls of the API:
// one hash costs as much as a thousand calls. While more calls come than
// busyCalls for each processor in a second, hashes take share of the processors
// and no more; else they go as fast as they can.
type pace struct {
	now        func() time.Time
	calls      func() uint64
	processors int

	mu      sync.Mutex
	at      time.Time // when calls were counted last
	counted uint64
	busy    bool
	next    time.Time     // when the next hash may begin, while it is busy
	last    time.Duration // how long a hash takes
}

const (
	busyCalls = 500
	share     = 0.12
	window    = 50 * time.Millisecond
	quiet     = time.Second // after which a count says nothing of now
)

// wait waits until a hash may begin.
func (p *pace) wait(ctx context.Context) error {
	pause := p.pause()
	if pause <= 0 {
		return nil
	}
	t := time.NewTimer(pause)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) pause() time.Duration {
	if p.calls == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := p.now()
	if since := now.Sub(p.at); since >= window {
		n := p.calls()
		p.busy = since < quiet && float64(n-p.counted) > busyCalls*float64(p.processors)*since.Seconds()
		p.at, p.counted = now, n
	}
	if !p.busy {
		return 0
	}
	begin := p.next
	if begin.Before(now) {
		begin = now
	}
	p.next = begin.Add(time.Duration(float64(p.last) / (share * float64(p.processors))))
	return begin.Sub(now)
}

func (p *pace) took(d time.Duration) {
	p.mu.Lock()
	p.last = d
	p.mu.Unlock()
}
