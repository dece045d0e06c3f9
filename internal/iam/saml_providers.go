package iam

import (
	"context"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) samlProviderRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.CreateSAMLProvider, s.creatingSAMLProvider, s.createSAMLProvider),
		api.Handle(iamapi.GetSAMLProvider, s.gettingSAMLProvider, s.getSAMLProvider),
		api.Handle(iamapi.ListSAMLProviders, s.listingSAMLProviders, s.listSAMLProviders),
		api.Handle(iamapi.UpdateSAMLProvider, s.updatingSAMLProvider, s.updateSAMLProvider),
		api.Handle(iamapi.DeleteSAMLProvider, s.deletingSAMLProvider, s.deleteSAMLProvider),
	}
}

// samlProvider is a row of the table iam_saml_providers.
type samlProvider struct {
	Account      string `db:"account"`
	Name         string `db:"name"`
	ID           string `db:"id"`
	Document     string `db:"document"`
	CreatedUS    int64  `db:"created_us"`
	ValidUntilUS *int64 `db:"valid_until_us"`
}

const samlColumns = `account, name, id, document, created_us, valid_until_us`

func (p *samlProvider) arn() string { return samlARN(p.Account, p.Name) }

func samlARN(account, name string) string { return iamARN(account, "saml-provider", "/", name) }

// samlProvider reads the provider with an ARN; NoSuchEntity where there is none.
func (s *Service) samlProvider(tx *store.Tx, account, providerARN string) (samlProvider, error) {
	name, ok := strings.CutPrefix(providerARN, samlARN(account, ""))
	if ok {
		p, err := store.One[samlProvider](tx, `SELECT `+samlColumns+` FROM iam_saml_providers WHERE account = $1 AND name = $2`, account, name)
		if !errors.Is(err, store.ErrNotFound) {
			return p, err
		}
	}
	return samlProvider{}, noSuchEntity("Manifest not found for arn %s", providerARN)
}

func (s *Service) creatingSAMLProvider(ctx context.Context, in *iamapi.CreateSAMLProviderRequest) policy.Target {
	return on(ctx, samlARN(account(ctx), in.Name), requestTags(in.Tags))
}

// createSAMLProvider makes a provider of SAML assertions known by its metadata.
func (s *Service) createSAMLProvider(ctx context.Context, in *iamapi.CreateSAMLProviderRequest) (*iamapi.CreateSAMLProviderResponse, error) {
	if err := refuseEncryption(in.AssertionEncryptionMode, in.AddPrivateKey != nil); err != nil {
		return nil, err
	}
	validUntil, err := s.readMetadata(in.SAMLMetadataDocument)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.also(ctx, "iam:TagSAMLProvider", s.creatingSAMLProvider(ctx, in)); err != nil {
			return nil, err
		}
	}
	p := samlProvider{
		Account: account(ctx), Name: in.Name, ID: newID(samlPrefix), Document: in.SAMLMetadataDocument,
		CreatedUS: store.Micros(s.now()), ValidUntilUS: validUntil,
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Exec(`INSERT INTO iam_saml_providers (account, name, id, document, created_us, valid_until_us) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, p.Account, p.Name, p.ID, p.Document, p.CreatedUS, p.ValidUntilUS)
		if err != nil {
			return err
		}
		if rows == 0 {
			return entityAlreadyExists("SAMLProvider with name %s already exists.", p.Name)
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_saml_providers WHERE account = $1`, p.Account)
		if err != nil {
			return err
		}
		if n > maxSAMLProviders {
			return limitExceeded("SAMLProvidersPerAccount: %d", maxSAMLProviders)
		}
		if err := putTags(tx, p.Account, p.arn(), in.Tags); err != nil {
			return err
		}
		return s.changed(tx, p.Account)
	})
	if err != nil {
		return nil, err
	}
	out := &iamapi.CreateSAMLProviderResponse{SAMLProviderArn: new(p.arn())}
	if len(in.Tags) > 0 {
		out.Tags = in.Tags
	}
	return out, nil
}

