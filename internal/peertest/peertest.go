// Package peertest finds what others have made, for tests against it.
package peertest

import (
	"os"
	"testing"
)

// Missing skips a test for which something of others is not installed. Where
// TEST_PEERS is set, as in make test, which installs it, the test fails.
func Missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("TEST_PEERS") != "" {
		t.Fatalf("%s is not installed: scripts/peers.sh does that", what)
	}
	t.Skipf("%s is not installed: scripts/peers.sh does that", what)
}
