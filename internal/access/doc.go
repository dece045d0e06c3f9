// Package access knows who may call the API: the access keys, and the decision
// about each call.
//
// Every AWS account that the server serves has root credentials; they are in a
// file beside the store (Roots), or given from outside. The account's root may
// do everything in its account, and nothing in another.
package access
