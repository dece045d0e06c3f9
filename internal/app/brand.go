package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/brand"
	"onsight/internal/outbound"
)

// joinBrands makes what keeps brands. Nobody signs for their images.
func (h *house) joinBrands(context.Context) error {
	h.brands = brand.New(brand.Config{
		DB: h.db, Jobs: h.jobs, Tokens: h.tokens, Log: h.Log, Now: h.Now, Accounts: h.accounts, Tags: h.tags,
		Fetcher: newPictures(h.connections.Default()), PublicURL: h.PublicURL,
	})
	h.tags.Register("brand", h.brands.Exists)
	h.accounts.OnPurge(h.brands.Purge)
	h.forgets = append(h.forgets, h.brands.Forget)
	h.serve(func(path string) bool { return strings.HasPrefix(path, brand.Prefix) }, h.brands)
	h.add(h.brands.Routes()...)
	return nil
}

// pictures fetches images of brands, as the operator's default profile allows.
type pictures struct{ client *outbound.Client }

func newPictures(profile outbound.Profile) *pictures {
	return &pictures{outbound.New(outbound.Config{Profile: profile, Limits: outbound.Limits{Whole: 30 * time.Second}})}
}

// redirects is how often the fetch of an image is sent elsewhere: S3 does it
// once, from the address of all regions.
const redirects = 3

// Fetch implements brand.Fetcher. An object of S3 is read without credentials,
// as any browser would: this server has none.
func (p *pictures) Fetch(ctx context.Context, address string, limit int64) ([]byte, error) {
	u, err := url.Parse(address)
	if err != nil {
		return nil, &brand.Rejection{Reason: "its address is no URL."}
	}
	if u.Scheme == "s3" {
		u = &url.URL{Scheme: "https", Host: u.Host + ".s3.amazonaws.com", Path: u.Path, RawPath: u.RawPath}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return nil, &brand.Rejection{Reason: "its address is no URL."}
	}
	r.Header.Set("Accept", "image/png, image/jpeg, image/svg+xml")
	res, err := p.client.Follow(r, redirects, nil)
	if err != nil {
		return nil, final(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests:
		return nil, fmt.Errorf("%s answers %s", r.URL.Host, res.Status)
	case res.StatusCode != http.StatusOK:
		return nil, &brand.Rejection{Reason: fmt.Sprintf("%s answers with status %d.", u.Host, res.StatusCode)}
	}
	data, err := io.ReadAll(io.LimitReader(res.Body, limit))
	if err != nil {
		return nil, final(err)
	}
	return data, nil
}

// final makes a Rejection of an error that trying again does not help.
func final(err error) error {
	if e, ok := errors.AsType[*outbound.Error](err); ok && !e.Temporary() && e.Kind != outbound.Cancelled {
		return &brand.Rejection{Reason: e.Error() + "."}
	}
	return err
}
