package engine

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"onsight/internal/connector/definition"
)

// plainHTTP sends a request that the input describes: path, query, headers,
// body. The answer is status, headers and body.
func plainHTTP(ctx context.Context, c *Call) (*Result, error) {
	o := *c.Operation
	o.Fields, o.MediaType = nil, ""
	input := make(map[string]any)
	add := func(f definition.Field, value any) {
		f.Name = fmt.Sprint(len(o.Fields))
		o.Fields = append(o.Fields, f)
		input[f.Name] = value
	}
	given, _ := c.Input["path"].(string)
	var err error
	if o.Path, err = relative(given); err != nil {
		return nil, err
	}
	query, _ := c.Input["query"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(query)) {
		add(definition.Field{Wire: name, In: definition.InQuery, Explode: true}, query[name])
	}
	headers, _ := c.Input["headers"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		text, _ := headers[name].(string)
		switch {
		case !token.MatchString(name) || strings.ContainsFunc(text, control):
			return nil, invalid("%q is no header that can be sent", name)
		case !definition.CallersHeader(name):
			return nil, invalid("The header %s is not a caller's to set", http.CanonicalHeaderKey(name))
		}
		add(definition.Field{Wire: name, In: definition.InHeader}, text)
	}
	if body, ok := c.Input["body"]; ok {
		file, err := sent(body, c.Input["contentType"])
		if err != nil {
			return nil, err
		}
		o.MediaType, _ = file["contentType"].(string)
		add(definition.Field{Wire: "body", In: definition.InWhole, File: true}, file)
	}
	res, err := c.Send(ctx, &o, input)
	if err != nil {
		return nil, err
	}
	answer := map[string]any{"status": res.Status, "headers": res.Header}
	if res.Output != nil {
		answer["body"] = res.Output
	}
	res.Output = answer
	return res, nil
}

// sent makes a file of a body, as fileOf takes it.
func sent(body, contentType any) (map[string]any, error) {
	media, _ := contentType.(string)
	text, isText := body.(string)
	content := []byte(text)
	if !isText {
		var err error
		if content, err = marshal(body); err != nil {
			return nil, invalid("The body cannot be written as JSON")
		}
	}
	switch {
	case media != "":
	case isText:
		media = "text/plain; charset=utf-8"
	default:
		media = "application/json"
	}
	return map[string]any{"content": base64.StdEncoding.EncodeToString(content), "contentType": media}, nil
}

// relative makes a path below the base endpoint of what a caller says.
func relative(path string) (string, error) {
	if path == "" {
		return "", nil
	}
	if strings.ContainsAny(path, "?#\\") || strings.ContainsFunc(path, control) {
		return "", invalid("The path holds a question mark, a hash, a backslash or a control character")
	}
	if scheme, _, ok := strings.Cut(path, "://"); ok && !strings.Contains(scheme, "/") {
		return "", invalid("The path is an address: it begins below the base endpoint")
	}
	u := url.URL{Path: path}
	if decoded, err := url.PathUnescape(path); err == nil {
		u.Path, u.RawPath = decoded, path
	}
	for part := range strings.FieldsFuncSeq(u.Path, func(r rune) bool { return r == '/' || r == '\\' }) {
		if part == "." || part == ".." {
			return "", invalid("The path holds %q: it leads below the base endpoint and nowhere else", part)
		}
	}
	return "/" + strings.TrimLeft(u.EscapedPath(), "/"), nil
}

// token is the name of a header (RFC 9110, 5.6.2).
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")

func control(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }
