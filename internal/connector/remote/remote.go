// Package remote speaks to MCP servers (Model Context Protocol, streamable
// HTTP): it lists their tools, and calls them.
//
// Requests go by the guarded client that they are given, with the credential of
// a connector, and follow no redirects. A call has a session of its own: nothing
// that one person was told is there when another one calls. A server that asks
// for a model or for a person's answer while a tool runs is told that there is
// none.
package remote

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

// Server is an MCP server.
type Server struct {
	// Endpoint is its address.
	Endpoint string
	// Out makes the connections; it follows no redirects.
	Out http.RoundTripper
	// Credential authenticates requests; nil sends none.
	Credential engine.Credential
	// Protocol is the version of MCP that the server was found to speak, so that
	// it need not be asked again; empty is not known.
	Protocol string
	// Name and Version are this client's.
	Name, Version string
}

// maxPages is how many pages a list of tools may have.
const maxPages = 50

// Tools lists what the server can do. The error is an *engine.Error, or the
// credential's own.
func (s *Server) Tools(ctx context.Context) (*definition.Tools, error) {
	var tools *definition.Tools
	err := s.within(ctx, func(session *mcp.ClientSession) error {
		tools = &definition.Tools{}
		if is := session.InitializeResult(); is != nil {
			tools.Protocol = is.ProtocolVersion
			if is.ServerInfo != nil {
				tools.Server = strings.TrimSpace(is.ServerInfo.Name + " " + is.ServerInfo.Version)
			}
		}
		params := &mcp.ListToolsParams{}
		for range maxPages {
			page, err := session.ListTools(ctx, params)
			if err != nil {
				return err
			}
			for _, t := range page.Tools {
				tools.Tools = append(tools.Tools, toolOf(t))
			}
			if page.NextCursor == "" || page.NextCursor == params.Cursor {
				break
			}
			params = &mcp.ListToolsParams{Cursor: page.NextCursor}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	tools.Clean()
	return tools, nil
}

func toolOf(t *mcp.Tool) definition.Tool {
	out := definition.Tool{Name: t.Name, Title: t.Title, Description: t.Description}
	if a := t.Annotations; a != nil {
		out.ReadOnly, out.Idempotent, out.Destructive = a.ReadOnlyHint, a.IdempotentHint, a.DestructiveHint
		if out.Title == "" {
			out.Title = a.Title
		}
	}
	if t.InputSchema != nil {
		out.InputSchema, _ = json.Marshal(t.InputSchema) // it came from JSON
	}
	if t.OutputSchema != nil {
		out.OutputSchema, _ = json.Marshal(t.OutputSchema)
	}
	return out
}

// Call calls a tool. The error is an *engine.Error, or the credential's own.
func (s *Server) Call(ctx context.Context, tool string, input map[string]any) (*engine.Result, error) {
	var res *mcp.CallToolResult
	if input == nil {
		input = map[string]any{}
	}
	err := s.within(ctx, func(session *mcp.ClientSession) (err error) {
		res, err = session.CallTool(ctx, &mcp.CallToolParams{Name: tool, Arguments: input})
		return err
	})
	if err != nil {
		return nil, err
	}
	return resultOf(res)
}

// within runs something in a session. One that the server has ended meanwhile is
// begun again, once: the server has not heard what was asked in it.
func (s *Server) within(ctx context.Context, do func(*mcp.ClientSession) error) error {
	for again := false; ; again = true {
		t := &transport{server: s}
		err := s.session(ctx, t, do)
		if err == nil {
			return nil
		}
		if t.lost() && !again && ctx.Err() == nil {
			continue
		}
		return t.explain(ctx, err)
	}
}

func (s *Server) session(ctx context.Context, t *transport, do func(*mcp.ClientSession) error) error {
	client := mcp.NewClient(&mcp.Implementation{Name: s.Name, Version: s.Version}, &mcp.ClientOptions{
		Capabilities:   &mcp.ClientCapabilities{}, // neither roots, nor sampling, nor elicitation
		MultiRoundTrip: &mcp.MultiRoundTripOptions{Disabled: true},
	})
	session, err := client.Connect(ctx, &mcp.StreamableClientTransport{
		Endpoint: s.Endpoint, MaxRetries: -1, DisableStandaloneSSE: true,
		HTTPClient: &http.Client{Transport: t, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
	}, &mcp.ClientSessionOptions{ProtocolVersion: s.Protocol})
	if err != nil {
		return err
	}
	defer func() {
		t.close()
		_ = session.Close() // the server may have forgotten it
	}()
	return do(session)
}

// transport sends the requests of a session, and remembers what went wrong: the
// library tells that in words alone.
type transport struct {
	server *Server

	mu      sync.Mutex
	failure error
	gone    bool // the server does not know the session any more
	closing bool
}

func (t *transport) fail(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.closing {
		t.failure = err
	}
}

func (t *transport) close() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closing = true
}

func (t *transport) lost() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.gone
}

// RoundTrip sends a request with the credential; once more with another one
// where the server does not accept it.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		var err error
		body, err = io.ReadAll(r.Body)
		_ = r.Body.Close()
		if err != nil {
			return nil, err
		}
	}
	res, err := t.send(r, body)
	if err == nil && res.StatusCode == http.StatusUnauthorized && t.server.Credential != nil {
		again, renewal := t.server.Credential.Renew(r.Context())
		if renewal != nil {
			_ = res.Body.Close()
			t.fail(renewal)
			return nil, renewal
		}
		if again {
			_ = res.Body.Close()
			res, err = t.send(r, body)
		}
	}
	if err != nil {
		err = engine.Unreached(err)
		t.fail(err)
		return nil, err
	}
	if res.StatusCode >= 300 {
		t.refused(r, res)
		return res, nil
	}
	t.fail(nil)
	res.Body = &watched{res.Body, t}
	return res, nil
}

