package definitions_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/definitions"
	"onsight/internal/connector/engine"
)

var kinds = []engine.Kind{
	engine.Invalid, engine.Refused, engine.Unauthenticated, engine.Denied, engine.Missing, engine.Conflict, engine.Throttled,
	engine.Unavailable, engine.TimedOut, engine.TooLarge, engine.Rejected,
}

// Every definition can be read, names hooks that there are, and says how it is
// authenticated and tested.
func TestDefinitions(t *testing.T) {
	t.Parallel()
	for _, name := range definitions.Types() {
		d, _ := definitions.Of(name)
		if d.Connector.Type != name {
			t.Errorf("%s says that it is %s", name, d.Connector.Type)
		}
		if len(d.Connector.Authentication) == 0 {
			t.Errorf("%s has no authentication", name)
		}
		for how := range d.Connector.Authentication {
			if test := d.Connector.Test.Of(how); test.Operation != "" && d.Operations[test.Operation] == nil {
				t.Errorf("%s: the test of %s is %s, which is no operation", name, how, test.Operation)
			}
		}
		if hook := d.Connector.Base.Hook; hook != "" && !engine.HasBaseHook(hook) {
			t.Errorf("%s: the base has the hook %s, which is none", name, hook)
		}
		for code, kind := range d.Connector.Errors.Kinds {
			if !slices.Contains(kinds, engine.Kind(kind)) {
				t.Errorf("%s: %s is of kind %s, which is none", name, code, kind)
			}
		}
		for status, meant := range d.Connector.Errors.Statuses {
			if meant.Kind != "" && !slices.Contains(kinds, engine.Kind(meant.Kind)) {
				t.Errorf("%s: status %s is of kind %s, which is none", name, status, meant.Kind)
			}
		}
		if n := len(d.Actions); n == 0 || n > 100 {
			t.Errorf("%s has %d actions, and may have 1 to 100", name, n)
		}
		for id, o := range d.Operations {
			if o.Hook != "" && !engine.HasHook(o.Hook) {
				t.Errorf("%s: %s has the hook %s, which is none", name, id, o.Hook)
			}
			if !o.Hidden && (o.Description == "" || o.Label == o.ID) {
				t.Errorf("%s: %s has no summary or no description", name, id)
			}
			for _, f := range o.Fields {
				if f.Encoding != "" && !engine.HasEncoding(f.Encoding) {
					t.Errorf("%s: %s: %s has the encoding %s, which is none", name, id, f.Name, f.Encoding)
				}
			}
			for _, how := range o.Authentication {
				if _, ok := d.Connector.Authentication[how]; !ok {
					t.Errorf("%s: %s works with %s, which the type does not know", name, id, how)
				}
			}
			var schema struct {
				Properties map[string]struct{ Description string }
			}
			if err := json.Unmarshal(o.Input, &schema); err != nil {
				t.Errorf("%s: %s: %v", name, id, err)
			}
			for property, p := range schema.Properties {
				if !o.Hidden && p.Description == "" {
					t.Errorf("%s: %s: input %s has no description", name, id, property)
				}
			}
		}
	}
}

// A testCase is one use of an action, and what the service must see of it.
type testCase struct {
	title, action, how string
	input, page        string
	exchanges          []exchange
	output, next, fail string
}

// An exchange is a request, to the letter, and the answer to it.
type exchange struct {
	request string            // method and address
	headers map[string]string // beside those that are always there
	body    string            // JSON is compared as such
	status  int
	answer  string
	events  [][2]string       // type and payload
	given   map[string]string // headers of the answer
}

