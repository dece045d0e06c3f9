package sts

import (
	"context"
	"time"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/stsapi"
)

// The lives of sessions of users, and the longest of root's.
const (
	userSession    = 12 * time.Hour
	maxRootSession = time.Hour
)

// getSessionToken gives a user, or root, credentials that end. No policy is
// asked: who they are for can do as much already.
func (s *Service) getSessionToken(ctx context.Context, in *stsapi.GetSessionTokenRequest) (*stsapi.GetSessionTokenResponse, error) {
	if err := s.lasting(ctx, "GetSessionToken"); err != nil {
		return nil, err
	}
	if err := noMFA(in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	who := api.Caller(ctx)
	lasts := duration(in.DurationSeconds, userSession)
	session := &Session{Kind: KindUser, ID: who.UserID, Name: userName(who.ARN)}
	session.Principal = policy.Principal{Type: policy.User, Account: who.Account, ARN: who.ARN, UserID: who.UserID, UserName: session.Name}
	if isRoot(who) {
		session.Kind, session.Name, lasts = KindRoot, "", min(duration(in.DurationSeconds, maxRootSession), maxRootSession)
		session.Principal.Type, session.Principal.UserName = policy.Root, ""
	}
	made, err := s.issue(ctx, session, lasts, in.MinimumSessionTokenSize)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetSessionTokenResponse{Credentials: made.credentials, SessionTokenSize: made.size, SessionTokenUtilization: made.used}, nil
}
