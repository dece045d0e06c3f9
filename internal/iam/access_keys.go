package iam

import "onsight/internal/api"

func (s *Service) accessKeyRoutes() []api.Route {
	return []api.Route{}
}
