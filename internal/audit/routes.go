package audit

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"onsight/internal/api"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
)

// listedPages is how many pages of all accounts' events ListAuditRecords looks
// through for those of one.
const listedPages = 20

// Routes are the operations that this package answers.
func (t *Trail) Routes() []api.Route {
	return []api.Route{
		api.Handle(cloudtrailapi.LookupEvents, t.lookingUp, t.lookupEvents),
		api.Handle(onsightapi.ListAuditRecords, t.listing, t.listRecords),
		api.Handle(onsightapi.VerifyAuditTrail, t.verifying, t.verifyTrail),
	}
}

// The operations know no resources.
func (t *Trail) lookingUp(context.Context, *cloudtrailapi.LookupEventsRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

func (t *Trail) listing(context.Context, *onsightapi.ListAuditRecordsRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

func (t *Trail) verifying(context.Context, *onsightapi.VerifyAuditTrailRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

// listRecords lists the records of an account, the oldest first, whatever their region.
func (t *Trail) listRecords(ctx context.Context, in *onsightapi.ListAuditRecordsRequest) (*onsightapi.ListAuditRecordsResponse, error) {
	s := Selection{Account: in.AwsAccountId}
	var err error
	if s.Since, err = timeIn("Since", in.Since); err != nil {
		return nil, err
	}
	if s.Until, err = timeIn("Until", in.Until); err != nil {
		return nil, err
	}
	scope := page.Scope("ListAuditRecords", in.AwsAccountId, value(in.Since), value(in.Until))
	key, err := t.tokens.Key(scope, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	from, to := s.bounds()
	if len(key) == 1 {
		if from, err = strconv.ParseInt(key[0], 10, 64); err != nil {
			return nil, fault.InvalidNextToken()
		}
	}
	limit := exportPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListAuditRecordsResponse{Records: []json.RawMessage{}}
	for range listedPages {
		lines, next, err := exportLines(ctx, t.db, s.Account, from, to, limit-len(out.Records))
		if err != nil {
			return nil, err
		}
		for _, line := range lines {
			out.Records = append(out.Records, line)
		}
		if from = next; from == 0 || len(out.Records) == limit {
			break
		}
	}
	if from != 0 {
		out.NextToken = new(t.tokens.Next(scope, strconv.FormatInt(from, 10)))
	}
	return out, nil
}

// verifyTrail verifies the trail of an account.
func (t *Trail) verifyTrail(ctx context.Context, in *onsightapi.VerifyAuditTrailRequest) (*onsightapi.VerifyAuditTrailResponse, error) {
	var heads []Head
	for _, line := range in.Heads {
		some, err := ParseHeads(line)
		if err != nil {
			return nil, fault.Invalid("%v", err)
		}
		heads = append(heads, some...)
	}
	r, err := Verify(ctx, t.db, t.keys, in.AwsAccountId, heads)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.VerifyAuditTrailResponse{Intact: new(len(r.Problems) == 0), Problems: r.Problems, Notes: r.Notes}
	for _, a := range r.Accounts {
		out.Events, out.Removed, out.Unsealed = &a.Events, &a.Removed, &a.Unsealed
		if a.Events > 0 {
			out.First, out.Last = &a.First, &a.Last
		}
		if a.Head.Total > 0 {
			out.Head = new(a.Head.String())
		}
	}
	return out, nil
}

// timeIn reads a time that a call gives as RFC 3339 writes it.
func timeIn(name string, text *string) (time.Time, error) {
	if text == nil || *text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil {
		return t, fault.Invalid("%s isn't a time such as 2026-01-31T08:00:00Z.", name)
	}
	return t, nil
}
