package audit

import (
	"bytes"
	"context"
	"strconv"
	"time"

	"onsight/internal/api"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/store"
)

const (
	// lookupPage is how many events an answer has if the call does not say.
	lookupPage = 50
	// A search that finds little ends, with a token to go on from, after it has
	// looked through so many batches, and at the filters of so many.
	maxSearched = 40
	maxFilters  = 4000
	// filterPage is how many filters are read at a time.
	filterPage = 100
)

// lookupEvents lists the events of the caller's account and region, the newest
// first. As CloudTrail's own answers, one that has a token may have few events,
// or none.
func (t *Trail) lookupEvents(ctx context.Context, in *cloudtrailapi.LookupEventsRequest) (*cloudtrailapi.LookupEventsResponse, error) {
	s, err := newSearch(api.Caller(ctx).Account, api.Region(ctx), in)
	if err != nil {
		return nil, err
	}
	scope := page.Scope("LookupEvents", s.account, s.region, string(s.key), s.value, strconv.FormatInt(s.from, 10), strconv.FormatInt(s.to, 10))
	key, err := t.tokens.Key(scope, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	if len(key) == 1 {
		if s.before, err = strconv.ParseInt(key[0], 10, 64); err != nil {
			return nil, fault.InvalidNextToken()
		}
	}
	out := &cloudtrailapi.LookupEventsResponse{}
	if in.EventCategory != nil { // insight, and there is none
		return out, nil
	}
	err = t.db.Read(ctx, func(tx *store.Tx) error {
		s.found, s.next = nil, 0
		return s.run(tx)
	})
	if err != nil {
		return nil, err
	}
	out.Events = make([]cloudtrailapi.Event, 0, len(s.found))
	for i := range s.found {
		out.Events = append(out.Events, s.found[i].api())
	}
	if s.next > s.from {
		out.NextToken = new(t.tokens.Next(scope, strconv.FormatInt(s.next, 10)))
	}
	return out, nil
}

// A search is a call of LookupEvents.
type search struct {
	account, region string
	key             cloudtrailapi.LookupAttributeKey // empty for all events
	value           string
	from, to        int64 // numbers of the first event, and of the first after
	before          int64 // number of the last event of the page before; else to
	limit           int

	found []match
	next  int64 // number before which to go on; 0 when there is nothing left
}

// A match is an event that was found.
type match struct {
	event
	head head
}

func newSearch(account, region string, in *cloudtrailapi.LookupEventsRequest) (*search, error) {
	s := &search{account: account, region: region, limit: lookupPage, to: 1<<63 - 1}
	if in.MaxResults != nil {
		s.limit = int(*in.MaxResults)
	}
	if in.StartTime != nil {
		s.from = seqAt(in.StartTime.Truncate(time.Second))
	}
	if in.EndTime != nil {
		// Events are shown with whole seconds, and the last one belongs to it.
		s.to = seqAt(in.EndTime.Truncate(time.Second).Add(time.Second))
	}
	s.before = s.to
	if in.StartTime != nil && in.EndTime != nil && in.StartTime.After(*in.EndTime) {
		return nil, invalid(cloudtrailapi.ErrInvalidTimeRange, "The start time must not be after the end time.")
	}
	switch len(in.LookupAttributes) {
	case 0:
	case 1:
		s.key, s.value = in.LookupAttributes[0].AttributeKey, in.LookupAttributes[0].AttributeValue
	default:
		return nil, invalid(cloudtrailapi.ErrInvalidLookupAttributes, "You can only use one lookup attribute.")
	}
	return s, nil
}

func invalid(code, message string) error {
	return &fault.Fault{Code: code, Status: 400, Message: message}
}

// run finds the events of a page.
func (s *search) run(tx *store.Tx) error {
	if s.key == cloudtrailapi.LookupAttributeKeyEventId {
		return s.byID(tx)
	}
	all, _, err := findChain(tx, "")
	if err != nil {
		return err
	}
	// What is not sealed yet has no filter; it is what a few seconds brought.
	if done, err := s.scan(tx, max(s.from, all.HeadSeq+1), s.before-1); done || err != nil {
		return err
	}
	return s.sealed(tx, min(s.before, all.HeadSeq+1))
}

// byID finds the event whose id is asked for.
func (s *search) byID(tx *store.Tx) error {
	seq, err := numberIn(s.value)
	if err != nil {
		return nil //nolint:nilerr // no event has such an id
	}
	if seq < s.from || seq >= s.before {
		return nil
	}
	events, err := store.All[event](tx, `SELECT seq, account, record FROM audit_events WHERE seq = $1 AND account = $2`, seq, s.account)
	if err != nil || len(events) == 0 || eventID(s.account, seq) != s.value {
		return err
	}
	s.add(&events[0])
	return nil
}

// scan goes through the events from number from to number to, the newest first.
// It is done when the page is full.
func (s *search) scan(tx *store.Tx, from, to int64) (done bool, err error) {
	for to >= from {
		events, err := store.All[event](tx, `SELECT seq, account, record FROM audit_events
			WHERE seq >= $1 AND seq <= $2 AND account = $3 ORDER BY seq DESC LIMIT $4`, from, to, s.account, maxBatch)
		if err != nil {
			return false, err
		}
		for i := range events {
			s.add(&events[i])
			if len(s.found) == s.limit {
				s.next = events[i].Seq
				return true, nil
			}
		}
		if len(events) < maxBatch {
			break
		}
		to = events[len(events)-1].Seq - 1
	}
	return false, nil
}

// sealed goes through the batches of the account with events before a number.
func (s *search) sealed(tx *store.Tx, before int64) error {
	type filtered struct {
		From   int64  `db:"from_seq"`
		To     int64  `db:"to_seq"`
		Filter []byte `db:"filter"`
	}
	// The batch in which the page before ended comes first, if it has events left.
	first, err := store.All[filtered](tx, `SELECT from_seq, to_seq, filter FROM audit_batches
		WHERE account = $1 AND to_seq >= $2 ORDER BY to_seq LIMIT 1`, s.account, before)
	if err != nil {
		return err
	}
	wanted := termHash(s.key, s.value)
	searched, filters, last := 0, 0, before
	for batches := first; ; {
		for _, b := range batches {
			if b.From >= before {
				continue
			}
			if s.key != "" && !mayHold(b.Filter, wanted) {
				continue
			}
			if searched++; searched > maxSearched {
				s.next = min(b.To+1, before)
				return nil
			}
			if done, err := s.scan(tx, max(b.From, s.from), min(b.To, before-1)); done || err != nil {
				return err
			}
		}
		if n := len(batches); n > 0 {
			last = min(last, batches[n-1].To)
		}
		if filters += len(batches); filters > maxFilters {
			s.next = last
			return nil
		}
		batches, err = store.All[filtered](tx, `SELECT from_seq, to_seq, filter FROM audit_batches
			WHERE account = $1 AND to_seq < $2 AND to_seq >= $3 ORDER BY to_seq DESC LIMIT $4`, s.account, last, s.from, filterPage)
		if err != nil {
			return err
		}
		if len(batches) == 0 {
			return nil
		}
	}
}

// add adds an event to those that were found, if it is wanted.
func (s *search) add(e *event) {
	// Most often a text that is asked for stands in the record as it is, and
	// looking for it costs less than reading the record.
	if s.plain() && !bytes.Contains(e.Record, []byte(s.value)) {
		return
	}
	h, err := e.head()
	if err != nil || h.AWSRegion != s.region {
		return
	}
	wanted := s.key == "" || s.key == cloudtrailapi.LookupAttributeKeyEventId
	if !wanted {
		h.terms(nil, func(key cloudtrailapi.LookupAttributeKey, value string) {
			wanted = wanted || key == s.key && value == s.value
		})
	}
	if wanted {
		s.found = append(s.found, match{*e, h})
	}
}

// plain tells whether an event that is wanted has the value in its record.
func (s *search) plain() bool {
	switch s.key {
	case cloudtrailapi.LookupAttributeKeyEventName, cloudtrailapi.LookupAttributeKeyUsername,
		cloudtrailapi.LookupAttributeKeyAccessKeyId, cloudtrailapi.LookupAttributeKeyResourceName:
	default:
		return false
	}
	for i := range len(s.value) {
		if c := s.value[i]; c < ' ' || c == '"' || c == '\\' || c > '~' {
			return false
		}
	}
	return true
}

// api is an event as LookupEvents shows it.
func (m *match) api() cloudtrailapi.Event {
	e := cloudtrailapi.Event{
		EventId: new(eventID(m.Account, m.Seq)), EventName: new(m.head.EventName), EventSource: new(m.head.EventSource),
		EventTime: new(timeOf(m.Seq).Truncate(time.Second)), ReadOnly: new(strconv.FormatBool(m.head.ReadOnly)),
		Username: new(m.head.UserIdentity.userName()), CloudTrailEvent: new(string(appendRecord(nil, &m.event))),
		Resources: []cloudtrailapi.Resource{},
	}
	if id := m.head.UserIdentity.AccessKeyID; id != "" {
		e.AccessKeyId = &id
	}
	for _, name := range m.head.Resources {
		named := resource(name)
		for _, n := range []string{name, named.short} {
			if n == "" {
				continue
			}
			r := cloudtrailapi.Resource{ResourceName: &n}
			if named.kind != "" {
				r.ResourceType = &named.kind
			}
			e.Resources = append(e.Resources, r)
		}
	}
	return e
}
