package brand_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	account = testkit.Account
	home    = "https://onsight.example.org"
)

// picture is an image of a size with a gradient.
func picture(tb testing.TB, width, height int, encode func(*bytes.Buffer, image.Image) error) []byte {
	tb.Helper()
	m := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			m.Set(x, y, color.RGBA{uint8(x), uint8(y), 200, 255})
		}
	}
	var b bytes.Buffer
	if err := encode(&b, m); err != nil {
		tb.Fatal(err)
	}
	return b.Bytes()
}

func asPNG(b *bytes.Buffer, m image.Image) error  { return png.Encode(b, m) }
func asJPEG(b *bytes.Buffer, m image.Image) error { return jpeg.Encode(b, m, nil) }

func inline(mediaType string, data []byte) *qs.ImageSource {
	return &qs.ImageSource{PublicUrl: new("data:" + mediaType + ";base64," + base64.StdEncoding.EncodeToString(data))}
}

func logo(source, icon *qs.ImageSource) *qs.LogoConfiguration {
	set := func(s *qs.ImageSource) *qs.ImageSetConfiguration {
		if s == nil {
			return nil
		}
		return &qs.ImageSetConfiguration{Original: &qs.ImageConfiguration{Source: s}}
	}
	return &qs.LogoConfiguration{AltText: "The logo of Acme", LogoSet: &qs.LogoSetConfiguration{Primary: set(source), Favicon: set(icon)}}
}

func create(t *testing.T, srv *testkit.Server, id string, d *qs.BrandDefinition) *qs.BrandDetail {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{AwsAccountId: srv.Account, BrandId: id, BrandDefinition: d})
	if err != nil {
		t.Fatalf("create %s: %v", id, err)
	}
	return out.BrandDetail
}

func update(t *testing.T, srv *testkit.Server, id string, d *qs.BrandDefinition) *qs.BrandDetail {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.UpdateBrand, qs.UpdateBrandRequest{AwsAccountId: srv.Account, BrandId: id, BrandDefinition: d})
	if err != nil {
		t.Fatalf("update %s: %v", id, err)
	}
	return out.BrandDetail
}

func publish(t *testing.T, srv *testkit.Server, id, version string) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.UpdateBrandPublishedVersion, qs.UpdateBrandPublishedVersionRequest{
		AwsAccountId: srv.Account, BrandId: id, VersionId: version,
	})
	if err != nil || *out.VersionId != version {
		t.Fatalf("publish %s of %s: %v, %v", version, id, out, err)
	}
}

func arnOf(id string) string { return "arn:aws:quicksight:us-east-1:" + account + ":brand/" + id }

func wantFault(t *testing.T, what string, err error, code string) string {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
		return ""
	}
	return f.Message
}