// cases reads a file of cases. A case begins with a line
//
//	-- Action: title [OAUTH2_AUTHORIZATION_CODE] --
//
// then comes the input, and then, by the first characters of a line,
//
//	page  asks for that page
//	>     a request; lines that follow are its headers, and after "| " its body
//	<     the answer: status and body; lines that begin with "<<" are its headers,
//	      those with "<e" the events of a stream: type and payload; a type with
//	      a ! is that of an exception
//	=     the output; next the page that follows it
//	!     the error: its kind, and its text
//	+     has the cases of that file of testdata/shared; lines that follow, such
//	      as "$drive: /me/drive", say what stands for names in it
func cases(t *testing.T, text string) (all []*testCase) {
	t.Helper()
	var c *testCase
	var e *exchange
	for n, line := range strings.Split(shared(t, text), "\n") {
		bad := func(why string) { t.Fatalf("line %d: %s: %s", n+1, why, line) }
		rest := func(prefix string) string { return strings.TrimSpace(strings.TrimPrefix(line, prefix)) }
		switch {
		case strings.HasPrefix(line, "-- "):
			c, e = &testCase{title: strings.Trim(line, "- ")}, nil
			c.action, _, _ = strings.Cut(c.title, ":")
			if before, how, ok := strings.Cut(c.title, "["); ok {
				c.how = strings.TrimSuffix(how, "]")
				c.action, _, _ = strings.Cut(strings.TrimSpace(before), ":")
			}
			c.action = strings.TrimSpace(c.action)
			all = append(all, c)
		case strings.TrimSpace(line) == "", strings.HasPrefix(line, "#"):
		case c == nil:
			bad("before the first case")
		case strings.HasPrefix(line, "page "):
			c.page = rest("page")
		case strings.HasPrefix(line, "next "):
			c.next = rest("next")
		case strings.HasPrefix(line, "> "):
			c.exchanges = append(c.exchanges, exchange{request: rest(">"), headers: map[string]string{}, given: map[string]string{}})
			e = &c.exchanges[len(c.exchanges)-1]
		case strings.HasPrefix(line, "= "):
			c.output, e = rest("="), nil
		case strings.HasPrefix(line, "! "):
			c.fail, e = rest("!"), nil
		case e != nil && strings.HasPrefix(line, "<< "):
			name, value, _ := strings.Cut(rest("<<"), ":")
			e.given[name] = strings.TrimSpace(value)
		case e != nil && strings.HasPrefix(line, "<e "):
			kind, payload, _ := strings.Cut(rest("<e"), " ")
			e.events = append(e.events, [2]string{kind, payload})
		case e != nil && strings.HasPrefix(line, "< "):
			status, body, _ := strings.Cut(rest("<"), " ")
			code, err := strconv.Atoi(status)
			if err != nil {
				bad("no status")
			}
			e.status, e.answer = code, body
		case e != nil && strings.HasPrefix(line, "| "):
			e.body += strings.TrimPrefix(line, "| ") + "\n"
		case e != nil && e.status == 0:
			name, value, ok := strings.Cut(line, ":")
			if !ok {
				bad("no header")
			}
			e.headers[http.CanonicalHeaderKey(strings.TrimSpace(name))] = strings.TrimSpace(value)
		case e == nil && c.output == "" && c.fail == "":
			c.input += line
		default:
			bad("it belongs to nothing")
		}
	}
	return all
}

// shared puts the cases of other files in their place.
func shared(t *testing.T, text string) string {
	t.Helper()
	lines := strings.Split(text, "\n")
	var all []string
	for i := 0; i < len(lines); i++ {
		name, ok := strings.CutPrefix(lines[i], "+ ")
		if !ok {
			all = append(all, lines[i])
			continue
		}
		other, err := os.ReadFile("testdata/shared/" + name)
		if err != nil {
			t.Fatal(err)
		}
		var pairs []string
		for i+1 < len(lines) && strings.HasPrefix(lines[i+1], "$") {
			i++
			key, value, _ := strings.Cut(lines[i], ":")
			pairs = append(pairs, key, strings.TrimSpace(value))
		}
		all = append(all, strings.NewReplacer(pairs...).Replace(string(other)))
	}
	return strings.Join(all, "\n")
}

// alwaysThere are headers that net/http sends, or that every case has.
var alwaysThere = []string{"Accept-Encoding", "Authorization", "Content-Length", "User-Agent"}

