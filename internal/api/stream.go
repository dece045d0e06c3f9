package api

import (
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"onsight/internal/contract"
)

// patience is how long a caller may take for the next piece of a stream.
const patience = 2 * time.Minute

// stream answers with the bytes of an output as they come. When they end too
// early the connection is broken off, so that nobody takes a part for the whole.
func (s *Server) stream(ctx context.Context, c *call, w http.ResponseWriter, out any) {
	h := w.Header()
	body, err := c.op.Stream(out, h)
	if err != nil {
		s.log.ErrorContext(ctx, "stream", "request", c.id, "cause", err.Error())
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	h["x-amzn-RequestId"] = []string{c.id}
	h["X-Content-Type-Options"] = []string{"nosniff"} // whatever a browser would make of it
	w.WriteHeader(http.StatusOK)
	_ = http.NewResponseController(w).Flush() // however long the first byte takes
	n, err := copyStream(w, body)
	err = errors.Join(err, body.Close())
	if body.Size >= 0 && n != body.Size && err == nil {
		err = io.ErrUnexpectedEOF
	}
	Note(ctx, "bytes", n)
	if err != nil {
		Note(ctx, "interrupted", err.Error())
	}
	s.report(ctx, c, http.StatusOK, "", nil)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
}

// copyStream passes on what comes, at once, and gives the caller time for each
// piece in the place of a time for all.
func copyStream(w http.ResponseWriter, body *contract.Stream) (n int64, err error) {
	to := http.NewResponseController(w)
	buf := make([]byte, 64<<10)
	for {
		m, readErr := body.Read(buf)
		if m > 0 {
			_ = to.SetWriteDeadline(time.Now().Add(patience)) //nolint:forbidigo // connections have the clock of the machine; where there is a connection
			if _, err := w.Write(buf[:m]); err != nil {
				return n, err
			}
			n += int64(m)
			if m < len(buf) {
				_ = to.Flush()
			}
		}
		switch {
		case errors.Is(readErr, io.EOF):
			return n, nil
		case readErr != nil:
			return n, readErr
		}
	}
}
