package wire_test

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/wire"
)

// zoo is a service with one of each thing.
const zoo = `{"metadata":{},
"operations":{
"Put":{"method":"PUT","uri":"/zoo/{Name}/{Number}","input":"In","output":"Out","errors":["Gone"]},
"ListThings":{"method":"GET","uri":"/zoo","input":"Nothing","output":"Things"},
"Void":{"method":"DELETE","uri":"/zoo"}},
"shapes":{
"In":{"type":"structure","required":["Name","Number","Must"],"members":{
 "Name":{"shape":"Name","location":"uri"},"Number":{"shape":"Small","location":"uri","locationName":"Number"},
 "Page":{"shape":"Small","location":"querystring","locationName":"page-size"},"Flag":{"shape":"Bool","location":"querystring","locationName":"flag"},
 "Keys":{"shape":"Keys","location":"querystring","locationName":"keys"},"NextToken":{"shape":"Text","location":"querystring","locationName":"next-token"},
 "Ratio":{"shape":"Double","location":"querystring","locationName":"ratio"},
 "Must":{"shape":"Text"},"Color":{"shape":"Color"},"Count":{"shape":"Small"},"Big":{"shape":"Long"},"Real":{"shape":"Real"},"Yes":{"shape":"Bool"},
 "At":{"shape":"Time"},"Data":{"shape":"Blob"},"Hidden":{"shape":"Hidden"},"Vault":{"shape":"Vault"},"Keys2":{"shape":"Keys"},"Colors":{"shape":"Colors"},
 "Labels":{"shape":"Labels"},"Boxes":{"shape":"Boxes"},"ByName":{"shape":"ByName"},"Either":{"shape":"Either"},"Any":{"shape":"Any"},"Box":{"shape":"Box"},
 "Secrets":{"shape":"Secrets"},"lower":{"shape":"Text"}}},
"Out":{"type":"structure","required":["Need","NeedList","NeedMap"],"members":{"Need":{"shape":"Text"},"NeedList":{"shape":"Keys"},"NeedMap":{"shape":"Labels"},
 "RequestId":{"shape":"Text"},"Status":{"shape":"Int","location":"statusCode"},"At":{"shape":"Time"},"Real":{"shape":"Real"},"Data":{"shape":"Blob"},
 "Any":{"shape":"Any"},"Keys":{"shape":"Keys"},"Labels":{"shape":"Labels"},"Box":{"shape":"Box"},"Hidden":{"shape":"Hidden"},"Yes":{"shape":"Bool"},"Count":{"shape":"Int"}}},
"Things":{"type":"structure","members":{"List":{"shape":"Boxes"},"Map":{"shape":"Labels"},"NextToken":{"shape":"Text"},"Status":{"shape":"Int"},"RequestId":{"shape":"Text"}}},
"Nothing":{"type":"structure","members":{}},
"Gone":{"type":"structure","error":410,"members":{"Message":{"shape":"Text"},"RequestId":{"shape":"Text"},"ResourceType":{"shape":"Text"},"Extra":{"shape":"Text"}}},
"Name":{"type":"string","min":2,"max":4,"pattern":"[a-zé]*"},
"Text":{"type":"string"},"Bool":{"type":"boolean"},"Int":{"type":"integer"},"Long":{"type":"long","min":-5},"Double":{"type":"double"},
"Small":{"type":"integer","min":1,"max":100},"Real":{"type":"double","min":-90.0,"max":90.0},"Time":{"type":"timestamp"},"Blob":{"type":"blob","max":4},
"Color":{"type":"string","enum":["RED","BLUE"]},"Colors":{"type":"list","member":"Color"},
"Hidden":{"type":"string","max":3,"pattern":"[a-z]+","sensitive":true},"Secrets":{"type":"list","member":"Hidden","max":1},
"Vault":{"type":"structure","sensitive":true,"required":["Door"],"members":{"Door":{"shape":"Color"},"Floor":{"shape":"Small"}}},
"Key":{"type":"string","min":1,"max":3,"pattern":"[a-z]*"},"Keys":{"type":"list","member":"Key","min":1,"max":2},
"Labels":{"type":"map","key":"Key","value":"Name","max":2},
"Box":{"type":"structure","required":["Key"],"members":{"Key":{"shape":"Key"},"Inner":{"shape":"Boxes"},"Colors":{"shape":"Colors"}}},
"Boxes":{"type":"list","member":"Box","max":2},"ByName":{"type":"map","key":"Key","value":"Box"},
"Either":{"type":"structure","union":true,"members":{"Left":{"shape":"Text"},"Right":{"shape":"Small"}}},
"Any":{"type":"structure","document":true,"members":{}}
}}`

