package access

import (
	"reflect"
	"strings"

	"onsight/internal/policy/catalog"
)

// members gives the members of an operation's input by their names, as texts.
func members(input any) catalog.Members {
	v := reflect.ValueOf(input)
	return func(path string) []string {
		var found []string
		collect(v, strings.Split(path, "."), &found)
		return found
	}
}

// collect follows a path through structures and lists. A list or structure at
// its end counts as given when it is.
func collect(v reflect.Value, path []string, found *[]string) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			collect(v.Elem(), path, found)
		}
	case reflect.Slice:
		for i := range v.Len() {
			collect(v.Index(i), path, found)
		}
	case reflect.Struct:
		if len(path) == 0 {
			*found = append(*found, "")
			return
		}
		if f := v.FieldByName(path[0]); f.IsValid() {
			collect(f, path[1:], found)
		}
	case reflect.String:
		// Of required members, an empty text is one that was not sent.
		if len(path) == 0 && v.String() != "" {
			*found = append(*found, v.String())
		}
	default:
	}
}
