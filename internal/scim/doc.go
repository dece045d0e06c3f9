// Package scim lets an identity centre provision the users and groups of an
// account whose authentication method is IAM_IDENTITY_CENTER, by SCIM 2.0
// (RFC 7643 and 7644), at /_onsight/scim/{account}/v2.
//
// What arrives is kept as it came, and means something here: a user is a user
// of the namespace for as long as the centre has it active and some of its
// groups have a role; groups are groups of the namespace. See settle.
//
// Centres show a bearer token, which an administrator makes, and which says the
// namespace. Everything that they change is in the audit trail in the name of
// the token.
package scim
