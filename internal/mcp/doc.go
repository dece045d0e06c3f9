// Package mcp lets AI agents use the actions of connectors as tools, by the
// Model Context Protocol: it answers Path.
//
// An agent acts for a person, a registered user, and sees the tools that this
// person may use, no others. What a tool does is an action of a connector,
// performed as anybody's is: this package finds the tool, and has it performed.
//
// # Without sessions
//
// Each request stands alone, with a server of the SDK made for it: any of
// several replicas may answer, nothing is kept between requests, and nothing is
// shared by people. What clients say at the beginning of the older versions of
// the protocol, and can't repeat, is sealed into the session id that they send
// along.
//
// # Who comes in
//
// A personal token, which a person makes for themself, or a token that an agent
// got by OAuth with the person's consent: this package is the authorisation
// server too. Both are kept as hashes.
package mcp
