package api

import (
	"context"
	"time"
)

// Arriving gives ctx what is known of someone who comes by a page and not by a
// call: from where, when, and the region of the account, for policies that ask
// for it.
func Arriving(ctx context.Context, origin Origin, at time.Time, region string) context.Context {
	return context.WithValue(ctx, callKey{}, &call{who: Identity{Region: region}, origin: origin, at: at})
}
