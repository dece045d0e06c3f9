package testkit

import (
	"encoding/json"
	"encoding/pem"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"

	"onsight/internal/config"
)

// Profiles writes a file of network profiles by which a server reaches services
// on this machine, with their certificates, and gives its name.
func Profiles(tb testing.TB, services ...*httptest.Server) string {
	tb.Helper()
	dir := tb.TempDir()
	var certificates []byte
	for _, s := range services {
		certificates = append(certificates, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})...)
	}
	profiles, err := json.Marshal(map[string]any{"profiles": []any{map[string]any{"name": "default", "allow": []string{"127.0.0.1"}, "authorities": "ca.pem"}}})
	for name, text := range map[string][]byte{"ca.pem": certificates, "profiles.json": profiles} {
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
	}
	if err != nil {
		tb.Fatal(err)
	}
	return filepath.Join(dir, "profiles.json")
}

// Near lets the server reach services on this machine, with their certificates.
func Near(t *testing.T, services ...*httptest.Server) Option {
	t.Helper()
	file := Profiles(t, services...)
	return func(c *config.Config) { c.NetworkProfiles = file }
}
