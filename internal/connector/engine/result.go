package engine

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// Result is what an action gave.
type Result struct {
	// Status is the service's.
	Status int
	// Output is the useful part of the answer: any JSON value. Of an answer that
	// is not JSON it is the text, or a *Binary.
	Output any
	// Body is a file that comes while it is read, in place of Output, where
	// Call.Stream asked for it. Who has the Result closes it. Size is how many
	// bytes it has, or -1, and ContentType and Filename what the service says.
	Body                  io.ReadCloser
	Size                  int64
	ContentType, Filename string
	// Header has those of the answer that tell something: Location, ETag and the
	// like.
	Header map[string]string
	// Next asks for the next page; empty where there is none.
	Next string
	// Attempts is how many requests were sent.
	Attempts int
}

// Binary is an answer that is neither JSON nor text, or a file.
type Binary struct {
	ContentType string `json:"contentType"`
	Size        int    `json:"size"`
	Filename    string `json:"filename,omitempty"`
	// Content is base64; where the definition asks for text, and it is some, Text
	// has it.
	Content string  `json:"content,omitempty"`
	Text    *string `json:"text,omitempty"`

	// Told is what the headers told.
	Told map[string]any `json:"-"`
}

// MarshalJSON writes what the headers told beside the rest.
func (b *Binary) MarshalJSON() ([]byte, error) {
	all := map[string]any{"contentType": b.ContentType, "size": b.Size}
	maps.Copy(all, b.Told)
	if b.Filename != "" {
		all["filename"] = b.Filename
	}
	if b.Text != nil {
		all["text"] = *b.Text
	} else {
		all["content"] = b.Content
	}
	return marshal(all)
}

// shownHeaders are those of an answer that callers see.
var shownHeaders = []string{"Content-Disposition", "Content-Type", "ETag", "Last-Modified", "Link", "Location", "X-Total-Count"}

// maxJSONDepth is how deep the values of an answer may lie within each other.
const maxJSONDepth = 64

// result makes a result of an answer, or an error.
func (c *Call) result(o *definition.Operation, answer *http.Response, from *url.URL) (*Result, error) {
	if c.Stream && c.Operation.File && o.File && successful(o, answer.StatusCode) {
		return passedOn(answer), nil
	}
	defer func() { _ = answer.Body.Close() }()
	text, err := io.ReadAll(io.LimitReader(answer.Body, c.Limits.Output+1))
	if err != nil {
		return nil, unsent(err)
	}
	if int64(len(text)) > c.Limits.Output {
		return nil, &Error{Kind: TooLarge, Status: answer.StatusCode, Message: "The answer is larger than " + strconv.FormatInt(c.Limits.Output, 10) + " bytes."}
	}
	res := &Result{Status: answer.StatusCode, Header: shownOf(answer)}
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	if o.File && successful(o, answer.StatusCode) {
		res.Output = fileOutput(o, answer, text, media)
		return res, nil
	}
	if len(o.Events) > 0 && successful(o, answer.StatusCode) && media == eventStream {
		return c.streamed(o, answer, text, res)
	}
	value, isJSON, err := c.read(o, answer, text, media)
	if own, ok := errors.AsType[*Error](err); ok {
		return nil, own
	}
	if !successful(o, answer.StatusCode) || err == nil && len(text) > 0 && !c.holds(o, value, isJSON) {
		return nil, c.failure(answer, value, text, media)
	}
	switch {
	case err != nil:
		return nil, &Error{Kind: Rejected, Status: answer.StatusCode, Message: "The service answered with something that is not valid JSON.", cause: err}
	case o.XMLAnswer != nil && !isJSON:
		return nil, &Error{Kind: Rejected, Status: answer.StatusCode, Message: "The service answered with something that is not the XML that is expected.", cause: err}
	case len(text) == 0 && len(o.OutputHeaders) > 0:
		told := make(map[string]any)
		outputHeaders(o, answer, told, true)
		res.Output = told
	case len(text) == 0:
	case isJSON:
		res.Output = value
		if o.Output != "" {
			res.Output, _ = pointer.Get(value, o.Output)
		}
		if object, ok := res.Output.(map[string]any); ok {
			outputHeaders(o, answer, object, false)
		}
		res.Next = c.next(o, answer, value, from)
	case strings.HasPrefix(media, "text/") && utf8.Valid(text):
		res.Output = string(text)
	default:
		res.Output = &Binary{ContentType: media, Size: len(text), Content: base64.StdEncoding.EncodeToString(text)}
	}
	return res, nil
}

