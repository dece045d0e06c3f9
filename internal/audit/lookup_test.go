package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

func as(account, region string) context.Context {
	return api.As(context.Background(), api.Identity{Principal: api.Principal{Account: account}, Region: region})
}

// lookup reads all pages, and counts them.
func (b *bench) lookup(ctx context.Context, in cloudtrailapi.LookupEventsRequest) (all []cloudtrailapi.Event, pages int) {
	b.t.Helper()
	for {
		out, err := b.lookupEvents(ctx, &in)
		if err != nil {
			b.t.Fatal(err)
		}
		pages++
		all = append(all, out.Events...)
		if out.NextToken == nil {
			return all, pages
		}
		in.NextToken = out.NextToken
	}
}

func by(key cloudtrailapi.LookupAttributeKey, value string) []cloudtrailapi.LookupAttribute {
	return []cloudtrailapi.LookupAttribute{{AttributeKey: key, AttributeValue: value}}
}

// TestLookup compares what is found by every attribute with all that there is.
func TestLookup(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		random := rand.New(rand.NewPCG(1, 2))
		type want struct {
			seq                                int64
			account, region, name, source, who string
			resource, short, kind, key         string
			readOnly                           string
		}
		var all []want
		pick := func(values ...string) string { return values[random.IntN(len(values))] }
		for i := range 900 {
			b.advance(time.Duration(random.IntN(100)) * time.Millisecond)
			w := want{
				account: pick(ana, ana, ana, bob), region: pick("us-east-1", "us-east-1", "eu-west-1"), name: pick("RegisterUser", "DeleteUser", "CreateUser"),
				source: pick("quicksight.amazonaws.com", "iam.amazonaws.com"), who: pick("root", "eve", "role/session é", `a"b`), readOnly: pick("false", "false", "true"),
			}
			w.short = fmt.Sprintf("x%d", random.IntN(40))
			if i == 3 {
				w.account, w.region, w.short, w.source = ana, "us-east-1", "rare", "quicksight.amazonaws.com"
			}
			id := `"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::111122223333:user/eve","accessKeyId":"AKIAEVE"`
			w.key = "AKIAEVE"
			switch w.who {
			case "root":
				id, w.key = `"type":"Root","principalId":"1","arn":"arn:aws:iam::111122223333:root"`, ""
			case "role/session é":
				id, w.key, w.who = `"type":"AssumedRole","principalId":"AROA:s","arn":"arn:aws:sts::111122223333:assumed-role/role/session é","accessKeyId":"ASIA1"`, "ASIA1", "session é"
			case `a"b`:
				id, w.key = `"type":"WebIdentityUser","principalId":"p","userName":"a\"b"`, ""
			}
			record := fmt.Sprintf(`{"eventName":%q`, w.name)
			w.resource, w.kind = "arn:aws:quicksight:us-east-1:111122223333:user/default/"+w.short, "AWS::QuickSight::User"
			if w.source != quickSightSource {
				record += fmt.Sprintf(`,"eventSource":%q`, w.source)
				w.resource, w.kind = "arn:aws:iam::111122223333:role/path/"+w.short, "AWS::IAM::Role"
			}
			record += fmt.Sprintf(`,"awsRegion":%q`, w.region)
			if w.readOnly == "true" {
				record += `,"readOnly":true`
			}
			record += fmt.Sprintf(`,"resources":[%q],"userIdentity":{%s},"sourceIPAddress":"::1","requestParameters":{"eventName":"Other","x":"rare"},"requestID":"r"}`, w.resource, id)
			b.write(func(tx *store.Tx) error {
				leave(tx, w.account, record)
				return nil
			})
			w.seq = b.last
			all = append(all, w)
			if random.IntN(40) == 0 && i < 880 {
				b.seal()
			}
		}
		slices.Reverse(all)
		ids := func(account, region string, keep func(w *want) bool) (found []string) {
			for i := range all {
				if w := &all[i]; w.account == account && w.region == region && keep(w) {
					found = append(found, eventID(w.account, w.seq))
				}
			}
			return found
		}
		check := func(name string, in cloudtrailapi.LookupEventsRequest, keep func(w *want) bool) {
			t.Helper()
			for _, account := range []string{ana, bob} {
				in.NextToken = nil
				events, _ := b.lookup(as(account, "us-east-1"), in)
				var got []string
				for _, e := range events {
					got = append(got, *e.EventId)
				}
				if want := ids(account, "us-east-1", keep); !slices.Equal(got, want) {
					t.Errorf("%s of %s: %d events %v…\nwant %d %v…", name, account, len(got), got[:min(3, len(got))], len(want), want[:min(3, len(want))])
				}
			}
		}
		const (
			name     = cloudtrailapi.LookupAttributeKeyEventName
			source   = cloudtrailapi.LookupAttributeKeyEventSource
			username = cloudtrailapi.LookupAttributeKeyUsername
			resource = cloudtrailapi.LookupAttributeKeyResourceName
			kind     = cloudtrailapi.LookupAttributeKeyResourceType
			key      = cloudtrailapi.LookupAttributeKeyAccessKeyId
			readOnly = cloudtrailapi.LookupAttributeKeyReadOnly
			theID    = cloudtrailapi.LookupAttributeKeyEventId
		)
		check("all", cloudtrailapi.LookupEventsRequest{}, func(*want) bool { return true })
		for _, limit := range []int32{1, 7, 50} {
			check("all in pages", cloudtrailapi.LookupEventsRequest{MaxResults: &limit}, func(*want) bool { return true })
			check("a name in pages", cloudtrailapi.LookupEventsRequest{MaxResults: &limit, LookupAttributes: by(name, "DeleteUser")}, func(w *want) bool { return w.name == "DeleteUser" })
		}
		for _, value := range []string{"RegisterUser", "Other", "Nothing"} {
			check("name "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(name, value)}, func(w *want) bool { return w.name == value })
		}
		for _, value := range []string{quickSightSource, "iam.amazonaws.com", "s3.amazonaws.com"} {
			check("source "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(source, value)}, func(w *want) bool { return w.source == value })
		}
		for _, value := range []string{"root", "eve", "session é", `a"b`, "nobody"} {
			check("user "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(username, value)}, func(w *want) bool { return w.who == value })
		}
		for _, value := range []string{"rare", "x7", "arn:aws:iam::111122223333:role/path/x7", "x"} {
			check("resource "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(resource, value)}, func(w *want) bool { return w.short == value || w.resource == value })
		}
		for _, value := range []string{"AWS::IAM::Role", "AWS::QuickSight::User", "AWS::S3::Bucket"} {
			check("type "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(kind, value)}, func(w *want) bool { return w.kind == value })
		}
		for _, value := range []string{"AKIAEVE", "ASIA1", "AKIA"} {
			check("key "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(key, value)}, func(w *want) bool { return w.key == value })
		}
		for _, value := range []string{"true", "false", "perhaps"} {
			check("read only "+value, cloudtrailapi.LookupEventsRequest{LookupAttributes: by(readOnly, value)}, func(w *want) bool { return w.readOnly == value })
		}
		for _, w := range []want{all[0], all[100], all[899]} {
			id := eventID(w.account, w.seq)
			check("id", cloudtrailapi.LookupEventsRequest{LookupAttributes: by(theID, id)}, func(o *want) bool { return o.seq == w.seq })
			check("half an id", cloudtrailapi.LookupEventsRequest{LookupAttributes: by(theID, id[:20])}, func(*want) bool { return false })
			check("an id of nothing", cloudtrailapi.LookupEventsRequest{LookupAttributes: by(theID, eventID(w.account, w.seq+1))}, func(*want) bool { return false })
		}
		for range 20 {
			one, other := timeOf(all[random.IntN(900)].seq), timeOf(all[random.IntN(900)].seq)
			if one.After(other) {
				one, other = other, one
			}
			second := func(seq int64) time.Time { return timeOf(seq).Truncate(time.Second) }
			between := func(w *want) bool {
				return !second(w.seq).Before(one.Truncate(time.Second)) && !second(w.seq).After(other.Truncate(time.Second))
			}
			check("a time", cloudtrailapi.LookupEventsRequest{StartTime: &one, EndTime: &other}, between)
			check("a user in a time", cloudtrailapi.LookupEventsRequest{StartTime: &one, EndTime: &other, LookupAttributes: by(username, "eve"), MaxResults: new(int32(5))},
				func(w *want) bool { return between(w) && w.who == "eve" })
			check("since", cloudtrailapi.LookupEventsRequest{StartTime: &one}, func(w *want) bool { return !second(w.seq).Before(one.Truncate(time.Second)) })
			check("until", cloudtrailapi.LookupEventsRequest{EndTime: &one}, func(w *want) bool { return !second(w.seq).After(one.Truncate(time.Second)) })
		}
		events, _ := b.lookup(as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{LookupAttributes: by(resource, "rare")})
		if len(events) != 1 {
			t.Fatalf("%d rare events", len(events))
		}
		var record map[string]any
		if err := json.Unmarshal([]byte(*events[0].CloudTrailEvent), &record); err != nil {
			t.Fatal(err)
		}
		if record["eventID"] != *events[0].EventId || record["eventTime"] != events[0].EventTime.Format(time.RFC3339) || record["eventName"] != *events[0].EventName {
			t.Errorf("event %+v has the record %v", events[0], record)
		}
	})
}

