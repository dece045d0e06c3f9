package app

import (
	"context"
	"net/http"
	"strings"
	"time"

	"onsight/internal/scim"
)

// extras are the routes that nobody signs.
type extras struct {
	app *App
	// reset empties the store; nil where that is not offered.
	reset func(context.Context) error
}

// before puts the extra routes in front of the API. Only paths that no
// operation has are looked at: net/http.ServeMux rewrites paths that are not
// clean, and that would break signatures.
func (e *extras) before(next http.Handler, basePath string) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_onsight/health", e.health)
	if e.reset != nil {
		mux.HandleFunc("POST /_onsight/reset", e.empty)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := strings.TrimPrefix(r.URL.Path, basePath); {
		case path == "/_onsight/health" || path == "/_onsight/reset":
			http.StripPrefix(basePath, mux).ServeHTTP(w, r)
			return
		case strings.HasPrefix(path, scim.Prefix):
			e.app.centrePaths.ServeHTTP(w, r)
			return
		case isPage(path):
			http.StripPrefix(basePath, e.app.pages).ServeHTTP(w, r)
			return
		}
		e.app.calls.Add(1)
		next.ServeHTTP(w, r)
	})
}

// health answers 200 when the server can serve.
func (e *extras) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := e.app.db.Ping(ctx); err != nil {
		e.app.log.ErrorContext(ctx, "health", "error", err.Error())
		writeJSON(w, http.StatusServiceUnavailable, map[string]string{"status": "unavailable", "message": "The database does not answer."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "ok"})
}

// empty forgets everything: a test begins anew.
func (e *extras) empty(w http.ResponseWriter, r *http.Request) {
	// A page that a developer has open must not be able to do this.
	if r.Header.Get("Origin") != "" || r.Header.Get("Sec-Fetch-Site") != "" {
		writeJSON(w, http.StatusForbidden, map[string]string{"message": "A browser may not empty the store."})
		return
	}
	if err := e.reset(r.Context()); err != nil {
		e.app.log.ErrorContext(r.Context(), "reset", "error", err.Error())
		writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "The store could not be emptied; the log has the cause."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "empty"})
}
