// Package access knows who may call the APIs: it finds out who signed a call,
// and decides by the policies of IAM what they may do.
//
// A call is signed with one of three kinds of credentials: those of an
// account's root, which are in a file beside the store (Roots); the access key
// of an IAM user; or those of a session that STS has begun. Whoever it is, the
// policies that apply are read and compiled once and kept (see holders), until
// something in the account's IAM changes: the next call is decided by what is
// in force then, on every server that shares the database.
package access
