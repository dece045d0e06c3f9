package brand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// A Fetcher reads images from elsewhere.
type Fetcher interface {
	// Fetch reads what is at an https:// or s3:// address, limit bytes at most.
	// A Rejection says that it never will be readable; it is shown to whoever
	// asks for the brand. Any other error is one of the moment, and Fetch is
	// asked again.
	Fetch(ctx context.Context, address string, limit int64) ([]byte, error)
}

// jobFetch fetches the images of a version; its key is the ARN of the brand, a
// slash and the version.
const jobFetch = "brand.fetch"

// maxAttempts is how often a fetch that ends neither way is tried.
const maxAttempts = 5

type task struct {
	resource.Key
	Version string
}

func addFetch(tx *store.Tx, k resource.Key, version string, now time.Time) error {
	return job.Add(tx, jobFetch, brands.ARN(k)+"/"+version, task{Key: k, Version: version}, now)
}

// FetchPending leaves a job for each version with images that were not fetched,
// because the server had no Fetcher when they were named. It is called when a
// server starts.
func (s *Service) FetchPending(ctx context.Context) error {
	if s.fetcher == nil {
		return nil
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		waiting, err := store.All[struct {
			Account string `db:"account"`
			Region  string `db:"region"`
			Brand   string `db:"brand"`
			Version string `db:"version"`
		}](tx, `SELECT v.account, r.region, v.brand, v.version FROM brand_versions v
			JOIN resources r ON r.account = v.account AND r.kind = $1 AND r.id = v.brand
			WHERE v.pending AND v.status <> $2 ORDER BY v.account, v.brand, v.number`, brands.Name, inProgress)
		if err != nil {
			return err
		}
		for _, w := range waiting {
			if err := addFetch(tx, resource.Key{Account: w.Account, Region: w.Region, ID: w.Brand}, w.Version, s.now()); err != nil {
				return err
			}
		}
		return nil
	})
}

// fetch is the job. It may run again at any point: it asks first whether there
// is still something to do.
func (s *Service) fetch(ctx context.Context, j job.Job) error {
	var t task
	if err := j.Decode(&t); err != nil {
		return err
	}
	var v *version
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		v, err = pending(tx, t)
		return err
	})
	if err != nil || v == nil {
		return err
	}
	images, verdict, err := s.fetchAll(ctx, v)
	if err != nil {
		if j.Attempts < maxAttempts || ctx.Err() != nil {
			return err
		}
		s.log.ErrorContext(ctx, "an image of a brand can't be fetched", "brand", brands.ARN(t.Key), "cause", err)
		verdict = &Rejection{Reason: "An image couldn't be fetched. Update the brand to try again."}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		v, err := pending(tx, t)
		if err != nil || v == nil {
			return err
		}
		return s.end(tx, t, v, images, verdict)
	})
}

// fetchAll fetches and checks the images of a version that are elsewhere.
func (s *Service) fetchAll(ctx context.Context, v *version) (images []image, verdict *Rejection, err error) {
	if s.fetcher == nil {
		return nil, nil, errors.New("this server fetches nothing")
	}
	var d qs.BrandDefinition
	if err := json.Unmarshal([]byte(v.Definition), &d); err != nil {
		return nil, nil, fmt.Errorf("definition of version %s: %w", v.Version, err)
	}
	for _, source := range sources(&d) {
		address := source.address()
		if address == "" {
			continue
		}
		data, err := s.fetcher.Fetch(ctx, address, maxImage+1)
		var all []image
		if err == nil {
			all, err = check(source.name, data)
		}
		if errors.As(err, &verdict) {
			return nil, &Rejection{Reason: fmt.Sprintf("LogoConfiguration.LogoSet.%s can't be used: %s", source.member(), verdict.Reason)}, nil
		}
		if err != nil {
			return nil, nil, err
		}
		images = append(images, all...)
	}
	return images, nil, nil
}

// end ends a fetch. A version that was taken before there was a Fetcher stays
// what it is when there is nothing to fetch: it may be worn already.
func (s *Service) end(tx *store.Tx, t task, v *version, images []image, verdict *Rejection) error {
	problems := []string{}
	if verdict != nil {
		problems, images = append(problems, verdict.Reason), nil
	}
	text, err := json.Marshal(problems)
	if err != nil {
		return err
	}
	began := v.Status == inProgress
	if began {
		v.Status = succeeded
		if verdict != nil {
			v.Status = failed
		}
	}
	_, err = tx.Exec(`UPDATE brand_versions SET status = $4, pending = $5, errors = $6 WHERE account = $1 AND brand = $2 AND version = $3`,
		v.Account, v.Brand, v.Version, v.Status, false, string(text))
	if err != nil {
		return err
	}
	if err := addImages(tx, *v, images); err != nil {
		return err
	}
	s.themes.changed(tx, v.Account)
	_, err = brands.Update(tx, t.Key, s.now(), func(it *item) error {
		if began && (it.Status == inProgress || it.Status == failed && v.Status == succeeded) {
			it.Status = v.Status
		}
		return nil
	})
	return err
}

// pending reads the version that a job is for. It is nil when nothing waits for
// the job any more.
func pending(tx *store.Tx, t task) (*version, error) {
	v, err := findVersion(tx, t.Account, t.ID, t.Version)
	if err != nil {
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
			return nil, nil
		}
		return nil, err
	}
	if !v.Pending {
		return nil, nil
	}
	return &v, nil
}
