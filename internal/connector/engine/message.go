package engine

import (
	"bytes"
	"crypto/md5" //nolint:gosec // S3 asks for it
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"net/url"
	gopath "path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// message is a request that can be sent more than once.
type message struct {
	method string
	url    *url.URL
	header http.Header
	body   []byte
	// anonymous goes without the credential.
	anonymous bool
}

func (m *message) reader() io.Reader {
	if m.body == nil {
		return nil
	}
	return bytes.NewReader(m.body)
}

// message makes the request of an operation.
func (c *Call) message(o *definition.Operation, input map[string]any) (*message, error) {
	m := &message{method: o.Method, header: make(http.Header)}
	for name, value := range c.Definition.Connector.Headers {
		m.header.Set(name, value)
	}
	switch {
	case m.header.Get("Accept") != "":
	case o.File:
		m.header.Set("Accept", "*/*")
	default:
		m.header.Set("Accept", "application/json")
	}
	maps.Copy(m.header, c.Header)
	path, query := o.Path, url.Values{}
	inside := make(map[string]any)
	var whole *definition.Field
	var parts []part
	var beside []map[string]any
	for _, f := range o.Fields {
		value, there, err := valueOf(f, input)
		if err != nil {
			return nil, err
		}
		if f.Unsent || len(f.When) > 0 && !slices.ContainsFunc(f.When, func(name string) bool { return input[name] != nil }) {
			continue
		}
		if c.Next != "" && o == c.Operation && o.Pagination != nil && o.Pagination.Input == f.Name {
			value, there = c.Next, true
		}
		if !there {
			continue
		}
		if f.Encoding != "" {
			if value, err = encoded(f, value); err != nil {
				return nil, err
			}
		}
		if f.Template != nil {
			if value, there, err = c.filled(o, f, value, input); err != nil {
				return nil, err
			}
			if !there {
				continue
			}
		}
		switch f.In {
		case definition.InPath:
			text, err := segment(f, value, o.AWS != nil)
			if err != nil {
				return nil, err
			}
			path = strings.ReplaceAll(path, "{"+f.Wire+"}", text)
		case definition.InQuery:
			query[f.Wire] = append(query[f.Wire], listed(f, value)...)
		case definition.InHeader:
			if object, ok := value.(map[string]any); ok && strings.HasSuffix(f.Wire, "-") {
				if err := m.headers(f, object); err != nil {
					return nil, err
				}
				continue
			}
			text := strings.Join(listed(f, value), f.Separator)
			if strings.ContainsAny(text, "\r\n\x00") {
				return nil, invalid("%s holds a line break", f.Name)
			}
			m.header.Set(f.Wire, text)
		case definition.InBody:
			parts = append(parts, part{f, value})
			if object, ok := value.(map[string]any); ok && f.Pointer == "" {
				beside = append(beside, object)
				continue
			}
			if list, ok := value.([]any); ok {
				if before, _ := pointer.Get(inside, o.BodyPath+f.Pointer); before != nil {
					all, _ := before.([]any)
					value = slices.Concat(all, list)
				}
			}
			if err := pointer.Set(inside, o.BodyPath+f.Pointer, value); err != nil {
				return nil, fmt.Errorf("engine: %s: %w", f.Name, err)
			}
		case definition.InWhole:
			whole = &f
			parts = []part{{f, value}}
		}
	}
	if err := mix(inside, o.BodyPath, beside); err != nil {
		return nil, err
	}
	if err := c.address(m, o, path, query); err != nil {
		return nil, err
	}
	if err := m.fill(o, inside, whole, parts); err != nil {
		return nil, err
	}
	house(m, o, input)
	if o.AWS != nil && o.AWS.MD5 {
		sum := md5.Sum(m.body) //nolint:gosec // it finds errors of transport, and S3 asks for it
		m.header.Set("Content-Md5", base64.StdEncoding.EncodeToString(sum[:]))
	}
	if len(o.Events) > 0 {
		m.header.Set("Accept", eventStream)
	}
	if o.AWS != nil && o.AWS.Target != "" {
		m.header.Set("Content-Type", "application/x-amz-json-1.1")
		m.header.Set("X-Amz-Target", o.AWS.Target)
		if m.body == nil {
			m.body = []byte("{}")
		}
	}
	return m, nil
}

// headers sends each member of an object as a header.
func (m *message) headers(f definition.Field, object map[string]any) error {
	for name, value := range object {
		text := plain(value)
		if !token.MatchString(name) || strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r > '~' }) {
			return invalid("/%s/%s can't be sent as a header: it has letters, digits and punctuation of ASCII alone", f.Name, name)
		}
		m.header.Set(f.Wire+name, text)
	}
	return nil
}