// samlPrefix begins the unique ids of SAML providers. They have 22 characters,
// the fewest that such an id has (IAM API, privateKeyIdType).
const samlPrefix = "SAMLP"

// refuseEncryption refuses what asks for encrypted assertions: nothing here
// would read them.
func refuseEncryption(mode *iamapi.AssertionEncryptionModeType, key bool) error {
	if key || value(mode) == iamapi.AssertionEncryptionModeTypeRequired {
		return invalidInput("Encrypted assertions are not supported: leave out AddPrivateKey, and AssertionEncryptionMode unless it is Allowed.")
	}
	return nil
}

// metadataLife is how long metadata is good for that does not say.
const metadataLife = 100 // years

// readMetadata checks the metadata of a provider: one XML document whose root
// is an EntityDescriptor of SAML 2.0 with an entityID (OASIS
// saml-metadata-2.0-os, 2.3.2). It gives the time until which it is valid.
func (s *Service) readMetadata(document string) (validUntilUS *int64, err error) {
	validUntilUS = new(store.Micros(s.now().AddDate(metadataLife, 0, 0)))
	d := xml.NewDecoder(strings.NewReader(document))
	// Whatever it declares, the document came as text.
	d.CharsetReader = func(_ string, text io.Reader) (io.Reader, error) { return text, nil }
	malformed := func(format string, args ...any) error {
		line, column := d.InputPos()
		return invalidInput("Could not parse metadata (line %d, column %d: %s)", line, column, fmt.Sprintf(format, args...))
	}
	depth, roots := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, malformed("%v", err)
		}
		switch token := token.(type) {
		case xml.Directive: // a document type could define entities
			return nil, malformed("a document type is not allowed")
		case xml.StartElement:
			depth++
			if depth > 1 {
				continue
			}
			if roots++; roots > 1 {
				return nil, malformed("there is more than one root element")
			}
			until, err := entityDescriptor(token)
			if err != nil {
				return nil, malformed("%v", err)
			}
			if until != nil {
				validUntilUS = new(store.Micros(*until))
			}
		case xml.EndElement:
			depth--
		case xml.CharData:
			if depth == 0 && strings.TrimSpace(strings.TrimPrefix(string(token), "\ufeff")) != "" {
				return nil, malformed("there is text outside of the root element")
			}
		}
	}
	if roots == 0 {
		return nil, malformed("there is no EntityDescriptor")
	}
	return validUntilUS, nil
}

// entityDescriptor checks the root of metadata.
func entityDescriptor(root xml.StartElement) (validUntil *time.Time, err error) {
	const metadata = "urn:oasis:names:tc:SAML:2.0:metadata"
	if root.Name.Local != "EntityDescriptor" || root.Name.Space != metadata {
		return nil, fmt.Errorf("the root element is %s, not EntityDescriptor of %s", root.Name.Local, metadata)
	}
	entityID := ""
	for _, a := range root.Attr {
		switch {
		case a.Name.Space != "":
		case a.Name.Local == "entityID":
			entityID = a.Value
		case a.Name.Local == "validUntil":
			t, err := time.Parse(time.RFC3339, a.Value)
			if err != nil {
				return nil, fmt.Errorf("validUntil %q is no time", a.Value)
			}
			validUntil = &t
		}
	}
	if entityID == "" {
		return nil, errors.New("the EntityDescriptor has no entityID")
	}
	return validUntil, nil
}

func (s *Service) gettingSAMLProvider(ctx context.Context, in *iamapi.GetSAMLProviderRequest) policy.Target {
	return s.onProvider(ctx, in.SAMLProviderArn)
}

