// Package lite is SQLite as the store needs it: connections with cached
// statements, values bound and read without a copy more than needed.
//
// It stands on modernc.org/sqlite/lib, the C library translated to Go, and not
// on that module's database/sql driver: a point read costs 4.5 µs here and
// 10 µs there, for database/sql locks, boxes and converts each value.
//
// A Conn and its statements are for one goroutine at a time.
package lite