// TestLookupRefuses: what the real service refuses too.
func TestLookupRefuses(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Open(t, store.SQLite))
	b.add(ana, 3)
	early, late := time.Unix(1, 0), time.Unix(2, 0)
	page, err := b.lookupEvents(as(ana, "us-east-1"), &cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(1))})
	if err != nil || page.NextToken == nil {
		t.Fatalf("%+v, %v", page, err)
	}
	two := slices.Concat(by(cloudtrailapi.LookupAttributeKeyEventName, "a"), by(cloudtrailapi.LookupAttributeKeyUsername, "b"))
	for name, test := range map[string]struct {
		ctx  context.Context
		in   cloudtrailapi.LookupEventsRequest
		code string
	}{
		"a time that ends before it begins": {as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{StartTime: &late, EndTime: &early}, "InvalidTimeRangeException"},
		"two attributes":                    {as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{LookupAttributes: two}, "InvalidLookupAttributesException"},
		"no token":                          {as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{NextToken: new("x")}, "InvalidNextTokenException"},
		"another account's token":           {as(bob, "us-east-1"), cloudtrailapi.LookupEventsRequest{NextToken: page.NextToken}, "InvalidNextTokenException"},
		"another region's token":            {as(ana, "us-east-2"), cloudtrailapi.LookupEventsRequest{NextToken: page.NextToken}, "InvalidNextTokenException"},
		"another search's token":            {as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{NextToken: page.NextToken, StartTime: &early}, "InvalidNextTokenException"},
	} {
		_, err := b.lookupEvents(test.ctx, &test.in)
		if got := fault.Of(err); got == nil || got.Code != test.code {
			t.Errorf("%s: %v, want %s", name, err, test.code)
		}
	}
	insight := cloudtrailapi.EventCategoryInsight
	if out, err := b.lookupEvents(as(ana, "us-east-1"), &cloudtrailapi.LookupEventsRequest{EventCategory: &insight}); err != nil || len(out.Events) > 0 {
		t.Errorf("insights: %+v, %v; want none", out, err)
	}
}