// address makes the URL: below the base endpoint, whose query is kept; or the
// address of the next page, where the service gives that.
func (c *Call) address(m *message, o *definition.Operation, path string, query url.Values) error {
	root := c.root()
	if p := o.Pagination; p != nil && c.Next != "" && o == c.Operation && leads(p, c.Next) {
		next, err := c.page(p, root)
		m.url = next
		return err
	}
	u, err := url.Parse(root + path)
	if err != nil || !sameOrigin(u, c.Base) {
		return invalid("no address can be made of the input")
	}
	all := c.Base.Query()
	maps.Copy(all, query)
	// Not every service takes + for a space.
	u.RawQuery = strings.ReplaceAll(all.Encode(), "+", "%20")
	m.url = u
	return nil
}

// root is the base endpoint without its query and without a slash at its end,
// and with what the definition adds to it.
func (c *Call) root() string {
	base := *c.Base
	base.RawQuery, base.Fragment = "", ""
	root := strings.TrimSuffix(base.String(), "/")
	at := c.Definition.Connector.Base
	has := func(end string) bool { return strings.Contains(root, end) }
	if !strings.HasSuffix(root, at.Append) && !slices.ContainsFunc(at.Unless, has) {
		root += at.Append
	}
	return root
}

// leads tells whether a next page is known by its address.
func leads(p *definition.Pagination, next string) bool {
	_, err := strconv.Atoi(next)
	return p.Kind == "link" || p.Kind == "url" && (err != nil || p.Input == "")
}

// page is the address of the next page: as the service gave it, from its root
// on. One that stood in the answer's body is below the base endpoint, whose
// query is kept.
func (c *Call) page(p *definition.Pagination, root string) (*url.URL, error) {
	from, err := url.Parse(root + "/")
	if err != nil {
		return nil, invalid("no address can be made of the base endpoint")
	}
	next, err := from.Parse(c.Next)
	if err != nil {
		return nil, invalid("the address of the next page is none")
	}
	if !sameOrigin(next, c.Base) {
		return nil, refused("the next page is at %s, which is not the service's own address", next.Host)
	}
	if p.Kind == "link" {
		return next, nil
	}
	if at, above := folders(next.Path), folders(from.Path); !strings.HasPrefix(at, above) || at == above {
		return nil, refused("the next page is at %s, which is not below the base endpoint", next.Path)
	}
	given := next.Query()
	kept := c.Base.Query()
	maps.DeleteFunc(kept, func(name string, _ []string) bool { return given.Has(name) })
	both := []string{strings.ReplaceAll(next.RawQuery, " ", "%20"), strings.ReplaceAll(kept.Encode(), "+", "%20")}
	next.RawQuery = strings.Trim(strings.Join(both, "&"), "&")
	return next, nil
}

// matrix are parameters of a part of a path, such as the version of a service.
var matrix = regexp.MustCompile(`;[^/]*`)

// folders is a path for comparison: services differ from themselves in capital
// letters and in how they write their version.
func folders(p string) string {
	return strings.ToLower(strings.TrimSuffix(gopath.Clean("/"+matrix.ReplaceAllString(p, "")), "/")) + "/"
}

type part struct {
	field definition.Field
	value any
}

// valueOf gives the value of a field: the constant, what is in the input, or
// the default.
func valueOf(f definition.Field, input map[string]any) (value any, there bool, err error) {
	fixed := f.Constant
	if fixed == nil {
		if value, there = input[f.Name]; there {
			return value, true, nil
		}
		if fixed = f.Default; fixed == nil {
			return nil, false, nil
		}
	}
	d := json.NewDecoder(bytes.NewReader(fixed))
	d.UseNumber()
	err = d.Decode(&value)
	return value, true, err
}

// encoded is a value as the service takes it.
func encoded(f definition.Field, value any) (any, error) {
	encode := encodings[f.Encoding]
	if encode == nil {
		return nil, fmt.Errorf("engine: there is no encoding %s", f.Encoding)
	}
	return encode(value)
}

// mix lays the members of objects beside what is below a pointer already, which
// stays as it is.
func mix(inside map[string]any, at string, objects []map[string]any) error {
	for _, object := range objects {
		for name, value := range object {
			p := at + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
			if _, there := pointer.Get(inside, p); there {
				continue
			}
			if err := pointer.Set(inside, p, value); err != nil {
				return invalid("%s: %v", name, err)
			}
		}
	}
	return nil
}

