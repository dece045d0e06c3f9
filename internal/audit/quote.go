package audit

import (
	"strconv"
	"unicode/utf8"
)

const hexDigits = "0123456789abcdef"

// quote appends s as a JSON string. What is not UTF-8 becomes U+FFFD.
func quote(b []byte, s string) []byte {
	b = append(b, '"')
	n := plain(s)
	b = append(b, s[:n]...)
	if n < len(s) {
		b = escape(b, s[n:])
	}
	return append(b, '"')
}

// plain tells how many bytes at the beginning of s stand for themselves in a
// JSON string. It looks at eight at a time.
func plain(s string) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(s); i += 8 {
		x := uint64(s[i]) | uint64(s[i+1])<<8 | uint64(s[i+2])<<16 | uint64(s[i+3])<<24 |
			uint64(s[i+4])<<32 | uint64(s[i+5])<<40 | uint64(s[i+6])<<48 | uint64(s[i+7])<<56
		// The top bit of a byte tells that it is below ' ', a quote, a backslash,
		// or no ASCII; or that one before it is.
		quotes, slashes := x^ones*'"', x^ones*'\\'
		if (x|(x-ones*' ')|(quotes-ones)|(slashes-ones))&tops != 0 {
			break
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}

// escape appends s as it stands inside of a JSON string.
func escape(b []byte, s string) []byte {
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c >= utf8.RuneSelf {
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		}
		if c >= ' ' && c != '"' && c != '\\' {
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
		}
		i++
		start = i
	}
	return append(b, s[start:]...)
}

// member appends a member whose value is a string, after a comma.
func member(b []byte, name, value string) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	return quote(b, value)
}

// optional is member for a value that is left out when it is empty.
func optional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return member(b, name, value)
}

// omitted appends what stands for a value that is left out, in CloudTrail's
// words. A size of 0 is not known.
func omitted(b []byte, size int, reason string) []byte {
	b = append(b, `{"omitted":true`...)
	if size > 0 {
		b = strconv.AppendInt(append(b, `,"originalSize":`...), int64(size), 10)
	}
	return append(member(b, "reason", reason), '}')
}

// shorten cuts a text after n bytes, between characters.
func shorten(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
