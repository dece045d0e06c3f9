// Package pg is PostgreSQL as the store needs it: connections with cached
// statements, on which the commands around a statement (BEGIN, SAVEPOINT,
// RELEASE) travel together with it, in one round trip.
//
// It stands on pgx's pgconn. Values are text, int64, bool and bytes, so the
// conversions of pgx and of database/sql are not needed.
//
// A Conn and its statements are for one goroutine at a time.
package pg
