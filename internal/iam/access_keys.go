package iam

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"errors"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) accessKeyRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.CreateAccessKey, s.creatingAccessKey, s.createAccessKey),
		api.Handle(iamapi.ListAccessKeys, s.listingAccessKeys, s.listAccessKeys),
		api.Handle(iamapi.UpdateAccessKey, s.updatingAccessKey, s.updateAccessKey),
		api.Handle(iamapi.DeleteAccessKey, s.deletingAccessKey, s.deleteAccessKey),
		api.Handle(iamapi.GetAccessKeyLastUsed, s.gettingLastUsed, s.getLastUsed),
	}
}

// accessKey is a row of the table iam_access_keys.
type accessKey struct {
	ID              string  `db:"id"`
	Account         string  `db:"account"`
	UserID          string  `db:"user_id"`
	Secret          []byte  `db:"secret"`
	Status          string  `db:"status"`
	CreatedUS       int64   `db:"created_us"`
	LastUsedUS      *int64  `db:"last_used_us"`
	LastUsedService *string `db:"last_used_service"`
	LastUsedRegion  *string `db:"last_used_region"`
}

const accessKeyColumns = `id, account, user_id, secret, status, created_us, last_used_us, last_used_service, last_used_region`

func (s *Service) creatingAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyRequest) policy.Target {
	return s.onUserOrCaller(ctx, in.UserName)
}

