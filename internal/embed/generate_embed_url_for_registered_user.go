package embed

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
)

func (s *Service) generating(_ context.Context, in *qs.GenerateEmbedUrlForRegisteredUserRequest) policy.Target {
	return onUser(in.UserArn, in.AllowedDomains)
}

// generate makes the URL with which the user of an ARN comes into a frame.
func (s *Service) generate(ctx context.Context, in *qs.GenerateEmbedUrlForRegisteredUserRequest) (*qs.GenerateEmbedUrlForRegisteredUserResponse, error) {
	url, err := s.forRegistered(ctx, in.AwsAccountId, in.UserArn, in.AllowedDomains, in.ExperienceConfiguration, in.SessionLifetimeInMinutes)
	if err != nil {
		return nil, err
	}
	return &qs.GenerateEmbedUrlForRegisteredUserResponse{EmbedUrl: *url}, nil
}
