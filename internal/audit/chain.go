package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"hash"
	"sync"

	"onsight/internal/seal"
	"onsight/internal/store"
)

// buffers are for what is hashed.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

// A digest is a SHA-256.
type digest = [sha256.Size]byte

// leafOf is the hash of one event.
func leafOf(seq int64, record []byte) digest {
	room := buffers.Get().(*[]byte)
	defer buffers.Put(room)
	*room = append(binary.BigEndian.AppendUint64((*room)[:0], uint64(seq)), record...)
	return sha256.Sum256(*room)
}

// newBatchHash begins the hash of a batch: over the one of the batch before,
// and then the hashes of its events.
func newBatchHash(before []byte) hash.Hash {
	h := sha256.New()
	h.Write([]byte("onsight audit batch 1\x00"))
	h.Write(before)
	return h
}

// nothing is the hash before the first batch of an account.
var nothing = make([]byte, sha256.Size)

// A batch is a row of audit_batches.
type batch struct {
	Account string `db:"account"`
	To      int64  `db:"to_seq"`
	From    int64  `db:"from_seq"`
	Round   int64  `db:"round"`
	Events  int64  `db:"events"`
	Total   int64  `db:"total"`
	Hash    []byte `db:"hash"`
	Seal    []byte `db:"seal"`
	Filter  []byte `db:"filter"`
	Marks   []byte `db:"marks"`
}

const batchColumns = `account, to_seq, from_seq, round, events, total, hash, seal, filter, marks`

// A chain is a row of audit_chains: both ends of an account's chain or, with an
// empty account, how far everything is sealed and how many chains there are.
type chain struct {
	Account   string `db:"account"`
	HeadSeq   int64  `db:"head_seq"`
	HeadTotal int64  `db:"head_total"`
	HeadHash  []byte `db:"head_hash"`
	BaseSeq   int64  `db:"base_seq"`
	BaseTotal int64  `db:"base_total"`
	BaseHash  []byte `db:"base_hash"`
	BrokenUS  int64  `db:"broken_us"`
	Seal      []byte `db:"seal"`
}

const chainColumns = `account, head_seq, head_total, head_hash, base_seq, base_total, base_hash, broken_us, seal`

// newChain is the chain of an account that has none.
func newChain(account string) *chain {
	return &chain{Account: account, HeadHash: nothing, BaseHash: nothing}
}

// findChain reads the chain of an account, an empty one where there is none.
func findChain(tx *store.Tx, account string) (c *chain, found bool, err error) {
	row, err := store.One[chain](tx, `SELECT `+chainColumns+` FROM audit_chains WHERE account = $1`, account)
	if errors.Is(err, store.ErrNotFound) {
		return newChain(account), false, nil
	}
	return &row, err == nil, err
}

// A sealed row says what its seal is made of: a purpose, and the hash of all
// else that it holds.
type sealed interface {
	content() (purpose string, sum digest)
}

func (b *batch) content() (string, digest) {
	marks, filter := sha256.Sum256(b.Marks), sha256.Sum256(b.Filter)
	return "audit batch\x00" + b.Account,
		sum([]int64{b.From, b.To, b.Round, b.Events, b.Total}, b.Hash, marks[:], filter[:])
}

func (c *chain) content() (string, digest) {
	return "audit chain\x00" + c.Account,
		sum([]int64{c.HeadSeq, c.HeadTotal, c.BaseSeq, c.BaseTotal, c.BrokenUS}, c.HeadHash, c.BaseHash)
}

func sum(numbers []int64, texts ...[]byte) digest {
	var b []byte
	for _, n := range numbers {
		b = binary.BigEndian.AppendUint64(b, uint64(n))
	}
	for _, t := range texts {
		b = append(binary.AppendUvarint(b, uint64(len(t))), t...)
	}
	return sha256.Sum256(b)
}

// sealOf makes the seal of a row.
func sealOf(keys *seal.Keyring, row sealed) []byte {
	purpose, sum := row.content()
	return keys.Seal(sum[:], purpose)
}

// errForged says that a row is not what was sealed.
var errForged = errors.New("the seal does not fit")

// genuine tells whether a seal was made for a row. The error is errForged, or
// a *seal.UnknownKeyError.
func genuine(keys *seal.Keyring, row sealed, mark []byte) error {
	purpose, sum := row.content()
	got, err := keys.Open(mark, purpose)
	if unknown, ok := errors.AsType[*seal.UnknownKeyError](err); ok {
		return unknown
	}
	if err != nil || !bytes.Equal(got, sum[:]) {
		return errForged
	}
	return nil
}

// A mark is what a batch keeps of each of its events, to say later which one
// it is that does not fit: the number, and the beginning of the hash.
type mark struct {
	seq  int64
	leaf [4]byte
}

// appendMark appends a mark to those of a batch; before is the number of the
// event before, or that of the batch's first less one.
func appendMark(b []byte, before, seq int64, leaf digest) []byte {
	return append(binary.AppendUvarint(b, uint64(seq-before)), leaf[:4]...)
}

// marks are the marks of a batch that starts at from. What cannot be read ends
// them: the seal tells that it is wrong.
func (b *batch) marks() []mark {
	all := make([]mark, 0, min(b.Events, maxBatch))
	text, seq := b.Marks, b.From-1
	for len(text) > 0 {
		step, n := binary.Uvarint(text)
		if n <= 0 || len(text) < n+4 {
			break
		}
		seq += int64(step)
		all = append(all, mark{seq, [4]byte(text[n : n+4])})
		text = text[n+4:]
	}
	return all
}
