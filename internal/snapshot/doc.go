// Package snapshot copies a whole account out of the server and into it: every
// row that belongs to the account, as JSON documents that read and diff well.
//
// Which tables there are is said once, in package app, and a test holds it
// against the database: a table is in snapshots, or is left out for a reason.
// Columns come from the database itself, so that a new one is in snapshots
// from the migration on that adds it.
//
// A snapshot is taken of the account (CreateAccountSnapshot), or sent row by
// row (PutAccountSnapshotRows). PlanAccountSnapshot compares one with the
// account; ApplyAccountSnapshot makes the account equal to it, in one
// transaction, or changes nothing. Secrets leave the server sealed, and open
// on a server with the same sealing key; of others they are asked for.
package snapshot