// TestLookupIsBounded: a search that finds nothing in many batches gives a token
// rather than going through all of them.
func TestLookupIsBounded(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Open(t, store.SQLite))
	for range 3 * maxSearched {
		b.add(ana, 1)
		b.seal()
	}
	in := cloudtrailapi.LookupEventsRequest{LookupAttributes: by(cloudtrailapi.LookupAttributeKeyUsername, "eve")}
	// All batches have the user, and only in another region.
	if events, pages := b.lookup(as(ana, "eu-west-1"), in); len(events) != 0 || pages != 3 {
		t.Errorf("%d events in %d pages, want none in 3", len(events), pages)
	}
	if events, _ := b.lookup(as(ana, "us-east-1"), in); len(events) != 3*maxSearched {
		t.Errorf("%d events, want %d", len(events), 3*maxSearched)
	}
}

// TestPagesOfOneMoment: events of one transaction have numbers one after the
// other, and pages end between them.
func TestPagesOfOneMoment(t *testing.T) {
	t.Parallel()
	b := newBench(t, storetest.Open(t, store.SQLite))
	for range 2 {
		b.write(func(tx *store.Tx) error {
			for range 10 {
				leave(tx, ana, user("eve", "RegisterUser", "x"))
			}
			return nil
		})
		b.seal()
	}
	for limit := int32(1); limit < 20; limit++ {
		events, _ := b.lookup(as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{MaxResults: &limit})
		ids := map[string]bool{}
		for _, e := range events {
			ids[*e.EventId] = true
		}
		if len(events) != 20 || len(ids) != 20 {
			t.Errorf("in pages of %d: %d events with %d ids, want 20", limit, len(events), len(ids))
		}
	}
}

