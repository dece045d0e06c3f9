package wire_test

import (
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/wire"
)

// smithyDiffers holds the cases of Smithy's that Onsight answers otherwise, by
// their ids, with the reason.
var smithyDiffers = map[string]string{
	"RestJsonWithBodyExpectsApplicationJsonContentTypeNoHeaders": "a body without Content-Type is taken, as old SDKs send it",
	"RestJsonWithoutBodyExpectsEmptyContentType":                 "an operation without body members does not look at the type of an empty object",
	"RestJsonWithoutBodyEmptyInputExpectsEmptyContentType":       "the same",
}

// TestSmithyMalformedRequests runs the malformed-request cases of Smithy's
// protocol tests against a service of their own.
func TestSmithyMalformedRequests(t *testing.T) {
	t.Parallel()
	file, err := os.ReadFile("testdata/smithy/malformed.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Model json.RawMessage
		Cases []struct {
			ID, Operation, Method, Path, Query, ContentType, Accept, Body, Error string
			Status                                                               int
			// Fields are the members that a ValidationException is about, as
			// JSON pointers.
			Fields []string
		}
	}
	if err := json.Unmarshal(file, &data); err != nil {
		t.Fatal(err)
	}
	service, err := wire.Parse(data.Model)
	if err != nil {
		t.Fatal(err)
	}
	if err := service.Check(); err != nil {
		t.Fatal(err)
	}
	router := wire.NewRouter(service.Operations())
	differs := make(map[string]bool)
	for _, c := range data.Cases {
		op, labels, ok := router.Match(c.Method, c.Path)
		if !ok || op.Name != c.Operation {
			t.Errorf("%s: %s %s does not lead to %s", c.ID, c.Method, c.Path, c.Operation)
			continue
		}
		broken, err := op.Bind(nil, wire.Request{Labels: labels, RawQuery: c.Query, ContentType: c.ContentType, Accept: c.Accept, Body: []byte(c.Body)})
		if err == nil {
			err = broken.Err()
		}
		if smithyDiffers[c.ID] != "" {
			differs[c.ID] = err == nil
			continue
		}
		if err == nil {
			t.Errorf("%s: %q %q is taken, want %s", c.ID, c.Query, c.Body, c.Error)
			continue
		}
		f := fault.Of(err)
		if _, status, code := wire.AppendFault(nil, op, f, ""); code != c.Error || status != c.Status {
			t.Errorf("%s: %q %q: %d %s, want %d %s", c.ID, c.Query, c.Body, status, f, c.Status, c.Error)
			continue
		}
		if got, want := coralPaths(f.Message), smithyPaths(c.Fields, c.ID); len(want) > 0 && !slices.Equal(got, want) {
			t.Errorf("%s: %q %q: rules broken at %v, want %v\n%s", c.ID, c.Query, c.Body, got, want, f.Message)
		}
	}
	for id := range smithyDiffers {
		if !differs[id] {
			t.Errorf("%s no longer differs", id)
		}
	}
	if got := len(data.Cases); got < 250 {
		t.Errorf("only %d cases", got)
	}
}

var coralPath = regexp.MustCompile(`at '([^']*)' failed`)

// coralPaths are the distinct paths that a message of ours names, sorted.
func coralPaths(message string) []string {
	var all []string
	for _, m := range coralPath.FindAllStringSubmatch(message, -1) {
		all = append(all, m[1])
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// smithyPaths turns JSON pointers into paths of our form: indexes count from
// one, and what is wrong with a scalar in a list or map is said of the list or
// map. The values of the map of one case are lists, which speak for themselves.
func smithyPaths(pointers []string, id string) []string {
	var all []string
	for _, pointer := range pointers {
		parts := strings.Split(strings.TrimPrefix(pointer, "/"), "/")
		var b strings.Builder
		for i, part := range parts {
			n, err := strconv.Atoi(part)
			last := i == len(parts)-1
			switch {
			case err == nil && last:
			case err == nil:
				b.WriteString("." + strconv.Itoa(n+1) + ".member")
			case i > 0 && id == "RestJsonMalformedLengthMapValue":
				b.WriteString("." + part + ".member")
			case i > 0 && last && strings.Contains(strings.ToLower(parts[0]), "map"):
			case i > 0:
				b.WriteString("." + part)
			default:
				b.WriteString(part)
			}
		}
		all = append(all, b.String())
	}
	slices.Sort(all)
	return slices.Compact(all)
}
