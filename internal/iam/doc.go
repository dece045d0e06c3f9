// Package iam keeps the users, groups and roles of the accounts, their access
// keys, the policies that say what they may do, and the providers of
// identities that roles trust. It answers the operations of IAM.
//
// Users, groups, roles and managed policies have an id of their own beside the
// name (AIDA…, AGPA…, AROA…, ANPA…). What belongs to them refers to the id: a
// user that gets a new name stays who it was, and one that is made anew under
// an old name has nothing of its namesake.
//
// Every change counts up the account's version in its own transaction
// (Service.Version), so that whoever keeps something compiled from policies
// knows when it is out of date.
//
// A file holds the operations of one family: first what a policy is asked,
// then what is done. The errors have the codes and texts of IAM, where those
// are known; docs/decisions/iam.md says what was chosen where they are not.
package iam
