package app

import (
	"net/http"
	"strings"

	"onsight/internal/brand"
	"onsight/internal/config"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/store"
	"onsight/internal/tagging"
)

// joinBrands makes what keeps brands.
func joinBrands(c config.Config, o Options, db *store.DB, jobs *job.Runner, tokens *page.Tokens, accounts *accounts, tags *tagging.Service) *brand.Service {
	brands := brand.New(brand.Config{
		DB: db, Jobs: jobs, Tokens: tokens, Log: o.Log, Now: o.Now, Accounts: accounts, Tags: tags, PublicURL: c.PublicURL,
	})
	tags.Register("brand", brands.Exists)
	return brands
}

// withBrandImages puts the images of brands in front of the API: nobody signs
// for them.
func withBrandImages(brands *brand.Service, next http.Handler, basePath string) http.Handler {
	images := http.StripPrefix(basePath, brands)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(strings.TrimPrefix(r.URL.Path, basePath), brand.Prefix) {
			images.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}
