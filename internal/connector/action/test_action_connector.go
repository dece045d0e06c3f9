package action

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) testing(ctx context.Context, in *onsightapi.TestActionConnectorRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// testActionConnector makes the test call of the connector's type with the
// settings in force. That it fails is an answer, and no error.
func (s *Service) testActionConnector(ctx context.Context, in *onsightapi.TestActionConnectorRequest) (*onsightapi.TestActionConnectorResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	var l *connector.Live
	var who Actor
	err := s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			if l, err = s.Connectors.Open(tx, k); err != nil {
				return err
			}
			if who, err = s.caller(tx, api.Caller(ctx), in.EndUserArn); err != nil {
				return err
			}
			return s.may(tx, who, l.ARN)
		})
	})
	if err != nil {
		return nil, err
	}
	if err := s.inTime(l.ARN, who.Principal); err != nil {
		return nil, err
	}
	began := s.Now()
	limit, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	v, err := s.test(limit, l, who.key(), false)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.TestActionConnectorResponse{Passed: new(v.reason == ""), DurationMillis: new(s.Now().Sub(began).Milliseconds())}
	if v.reason != "" {
		out.Message = &v.reason
	}
	if v.accountID != "" {
		out.AccountId = &v.accountID
	}
	if v.account != "" {
		out.Account = &v.account
	}
	return out, nil
}
