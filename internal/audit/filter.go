package audit

import (
	"strconv"

	"onsight/internal/cloudtrailapi"
)

// terms calls each with every attribute that an event can be looked up by,
// but for those that it has in common with the event before; nil is none.
func (h *head) terms(before *head, each func(key cloudtrailapi.LookupAttributeKey, value string)) {
	if before == nil {
		before = &head{}
		each(cloudtrailapi.LookupAttributeKeyReadOnly, strconv.FormatBool(h.ReadOnly))
	} else if h.ReadOnly != before.ReadOnly {
		each(cloudtrailapi.LookupAttributeKeyReadOnly, strconv.FormatBool(h.ReadOnly))
	}
	if h.EventName != before.EventName {
		each(cloudtrailapi.LookupAttributeKeyEventName, h.EventName)
	}
	if h.EventSource != before.EventSource {
		each(cloudtrailapi.LookupAttributeKeyEventSource, h.EventSource)
	}
	if u, v := &h.UserIdentity, &before.UserIdentity; u.ARN != v.ARN || u.UserName != v.UserName {
		each(cloudtrailapi.LookupAttributeKeyUsername, u.userName())
	}
	if id := h.UserIdentity.AccessKeyID; id != before.UserIdentity.AccessKeyID {
		each(cloudtrailapi.LookupAttributeKeyAccessKeyId, id)
	}
	for _, name := range h.Resources {
		r := resource(name)
		each(cloudtrailapi.LookupAttributeKeyResourceType, r.kind)
		each(cloudtrailapi.LookupAttributeKeyResourceName, name)
		each(cloudtrailapi.LookupAttributeKeyResourceName, r.short)
	}
}

// A Bloom filter tells which terms a batch of events does not have: of a
// hundred batches without a term it lets one pass. So a search reads only
// batches in which it finds something, and a change pays for no index.
const (
	bitsPerTerm = 10
	probes      = 7
)

// termHash is the hash of a term, for makeFilter and mayHold.
func termHash(key cloudtrailapi.LookupAttributeKey, value string) uint64 {
	h := uint64(14695981039346656037) // FNV-1a
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * 1099511628211
	}
	h *= 1099511628211
	for i := range len(value) {
		h = (h ^ uint64(value[i])) * 1099511628211
	}
	return mix(h)
}

// makeFilter makes the filter of terms with these hashes, which are different.
func makeFilter(hashes map[uint64]struct{}) []byte {
	words := (len(hashes)*bitsPerTerm + 63) / 64
	bits := make([]byte, 8*words)
	for h := range hashes {
		for i := range uint64(probes) {
			at := probe(h, i, len(bits))
			bits[at/8] |= 1 << (at % 8)
		}
	}
	return bits
}

// mayHold tells whether a filter was made with a term; sometimes it is wrong to
// say that it was.
func mayHold(filter []byte, h uint64) bool {
	if len(filter) == 0 {
		return false
	}
	for i := range uint64(probes) {
		at := probe(h, i, len(filter))
		if filter[at/8]&(1<<(at%8)) == 0 {
			return false
		}
	}
	return true
}

// probe is the bit that a term sets in the i-th place.
func probe(h, i uint64, size int) uint64 {
	return (h + i*(h>>33|1)) % (uint64(size) * 8)
}
