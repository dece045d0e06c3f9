package identity

import (
	"context"
	"strconv"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingSelfUpgrades(ctx context.Context, in *qs.ListSelfUpgradesRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, "*")
}

// listSelfUpgrades lists the requests for a higher role, the oldest first.
func (s *Service) listSelfUpgrades(ctx context.Context, in *qs.ListSelfUpgradesRequest) (*qs.ListSelfUpgradesResponse, error) {
	scope := page.Scope("ListSelfUpgrades", in.AwsAccountId, in.Namespace)
	key, err := s.tokens.Key(scope, value(in.NextToken))
	if err != nil {
		return nil, err
	}
	limit, after, afterID := pageSize, int64(0), ""
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	if len(key) == 2 {
		if after, err = strconv.ParseInt(key[0], 10, 64); err != nil {
			return nil, err // the token is sealed: nobody else writes it
		}
		afterID = key[1]
	}
	out := &qs.ListSelfUpgradesResponse{SelfUpgradeRequestDetails: []qs.SelfUpgradeRequestDetail{}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		requests, err := store.All[upgrade](tx, `SELECT `+upgradeColumns+` FROM self_upgrades
			WHERE account = $1 AND namespace = $2 AND (created_us, id) > ($3, $4) ORDER BY created_us, id LIMIT $5`,
			in.AwsAccountId, in.Namespace, after, afterID, limit+1)
		if err != nil {
			return err
		}
		if len(requests) > limit {
			requests = requests[:limit]
			last := &requests[limit-1]
			out.NextToken = new(s.tokens.Next(scope, strconv.FormatInt(last.CreatedUS, 10), last.ID))
		}
		for i := range requests {
			out.SelfUpgradeRequestDetails = append(out.SelfUpgradeRequestDetails, requests[i].api())
		}
		return nil
	})
	return out, err
}
