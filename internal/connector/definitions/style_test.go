package definitions_test

import (
	"encoding/json"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"onsight/internal/connector/definitions"
)

// verbs are the first words of summaries, by what such an action does. What
// others do, nobody can tell by their name.
var verbs = map[string][]string{
	"reads": {
		"Analyze", "Check", "Classify", "Converse", "Count", "Describe", "Detect", "Download", "Estimate", "Find", "Generate", "Get", "Infer",
		"List", "Query", "Read", "Rerank", "Retrieve", "Search", "Show", "View",
	},
	"writes": {
		"Add", "Change", "Copy", "Create", "Edit", "Forward", "Invite", "Join", "Leave", "Move", "Open", "Post", "Put", "Reply", "Send", "Set", "Start",
		"Update", "Upload", "Upsert", "Write",
	},
	"destroys": {"Clear", "Delete", "Remove", "Stop"},
	"any":      {"Apply", "Execute", "HTTP", "Invoke", "Run"},
}

// label is a verb and what it is done to; capital letters are for names alone.
var label = regexp.MustCompile(`^[A-Z][A-Za-z]*( (Apex|[a-z]+(-[a-z]+)*|[A-Z][A-Za-z]*[A-Z0-9-][A-Za-z0-9-]*))+$`)

// People and models choose an action by how it is called and described, and are
// asked before it changes something: all definitions speak alike, and an action
// does what its name says.
func TestStyle(t *testing.T) {
	t.Parallel()
	for _, name := range definitions.Types() {
		d, _ := definitions.Of(name)
		labels := make(map[string]string)
		for _, id := range d.Actions {
			o := d.Operations[id]
			if !label.MatchString(o.Label) {
				t.Errorf("%s: %s: the summary %q is no verb with a noun", name, id, o.Label)
			}
			if other := labels[o.Label]; other != "" {
				t.Errorf("%s: %s and %s have the same summary %q", name, other, id, o.Label)
			}
			labels[o.Label] = id
			first, _, _ := strings.Cut(o.Description, " ")
			if !sentence(o.Description) || !regexp.MustCompile(`^[A-Z][a-z]*s,?$`).MatchString(first) {
				t.Errorf("%s: %s: the description %q is no sentence that says what the action does", name, id, o.Description)
			}
			verb, _, _ := strings.Cut(o.Label, " ")
			does := ""
			for _, kind := range slices.Sorted(maps.Keys(verbs)) {
				if slices.Contains(verbs[kind], verb) {
					does = kind
				}
			}
			switch {
			case does == "":
				t.Errorf("%s: %s: what does %q do? Say so in verbs", name, id, verb)
			case does == "reads" && o.Write, does == "writes" && !o.Write, does == "destroys" && !o.Destructive:
				t.Errorf("%s: %s %s: write is %v, destructive %v", name, id, does, o.Write, o.Destructive)
			}
			reads := o.Method == http.MethodGet || o.Method == http.MethodHead
			switch {
			case o.Destructive && !o.Write:
				t.Errorf("%s: %s destroys, and writes nothing", name, id)
			case reads && (o.Write || !o.Idempotent):
				t.Errorf("%s: %s is a %s that writes, or may not be sent again", name, id, o.Method)
			case o.Method == http.MethodDelete && !o.Destructive:
				t.Errorf("%s: %s deletes, and destroys nothing", name, id)
			}
			var input map[string]any
			if err := json.Unmarshal(o.Input, &input); err != nil {
				t.Fatal(err)
			}
			described(t, name+": "+id+": input", input)
		}
	}
}
