package sts

import (
	"context"
	"errors"

	"onsight/internal/store"
	"onsight/internal/stsapi"
)

// getAccessKeyInfo gives the account of an access key, whoever's it is: a key
// that was found somewhere should be brought home.
func (s *Service) getAccessKeyInfo(ctx context.Context, in *stsapi.GetAccessKeyInfoRequest) (*stsapi.GetAccessKeyInfoResponse, error) {
	if err := s.permitted(ctx, "GetAccessKeyInfo"); err != nil {
		return nil, err
	}
	if account, ok := accountOf(in.AccessKeyId); ok {
		return &stsapi.GetAccessKeyInfoResponse{Account: &account}, nil
	}
	var account string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		account, err = s.directory.KeyAccount(tx, in.AccessKeyId)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, validationError("The access key %s does not exist.", in.AccessKeyId)
	}
	return &stsapi.GetAccessKeyInfoResponse{Account: &account}, err
}
