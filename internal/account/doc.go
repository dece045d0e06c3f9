// Package account keeps the subscriptions of AWS accounts, their settings and
// their namespaces, and is the gate in front of every operation that needs one.
//
// An account is in one of the states that clients poll for:
//
//	SIGNUP_ATTEMPT_IN_PROGRESS → ACCOUNT_CREATED → UNSUBSCRIBE_IN_PROGRESS → UNSUBSCRIBED
//
// The two in progress are jobs. A job is written in the transaction that
// writes the state, so one that is interrupted is taken up again.
package account
