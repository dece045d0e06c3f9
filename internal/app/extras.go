package app

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"time"

	"onsight/internal/store"
)

// extras are the routes of the server as such, that nobody signs.
type extras struct {
	db  *store.DB
	log *slog.Logger
	// reset empties the store; nil where that is not offered.
	reset func(context.Context) error
}

func (e *extras) owns(path string) bool {
	return path == "/_onsight/health" || path == "/_onsight/reset"
}

func (e *extras) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_onsight/health", e.health)
	if e.reset != nil {
		mux.HandleFunc("POST /_onsight/reset", e.empty)
	}
	return mux
}

// health answers 200 when the server can serve.
func (e *extras) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	if err := e.db.Ping(ctx); err != nil {
		e.log.ErrorContext(ctx, "health", "error", err.Error())
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
		e.log.ErrorContext(r.Context(), "reset", "error", err.Error())
		writeJSON(w, http.StatusInternalServerError, map[string]string{"message": "The store could not be emptied; the log has the cause."})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"status": "empty"})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone away is not our error
}
