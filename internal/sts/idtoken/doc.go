// Package idtoken checks the ID tokens of OpenID Connect providers: signature,
// issuer, audience and times.
//
//	issuer, err := idtoken.Issuer(token) // who claims to have issued it; nothing is checked yet
//	…                                    // is that provider trusted, and for which clients?
//	claims, err := verifier.Verify(ctx, issuer, clientIDs, token)
//
// The keys of a provider come from the place that its discovery document
// names, over connections with limits on time and size. They are kept for some
// minutes, fetched again when a token names a key that is not among them, but
// not more often than every few seconds whatever tokens come, and by one
// request at a time. While a provider is out of reach its last keys serve for
// an hour.
//
// Tokens, keys and signatures are read by go-jose. Its sibling go-oidc, which
// applications sign users in with, fetches keys after every bad signature and
// reads answers of any size; that does not suit an operation that anybody may
// call.
package idtoken
