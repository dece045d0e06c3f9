// Package federation signs in people whom somebody else vouches for: an OpenID
// Connect provider that an account has set up, or a program that holds
// temporary credentials for them.
//
// # Whoever it is, it is a session
//
// Both ways, but for people of an identity centre (below), end with credentials of STS: those of AssumeRoleWithWebIdentity
// for a provider's token, or those that the program shows. So the trust policy
// of the role and IAM's provider decide, and nothing here does. The session
// resolves to a user (arrive): one who is linked to the identity at the provider,
// one who is registered with the role and the session's name, or a new one,
// with the role that the policies of the session allow. Then signin admits them.
//
// # From our page to the provider and back
//
//	/signin/oidc/{account}/{provider}           the button: off to the provider
//	/signin/oidc/{account}/{provider}/initiate  the same, asked for by the provider
//	/signin/oidc/{account}/{provider}/done      the provider's answer
//
// Each provider has an address of its own for answers, so that one provider's
// answer is never taken for another's. What must be known when the browser
// comes back is sealed in the state, which is bound to the browser by a
// cookie, good for ten minutes, and once: until then nothing is stored.
//
// # People of an identity centre
//
// Where a centre provisions the account's people, a provider has no role and
// there is no session: the claims of the token name a user whom the centre has
// provisioned (Centre), who comes in, or nobody does.
//
// # Console federation
//
//	/federation?Action=getSigninToken&SessionType=json&Session={…}
//	/federation?Action=login&Issuer=…&Destination=…&SigninToken=…
package federation
