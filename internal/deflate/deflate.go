// Package deflate makes short texts shorter: DEFLATE (RFC 1951) with a
// dictionary of what the texts are made of, without which there is little to
// gain in a few hundred bytes.
package deflate

import (
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"sync"
)

// ErrTooLong says that a text is longer than whoever opens it takes.
var ErrTooLong = errors.New("the text is too long")

// A Codec packs and unpacks texts of one kind. What was packed with one
// dictionary opens with the same only. A Codec may be used by many goroutines
// at once.
type Codec struct {
	dictionary []byte
	writers    sync.Pool // of *writer: one costs half a megabyte
	readers    sync.Pool // of *reader
}

type writer struct {
	out bytes.Buffer
	w   *flate.Writer
}

type reader struct {
	in bytes.Reader
	r  io.ReadCloser
}

// New makes a Codec. What is most common stands last in the dictionary.
func New(dictionary string) *Codec {
	c := &Codec{dictionary: []byte(dictionary)}
	c.writers.New = func() any {
		w := &writer{}
		w.w, _ = flate.NewWriterDict(&w.out, flate.DefaultCompression, c.dictionary) // fails for levels that do not exist only
		return w
	}
	c.readers.New = func() any {
		r := &reader{}
		r.r = flate.NewReaderDict(&r.in, c.dictionary)
		return r
	}
	return c
}

// Append packs a text and appends it to dst.
func (c *Codec) Append(dst, text []byte) []byte {
	w := c.writers.Get().(*writer)
	defer c.writers.Put(w)
	w.out.Reset()
	w.w.Reset(&w.out)
	_, _ = w.w.Write(text) // a bytes.Buffer takes everything
	_ = w.w.Close()
	return append(dst, w.out.Bytes()...)
}

// Open unpacks a text of at most limit bytes. It fails with ErrTooLong, or with
// an error of compress/flate for what was not packed.
func (c *Codec) Open(packed []byte, limit int) ([]byte, error) {
	r := c.readers.Get().(*reader)
	defer c.readers.Put(r)
	r.in.Reset(packed)
	if err := r.r.(flate.Resetter).Reset(&r.in, c.dictionary); err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r.r, int64(limit)+1))
	if err != nil {
		return nil, err
	}
	if len(text) > limit {
		return nil, ErrTooLong
	}
	return text, nil
}
