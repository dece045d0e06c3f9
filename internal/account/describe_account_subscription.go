package account

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingSubscription(ctx context.Context, in *qs.DescribeAccountSubscriptionRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// describeAccountSubscription answers in every region and in every state, also
// after the end: a client that deletes waits to read UNSUBSCRIBED.
func (s *Service) describeAccountSubscription(ctx context.Context, in *qs.DescribeAccountSubscriptionRequest) (*qs.DescribeAccountSubscriptionResponse, error) {
	out := &qs.DescribeAccountSubscriptionResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		row, err := find(tx, in.AwsAccountId)
		if errors.Is(err, store.ErrNotFound) {
			return notSignedUp(in.AwsAccountId)
		}
		if err != nil {
			return err
		}
		var d directory
		if err := json.Unmarshal([]byte(row.Directory), &d); err != nil {
			return fmt.Errorf("directory of %s: %w", row.Account, err)
		}
		out.AccountInfo = &qs.AccountInfo{
			AccountName: &row.Name, Edition: new(qs.Edition(row.Edition)), NotificationEmail: &row.NotificationEmail,
			AuthenticationType: new(authenticationType(row.AuthenticationMethod)), AccountSubscriptionStatus: &row.Status,
		}
		if d.InstanceARN != "" {
			out.AccountInfo.IAMIdentityCenterInstanceArn = &d.InstanceARN
		}
		return nil
	})
	return out, err
}

// authenticationType is how an authentication method is reported: under its own
// name, but for the one with users of both kinds (seen in a recorded answer).
func authenticationType(method string) string {
	if method == "IAM_AND_QUICKSIGHT" {
		return "IDENTITY_POOL"
	}
	return method
}
