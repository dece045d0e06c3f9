package outbound

import (
	"io"
	"net/http"
	"net/url"
	"slices"
)

// A Hop says whether a redirect may be followed, beside what the profile says
// of it; nil allows all.
type Hop func(to *url.URL) error

// Follow sends a request as Do does, and follows up to so many redirects. Each
// is checked like the first URL, and none leads from HTTPS to HTTP. At another
// origin nothing is sent of the header but what says which form of an answer
// is wanted, and no body: no credential, whatever its header is called.
func (c *Client) Follow(r *http.Request, redirects int, allowed Hop) (*http.Response, error) {
	first := origin(r.URL)
	for {
		res, err := c.Do(r)
		if err != nil || !redirecting(res) {
			return res, err
		}
		next, err := hop(r, res, first)
		_, _ = io.CopyN(io.Discard, res.Body, drained)
		_ = res.Body.Close()
		if err != nil {
			return nil, shape(r.Context(), target(r), err)
		}
		if redirects--; redirects < 0 {
			return nil, shape(r.Context(), target(r), refuse("it redirects once too often"))
		}
		if allowed != nil {
			if err := allowed(next.URL); err != nil {
				return nil, &Error{Kind: Refused, Target: target(r), Reason: "it redirects elsewhere: " + err.Error(), cause: err}
			}
		}
		r = next
	}
}

func redirecting(res *http.Response) bool {
	switch res.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return res.Header.Get("Location") != ""
	}
	return false
}

// hop makes the request that a redirect asks for.
func hop(r *http.Request, res *http.Response, first string) (*http.Request, error) {
	to, err := r.URL.Parse(res.Header.Get("Location"))
	if err != nil {
		return nil, refuse("it redirects to something that isn't a URL")
	}
	to.Fragment, to.RawFragment = "", ""
	if r.URL.Scheme == "https" && to.Scheme != "https" {
		return nil, refuse("it redirects to a URL that isn't https")
	}
	next := r.Clone(r.Context())
	next.URL, next.Host = to, ""
	keep := res.StatusCode == http.StatusTemporaryRedirect || res.StatusCode == http.StatusPermanentRedirect
	read := r.Method == "" || r.Method == http.MethodGet || r.Method == http.MethodHead
	if !keep && !read {
		next.Method = http.MethodGet
		next.Body, next.GetBody, next.ContentLength = nil, nil, 0
		next.Header.Del("Content-Type")
	}
	same := origin(to) == first
	if next.Body != nil && next.Body != http.NoBody {
		if !same {
			return nil, refuse("it redirects what was sent to another origin")
		}
		if next.GetBody == nil {
			return nil, refuse("it redirects what can't be sent again")
		}
		if next.Body, err = next.GetBody(); err != nil {
			return nil, refuse("it redirects what can't be sent again")
		}
	}
	if !same {
		for name := range next.Header {
			if !slices.Contains(harmless, name) {
				next.Header.Del(name)
			}
		}
	}
	return next, nil
}

// harmless are headers that say which form of an answer is wanted.
var harmless = []string{"Accept", "Accept-Encoding", "Accept-Language", "If-Modified-Since", "If-None-Match", "Range", "User-Agent"}