// vendor is a service that knows the requests of one case, in their order, and
// refuses any other.
type vendor struct {
	mu    sync.Mutex
	case_ *testCase
	auth  string
	seen  int
	wrong []string
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	complain := func(format string, args ...any) {
		v.wrong = append(v.wrong, fmt.Sprintf("request %d: ", v.seen)+fmt.Sprintf(format, args...))
	}
	v.seen++
	if v.seen > len(v.case_.exchanges) {
		complain("%s %s is one too many", r.Method, r.RequestURI)
		w.WriteHeader(http.StatusTeapot)
		return
	}
	e := v.case_.exchanges[v.seen-1]
	if got := r.Method + " " + r.RequestURI; got != e.request {
		complain("%s, want %s", got, e.request)
	}
	if got := r.Header.Get("Authorization"); got != v.auth {
		if want, ok := e.headers["Authorization"]; !ok || got != want {
			complain("Authorization is %q, want %q", got, v.auth)
		}
	}
	want := map[string]string{"Accept": "application/json"}
	maps.Copy(want, e.headers)
	body, _ := io.ReadAll(r.Body)
	if e.body != "" && want["Content-Type"] == "" {
		want["Content-Type"] = "application/json"
	}
	for name := range r.Header {
		if value, ok := want[name]; !slices.Contains(alwaysThere, name) && (!ok || !matches(value, r.Header.Get(name))) {
			complain("%s: %s, want %q", name, r.Header.Get(name), value)
		}
		delete(want, name)
	}
	for name, value := range want {
		if value != "" && !slices.Contains(alwaysThere, name) {
			complain("lacks %s: %s", name, value)
		}
	}
	if diff := bodies(strings.ReplaceAll(e.body, "{server}", "http://"+r.Host), string(body)); diff != "" {
		complain("body:\n%s", diff)
	}
	if len(e.answer) > 0 && e.given["Content-Type"] == "" {
		w.Header().Set("Content-Type", "application/json")
	}
	for name, value := range e.given {
		w.Header().Set(name, strings.ReplaceAll(value, "{server}", "http://"+r.Host))
	}
	if e.events != nil {
		w.Header().Set("Content-Type", "application/vnd.amazon.eventstream")
	}
	w.WriteHeader(e.status)
	for _, event := range e.events {
		_, _ = w.Write(frame(event[0], event[1]))
	}
	_, _ = io.WriteString(w, strings.ReplaceAll(e.answer, "{server}", "http://"+r.Host))
}

// frame is an event as it goes over the wire: the lengths of all and of the
// headers, a checksum of both, headers, payload, and a checksum of everything
// (Amazon Transcribe's guide shows the form, which all streams of AWS have).
func frame(kind, payload string) []byte {
	names := [2]string{":message-type", ":event-type"}
	values := [2]string{"event", kind}
	if exception, ok := strings.CutPrefix(kind, "!"); ok {
		names[1], values = ":exception-type", [2]string{"exception", exception}
	}
	var headers []byte
	for i, name := range names {
		headers = append(append(headers, byte(len(name))), name...)
		headers = append(headers, 7) // a string
		headers = append(binary.BigEndian.AppendUint16(headers, uint16(len(values[i]))), values[i]...)
	}
	out := binary.BigEndian.AppendUint32(nil, uint32(16+len(headers)+len(payload)))
	out = binary.BigEndian.AppendUint32(out, uint32(len(headers)))
	out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
	out = append(append(out, headers...), payload...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out))
}

// fits tells whether an output is what a schema says, where there is one. An
// answer without a body has none.
func fits(schema, output []byte) error {
	if schema == nil || strings.TrimSpace(string(output)) == "null" {
		return nil
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		return err
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(output))
	if err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("output", document); err != nil {
		return err
	}
	compiled, err := c.Compile("output")
	if err != nil {
		return err
	}
	return compiled.Validate(value)
}

// matches compares values of which the wanted one may end with an asterisk.
func matches(want, got string) bool {
	if head, ok := strings.CutSuffix(want, "*"); ok {
		return strings.HasPrefix(got, head)
	}
	return want == got
}