// createAccessKey makes an access key. Its secret is in this answer, and in no
// other ever after.
func (s *Service) createAccessKey(ctx context.Context, in *iamapi.CreateAccessKeyRequest) (*iamapi.CreateAccessKeyResponse, error) {
	secret := newSecret()
	k := accessKey{
		ID: newAccessKeyID(), Account: account(ctx), Status: string(iamapi.StatusTypeActive), CreatedUS: store.Micros(s.now()),
	}
	k.Secret = s.keys.Seal([]byte(secret.Reveal()), SecretContext(k.ID))
	var out *iamapi.CreateAccessKeyResponse
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := s.userOrCaller(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		out = &iamapi.CreateAccessKeyResponse{AccessKey: &iamapi.AccessKey{
			AccessKeyId: k.ID, SecretAccessKey: secret, Status: iamapi.StatusTypeActive, CreateDate: date(k.CreatedUS), UserName: u.Name,
		}}
		api.Result(ctx, out)
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_access_keys WHERE user_id = $1`, u.ID)
		if err != nil {
			return err
		}
		if n >= int64(s.quotas.AccessKeysPerUser) {
			return limitExceeded("AccessKeysPerUser: %d", s.quotas.AccessKeysPerUser)
		}
		k.UserID = u.ID
		if err := store.Insert(tx, "iam_access_keys", k); err != nil {
			return err
		}
		return s.changed(tx, u.Account)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// newSecret makes a secret access key: 40 characters that stand for 30 random bytes.
func newSecret() contract.Secret {
	var b [30]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return contract.Secret(base64.StdEncoding.EncodeToString(b[:]))
}

func (s *Service) listingAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysRequest) policy.Target {
	return s.onUserOrCaller(ctx, in.UserName)
}

func (s *Service) listAccessKeys(ctx context.Context, in *iamapi.ListAccessKeysRequest) (*iamapi.ListAccessKeysResponse, error) {
	out := &iamapi.ListAccessKeysResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		u, err := s.userOrCaller(ctx, tx, in.UserName)
		if err != nil {
			return err
		}
		l, err := s.listing(in.Marker, in.MaxItems, "ListAccessKeys", u.ID)
		if err != nil {
			return err
		}
		rows, err := store.All[accessKey](tx, `SELECT `+accessKeyColumns+` FROM iam_access_keys
			WHERE user_id = $1 AND id > $2 ORDER BY id LIMIT $3`, u.ID, l.after(), l.rows())
		rows, out.IsTruncated, out.Marker = cut(l, rows, func(k *accessKey) []string { return []string{k.ID} })
		out.AccessKeyMetadata = make([]iamapi.AccessKeyMetadata, len(rows))
		for i, k := range rows {
			out.AccessKeyMetadata[i] = iamapi.AccessKeyMetadata{
				AccessKeyId: &k.ID, CreateDate: date(k.CreatedUS), Status: new(iamapi.StatusType(k.Status)), UserName: &u.Name,
			}
		}
		return err
	})
	return out, err
}

func (s *Service) updatingAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyRequest) policy.Target {
	return s.onUserOrCaller(ctx, in.UserName)
}

// updateAccessKey makes a key of a user usable or not.
func (s *Service) updateAccessKey(ctx context.Context, in *iamapi.UpdateAccessKeyRequest) (*iamapi.UpdateAccessKeyResponse, error) {
	if in.Status != iamapi.StatusTypeActive && in.Status != iamapi.StatusTypeInactive {
		return nil, invalidInput("The status of an access key can be set to Active or to Inactive, not to %s.", in.Status)
	}
	return &iamapi.UpdateAccessKeyResponse{}, s.changeKey(ctx, in.UserName, in.AccessKeyId,
		`UPDATE iam_access_keys SET status = $3 WHERE id = $1 AND user_id = $2`, in.Status)
}

func (s *Service) deletingAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyRequest) policy.Target {
	return s.onUserOrCaller(ctx, in.UserName)
}

func (s *Service) deleteAccessKey(ctx context.Context, in *iamapi.DeleteAccessKeyRequest) (*iamapi.DeleteAccessKeyResponse, error) {
	return &iamapi.DeleteAccessKeyResponse{}, s.changeKey(ctx, in.UserName, in.AccessKeyId,
		`DELETE FROM iam_access_keys WHERE id = $1 AND user_id = $2`)
}

// changeKey runs a statement on the key, $1, of a user, $2.
func (s *Service) changeKey(ctx context.Context, userName *string, id, statement string, more ...any) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		u, err := s.userOrCaller(ctx, tx, userName)
		if err != nil {
			return err
		}
		n, err := tx.Exec(statement, append([]any{id, u.ID}, more...)...)
		if err != nil {
			return err
		}
		if n == 0 {
			return noAccessKey(id)
		}
		return s.changed(tx, u.Account)
	})
}

func noAccessKey(id string) error {
	return noSuchEntity("The Access Key with id %s cannot be found.", id)
}

// gettingLastUsed is about the user of the key. What is no key of the account
// is of nobody in particular.
func (s *Service) gettingLastUsed(ctx context.Context, in *iamapi.GetAccessKeyLastUsedRequest) policy.Target {
	var u user
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		u, err = keyHolder(tx, account(ctx), in.AccessKeyId)
		return err
	})
	t, _ := target(ctx, err, u.arn(), "*")
	return t
}

// getLastUsed shows when a key was used, to the minute: uses are noted
// together (Used).
func (s *Service) getLastUsed(ctx context.Context, in *iamapi.GetAccessKeyLastUsedRequest) (*iamapi.GetAccessKeyLastUsedResponse, error) {
	out := &iamapi.GetAccessKeyLastUsedResponse{AccessKeyLastUsed: &iamapi.AccessKeyLastUsed{ServiceName: "N/A", Region: "N/A"}}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		u, err := keyHolder(tx, account(ctx), in.AccessKeyId)
		if err != nil {
			return err
		}
		out.UserName = &u.Name
		k, err := store.One[accessKey](tx, `SELECT `+accessKeyColumns+` FROM iam_access_keys WHERE id = $1`, in.AccessKeyId)
		if k.LastUsedUS != nil {
			*out.AccessKeyLastUsed = iamapi.AccessKeyLastUsed{
				LastUsedDate: date(*k.LastUsedUS), ServiceName: value(k.LastUsedService), Region: value(k.LastUsedRegion),
			}
		}
		return err
	})
	if u, ok := s.lastUse(in.AccessKeyId); ok {
		*out.AccessKeyLastUsed = iamapi.AccessKeyLastUsed{LastUsedDate: date(u.us), ServiceName: u.Service, Region: u.Region}
	}
	return out, err
}

// keyHolder reads the user whose key it is; NoSuchEntity when the account has
// no such key.
func keyHolder(tx *store.Tx, account, keyID string) (user, error) {
	u, err := store.One[user](tx, `SELECT u.account, u.name_key, u.name, u.path, u.id, u.boundary, u.created_us
		FROM iam_access_keys k JOIN iam_users u ON u.id = k.user_id WHERE k.id = $1 AND k.account = $2`, keyID, account)
	if errors.Is(err, store.ErrNotFound) {
		return u, noAccessKey(keyID)
	}
	return u, err
}
