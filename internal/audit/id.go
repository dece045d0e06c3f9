package audit

import (
	"encoding/binary"
	"hash/fnv"
	"time"

	"github.com/google/uuid"
)

// An event's number is the time in microseconds, and so many bits that tell
// apart what happens in one of them. They last until the year 2112.
const counterBits = 11

// timeOf is when the event with a number was written.
func timeOf(seq int64) time.Time { return time.UnixMicro(seq >> counterBits).UTC() }

// seqAt is the least number that an event written at t can have.
func seqAt(t time.Time) int64 { return max(0, t.UnixMicro()) << counterBits }

// eventID is the id of an event: a UUID of version 8 (RFC 9562, 5.8) with the
// number, and bits that depend on it and the account.
func eventID(account string, seq int64) string {
	h := fnv.New64a()
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(seq))
	_, _ = h.Write(n[:]) // never fails (hash.Hash)
	_, _ = h.Write([]byte(account))
	var u uuid.UUID
	binary.BigEndian.PutUint64(u[:8], uint64(seq)<<1&^0xffff|8<<12|uint64(seq)>>3&0xfff)
	binary.BigEndian.PutUint64(u[8:], 2<<62|uint64(seq)&7<<59|mix(h.Sum64())>>5)
	return u.String()
}

// numberIn finds the number in an event's id.
func numberIn(id string) (int64, error) {
	u, err := uuid.Parse(id)
	if err != nil {
		return 0, err
	}
	high, low := binary.BigEndian.Uint64(u[:8]), binary.BigEndian.Uint64(u[8:])
	return int64(high>>16<<15 | high&0xfff<<3 | low>>59&7), nil
}

// mix spreads what differs in a few bits over all of them (the finalizer of
// SplitMix64).
func mix(x uint64) uint64 {
	x ^= x >> 30
	x *= 0xbf58476d1ce4e5b9
	x ^= x >> 27
	x *= 0x94d049bb133111eb
	return x ^ x>>31
}
