package connector

import "onsight/internal/store"

// Everywhere gives the connectors of an account that can be used, in whichever
// region, by region and id. Their secrets are not opened.
func (s *Service) Everywhere(tx *store.Tx, account string) ([]*Live, error) {
	items, err := connectors.Everywhere(tx, account)
	if err != nil {
		return nil, err
	}
	all := make([]*Live, 0, len(items))
	for _, it := range items {
		if it.Status != creating && it.Status != notCreated {
			all = append(all, live(it))
		}
	}
	return all, nil
}