// getSAMLProvider shows a provider with its metadata.
func (s *Service) getSAMLProvider(ctx context.Context, in *iamapi.GetSAMLProviderRequest) (*iamapi.GetSAMLProviderResponse, error) {
	if err := checkProviderARN("saml-provider", in.SAMLProviderArn); err != nil {
		return nil, err
	}
	out := &iamapi.GetSAMLProviderResponse{
		AssertionEncryptionMode: new(iamapi.AssertionEncryptionModeTypeAllowed), PrivateKeyList: []iamapi.SAMLPrivateKey{},
	}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		p, err := s.samlProvider(tx, account(ctx), in.SAMLProviderArn)
		if err != nil {
			return err
		}
		out.SAMLMetadataDocument, out.SAMLProviderUUID = &p.Document, &p.ID
		out.CreateDate, out.ValidUntil = date(p.CreatedUS), dateOrNil(p.ValidUntilUS)
		out.Tags, err = tagsOf(tx, p.arn())
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) listingSAMLProviders(ctx context.Context, _ *iamapi.ListSAMLProvidersRequest) policy.Target {
	return on(ctx, samlARN(account(ctx), "*"))
}

// listSAMLProviders lists the providers of the account, all at once.
func (s *Service) listSAMLProviders(ctx context.Context, _ *iamapi.ListSAMLProvidersRequest) (*iamapi.ListSAMLProvidersResponse, error) {
	out := &iamapi.ListSAMLProvidersResponse{SAMLProviderList: []iamapi.SAMLProviderListEntry{}}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		rows, err := store.All[samlProvider](tx, `SELECT account, name, id, '' AS document, created_us, valid_until_us
			FROM iam_saml_providers WHERE account = $1 ORDER BY name`, account(ctx))
		for i := range rows {
			p := &rows[i]
			out.SAMLProviderList = append(out.SAMLProviderList, iamapi.SAMLProviderListEntry{
				Arn: new(p.arn()), CreateDate: date(p.CreatedUS), ValidUntil: dateOrNil(p.ValidUntilUS),
			})
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) updatingSAMLProvider(ctx context.Context, in *iamapi.UpdateSAMLProviderRequest) policy.Target {
	return s.onProvider(ctx, in.SAMLProviderArn)
}

// updateSAMLProvider replaces the metadata of a provider.
func (s *Service) updateSAMLProvider(ctx context.Context, in *iamapi.UpdateSAMLProviderRequest) (*iamapi.UpdateSAMLProviderResponse, error) {
	err := errors.Join(checkProviderARN("saml-provider", in.SAMLProviderArn), refuseEncryption(in.AssertionEncryptionMode, in.AddPrivateKey != nil))
	if err != nil {
		return nil, err
	}
	var validUntil *int64
	if in.SAMLMetadataDocument != nil {
		if validUntil, err = s.readMetadata(*in.SAMLMetadataDocument); err != nil {
			return nil, err
		}
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.samlProvider(tx, account(ctx), in.SAMLProviderArn)
		if err != nil {
			return err
		}
		if in.RemovePrivateKey != nil {
			return noSuchEntity("The private key with id %s cannot be found.", *in.RemovePrivateKey)
		}
		if in.SAMLMetadataDocument == nil {
			return nil
		}
		_, err = tx.Exec(`UPDATE iam_saml_providers SET document = $2, valid_until_us = $3 WHERE id = $1`, p.ID, *in.SAMLMetadataDocument, validUntil)
		return errors.Join(err, s.changed(tx, p.Account))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.UpdateSAMLProviderResponse{SAMLProviderArn: &in.SAMLProviderArn}, nil
}

func (s *Service) deletingSAMLProvider(ctx context.Context, in *iamapi.DeleteSAMLProviderRequest) policy.Target {
	return s.onProvider(ctx, in.SAMLProviderArn)
}

// deleteSAMLProvider forgets a provider.
func (s *Service) deleteSAMLProvider(ctx context.Context, in *iamapi.DeleteSAMLProviderRequest) (*iamapi.DeleteSAMLProviderResponse, error) {
	if err := checkProviderARN("saml-provider", in.SAMLProviderArn); err != nil {
		return nil, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.samlProvider(tx, account(ctx), in.SAMLProviderArn)
		if err != nil {
			return err
		}
		_, err = tx.Exec(`DELETE FROM iam_saml_providers WHERE id = $1`, p.ID)
		return errors.Join(err, dropTags(tx, p.arn()), s.changed(tx, p.Account))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeleteSAMLProviderResponse{}, nil
}
