// Package sts begins sessions: it answers the operations of STS, and opens the
// tokens of the sessions that it has begun.
//
// A session is in its token, whole and sealed: who acts, with which tags and
// limits, until when, and the secret that signs. No table knows it, so a
// million sessions cost nothing, and any server with the same key file opens
// them. What can end a session before its time is what policies say (a Deny
// on aws:TokenIssueTime is how a role's sessions are revoked), and the end of
// the role or user behind it.
//
//	session, err := service.Read(accessKeyID, token, now) // nothing is looked up
//
// Who may assume a role is decided by the role's trust policy together with
// the policies of the caller, which a Judge knows. Who comes with the token of
// an identity provider has the trust policy alone.
package sts
