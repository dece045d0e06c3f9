package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

// regional notes for which region it signs.
type regional struct{ region string }

func (r regional) Authenticate(_ context.Context, q *http.Request, _ []byte) error {
	q.Header.Set("Authorization", r.region)
	return nil
}
func (regional) Renew(context.Context) (bool, error) { return false, nil }
func (regional) In(region string) engine.Credential  { return regional{region} }

// far is a service that is not reached: it notes where requests go.
type far struct {
	seen    []string
	answers func(r *http.Request) *http.Response
}

func (f *far) Do(r *http.Request) (*http.Response, error) {
	f.seen = append(f.seen, r.Method+" "+r.URL.String()+" for "+r.Header.Get("Authorization"))
	return f.answers(r), nil
}

func answerOf(status int, body string, headers ...string) *http.Response {
	h := make(http.Header)
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body))}
}

const bucketDocument = `
openapi: 3.1.0
info: {title: Files, version: "1"}
x-onsight-connector:
  type: FILES
  authentication: {IAM: {scheme: sigv4, service: s3}}
  errors: {xml: true, message: [/Message], code: [/Code], region: X-Amz-Bucket-Region}
paths:
  "/{Bucket}":
    put: {operationId: Make, x-onsight-idempotent: false, x-onsight-aws: {bucket: Bucket}, parameters: [{name: Bucket, in: path, required: true, schema: {type: string}}], responses: {"200": {description: ok}}}
  "/{Bucket}/{Key}":
    get: {operationId: Get, x-onsight-aws: {bucket: Bucket}, parameters: [{name: Bucket, in: path, required: true, schema: {type: string}}, {name: Key, in: path, required: true, x-onsight-slashes: true, schema: {type: string}}], responses: {"200": {description: ok}}}
`

func callBucket(t *testing.T, f *far, base, action, input string) (*engine.Result, error) {
	t.Helper()
	d, err := definition.Load([]byte(bucketDocument))
	if err != nil {
		t.Fatal(err)
	}
	o := d.Operations[action]
	values, err := o.Check([]byte(input))
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	c := &engine.Call{Definition: d, Operation: o, Base: u, Credential: regional{"us-east-1"}, Client: f, Input: values, Sleep: func(context.Context, time.Duration) error { return nil }}
	return c.Do(t.Context())
}

// A bucket is in the host where S3 is at AWS and the certificate allows it, and
// otherwise in the path.
func TestBucketInHost(t *testing.T) {
	t.Parallel()
	const aws = "https://s3.us-east-1.amazonaws.com"
	for _, c := range [][4]string{
		{aws, "Get", `{"Bucket":"plans","Key":"a/b c"}`, "GET https://plans.s3.us-east-1.amazonaws.com/a/b%20c"},
		{aws, "Get", `{"Bucket":"plans","Key":"/../plans/x+%"}`, "GET https://plans.s3.us-east-1.amazonaws.com//../plans/x%2B%25"},
		{aws, "Make", `{"Bucket":"plans"}`, "PUT https://plans.s3.us-east-1.amazonaws.com/"},
		{aws, "Get", `{"Bucket":"my.plans","Key":"x"}`, "GET https://s3.us-east-1.amazonaws.com/my.plans/x"},
		{aws, "Get", `{"Bucket":"My_Plans","Key":"x"}`, "GET https://s3.us-east-1.amazonaws.com/My_Plans/x"},
		{"https://s3.cn-north-1.amazonaws.com.cn", "Get", `{"Bucket":"plans","Key":"x"}`, "GET https://plans.s3.cn-north-1.amazonaws.com.cn/x"},
		{"http://localhost:9000", "Get", `{"Bucket":"plans","Key":"x"}`, "GET http://localhost:9000/plans/x"},
		{"https://store.example.org/s3", "Get", `{"Bucket":"plans","Key":"x"}`, "GET https://store.example.org/s3/plans/x"},
	} {
		f := &far{answers: func(*http.Request) *http.Response { return answerOf(200, "") }}
		if _, err := callBucket(t, f, c[0], c[1], c[2]); err != nil {
			t.Errorf("%s: %v", c[2], err)
		}
		if want := []string{c[3] + " for us-east-1"}; !slices.Equal(f.seen, want) {
			t.Errorf("%q, want %q", f.seen, want)
		}
	}
}