// outputHeaders adds the headers that a definition names to an output; those
// without a name of their own only where the answer's body is empty.
func outputHeaders(o *definition.Operation, answer *http.Response, told map[string]any, empty bool) {
	for _, entry := range o.OutputHeaders {
		name, header, renamed := strings.Cut(entry, "=")
		if !renamed {
			if value := answer.Header.Get(name); value != "" && empty {
				told[strings.ToLower(name)] = value
			}
			continue
		}
		if _, there := told[name]; there {
			continue
		}
		if prefix, ok := strings.CutSuffix(header, "*"); ok {
			all := make(map[string]any)
			for h := range answer.Header {
				if rest, ok := strings.CutPrefix(h, http.CanonicalHeaderKey(prefix)); ok {
					all[strings.ToLower(rest)] = answer.Header.Get(h)
				}
			}
			if len(all) > 0 {
				told[name] = all
			}
			continue
		}
		value := answer.Header.Get(header)
		if value == "" {
			continue
		}
		told[name] = value
		if o.Answer != nil && o.Answer.Members[name] != nil {
			told[name] = scalar(o.Answer.Members[name], value)
		}
	}
}

// fileOutput is the output of an answer that is a file.
func fileOutput(o *definition.Operation, answer *http.Response, text []byte, media string) any {
	b := &Binary{ContentType: media, Size: len(text), Filename: filename(answer)}
	if o.Text && utf8.Valid(text) && bytes.IndexByte(text, 0) < 0 {
		b.Text = new(string(text))
	} else {
		b.Content = base64.StdEncoding.EncodeToString(text)
	}
	if len(o.OutputHeaders) > 0 {
		b.Told = make(map[string]any)
		outputHeaders(o, answer, b.Told, false)
	}
	return b
}

// streamed is the result of an answer that is a stream of events.
func (c *Call) streamed(o *definition.Operation, answer *http.Response, stream []byte, res *Result) (*Result, error) {
	out, err := c.collect(o, stream)
	if e, ok := errors.AsType[*Error](err); ok {
		e.Status = answer.StatusCode
		e.Message = clip(e.Message + c.details(nil, answer))
		return nil, e
	}
	if err != nil {
		return nil, &Error{Kind: Rejected, Status: answer.StatusCode, Message: "The service's answer can't be read: " + err.Error() + ".", begun: true, cause: err}
	}
	outputHeaders(o, answer, out, false)
	res.Output = out
	return res, nil
}

// read decodes an answer: JSON, or XML where the definition speaks of it. What
// has another root element than the definition says is none of a success.
func (c *Call) read(o *definition.Operation, answer *http.Response, text []byte, media string) (value any, structured bool, err error) {
	n := o.XMLAnswer
	if n == nil && !c.Definition.Connector.Errors.XML {
		return decode(text, media)
	}
	if len(bytes.TrimSpace(text)) == 0 {
		return nil, false, nil
	}
	if !successful(o, answer.StatusCode) {
		n = nil
	}
	root, value, err := fromXML(text, n)
	if err == nil && n != nil && n.Name != "" && root != n.Name {
		if _, value, err = fromXML(text, nil); err == nil {
			return nil, false, c.failure(answer, value, text, media)
		}
	}
	if err != nil {
		return nil, false, nil //nolint:nilerr // the caller knows what it means
	}
	return value, true, nil
}

// passedOn is the result of a file that is passed on as it comes.
func passedOn(answer *http.Response) *Result {
	media, _, _ := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	return &Result{
		Status: answer.StatusCode, Header: shownOf(answer), Body: answer.Body, Size: answer.ContentLength, ContentType: media, Filename: filename(answer),
	}
}

// shownOf are the headers of an answer that callers see.
func shownOf(answer *http.Response) map[string]string {
	shown := make(map[string]string)
	for _, name := range shownHeaders {
		if value := answer.Header.Get(name); value != "" {
			shown[name] = value
		}
	}
	return shown
}

// filename is what the service calls a file.
func filename(answer *http.Response) string {
	_, disposition, _ := mime.ParseMediaType(answer.Header.Get("Content-Disposition"))
	return disposition["filename"]
}

// successful tells whether a status is one of the operation's.
func successful(o *definition.Operation, status int) bool {
	return status >= 200 && status < 300 || slices.Contains(o.Statuses, status)
}

// decode reads an answer, if it is JSON: by its media type, or by itself where
// the service does not say.
func decode(text []byte, media string) (value any, isJSON bool, err error) {
	says := media == "application/json" || strings.HasSuffix(media, "+json") || strings.HasPrefix(media, "application/x-amz-json")
	if !says && media != "" && media != "text/plain" && media != "text/html" || len(bytes.TrimSpace(text)) == 0 {
		return nil, false, nil
	}
	if err = shallow(text); err == nil {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		if err = d.Decode(&value); err == nil {
			if _, more := d.Token(); !errors.Is(more, io.EOF) {
				err = errors.New("more than one value")
			}
		}
	}
	if err == nil {
		return value, true, nil
	}
	if !says {
		return nil, false, nil
	}
	return nil, false, err
}

