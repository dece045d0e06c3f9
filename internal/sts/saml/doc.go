// Package saml reads and verifies responses of SAML 2.0 identity providers, as
// they come by the HTTP POST binding.
//
//	provider, err := saml.ReadMetadata(document)
//	response, err := saml.Parse(posted)
//	assertion, err := response.Verify(provider, saml.Terms{Now: now, Audiences: …, Recipients: …})
//
// # What is believed
//
// What an Assertion tells was read from the very bytes that a signature of the
// provider covers, and from nothing else: goxmldsig gives them back, and they
// are parsed anew. A document that leaves any doubt which element is signed is
// refused before its signature is looked at: it has one Assertion, signatures
// at their places only, each id once, no document type, no comment, no
// processing instruction, and survives being parsed and written unchanged.
//
// Keys come from the provider's metadata. Those that a response brings along
// are not looked at.
package saml
