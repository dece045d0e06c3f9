// Package network answers the operations on VPC connections.
//
// A VPC connection is how callers choose one of the ways out of the house that
// the operator has described: a network profile (outbound.Settings). It names
// the profile by its subnets, as in the real service subnets say which network
// packets leave from. What connects to a place outside asks for the profile of
// its connection:
//
//	profile, err := connections.Profile(tx, vpcConnectionARN)
//	…
//	client := clients.Of(profile)
package network
