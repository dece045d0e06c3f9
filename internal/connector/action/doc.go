// Package action has connectors act: it performs their actions at the services
// behind them, for the callers of the API, for people and for programs.
//
// An action is performed by Service.Perform, whoever asks: it finds the
// connector and the definition of its type, sees whether the caller may use it
// and whether the input is what the action takes, gets the credentials, has
// package engine send the requests, and leaves a record.
//
// # Credentials
//
// Where the connector holds all that is needed (BASIC, API_KEY, NONE), a
// request is authenticated at once. OAuth's tokens are kept sealed, one for the
// connector (client credentials) or one for each person (authorisation code);
// they are renewed before they expire, by one server of all that share the
// database while the others wait. For IAM the role of the connector is assumed.
//
// Checker is the check of new settings by the same means.
package action