// TestPagesUnderLoad reads all pages while events are added and sealed: what
// was there at first comes once, and in order.
func TestPagesUnderLoad(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		first := b.add(ana, 300)
		b.seal()
		first = append(first, b.add(ana, 100)...)
		var load sync.WaitGroup
		stop := make(chan struct{})
		for _, work := range []func(){
			func() {
				b.advance(time.Millisecond)
				_ = b.db.Write(context.Background(), func(tx *store.Tx) error {
					leave(tx, ana, user("eve", "RegisterUser", "more"))
					return nil
				})
			},
			func() { _, _ = b.sealRound(context.Background()) },
		} {
			load.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						work()
					}
				}
			})
		}
		for range 3 {
			events, _ := b.lookup(as(ana, "us-east-1"), cloudtrailapi.LookupEventsRequest{MaxResults: new(int32(11))})
			seen := map[string]int{}
			for i, e := range events {
				seen[*e.EventId]++
				if i > 0 && e.EventTime.After(*events[i-1].EventTime) {
					t.Errorf("event %d is newer than the one before it", i)
				}
			}
			for _, seq := range first {
				if n := seen[eventID(ana, seq)]; n != 1 {
					t.Errorf("event %d came %d times", seq, n)
				}
			}
		}
		close(stop)
		load.Wait()
		b.seal()
		if r := b.verify(""); len(r.Problems) > 0 {
			t.Errorf("problems %q", r.Problems)
		}
	})
}

// TestListRecords exports an account's records by the route that the command takes.
func TestListRecords(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		var numbers []int64
		for range 5 {
			numbers = append(numbers, b.add(ana, 3)...)
			b.add(bob, 4)
		}
		list := func(in onsightapi.ListAuditRecordsRequest) (ids []string) {
			t.Helper()
			for {
				out, err := b.listRecords(as(ana, "us-east-1"), &in)
				if err != nil {
					t.Fatal(err)
				}
				for _, r := range out.Records {
					var record struct {
						EventID string `json:"eventID"`
					}
					if err := json.Unmarshal(r, &record); err != nil {
						t.Fatal(err)
					}
					ids = append(ids, record.EventID)
				}
				if out.NextToken == nil {
					return ids
				}
				in.NextToken = out.NextToken
			}
		}
		var want []string
		for _, seq := range numbers {
			want = append(want, eventID(ana, seq))
		}
		for _, limit := range []int32{1, 2, 1000} {
			if got := list(onsightapi.ListAuditRecordsRequest{AwsAccountId: ana, MaxResults: &limit}); !slices.Equal(got, want) {
				t.Errorf("%d at a time: %v, want %v", limit, got, want)
			}
		}
		since, until := timeOf(numbers[3]).Format(time.RFC3339Nano), timeOf(numbers[7]).Format(time.RFC3339Nano)
		if got := list(onsightapi.ListAuditRecordsRequest{AwsAccountId: ana, Since: &since, Until: &until}); !slices.Equal(got, want[3:7]) {
			t.Errorf("from %s to %s: %v, want %v", since, until, got, want[3:7])
		}
		if _, err := b.listRecords(as(ana, "us-east-1"), &onsightapi.ListAuditRecordsRequest{AwsAccountId: ana, Since: new("yesterday")}); fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("since yesterday: %v", err)
		}
		var text strings.Builder
		if err := Export(t.Context(), db, Selection{Account: ana}, &text); err != nil || strings.Count(text.String(), "\n") != 15 {
			t.Errorf("Export: %v\n%s", err, text.String())
		}
		text.Reset()
		if err := Export(t.Context(), db, Selection{}, &text); err != nil || strings.Count(text.String(), "\n") != 35 {
			t.Errorf("Export of all: %v\n%s", err, text.String())
		}
	})
}