func get(t *testing.T, srv *testkit.Server, address string, header ...string) (*http.Response, []byte) {
	t.Helper()
	path, ok := strings.CutPrefix(address, home)
	if !ok {
		t.Fatalf("address %s is not of this server", address)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	return srv.Send(t, r)
}

func TestLife(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		original := picture(t, 300, 128, asPNG)
		first := &qs.BrandDefinition{
			BrandName: "Acme", Description: new("All of Acme"), LogoConfiguration: logo(inline("image/png", original), nil),
			ApplicationTheme: &qs.ApplicationTheme{BrandColorPalette: &qs.BrandColorPalette{Accent: &qs.Palette{Background: new("#AA0000")}}},
		}
		made, err := testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{
			AwsAccountId: account, BrandId: "acme", BrandDefinition: first, Tags: []qs.Tag{{Key: "team", Value: "design"}},
		})
		if err != nil {
			t.Fatal(err)
		}
		d := made.BrandDetail
		if *d.Arn != arnOf("acme") || d.BrandId != "acme" || *d.BrandStatus != qs.BrandStatusCreateSucceeded ||
			*d.VersionStatus != qs.BrandVersionStatusCreateSucceeded || d.CreatedTime == nil || *d.VersionId == "" {
			t.Errorf("created %+v", d)
		}
		if diff := cmp.Diff(first, made.BrandDefinition); diff != "" {
			t.Errorf("definition (-want +got):\n%s", diff)
		}

		// The images, as anyone sees them.
		set := d.Logo.LogoSet.Primary
		if d.Logo.AltText != "The logo of Acme" || d.Logo.LogoSet.Favicon != nil || set.Original.Source != nil {
			t.Errorf("logo %+v", d.Logo)
		}
		res, body := get(t, srv, *set.Original.GeneratedImageUrl)
		if res.StatusCode != 200 || !bytes.Equal(body, original) {
			t.Errorf("image: %d, %d bytes", res.StatusCode, len(body))
		}
		for name, want := range map[string]string{
			"Content-Type": "image/png", "X-Content-Type-Options": "nosniff", "Cache-Control": "public, max-age=31536000, immutable",
			"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; sandbox; frame-ancestors 'none'",
		} {
			if got := res.Header.Get(name); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
		if res, body := get(t, srv, *set.Original.GeneratedImageUrl, "If-None-Match", res.Header.Get("ETag")); res.StatusCode != 304 || len(body) != 0 {
			t.Errorf("unchanged image: %d", res.StatusCode)
		}
		for want, i := range map[int]*qs.Image{64: set.Height64, 32: set.Height32} {
			_, body := get(t, srv, *i.GeneratedImageUrl)
			m, err := png.Decode(bytes.NewReader(body))
			if err != nil || m.Bounds().Dy() != want || m.Bounds().Dx() != 300*want/128 {
				t.Errorf("image of height %d: %v, %v", want, m.Bounds(), err)
			}
		}

		// Versions: the newest is described, the published one is what it was.
		_, err = testkit.Call(t, srv, qs.DescribeBrandPublishedVersion, qs.DescribeBrandPublishedVersionRequest{AwsAccountId: account, BrandId: "acme"})
		wantFault(t, "nothing is published", err, "ResourceNotFoundException")
		publish(t, srv, "acme", *d.VersionId)
		second := update(t, srv, "acme", &qs.BrandDefinition{BrandName: "Acme Two"})
		if *second.VersionId == *d.VersionId || second.Logo != nil {
			t.Errorf("second version %+v", second)
		}
		published, err := testkit.Call(t, srv, qs.DescribeBrandPublishedVersion, qs.DescribeBrandPublishedVersionRequest{AwsAccountId: account, BrandId: "acme"})
		if err != nil || *published.BrandDetail.VersionId != *d.VersionId || published.BrandDefinition.BrandName != "Acme" {
			t.Errorf("published %+v, %v", published, err)
		}
		for version, want := range map[*string]string{nil: "Acme Two", d.VersionId: "Acme", second.VersionId: "Acme Two"} {
			out, err := testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "acme", VersionId: version})
			if err != nil || out.BrandDefinition.BrandName != want {
				t.Errorf("version %v: %+v, %v; want %s", version, out, err, want)
			}
		}
		same := update(t, srv, "acme", nil)
		if *same.VersionId != *second.VersionId {
			t.Error("an update with nothing makes a version")
		}
		list, err := testkit.Call(t, srv, qs.ListBrands, qs.ListBrandsRequest{AwsAccountId: account})
		if err != nil || len(list.Brands) != 1 || *list.Brands[0].BrandName != "Acme Two" || list.Brands[0].Description != nil || *list.Brands[0].Arn != arnOf("acme") {
			t.Errorf("list %+v, %v", list, err)
		}

		// Assignment, tags, and the end.
		_, err = testkit.Call(t, srv, qs.DescribeBrandAssignment, qs.DescribeBrandAssignmentRequest{AwsAccountId: account})
		wantFault(t, "no brand is assigned", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.DeleteBrandAssignment, qs.DeleteBrandAssignmentRequest{AwsAccountId: account})
		wantFault(t, "take off nothing", err, "ResourceNotFoundException")
		worn, err := testkit.Call(t, srv, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: account, BrandArn: arnOf("acme")})
		if err != nil || *worn.BrandArn != arnOf("acme") {
			t.Errorf("assign: %+v, %v", worn, err)
		}
		shown, err := testkit.Call(t, srv, qs.DescribeBrandAssignment, qs.DescribeBrandAssignmentRequest{AwsAccountId: account})
		if err != nil || *shown.BrandArn != arnOf("acme") {
			t.Errorf("assignment: %+v, %v", shown, err)
		}
		_, err = testkit.Call(t, srv, qs.DeleteBrand, qs.DeleteBrandRequest{AwsAccountId: account, BrandId: "acme"})
		wantFault(t, "delete what is worn", err, "ConflictException")
		tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arnOf("acme")})
		if err != nil || len(tags.Tags) != 1 || tags.Tags[0].Value != "design" {
			t.Errorf("tags %+v, %v", tags, err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteBrandAssignment, qs.DeleteBrandAssignmentRequest{AwsAccountId: account}); err != nil {
			t.Error(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteBrand, qs.DeleteBrandRequest{AwsAccountId: account, BrandId: "acme"}); err != nil {
			t.Error(err)
		}
		if res, _ := get(t, srv, *set.Original.GeneratedImageUrl); res.StatusCode != 404 || res.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("image of a deleted brand: %d", res.StatusCode)
		}
		_, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arnOf("acme")})
		wantFault(t, "tags of a deleted brand", err, "ResourceNotFoundException")
		again := create(t, srv, "acme", nil) // the id is free, and nothing is left
		out, err := testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "acme"})
		if err != nil || out.BrandDefinition.BrandName != "acme" || *again.VersionId == *d.VersionId {
			t.Errorf("again: %+v, %v", out, err)
		}
		tags, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arnOf("acme")})
		if err != nil || len(tags.Tags) != 0 {
			t.Errorf("tags of another brand of the name: %+v, %v", tags, err)
		}
	})
}