// shallow refuses JSON whose values lie too deep.
func shallow(text []byte) error {
	depth, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch b := text[i]; {
		case quoted && b == '\\':
			i++
		case b == '"':
			quoted = !quoted
		case quoted:
		case b == '{' || b == '[':
			if depth++; depth > maxJSONDepth {
				return errors.New("its values lie too deep")
			}
		case b == '}' || b == ']':
			depth--
		}
	}
	return nil
}

// holds tells whether the conditions of a success hold. Of what is not JSON,
// such as a page to sign in at, none does.
func (c *Call) holds(o *definition.Operation, value any, isJSON bool) bool {
	if !isJSON {
		return len(c.Definition.Connector.Success)+len(o.Success) == 0
	}
	return Holds(c.Definition.Connector.Success, value) && Holds(o.Success, value)
}

// Holds tells whether all conditions hold of a decoded answer.
func Holds(conditions []definition.Condition, value any) bool {
	for _, condition := range conditions {
		got, there := pointer.Get(value, condition.Pointer)
		if condition.Equals == nil {
			if !there || got == nil || got == "" {
				return false
			}
			continue
		}
		text, err := marshal(got)
		if err != nil || !there || !bytes.Equal(text, condition.Equals) {
			return false
		}
	}
	return true
}

// maxMessage is how much of a service's own text is kept.
const maxMessage = 2000

// failure makes an error of an answer that is none of a success.
func (c *Call) failure(answer *http.Response, value any, text []byte, media string) error {
	errs := c.Definition.Connector.Errors
	e := &Error{Status: answer.StatusCode, RetryAfter: c.patience(answer.Header.Get("Retry-After"))}
	for _, p := range errs.Code {
		if e.Code = pointer.Text(value, p); e.Code != "" {
			break
		}
	}
	if e.Code == "" && isXML(media) {
		e.Code = element(text, "code")
	}
	if e.Code == "" && errs.CodeHeader != "" {
		e.Code = answer.Header.Get(errs.CodeHeader)
	}
	if errs.Shapes {
		e.Code = shapeName(e.Code)
	}
	if errs.Region != "" {
		e.region = answer.Header.Get(errs.Region)
		if said := pointer.Text(value, "/Region"); e.region == "" || e.Code == "AuthorizationHeaderMalformed" && said != "" {
			e.region = said
		}
	}
	for _, p := range errs.Message {
		if e.Message = pointer.Text(value, p); e.Message != "" {
			break
		}
	}
	if e.Message == "" && errs.Header != "" {
		e.Message = answer.Header.Get(errs.Header)
	}
	if e.Message == "" {
		e.Message = bare(value, text, media)
	}
	meant := errs.Statuses[strconv.Itoa(e.Status)]
	if e.Message == "" {
		e.Message = meant.Message
	}
	if e.Message == "" && e.Status < 300 {
		e.Message = "The service answered with a page or a text where it answers with JSON."
	}
	if e.Message == "" {
		e.Message = "The service answered with status " + strconv.Itoa(e.Status) + " and no explanation."
	}
	e.Message = clip(e.Message + c.details(value, answer))
	asks := e.RetryAfter > 0 && slices.Contains(errs.Throttled, e.Status)
	switch {
	case slices.Contains(errs.Expired, e.Code):
		e.Kind = Unauthenticated
	case e.Status == http.StatusTooManyRequests, asks, slices.Contains(errs.ThrottleCodes, e.Code):
		e.Kind = Throttled
	case errs.Kinds[e.Code] != "":
		e.Kind = Kind(errs.Kinds[e.Code])
	case meant.Kind != "":
		e.Kind = Kind(meant.Kind)
	case e.Status == http.StatusUnauthorized:
		e.Kind = Unauthenticated
	case e.Status == http.StatusForbidden:
		e.Kind = Denied
	case e.Status == http.StatusNotFound, e.Status == http.StatusGone:
		e.Kind = Missing
	case e.Status == http.StatusConflict, e.Status == http.StatusPreconditionFailed, e.Status == http.StatusLocked:
		e.Kind = Conflict
	case e.Status >= 500, e.Status == http.StatusRequestTimeout:
		e.Kind = Unavailable
	default:
		e.Kind = Rejected
	}
	return e
}

// details are the other parts of an answer that tell what was wrong.
func (c *Call) details(value any, answer *http.Response) string {
	var texts []string
	for _, d := range c.Definition.Connector.Errors.Details {
		text := pointer.Text(value, d.Pointer)
		if list, ok := pointer.Get(value, d.Pointer); ok && text == "" {
			if _, ok := list.([]any); ok {
				text = strings.Join(listed(definition.Field{Separator: ", "}, list), "")
			}
		}
		if text == "" && d.Header != "" {
			text = answer.Header.Get(d.Header)
		}
		if text == "" {
			continue
		}
		if d.Text != "" {
			text = d.Text + ": " + text
		}
		texts = append(texts, text)
	}
	if len(texts) == 0 {
		return ""
	}
	return " (" + strings.Join(texts, "; ") + ")"
}

