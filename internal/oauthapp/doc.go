// Package oauthapp answers the operations on OAuth client applications: how
// data sources prove themselves to an identity provider.
//
// Client id and client secret are sealed and never given back. When they come
// or change, a job asks the token endpoint for a token, through the VPC
// connection if there is one; until then, and when it fails, the settings of
// before are in force.
package oauthapp
