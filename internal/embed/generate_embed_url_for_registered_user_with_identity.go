package embed

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
)

func (s *Service) generatingWithIdentity(ctx context.Context, in *qs.GenerateEmbedUrlForRegisteredUserWithIdentityRequest) policy.Target {
	return onUser(s.People.Vouched(ctx), in.AllowedDomains)
}

// generateWithIdentity makes the URL for the user for whom the caller's session
// acts: one that began with an identity context.
func (s *Service) generateWithIdentity(ctx context.Context, in *qs.GenerateEmbedUrlForRegisteredUserWithIdentityRequest) (*qs.GenerateEmbedUrlForRegisteredUserWithIdentityResponse, error) {
	user := s.People.Vouched(ctx)
	if user == "" {
		return nil, fault.Denied("The credentials are not those of an identity-enhanced role session: begin one with sts:AssumeRole and ProvidedContexts.")
	}
	url, err := s.forRegistered(ctx, in.AwsAccountId, user, in.AllowedDomains, in.ExperienceConfiguration, in.SessionLifetimeInMinutes)
	if err != nil {
		return nil, err
	}
	return &qs.GenerateEmbedUrlForRegisteredUserWithIdentityResponse{EmbedUrl: *url}, nil
}
