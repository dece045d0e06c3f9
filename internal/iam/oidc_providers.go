package iam

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// providerRoutes are the operations on providers of identities, but for those
// on their tags.
func (s *Service) providerRoutes() []api.Route {
	return slices.Concat([]api.Route{
		api.Handle(iamapi.CreateOpenIDConnectProvider, s.creatingOIDCProvider, s.createOIDCProvider),
		api.Handle(iamapi.GetOpenIDConnectProvider, s.gettingOIDCProvider, s.getOIDCProvider),
		api.Handle(iamapi.ListOpenIDConnectProviders, s.listingOIDCProviders, s.listOIDCProviders),
		api.Handle(iamapi.DeleteOpenIDConnectProvider, s.deletingOIDCProvider, s.deleteOIDCProvider),
		api.Handle(iamapi.UpdateOpenIDConnectProviderThumbprint, s.updatingThumbprints, s.updateThumbprints),
		api.Handle(iamapi.AddClientIDToOpenIDConnectProvider, s.addingClientID, s.addClientID),
		api.Handle(iamapi.RemoveClientIDFromOpenIDConnectProvider, s.removingClientID, s.removeClientID),
	}, s.samlProviderRoutes())
}

// The quotas of an account and of a provider (IAM User Guide, "IAM and STS quotas").
const (
	maxOIDCProviders = 100
	maxSAMLProviders = 100
	maxClientIDs     = 100
	maxThumbprints   = 5
)

// oidcProvider is a row of the table iam_oidc_providers.
type oidcProvider struct {
	Account     string `db:"account"`
	URL         string `db:"url"` // without https://
	ClientIDs   string `db:"client_ids"`
	Thumbprints string `db:"thumbprints"`
	CreatedUS   int64  `db:"created_us"`
}

func (p *oidcProvider) arn() string { return oidcARN(p.Account, p.URL) }

// oidcARN is the ARN of a provider; its name is the URL without https://.
func oidcARN(account, providerURL string) string {
	return iamARN(account, "oidc-provider", "/", strings.TrimPrefix(providerURL, "https://"))
}

// oidcProvider reads the provider with an ARN; store.ErrNotFound where there is none.
func (s *Service) oidcProvider(tx *store.Tx, account, providerARN string) (oidcProvider, error) {
	name, ok := strings.CutPrefix(providerARN, oidcARN(account, ""))
	if !ok {
		return oidcProvider{}, store.ErrNotFound
	}
	return store.One[oidcProvider](tx, `SELECT account, url, client_ids, thumbprints, created_us FROM iam_oidc_providers
		WHERE account = $1 AND url = $2`, account, name)
}

// knownOIDCProvider is oidcProvider with the answer for one that is not there.
func (s *Service) knownOIDCProvider(tx *store.Tx, account, providerARN string) (oidcProvider, error) {
	p, err := s.oidcProvider(tx, account, providerARN)
	if errors.Is(err, store.ErrNotFound) {
		return p, noSuchEntity("OpenIDConnect Provider not found for arn %s", providerARN)
	}
	return p, err
}

// checkProviderARN refuses what is not the ARN of an entity of this kind.
func checkProviderARN(kind, providerARN string) error {
	a, err := arn.Parse(providerARN)
	if err != nil {
		return invalidInput("Invalid ARN:  Could not be parsed!")
	}
	if got, name := a.Split(); a.Service != "iam" || got != kind || name == "" {
		return invalidInput("Invalid ARN: %s is not the ARN of an entity of type %s.", providerARN, kind)
	}
	return nil
}

func (s *Service) creatingOIDCProvider(ctx context.Context, in *iamapi.CreateOpenIDConnectProviderRequest) policy.Target {
	return on(ctx, oidcARN(account(ctx), in.Url), requestTags(in.Tags))
}