type box struct {
	Colors []string
	Inner  []box
	Key    string
}

type either struct {
	Left  *string
	Right *int32
}

type vault struct {
	Door  string
	Floor *int32
}

type zooIn struct {
	Name      string
	Number    int32
	Page      *int32
	Flag      *bool
	Keys      []string
	NextToken *string
	Ratio     *float64
	Must      string
	Color     *string
	Count     *int32
	Big       *int64
	Real      *float64
	Yes       *bool
	At        *time.Time
	Data      []byte
	Hidden    *qs.Secret
	Vault     *vault
	Keys2     []string
	Colors    []string
	Labels    map[string]string
	Boxes     []box
	ByName    map[string]box
	Either    *either
	Any       json.RawMessage
	Box       *box
	Secrets   []qs.Secret
	Lower     *string
}

type zooOut struct {
	Need      string
	NeedList  []string
	NeedMap   map[string]string
	RequestId *string
	Status    *int32
	At        *time.Time
	Real      *float64
	Data      []byte
	Any       json.RawMessage
	Keys      []string
	Labels    map[string]string
	Box       *box
	Hidden    *qs.Secret
	Yes       *bool
	Count     *int32
}

func zooService(tb testing.TB) *wire.Service {
	tb.Helper()
	s, err := wire.Parse([]byte(zoo))
	if err != nil {
		tb.Fatal(err)
	}
	if err := s.Check(); err != nil {
		tb.Fatal(err)
	}
	return s
}

// put binds a body to Put with a good path.
func put(t *testing.T, body string) (zooIn, wire.Violations, error) {
	t.Helper()
	var in zooIn
	broken, err := zooService(t).Lookup("Put").Bind(&in, wire.Request{Labels: []string{"ab", "7"}, Body: []byte(body)})
	return in, broken, err
}

func TestBindReadsEveryKind(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	var got zooIn
	broken, err := op.Bind(&got, wire.Request{
		Labels:   []string{"a%C3%A9", "42"},
		RawQuery: "page-size=9&flag=true&keys=a&other=%41&keys=b&next-token=x%2By+z&ratio=-Infinity&flag=false",
		Body: []byte(` { "Must" : "\u00e9\n\ud83d\ude00" , "Color":"RED","Count":1e1,"Big":9007199254740993,"Real":-1.5,"Yes":false,"At":1.695305695063E9,
			"Data":"Ymxv","Hidden":"abc","Vault":{"Door":"BLUE","Floor":3},"Keys2":["a"],"Colors":[],"Labels":{"k":"vv"},"Boxes":[{"Key":"a","Inner":[{"Key":"b"}]},{"Key":"c"}],
			"ByName":{"x":{"Key":"y"}},"Either":{"Left":null,"Right":5,"__type":"Either"},"Any": [ 1 , {"a":null} ] ,"Box":null,"Unknown":{"deep":[1,2]},"lower":"l","must":"ignored","Name":"ignored"} `),
	})
	if err == nil {
		err = broken.Err()
	}
	if err != nil {
		t.Fatal(err)
	}
	want := zooIn{
		Name: "aé", Number: 42, Page: new(int32(9)), Flag: new(true), Keys: []string{"a", "b"}, NextToken: new("x+y z"), Ratio: new(math.Inf(-1)),
		Must: "é\n😀", Color: new("RED"), Count: new(int32(10)), Big: new(int64(9007199254740993)), Real: new(-1.5), Yes: new(false),
		At: new(time.Date(2023, 9, 21, 14, 14, 55, 63e6, time.UTC)), Data: []byte("blo"), Hidden: new(qs.Secret("abc")),
		Vault: &vault{Door: "BLUE", Floor: new(int32(3))}, Keys2: []string{"a"}, Colors: []string{}, Labels: map[string]string{"k": "vv"},
		Boxes:  []box{{Key: "a", Inner: []box{{Key: "b"}}}, {Key: "c"}},
		ByName: map[string]box{"x": {Key: "y"}}, Either: &either{Right: new(int32(5))}, Any: json.RawMessage(`[ 1 , {"a":null} ]`), Lower: new("l"),
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("input (-want +got):\n%s", d)
	}
}