func (t *transport) send(r *http.Request, body []byte) (*http.Response, error) {
	again := r.Clone(r.Context())
	again.Body = http.NoBody
	if body != nil {
		again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		again.GetBody = func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil }
	}
	if t.server.Credential != nil {
		if err := t.server.Credential.Authenticate(r.Context(), again, body); err != nil {
			return nil, &credentialError{err}
		}
	}
	return t.server.Out.RoundTrip(again)
}

// A credentialError keeps what a credential says from being taken for something
// about the connection.
type credentialError struct{ cause error }

func (e *credentialError) Error() string { return e.cause.Error() }
func (e *credentialError) Unwrap() error { return e.cause }

// maxRefusal is how much of the text of a refusal is read.
const maxRefusal = 64 << 10

// refused remembers an answer that is none. The library sees it all the same.
func (t *transport) refused(r *http.Request, res *http.Response) {
	text, _ := io.ReadAll(io.LimitReader(res.Body, maxRefusal))
	_ = res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(text))
	e := &engine.Error{Status: res.StatusCode, Message: said(text)}
	if n, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && n >= 0 && n < 1e6 {
		e.RetryAfter = time.Duration(n) * time.Second
	}
	if e.Message == "" {
		e.Message = fmt.Sprintf("The server answered with status %d and no explanation.", e.Status)
	}
	switch {
	case e.Status < 400:
		e.Kind, e.Message = engine.Refused, fmt.Sprintf("The server redirects (status %d), and redirects are not followed with credentials.", e.Status)
	case e.Status == http.StatusUnauthorized:
		e.Kind = engine.Unauthenticated
	case e.Status == http.StatusForbidden:
		e.Kind = engine.Denied
	case e.Status == http.StatusNotFound:
		e.Kind = engine.Missing
	case e.Status == http.StatusTooManyRequests:
		e.Kind = engine.Throttled
	case e.Status >= 500:
		e.Kind = engine.Unavailable
	default:
		e.Kind = engine.Rejected
	}
	t.fail(e)
	if e.Status == http.StatusNotFound && r.Method == http.MethodPost && r.Header.Get("Mcp-Session-Id") != "" {
		t.mu.Lock()
		t.gone = true
		t.mu.Unlock()
	}
}

// said is the text of a refusal: that of an error of JSON-RPC, or plain text.
func said(text []byte) string {
	var is struct {
		Error            json.RawMessage `json:"error"`
		Message          string          `json:"message"`
		ErrorDescription string          `json:"error_description"`
	}
	if json.Unmarshal(text, &is) == nil {
		var inner struct {
			Message string `json:"message"`
		}
		var word string
		_ = json.Unmarshal(is.Error, &inner)
		_ = json.Unmarshal(is.Error, &word)
		for _, m := range []string{inner.Message, is.ErrorDescription, is.Message, word} {
			if m != "" {
				return definition.Plain(m)
			}
		}
		return ""
	}
	if utf8.Valid(text) && !bytes.Contains(text, []byte("<")) {
		return definition.Plain(strings.TrimSpace(string(text)))
	}
	return ""
}

