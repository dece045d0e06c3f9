package account

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// spicePurchase is how an account comes by capacity of SPICE, which each region
// has of its own.
const spicePurchase kind[qs.PurchaseMode] = "spice-purchase-mode"

// updateSPICECapacityConfiguration is kept for whoever bounds SPICE; no
// operation reads it.
func (s *Service) updateSPICECapacityConfiguration(ctx context.Context, in *qs.UpdateSPICECapacityConfigurationRequest) (*qs.UpdateSPICECapacityConfigurationResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := openAnywhere(tx, in.AwsAccountId); err != nil {
			return err
		}
		return spicePurchase.write(tx, place{account: in.AwsAccountId, region: api.Region(ctx)}, in.PurchaseMode, s.now())
	})
	return &qs.UpdateSPICECapacityConfigurationResponse{}, err
}

// SPICEPurchase tells how an account comes by capacity of SPICE in a region:
// MANUAL until it says otherwise.
func (s *Service) SPICEPurchase(tx *store.Tx, account, region string) (qs.PurchaseMode, error) {
	mode, found, err := spicePurchase.read(tx, place{account: account, region: region})
	if !found {
		mode = qs.PurchaseModeManual
	}
	return mode, err
}
