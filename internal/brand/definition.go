package brand

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// Names of the images that a caller gives.
const (
	primary = "primary"
	favicon = "favicon"
)

const (
	// maxAddress is how long the address of an image may be.
	maxAddress = 2048
	// maxAltText is the model's for the text that is described; for the one
	// that is given the model has no limit.
	maxAltText = 512
)

// draft is a definition whose texts and inline images have been checked.
type draft struct {
	definition *qs.BrandDefinition
	images     []image
	// remote tells that there are images to be fetched.
	remote bool
}

// read checks a definition. What it refuses, it refuses with the member's name.
func read(d *qs.BrandDefinition) (draft, error) {
	out := draft{definition: d}
	c := d.LogoConfiguration
	if c == nil {
		return out, nil
	}
	if c.AltText == "" || utf8.RuneCountInString(c.AltText) > maxAltText || strings.ContainsFunc(c.AltText, func(r rune) bool { return r < ' ' || r > 'ÿ' }) {
		return out, fault.Invalid("LogoConfiguration.AltText isn't valid: it must have 1 to %d characters, from the space to ÿ.", maxAltText)
	}
	for _, source := range sources(d) {
		images, err := source.inline()
		if err != nil {
			return out, fault.Invalid("LogoConfiguration.LogoSet.%s.Original.Source isn't valid: %s", source.member(), err.Error())
		}
		out.images = append(out.images, images...)
		out.remote = out.remote || images == nil
	}
	return out, nil
}

// A source is where one of the two images of a definition comes from.
type source struct {
	name string
	*qs.ImageSource
}

// sources are those of a definition, the logo first.
func sources(d *qs.BrandDefinition) []source {
	c := d.LogoConfiguration
	if c == nil {
		return nil
	}
	all := []source{{primary, c.LogoSet.Primary.Original.Source}}
	if c.LogoSet.Favicon != nil {
		all = append(all, source{favicon, c.LogoSet.Favicon.Original.Source})
	}
	return all
}

func (s source) member() string { return strings.ToUpper(s.name[:1]) + s.name[1:] }

// address is that of an image to be fetched; empty for one that is inside.
func (s source) address() string {
	switch {
	case s.S3Uri != nil:
		return *s.S3Uri
	case isInline(*s.PublicUrl):
		return ""
	}
	return *s.PublicUrl
}

// inline gives the images that a source holds itself, in all sizes; none for
// one that names an address.
func (s source) inline() ([]image, error) {
	switch {
	case s.ImageSource == nil:
		return nil, reject("it is missing.")
	case s.S3Uri != nil:
		return nil, checkAddress(*s.S3Uri, "https", "s3")
	case !isInline(*s.PublicUrl):
		return nil, checkAddress(*s.PublicUrl, "https")
	}
	mediaType, data, err := openInline(*s.PublicUrl)
	if err != nil {
		return nil, err
	}
	images, err := check(s.name, data)
	if err != nil {
		return nil, err
	}
	if images[0].mediaType != mediaType {
		return nil, reject("the data URI says %s, but the data is %s.", mediaType, images[0].mediaType)
	}
	return images, nil
}

func checkAddress(address string, schemes ...string) error {
	u, err := url.Parse(address)
	if err != nil || len(address) > maxAddress || u.Host == "" || u.User != nil || u.Fragment != "" {
		return reject("it must be an address without a user and a fragment, of at most %d bytes.", maxAddress)
	}
	if !slices.Contains(schemes, u.Scheme) {
		return reject("its scheme must be %s.", strings.Join(schemes, " or "))
	}
	return nil
}

func isInline(address string) bool {
	return len(address) > 5 && strings.EqualFold(address[:5], "data:")
}

// openInline reads a data URI (RFC 2397).
func openInline(uri string) (mediaType string, data []byte, err error) {
	head, body, ok := strings.Cut(uri[len("data:"):], ",")
	if !ok {
		return "", nil, reject("a data URI has a comma before the data.")
	}
	if len(body) > 4*maxImage { // even with every byte as %XX
		return "", nil, tooLarge()
	}
	parameters := strings.Split(head, ";")
	mediaType = strings.ToLower(strings.TrimSpace(parameters[0]))
	if body, err = url.PathUnescape(body); err != nil {
		return "", nil, reject("the data URI is not encoded right.")
	}
	if !strings.EqualFold(strings.TrimSpace(parameters[len(parameters)-1]), "base64") {
		return mediaType, []byte(body), nil
	}
	data, err = base64.RawStdEncoding.DecodeString(strings.TrimRight(body, "="))
	if err != nil {
		return "", nil, reject("the data URI is not encoded in base64 right.")
	}
	return mediaType, data, nil
}

// next makes the version that comes after the newest one of a brand, and the
// job that fetches what it lacks.
func (s *Service) next(ctx context.Context, tx *store.Tx, it *item, d draft) (version, error) {
	text, err := json.Marshal(d.definition)
	if err != nil {
		return version{}, fmt.Errorf("definition of %s: %w", it.ARN, err)
	}
	now := s.now()
	v := version{
		Account: it.Account, Brand: it.ID, Version: it.Doc.Latest, Number: it.Doc.Versions, Status: succeeded, Pending: d.remote,
		Errors: "[]", Definition: string(text), CreatedUS: store.Micros(now),
	}
	if d.remote && s.fetcher != nil {
		v.Status = inProgress
	}
	if err := addVersion(tx, it, v, d.images); err != nil {
		return v, err
	}
	if v.Status == inProgress {
		if err := addFetch(tx, it.Key, v.Version, now); err != nil {
			return v, err
		}
	}
	api.Note(ctx, "version", v.Version)
	return v, nil
}

// describe sets what the table of resources keeps of the newest version.
func describe(it *item, d *qs.BrandDefinition) {
	it.Name, it.Doc.Description = d.BrandName, ""
	if d.Description != nil {
		it.Doc.Description = *d.Description
	}
	it.Doc.Latest = newVersionID()
	it.Doc.Versions++
}