// createOIDCProvider makes a provider of web identities known, by its URL.
// Nothing is fetched from it, so there are no thumbprints unless the request
// brings some.
func (s *Service) createOIDCProvider(ctx context.Context, in *iamapi.CreateOpenIDConnectProviderRequest) (*iamapi.CreateOpenIDConnectProviderResponse, error) {
	if err := errors.Join(checkIssuer(in.Url), checkThumbprints(in.ThumbprintList)); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.also(ctx, "iam:TagOpenIDConnectProvider", s.creatingOIDCProvider(ctx, in)); err != nil {
			return nil, err
		}
	}
	clients := unique(in.ClientIDList)
	if len(clients) > maxClientIDs {
		return nil, tooManyClientIDs()
	}
	p := oidcProvider{
		Account: account(ctx), URL: strings.TrimPrefix(in.Url, "https://"), ClientIDs: jsonList(clients),
		Thumbprints: jsonList(unique(in.ThumbprintList)), CreatedUS: store.Micros(s.now()),
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Exec(`INSERT INTO iam_oidc_providers (account, url, client_ids, thumbprints, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, p.Account, p.URL, p.ClientIDs, p.Thumbprints, p.CreatedUS)
		if err != nil {
			return err
		}
		if rows == 0 {
			return entityAlreadyExists("Provider with url %s already exists.", in.Url)
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_oidc_providers WHERE account = $1`, p.Account)
		if err != nil {
			return err
		}
		if n > maxOIDCProviders {
			return limitExceeded("OpenIdConnectProvidersPerAccount: %d", maxOIDCProviders)
		}
		if err := putTags(tx, p.Account, p.arn(), in.Tags); err != nil {
			return err
		}
		return s.changed(tx, p.Account)
	})
	if err != nil {
		return nil, err
	}
	out := &iamapi.CreateOpenIDConnectProviderResponse{OpenIDConnectProviderArn: new(p.arn())}
	if len(in.Tags) > 0 {
		out.Tags = in.Tags
	}
	return out, nil
}

// checkIssuer refuses what cannot be the URL of a provider: tokens name it
// letter for letter, and its keys are fetched from below it.
func checkIssuer(issuer string) error {
	u, err := url.Parse(issuer)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(issuer, "#") ||
		!strings.HasPrefix(issuer, "https://") || strings.ContainsFunc(issuer, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' || r == '*' }) {
		return validationError("Invalid Open ID Connect Provider URL")
	}
	return nil
}

// checkThumbprints refuses lists that IAM does not take, and what is no SHA-1
// of a certificate.
func checkThumbprints(thumbprints []string) error {
	if len(thumbprints) > maxThumbprints {
		return invalidInput("Thumbprint list must contain fewer than %d entries.", maxThumbprints)
	}
	for _, t := range thumbprints {
		if _, err := hex.DecodeString(t); err != nil {
			return invalidInput("The thumbprint %s is not hexadecimal.", t)
		}
	}
	return nil
}

func tooManyClientIDs() error {
	return limitExceeded("ClientIdsPerOpenIdConnectProvider: %d", maxClientIDs)
}

// unique is the list without what comes again, in its order.
func unique(list []string) []string {
	var out []string
	for _, s := range list {
		if !slices.Contains(out, s) {
			out = append(out, s)
		}
	}
	return out
}

// jsonList is a list as a column keeps it.
func jsonList(list []string) string {
	if list == nil {
		list = []string{}
	}
	b, _ := json.Marshal(list) // strings are always JSON
	return string(b)
}

func (s *Service) gettingOIDCProvider(ctx context.Context, in *iamapi.GetOpenIDConnectProviderRequest) policy.Target {
	return s.onProvider(ctx, in.OpenIDConnectProviderArn)
}

// getOIDCProvider shows a provider.
func (s *Service) getOIDCProvider(ctx context.Context, in *iamapi.GetOpenIDConnectProviderRequest) (*iamapi.GetOpenIDConnectProviderResponse, error) {
	if err := checkProviderARN("oidc-provider", in.OpenIDConnectProviderArn); err != nil {
		return nil, err
	}
	out := &iamapi.GetOpenIDConnectProviderResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		p, err := s.knownOIDCProvider(tx, account(ctx), in.OpenIDConnectProviderArn)
		if err != nil {
			return err
		}
		out.Url, out.CreateDate = &p.URL, date(p.CreatedUS)
		if err := errors.Join(decode(p.ClientIDs, &out.ClientIDList), decode(p.Thumbprints, &out.ThumbprintList)); err != nil {
			return fmt.Errorf("%s: %w", p.arn(), err)
		}
		out.Tags, err = tagsOf(tx, p.arn())
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) listingOIDCProviders(ctx context.Context, _ *iamapi.ListOpenIDConnectProvidersRequest) policy.Target {
	return on(ctx, oidcARN(account(ctx), "*"))
}

