package audit

import "onsight/internal/wire"

// Admits tells whether a call leaves an event because it gives a session.
func Admits(o *wire.Operation) bool { return effectOf(o) == admits }
