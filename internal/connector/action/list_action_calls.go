package action

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listingCalls(ctx context.Context, in *onsightapi.ListActionCallsRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// callsPage is how many calls a page has where nobody says.
const callsPage = 100

// listActionCalls lists what a connector was used for, the latest first.
func (s *Service) listActionCalls(ctx context.Context, in *onsightapi.ListActionCallsRequest) (*onsightapi.ListActionCallsResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	scope := page.Scope("ListActionCalls", connector.ARN(k))
	last, id := int64(1)<<62, ""
	if in.NextToken != nil {
		key, err := s.Tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(key) == 2 {
			if last, err = strconv.ParseInt(key[0], 10, 64); err != nil {
				return nil, fault.InvalidNextToken()
			}
			id = key[1]
		}
	}
	limit := callsPage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListActionCallsResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Calls, out.NextToken = []onsightapi.ActionCall{}, nil
		l, err := s.Connectors.Find(tx, k)
		if err != nil {
			return err
		}
		rows, err := store.All[call](tx, `SELECT `+callColumns+` FROM connector_calls WHERE arn = $1 AND (started_us, id) < ($2, $3)
			ORDER BY started_us DESC, id DESC LIMIT $4`, l.ARN, last, id, limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.Tokens.Next(scope, strconv.FormatInt(rows[limit-1].StartedUS, 10), rows[limit-1].ID))
		}
		for i := range rows {
			c, err := s.shownCall(&rows[i])
			if err != nil {
				return err
			}
			out.Calls = append(out.Calls, *c)
		}
		return nil
	})
	return out, err
}

func (s *Service) shownCall(c *call) (*onsightapi.ActionCall, error) {
	out := &onsightapi.ActionCall{
		InvocationId: &c.ID, ActionId: &c.Action, EndUserArn: &c.Principal, StartTime: new(store.Time(c.StartedUS)), DurationMillis: new(c.DurationUS / 1000),
		InvokeActionStatus: new(onsightapi.InvokeActionStatus(c.Status)), Attempts: new(int32(c.Attempts)),
	}
	if c.HTTPStatus != 0 {
		out.HttpStatusCode = new(int32(c.HTTPStatus))
	}
	if c.ErrorKind != "" {
		out.ErrorKind = &c.ErrorKind
	}
	if c.Sealed == nil {
		return out, nil
	}
	text, err := s.Keys.Open(c.Sealed, callContext(c))
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", c.ID, err)
	}
	var p payload
	if err := json.Unmarshal(text, &p); err != nil {
		return nil, err
	}
	out.Input, out.Output = p.Input, p.Output
	return out, nil
}