// listOIDCProviders lists the providers of the account, all at once.
func (s *Service) listOIDCProviders(ctx context.Context, _ *iamapi.ListOpenIDConnectProvidersRequest) (*iamapi.ListOpenIDConnectProvidersResponse, error) {
	out := &iamapi.ListOpenIDConnectProvidersResponse{OpenIDConnectProviderList: []iamapi.OpenIDConnectProviderListEntry{}}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		urls, err := store.All[string](tx, `SELECT url FROM iam_oidc_providers WHERE account = $1 ORDER BY url`, account(ctx))
		for _, u := range urls {
			out.OpenIDConnectProviderList = append(out.OpenIDConnectProviderList, iamapi.OpenIDConnectProviderListEntry{Arn: new(oidcARN(account(ctx), u))})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) deletingOIDCProvider(ctx context.Context, in *iamapi.DeleteOpenIDConnectProviderRequest) policy.Target {
	return s.onProvider(ctx, in.OpenIDConnectProviderArn)
}

// deleteOIDCProvider forgets a provider. Roles that trust it can no longer be
// assumed with its tokens.
func (s *Service) deleteOIDCProvider(ctx context.Context, in *iamapi.DeleteOpenIDConnectProviderRequest) (*iamapi.DeleteOpenIDConnectProviderResponse, error) {
	if err := checkProviderARN("oidc-provider", in.OpenIDConnectProviderArn); err != nil {
		return nil, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.oidcProvider(tx, account(ctx), in.OpenIDConnectProviderArn)
		if errors.Is(err, store.ErrNotFound) {
			return noSuchEntity("OpenId connect Provider %s cannot be found.", in.OpenIDConnectProviderArn)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM iam_oidc_providers WHERE account = $1 AND url = $2`, p.Account, p.URL)
		return errors.Join(err, dropTags(tx, p.arn()), s.changed(tx, p.Account))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeleteOpenIDConnectProviderResponse{}, nil
}

func (s *Service) updatingThumbprints(ctx context.Context, in *iamapi.UpdateOpenIDConnectProviderThumbprintRequest) policy.Target {
	return s.onProvider(ctx, in.OpenIDConnectProviderArn)
}

// updateThumbprints replaces the thumbprints of a provider's certificates.
func (s *Service) updateThumbprints(ctx context.Context, in *iamapi.UpdateOpenIDConnectProviderThumbprintRequest) (*iamapi.UpdateOpenIDConnectProviderThumbprintResponse, error) {
	if err := checkThumbprints(in.ThumbprintList); err != nil {
		return nil, err
	}
	err := s.changeOIDCProvider(ctx, in.OpenIDConnectProviderArn, func(p *oidcProvider) error {
		p.Thumbprints = jsonList(unique(in.ThumbprintList))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.UpdateOpenIDConnectProviderThumbprintResponse{}, nil
}

func (s *Service) addingClientID(ctx context.Context, in *iamapi.AddClientIDToOpenIDConnectProviderRequest) policy.Target {
	return s.onProvider(ctx, in.OpenIDConnectProviderArn)
}

// addClientID adds an audience that tokens of a provider may have. One that is
// there already stays.
func (s *Service) addClientID(ctx context.Context, in *iamapi.AddClientIDToOpenIDConnectProviderRequest) (*iamapi.AddClientIDToOpenIDConnectProviderResponse, error) {
	err := s.changeClientIDs(ctx, in.OpenIDConnectProviderArn, func(ids []string) []string { return unique(append(ids, in.ClientID)) })
	if err != nil {
		return nil, err
	}
	return &iamapi.AddClientIDToOpenIDConnectProviderResponse{}, nil
}

func (s *Service) removingClientID(ctx context.Context, in *iamapi.RemoveClientIDFromOpenIDConnectProviderRequest) policy.Target {
	return s.onProvider(ctx, in.OpenIDConnectProviderArn)
}

// removeClientID takes an audience away. It is no error if it is not there.
func (s *Service) removeClientID(ctx context.Context, in *iamapi.RemoveClientIDFromOpenIDConnectProviderRequest) (*iamapi.RemoveClientIDFromOpenIDConnectProviderResponse, error) {
	err := s.changeClientIDs(ctx, in.OpenIDConnectProviderArn, func(ids []string) []string {
		return slices.DeleteFunc(ids, func(id string) bool { return id == in.ClientID })
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.RemoveClientIDFromOpenIDConnectProviderResponse{}, nil
}

func (s *Service) changeClientIDs(ctx context.Context, providerARN string, change func(ids []string) []string) error {
	return s.changeOIDCProvider(ctx, providerARN, func(p *oidcProvider) error {
		var ids []string
		if err := decode(p.ClientIDs, &ids); err != nil {
			return fmt.Errorf("%s: %w", p.arn(), err)
		}
		if ids = change(ids); len(ids) > maxClientIDs {
			return tooManyClientIDs()
		}
		p.ClientIDs = jsonList(ids)
		return nil
	})
}

// changeOIDCProvider changes the lists of a provider.
func (s *Service) changeOIDCProvider(ctx context.Context, providerARN string, change func(p *oidcProvider) error) error {
	if err := checkProviderARN("oidc-provider", providerARN); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.knownOIDCProvider(tx, account(ctx), providerARN)
		if err != nil {
			return err
		}
		if err := change(&p); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE iam_oidc_providers SET client_ids = $3, thumbprints = $4 WHERE account = $1 AND url = $2`,
			p.Account, p.URL, p.ClientIDs, p.Thumbprints)
		return errors.Join(err, s.changed(tx, p.Account))
	})
}
