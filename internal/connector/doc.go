// Package connector keeps action connectors: what they connect to, how they
// authenticate, who may use them.
//
// The eight operations each have a file named for them. What the types of
// connector accept is data in types.go and actions.go; what a URL may be is in
// endpoint.go.
//
// A connector is made and changed in two steps. The request checks what can be
// checked at once (structure, type and authentication, URLs, principals),
// seals the secret, and leaves a job; the job has a Checker look at the
// connection and moves the status on:
//
//	CREATION_IN_PROGRESS → CREATION_SUCCESSFUL | CREATION_FAILED
//	UPDATE_IN_PROGRESS   → UPDATE_SUCCESSFUL   | UPDATE_FAILED
//
// While an update is in progress, and after one that failed, the settings
// from before it are in force.
package connector
