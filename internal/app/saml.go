package app

import (
	"slices"
	"strings"

	"onsight/internal/config"
	"onsight/internal/sts"
)

// samlTerms says which SAML assertions are for this server: unless the settings
// say otherwise, those that are made for it, and those that identity providers
// make for AWS, as they are set up already.
func samlTerms(c config.Config) sts.SAML {
	var own []string
	for u := range strings.SplitSeq(c.SAMLAddresses, ",") {
		if u = strings.TrimSpace(u); u != "" {
			own = append(own, u)
		}
	}
	if len(own) > 0 {
		return sts.SAML{Audiences: own, Recipients: own}
	}
	own = []string{c.PublicURL + "/saml", "https://signin.aws.amazon.com/saml", "https://" + c.Region + ".signin.aws.amazon.com/saml"}
	// The entity ID in the metadata of AWS, by which some providers call it.
	return sts.SAML{Audiences: append(slices.Clip(own), "urn:amazon:webservices"), Recipients: own}
}
