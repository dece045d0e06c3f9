package federation

import (
	"net/url"

	"onsight/internal/resource"
	"onsight/internal/store"
)

// A Button of the account's page of signing in leads to a provider.
type Button struct{ Name, Target string }

// Buttons are those of an account, in the order of their ids, for somebody who
// wants to go on to a place and into a namespace; both may be empty.
func (s *Service) Buttons(tx *store.Tx, a Account, namespace, next string) ([]Button, error) {
	items, err := providers.List(tx, a.Account, a.Region, resource.Filter{}, "", maxProviders)
	var all []Button
	for _, it := range items {
		b := Button{Name: it.Name, Target: root + "/" + it.Account + "/" + it.ID}
		q := url.Values{}
		if to := s.local(next); to != "" {
			q.Set("next", to)
		}
		if namespace != "" {
			q.Set("namespace", namespace)
		}
		if len(q) > 0 {
			b.Target += "?" + q.Encode()
		}
		all = append(all, b)
	}
	return all, err
}