// A bucket in another region is asked for there, with a signature for there:
// once, and at no host but the service's.
func TestOtherRegion(t *testing.T) {
	t.Parallel()
	const home = "https://s3.us-east-1.amazonaws.com"
	malformed := `<Error><Code>AuthorizationHeaderMalformed</Code><Message>expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>`
	for _, c := range []struct {
		name, base, action string
		first              *http.Response
		want               []string
	}{
		{
			"moved", home, "Get", answerOf(301, `<Error><Code>PermanentRedirect</Code><Message>elsewhere</Message></Error>`, "X-Amz-Bucket-Region", "eu-west-1"),
			[]string{"GET https://plans.s3.us-east-1.amazonaws.com/x for us-east-1", "GET https://plans.s3.eu-west-1.amazonaws.com/x for eu-west-1"},
		},
		{
			"malformed", home, "Get", answerOf(400, malformed),
			[]string{"GET https://plans.s3.us-east-1.amazonaws.com/x for us-east-1", "GET https://plans.s3.eu-west-1.amazonaws.com/x for eu-west-1"},
		},
		{
			"a write", home, "Make", answerOf(400, malformed),
			[]string{"PUT https://plans.s3.us-east-1.amazonaws.com/ for us-east-1", "PUT https://plans.s3.eu-west-1.amazonaws.com/ for eu-west-1"},
		},
		{
			"for the moment", home, "Get", answerOf(307, `<Error><Code>TemporaryRedirect</Code></Error>`, "X-Amz-Bucket-Region", "eu-west-1", "Location", "https://evil.example.org/x"),
			[]string{"GET https://plans.s3.us-east-1.amazonaws.com/x for us-east-1", "GET https://plans.s3.eu-west-1.amazonaws.com/x for eu-west-1"},
		},
		{
			"another store", "http://localhost:9000", "Get", answerOf(400, malformed),
			[]string{"GET http://localhost:9000/plans/x for us-east-1", "GET http://localhost:9000/plans/x for eu-west-1"},
		},
		{
			"no region", home, "Get", answerOf(400, strings.ReplaceAll(malformed, "<Region>eu-west-1", "<Region>evil.org/?-1")),
			[]string{"GET https://plans.s3.us-east-1.amazonaws.com/x for us-east-1"},
		},
	} {
		f := &far{}
		f.answers = func(*http.Request) *http.Response {
			if len(f.seen) == 1 {
				return c.first
			}
			return answerOf(200, "")
		}
		input := `{"Bucket":"plans","Key":"x"}`
		if c.action == "Make" {
			input = `{"Bucket":"plans"}`
		}
		_, err := callBucket(t, f, c.base, c.action, input)
		if (err == nil) != (len(c.want) == 2) {
			t.Errorf("%s: %v", c.name, err)
		}
		if !slices.Equal(f.seen, c.want) {
			t.Errorf("%s: %q, want %q", c.name, f.seen, c.want)
		}
	}
	// Regions that send on to each other are not followed for ever.
	f := &far{answers: func(*http.Request) *http.Response { return answerOf(301, "", "X-Amz-Bucket-Region", "eu-west-1") }}
	_, err := callBucket(t, f, home, "Get", `{"Bucket":"plans","Key":"x"}`)
	if e, ok := errors.AsType[*engine.Error](err); !ok || e.Status != 301 || len(f.seen) != 2 {
		t.Errorf("%v after %q", err, f.seen)
	}
}

const xmlDocument = `
openapi: 3.1.0
info: {title: Lists, version: "1"}
x-onsight-connector: {type: LISTS, errors: {xml: true, message: [/Message], code: [/Code]}}
paths:
  /list:
    get:
      operationId: List
      responses:
        "200":
          description: ok
          content:
            application/xml:
              schema:
                type: object
                xml: {name: Result}
                required: [Flat, Wrapped]
                properties:
                  Flat: {type: array, items: {type: object, properties: {Name: {type: string, x-onsight-encoding: url}, Size: {type: integer}, New: {type: boolean}}}}
                  Wrapped: {type: array, xml: {wrapped: true}, items: {type: string, xml: {name: Item}}}
                  Other: {}
`

// readXML performs the one action of xmlDocument, or of another.
func readXML(tb testing.TB, document, body string, headers ...string) (any, error) {
	tb.Helper()
	d, err := definition.Load([]byte(document))
	if err != nil {
		tb.Fatal(err)
	}
	base, _ := url.Parse("https://lists.example.org")
	f := &far{answers: func(*http.Request) *http.Response { return answerOf(200, body, headers...) }}
	c := &engine.Call{Definition: d, Operation: d.Operations["List"], Base: base, Client: f, Input: map[string]any{}, Limits: engine.Limits{Attempts: 1}}
	res, err := c.Do(tb.Context())
	if err != nil {
		return nil, err
	}
	return res.Output, nil
}