// bare is the service's text where the definition does not say where it is.
func bare(value any, text []byte, media string) string {
	for _, p := range []string{"/message", "/error/message", "/error_description", "/error", "/errors/0/message", "/title", "/detail"} {
		if m := pointer.Text(value, p); m != "" {
			return m
		}
	}
	switch {
	case !utf8.Valid(text):
	case media == "text/plain":
		return strings.TrimSpace(string(text))
	case isXML(media):
		return element(text, "message")
	}
	return ""
}

func isXML(media string) bool {
	return media == "application/xml" || media == "text/xml" || strings.HasSuffix(media, "+xml")
}

// element is the text of the first element of a name in an XML document, in any
// case of letters.
func element(document []byte, name string) string {
	d := xml.NewDecoder(bytes.NewReader(document))
	for {
		t, err := d.Token()
		if err != nil {
			return ""
		}
		start, ok := t.(xml.StartElement)
		if !ok || !strings.EqualFold(start.Name.Local, name) {
			continue
		}
		var text string
		if err := d.DecodeElement(&text, &start); err != nil {
			return ""
		}
		return strings.TrimSpace(text)
	}
}

func clip(s string) string {
	if len(s) <= maxMessage {
		return s
	}
	cut := maxMessage
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}

// next tells how to ask for the next page.
func (c *Call) next(o *definition.Operation, answer *http.Response, value any, from *url.URL) string {
	p := o.Pagination
	if p == nil {
		return ""
	}
	truth := func(at string) (is, said bool) {
		v, ok := pointer.Get(value, at)
		b, isBool := v.(bool)
		return b, at != "" && ok && isBool
	}
	if more, said := truth(p.More); said && !more {
		return ""
	}
	if last, said := truth(p.Last); said && last {
		return ""
	}
	switch p.Kind {
	case "cursor":
		next := pointer.Text(value, p.Next)
		if p.Parameter == "" {
			return next
		}
		u, err := url.Parse(next)
		if err != nil {
			return ""
		}
		return u.Query().Get(p.Parameter)
	case "url":
		next := pointer.Text(value, p.Next)
		if _, err := strconv.Atoi(c.Next); next == "" && p.Input != "" && (c.Next == "" || err == nil) {
			return c.counted(o, answer, value)
		}
		return next
	case "link":
		return linked(answer.Header.Values("Link"), from)
	case "offset", "page":
		return c.counted(o, answer, value)
	}
	return ""
}

// counted gives the next offset, or the next number of a page.
func (c *Call) counted(o *definition.Operation, answer *http.Response, value any) string {
	p := o.Pagination
	items, _ := pointer.Get(value, p.Items)
	list, ok := items.([]any)
	if !ok || len(list) == 0 {
		return ""
	}
	number := func(text string) (int, bool) {
		n, err := strconv.Atoi(text)
		return n, err == nil
	}
	now, there := number(c.Next)
	if !there {
		if now, there = number(plain(c.Input[p.Input])); !there {
			now = 0
			if p.Kind == "page" {
				now = 1
			}
		}
	}
	next := now + len(list)
	if p.Kind == "page" {
		next = now + 1
	}
	total, counts := number(answer.Header.Get(p.Total))
	if !counts && p.Total != "" {
		total, counts = number(pointer.Text(value, p.Total))
	}
	if counts && (p.Kind != "page" && next >= total || p.Kind == "page" && next > total) {
		return ""
	}
	if limit, known := number(c.limit(o)); !counts && p.More == "" && p.Last == "" && (!known || len(list) < limit) {
		return "" // the service does not say that there is more
	}
	return strconv.Itoa(next)
}

// limit is how many items a page has at most.
func (c *Call) limit(o *definition.Operation) string {
	for _, f := range o.Fields {
		if f.Name == o.Pagination.Limit {
			value, _, _ := valueOf(f, c.Input)
			return plain(value)
		}
	}
	return ""
}

// link is one of a header Link: its address, which may hold commas, and its
// parameters.
var link = regexp.MustCompile(`<([^<>]*)>([^<]*)`)

// linked gives the address of rel="next" (RFC 8288).
func linked(headers []string, from *url.URL) string {
	for _, header := range headers {
		for _, l := range link.FindAllStringSubmatch(header, -1) {
			if !strings.Contains(strings.ReplaceAll(l[2], `"`, ""), "rel=next") {
				continue
			}
			if u, err := from.Parse(l[1]); err == nil {
				return u.String()
			}
		}
	}
	return ""
}