// bodies compares bodies: as JSON where they are, else line by line, where an
// asterisk at the end of a line stands for anything.
func bodies(want, got string) string {
	var a, b any
	if json.Unmarshal([]byte(want), &a) == nil && json.Unmarshal([]byte(got), &b) == nil {
		return cmp.Diff(a, b)
	}
	wants, gots := strings.Split(strings.TrimSpace(want), "\n"), strings.Split(strings.TrimSpace(strings.ReplaceAll(got, "\r\n", "\n")), "\n")
	if len(wants) == len(gots) {
		for i := range wants {
			if !matches(wants[i], gots[i]) {
				return cmp.Diff(wants, gots)
			}
		}
		return ""
	}
	return cmp.Diff(wants, gots)
}

// bearer is the credential of the cases; how it looks is tested with the
// credentials.
type bearer struct{}

func (bearer) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer secret")
	return nil
}

func (bearer) Renew(context.Context) (bool, error) { return false, nil }

// TestCases performs each case against a service that takes exactly the
// requests that the vendor's reference asks for. Every action has a case.
func TestCases(t *testing.T) {
	t.Parallel()
	for _, name := range definitions.Types() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := definitions.Of(name)
			text, err := os.ReadFile("testdata/" + strings.ToLower(name) + ".txt")
			if err != nil {
				t.Fatalf("the requests of the vendor's reference are missing: %v", err)
			}
			tried := make(map[string]bool)
			for _, c := range cases(t, string(text)) {
				own := d.For(c.how)
				o := own.Operations[c.action]
				if o == nil || !o.Allows(c.how) && c.how != "" {
					t.Errorf("%s: there is no such action", c.title)
					continue
				}
				tried[c.action] = true
				try(t, own, o, c)
			}
			for id := range d.Operations {
				if !tried[id] {
					t.Errorf("%s has no case", id)
				}
			}
		})
	}
}

func try(t *testing.T, d *definition.Definition, o *definition.Operation, c *testCase) {
	t.Helper()
	v := &vendor{case_: c, auth: "Bearer secret"}
	server := httptest.NewServer(v)
	defer server.Close()
	values, err := o.Check([]byte(c.input))
	if err != nil {
		t.Errorf("%s: %v", c.title, err)
		return
	}
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	call := &engine.Call{
		Definition: d, Operation: o, Base: base, Credential: bearer{}, Input: values, Next: strings.ReplaceAll(c.page, "{server}", server.URL), AuthenticationType: c.how,
		// The default transport's connections are closed whenever a server is, also
		// while an answer is on its way.
		Client: &http.Client{Transport: server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Sleep:  func(context.Context, time.Duration) error { return nil },
		Now:    func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
	res, err := call.Do(t.Context())
	for _, wrong := range v.wrong {
		t.Errorf("%s: %s", c.title, wrong)
	}
	if v.seen < len(c.exchanges) {
		t.Errorf("%s: %d requests, want %d", c.title, v.seen, len(c.exchanges))
	}
	if c.fail != "" {
		e, ok := errors.AsType[*engine.Error](err)
		if ok && string(e.Kind)+" "+e.Error() == c.fail {
			return
		}
		t.Errorf("%s: %v, want %s", c.title, err, c.fail)
		return
	}
	if err != nil {
		t.Errorf("%s: %v", c.title, err)
		return
	}
	var got bytes.Buffer
	if err := json.NewEncoder(&got).Encode(res.Output); err != nil {
		t.Fatal(err)
	}
	if diff := bodies(strings.ReplaceAll(c.output, "{server}", server.URL), got.String()); diff != "" {
		t.Errorf("%s: output:\n%s", c.title, diff)
	}
	if why := fits(o.OutputSchema, got.Bytes()); why != nil {
		t.Errorf("%s: the output is not what the definition says: %v", c.title, why)
	}
	if want := strings.ReplaceAll(c.next, "{server}", server.URL); res.Next != want {
		t.Errorf("%s: the next page is %q, want %q", c.title, res.Next, want)
	}
}
