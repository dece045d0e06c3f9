// Package api is the way of a request: one straight line from the bytes of an
// HTTP request to those of its answer.
//
//	recover, request id, body limit   ServeHTTP
//	route                             wire.Router, on the raw path; at the
//	                                  path / by X-Amz-Target or by Action and Version
//	authenticate                      Authenticator
//	bind                              wire: JSON and labels, or a form, into the typed input
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
// An operation of the models that nobody declares is routed, signed and
// validated all the same, and answered with NotImplementedException.
//
// QuickSight, IAM, STS and CloudTrail are served side by side, each in its own
// protocol; nothing but the operation that is declared tells them apart:
//
//	api.Handle(iamapi.CreateUser, s.creatingUser, s.createUser)
//	api.Handle(stsapi.GetCallerIdentity, nil, s.getCallerIdentity) // no policy is asked
//
// There an error is fault.New with a code of the service's package:
//
//	fault.New(iamapi.ErrNoSuchEntity, "The user with name %s cannot be found.", name)
package api
