package brand

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

const (
	// maxBrands is how many brands an account may have.
	maxBrands = 100
	// maxVersions is how many versions a brand keeps: the published one, and
	// the newest.
	maxVersions = 50
)

// version is a row of the table brand_versions.
type version struct {
	Account    string `db:"account"`
	Brand      string `db:"brand"`
	Version    string `db:"version"`
	Number     int64  `db:"number"`
	Status     string `db:"status"`
	Pending    bool   `db:"pending"`
	Errors     string `db:"errors"`
	Definition string `db:"definition"`
	CreatedUS  int64  `db:"created_us"`
}

const versionColumns = `account, brand, version, number, status, pending, errors, definition, created_us`

// picture is a row of the table brand_images.
type picture struct {
	Account   string `db:"account"`
	Brand     string `db:"brand"`
	Version   string `db:"version"`
	Image     string `db:"image"`
	MediaType string `db:"media_type"`
	Digest    string `db:"digest"`
	Data      []byte `db:"data"`
}

// newVersionID is a random UUID: whoever does not know it cannot ask for the
// images of a version that is not published.
func newVersionID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	h := hex.EncodeToString(b[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

func noVersion(brand, id string) error {
	return fault.NotFound("", "Version %s of brand %s can't be found.", id, brand)
}

func findVersion(tx *store.Tx, account, brand, id string) (version, error) {
	v, err := store.One[version](tx, `SELECT `+versionColumns+` FROM brand_versions WHERE account = $1 AND brand = $2 AND version = $3`,
		account, brand, id)
	if errors.Is(err, store.ErrNotFound) {
		return v, noVersion(brand, id)
	}
	return v, err
}

// addVersion stores a version with the images that are there, and forgets the
// oldest ones where there are too many.
func addVersion(tx *store.Tx, it *item, v version, images []image) error {
	if err := store.Insert(tx, "brand_versions", v); err != nil {
		return err
	}
	if err := addImages(tx, v, images); err != nil {
		return err
	}
	old, err := store.All[string](tx, `SELECT version FROM brand_versions WHERE account = $1 AND brand = $2 AND number <= $3 AND version <> $4 ORDER BY number`,
		v.Account, v.Brand, v.Number-maxVersions, it.Doc.Published)
	if err != nil {
		return err
	}
	for _, id := range old {
		for _, table := range []string{"brand_images", "brand_versions"} {
			if _, err := tx.Exec(`DELETE FROM `+table+` WHERE account = $1 AND brand = $2 AND version = $3`, v.Account, v.Brand, id); err != nil {
				return err
			}
		}
	}
	return nil
}

func addImages(tx *store.Tx, v version, images []image) error {
	for _, i := range images {
		err := store.Insert(tx, "brand_images", picture{
			Account: v.Account, Brand: v.Brand, Version: v.Version, Image: i.name,
			MediaType: i.mediaType, Digest: i.digest(), Data: i.data,
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// shown is a version as the API describes it.
func (s *Service) shown(tx *store.Tx, it *item, v version) (*qs.BrandDetail, *qs.BrandDefinition, error) {
	d := new(qs.BrandDefinition)
	if err := json.Unmarshal([]byte(v.Definition), d); err != nil {
		return nil, nil, fmt.Errorf("definition of version %s of %s: %w", v.Version, it.ARN, err)
	}
	var problems []string
	if err := json.Unmarshal([]byte(v.Errors), &problems); err != nil {
		return nil, nil, fmt.Errorf("errors of version %s of %s: %w", v.Version, it.ARN, err)
	}
	names, err := store.All[string](tx, `SELECT image FROM brand_images WHERE account = $1 AND brand = $2 AND version = $3`,
		v.Account, v.Brand, v.Version)
	if err != nil {
		return nil, nil, err
	}
	return &qs.BrandDetail{
		Arn: &it.ARN, BrandId: it.ID, BrandStatus: new(qs.BrandStatus(it.Status)), CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		Errors: problems, VersionId: &v.Version, VersionStatus: new(qs.BrandVersionStatus(v.Status)), Logo: s.logo(v, d.LogoConfiguration, names),
	}, d, nil
}

// logo names the images that are there by their addresses at this server.
func (s *Service) logo(v version, c *qs.LogoConfiguration, names []string) *qs.Logo {
	if c == nil {
		return nil
	}
	there := make(map[string]bool, len(names))
	for _, n := range names {
		there[n] = true
	}
	set := func(name string, c *qs.ImageSetConfiguration) *qs.ImageSet {
		if c == nil {
			return nil
		}
		one := func(name string) *qs.Image {
			if !there[name] {
				return nil
			}
			return &qs.Image{GeneratedImageUrl: new(s.publicURL + pathTo(v.Account, v.Brand, v.Version, name))}
		}
		out := &qs.ImageSet{Original: one(name), Height64: one(name + "-64"), Height32: one(name + "-32")}
		if out.Original == nil {
			out.Original = &qs.Image{}
		}
		// An image that came inside of the request is in the definition already,
		// and as long as the image.
		if source := c.Original.Source; source.PublicUrl == nil || !isInline(*source.PublicUrl) {
			out.Original.Source = source
		}
		return out
	}
	return &qs.Logo{AltText: c.AltText, LogoSet: &qs.LogoSet{Primary: set(primary, c.LogoSet.Primary), Favicon: set(favicon, c.LogoSet.Favicon)}}
}