func TestFaults(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		// Every operation, before there is a subscription and from another region.
		calls := map[string]func(*testkit.Server) error{
			"CreateBrand": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.CreateBrand, qs.CreateBrandRequest{AwsAccountId: account, BrandId: "b"})
				return err
			},
			"UpdateBrand": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.UpdateBrand, qs.UpdateBrandRequest{AwsAccountId: account, BrandId: "b"})
				return err
			},
			"DeleteBrand": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.DeleteBrand, qs.DeleteBrandRequest{AwsAccountId: account, BrandId: "b"})
				return err
			},
			"DescribeBrand": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "b"})
				return err
			},
			"DescribeBrandPublishedVersion": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.DescribeBrandPublishedVersion, qs.DescribeBrandPublishedVersionRequest{AwsAccountId: account, BrandId: "b"})
				return err
			},
			"UpdateBrandPublishedVersion": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.UpdateBrandPublishedVersion, qs.UpdateBrandPublishedVersionRequest{AwsAccountId: account, BrandId: "b", VersionId: "v"})
				return err
			},
			"UpdateBrandAssignment": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: account, BrandArn: arnOf("b")})
				return err
			},
			"DescribeBrandAssignment": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.DescribeBrandAssignment, qs.DescribeBrandAssignmentRequest{AwsAccountId: account})
				return err
			},
			"DeleteBrandAssignment": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.DeleteBrandAssignment, qs.DeleteBrandAssignmentRequest{AwsAccountId: account})
				return err
			},
			"ListBrands": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, qs.ListBrands, qs.ListBrandsRequest{AwsAccountId: account})
				return err
			},
		}
		for name, call := range calls {
			want := "ResourceNotFoundException"
			if name == "CreateBrand" || name == "ListBrands" { // these declare none
				want = "AccessDeniedException"
			}
			wantFault(t, name+" without a subscription", call(srv), want)
		}
		srv.Subscribe(t)
		nobody := user(t, srv, "nobody")
		for name, call := range calls {
			message := wantFault(t, name+" in another region", call(srv.In("eu-west-1")), "AccessDeniedException")
			if !strings.Contains(message, "your identity region is us-east-1") {
				t.Errorf("%s in another region: %s", name, message)
			}
			message = wantFault(t, name+" by someone who may not", call(nobody), "AccessDeniedException")
			if !strings.Contains(message, "quicksight:"+name) {
				t.Errorf("%s by someone who may not: %s", name, message)
			}
			wantFault(t, name+" from another account", call(srv.As(t, "444455556666")), "AccessDeniedException")
			if name != "CreateBrand" && name != "ListBrands" {
				wantFault(t, name+" of a brand that is not there", call(srv), "ResourceNotFoundException")
			}
		}
		create(t, srv, "taken", nil)
		_, err := testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{AwsAccountId: account, BrandId: "taken"})
		wantFault(t, "an id that is taken", err, "ConflictException")
		create(t, srv, "Taken", nil) // another id
		_, err = testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "taken", VersionId: new("none")})
		wantFault(t, "a version that is not there", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.UpdateBrandPublishedVersion, qs.UpdateBrandPublishedVersionRequest{AwsAccountId: account, BrandId: "taken", VersionId: "none"})
		wantFault(t, "publish what is not there", err, "ResourceNotFoundException")
		for _, arn := range []string{"taken", "arn:aws:quicksight:us-east-1:" + account + ":theme/taken", "arn:aws:quicksight:us-east-1:444455556666:brand/taken"} {
			_, err = testkit.Call(t, srv, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: account, BrandArn: arn})
			wantFault(t, "assign "+arn, err, "InvalidRequestException")
		}
		_, err = testkit.Call(t, srv, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: account, BrandArn: strings.Replace(arnOf("taken"), "us-east-1", "eu-west-1", 1)})
		wantFault(t, "assign a brand of another region", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{
			AwsAccountId: account, BrandId: "reserved", Tags: []qs.Tag{{Key: "aws:x", Value: "y"}},
		})
		wantFault(t, "a reserved tag", err, "InvalidRequestException")
		_, err = testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "reserved"})
		wantFault(t, "a refused brand", err, "ResourceNotFoundException")
	})
}

