package scim

import (
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// bulkRef is how an operation of Bulk names a resource that another one makes.
const bulkRef = "bulkId:"

// A bulkOperation is one of a Bulk request.
type bulkOperation struct {
	method, path, id, version string
	data                      any
	done                      bool
	result                    map[string]any
}

// bulk answers a Bulk request. Each operation has a transaction of its own, so
// that one which fails takes no other along.
func (c *call) bulk() (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	operations, err := bulkOf(body)
	if err != nil {
		return nil, err
	}
	allowed := len(operations)
	if n, ok := member(body, "failOnErrors").(float64); ok && n >= 1 {
		allowed = int(n) - 1
	}
	made := make(map[string]string) // by bulkId: the id; empty for one that failed
	expected := make(map[string]bool)
	for _, o := range operations {
		if o.id != "" {
			expected[o.id] = true
		}
	}
	failures := 0
	for progress := true; progress && failures <= allowed; {
		progress = false
		for i := range operations {
			o := &operations[i]
			if o.done || failures > allowed {
				continue
			}
			if slices.ContainsFunc(o.refs(), func(id string) bool { _, known := made[id]; return expected[id] && !known }) {
				continue // until that one is there
			}
			progress, o.done = true, true
			if !c.bulkOne(o, made) {
				failures++
			}
		}
	}
	results := make([]any, 0, len(operations))
	for i := range operations {
		o := &operations[i]
		if !o.done && failures <= allowed { // they wait for each other
			o.fail(&Error{http.StatusConflict, invalidValue, "The operation refers to one that refers back to it."})
			o.done = true
		}
		if o.done {
			results = append(results, o.result)
		}
	}
	return &answer{status: http.StatusOK, body: map[string]any{"schemas": []string{urnBulkDone}, "Operations": results}}, nil
}

// bulkOf reads the operations of a Bulk request.
func bulkOf(body map[string]any) ([]bulkOperation, error) {
	list, ok := member(body, "Operations").([]any)
	if !ok {
		return nil, bad(invalidSyntax, "A Bulk request needs Operations, a list.")
	}
	if len(list) > mostBulk {
		return nil, &Error{http.StatusRequestEntityTooLarge, tooMany, "A Bulk request may have " + strconv.Itoa(mostBulk) + " operations."}
	}
	out := make([]bulkOperation, len(list))
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, bad(invalidSyntax, "Operation %d is no object.", i+1)
		}
		o := bulkOperation{data: member(m, "data")}
		o.method, _ = member(m, "method").(string)
		o.path, _ = member(m, "path").(string)
		o.id, _ = member(m, "bulkId").(string)
		o.version, _ = member(m, "version").(string)
		o.method = strings.ToUpper(o.method)
		out[i] = o
	}
	return out, nil
}

// refs are the bulkIds that an operation refers to.
func (o *bulkOperation) refs() []string {
	var out []string
	visit(o.data, func(s string) string {
		if id, ok := strings.CutPrefix(s, bulkRef); ok {
			out = append(out, id)
		}
		return s
	})
	if _, id, ok := strings.Cut(o.path, bulkRef); ok {
		out = append(out, id)
	}
	return out
}

// visit gives a copy of a value of JSON with every text replaced.
func visit(v any, text func(string) string) any {
	switch v := v.(type) {
	case string:
		return text(v)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = visit(v[i], text)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for name, one := range v {
			out[name] = visit(one, text)
		}
		return out
	}
	return v
}

func (o *bulkOperation) fail(err *Error) {
	o.result = o.begin(err.Status)
	o.result["response"] = err.body()
}

func (o *bulkOperation) begin(status int) map[string]any {
	r := map[string]any{"method": o.method, "status": strconv.Itoa(status)}
	if o.id != "" {
		r["bulkId"] = o.id
	}
	return r
}

// bulkOne answers an operation, and tells whether it succeeded.
func (c *call) bulkOne(o *bulkOperation, made map[string]string) bool {
	a, err := c.bulkCall(o, made)
	if err != nil {
		if o.id != "" {
			made[o.id] = ""
		}
		e, ok := errorOf(err)
		if !ok {
			c.s.Log.ErrorContext(c.ctx, "scim: an operation of Bulk", "request", c.request, "error", err)
		}
		o.fail(e)
		return false
	}
	o.result = o.begin(a.status)
	if a.etag != "" {
		o.result["version"] = a.etag
	}
	if m, ok := a.body.(map[string]any); ok {
		if meta, ok := m["meta"].(map[string]any); ok {
			o.result["location"] = meta["location"]
		}
		if id, ok := m["id"].(string); ok && o.id != "" {
			made[o.id] = id
		}
	}
	if o.result["location"] == nil && o.method != http.MethodPost {
		o.result["location"] = c.s.endpoint(c.account) + o.path
	}
	return true
}

func (c *call) bulkCall(o *bulkOperation, made map[string]string) (*answer, error) {
	switch o.method {
	case http.MethodPost:
		if o.id == "" {
			return nil, bad(invalidSyntax, "An operation POST needs a bulkId.")
		}
	case http.MethodPut, http.MethodPatch, http.MethodDelete:
	default:
		return nil, bad(invalidSyntax, "An operation has method POST, PUT, PATCH or DELETE, not %q.", clip(o.method))
	}
	var unknown string
	resolve := func(s string) string {
		id, ok := strings.CutPrefix(s, bulkRef)
		if !ok {
			return s
		}
		if made[id] == "" {
			unknown = id
		}
		return made[id]
	}
	o.data = visit(o.data, resolve)
	if head, ref, ok := strings.Cut(o.path, bulkRef); ok {
		o.path = head + resolve(bulkRef+ref)
	}
	if unknown != "" {
		return nil, bad(invalidValue, "No operation has made what bulkId:%s is about.", clip(unknown))
	}
	path := strings.Trim(o.path, "/")
	if first, _, _ := strings.Cut(path, "/"); !strings.EqualFold(first, "Users") && !strings.EqualFold(first, "Groups") || strings.HasSuffix(path, ".search") {
		return nil, bad(invalidPath, "The path of an operation is /Users or /Groups, or below, not %q.", clip(o.path))
	}
	inner := *c
	inner.method, inner.query, inner.ifMatch, inner.ifNoneMatch, inner.attributes = o.method, url.Values{}, o.version, "", nil
	inner.excluded = []string{"groups", "members"} // of the answer, only id and location are read
	if o.method != http.MethodDelete {
		var err error
		if inner.body, err = json.Marshal(o.data); err != nil {
			return nil, err
		}
	}
	return inner.route(path)
}
