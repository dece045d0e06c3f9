package iam_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

const (
	thumbA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	thumbB = "BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB"
)

func TestOIDCProviders(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{
			Url: "https://login.example.org:8443/realms/a", ClientIDList: []string{"one", "two", "one"}, ThumbprintList: []string{thumbA},
			Tags: []iamapi.Tag{{Key: "k", Value: "v"}},
		})
		providerARN := *made.OpenIDConnectProviderArn
		if want := "arn:aws:iam::111122223333:oidc-provider/login.example.org:8443/realms/a"; providerARN != want {
			t.Errorf("ARN = %s, want %s", providerARN, want)
		}
		if diff := cmp.Diff([]iamapi.Tag{{Key: "k", Value: "v"}}, made.Tags); diff != "" {
			t.Errorf("Tags (-want +got):\n%s", diff)
		}
		get := func() *iamapi.GetOpenIDConnectProviderResponse {
			t.Helper()
			return do(t, srv, iamapi.GetOpenIDConnectProvider, iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN})
		}
		got := get()
		want := &iamapi.GetOpenIDConnectProviderResponse{
			Url: new("login.example.org:8443/realms/a"), ClientIDList: []string{"one", "two"}, ThumbprintList: []string{thumbA},
			Tags: made.Tags, CreateDate: got.CreateDate,
		}
		if diff := cmp.Diff(want, got); diff != "" || got.CreateDate == nil {
			t.Errorf("GetOpenIDConnectProvider (-want +got):\n%s", diff)
		}

		do(t, srv, iamapi.UpdateOpenIDConnectProviderThumbprint, iamapi.UpdateOpenIDConnectProviderThumbprintRequest{
			OpenIDConnectProviderArn: providerARN, ThumbprintList: []string{thumbB, thumbA},
		})
		for range 2 { // the second time changes nothing
			do(t, srv, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "three"})
			do(t, srv, iamapi.RemoveClientIDFromOpenIDConnectProvider, iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "one"})
		}
		want.ClientIDList, want.ThumbprintList = []string{"two", "three"}, []string{thumbB, thumbA}
		if diff := cmp.Diff(want, get()); diff != "" {
			t.Errorf("after changes (-want +got):\n%s", diff)
		}

		bare := do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org"})
		if len(bare.Tags) != 0 {
			t.Errorf("Tags = %v", bare.Tags)
		}
		empty := do(t, srv, iamapi.GetOpenIDConnectProvider, iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: *bare.OpenIDConnectProviderArn})
		if empty.ClientIDList == nil || empty.ThumbprintList == nil || empty.Tags == nil {
			t.Errorf("lists are missing: %+v", empty)
		}
		list := do(t, srv, iamapi.ListOpenIDConnectProviders, iamapi.ListOpenIDConnectProvidersRequest{}).OpenIDConnectProviderList
		if len(list) != 2 || *list[0].Arn != *bare.OpenIDConnectProviderArn || *list[1].Arn != providerARN {
			t.Errorf("list = %v", list)
		}
		// Another account has providers of its own.
		other := srv.As(t, "444455556666")
		refused(t, other, iamapi.GetOpenIDConnectProvider, iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN}, "NoSuchEntity", providerARN)
		do(t, other, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org"})

		do(t, srv, iamapi.DeleteOpenIDConnectProvider, iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN})
		refused(t, srv, iamapi.DeleteOpenIDConnectProvider, iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN},
			"NoSuchEntity", "OpenId connect Provider "+providerARN+" cannot be found.")
		notFound := "OpenIDConnect Provider not found for arn " + providerARN
		refused(t, srv, iamapi.GetOpenIDConnectProvider, iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "x"}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.RemoveClientIDFromOpenIDConnectProvider, iamapi.RemoveClientIDFromOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "x"}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.UpdateOpenIDConnectProviderThumbprint, iamapi.UpdateOpenIDConnectProviderThumbprintRequest{OpenIDConnectProviderArn: providerARN, ThumbprintList: []string{thumbA}}, "NoSuchEntity", notFound)
		do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://login.example.org:8443/realms/a"})
		if tags := get().Tags; len(tags) != 0 {
			t.Errorf("a new provider has the tags of the one before: %v", tags)
		}
	})
}

func TestOIDCProviderRules(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		create := func(issuer string, clients, thumbprints []string) iamapi.CreateOpenIDConnectProviderRequest {
			return iamapi.CreateOpenIDConnectProviderRequest{Url: issuer, ClientIDList: clients, ThumbprintList: thumbprints}
		}
		for _, issuer := range []string{
			"http://a.example.org", "a.example.org", "https://", "https:///path", "HTTPS://a.example.org", "https://u:p@a.example.org", "https://a.example.org?q=1",
			"https://a.example.org?", "https://a.example.org#f", "https://a.example.org#", "https://a example.org", "https://a.example.org/\\x", "https://ä.example.org", "https://*.example.org", "https://a.example.org/*", "javascript:alert(1)", "https://a.example.org:port",
		} {
			refused(t, srv, iamapi.CreateOpenIDConnectProvider, create(issuer, nil, nil), "ValidationError", "Invalid Open ID Connect Provider URL")
		}
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://"+strings.Repeat("a", 256), nil, nil), "ValidationError", "url")
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", nil, []string{"short"}), "ValidationError", "thumbprintList")
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", nil, []string{strings.Repeat("x", 40)}), "InvalidInput", "hexadecimal")
		six := []string{thumbA, thumbA, thumbA, thumbA, thumbA, thumbA}
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", nil, six), "InvalidInput", "Thumbprint list must contain fewer than 5 entries.")
		var clients []string
		for i := range 101 {
			clients = append(clients, fmt.Sprint("client-", i))
		}
		quota := "Cannot exceed quota for ClientIdsPerOpenIdConnectProvider: 100"
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", clients, nil), "LimitExceeded", quota)
		providerARN := *do(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", clients[:100], six[:5])).OpenIDConnectProviderArn
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://a.example.org", nil, nil), "EntityAlreadyExists", "Provider with url https://a.example.org already exists.")
		refused(t, srv, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "more"}, "LimitExceeded", quota)
		do(t, srv, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: providerARN, ClientID: "client-7"})
		refused(t, srv, iamapi.UpdateOpenIDConnectProviderThumbprint, iamapi.UpdateOpenIDConnectProviderThumbprintRequest{OpenIDConnectProviderArn: providerARN, ThumbprintList: six}, "InvalidInput", "Thumbprint list")

		for bad, part := range map[string]string{
			"not an arn of anything at all":                         "Invalid ARN:  Could not be parsed!",
			"arn:aws:iam::111122223333:saml-provider/a.example.org": "oidc-provider",
			"arn:aws:sts::111122223333:oidc-provider/a.example.org": "oidc-provider",
		} {
			refused(t, srv, iamapi.GetOpenIDConnectProvider, iamapi.GetOpenIDConnectProviderRequest{OpenIDConnectProviderArn: bad}, "InvalidInput", part)
			refused(t, srv, iamapi.DeleteOpenIDConnectProvider, iamapi.DeleteOpenIDConnectProviderRequest{OpenIDConnectProviderArn: bad}, "InvalidInput", part)
		}
		for i := range 99 {
			do(t, srv, iamapi.CreateOpenIDConnectProvider, create(fmt.Sprintf("https://p%d.example.org", i), nil, nil))
		}
		refused(t, srv, iamapi.CreateOpenIDConnectProvider, create("https://more.example.org", nil, nil), "LimitExceeded", "Cannot exceed quota for OpenIdConnectProvidersPerAccount: 100")
	})
}
