package web

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// plain has a request's path, query and form be text that a database can be
// asked for: what is no UTF-8, and NUL, is replaced by a character that no name
// has, so that it is somebody's as little as any wrong name. What is to be kept
// secret, and is nowhere stored or looked for, stays byte for byte.
func plain(r *http.Request) {
	if odd(r.URL.Path) {
		r.URL.Path, r.URL.RawPath = text(r.URL.Path), ""
	}
	if strings.Contains(r.URL.RawQuery, "%") || odd(r.URL.RawQuery) {
		if q := r.URL.Query(); plainValues(q) {
			r.URL.RawQuery = q.Encode()
		}
	}
	if r.Method != http.MethodPost {
		return
	}
	// A form that can't be read has no fields; its handler says what is missing.
	_ = r.ParseMultipartForm(1 << 20) //nolint:gosec // the body is limited already
	plainValues(r.Form)
	plainValues(r.PostForm)
	if r.MultipartForm != nil {
		plainValues(r.MultipartForm.Value)
	}
}

// plainValues replaces what is odd in values, and tells whether anything was.
func plainValues(all url.Values) (changed bool) {
	for name, values := range all {
		if strings.HasSuffix(name, "password") {
			continue
		}
		for i, v := range values {
			if odd(v) {
				values[i], changed = text(v), true
			}
		}
	}
	return changed
}

func odd(v string) bool { return strings.IndexByte(v, 0) >= 0 || !utf8.ValidString(v) }

func text(v string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(v, "\uFFFD"), "\x00", "\uFFFD")
}
