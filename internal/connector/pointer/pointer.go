// Package pointer reads and writes JSON values by JSON Pointer (RFC 6901).
package pointer

import (
	"fmt"
	"strconv"
	"strings"
)

var unescape = strings.NewReplacer("~1", "/", "~0", "~")

func tokens(pointer string) []string {
	if pointer == "" {
		return nil
	}
	all := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
	for i, t := range all {
		all[i] = unescape.Replace(t)
	}
	return all
}

// Get gives what a pointer leads to in a decoded JSON value. The token * is any
// member of an object, in no order.
func Get(value any, pointer string) (any, bool) {
	for _, token := range tokens(pointer) {
		switch v := value.(type) {
		case map[string]any:
			next, ok := v[token]
			if !ok && token == "*" {
				for _, next = range v {
					ok = true
					break
				}
			}
			if !ok {
				return nil, false
			}
			value = next
		case []any:
			n, err := strconv.Atoi(token)
			if err != nil || n < 0 || n >= len(v) {
				return nil, false
			}
			value = v[n]
		default:
			return nil, false
		}
	}
	return value, true
}

// Text gives what a pointer leads to as text; empty where that is nothing, or
// an object or a list.
func Text(value any, pointer string) string {
	v, ok := Get(value, pointer)
	if !ok {
		return ""
	}
	switch v := v.(type) {
	case nil, map[string]any, []any:
		return ""
	case string:
		return v
	default:
		return fmt.Sprint(v)
	}
}

// Set puts a value where a pointer leads to in an object, and makes the objects
// on the way.
func Set(object map[string]any, pointer string, value any) error {
	all := tokens(pointer)
	if len(all) == 0 {
		return fmt.Errorf("%q leads to no member", pointer)
	}
	for _, token := range all[:len(all)-1] {
		next, ok := object[token]
		if !ok {
			next = make(map[string]any)
			object[token] = next
		}
		if object, ok = next.(map[string]any); !ok {
			return fmt.Errorf("%q leads through what is no object", pointer)
		}
	}
	object[all[len(all)-1]] = value
	return nil
}
