package sts

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/stsapi"
)

// getCallerIdentity says whose credentials have signed the call. Nobody can be
// denied that.
func (s *Service) getCallerIdentity(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
	who := api.Caller(ctx)
	return &stsapi.GetCallerIdentityResponse{Account: &who.Account, Arn: &who.ARN, UserId: &who.UserID}, nil
}
