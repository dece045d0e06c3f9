package contract

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Secret is text that the model marks sensitive. It prints, formats and logs
// as •••, and marshals to nothing but an error, so that a value gets out only
// where Reveal is written.
//
// Like any formatter it cannot act for an unexported field of a struct that
// is printed whole.
type Secret string

const hidden = "•••"

// Reveal returns the text itself.
func (s Secret) Reveal() string { return string(s) }

// String returns ••• in place of the text.
func (Secret) String() string { return hidden }

// GoString returns ••• in place of the text.
func (Secret) GoString() string { return hidden }

// Format writes ••• whatever the verb; without it a wrong verb would make fmt
// show the text.
func (Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// LogValue returns ••• in place of the text.
func (Secret) LogValue() slog.Value { return slog.StringValue(hidden) }

// MarshalText refuses, also for encoding/json: who keeps a secret seals what
// Reveal gives, and who logs it must not.
func (Secret) MarshalText() ([]byte, error) {
	return nil, errors.New("a Secret is not marshalled; Reveal it and seal it")
}
