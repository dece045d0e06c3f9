package account

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// What an account has of Q is switched in each region, as Q itself is offered
// by region.
const (
	personalization kind[qs.PersonalizationMode] = "q-personalization"
	qSearch         kind[qs.QSearchStatus]       = "q-search"
	dashboardsQA    kind[qs.DashboardsQAStatus]  = "dashboards-qa"
)

// switched reads a switch of an account in the region that is called; where it
// was never touched, it is what initial says of the account's edition.
func switched[T any](ctx context.Context, s *Service, k kind[T], account string, initial func(edition string) T) (v T, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		of, err := openAnywhere(tx, account)
		if err != nil {
			return err
		}
		set, found, err := k.read(tx, place{account: account, region: api.Region(ctx)})
		if v = set; !found {
			v = initial(of.Edition)
		}
		return err
	})
	return v, err
}

// turn sets a switch of an account in the region that is called.
func turn[T any](ctx context.Context, s *Service, k kind[T], account string, v T) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := openAnywhere(tx, account); err != nil {
			return err
		}
		return k.write(tx, place{account: account, region: api.Region(ctx)}, v, s.now())
	})
}

// withQ chooses by whether an edition has Q.
func withQ[T any](on, off T) func(edition string) T {
	return func(edition string) T {
		if edition == string(qs.EditionEnterpriseAndQ) {
			return on
		}
		return off
	}
}

// describeQPersonalizationConfiguration tells whether answers are made for the
// one who asks.
func (s *Service) describeQPersonalizationConfiguration(ctx context.Context, in *qs.DescribeQPersonalizationConfigurationRequest) (*qs.DescribeQPersonalizationConfigurationResponse, error) {
	mode, err := switched(ctx, s, personalization, in.AwsAccountId, func(string) qs.PersonalizationMode { return qs.PersonalizationModeEnabled })
	return &qs.DescribeQPersonalizationConfigurationResponse{PersonalizationMode: &mode}, err
}

func (s *Service) updateQPersonalizationConfiguration(ctx context.Context, in *qs.UpdateQPersonalizationConfigurationRequest) (*qs.UpdateQPersonalizationConfigurationResponse, error) {
	err := turn(ctx, s, personalization, in.AwsAccountId, in.PersonalizationMode)
	return &qs.UpdateQPersonalizationConfigurationResponse{PersonalizationMode: &in.PersonalizationMode}, err
}

// describeQSearchConfiguration tells whether the search finds what Q knows.
func (s *Service) describeQSearchConfiguration(ctx context.Context, in *qs.DescribeQuickSightQSearchConfigurationRequest) (*qs.DescribeQuickSightQSearchConfigurationResponse, error) {
	status, err := switched(ctx, s, qSearch, in.AwsAccountId, withQ(qs.QSearchStatusEnabled, qs.QSearchStatusDisabled))
	return &qs.DescribeQuickSightQSearchConfigurationResponse{QSearchStatus: &status}, err
}

func (s *Service) updateQSearchConfiguration(ctx context.Context, in *qs.UpdateQuickSightQSearchConfigurationRequest) (*qs.UpdateQuickSightQSearchConfigurationResponse, error) {
	err := turn(ctx, s, qSearch, in.AwsAccountId, in.QSearchStatus)
	return &qs.UpdateQuickSightQSearchConfigurationResponse{QSearchStatus: &in.QSearchStatus}, err
}

// describeDashboardsQAConfiguration tells whether questions can be asked of
// dashboards.
func (s *Service) describeDashboardsQAConfiguration(ctx context.Context, in *qs.DescribeDashboardsQAConfigurationRequest) (*qs.DescribeDashboardsQAConfigurationResponse, error) {
	status, err := switched(ctx, s, dashboardsQA, in.AwsAccountId, withQ(qs.DashboardsQAStatusEnabled, qs.DashboardsQAStatusDisabled))
	return &qs.DescribeDashboardsQAConfigurationResponse{DashboardsQAStatus: &status}, err
}

func (s *Service) updateDashboardsQAConfiguration(ctx context.Context, in *qs.UpdateDashboardsQAConfigurationRequest) (*qs.UpdateDashboardsQAConfigurationResponse, error) {
	err := turn(ctx, s, dashboardsQA, in.AwsAccountId, in.DashboardsQAStatus)
	return &qs.UpdateDashboardsQAConfigurationResponse{DashboardsQAStatus: &in.DashboardsQAStatus}, err
}
