package action

import (
	"errors"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// Offered gives the actions of a connector that somebody may perform now, by
// id: none of a connector that they may not use.
func (s *Service) Offered(tx *store.Tx, who Actor, l *connector.Live) ([]*definition.Operation, error) {
	d, err := s.Definition(tx, l)
	if err == nil {
		err = s.may(tx, who, l.ARN)
	}
	if _, ok := errors.AsType[*fault.Fault](err); ok {
		return nil, nil // it has none, for them
	}
	if err != nil {
		return nil, err
	}
	var all []*definition.Operation
	for _, id := range offered(l, d) {
		if o := d.Operations[id]; enabled(l, id) && (!o.Write || !who.Reader) {
			all = append(all, o)
		}
	}
	return all, nil
}
