package identity

import (
	"net/url"

	"onsight/internal/fault"
)

// The provider URL that stands for Amazon Cognito.
const cognitoURL = "cognito-identity.amazonaws.com"

// setLogin links a user to an identity at a federation provider, or, with NONE
// on an update, unlinks it. Nothing given changes nothing.
func setLogin(u *user, kind, providerURL, id *string, update bool) error {
	bad := func(format string, args ...any) error {
		return fault.Invalid(format+" %s", append(args, tail(u.Account, u.Namespace))...)
	}
	if kind == nil {
		switch {
		case providerURL != nil:
			return bad("CustomFederationProviderUrl needs ExternalLoginFederationProviderType CUSTOM_OIDC.")
		case id != nil && u.LoginType == nil:
			return bad("ExternalLoginId needs an ExternalLoginFederationProviderType.")
		case id != nil:
			u.LoginID = id
		}
		return nil
	}
	switch *kind {
	case "COGNITO":
		if providerURL != nil {
			return bad("CustomFederationProviderUrl is not applicable to ExternalLoginFederationProviderType COGNITO.")
		}
		providerURL = new(cognitoURL)
	case "CUSTOM_OIDC":
		if value(providerURL) == "" {
			return bad("ExternalLoginFederationProviderType CUSTOM_OIDC needs a CustomFederationProviderUrl.")
		}
		if p, err := url.Parse(*providerURL); err != nil || p.Scheme != "https" || p.Host == "" || p.User != nil || p.Fragment != "" {
			return bad("CustomFederationProviderUrl must be an https URL, such as https://login.example.org.")
		}
	case "NONE":
		if !update {
			return bad("ExternalLoginFederationProviderType NONE is for UpdateUser only: use COGNITO or CUSTOM_OIDC.")
		}
		if providerURL != nil || id != nil {
			return bad("ExternalLoginFederationProviderType NONE removes the external login: leave out CustomFederationProviderUrl and ExternalLoginId.")
		}
		u.LoginType, u.LoginURL, u.LoginID = nil, nil, nil
		return nil
	default:
		return bad("ExternalLoginFederationProviderType %q is not one of COGNITO, CUSTOM_OIDC, NONE.", *kind)
	}
	// An id names someone at one provider, and no one at another.
	sameProvider := u.LoginURL != nil && *u.LoginURL == *providerURL
	u.LoginType, u.LoginURL = kind, providerURL
	if id != nil || !sameProvider {
		u.LoginID = id
	}
	return nil
}
