package account

import (
	"context"
	"encoding/json"
	"fmt"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingNamespace(ctx context.Context, in *qs.DescribeNamespaceRequest) policy.Target {
	return onNamespace(ctx, in.AwsAccountId, in.Namespace)
}

// describeNamespace answers in every state of the namespace, until it is gone.
func (s *Service) describeNamespace(ctx context.Context, in *qs.DescribeNamespaceRequest) (*qs.DescribeNamespaceResponse, error) {
	out := &qs.DescribeNamespaceResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		account, err := open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		n, err := findNamespace(tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		instance, err := account.instance()
		out.Namespace = new(n.api(instance))
		return err
	})
	return out, err
}

// instance is the ARN of the identity centre that an account named when it
// signed up, or nil.
func (s *subscription) instance() (*string, error) {
	var d directory
	if err := json.Unmarshal([]byte(s.Directory), &d); err != nil {
		return nil, fmt.Errorf("directory of %s: %w", s.Account, err)
	}
	if d.InstanceARN == "" {
		return nil, nil //nolint:nilnil // most accounts have none
	}
	return &d.InstanceARN, nil
}
