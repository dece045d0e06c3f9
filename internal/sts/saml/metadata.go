package saml

import (
	"crypto/ecdsa"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"strings"
	"time"
)

// A Provider is what the metadata of an identity provider tells.
type Provider struct {
	// EntityID is what the provider calls itself.
	EntityID string
	// ValidUntil is when the metadata ends; zero for never.
	ValidUntil time.Time

	keys []*x509.Certificate
	weak bool // some key is too weak to be used
}

// maxKeys is how many certificates of a provider are tried: the one in use,
// the one to come, and those of several servers.
const maxKeys = 10

// leastRSA and mostRSA are the lengths of RSA keys that are used, in bits.
const (
	leastRSA = 2048
	mostRSA  = 8192
)

// ReadMetadata reads the metadata of an identity provider (OASIS
// saml-metadata-2.0-os, 2.4.3). Its certificates are only carriers of keys:
// who signed them and until when they are good is not evaluated, as IAM does
// not.
func ReadMetadata(document string) (*Provider, error) {
	if len(document) > maxMetadata {
		return nil, malformed("it is too long")
	}
	d, err := parseMetadata(document)
	if err != nil {
		return nil, err
	}
	root := d.Root()
	if !is(root, nsMetadata, "EntityDescriptor") {
		return nil, malformed("the root element is not EntityDescriptor")
	}
	p := &Provider{EntityID: attr(root, "entityID")}
	if until := attr(root, "validUntil"); until != "" {
		if p.ValidUntil, err = time.Parse(time.RFC3339, until); err != nil {
			return nil, malformed("validUntil is no time")
		}
	}
	for _, role := range children(root, nsMetadata, "IDPSSODescriptor") {
		for _, key := range children(role, nsMetadata, "KeyDescriptor") {
			if use := attr(key, "use"); use != "" && use != "signing" {
				continue
			}
			for _, info := range children(key, nsSignature, "KeyInfo") {
				for _, data := range children(info, nsSignature, "X509Data") {
					for _, c := range children(data, nsSignature, "X509Certificate") {
						p.add(c.Text())
					}
				}
			}
		}
	}
	return p, nil
}

func (p *Provider) add(encoded string) {
	raw, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(encoded), ""))
	if err != nil {
		return
	}
	cert, err := x509.ParseCertificate(raw)
	if err != nil || len(p.keys) >= maxKeys {
		return
	}
	switch key := cert.PublicKey.(type) {
	case *rsa.PublicKey:
		if n := key.N.BitLen(); n < leastRSA || n > mostRSA {
			p.weak = true
			return
		}
	case *ecdsa.PublicKey:
		if key.Curve.Params().BitSize < 256 {
			p.weak = true
			return
		}
	default:
		return
	}
	p.keys = append(p.keys, cert)
}
