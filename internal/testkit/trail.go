package testkit

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"reflect"
	"regexp"
	"sync"
	"testing"
	"time"

	"onsight/internal/app"
	"onsight/internal/audit"
	"onsight/internal/contract"
	"onsight/internal/wire"
)

// deeds are the calls of a server that changed something, as the test saw them.
type deeds struct {
	mu      sync.Mutex
	calls   map[string]int
	secrets map[string]string // by value, the member that held it
}

// note remembers a call that succeeded.
func (d *deeds) note(o *wire.Operation, in, out any) {
	if !audit.Alters(o) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.calls == nil {
		d.calls, d.secrets = make(map[string]int), make(map[string]string)
	}
	d.calls[o.Name]++
	d.collect(reflect.ValueOf(in), "")
	d.collect(reflect.ValueOf(out), "")
}

// secretMember are the members that hold credentials; other members are
// sensitive too, such as names, and may be in what names a resource.
var secretMember = regexp.MustCompile(`Secret|Password|ApiKey|Token$`)

func (d *deeds) collect(v reflect.Value, name string) {
	switch v.Kind() { //nolint:exhaustive // other kinds hold no texts
	case reflect.Pointer, reflect.Interface:
		if !v.IsNil() {
			d.collect(v.Elem(), name)
		}
	case reflect.Struct:
		for sf, field := range v.Fields() {
			if sf.IsExported() {
				d.collect(field, sf.Name)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			d.collect(v.Index(i), name)
		}
	case reflect.String:
		if s, ok := reflect.TypeAssert[contract.Secret](v); ok && len(s.Reveal()) > 5 && secretMember.MatchString(name) {
			d.secrets[s.Reveal()] = name
		}
	}
}

// check tells whether everything that changed is in the audit trail, and no
// secret. Every test does, so every operation that a test calls is checked.
func (d *deeds) check(t *testing.T, a *app.App) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	const most = 5000 // a test of speed or size is about something else
	total := 0
	for _, n := range d.calls {
		total += n
	}
	if total == 0 || total > most {
		return
	}
	var trail []byte
	var events map[string]int
	complete := func() bool {
		for name, n := range d.calls {
			if events[name] < n {
				return false
			}
		}
		return true
	}
	// What changed nothing in the database is written soon, not at once.
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		trail, events = read(t, a)
		if complete() || time.Now().After(deadline) {
			break
		}
	}
	for name, n := range d.calls {
		if events[name] < n {
			t.Errorf("%d calls of %s succeeded, and the audit trail has %d", n, name, events[name])
		}
	}
	for secret, name := range d.secrets {
		if bytes.Contains(trail, []byte(secret)) {
			t.Errorf("the audit trail holds a secret: %s, of %d characters", name, len(secret))
		}
	}
}

// read gives the audit trail, and how many calls of which names it says succeeded.
func read(t *testing.T, a *app.App) ([]byte, map[string]int) {
	t.Helper()
	var trail bytes.Buffer
	if err := audit.Export(context.Background(), a.Store(), audit.Selection{}, &trail); err != nil {
		t.Errorf("read the audit trail: %v", err)
	}
	events := make(map[string]int)
	lines := bufio.NewScanner(bytes.NewReader(trail.Bytes()))
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var r struct{ EventName, ErrorCode string }
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			t.Errorf("the audit trail holds %q: %v", lines.Text(), err)
		}
		if r.ErrorCode == "" {
			events[r.EventName]++
		}
	}
	return trail.Bytes(), events
}
