package sts

import (
	"context"
	"maps"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/stsapi"
)

// gettingFederationToken is what a policy must allow before GetFederationToken
// runs.
func (s *Service) gettingFederationToken(ctx context.Context, in *stsapi.GetFederationTokenRequest) policy.Target {
	keys := (&sessionTags{asked: in.Tags}).keys()
	return policy.Target{Resource: federatedARN(api.Caller(ctx).Account, in.Name), Context: keys}
}

func federatedARN(account, name string) string {
	return "arn:aws:sts::" + account + ":federated-user/" + name
}

// getFederationToken gives somebody whom a user, or root, vouches for a session
// that may do what both the user and the session policies may.
func (s *Service) getFederationToken(ctx context.Context, in *stsapi.GetFederationTokenRequest) (*stsapi.GetFederationTokenResponse, error) {
	if err := s.lasting(ctx, "GetFederationToken"); err != nil {
		return nil, err
	}
	tags, err := newSessionTags(in.Tags, nil, nil)
	if err != nil {
		return nil, err
	}
	who := api.Caller(ctx)
	on := policy.Target{Account: who.Account, Resource: federatedARN(who.Account, in.Name), Context: tags.keys()}
	if len(in.Tags) > 0 {
		if err := s.may(ctx, "sts:TagSession", on, nil); err != nil {
			return nil, err
		}
	}
	var l limits
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		l, err = s.newLimits(tx, who.Account, in.Policy, in.PolicyArns)
		return err
	})
	if err != nil {
		return nil, err
	}
	session := &Session{Kind: KindUser, ID: who.UserID, Name: userName(who.ARN), SessionName: in.Name, Policy: l.policy, PolicyARNs: l.arns}
	lasts := duration(in.DurationSeconds, userSession)
	if isRoot(who) {
		session.Kind, session.Name, lasts = KindRoot, "", min(duration(in.DurationSeconds, maxRootSession), maxRootSession)
	}
	session.Principal = policy.Principal{
		Type: policy.FederatedUser, Account: who.Account, ARN: on.Resource, Issuer: who.ARN, UserID: who.Account + ":" + in.Name, Tags: maps.Clone(tags.all),
	}
	made, err := s.issue(ctx, session, lasts, in.MinimumSessionTokenSize)
	if err != nil {
		return nil, err
	}
	return &stsapi.GetFederationTokenResponse{
		Credentials: made.credentials, FederatedUser: &stsapi.FederatedUser{Arn: session.Principal.ARN, FederatedUserId: session.Principal.UserID},
		PackedPolicySize: made.percent, SessionTokenSize: made.size, SessionTokenUtilization: made.used,
	}, nil
}
