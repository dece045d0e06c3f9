package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	jsonv2 "github.com/go-json-experiment/json"
	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/store"
)

// Prefix is how the paths of SCIM begin; the account comes next.
const Prefix = "/_onsight/scim/"

const (
	// largestBody is how large a request may be, and largestBulk one of Bulk.
	largestBody = 8 << 20
	largestBulk = 4 << 20
	// mostBulk is how many operations one of Bulk may have.
	mostBulk = 1000
)

const contentType = "application/scim+json"

// A call is a request of a centre, or an operation of a Bulk request.
type call struct {
	s       *Service
	ctx     context.Context //nolint:containedctx // a call is one request
	account string
	token   token
	origin  api.Origin
	request string // its id

	method string
	kind   *kind  // of /Users and /Groups
	id     string // after it
	query  url.Values
	body   []byte

	ifMatch, ifNoneMatch string
	attributes, excluded []string
}

// An answer is what a call is answered with.
type answer struct {
	status         int
	body           any
	etag, location string
}

// ServeHTTP answers a centre.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{s: s, ctx: r.Context(), request: uuid.NewString(), origin: api.OriginOf(r, s.TrustedProxies)}
	a, err := s.serve(c, r)
	if err != nil {
		a = s.failed(c, w, err)
	}
	h := w.Header()
	h.Set("X-Request-Id", c.request)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	if a.etag != "" {
		h.Set("ETag", a.etag)
	}
	if a.location != "" {
		h.Set("Location", a.location)
	}
	if a.body == nil {
		w.WriteHeader(a.status)
		return
	}
	text, err := encode(a.body)
	if err != nil {
		s.Log.ErrorContext(c.ctx, "scim: encode an answer", "request", c.request, "error", err)
		w.WriteHeader(http.StatusInternalServerError)
		return
	}
	h.Set("Content-Type", contentType)
	h.Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(a.status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(text) // who has gone away is not our error
	}
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// failed is the answer for an error.
func (s *Service) failed(c *call, w http.ResponseWriter, err error) *answer {
	if t, ok := errors.AsType[*throttled](err); ok {
		w.Header().Set("Retry-After", t.seconds())
		err = refusal(http.StatusTooManyRequests, "Too many wrong tokens: try again in %s seconds.", t.seconds())
	}
	e, ok := errorOf(err)
	if !ok {
		s.Log.ErrorContext(c.ctx, "scim", "request", c.request, "error", err)
	}
	if e.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="SCIM"`)
	}
	return &answer{status: e.Status, body: e.body()}
}

func (e *Error) body() map[string]any {
	b := map[string]any{"schemas": []string{urnError}, "status": strconv.Itoa(e.Status), "detail": e.Detail}
	if e.Type != "" {
		b["scimType"] = e.Type
	}
	return b
}

func (s *Service) serve(c *call, r *http.Request) (*answer, error) {
	account, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Prefix), "/")
	rest, ok := strings.CutPrefix(rest, "v2")
	if !ok || rest != "" && rest[0] != '/' {
		return nil, refusal(http.StatusNotFound, "There is nothing at this address: SCIM is at %s.", s.endpoint("{account}"))
	}
	var err error
	if c.token, err = s.authenticate(r, account, c.origin); err != nil {
		return nil, err
	}
	c.account, c.method = account, r.Method
	if c.method == http.MethodHead {
		c.method = http.MethodGet
	}
	if c.query, err = url.ParseQuery(r.URL.RawQuery); err != nil {
		return nil, bad(invalidSyntax, "The query of the address is not well-formed.")
	}
	c.ifMatch, c.ifNoneMatch = r.Header.Get("If-Match"), r.Header.Get("If-None-Match")
	if err := c.choose(c.query.Get("attributes"), c.query.Get("excludedAttributes")); err != nil {
		return nil, err
	}
	path := strings.Trim(rest, "/")
	if head, _, _ := strings.Cut(path, "/"); c.method != http.MethodGet && isDiscovery(head) {
		return nil, refusal(http.StatusMethodNotAllowed, "%s is answered for GET.", head)
	}
	if r.Method == http.MethodPost || r.Method == http.MethodPut || r.Method == http.MethodPatch {
		if err := c.read(r, path == "Bulk"); err != nil {
			return nil, err
		}
	}
	if path == "Bulk" {
		if c.method != http.MethodPost {
			return nil, refusal(http.StatusMethodNotAllowed, "Bulk is answered for POST.")
		}
		return c.bulk()
	}
	return c.route(path)
}

// read reads the body of a request.
func (c *call) read(r *http.Request, bulk bool) error {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != contentType && kind != "application/json" {
		return refusal(http.StatusUnsupportedMediaType, "The content type must be %s.", contentType)
	}
	limit := int64(largestBody)
	if bulk {
		limit = largestBulk
	}
	c.body, err = io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return bad(invalidSyntax, "The body could not be read.")
	}
	if int64(len(c.body)) > limit {
		return refusal(http.StatusRequestEntityTooLarge, "The body may have %d bytes.", limit)
	}
	return nil
}

// object reads the body as an object. Members must not be there twice.
func (c *call) object() (map[string]any, error) {
	var v map[string]any
	if err := jsonv2.Unmarshal(c.body, &v); err != nil || v == nil {
		return nil, bad(invalidSyntax, "The body is no JSON object.")
	}
	return v, nil
}

// route answers a call, by its path below the base.
func (c *call) route(path string) (*answer, error) {
	head, id, _ := strings.Cut(path, "/")
	for _, k := range kinds {
		if strings.EqualFold("/"+head, k.endpoint) {
			c.kind, c.id = k, id
			if strings.Contains(id, "/") {
				return nil, refusal(http.StatusNotFound, "There is nothing at this address.")
			}
			return c.on(k)
		}
	}
	switch {
	case path == ".search" && c.method == http.MethodPost:
		return c.searching(kinds)
	case path == "" && c.method == http.MethodGet:
		s, err := searchOf(c.query)
		if err != nil {
			return nil, err
		}
		return c.reading(func(tx *store.Tx) (*answer, error) { return c.lists(tx, kinds, s) })
	case c.method != http.MethodGet:
		return nil, refusal(http.StatusNotFound, "There is nothing at this address.")
	}
	return c.discover(head, id)
}

// on answers a call about users or groups.
func (c *call) on(k *kind) (*answer, error) {
	switch {
	case c.id == "" && c.method == http.MethodGet:
		s, err := searchOf(c.query)
		if err != nil {
			return nil, err
		}
		return c.reading(func(tx *store.Tx) (*answer, error) { return c.list(tx, k, s) })
	case c.id == ".search" && c.method == http.MethodPost:
		return c.searching([]*kind{k})
	case c.id == "" && c.method == http.MethodPost:
		return c.writing(map[*kind]change2{users: c.createUser, groups: c.createGroup}[k])
	case c.id == "":
		return nil, refusal(http.StatusMethodNotAllowed, "Use GET or POST.")
	}
	switch c.method {
	case http.MethodGet:
		return c.reading(map[*kind]func(*store.Tx) (*answer, error){users: c.getUser, groups: c.getGroup}[k])
	case http.MethodPut:
		return c.writing(map[*kind]change2{users: c.putUser, groups: c.putGroup}[k])
	case http.MethodPatch:
		return c.writing(map[*kind]change2{users: c.patchUser, groups: c.patchGroup}[k])
	case http.MethodDelete:
		return c.removing(map[*kind]func(*store.Tx, Tenant) (*answer, error){users: c.deleteUser, groups: c.deleteGroup}[k])
	}
	return nil, refusal(http.StatusMethodNotAllowed, "Use GET, PUT, PATCH or DELETE.")
}

// change2 is what changes something, with the body of the request.
type change2 func(tx *store.Tx, t Tenant, body map[string]any) (*answer, error)

func (c *call) searching(of []*kind) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	s, err := searchIn(body)
	if err != nil {
		return nil, err
	}
	if err := c.choose(strings.Join(textsOf(member(body, "attributes")), ","), strings.Join(textsOf(member(body, "excludedAttributes")), ",")); err != nil {
		return nil, err
	}
	return c.reading(func(tx *store.Tx) (*answer, error) { return c.lists(tx, of, s) })
}

func textsOf(v any) []string {
	list, ok := v.([]any)
	if !ok {
		list = []any{v}
	}
	var out []string
	for _, v := range list {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

func (c *call) reading(do func(*store.Tx) (*answer, error)) (a *answer, err error) {
	err = c.s.DB.Read(c.ctx, func(tx *store.Tx) error {
		a, err = do(tx)
		return err
	})
	if err != nil {
		return nil, err
	}
	if c.ifNoneMatch != "" && a.etag != "" && matches(c.ifNoneMatch, a.etag) {
		return &answer{status: http.StatusNotModified, etag: a.etag}, nil
	}
	return a, nil
}

func (c *call) writing(do change2) (*answer, error) {
	body, err := c.object()
	if err != nil {
		return nil, err
	}
	return c.removing(func(tx *store.Tx, t Tenant) (*answer, error) { return do(tx, t, body) })
}

func (c *call) removing(do func(*store.Tx, Tenant) (*answer, error)) (a *answer, err error) {
	err = c.s.DB.Write(c.ctx, func(tx *store.Tx) error {
		// The token may be gone since it was looked at.
		_, err := store.One[string](tx, `SELECT id FROM scim_tokens WHERE account = $1 AND id = $2`, c.account, c.token.ID)
		if errors.Is(err, store.ErrNotFound) {
			return refusal(http.StatusUnauthorized, "The token is not known: it is of another account, or was revoked.")
		}
		if err != nil {
			return err
		}
		t, err := c.s.tenant(tx, c.account, c.token.Namespace)
		if err != nil {
			return err
		}
		a, err = do(tx, t)
		return err
	})
	if err == nil {
		c.s.counted(c.ctx)
	}
	return a, err
}

// leave adds an event to what a transaction changes, in the name of the token.
func (c *call) leave(tx *store.Tx, t Tenant, name, resource string, details map[string]string) {
	c.s.Trail.Provisioned(tx, Event{
		Name: name, Account: c.account, Region: t.Region, TokenID: c.token.ID, TokenName: c.token.Name,
		Resource: resource, Origin: c.origin, RequestID: c.request, Details: details,
	})
}

// location is the address of a resource.
func (c *call) location(k *kind, id string) string {
	return c.s.endpoint(c.account) + k.endpoint + "/" + id
}

// etag is the ETag of a version.
func etag(version int64) string { return fmt.Sprintf(`W/"%d"`, version) }

// mustMatch refuses a change of another version than the one that is meant.
func (c *call) mustMatch(version int64) error {
	if c.ifMatch != "" && !matches(c.ifMatch, etag(version)) || c.ifNoneMatch != "" && matches(c.ifNoneMatch, etag(version)) {
		return refusal(http.StatusPreconditionFailed, "The resource was changed meanwhile: its version is %s.", etag(version))
	}
	return nil
}

// matches tells whether a list of ETags has one; W/ makes no difference.
func matches(list, etag string) bool {
	for one := range strings.SplitSeq(list, ",") {
		one = strings.TrimSpace(one)
		if one == "*" || strings.TrimPrefix(one, "W/") == strings.TrimPrefix(etag, "W/") {
			return true
		}
	}
	return false
}

// choose says which attributes are shown.
func (c *call) choose(attributes, excluded string) error {
	c.attributes, c.excluded = nil, nil
	for list, to := range map[string]*[]string{"a" + attributes: &c.attributes, "e" + excluded: &c.excluded} {
		for name := range strings.SplitSeq(list[1:], ",") {
			if name = strings.TrimSpace(name); name != "" {
				*to = append(*to, name)
			}
		}
	}
	if len(c.attributes) > 0 && len(c.excluded) > 0 {
		return bad(invalidValue, "attributes and excludedAttributes can't be given together.")
	}
	return nil
}

// shows tells whether an attribute is shown that costs something to read.
func (c *call) shows(name string) bool {
	is := func(given string) bool {
		given = given[strings.LastIndexByte(given, ':')+1:]
		given, _, _ = strings.Cut(given, ".")
		return strings.EqualFold(given, name)
	}
	if len(c.attributes) > 0 {
		return slices.ContainsFunc(c.attributes, is)
	}
	return !slices.ContainsFunc(c.excluded, func(given string) bool { return is(given) && !strings.HasSuffix(strings.ToLower(given), ".display") })
}

// shown is the answer with a resource.
func (c *call) shown(k *kind, status int, resource map[string]any, id string, version int64) *answer {
	a := &answer{status: status, body: c.project(k, resource), etag: etag(version)}
	if status == http.StatusCreated {
		a.location = c.location(k, id)
	}
	return a
}

// project leaves those attributes of a resource that are asked for, with those
// that are always there.
func (c *call) project(k *kind, resource map[string]any) map[string]any {
	if len(c.attributes) == 0 && len(c.excluded) == 0 {
		return resource
	}
	p := parser{kind: k}
	if len(c.attributes) > 0 {
		out := map[string]any{"id": resource["id"], "schemas": resource["schemas"]}
		for _, name := range c.attributes {
			if s := k.schemaOf(name); s != nil && s != &k.core {
				put(out, s.ID, resource[s.ID])
				continue
			}
			if at, ok := p.resolve(name); ok {
				include(out, resource, at)
			}
		}
		return out
	}
	out := clone(resource).(map[string]any)
	for _, name := range c.excluded {
		if s := k.schemaOf(name); s != nil && s != &k.core {
			delete(out, s.ID)
			continue
		}
		if at, ok := p.resolve(name); ok && at.attr.Returned != "always" {
			exclude(out, at)
		}
	}
	return out
}

// include copies what is named.
func include(out, from map[string]any, at attrPath) {
	if at.urn != "" {
		ext, _ := from[at.urn].(map[string]any)
		part, _ := out[at.urn].(map[string]any)
		if part == nil {
			part = map[string]any{}
		}
		urn := at.urn
		at.urn = ""
		include(part, ext, at)
		put(out, urn, part)
		return
	}
	value := from[at.attr.Name]
	if value == nil {
		return
	}
	if at.leaf == at.attr {
		out[at.attr.Name] = value
		return
	}
	pick := func(v any, to map[string]any) map[string]any {
		if m, ok := v.(map[string]any); ok && m[at.leaf.Name] != nil {
			if to == nil {
				to = map[string]any{}
			}
			to[at.leaf.Name] = m[at.leaf.Name]
		}
		return to
	}
	list, ok := value.([]any)
	if !ok {
		to, _ := out[at.attr.Name].(map[string]any)
		if to = pick(value, to); to != nil {
			out[at.attr.Name] = to
		}
		return
	}
	had, _ := out[at.attr.Name].([]any)
	picked := make([]any, len(list))
	for i, v := range list {
		var to map[string]any
		if i < len(had) {
			to, _ = had[i].(map[string]any)
		}
		if to = pick(v, to); to == nil {
			to = map[string]any{}
		}
		picked[i] = to
	}
	out[at.attr.Name] = picked
}

// exclude removes what is named.
func exclude(out map[string]any, at attrPath) {
	if at.urn != "" {
		ext, ok := out[at.urn].(map[string]any)
		if !ok {
			return
		}
		out = ext
	}
	if at.leaf == at.attr {
		delete(out, at.attr.Name)
		return
	}
	switch v := out[at.attr.Name].(type) {
	case map[string]any:
		delete(v, at.leaf.Name)
	case []any:
		for _, one := range v {
			if m, ok := one.(map[string]any); ok {
				delete(m, at.leaf.Name)
			}
		}
	}
}
