package app

import (
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"onsight/internal/brand"
	"onsight/internal/outbound"
)

// TestPictures fetches what is there, gives up what never will be, and lets
// try again what may be another time.
func TestPictures(t *testing.T) {
	t.Parallel()
	mux := http.NewServeMux()
	mux.HandleFunc("/logo", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/logo", http.StatusTemporaryRedirect)
	})
	mux.HandleFunc("/round", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/round", http.StatusFound) })
	mux.HandleFunc("/away", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
	})
	mux.HandleFunc("/busy", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	server := httptest.NewTLSServer(mux)
	t.Cleanup(server.Close)
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())

	open := newPictures(outbound.Profile{Allowed: outbound.LoopbackRanges(), RootCAs: roots})
	closed := newPictures(outbound.Profile{})
	for _, c := range []struct {
		name, address string
		from          *pictures
		data, reason  string // neither: an error of the moment
	}{
		{"what is there", server.URL + "/logo", open, "01234567", ""},
		{"what is elsewhere", server.URL + "/moved", open, "01234567", ""},
		{"what goes round", server.URL + "/round", open, "", "it redirects once too often"},
		{"what leads to the cloud's secrets", server.URL + "/away", open, "", ":"},
		{"what is not there", server.URL + "/none", open, "", "answers with status 404."},
		{"what is busy", server.URL + "/busy", open, "", ""},
		{"what is within the house", server.URL + "/logo", closed, "", "which the operator of this server has not allowed."},
		{"no URL", "https://exa mple.org/", open, "", "its address is no URL."},
	} {
		data, err := c.from.Fetch(t.Context(), c.address, 8)
		if string(data) != c.data {
			t.Errorf("%s: %q, want %q", c.name, data, c.data)
		}
		rejection, rejected := errors.AsType[*brand.Rejection](err)
		switch {
		case c.data != "":
			if err != nil {
				t.Errorf("%s: %v", c.name, err)
			}
		case c.reason != "":
			if !rejected || !strings.Contains(rejection.Reason, c.reason) {
				t.Errorf("%s: %v, want a rejection with %q", c.name, err, c.reason)
			}
		case rejected || err == nil:
			t.Errorf("%s: %v, want an error of the moment", c.name, err)
		}
	}
}
