package iam_test

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

// metadata makes the metadata of an identity provider: the document with
// attributes of its root, and something inside.
func metadata(attributes, inside string) string {
	return `<?xml version="1.0" encoding="UTF-8"?>
<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" ` + attributes + `>
  <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <!-- ` + strings.Repeat("x", 1000) + ` -->
    <md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://idp.example.org/sso"/>` + inside + `
  </md:IDPSSODescriptor>
</md:EntityDescriptor>
`
}

func TestSAMLProviders(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		document := metadata(`entityID="https://idp.example.org/?a=1&amp;b=2"`, "<x>é&lt;ü</x>")
		made := do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "Corp", SAMLMetadataDocument: document, Tags: []iamapi.Tag{{Key: "k", Value: "v"}}})
		providerARN := *made.SAMLProviderArn
		if providerARN != "arn:aws:iam::111122223333:saml-provider/Corp" || len(made.Tags) != 1 {
			t.Errorf("CreateSAMLProvider = %s, %v", providerARN, made.Tags)
		}
		get := func() *iamapi.GetSAMLProviderResponse {
			t.Helper()
			return do(t, srv, iamapi.GetSAMLProvider, iamapi.GetSAMLProviderRequest{SAMLProviderArn: providerARN})
		}
		got := get()
		if *got.SAMLMetadataDocument != document {
			t.Errorf("document = %q, want %q", *got.SAMLMetadataDocument, document)
		}
		if *got.AssertionEncryptionMode != "Allowed" || got.PrivateKeyList == nil || len(got.Tags) != 1 || !regexp.MustCompile(`^[A-Z0-9]{22}$`).MatchString(*got.SAMLProviderUUID) {
			t.Errorf("GetSAMLProvider = %+v", got)
		}
		if years := got.ValidUntil.Year() - got.CreateDate.Year(); years != 100 {
			t.Errorf("valid for %d years", years)
		}
		until := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
		changed := metadata(`entityID="https://idp.example.org" validUntil="`+until.Format(time.RFC3339)+`"`, "")
		out := do(t, srv, iamapi.UpdateSAMLProvider, iamapi.UpdateSAMLProviderRequest{SAMLProviderArn: providerARN, SAMLMetadataDocument: &changed})
		if *out.SAMLProviderArn != providerARN {
			t.Errorf("UpdateSAMLProvider = %s", *out.SAMLProviderArn)
		}
		do(t, srv, iamapi.UpdateSAMLProvider, iamapi.UpdateSAMLProviderRequest{SAMLProviderArn: providerARN})
		if again := get(); *again.SAMLMetadataDocument != changed || !again.ValidUntil.Equal(until) || *again.SAMLProviderUUID != *got.SAMLProviderUUID {
			t.Errorf("after the update: %+v", again)
		}
		do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "Also", SAMLMetadataDocument: document})
		list := do(t, srv, iamapi.ListSAMLProviders, iamapi.ListSAMLProvidersRequest{}).SAMLProviderList
		if len(list) != 2 || !strings.HasSuffix(*list[0].Arn, "/Also") || *list[1].Arn != providerARN || !list[1].ValidUntil.Equal(until) || list[1].CreateDate == nil {
			t.Errorf("list = %+v", list)
		}
		refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "Corp", SAMLMetadataDocument: document}, "EntityAlreadyExists", "SAMLProvider with name Corp already exists.")

		do(t, srv, iamapi.DeleteSAMLProvider, iamapi.DeleteSAMLProviderRequest{SAMLProviderArn: providerARN})
		notFound := "Manifest not found for arn " + providerARN
		refused(t, srv, iamapi.GetSAMLProvider, iamapi.GetSAMLProviderRequest{SAMLProviderArn: providerARN}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.DeleteSAMLProvider, iamapi.DeleteSAMLProviderRequest{SAMLProviderArn: providerARN}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.UpdateSAMLProvider, iamapi.UpdateSAMLProviderRequest{SAMLProviderArn: providerARN, SAMLMetadataDocument: &document}, "NoSuchEntity", notFound)
		refused(t, srv, iamapi.GetSAMLProvider, iamapi.GetSAMLProviderRequest{SAMLProviderArn: "arn:aws:iam::111122223333:role/Corp"}, "InvalidInput", "saml-provider")
		theirs := "arn:aws:iam::444455556666:saml-provider/Also"
		refused(t, srv, iamapi.GetSAMLProvider, iamapi.GetSAMLProviderRequest{SAMLProviderArn: theirs}, "NoSuchEntity", theirs)
	})
}

func TestSAMLMetadata(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		good := metadata(`entityID="e"`, "")
		deep := strings.Repeat("<a>", 50000) + strings.Repeat("</a>", 50000)
		for name, tt := range map[string]struct{ document, part string }{
			"not XML":        {strings.Repeat("no XML ", 200), "text outside of the root element"},
			"empty":          {strings.Repeat(" ", 1000), "there is no EntityDescriptor"},
			"cut off":        {good[:len(good)-30], "unexpected EOF"},
			"wrong root":     {strings.ReplaceAll(good, "EntityDescriptor", "EntitiesDescriptor"), "the root element is EntitiesDescriptor"},
			"no namespace":   {strings.ReplaceAll(good, "SAML:2.0:metadata", "SAML:1.0:metadata"), "urn:oasis:names:tc:SAML:2.0:metadata"},
			"no id":          {metadata("", ""), "no entityID"},
			"two roots":      {good + good[strings.Index(good, "<md:"):], "more than one root"},
			"document type":  {strings.Replace(good, "?>", `?><!DOCTYPE x [<!ENTITY a "b">]>`, 1), "document type"},
			"unknown entity": {metadata(`entityID="e"`, "&lol;"), "invalid character entity"},
			"bad time":       {metadata(`entityID="e" validUntil="soon"`, ""), `validUntil "soon" is no time`},
			"unbalanced":     {metadata(`entityID="e"`, "</b>"), "line"},
		} {
			refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "x", SAMLMetadataDocument: tt.document}, "InvalidInput", "Could not parse metadata")
			refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "x", SAMLMetadataDocument: tt.document}, "InvalidInput", tt.part)
			if t.Failed() {
				t.Fatal(name)
			}
		}
		refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "x", SAMLMetadataDocument: "<short/>"}, "ValidationError", "sAMLMetadataDocument")
		refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "x", SAMLMetadataDocument: good, AddPrivateKey: new(iamapi.Secret("key"))}, "InvalidInput", "Encrypted assertions are not supported")
		refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{
			Name: "x", SAMLMetadataDocument: good, AssertionEncryptionMode: new(iamapi.AssertionEncryptionModeTypeRequired),
		}, "InvalidInput", "Encrypted assertions are not supported")
		do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "deep", SAMLMetadataDocument: metadata(`entityID="e"`, deep)})
		do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{
			Name: "mark", SAMLMetadataDocument: "\ufeff" + good, AssertionEncryptionMode: new(iamapi.AssertionEncryptionModeTypeAllowed),
		})
		do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "latin", SAMLMetadataDocument: strings.Replace(good, "UTF-8", "ISO-8859-1", 1)})
		for i := range 97 {
			do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: fmt.Sprint("p", i), SAMLMetadataDocument: good})
		}
		refused(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "more", SAMLMetadataDocument: good}, "LimitExceeded", "Cannot exceed quota for SAMLProvidersPerAccount: 100")
	})
}
