package action

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Key says which connector is meant.
type Key = resource.Key

func keyOfARN(name string) (Key, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return Key{}, err
	}
	_, id := a.Split()
	return Key{Account: a.Account, Region: a.Region, ID: id}, nil
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// jobRevoke revokes a token at a service (RFC 7009); its key is the row's id.
const jobRevoke = "connector.revoke"

// maxRevokes is how often that is tried.
const maxRevokes = 6

func addRevoke(tx *store.Tx, id string, now time.Time) error {
	return job.Add(tx, jobRevoke, id, nil, now)
}

// revoke is the job.
func (s *Service) revoke(ctx context.Context, j job.Job) error {
	var v revocation
	var client *outbound.Client
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		sealed, err := store.One[[]byte](tx, `SELECT sealed FROM connector_revocations WHERE id = $1`, j.Key)
		if err != nil {
			return err
		}
		text, err := s.Keys.Open(sealed, "connector_revocations\x00"+j.Key)
		if err != nil {
			return err
		}
		if err := json.Unmarshal(text, &v); err != nil {
			return err
		}
		client, _, err = s.client(tx, v.VPC)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err == nil {
		err = v.send(ctx, client)
	}
	if err != nil && j.Attempts < maxRevokes {
		return err
	}
	if err != nil {
		s.Log.WarnContext(ctx, "a token could not be revoked; it ends by itself", "error", err.Error())
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM connector_revocations WHERE id = $1`, j.Key)
		return err
	})
}

// send asks the service to revoke the token.
func (v *revocation) send(ctx context.Context, client *outbound.Client) error {
	form := url.Values{"token": {v.Token}, "token_type_hint": {v.Hint}}
	header := v.Style != inBody && v.Secret != ""
	if !header {
		form.Set("client_id", v.ClientID)
		if v.Secret != "" {
			form.Set("client_secret", v.Secret)
		}
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, v.Endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return errors.New("the revocation endpoint has no valid URL")
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if header {
		r.SetBasicAuth(url.QueryEscape(v.ClientID), url.QueryEscape(v.Secret))
	}
	res, err := client.With(tokenLimits).HTTP().Do(r)
	if err != nil {
		return errors.New("the revocation endpoint can't be reached: " + outboundReason(err))
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode == http.StatusTooManyRequests || res.StatusCode >= http.StatusInternalServerError {
		return errors.New("the revocation endpoint answers " + res.Status)
	}
	return nil // what is no token there any more is as good as revoked
}
