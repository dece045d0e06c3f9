package wire

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
)

// scalar reads a scalar and returns the rules that it breaks.
func (d *decoder) scalar(k jsontext.Kind, sh *shape, to target) (broken uint, err error) {
	raw, err := d.scalarBytes(k, sh)
	if err != nil {
		return 0, err
	}
	switch sh.kind {
	case boolean:
		to.setBool(k == 't')
		return 0, nil
	case text:
		plain, err := unquote(raw)
		if err != nil {
			return 0, d.syntax(err)
		}
		value, known := sh.enum[string(plain)]
		if !known {
			value = string(plain)
		}
		to.setString(value)
		return sh.checkText(value), nil
	case integer, long:
		n, ok := parseInteger(raw, sh.kind)
		if !ok {
			return 0, d.unexpected(sh, quoteValue(string(raw)))
		}
		to.setInt(n)
		return sh.checkNumber(float64(n)), nil
	case double:
		f, ok := parseDouble(raw)
		if !ok {
			return 0, d.unexpected(sh, quoteValue(string(raw)))
		}
		to.setFloat(f)
		return sh.checkNumber(f), nil
	case timestamp:
		t, ok := parseTime(raw)
		if !ok {
			return 0, d.unexpected(sh, quoteValue(string(raw)))
		}
		to.setTime(t)
		return 0, nil
	case blob:
		plain, err := unquote(raw)
		if err != nil {
			return 0, d.syntax(err)
		}
		data, err := decodeBase64(plain)
		if err != nil {
			return 0, d.unexpected(sh, "a string of another kind")
		}
		to.setBytes(data)
		return sh.checkLength(len(data)), nil
	default:
		return 0, fmt.Errorf("shape %s is no scalar", sh.name)
	}
}

// scalarBytes reads the JSON of a scalar whose kind suits the shape.
func (d *decoder) scalarBytes(k jsontext.Kind, sh *shape) ([]byte, error) {
	var suits bool
	switch sh.kind {
	case boolean:
		suits = k == 't' || k == 'f'
	case text, blob:
		suits = k == '"'
	case double:
		suits = k == '0' || k == '"' // NaN and Infinity are strings
	default:
		suits = k == '0'
	}
	if !suits {
		return nil, d.unexpected(sh, kindName(k))
	}
	raw, err := d.json.ReadValue()
	if err != nil {
		return nil, d.syntax(err)
	}
	return raw, nil
}

// parseInteger reads a JSON number that is whole and fits.
func parseInteger(raw []byte, k kind) (int64, bool) {
	low, high := int64(math.MinInt64), int64(math.MaxInt64)
	if k == integer {
		low, high = math.MinInt32, math.MaxInt32
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		// 1e3 and 5.0 are whole as well. Beyond 2^53 one cannot tell.
		f, err := strconv.ParseFloat(string(raw), 64)
		if err != nil || f != math.Trunc(f) || math.Abs(f) > 1<<53 || !bytes.ContainsAny(raw, ".eE") {
			return 0, false
		}
		n = int64(f)
	}
	return n, low <= n && n <= high
}

func parseDouble(raw []byte) (float64, bool) {
	if raw[0] == '"' {
		return specialFloat(string(raw[1 : len(raw)-1]))
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	return f, err == nil
}

// specialFloat reads the names of the floats that JSON numbers do not have.
func specialFloat(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

// parseTime reads seconds since 1970, to the microsecond. Years go from 0 to 9999.
func parseTime(raw []byte) (time.Time, bool) {
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil || f < -62167219200 || f >= 253402300800 {
		return time.Time{}, false
	}
	return time.UnixMicro(int64(math.Round(f * 1e6))).UTC(), true
}

// decodeBase64 reads standard base64, padded and with nothing else in it.
func decodeBase64(src []byte) ([]byte, error) {
	if bytes.ContainsAny(src, "\r\n") {
		return nil, errors.New("base64 with line ends")
	}
	dst := make([]byte, base64.StdEncoding.DecodedLen(len(src)))
	n, err := base64.StdEncoding.Strict().Decode(dst, src)
	return dst[:n], err
}

// scalarText reads a scalar from the text it has in a path, a query, a form or
// XML, and returns the rules that it breaks.
func (d *decoder) scalarText(sh *shape, value string, to target) (broken uint, err error) {
	switch sh.kind {
	case text:
		if known, ok := sh.enum[value]; ok {
			value = known
		}
		to.setString(value)
		return sh.checkText(value), nil
	case boolean:
		if value != "true" && value != "false" {
			return 0, d.unexpected(sh, quoteValue(value))
		}
		to.setBool(value == "true")
		return 0, nil
	case integer, long:
		n, ok := parseInt(value, sh.kind)
		if !ok {
			return 0, d.unexpected(sh, quoteValue(value))
		}
		to.setInt(n)
		return sh.checkNumber(float64(n)), nil
	case double:
		f, ok := specialFloat(value)
		if !ok {
			if f, err = strconv.ParseFloat(value, 64); err != nil || strings.ContainsAny(value, "_xXnN+") {
				return 0, d.unexpected(sh, quoteValue(value))
			}
		}
		to.setFloat(f)
		return sh.checkNumber(f), nil
	case timestamp:
		t, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return 0, d.unexpected(sh, quoteValue(value))
		}
		to.setTime(t.UTC())
		return 0, nil
	case blob:
		data, err := decodeBase64([]byte(value))
		if err != nil {
			return 0, d.unexpected(sh, "a text of another kind")
		}
		to.setBytes(data)
		return sh.checkLength(len(data)), nil
	default:
		return 0, fmt.Errorf("shape %s cannot stand in a text", sh.name)
	}
}

// parseInt reads a decimal integer as the path and the query have it: an
// optional minus and digits without leading zeros.
func parseInt(s string, k kind) (int64, bool) {
	digits := strings.TrimPrefix(s, "-")
	if digits == "" || digits[0] == '+' || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	bits := 64
	if k == integer {
		bits = 32
	}
	n, err := strconv.ParseInt(s, 10, bits)
	return n, err == nil
}
