package api

import (
	"net/http/httptest"
	"net/netip"
	"testing"
)

func TestOrigin(t *testing.T) {
	t.Parallel()
	s := &Server{proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("::1/128")}}
	tests := []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"direct", "192.0.2.1:1234", nil, "192.0.2.1"},
		{"a stranger's header", "192.0.2.1:1234", []string{"198.51.100.7"}, "192.0.2.1"},
		{"behind a proxy", "10.0.0.1:1234", []string{"198.51.100.7"}, "198.51.100.7"},
		{"behind two proxies", "[::1]:1234", []string{"203.0.113.9, 198.51.100.7, 10.2.3.4"}, "198.51.100.7"},
		{"headers in two lines", "10.0.0.1:1234", []string{"203.0.113.9", "198.51.100.7"}, "198.51.100.7"},
		{"a proxy that says nothing", "10.0.0.1:1234", nil, "10.0.0.1"},
		{"a proxy that says nonsense", "10.0.0.1:1234", []string{"198.51.100.7, unknown"}, "10.0.0.1"},
		{"mapped", "[::ffff:192.0.2.1]:1234", nil, "192.0.2.1"},
		{"no address", "pipe", nil, "pipe"},
	}
	for _, tt := range tests {
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		r.Header["X-Forwarded-For"] = tt.forwarded
		if got := OriginOf(r, s.proxies).Address; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
	r := httptest.NewRequest("GET", "/", nil)
	r.RemoteAddr = "192.0.2.1:1234"
	r.Header.Set("X-Forwarded-Proto", "https")
	if OriginOf(r, s.proxies).Secure {
		t.Error("a stranger's X-Forwarded-Proto was believed")
	}
	r.RemoteAddr = "10.0.0.1:1234"
	if !OriginOf(r, s.proxies).Secure {
		t.Error("a proxy's X-Forwarded-Proto was not believed")
	}
}
