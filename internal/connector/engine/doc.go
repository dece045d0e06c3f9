// Package engine performs actions: it makes a request of an operation's
// definition and an input, sends it with the connector's credentials, and makes
// of the answer either a result or an error of one shape.
//
// It knows no service. What data cannot say is in a hook, of which there is a
// closed list.
package engine
