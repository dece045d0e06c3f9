package sts

import (
	"context"

	"onsight/internal/store"
	"onsight/internal/stsapi"
)

// UserKey is the condition key of sessions that act for a user of QuickSight:
// it has the user's ARN.
const UserKey = "quicksight:userarn"

// contextProvider is the provider of contexts that there is: GetIdentityContext
// of QuickSight makes what it asserts.
const contextProvider = "arn:aws:iam::aws:contextProvider/QuickSight"

// provided gives the ARN of the user whom the contexts of a request vouch for,
// in the account of the role; empty where there are none.
func (s *Service) provided(ctx context.Context, account string, contexts []stsapi.ProvidedContext) (user string, err error) {
	if len(contexts) == 0 {
		return "", nil
	}
	if s.contexts == nil {
		return "", invalidParameter("ProvidedContexts are not supported: this server has no provider of contexts.")
	}
	if len(contexts) > 1 {
		return "", invalidParameter("ProvidedContexts may hold one context.")
	}
	c := contexts[0]
	if c.ProviderArn == nil || *c.ProviderArn != contextProvider || c.ContextAssertion == nil {
		return "", invalidParameter("ProvidedContexts must hold an assertion of the provider %s, the only one that this server has.", contextProvider)
	}
	var of string
	var ok bool
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		of, user, ok, err = s.contexts(tx, *c.ContextAssertion)
		return err
	})
	if err == nil && (!ok || of != account) {
		return "", invalidParameter("The ContextAssertion isn't valid: it is not one of this provider for the account of the role, has expired, or its user is gone.")
	}
	return user, err
}
