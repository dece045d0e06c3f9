// Package brand keeps how an account looks: brands with their versions, the
// logos and icons of these, and which brand the account wears.
//
// A version is made with the brand and with each update of it; it never changes
// afterwards. One of them may be published. Logos that come inside of the
// request are there at once; those at an address are fetched by a job, if the
// server has a Fetcher. What is served was decoded and measured first.
//
// Pages ask Theme for colours and logos:
//
//	theme, err := brands.Theme(ctx, account) // never nil colours, always readable ones
package brand
