package config

import "testing"

// Passwords in the clear are told of, but for those that never leave the machine.
func TestExposed(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]bool{
		"http://127.0.0.1:8920": false, "http://localhost:8920": false, "http://[::1]:8920": false, "https://onsight.example.org": false,
		"http://onsight.example.org": true, "http://10.0.0.1:8920": true, "http://0.0.0.0:8920": true,
	} {
		if got := (&Config{PublicURL: url}).Exposed(); got != want {
			t.Errorf("%s: exposed is %t, want %t", url, got, want)
		}
	}
}
