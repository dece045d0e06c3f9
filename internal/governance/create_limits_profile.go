package governance

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creatingProfile(ctx context.Context, in *qs.CreateLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, "*")
}

// createLimitsProfile makes a profile that nobody is assigned to. A repeated
// client token is answered with what it made the first time.
func (s *Service) createLimitsProfile(ctx context.Context, in *qs.CreateLimitsProfileRequest) (*qs.CreateLimitsProfileResponse, error) {
	if err := checkLimits(in.ResourceLimits); err != nil {
		return nil, err
	}
	request, err := digest([]any{in.ProfileName, in.Description, in.ResourceLimits})
	if err != nil {
		return nil, err
	}
	id := newProfileID()
	out := &qs.CreateLimitsProfileResponse{}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AccountId); err != nil {
			return err
		}
		it := &resource.Item[profile]{Key: key(ctx, in.AccountId, id), Name: in.ProfileName, Doc: profile{in.Description, in.ResourceLimits}}
		made, err := repeated(tx, in.AccountId, in.ClientToken, request)
		if err != nil {
			return err
		}
		if made != "" {
			out.Arn, out.ProfileId = profiles.ARN(key(ctx, in.AccountId, made)), made
			return nil
		}
		if err := nameFree(tx, it.Key, it.Name); err != nil {
			return err
		}
		if err := create(tx, profiles, it, maxProfiles, s.now()); err != nil {
			return conflicting(err)
		}
		out.Arn, out.ProfileId = it.ARN, it.ID
		api.Result(ctx, out)
		_, err = tx.Exec(`INSERT INTO limits_tokens (account, token, profile, request) VALUES ($1, $2, $3, $4)`, it.Account, in.ClientToken, it.ID, request)
		return err
	})
	if err != nil {
		return nil, err
	}
	note(ctx, out.Arn)
	return out, nil
}

// newProfileID is lp- and a random UUID.
func newProfileID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return "lp-" + h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