// What Bind returns shares nothing with the request's body.
func TestBindKeepsNothingOfTheBody(t *testing.T) {
	t.Parallel()
	body := []byte(`{"Must":"text","Any":{"a":1},"Labels":{"k":"vv"},"Data":"Ymxv"}`)
	var in zooIn
	if _, err := zooService(t).Lookup("Put").Bind(&in, wire.Request{Labels: []string{"ab", "7"}, Body: body}); err != nil {
		t.Fatal(err)
	}
	for i := range body {
		body[i] = 'X'
	}
	if in.Must != "text" || string(in.Any) != `{"a":1}` || in.Labels["k"] != "vv" || string(in.Data) != "blo" {
		t.Errorf("the input changed with the body: %+v", in)
	}
}

// What cannot be read is refused at once.
func TestBindRefusesWhatItCannotRead(t *testing.T) {
	t.Parallel()
	deep := func(n int) string {
		return `{"Must":"x","Unknown":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	deepAny := func(n int) string {
		return `{"Must":"x","Any":` + strings.Repeat("[", n) + strings.Repeat("]", n) + `}`
	}
	deepKnown := func(n int) string {
		return `{"Must":"x","Boxes":` + strings.Repeat(`[{"Key":"a","Inner":`, n) + "[]" + strings.Repeat("}]", n) + `}`
	}
	for _, c := range []struct{ name, body, want string }{
		{"not JSON", `Must=x`, `The body is not valid JSON: invalid character 'M' at start of value, at byte 0.`},
		{"only blanks", "  ", `The body is not valid JSON: it ends too early, at byte 0.`},
		{"cut off", `{"Must":"x`, `The body is not valid JSON: it ends too early, at byte 10 in 'must'.`},
		{"cut off in a list", `{"Keys2":["a"`, `The body is not valid JSON: it ends too early, at byte 13 in 'keys2'.`},
		{"goes on", `{"Must":"x"}{}`, `The body goes on after its JSON value, at byte 13.`},
		{"goes on with rubbish", `{"Must":"x"}]`, `The body is not valid JSON: invalid character ']' at start of value, at byte 12.`},
		{"comma at the end", `{"Must":"x",}`, `The body is not valid JSON: invalid character ',' at start of value, at byte 11.`},
		{"byte order mark", "\ufeff{}", `The body is not valid JSON: invalid character '\ufeff' at start of value, at byte 0.`},
		{"bad UTF-8", "{\"Must\":\"\xff\"}", `The body is not valid JSON: invalid UTF-8, at byte 9 in 'must'.`},
		{"bad UTF-8 in what is ignored", "{\"Other\":\"\xc0\x80\"}", `The body is not valid JSON: invalid UTF-8, at byte 10.`},
		{"half a pair", `{"Must":"\ud800"}`, `The body is not valid JSON: invalid surrogate pair, at byte 9 in 'must'.`},
		{"bad escape", `{"Hidden":"\xhunter2"}`, `The body is not valid JSON: invalid escape sequence, at byte 11 in 'hidden'.`},
		{"control character", "{\"Must\":\"a\nb\"}", `The body is not valid JSON: invalid character '\n' in string (expecting non-control character), at byte 10 in 'must'.`},
		{"one name twice", `{"Must":"x","Must":"x"}`, `The body is not valid JSON: duplicate object member name, at byte 12.`},
		{"one name twice by an escape", `{"Must":"x","\u004dust":"x"}`, `The body is not valid JSON: duplicate object member name, at byte 12.`},
		{"one name twice in what is ignored", `{"Other":{"a":1,"a":2}}`, `The body is not valid JSON: duplicate object member name, at byte 16.`},
		{"null", `null`, `The body is null where an object is expected.`},
		{"list", `[]`, `The body is a list where an object is expected.`},
		{"number for string", `{"Must":1}`, `Member 'must' is a number where a string is expected.`},
		{"object for string", `{"Must":{}}`, `Member 'must' is an object where a string is expected.`},
		{"string for number", `{"Count":"1"}`, `Member 'count' is a string where an integer of 32 bits is expected.`},
		{"fraction", `{"Count":1.5}`, `Member 'count' is '1.5' where an integer of 32 bits is expected.`},
		{"too large", `{"Count":2147483648}`, `Member 'count' is '2147483648' where an integer of 32 bits is expected.`},
		{"too large by exponent", `{"Big":1e19}`, `Member 'big' is '1e19' where an integer of 64 bits is expected.`},
		{"too large for 64 bits", `{"Big":9223372036854775808}`, `Member 'big' is '9223372036854775808' where an integer of 64 bits is expected.`},
		{"infinite", `{"Real":1e999}`, `Member 'real' is '1e999' where a number is expected.`},
		{"a word for a float", `{"Real":"nan"}`, `Member 'real' is '"nan"' where a number is expected.`},
		{"string for boolean", `{"Yes":"true"}`, `Member 'yes' is a string where true or false is expected.`},
		{"number for boolean", `{"Yes":1}`, `Member 'yes' is a number where true or false is expected.`},
		{"time as text", `{"At":"2023-09-21T14:14:55Z"}`, `Member 'at' is a string where a time as a number of seconds since 1970 is expected.`},
		{"time after all years", `{"At":1e15}`, `Member 'at' is '1e15' where a time as a number of seconds since 1970 is expected.`},
		{"bad base64", `{"Data":"a"}`, `Member 'data' is a string of another kind where a string in base64 is expected.`},
		{"base64 in lines", `{"Data":"Ym\nxv"}`, `Member 'data' is a string of another kind where a string in base64 is expected.`},
		{"object for list", `{"Keys2":{}}`, `Member 'keys2' is an object where a list is expected.`},
		{"list for map", `{"Labels":[]}`, `Member 'labels' is a list where an object is expected.`},
		{"string for structure", `{"Box":"a"}`, `Member 'box' is a string where an object is expected.`},
		{"null in a list", `{"Keys2":["a",null]}`, `Member 'keys2.2.member' is null where a string is expected.`},
		{"null in a map", `{"Labels":{"k":null}}`, `Member 'labels.k.member' is null where a string is expected.`},
		{"deep inside", `{"Boxes":[{"Key":"a","Inner":[{"Key":1}]}]}`, `Member 'boxes.1.member.inner.1.member.key' is a number where a string is expected.`},
		{"inside a map", `{"ByName":{"x":{"Key":1}}}`, `Member 'byName.x.member.key' is a number where a string is expected.`},
		{"sensitive", `{"Hidden":12345}`, `Member 'hidden' is of another type where a string is expected.`},
		{"inside what is sensitive", `{"Vault":{"Door":"RED","Floor":777777777777}}`, `Member 'vault.floor' is of another type where an integer of 32 bits is expected.`},
		{"two of a union", `{"Either":{"Left":"a","Right":1}}`, `Member 'either' is a union with 2 members set where exactly one of Left, Right is expected.`},
		{"none of a union", `{"Either":{"Left":null}}`, `Member 'either' is a union with 0 members set where exactly one of Left, Right is expected.`},
		{"unknown one of a union", `{"Either":{"Middle":1}}`, `Member 'either' is a union with 1 members set where exactly one of Left, Right is expected.`},
		{"one and an unknown of a union", `{"Either":{"Left":"a","Middle":1}}`, `Member 'either' is a union with 2 members set where exactly one of Left, Right is expected.`},
		{"deep", deep(100), `The body nests lists and objects more than 100 deep.`},
		{"deep document", deepAny(100), `The body nests lists and objects more than 100 deep.`},
		{"deep structures", deepKnown(50), `The body nests lists and objects more than 100 deep.`},
		{"very deep", deep(100000), `The body nests lists and objects more than 100 deep.`},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, _, err := put(t, c.body)
			f := fault.Of(err)
			if err == nil || f.Code != "SerializationException" || f.Status != 400 || !f.Front || f.Message != c.want {
				t.Errorf("got  %v\nwant SerializationException: %s", err, c.want)
			}
		})
	}
	for name, body := range map[string]string{"deep": deep(99), "deep document": deepAny(99), "deep structures": deepKnown(49)} {
		if _, _, err := put(t, body); err != nil {
			t.Errorf("%s enough is refused: %v", name, err)
		}
	}
}

// Rules that are broken are told all together, in the service's words.
func TestViolations(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 600)
	for _, c := range []struct {
		name, body string
		want       []string
	}{
		{"none", `{"Must":""}`, nil},
		{"nothing at all", ``, []string{`Value null at 'must' failed to satisfy constraint: Member must not be null`}},
		{"null", `{"Must":null}`, []string{`Value null at 'must' failed to satisfy constraint: Member must not be null`}},
		{"names are as they are written", `{"must":"x","MUST":"x"}`, []string{`Value null at 'must' failed to satisfy constraint: Member must not be null`}},
		{"enumeration", `{"Must":"x","Color":"red"}`, []string{`Value 'red' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]`}},
		{"integers", `{"Must":"x","Count":101,"Big":-6}`, []string{
			`Value '101' at 'count' failed to satisfy constraint: Member must have value less than or equal to 100`,
			`Value '-6' at 'big' failed to satisfy constraint: Member must have value greater than or equal to -5`,
		}},
		{"integer at its limits", `{"Must":"x","Count":100,"Big":-5,"Real":-90}`, nil},
		{"floats", `{"Must":"x","Real":90.5}`, []string{`Value '90.5' at 'real' failed to satisfy constraint: Member must have value less than or equal to 90.0`}},
		{"no number", `{"Must":"x","Real":"NaN"}`, []string{
			`Value 'NaN' at 'real' failed to satisfy constraint: Member must have value less than or equal to 90.0`,
			`Value 'NaN' at 'real' failed to satisfy constraint: Member must have value greater than or equal to -90.0`,
		}},
		{"bytes", `{"Must":"x","Data":"YmxvYmI="}`, []string{`Value 'YmxvYmI=' at 'data' failed to satisfy constraint: Member must have length less than or equal to 4`}},
		{"several rules of one member", `{"Must":"x","Box":{"Key":"ABCD"}}`, []string{
			`Value 'ABCD' at 'box.key' failed to satisfy constraint: Member must have length less than or equal to 3`,
			`Value 'ABCD' at 'box.key' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]*`,
		}},
		{"in lists and maps", `{"Must":"x","Boxes":[{"Key":"a"},{"Inner":[{"Key":""}]}],"ByName":{"k":{}}}`, []string{
			`Value '' at 'boxes.2.member.inner.1.member.key' failed to satisfy constraint: Member must have length greater than or equal to 1`,
			`Value null at 'boxes.2.member.key' failed to satisfy constraint: Member must not be null`,
			`Value null at 'byName.k.member.key' failed to satisfy constraint: Member must not be null`,
		}},
		{"empty list", `{"Must":"x","Keys2":[]}`, []string{`Value '[]' at 'keys2' failed to satisfy constraint: Member must have length greater than or equal to 1`}},
		{"long list of structures", `{"Must":"x","Boxes":[{"Key":"a"},{"Key":"b"},{"Key":"c"}]}`, []string{
			`Value '[Box, Box, Box]' at 'boxes' failed to satisfy constraint: Member must have length less than or equal to 2`,
		}},
		{"members of a list", `{"Must":"x","Keys2":["a","B"],"Colors":["RED","GREEN"]}`, []string{
			`Value '[a, B]' at 'keys2' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, ` +
				`Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]*]`,
			`Value '[RED, GREEN]' at 'colors' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [RED, BLUE]]`,
		}},
		{"keys and values of a map", `{"Must":"x","Labels":{"A":"bb","b":"c"}}`, []string{
			`Value '{A=bb, b=c}' at 'labels' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 3, ` +
				`Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z]*]`,
			`Value '{A=bb, b=c}' at 'labels' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 4, ` +
				`Member must have length greater than or equal to 2, Member must satisfy regular expression pattern: [a-zé]*]`,
		}},
		{"sensitive values", `{"Must":"x","Hidden":"HUNTER2","Secrets":["aa","HUNTER2"],"Vault":{"Door":"HUNTER2","Floor":0}}`, []string{
			`Value at 'hidden' failed to satisfy constraint: Member must have length less than or equal to 3`,
			`Value at 'hidden' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z]+`,
			`Value at 'secrets' failed to satisfy constraint: Member must have length less than or equal to 1`,
			`Value at 'secrets' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 3, Member must satisfy regular expression pattern: [a-z]+]`,
			`Value at 'vault.door' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]`,
			`Value at 'vault.floor' failed to satisfy constraint: Member must have value greater than or equal to 1`,
		}},
		{"long values are cut", `{"Must":"x","Color":"` + long + `"}`, []string{
			`Value '` + strings.Repeat("é", 512) + `…' at 'color' failed to satisfy constraint: Member must satisfy enum value set: [RED, BLUE]`,
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, broken, err := put(t, c.body)
			if err != nil {
				t.Fatal(err)
			}
			if len(c.want) == 0 {
				if broken.Err() != nil {
					t.Errorf("got %v, want none", broken.Err())
				}
				return
			}
			if err = broken.Err(); err == nil {
				t.Fatalf("got none, want %q", c.want)
			}
			f := fault.Of(err)
			if f.Code != "ValidationException" || f.Status != 400 || !f.Front {
				t.Errorf("got %+v, want a ValidationException", f)
			}
			head, list, _ := strings.Cut(f.Message, " detected: ")
			if d := cmp.Diff(c.want, strings.Split(list, "; ")); d != "" {
				t.Errorf("violations (-want +got):\n%s", d)
			}
			want := "1 validation error"
			if n := len(c.want); n > 1 {
				want = string(rune('0'+n)) + " validation errors"
			}
			if head != want {
				t.Errorf("it starts with %q, want %q", head, want)
			}
		})
	}
}

