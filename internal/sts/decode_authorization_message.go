package sts

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/denial"
	"onsight/internal/fault"
	"onsight/internal/stsapi"
)

// decodeAuthorizationMessage opens the message that went with a refusal to a
// principal of the caller's account.
func (s *Service) decodeAuthorizationMessage(ctx context.Context, in *stsapi.DecodeAuthorizationMessageRequest) (*stsapi.DecodeAuthorizationMessageResponse, error) {
	if err := s.permitted(ctx, "DecodeAuthorizationMessage"); err != nil {
		return nil, err
	}
	text, err := denial.Decode(s.keys, api.Caller(ctx).Account, in.EncodedMessage)
	if err != nil {
		return nil, fault.New(stsapi.ErrInvalidAuthorizationMessage, "The authorization message is not valid.")
	}
	return &stsapi.DecodeAuthorizationMessageResponse{DecodedMessage: &text}, nil
}