func TestXML(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat("<a>", 100_000)
	for _, c := range [][2]string{
		{`<Result/>`, `{"Flat":[],"Wrapped":[]}`},
		{`<Result><Flat><Name>a+b%2B</Name><Size> 7 </Size><New>true</New><Unknown><x/></Unknown></Flat></Result>`, `{"Flat":[{"Name":"a b+","New":true,"Size":7}],"Wrapped":[]}`},
		{`<Result xmlns="urn:x"><Wrapped><Item>a</Item><Item><![CDATA[<b>]]></Item></Wrapped><Flat/><Flat/></Result>`, `{"Flat":[{},{}],"Wrapped":["a","\u003cb\u003e"]}`},
		{`<Result><Flat><Size>1e999999999</Size><Name>%zz</Name><New>perhaps</New></Flat></Result>`, `{"Flat":[{"Name":"%zz","New":"perhaps","Size":1e999999999}],"Wrapped":[]}`},
		{`<Result><Flat><Size>Infinity</Size></Flat></Result>`, `{"Flat":[{"Size":"Infinity"}],"Wrapped":[]}`},
		{`<Result><Other><A>1</A><A>2</A><B>c</B></Other></Result>`, `{"Flat":[],"Other":{"A":["1","2"],"B":"c"},"Wrapped":[]}`},
		{`<Error><Code>Broken</Code><Message>no</Message></Error>`, `Broken: no`},
		{`<!DOCTYPE r [<!ENTITY a "b">]><Result><Flat><Name>&a;</Name></Flat></Result>`, `The service answered with something that is not the XML that is expected.`},
		{`<Result>` + deep, `The service answered with something that is not the XML that is expected.`},
		{`<Result><Other>` + deep, `The service answered with something that is not the XML that is expected.`},
		{`<Result/><Result/>`, `The service answered with something that is not the XML that is expected.`},
		{`<Result>`, `The service answered with something that is not the XML that is expected.`},
		{``, `The service answered with something that is not the XML that is expected.`},
	} {
		out, err := readXML(t, xmlDocument, c[0])
		got := fmt.Sprint(err)
		if err == nil {
			text, err := json.Marshal(out)
			if err != nil {
				t.Errorf("%.100s: %v", c[0], err)
			}
			got = string(text)
		}
		if got != c[1] {
			t.Errorf("%.100s: %s, want %s", c[0], got, c[1])
		}
	}
}

// FuzzXML has answers of any sort read: they are a value that JSON can hold, or
// an error.
func FuzzXML(f *testing.F) {
	for _, seed := range []string{`<Result><Flat><Name>a</Name><Size>1</Size></Flat><Wrapped><Item>x</Item></Wrapped><Other><A/></Other></Result>`, `<Error><Code>a</Code></Error>`, `<a b="c">&lt;</a>`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		out, err := readXML(t, xmlDocument, body)
		if err == nil {
			if _, err := json.Marshal(out); err != nil {
				t.Errorf("%q gives what JSON can't hold: %v", body, err)
			}
		}
	})
}

const eventsDocument = `
openapi: 3.1.0
info: {title: Talks, version: "1"}
x-onsight-connector: {type: TALKS, errors: {message: [/message]}}
paths:
  /talk:
    get:
      operationId: List
      x-onsight-events: [{event: chunk, pointer: /bytes, text: base64, into: completion}, {event: trace, into: traces}]
      responses: {"200": {description: ok}}
`

// hi is an event that holds "Hi", made by another program.
const hi = "\x00\x00\x00J\x00\x00\x00*\xac\xdaVW\x0d:message-type\x07\x00\x05event\x0b:event-type\x07\x00\x05chunk{\x22bytes\x22:\x22SGk=\x22}\xad\xd3\x0fk"

// Streams that are broken, or no streams, are errors.
func TestBrokenStream(t *testing.T) {
	t.Parallel()
	const stream = "application/vnd.amazon.eventstream"
	for _, body := range []string{hi[:len(hi)-1], hi + "x", strings.Replace(hi, "SGk", "SGo", 1), "x", strings.Repeat("\x00", 12), strings.Repeat("\xff", 64)} {
		if _, err := readXML(t, eventsDocument, body, "Content-Type", stream); err == nil || !strings.Contains(err.Error(), "the stream of events is broken") {
			t.Errorf("%q: %v", body, err)
		}
	}
	out, err := readXML(t, eventsDocument, hi+hi, "Content-Type", stream)
	if text, _ := json.Marshal(out); err != nil || string(text) != `{"completion":"HiHi"}` {
		t.Errorf("two events: %s, %v", text, err)
	}
	out, err = readXML(t, eventsDocument, "", "Content-Type", stream)
	if text, _ := json.Marshal(out); err != nil || string(text) != `{"completion":""}` {
		t.Errorf("nothing: %s, %v", text, err)
	}
}

// FuzzEvents has streams of any sort read.
func FuzzEvents(f *testing.F) {
	f.Add([]byte(hi))
	f.Add([]byte(""))
	f.Fuzz(func(t *testing.T, body []byte) {
		out, err := readXML(t, eventsDocument, string(body), "Content-Type", "application/vnd.amazon.eventstream")
		if err == nil {
			if _, err := json.Marshal(out); err != nil {
				t.Errorf("%q gives what JSON can't hold: %v", body, err)
			}
		}
	})
}