// user gives the server as an IAM user sees it whom no policy allows anything.
func user(t *testing.T, srv *testkit.Server, name string) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, string(key.AccessKey.SecretAccessKey), "")
}

func TestStandardEdition(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
			AwsAccountId: account, AccountName: "small", NotificationEmail: "a@example.org", Edition: new(qs.EditionStandard),
			AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
		})
		if err != nil {
			t.Fatal(err)
		}
		_, err = testkit.Call(t, srv, qs.ListBrands, qs.ListBrandsRequest{AwsAccountId: account})
		wantFault(t, "the STANDARD edition", err, "AccessDeniedException")
	}, func(c *config.Config) { c.Standard = true })
}

func TestImages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		svg := `<?xml version="1.0"?><!DOCTYPE svg><svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 10 10"><style>.a{fill:url(#g)}</style><defs><linearGradient id="g"/></defs><path class="a" d="M0 0h10v10z"/><use xlink:href="#g"/></svg>`
		d := create(t, srv, "all", &qs.BrandDefinition{BrandName: "All", LogoConfiguration: logo(
			inline("image/jpeg", picture(t, 20, 20, asJPEG)), &qs.ImageSource{PublicUrl: new("data:image/svg+xml," + strings.ReplaceAll(strings.ReplaceAll(svg, "%", "%25"), "#", "%23"))},
		)})
		res, _ := get(t, srv, *d.Logo.LogoSet.Primary.Height32.GeneratedImageUrl)
		if got := res.Header.Get("Content-Type"); got != "image/jpeg" { // small enough already
			t.Errorf("small image: %s", got)
		}
		res, body := get(t, srv, *d.Logo.LogoSet.Favicon.Height32.GeneratedImageUrl)
		if got := res.Header.Get("Content-Type"); got != "image/svg+xml" || string(body) != svg {
			t.Errorf("SVG image: %s %s", got, body)
		}

		png := picture(t, 10, 10, asPNG)
		root := func(inside string) []byte {
			return []byte(`<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">` + inside + `</svg>`)
		}
		for name, source := range map[string]*qs.ImageSource{
			"no source":            nil,
			"no comma":             {PublicUrl: new("data:image/png;base64")},
			"bad base64":           {PublicUrl: new("data:image/png;base64,%%%")},
			"bad base64 inside":    {PublicUrl: new("data:image/png;base64,AAA*")},
			"nothing":              {PublicUrl: new("data:,")},
			"text":                 inline("image/png", []byte("not an image")),
			"GIF":                  inline("image/gif", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;")),
			"another type":         inline("image/jpeg", png),
			"cut short":            inline("image/png", png[:len(png)/2]),
			"too large":            inline("image/png", append(bytes.Clone(png), make([]byte, 1<<20)...)),
			"too many pixels":      inline("image/png", picture(t, 4097, 1, asPNG)),
			"plain HTTP":           {PublicUrl: new("http://example.org/logo.png")},
			"another scheme":       {PublicUrl: new("file:///etc/passwd")},
			"a user in the URL":    {PublicUrl: new("https://me@example.org/logo.png")},
			"no host":              {PublicUrl: new("https:///logo.png")},
			"HTML":                 inline("image/svg+xml", []byte("<html/>")),
			"SVG of no namespace":  inline("image/svg+xml", []byte("<svg/>")),
			"two roots":            inline("image/svg+xml", append(root(""), root("")...)),
			"script":               inline("image/svg+xml", root("<script>alert(1)</script>")),
			"foreignObject":        inline("image/svg+xml", root("<foreignObject/>")),
			"animation of href":    inline("image/svg+xml", root(`<set attributeName="href" to="javascript:alert(1)"/>`)),
			"image":                inline("image/svg+xml", root(`<image href="https://example.org"/>`)),
			"event":                inline("image/svg+xml", root(`<g onload="alert(1)"/>`)),
			"link":                 inline("image/svg+xml", root(`<use xlink:href="https://example.org#a"/>`)),
			"import":               inline("image/svg+xml", root(`<style>@import "https://example.org"</style>`)),
			"import, in two parts": inline("image/svg+xml", root(`<style>.a{fill:u<!-- x -->rl(https://example.org)}</style>`)),
			"style that loads":     inline("image/svg+xml", root(`<g style="fill:url( 'https://example.org')"/>`)),
			"escaped":              inline("image/svg+xml", root(`<g fill="\75rl(https://example.org)"/>`)),
			"entities":             inline("image/svg+xml", []byte(`<!DOCTYPE svg [<!ENTITY a "b">]>`+string(root("&a;")))),
			"stylesheet":           inline("image/svg+xml", []byte(`<?xml-stylesheet href="https://example.org"?>`+string(root("")))),
			"HTML inside":          inline("image/svg+xml", root(`<b xmlns="http://www.w3.org/1999/xhtml"/>`)),
			"too deep":             inline("image/svg+xml", root(strings.Repeat("<g>", 65)+strings.Repeat("</g>", 65))),
			"unclosed":             inline("image/svg+xml", []byte(`<svg xmlns="http://www.w3.org/2000/svg">`)),
		} {
			_, err := testkit.Call(t, srv, qs.UpdateBrand, qs.UpdateBrandRequest{AwsAccountId: account, BrandId: "all", BrandDefinition: &qs.BrandDefinition{
				BrandName: "All", LogoConfiguration: func() *qs.LogoConfiguration {
					c := logo(source, nil)
					if source == nil {
						c.LogoSet.Primary = &qs.ImageSetConfiguration{Original: &qs.ImageConfiguration{}}
					}
					return c
				}(),
			}})
			message := wantFault(t, name, err, "InvalidRequestException")
			if !strings.HasPrefix(message, "LogoConfiguration.LogoSet.Primary.Original.Source isn't valid: ") {
				t.Errorf("%s: %s", name, message)
			}
		}
		for _, alt := range []string{"", strings.Repeat("x", 513), "\x07", "語"} {
			c := logo(inline("image/png", png), nil)
			c.AltText = alt
			_, err := testkit.Call(t, srv, qs.UpdateBrand, qs.UpdateBrandRequest{AwsAccountId: account, BrandId: "all", BrandDefinition: &qs.BrandDefinition{BrandName: "All", LogoConfiguration: c}})
			wantFault(t, fmt.Sprintf("alternative text %q", alt), err, "InvalidRequestException")
		}
		after, err := testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "all"})
		if err != nil || *after.BrandDetail.VersionId != *d.VersionId {
			t.Errorf("after what was refused: %+v, %v", after, err)
		}

		// An address within the house is not fetched, and the reason is told.
		away := update(t, srv, "all", &qs.BrandDefinition{BrandName: "All", LogoConfiguration: logo(&qs.ImageSource{PublicUrl: new("https://127.0.0.1/logo.png")}, nil)})
		if got := *away.Logo.LogoSet.Primary.Original; *got.Source.PublicUrl != "https://127.0.0.1/logo.png" || got.GeneratedImageUrl != nil {
			t.Errorf("image at an address: %+v", got)
		}
		for deadline := time.Now().Add(time.Minute); *away.VersionStatus == qs.BrandVersionStatusCreateInProgress; time.Sleep(2 * time.Millisecond) {
			out, err := testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "all"})
			if err != nil || time.Now().After(deadline) {
				t.Fatalf("still in progress: %v", err)
			}
			away = out.BrandDetail
		}
		if *away.VersionStatus != qs.BrandVersionStatusCreateFailed || len(away.Errors) != 1 || !strings.Contains(away.Errors[0], "loopback") {
			t.Errorf("an address within the house: %s, %q", *away.VersionStatus, away.Errors)
		}
		for _, path := range []string{"/", "/x", "/" + account + "/all/" + *d.VersionId + "/other", "/" + account + "/all/" + *d.VersionId + "/primary/x"} {
			if res, _ := get(t, srv, home+"/_onsight/brands"+path); res.StatusCode != 404 {
				t.Errorf("%s: %d, want 404", path, res.StatusCode)
			}
		}
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+strings.TrimPrefix(*d.Logo.LogoSet.Primary.Original.GeneratedImageUrl, home), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res, _ := srv.Send(t, r); res.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("POST: %d", res.StatusCode)
		}
	})
}

func TestListPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, id := range []string{"a", "b", "c", "d"} {
			create(t, srv, id, nil)
		}
		got := []string{}
		in := qs.ListBrandsRequest{AwsAccountId: account, MaxResults: new(int32(2))}
		for first := true; ; first = false {
			out, err := testkit.Call(t, srv, qs.ListBrands, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, b := range out.Brands {
				got = append(got, *b.BrandId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
			if first { // what comes and goes meanwhile moves nothing
				create(t, srv, "aa", nil)
				if _, err := testkit.Call(t, srv, qs.DeleteBrand, qs.DeleteBrandRequest{AwsAccountId: account, BrandId: "b"}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if diff := cmp.Diff([]string{"a", "b", "c", "d"}, got); diff != "" {
			t.Errorf("pages (-want +got):\n%s", diff)
		}
		for _, token := range []string{"nonsense", "AAAA"} {
			_, err := testkit.Call(t, srv, qs.ListBrands, qs.ListBrandsRequest{AwsAccountId: account, NextToken: &token})
			wantFault(t, "token "+token, err, "InvalidRequestException")
		}
	})
}

func TestLimits(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i := range 100 {
			create(t, srv, fmt.Sprintf("b%02d", i), nil)
		}
		_, err := testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{AwsAccountId: account, BrandId: "more"})
		wantFault(t, "the 101st brand", err, "LimitExceededException")

		// Of many versions the published one and the newest stay.
		first := update(t, srv, "b00", &qs.BrandDefinition{BrandName: "first"})
		publish(t, srv, "b00", *first.VersionId)
		dropped := update(t, srv, "b00", &qs.BrandDefinition{BrandName: "second"})
		for i := range 50 {
			update(t, srv, "b00", &qs.BrandDefinition{BrandName: fmt.Sprint(i)})
		}
		_, err = testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "b00", VersionId: dropped.VersionId})
		wantFault(t, "an old version", err, "ResourceNotFoundException")
		if _, err = testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "b00", VersionId: first.VersionId}); err != nil {
			t.Errorf("the published version: %v", err)
		}
	})
}

