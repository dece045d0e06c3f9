package embed

import (
	"errors"
	"math"
	"strings"
	"unicode"
	"unicode/utf8"
)

// toASCII gives a label of a name as it is on the wire: unchanged where it is
// ASCII, and else in Punycode (RFC 3492) with the prefix of RFC 5890. Letters,
// marks and digits alone are taken.
func toASCII(label string) (string, error) {
	ascii := true
	for _, r := range label {
		if r < utf8.RuneSelf {
			continue
		}
		ascii = false
		if r == utf8.RuneError || !unicode.In(r, unicode.L, unicode.M, unicode.Nd) {
			return "", errors.New("embed: a character that no name has")
		}
	}
	if ascii {
		return label, nil
	}
	return encodePunycode(label)
}

// The parameters of Punycode.
const (
	base        = 36
	tMin, tMax  = 1, 26
	skew, damp  = 38, 700
	initialBias = 72
	initialN    = 128
)

func encodePunycode(label string) (string, error) {
	var b strings.Builder
	b.WriteString("xn--")
	done := 0
	total := 0
	for _, r := range label {
		if total++; r < initialN {
			b.WriteByte(byte(r))
			done++
		}
	}
	if total > 63 {
		return "", errors.New("embed: a label that is too long")
	}
	basic := done
	if basic > 0 {
		b.WriteByte('-')
	}
	n, delta, bias := rune(initialN), 0, initialBias
	for done < total {
		next := rune(math.MaxInt32)
		for _, r := range label {
			if r >= n && r < next {
				next = r
			}
		}
		delta += int(next-n) * (done + 1) // 63 characters of 21 bits: no overflow
		n = next
		for _, r := range label {
			if r < n {
				delta++
			}
			if r != n {
				continue
			}
			q := delta
			for k := base; ; k += base {
				t := min(max(k-bias, tMin), tMax)
				if q < t {
					b.WriteByte(digit(q))
					break
				}
				b.WriteByte(digit(t + (q-t)%(base-t)))
				q = (q - t) / (base - t)
			}
			bias = adapt(delta, done+1, done == basic)
			delta = 0
			done++
		}
		delta++
		n++
	}
	return b.String(), nil
}

func digit(d int) byte {
	if d < 26 {
		return byte('a' + d)
	}
	return byte('0' + d - 26)
}

func adapt(delta, points int, first bool) int {
	if first {
		delta /= damp
	} else {
		delta /= 2
	}
	delta += delta / points
	k := 0
	for delta > (base-tMin)*tMax/2 {
		delta /= base - tMin
		k += base
	}
	return k + (base-tMin+1)*delta/(delta+skew)
}
