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
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	after := int64(0)
	if !p.First() {
		if after, err = strconv.ParseInt(p.After(0), 10, 64); err != nil {
			return nil, err // the token is sealed: nobody else writes it
		}
	}
	out := &qs.ListSelfUpgradesResponse{SelfUpgradeRequestDetails: []qs.SelfUpgradeRequestDetail{}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		requests, err := store.All[upgrade](tx, `SELECT `+upgradeColumns+` FROM self_upgrades
			WHERE account = $1 AND namespace = $2 AND (created_us, id) > ($3, $4) ORDER BY created_us, id LIMIT $5`,
			in.AwsAccountId, in.Namespace, after, p.After(1), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &requests) {
			last := &requests[len(requests)-1]
			out.NextToken = p.Next(strconv.FormatInt(last.CreatedUS, 10), last.ID)
		}
		for i := range requests {
			out.SelfUpgradeRequestDetails = append(out.SelfUpgradeRequestDetails, requests[i].api())
		}
		return nil
	})
	return out, err
}
