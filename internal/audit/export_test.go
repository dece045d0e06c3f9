package audit

import "onsight/internal/wire"

// Alters tells whether every answered call of an operation leaves an event in
// its transaction; Admits, whether one leaves an event because it gives a session.
func Alters(o *wire.Operation) bool { return effectOf(o) == alters }

// Admits is told about above.
func Admits(o *wire.Operation) bool { return effectOf(o) == admits }
