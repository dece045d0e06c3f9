package sts

import (
	"context"

	"onsight/internal/sts/idtoken"
	"onsight/internal/stsapi"
)

// AssumeRoleWithWebIdentity is the operation, for pages that sign in whoever
// brings a provider's token. What the model asks of the input has been checked.
func (s *Service) AssumeRoleWithWebIdentity(ctx context.Context, in *stsapi.AssumeRoleWithWebIdentityRequest) (*stsapi.AssumeRoleWithWebIdentityResponse, error) {
	return s.assumeRoleWithWebIdentity(ctx, in)
}

// Tokens checks tokens of identity providers, with the keys that this service
// has of them.
func (s *Service) Tokens() *idtoken.Verifier { return s.tokens }