// watched remembers what goes wrong while an answer is read.
type watched struct {
	io.ReadCloser
	t *transport
}

// Read reads on.
func (w *watched) Read(p []byte) (int, error) {
	n, err := w.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		w.t.fail(engine.Unreached(err))
	}
	return n, err
}

// explain makes an error of ours of what the library says.
func (t *transport) explain(ctx context.Context, err error) error {
	t.mu.Lock()
	failure := t.failure
	t.mu.Unlock()
	if errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return &engine.Error{Kind: engine.TimedOut, Message: "The server did not come to an end in time."}
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if e, ok := errors.AsType[*credentialError](failure); ok {
		return e.cause
	}
	if failure != nil {
		return failure
	}
	if wire, ok := errors.AsType[*jsonrpc.Error](err); ok && wire.Code != 0 {
		return &engine.Error{Kind: engine.Rejected, Code: strconv.FormatInt(wire.Code, 10), Message: definition.Plain(wire.Message), Status: http.StatusOK}
	}
	return &engine.Error{Kind: engine.Rejected, Message: "The server does not keep to the Model Context Protocol: " + definition.Plain(err.Error()) + "."}
}

// resultOf makes a result of what a tool gave: its structured content, or the
// one text, or all parts.
func resultOf(res *mcp.CallToolResult) (*engine.Result, error) {
	var texts []string
	var parts []any
	plain := true
	for _, c := range res.Content {
		switch c := c.(type) {
		case *mcp.TextContent:
			texts = append(texts, c.Text)
			parts = append(parts, map[string]any{"type": "text", "text": c.Text})
			continue
		case *mcp.ImageContent:
			parts = append(parts, file("image", c.MIMEType, c.Data, ""))
		case *mcp.AudioContent:
			parts = append(parts, file("audio", c.MIMEType, c.Data, ""))
		case *mcp.ResourceLink:
			parts = append(parts, map[string]any{"type": "link", "uri": c.URI, "name": c.Name, "description": c.Description, "contentType": c.MIMEType})
		case *mcp.EmbeddedResource:
			switch r := c.Resource; {
			case r == nil:
				continue
			case r.Blob != nil:
				parts = append(parts, file("file", r.MIMEType, r.Blob, r.URI))
			default:
				parts = append(parts, map[string]any{"type": "text", "text": r.Text, "uri": r.URI, "contentType": r.MIMEType})
			}
		default:
			continue
		}
		plain = false
	}
	if res.IsError {
		message := definition.Plain(strings.Join(texts, "\n"))
		if message == "" {
			message = "The tool failed, and does not say why."
		}
		return nil, &engine.Error{Kind: engine.Rejected, Status: http.StatusOK, Message: message}
	}
	out := &engine.Result{Status: http.StatusOK}
	switch {
	case res.StructuredContent != nil && plain:
		out.Output = res.StructuredContent
	case res.StructuredContent != nil:
		out.Output = map[string]any{"structured": res.StructuredContent, "content": parts}
	case plain && len(texts) == 1:
		out.Output = valueOf(texts[0])
	case len(parts) > 0:
		out.Output = map[string]any{"content": parts}
	}
	return out, nil
}

// valueOf is the object or the list that a text is, or the text.
func valueOf(text string) any {
	trimmed := strings.TrimSpace(text)
	if strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[") {
		d := json.NewDecoder(strings.NewReader(trimmed))
		d.UseNumber()
		var v any
		if d.Decode(&v) == nil {
			if _, err := d.Token(); errors.Is(err, io.EOF) {
				return v
			}
		}
	}
	return text
}

func file(kind, mediaType string, content []byte, uri string) map[string]any {
	f := map[string]any{"type": kind, "contentType": mediaType, "size": len(content), "content": base64.StdEncoding.EncodeToString(content)}
	if uri != "" {
		f["uri"] = uri
	}
	return f
}