// A message repeats only so much of what was sent.
func TestViolationsAreBounded(t *testing.T) {
	t.Parallel()
	bad := `{"Key":"` + strings.Repeat("A", 5000) + `"}`
	_, broken, err := put(t, `{"Must":"x","Boxes":[`+bad+strings.Repeat(","+bad, 999)+`]}`)
	if err != nil {
		t.Fatal(err)
	}
	message := fault.Of(broken.Err()).Message
	if !strings.HasPrefix(message, "2001 validation errors detected: ") || !strings.Contains(message, "; and 19") {
		t.Errorf("message starts %q and ends %q", message[:60], message[len(message)-60:])
	}
	if len(message) > 40<<10 {
		t.Errorf("message of %d bytes", len(message))
	}
	key := strings.Repeat("k", 1<<20)
	_, broken, err = put(t, `{"Must":"x","ByName":{"`+key+`":{}}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fault.Of(broken.Err()).Message; len(got) > 4<<10 {
		t.Errorf("a long key makes a message of %d bytes", len(got))
	}
	_, broken, err = put(t, `{"Must":"x","Box":{"Key":"`+strings.Repeat("A", 1<<20)+`"}}`)
	if err != nil {
		t.Fatal(err)
	}
	if got := fault.Of(broken.Err()).Message; !strings.HasPrefix(got, "1 validation error detected: ") || !strings.HasSuffix(got, "less than or equal to 3") {
		t.Errorf("of a megabyte more is told than its length: %.100s", got)
	}
	_, _, err = put(t, `{"Must":"x","ByName":{"`+key+`":1}}`)
	if got := fault.Of(err).Message; len(got) > 4<<10 {
		t.Errorf("a long key makes a message of %d bytes", len(got))
	}
}

// Rules on the path can be asked for alone, as the resource depends on it.
func TestViolationsOfLabels(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	broken, err := op.Bind(nil, wire.Request{Labels: []string{"A%2FB", "101"}, Body: []byte(`{"Count":0}`)})
	if err != nil {
		t.Fatal(err)
	}
	const name = `Value 'A/B' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-zé]*`
	const number = `Value '101' at 'number' failed to satisfy constraint: Member must have value less than or equal to 100`
	const count = `Value '0' at 'count' failed to satisfy constraint: Member must have value greater than or equal to 1`
	const must = `Value null at 'must' failed to satisfy constraint: Member must not be null`
	if got, want := fault.Of(broken.Labels()).Message, "2 validation errors detected: "+name+"; "+number; got != want {
		t.Errorf("Labels() = %s\nwant %s", got, want)
	}
	if got, want := fault.Of(broken.Err()).Message, "4 validation errors detected: "+name+"; "+number+"; "+count+"; "+must; got != want {
		t.Errorf("Err() = %s\nwant %s", got, want)
	}
	if broken, err = op.Bind(nil, wire.Request{Labels: []string{"ab", "1"}}); err != nil || broken.Labels() != nil || broken.Err() == nil {
		t.Errorf("a good path: %v, %v, %v", err, broken.Labels(), broken.Err())
	}
}

func TestBindLabelsAndQuery(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	for _, c := range []struct {
		name, label, number, query string
		code, want                 string // want is the start of the message
	}{
		{name: "all good", query: "page-size=100&flag=false&keys=a&ratio=1.5e3"},
		{name: "unknown names", query: "PAGE-SIZE=x&x&=&&page-size=1"},
		{name: "no value for the token", query: "next-token="},
		{name: "the first counts", query: "page-size=1&page-size=x"},
		{name: "escaped name", query: "page%2Dsize=x", code: "SerializationException", want: "Member 'page' is 'x' where an integer of 32 bits is expected."},
		{name: "no number", query: "page-size=ten", code: "SerializationException", want: "Member 'page' is 'ten' where"},
		{name: "empty number", query: "page-size=", code: "SerializationException", want: "Member 'page' is '' where"},
		{name: "sign", query: "page-size=%2B1", code: "SerializationException", want: "Member 'page' is '+1' where"},
		{name: "zero in front", query: "page-size=01", code: "SerializationException", want: "Member 'page' is '01' where"},
		{name: "fraction", query: "page-size=1.0", code: "SerializationException", want: "Member 'page' is '1.0' where"},
		{name: "overflow", query: "page-size=4294967297", code: "SerializationException", want: "Member 'page' is '4294967297' where"},
		{name: "no boolean", query: "flag=True", code: "SerializationException", want: "Member 'flag' is 'True' where true or false is expected."},
		{name: "no float", query: "ratio=0x1p-2", code: "SerializationException", want: "Member 'ratio' is '0x1p-2' where a number"},
		{name: "bad escape", query: "keys=%zz", code: "MalformedHttpRequestException", want: "Query part 'keys=%zz' is not valid"},
		{name: "bad escape in a name", query: "%g=1", code: "MalformedHttpRequestException", want: "Query part '%g' is not valid"},
		{name: "bad UTF-8", query: "keys=%ff", code: "MalformedHttpRequestException", want: "Query part 'keys=%ff' is not valid: it is not UTF-8."},
		{name: "out of range", query: "page-size=101", code: "ValidationException", want: "1 validation error detected: Value '101' at 'page' failed to satisfy constraint: Member must have value less than or equal to 100"},
		{name: "long list", query: "keys=a&keys=b&keys=c", code: "ValidationException", want: "1 validation error detected: Value '[a, b, c]' at 'keys' failed to satisfy constraint: Member must have length less than or equal to 2"},
		{name: "bad member of a list", query: "keys=a&keys=%20", code: "ValidationException", want: "1 validation error detected: Value '[a,  ]' at 'keys' failed to satisfy constraint: Member must satisfy constraint: ["},
		{name: "label with bad escape", label: "a%2", code: "MalformedHttpRequestException", want: "Path segment 'a%2' is not valid"},
		{name: "label with bad UTF-8", label: "a%C3", code: "MalformedHttpRequestException", want: "Path segment 'a%C3' is not valid: it is not UTF-8."},
		{name: "label that is no number", number: "ten", code: "SerializationException", want: "Member 'number' is 'ten' where"},
		{name: "label that is all escapes", label: "%61%62"},
		{name: "plus in a label", label: "a+", code: "ValidationException", want: "1 validation error detected: Value 'a+' at 'name'"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := wire.Request{Labels: []string{"ab", "1"}, RawQuery: c.query, Body: []byte(`{"Must":"x"}`)}
			if c.label != "" {
				r.Labels[0] = c.label
			}
			if c.number != "" {
				r.Labels[1] = c.number
			}
			var in zooIn
			broken, err := op.Bind(&in, r)
			if err == nil {
				err = broken.Err()
			}
			if c.code == "" {
				if err != nil {
					t.Errorf("got %v", err)
				}
				if strings.HasPrefix(c.query, "next-token") && in.NextToken != nil {
					t.Errorf("NextToken is %q, want none", *in.NextToken)
				}
				return
			}
			if f := fault.Of(err); err == nil || f.Code != c.code || !strings.HasPrefix(f.Message, c.want) {
				t.Errorf("got  %v\nwant %s: %s", err, c.code, c.want)
			}
		})
	}
}

func TestContentTypeAndAccept(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	for _, c := range []struct{ contentType, accept, body, want string }{
		{"application/json", "application/json", `{"Must":""}`, ""},
		{"Application/JSON; charset=utf-8", "*/*", `{"Must":""}`, ""},
		{"", "", `{"Must":""}`, ""},
		{"text/plain", "", ``, ""},
		{"application/json;", "", `{"Must":""}`, ""},
		{"text/plain", "", `{"Must":""}`, "UnsupportedMediaTypeException"},
		{"application/x-www-form-urlencoded", "", `a=b`, "UnsupportedMediaTypeException"},
		{"application/hal+json", "", `{"Must":""}`, "UnsupportedMediaTypeException"},
		{"///", "", `{"Must":""}`, "UnsupportedMediaTypeException"},
		{"", "text/html, application/json;q=0.5", `{"Must":""}`, ""},
		{"", "text/html, application/*", `{"Must":""}`, ""},
		{"", "text/html", `{"Must":""}`, "NotAcceptableException"},
		{"", "application/json;q=0", `{"Must":""}`, "NotAcceptableException"},
		{"", "application/hal+json", `{"Must":""}`, "NotAcceptableException"},
		{"", ",;,", `{"Must":""}`, "NotAcceptableException"},
	} {
		_, err := op.Bind(nil, wire.Request{Labels: []string{"ab", "1"}, ContentType: c.contentType, Accept: c.accept, Body: []byte(c.body)})
		got := ""
		if err != nil {
			got = fault.Of(err).Code
		}
		if got != c.want {
			t.Errorf("Content-Type %q, Accept %q, body %q: %v, want %s", c.contentType, c.accept, c.body, err, c.want)
		}
	}
}

// An operation without input takes an empty body, or an object that it ignores.
func TestBindWithoutInput(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Void")
	for body, ok := range map[string]bool{"": true, "{}": true, `{"a":[1]}`: true, "[]": false, "x": false} {
		if _, err := op.Bind(&struct{}{}, wire.Request{Body: []byte(body)}); (err == nil) != ok {
			t.Errorf("body %q: %v", body, err)
		}
	}
	if op.HasBody() || op.HasNextToken() {
		t.Error("it has neither a body nor a token")
	}
}

// Mistakes of the program are errors, not panics, and no faults of the caller.
func TestBindIntoTheWrongType(t *testing.T) {
	t.Parallel()
	op := zooService(t).Lookup("Put")
	for name, in := range map[string]any{
		"no pointer": zooIn{}, "nil": (*zooIn)(nil), "another type": &zooOut{}, "a string": new(string),
		"wrong field": &struct{ Name int }{},
	} {
		_, err := op.Bind(in, wire.Request{Labels: []string{"ab", "1"}})
		if err == nil || fault.Of(err).Code != "InternalFailureException" {
			t.Errorf("%s: %v, want an error of the program", name, err)
		}
	}
	if _, err := op.Bind(nil, wire.Request{Labels: []string{"ab"}}); err == nil || fault.Of(err).Code != "InternalFailureException" {
		t.Errorf("one label for two: %v", err)
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]int64{"StartAssetBundleImportJob": 32 << 20, "RegisterUser": 10 << 20, "CreateDashboard": 10 << 20} {
		if got := wire.Lookup(name).BodyLimit(); got != want {
			t.Errorf("%s: %d, want %d", name, got, want)
		}
	}
}

// A model that the package cannot serve is refused before it serves.
func TestCheck(t *testing.T) {
	t.Parallel()
	for name, change := range map[string][2]string{
		"missing shape":        {`"Key":{"type":"string"`, `"Kex":{"type":"string"`},
		"unknown type":         {`"Bool":{"type":"boolean"`, `"Bool":{"type":"byte"`},
		"unknown place":        {`"location":"querystring","locationName":"flag"`, `"location":"header","locationName":"flag"`},
		"label without member": {`/zoo/{Name}/{Number}`, `/zoo/{Name}/{Numbers}`},
		"member without label": {`/zoo/{Name}/{Number}`, `/zoo/{Name}`},
		"greedy label":         {`/zoo/{Name}/{Number}`, `/zoo/{Name}/{Number+}`},
		"query in the path":    {`/zoo/{Name}/{Number}`, `/zoo/{Name}/{Number}?x`},
		"time in the query":    {`{"shape":"Bool","location":"querystring"`, `{"shape":"Time","location":"querystring"`},
		"pattern":              {`"[a-z]+"`, `"(?<=a)b"`},
		"list in the path":     {`"Name":{"shape":"Name"`, `"Name":{"shape":"Keys"`},
		"key that is no text":  {`"type":"map","key":"Key"`, `"type":"map","key":"Int"`},
	} {
		text := strings.Replace(zoo, change[0], change[1], 1)
		if text == zoo {
			t.Fatalf("%s: nothing changed", name)
		}
		s, err := wire.Parse([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Check(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if _, err := wire.Parse([]byte(`{"operations":{"A":`)); err == nil {
		t.Error("half a document: no error")
	}
	if _, err := wire.Parse([]byte(`[]`)); err == nil {
		t.Error("a list: no error")
	}
}
