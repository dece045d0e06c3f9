package iam_test

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

func TestAccessKeys(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "Ana")
		newUser(t, srv, "bea")
		of := new("ana")
		made := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: of}).AccessKey
		if !regexp.MustCompile(`^AKIA[A-Z2-7]{16}$`).MatchString(made.AccessKeyId) || !regexp.MustCompile(`^[A-Za-z0-9+/]{40}$`).MatchString(made.SecretAccessKey.Reveal()) {
			t.Errorf("key %s, secret of %d characters", made.AccessKeyId, len(made.SecretAccessKey.Reveal()))
		}
		if made.UserName != "Ana" || made.Status != "Active" || made.CreateDate == nil {
			t.Errorf("made %+v", made)
		}
		do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: of})
		refused(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: of}, "LimitExceeded", "Cannot exceed quota for AccessKeysPerUser: 2")
		refused(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("carl")}, "NoSuchEntity", "The user with name carl cannot be found.")
		refused(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{}, "ValidationError", "Must specify userName when calling with non-User credentials")

		page := do(t, srv, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: of, MaxItems: new(int32(1))})
		rest := do(t, srv, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: of, Marker: page.Marker})
		if len(page.AccessKeyMetadata) != 1 || len(rest.AccessKeyMetadata) != 1 || *page.AccessKeyMetadata[0].AccessKeyId == *rest.AccessKeyMetadata[0].AccessKeyId {
			t.Errorf("keys in pages of one: %+v, %+v", page, rest)
		}
		refused(t, srv, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: new("bea"), Marker: page.Marker}, "ValidationError", "Invalid Marker.")

		// A key of one user is none of another's.
		id := made.AccessKeyId
		for _, name := range []string{"bea"} {
			refused(t, srv, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{UserName: &name, AccessKeyId: id}, "NoSuchEntity", "The Access Key with id "+id+" cannot be found.")
			refused(t, srv, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: &name, AccessKeyId: id, Status: "Inactive"}, "NoSuchEntity", id)
		}
		refused(t, srv, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: of, AccessKeyId: id, Status: "Expired"}, "InvalidInput", "Expired")

		ana := srv.With(id, made.SecretAccessKey.Reveal(), "")
		allow(t, srv, "ana", `{"Effect":"Allow","Action":"iam:*AccessKey*","Resource":"arn:aws:iam::*:user/${aws:username}"}`)
		if keys := do(t, ana, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{}).AccessKeyMetadata; len(keys) != 2 || *keys[0].UserName != "Ana" {
			t.Errorf("ana's own keys: %+v", keys)
		}
		do(t, srv, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: of, AccessKeyId: id, Status: "Inactive"})
		refused(t, ana, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{}, "InvalidClientTokenId", "The security token included in the request is invalid.")
		do(t, srv, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: of, AccessKeyId: id, Status: "Active"})
		refused(t, ana, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: new("bea")}, "AccessDenied", "user/bea")
		do(t, ana, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{AccessKeyId: id})
		refused(t, ana, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{}, "InvalidClientTokenId", "")
		refused(t, srv, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{UserName: of, AccessKeyId: id}, "NoSuchEntity", id)
	})
}

func TestAccessKeyLastUsed(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
		ask := iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: key.AccessKeyId}
		before := do(t, srv, iamapi.GetAccessKeyLastUsed, ask)
		if u := before.AccessKeyLastUsed; *before.UserName != "ana" || u.LastUsedDate != nil || u.Region != "N/A" || u.ServiceName != "N/A" {
			t.Errorf("before the first use: %+v", before.AccessKeyLastUsed)
		}
		ana := srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		refused(t, ana, iamapi.GetAccessKeyLastUsed, ask, "AccessDenied", "on resource: arn:aws:iam::111122223333:user/ana")
		after := do(t, srv, iamapi.GetAccessKeyLastUsed, ask).AccessKeyLastUsed
		if after.LastUsedDate == nil || after.Region != "us-east-1" || after.ServiceName != "iam" {
			t.Errorf("after a use: %+v", after)
		}
		refused(t, srv, iamapi.GetAccessKeyLastUsed, iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: "AKIAAAAAAAAAAAAAAAAA"}, "NoSuchEntity", "AKIAAAAAAAAAAAAAAAAA")
		refused(t, srv.As(t, "444455556666"), iamapi.GetAccessKeyLastUsed, ask, "NoSuchEntity", key.AccessKeyId)
	})
}

// TestAccessKeysAtOnce makes keys from many sides: there are never three.
func TestAccessKeysAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		var all sync.WaitGroup
		var mu sync.Mutex
		made := 0
		for range 12 {
			all.Go(func() {
				_, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					made++
				case fault.Of(err).Code != "LimitExceeded":
					t.Errorf("create: %v", err)
				}
			})
		}
		all.Wait()
		keys := do(t, srv, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: new("ana")}).AccessKeyMetadata
		if made != 2 || len(keys) != 2 {
			t.Errorf("%d keys were made, and %d are there", made, len(keys))
		}
	})
}

// TestSecretsAreSealed looks for a secret where it must not be.
func TestSecretsAreSealed(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
		secret := []byte(key.SecretAccessKey.Reveal())
		if strings.Contains(srv.Log.String(), string(secret)) {
			t.Error("the log has the secret")
		}
		if srv.Store().Dir == "" {
			db, err := store.Open(t.Context(), srv.Store())
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = db.Close() }()
			var sealed []byte
			err = db.Read(t.Context(), func(tx *store.Tx) (err error) {
				row, err := store.One[struct {
					Secret []byte `db:"secret"`
				}](tx, `SELECT secret FROM iam_access_keys WHERE id = $1`, key.AccessKeyId)
				sealed = row.Secret
				return err
			})
			if err != nil || len(sealed) == 0 || bytes.Contains(sealed, secret) {
				t.Errorf("the database keeps %d bytes, the secret among them, or %v", len(sealed), err)
			}
			return
		}
		found := 0
		err := filepath.WalkDir(srv.Store().Dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			if bytes.Contains(b, secret) {
				t.Errorf("%s has the secret", path)
			}
			if bytes.Contains(b, []byte(key.AccessKeyId)) {
				found++
			}
			return err
		})
		if err != nil || found == 0 {
			t.Errorf("%d files have the key's id, so this looks in the wrong place; %v", found, err)
		}
	})
}
