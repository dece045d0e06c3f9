package connector

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// making is what the making of a connector does: to give it a permission list
// is to share it.
func making(_ context.Context, in *qs.CreateActionConnectorRequest) ([]api.Deed, error) {
	sort := string(in.Type)
	deeds := []api.Deed{{Operation: qs.CreateActionConnector.Name, Sort: sort}}
	if len(in.Permissions) > 0 {
		deeds = append(deeds, api.Deed{Operation: qs.UpdateActionConnectorPermissions.Name, Sort: sort})
	}
	return deeds, nil
}

// does declares that a route is about a connector that is there, of which the
// input tells the account and the id.
func does[In any](s *Service, r api.Route, which func(in *In) (account, id string)) api.Route {
	return api.Doing(r, func(ctx context.Context, in *In) ([]api.Deed, error) {
		account, id := which(in)
		var sort string
		err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
			sort, err = resource.Sort(tx, connectors.ARN(key(ctx, account, id)))
			return err
		})
		return []api.Deed{{Operation: r.Name(), Sort: sort}}, err
	})
}