func TestUpdatesAtOnce(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, "b", nil)
		var wg sync.WaitGroup
		results := make([]error, 8)
		versions := make([]string, 8)
		for i := range results {
			wg.Go(func() {
				out, err := testkit.Call(t, srv, qs.UpdateBrand, qs.UpdateBrandRequest{
					AwsAccountId: account, BrandId: "b", BrandDefinition: &qs.BrandDefinition{BrandName: fmt.Sprint("name ", i)},
				})
				if results[i] = err; err == nil {
					versions[i] = *out.BrandDetail.VersionId
				}
			})
		}
		wg.Wait()
		for i, err := range results {
			if err != nil {
				if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Code != "ConflictException" {
					t.Errorf("update %d: %v", i, err)
				}
				continue
			}
			out, err := testkit.Call(t, srv, qs.DescribeBrand, qs.DescribeBrandRequest{AwsAccountId: account, BrandId: "b", VersionId: &versions[i]})
			if err != nil || out.BrandDefinition.BrandName != fmt.Sprint("name ", i) {
				t.Errorf("version %d: %+v, %v", i, out, err)
			}
		}
	})
}

func TestUnsubscribing(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := create(t, srv, "acme", &qs.BrandDefinition{BrandName: "Acme", LogoConfiguration: logo(inline("image/png", picture(t, 9, 9, asPNG)), nil)})
		publish(t, srv, "acme", *d.VersionId)
		if _, err := testkit.Call(t, srv, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: account, BrandArn: arnOf("acme")}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account}); err != nil {
			t.Fatal(err)
		}
		if res, _ := get(t, srv, *d.Logo.LogoSet.Primary.Original.GeneratedImageUrl); res.StatusCode != 404 {
			t.Errorf("image of an account that is gone: %d", res.StatusCode)
		}
		srv.Subscribe(t)
		out, err := testkit.Call(t, srv, qs.ListBrands, qs.ListBrandsRequest{AwsAccountId: account})
		if err != nil || len(out.Brands) != 0 {
			t.Errorf("brands of an account that came back: %+v, %v", out, err)
		}
		_, err = testkit.Call(t, srv, qs.DescribeBrandAssignment, qs.DescribeBrandAssignmentRequest{AwsAccountId: account})
		wantFault(t, "its assignment", err, "ResourceNotFoundException")
	})
}
