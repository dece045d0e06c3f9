// Package signin lets people in: the pages of invitation, sign-in, passwords
// and sessions, and what stands behind them.
//
// # Ways in
//
// Whatever shows who someone is, it ends in Admit: there the person must be
// active and the address allowed, an older session of the browser ends, a new
// one begins, and the trail has its event, all in one transaction. A password
// is one way; others (a federation, a passkey) call Admit in the same way.
//
//	err := s.Admit(w, r, signin.Entry{Method: "oidc", Next: next, Who: func(tx *store.Tx) (signin.Person, error) {…}})
//
// # Who is signed in
//
// Handlers of other pages ask PersonOf. What it tells is as of now: a user who
// was deleted or deactivated is nobody, and so is one whose session has ended.
//
// # Nothing to learn
//
// Someone without a password of ours learns the same, after the same work, as
// someone with a wrong one: an attempt is counted before it is looked at, and
// a password is hashed whether or not there is one to compare it with.
package signin
