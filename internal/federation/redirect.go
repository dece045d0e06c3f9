package federation

import (
	"context"
	"errors"
	"net/url"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// redirect is a row of the table federation_redirects.
type redirect struct {
	Account   string `db:"account"`
	URL       string `db:"url"`
	Parameter string `db:"parameter"`
	Enabled   bool   `db:"enabled"`
}

func redirectOf(tx *store.Tx, account string) (redirect, error) {
	r, err := store.One[redirect](tx, `SELECT account, url, parameter, enabled FROM federation_redirects WHERE account = $1`, account)
	if errors.Is(err, store.ErrNotFound) {
		return redirect{Account: account}, nil
	}
	return r, err
}

func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}

// Elsewhere gives where people of an account are sent to sign in, with where
// to come back to; empty for our own page.
func (s *Service) Elsewhere(tx *store.Tx, account, next string) (string, error) {
	r, err := redirectOf(tx, account)
	if err != nil || !r.Enabled {
		return "", err
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", err // it was checked when it was stored
	}
	back := s.Site.PublicURL("/signin/you")
	if to := s.local(next); to != "" {
		back = s.public(to)
	}
	q := u.Query()
	q.Set(r.Parameter, back)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func optional(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
