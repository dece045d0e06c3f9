package definition

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// reason says what a value would have to be, and nothing of what it is: it may
// be a secret.
func reason(err *jsonschema.ValidationError) string {
	switch k := err.ErrorKind.(type) {
	case *kind.Type:
		return fmt.Sprintf("is of type %s, and must be %s", k.Got, strings.Join(k.Want, " or "))
	case *kind.Required:
		return "lacks " + list(k.Missing)
	case *kind.AdditionalProperties:
		return "has no member " + list(k.Properties)
	case *kind.Enum:
		values := make([]string, len(k.Want))
		for i, v := range k.Want {
			text, _ := json.Marshal(v) // it was JSON
			values[i] = string(text)
		}
		return "must be one of " + strings.Join(values, ", ")
	case *kind.MinLength:
		return fmt.Sprintf("has %d characters, and must have at least %d", k.Got, k.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("has %d characters, and may have %d", k.Got, k.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has %d items, and must have at least %d", k.Got, k.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has %d items, and may have %d", k.Got, k.Want)
	case *kind.Minimum:
		return "must be at least " + k.Want.RatString()
	case *kind.Maximum:
		return "may be " + k.Want.RatString() + " at most"
	case *kind.Pattern:
		return "must match " + k.Want
	case *kind.Format:
		return "must be a " + k.Want
	}
	return "does not fit: " + strings.Join(err.ErrorKind.KeywordPath(), " ")
}

func list(names []string) string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return strings.Join(quoted, ", ")
}
