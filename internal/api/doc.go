// Package api is the way of a request: one straight line from the bytes of an
// HTTP request to those of its answer.
//
//	recover, request id, body limit   ServeHTTP
//	route                             wire.Router, on the raw path
//	authenticate                      Authenticator
//	bind                              wire: JSON and labels into the typed input
//	authorise                         Authorizer, on the route's Target
//	validate                          wire: the model's rules
//	answer                            the function given to Handle
//	encode                            wire: output or fault
//	afterwards                        one log line
//
// A domain declares its operations with Handle and returns them as routes:
//
//	func (s *Service) Routes() []api.Route {
//		return []api.Route{
//			api.Handle(qs.RegisterUser, s.registering, s.registerUser),
//		}
//	}
//
// An operation of the model that nobody declares is routed, signed and
// validated all the same, and answered with NotImplementedException.
package api
