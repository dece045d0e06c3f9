package remote_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/engine"
	"onsight/internal/connector/remote"
	"onsight/internal/outbound"
	"onsight/internal/peertest"
)

// python starts the server of Python's library mcp, where that is installed.
func python(t *testing.T, mode string) string {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "mcp-venv", "bin", "python"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		peertest.Missing(t, "Python's mcp")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "testdata/server.py", mode, "Bearer s3cr3t")
	cmd.Stderr = t.Output()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		lines := bufio.NewScanner(out)
		if lines.Scan() {
			ready <- strings.TrimPrefix(lines.Text(), "port ")
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case port := <-ready:
		if port != "" {
			return "http://127.0.0.1:" + port + "/mcp"
		}
	case <-time.After(time.Minute):
	}
	t.Fatal("the server is not ready")
	return ""
}

// key is a credential that can be renewed some times.
type key struct {
	value string
	next  []string
}

func (k *key) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", k.value)
	return nil
}

func (k *key) Renew(context.Context) (bool, error) {
	if len(k.next) == 0 {
		return false, nil
	}
	k.value, k.next = k.next[0], k.next[1:]
	return true, nil
}

// out reaches servers on this machine, by HTTP too.
func out(t *testing.T, l outbound.Limits) http.RoundTripper {
	t.Helper()
	c := outbound.New(outbound.Config{Profile: near(t), Limits: l})
	t.Cleanup(c.Close)
	return c
}

func wantKind(t *testing.T, what string, err error, kind engine.Kind, part string) {
	t.Helper()
	e, ok := errors.AsType[*engine.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Message, part) {
		t.Errorf("%s: %v (%T), want %s with %q", what, err, err, kind, part)
	}
}

// TestPython lists and calls tools of a server that shares nothing with this
// client, in the ways in which such servers answer.
func TestPython(t *testing.T) {
	t.Parallel()
	for _, mode := range []string{"stateful", "stateless", "json"} {
		for _, protocol := range []string{"", "2025-11-25"} {
			t.Run(mode+" "+protocol, func(t *testing.T) {
				t.Parallel()
				s := &remote.Server{Endpoint: python(t, mode), Out: out(t, outbound.Limits{}), Credential: &key{value: "Bearer s3cr3t"}, Protocol: protocol, Name: "test", Version: "1"}
				tools, err := s.Tools(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				var got []string
				for _, tool := range tools.Tools {
					got = append(got, fmt.Sprintf("%s %t %s", tool.Name, tool.ReadOnly, tool.Title))
				}
				if diff := cmp.Diff([]string{
					"ask_model false ", "ask_person false ", "huge false ", "look_up true Look up an item", "order false ", "picture false ", "say false ", "slow false ",
				}, got); diff != "" {
					t.Error(diff)
				}
				if protocol != "" && tools.Protocol != protocol {
					t.Errorf("protocol %s", tools.Protocol)
				}
				for _, tool := range tools.Tools {
					if tool.Name == "order" && (strings.Contains(string(tool.InputSchema), "$ref") || !strings.Contains(string(tool.InputSchema), `"What is sold."`)) {
						t.Errorf("input %s", tool.InputSchema)
					}
				}
				for _, c := range []struct{ tool, input, want string }{
					{"look_up", `{"name":"tea"}`, `{"name":"tea","price":2.5}`},
					{"order", `{"order":{"items":[{"name":"tea","price":2.5},{"name":"pot","price":10}]}}`, `{"number":7,"total":12.5}`},
					{"say", `{"text":"hello"}`, `"hello"`},
					{"say", `{"text":"{\"a\": 1}"}`, `{"a":1}`},
					{"picture", `{}`, `{"content":[{"text":"a dot","type":"text"},{"content":"iVBORw0KGgo=","contentType":"image/png","size":8,"type":"image"}]}`},
					{"slow", `{"seconds":0.2}`, `"done"`},
				} {
					res, err := s.Call(t.Context(), c.tool, values(t, c.input))
					if err != nil {
						t.Errorf("%s: %v", c.tool, err)
						continue
					}
					text, _ := json.Marshal(res.Output)
					var a, b any
					_ = json.Unmarshal(text, &a)
					_ = json.Unmarshal([]byte(c.want), &b)
					if diff := cmp.Diff(b, a); diff != "" || res.Status != 200 {
						t.Errorf("%s: %s", c.tool, diff)
					}
				}
				_, err = s.Call(t.Context(), "look_up", values(t, `{"name":"none"}`))
				wantKind(t, "a tool that fails", err, engine.Rejected, "there is no such item")
				_, err = s.Call(t.Context(), "order", values(t, `{"order":7}`))
				wantKind(t, "a wrong input", err, engine.Rejected, "")
				_, err = s.Call(t.Context(), "fly", nil)
				wantKind(t, "no tool", err, engine.Rejected, "fly")
				for _, asks := range []string{"ask_model", "ask_person"} {
					ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
					res, err := s.Call(ctx, asks, nil)
					cancel()
					if err == nil && !strings.HasPrefix(fmt.Sprint(res.Output), "refused") {
						t.Errorf("%s: %v", asks, res.Output)
					}
					if ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
						t.Errorf("%s hangs", asks)
					}
				}
				ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
				defer cancel()
				_, err = s.Call(ctx, "slow", values(t, `{"seconds":30}`))
				wantKind(t, "a slow tool", err, engine.TimedOut, "")

				wrong := *s
				wrong.Credential = &key{value: "Bearer no"}
				_, err = wrong.Tools(t.Context())
				wantKind(t, "a wrong key", err, engine.Unauthenticated, "who are you?")
				wrong.Credential = &key{value: "Bearer no", next: []string{"Bearer s3cr3t"}}
				if _, err = wrong.Call(t.Context(), "say", values(t, `{"text":"a"}`)); err != nil {
					t.Errorf("a renewed key: %v", err)
				}
				small := *s
				small.Out = out(t, outbound.Limits{Body: 100_000})
				_, err = small.Call(t.Context(), "huge", values(t, `{"size":1000000}`))
				wantKind(t, "a huge answer", err, engine.TooLarge, "larger than 100000 bytes")
				far := *s
				far.Out = outbound.New(outbound.Config{Profile: outbound.Profile{}})
				_, err = far.Tools(t.Context())
				wantKind(t, "a server that must not be reached", err, engine.Refused, "")
			})
		}
	}
}

func values(t *testing.T, text string) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// near lets a client reach this machine, by HTTP too.
func near(t *testing.T) outbound.Profile {
	t.Helper()
	return outbound.Profile{Allowed: outbound.Ranges{netip.MustParsePrefix("127.0.0.0/8")}, Plain: true}
}
