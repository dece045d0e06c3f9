package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// result is what one load run measured.
type result struct {
	n        int
	rate     float64 // requests answered in a second
	p50, p99 time.Duration
	cpu      time.Duration // the server's processor time for each, or 0
}

// errEnough ends a client's part of a load run before its time.
var errEnough = errors.New("enough")

// on runs a load against a server, and tells what it cost the server.
func on(s *server, clients int, span time.Duration, next func(client int) error) (result, error) {
	before, err := s.cpu()
	if err != nil {
		return result{}, err
	}
	r, err := load(clients, span, next)
	if err != nil {
		return r, err
	}
	after, err := s.cpu()
	r.cpu = (after - before) / time.Duration(max(1, r.n))
	return r, err
}

// load runs clients side by side for a time; each calls next over and over.
func load(clients int, span time.Duration, next func(client int) error) (result, error) {
	ctx, cancel := context.WithTimeout(context.Background(), span)
	defer cancel()
	var wg sync.WaitGroup
	times := make([][]time.Duration, clients)
	errs := make([]error, clients)
	begin := time.Now()
	for c := range clients {
		wg.Go(func() {
			for ctx.Err() == nil {
				t := time.Now()
				err := next(c)
				if errors.Is(err, errEnough) {
					return
				}
				if err != nil {
					errs[c] = err
					return
				}
				times[c] = append(times[c], time.Since(t))
			}
		})
	}
	wg.Wait()
	took := time.Since(begin)
	all := slices.Concat(times...)
	if err := errors.Join(errs...); err != nil || len(all) == 0 {
		return result{}, fmt.Errorf("%d of %d clients failed: %w", len(errs), clients, err)
	}
	slices.Sort(all)
	return result{n: len(all), rate: float64(len(all)) / took.Seconds(), p50: all[len(all)/2], p99: all[len(all)*99/100]}, nil
}

// conn is a client that costs little, so that what is measured is the server:
// one connection, one request at a time, HTTP/1.1.
type conn struct {
	addr string
	c    net.Conn
	r    *bufio.Reader
	out  bytes.Buffer
	body []byte
}

// do sends a request and reads the answer, which is valid until the next call.
// A server that closes its connections is connected to anew.
func (c *conn) do(r *http.Request, body []byte) (status int, answer []byte, err error) {
	c.out.Reset()
	fmt.Fprintf(&c.out, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", r.Method, r.URL.RequestURI(), r.URL.Host, len(body))
	for name, values := range r.Header {
		for _, v := range values {
			c.out.WriteString(name)
			c.out.WriteString(": ")
			c.out.WriteString(v)
			c.out.WriteString("\r\n")
		}
	}
	c.out.WriteString("\r\n")
	c.out.Write(body)
	if c.c == nil {
		if c.c, err = new(net.Dialer).DialContext(context.Background(), "tcp", c.addr); err != nil {
			return 0, nil, err
		}
		c.r = bufio.NewReaderSize(c.c, 64<<10)
	}
	if _, err := c.c.Write(c.out.Bytes()); err != nil {
		return 0, nil, err
	}
	return c.read()
}

func (c *conn) read() (status int, answer []byte, err error) {
	line, err := c.r.ReadSlice('\n')
	if err != nil {
		return 0, nil, err
	}
	if len(line) < 12 {
		return 0, nil, fmt.Errorf("status line %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, nil, err
	}
	length, ends := 0, line[7] == '0' // HTTP/1.0
	for {
		line, err = c.r.ReadSlice('\n')
		if err != nil {
			return 0, nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		switch {
		case len(name) == 14 && bytes.EqualFold(name, []byte("content-length")):
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, nil, err
			}
		case len(name) == 10 && bytes.EqualFold(name, []byte("connection")):
			ends = bytes.EqualFold(bytes.TrimSpace(value), []byte("close"))
		}
	}
	c.body = slices.Grow(c.body[:0], length)[:length]
	if _, err := io.ReadFull(c.r, c.body); err != nil {
		return 0, nil, err
	}
	if ends {
		err = c.c.Close()
		c.c = nil
	}
	return status, c.body, err
}

// counter gives each client numbers that no other gets.
type counter struct{ n atomic.Int64 }

func (c *counter) next() int64 { return c.n.Add(1) }
