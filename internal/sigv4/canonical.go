package sigv4

import (
	"crypto/sha256"
	"slices"
	"strings"
	"sync"
)

// scratch holds the buffers of one verification, so that the next one finds them.
type scratch struct {
	canonical, query, mac []byte
	pairs                 []pair
	payload               [2 * sha256.Size]byte
}

// pair is where one encoded key and its value stand in scratch.query.
type pair struct{ key, value, end int }

// A buffer that grew beyond this is not kept: one odd request would hold it for good.
const keepScratch = 64 << 10

var scratches = sync.Pool{New: func() any { return new(scratch) }}

func (s *scratch) release() {
	if cap(s.canonical) <= keepScratch && cap(s.query) <= keepScratch && cap(s.pairs) <= keepScratch/16 {
		scratches.Put(s)
	}
}

// canonicalRequest gives the text whose hash is signed. The path is given
// apart, for it may have been normalised, and so is the order of the query. The
// bytes are valid until the next call.
func (s *scratch) canonicalRequest(r *Request, path string, order queryOrder, signedHeaders string, payload []byte, presigned bool) []byte {
	b := append(s.canonical[:0], r.Method...)
	b = append(b, '\n')
	b = appendEscapedPath(b, path)
	b = append(b, '\n')
	b = s.appendQuery(b, r.RawQuery, order, presigned)
	b = append(b, '\n')
	for name := range strings.SplitSeq(signedHeaders, ";") {
		b = append(b, name...)
		b = append(b, ':')
		if name == "host" { // spares a slice for the one header that is always signed
			b = appendTrimmed(b, r.Host)
		} else {
			for i, v := range r.values(name) {
				if i > 0 {
					b = append(b, ',')
				}
				b = appendTrimmed(b, v)
			}
		}
		b = append(b, '\n')
	}
	b = append(b, '\n')
	b = append(b, signedHeaders...)
	b = append(b, '\n')
	b = append(b, payload...)
	s.canonical = b
	return b
}

// A queryOrder compares two encoded keys or values.
type queryOrder func(a, b []byte) int

// appendQuery appends the query with each key and value decoded, encoded again
// in the one strict way, and sorted. A plus is a space, as url.ParseQuery reads it.
func (s *scratch) appendQuery(dst []byte, raw string, order queryOrder, presigned bool) []byte {
	if raw == "" {
		return dst
	}
	q, pairs := s.query[:0], s.pairs[:0]
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		key, value, _ := strings.Cut(part, "=")
		p := pair{key: len(q)}
		q = appendReescaped(q, key)
		if presigned && string(q[p.key:]) == "X-Amz-Signature" {
			q = q[:p.key]
			continue
		}
		p.value = len(q)
		q = appendReescaped(q, value)
		p.end = len(q)
		pairs = append(pairs, p)
	}
	s.query, s.pairs = q, pairs
	slices.SortFunc(pairs, func(a, b pair) int {
		if c := order(q[a.key:a.value], q[b.key:b.value]); c != 0 {
			return c
		}
		return order(q[a.value:a.end], q[b.value:b.end])
	})
	for i, p := range pairs {
		if i > 0 {
			dst = append(dst, '&')
		}
		dst = append(dst, q[p.key:p.value]...)
		dst = append(dst, '=')
		dst = append(dst, q[p.value:p.end]...)
	}
	return dst
}

// decodedOrder compares what the encoded texts stand for. The standard sorts
// the encoded ones, where é comes before b; the Go SDK sorts them decoded. It
// shows where tags of such names are removed together.
func decodedOrder(a, b []byte) int {
	for len(a) > 0 && len(b) > 0 {
		var x, y byte
		x, a = decodeFirst(a)
		y, b = decodeFirst(b)
		if x != y {
			return int(x) - int(y)
		}
	}
	return len(a) - len(b)
}

// decodeFirst splits a well-encoded text after its first byte.
func decodeFirst(v []byte) (byte, []byte) {
	if v[0] == '%' {
		return unhex(v[1])<<4 | unhex(v[2]), v[3:]
	}
	return v[0], v[1:]
}

// normalPath removes empty and dot segments, as botocore and the JavaScript
// SDK do before they sign.
func normalPath(path string) string {
	if !strings.Contains(path, "//") && !strings.Contains(path, "/.") {
		return path
	}
	var kept []string
	for segment := range strings.SplitSeq(path, "/") {
		switch segment {
		case "", ".":
		case "..":
			kept = kept[:max(0, len(kept)-1)]
		default:
			kept = append(kept, segment)
		}
	}
	normal := "/" + strings.Join(kept, "/")
	if len(kept) > 0 && strings.HasSuffix(path, "/") {
		normal += "/"
	}
	return normal
}

const upperHex = "0123456789ABCDEF"

// unreserved are the characters that RFC 3986 never escapes.
var unreserved = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		set[c] = true
	}
	return set
}()

// appendEscapedPath appends a path with all but slashes and unreserved characters percent-encoded.
func appendEscapedPath(dst []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; unreserved[c] || c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

// appendReescaped decodes s and appends it encoded. An escape that is not one
// stands for itself.
func appendReescaped(dst []byte, s string) []byte {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '+':
			c = ' '
		case c == '%' && i+2 < len(s):
			if hi, lo := unhex(s[i+1]), unhex(s[i+2]); hi < 16 && lo < 16 {
				c = hi<<4 | lo
				i += 2
			}
		}
		if unreserved[c] {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', upperHex[c>>4], upperHex[c&15])
		}
	}
	return dst
}

func unhex(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// appendTrimmed appends a header's value without outer white space, and with
// each inner run of it as one space.
func appendTrimmed(dst []byte, v string) []byte {
	v = strings.Trim(v, " \t")
	if !strings.Contains(v, "  ") && strings.IndexByte(v, '\t') < 0 {
		return append(dst, v...)
	}
	start, gap := len(dst), false
	for i := range len(v) {
		c := v[i]
		if c == ' ' || c == '\t' {
			gap = len(dst) > start
			continue
		}
		if gap {
			dst = append(dst, ' ')
			gap = false
		}
		dst = append(dst, c)
	}
	return dst
}
