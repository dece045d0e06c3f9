package sts

import (
	"context"
	"time"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/stsapi"
)

// issued are the credentials of a new session and what is told with them.
type issued struct {
	credentials *stsapi.Credentials
	// percent is how full the policies and tags are; nil where there are none.
	percent *int32
	// size is the length of the token, and used how much of the longest it is,
	// in percent.
	size, used *int32
}

// issue begins a session, whose principal and limits are set, for a time. The
// token has at least as many characters as the caller asked for.
func (s *Service) issue(ctx context.Context, session *Session, lasts time.Duration, atLeast *int32) (issued, error) {
	percent, err := packed(session)
	if err != nil {
		return issued{}, err
	}
	session.AccessKeyID = newAccessKeyID(session.Principal.Account)
	session.Secret = contract.Secret(newSecret())
	session.Issued = s.now().UTC().Truncate(time.Second)
	session.Expires = session.Issued.Add(lasts)
	least := 0
	if atLeast != nil {
		least = int(*atLeast)
	}
	token := s.seal(session, least)
	if len(token) > maxToken && least < maxToken {
		return issued{}, tooLarge(session, (100*len(token)+maxToken-1)/maxToken)
	}
	api.Note(ctx, "session", session.Principal.ARN)
	api.Note(ctx, "key", session.AccessKeyID)
	return issued{
		credentials: &stsapi.Credentials{AccessKeyId: session.AccessKeyID, SecretAccessKey: session.Secret, SessionToken: token, Expiration: &session.Expires},
		percent:     percent,
		size:        new(int32(len(token))), used: new(int32((100*len(token) + maxToken - 1) / maxToken)),
	}, nil
}

// duration is how long a session is to last.
func duration(seconds *int32, otherwise time.Duration) time.Duration {
	if seconds == nil {
		return otherwise
	}
	return time.Duration(*seconds) * time.Second
}
