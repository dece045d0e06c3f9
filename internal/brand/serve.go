package brand

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"onsight/internal/store"
)

// Prefix is where the paths of images begin, after the server's base path.
const Prefix = "/_onsight/brands/"

// pathTo is the path of an image. None of its parts needs escaping.
func pathTo(account, brand, version, image string) string {
	return Prefix + account + "/" + brand + "/" + version + "/" + image
}

// pathOf is the path of an address, without a slash at the end.
func pathOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimSuffix(u.Path, "/")
}

// ServeHTTP answers with an image of a version, to anyone: the page to sign in
// shows it. The path is without the server's base path. What an address names
// never changes.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	// An SVG image that is opened as a page must be able to do nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'")
	h.Set("Cache-Control", "no-store")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD are allowed here.", http.StatusMethodNotAllowed)
		return
	}
	rest, ok := strings.CutPrefix(r.URL.Path, Prefix)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 4 {
		http.Error(w, "There is no such image.", http.StatusNotFound)
		return
	}
	if strings.ContainsRune(rest, 0) || !utf8.ValidString(rest) { // no database is asked for such
		http.Error(w, "There is no such image.", http.StatusNotFound)
		return
	}
	var p picture
	err := s.db.Read(r.Context(), func(tx *store.Tx) (err error) {
		p, err = store.One[picture](tx, `SELECT account, brand, version, image, media_type, digest, data FROM brand_images
			WHERE account = $1 AND brand = $2 AND version = $3 AND image = $4`, parts[0], parts[1], parts[2], parts[3])
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound):
		http.Error(w, "There is no such image.", http.StatusNotFound)
		return
	case err != nil:
		s.log.ErrorContext(r.Context(), "read an image of a brand", "error", err.Error())
		http.Error(w, "The image can't be read now.", http.StatusServiceUnavailable)
		return
	}
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("Content-Type", p.MediaType)
	h.Set("ETag", `"`+p.Digest+`"`)
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(p.Data))
}
