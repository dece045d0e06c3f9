// Package ownership moves what somebody owns to somebody else, and lists what
// nobody owns any more: of every kind that has permission lists, in all
// regions.
//
//	moved, err := owners.Transfer(ctx, account, from, to, func(r ownership.Result) { … })
//
// A transfer goes in transactions of at most a page each. What one of them has
// moved is the new owner's, so a transfer that was interrupted is resumed by
// doing it again.
package ownership
