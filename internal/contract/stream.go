package contract

import "io"

// Stream is a body that is passed on as it comes, and never held whole. Who
// takes it over closes it.
type Stream struct {
	io.ReadCloser
	// ContentType is its media type; empty for any bytes.
	ContentType string
	// Size is how many bytes it has; negative where that is not known.
	Size int64
}