// segment makes a part of a path of a value, which stays a part.
func segment(f definition.Field, value any, strict bool) (string, error) {
	text := strings.Join(listed(f, value), ",")
	if f.Slashes && text != "" {
		return escape(text, true), nil
	}
	if text == "" || text == "." || text == ".." {
		return "", invalid("%s is %q, which is no part of a path", f.Name, text)
	}
	if strict {
		return escape(text, false), nil
	}
	return url.PathEscape(text), nil
}

// listed writes a value as text; a list as one text or several.
func listed(f definition.Field, value any) []string {
	list, ok := value.([]any)
	if !ok {
		return []string{plain(value)}
	}
	texts := make([]string, len(list))
	for i, v := range list {
		texts[i] = plain(v)
	}
	if f.Explode {
		return texts
	}
	return []string{strings.Join(texts, f.Separator)}
}

func plain(value any) string {
	switch v := value.(type) {
	case string:
		return v
	case nil:
		return ""
	case map[string]any, []any:
		text, _ := marshal(v) // it came from JSON
		return string(text)
	}
	return fmt.Sprint(value)
}

// marshal writes JSON without the escapes that HTML needs.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// fill makes the body.
func (m *message) fill(o *definition.Operation, inside map[string]any, whole *definition.Field, parts []part) (err error) {
	if o.MediaType == "" || len(parts) == 0 {
		return nil
	}
	if own := m.header.Get("Content-Type"); own != "" { // a parameter, which goes before
		defer func() {
			if err == nil && o.MediaType != "multipart/form-data" {
				m.header.Set("Content-Type", own)
			}
		}()
	}
	m.header.Set("Content-Type", o.MediaType)
	switch {
	case whole != nil && whole.File:
		file, err := fileOf(*whole, parts[0].value)
		if err != nil {
			return err
		}
		if file.mediaType != "" {
			m.header.Set("Content-Type", file.mediaType)
		}
		m.body = file.content
	case o.MediaType == "multipart/form-data":
		return m.multipart(parts)
	case o.MediaType == "application/x-www-form-urlencoded":
		form := url.Values{}
		for _, p := range parts {
			form[p.field.Wire] = append(form[p.field.Wire], listed(p.field, p.value)...)
		}
		m.body = []byte(form.Encode())
	case o.XMLBody != nil:
		m.body, err = toXML(o.XMLBody, inside)
	case whole != nil:
		m.body, err = marshal(parts[0].value)
	default:
		m.body, err = marshal(inside)
	}
	return err
}

// file is what an input object says of a file.
type file struct {
	name, mediaType string
	content         []byte
}

func fileOf(f definition.Field, value any) (file, error) {
	if text, ok := value.(string); ok {
		return file{mediaType: "text/plain; charset=utf-8", content: []byte(text)}, nil
	}
	object, _ := value.(map[string]any)
	text := func(name string) string {
		s, _ := object[name].(string)
		return s
	}
	content, err := base64.StdEncoding.DecodeString(text("content"))
	if err != nil {
		return file{}, invalid("/%s/content is not base64", f.Name)
	}
	out := file{text("filename"), text("contentType"), content}
	if strings.ContainsAny(out.mediaType+out.name, "\r\n\x00") {
		return file{}, invalid("/%s holds a line break", f.Name)
	}
	return out, nil
}

// multipart makes a form with files, which come last (RFC 7578).
func (m *message) multipart(parts []part) error {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	slices.SortStableFunc(parts, func(a, b part) int {
		switch {
		case a.field.File == b.field.File:
			return 0
		case b.field.File:
			return -1
		}
		return 1
	})
	for _, p := range parts {
		if !p.field.File {
			for _, text := range listed(p.field, p.value) {
				if err := w.WriteField(p.field.Wire, text); err != nil {
					return err
				}
			}
			continue
		}
		file, err := fileOf(p.field, p.value)
		if err != nil {
			return err
		}
		if file.mediaType == "" {
			file.mediaType = "application/octet-stream"
		}
		if file.name == "" {
			file.name = p.field.Wire
		}
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(file.name)
		part, err := w.CreatePart(textproto.MIMEHeader{
			"Content-Disposition": {fmt.Sprintf(`form-data; name="%s"; filename="%s"`, p.field.Wire, quoted)},
			"Content-Type":        {file.mediaType},
		})
		if err != nil {
			return err
		}
		if _, err := part.Write(file.content); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	m.header.Set("Content-Type", w.FormDataContentType())
	m.body = b.Bytes()
	return nil
}
