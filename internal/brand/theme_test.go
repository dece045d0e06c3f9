package brand

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const (
	testAccount = "111122223333"
	// dot is a PNG image of one pixel.
	dot = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)

// anyone is whoever keeps subscriptions and tags, for tests that are not about these.
type anyone struct{}

func (anyone) Open(context.Context, *store.Tx, string) (string, error) { return "us-east-1", nil }
func (anyone) Put(*store.Tx, string, []qs.Tag) error                   { return nil }
func (anyone) Delete(*store.Tx, string) error                          { return nil }

// web is the world outside: it answers what it is told to.
type web struct {
	mu      sync.Mutex
	answers map[string][]byte
	data    []byte // for what has no answer of its own
	err     error
	asked   []string
}

func (w *web) Fetch(_ context.Context, address string, _ int64) ([]byte, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = append(w.asked, address)
	if data, ok := w.answers[address]; ok {
		return data, nil
	}
	return w.data, w.err
}

// world is a service with a clock of its own.
type world struct {
	*Service
	ctx   context.Context
	jobs  *job.Runner
	clock time.Time
}

func newWorld(tb testing.TB, db *store.DB, fetcher Fetcher) *world {
	tb.Helper()
	w := &world{clock: time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)}
	now := func() time.Time { return w.clock }
	log := slog.New(slog.DiscardHandler)
	w.jobs = job.NewRunner(db, log, now)
	w.Service = New(Config{
		DB: db, Jobs: w.jobs, Tokens: page.NewTokens(seal.New(), now), Log: log, Now: now, Accounts: anyone{}, Tags: anyone{},
		Fetcher: fetcher, PublicURL: "https://bi.example.org/quick",
	})
	w.ctx = api.As(tb.Context(), api.Identity{Region: "us-east-1", Principal: api.Principal{Account: testAccount}})
	return w
}

func (w *world) create(tb testing.TB, id string, d *qs.BrandDefinition) *qs.BrandDetail {
	tb.Helper()
	out, err := w.createBrand(w.ctx, &qs.CreateBrandRequest{AwsAccountId: testAccount, BrandId: id, BrandDefinition: d})
	if err != nil {
		tb.Fatal(err)
	}
	return out.BrandDetail
}

// drain does the jobs that are due, and describes a brand.
func (w *world) drain(tb testing.TB, id string) *qs.BrandDetail {
	tb.Helper()
	if err := w.jobs.Drain(tb.Context()); err != nil {
		tb.Fatal(err)
	}
	out, err := w.describeBrand(w.ctx, &qs.DescribeBrandRequest{AwsAccountId: testAccount, BrandId: id})
	if err != nil {
		tb.Fatal(err)
	}
	return out.BrandDetail
}

func (w *world) wear(tb testing.TB, id, version string) {
	tb.Helper()
	_, err := w.updateBrandPublishedVersion(w.ctx, &qs.UpdateBrandPublishedVersionRequest{AwsAccountId: testAccount, BrandId: id, VersionId: version})
	if err != nil {
		tb.Fatal(err)
	}
	_, err = w.updateBrandAssignment(w.ctx, &qs.UpdateBrandAssignmentRequest{AwsAccountId: testAccount, BrandArn: "arn:aws:quicksight:us-east-1:" + testAccount + ":brand/" + id})
	if err != nil {
		tb.Fatal(err)
	}
}

func (w *world) theme(tb testing.TB) Theme {
	tb.Helper()
	theme, err := w.Theme(w.ctx, testAccount)
	if err != nil {
		tb.Fatal(err)
	}
	return theme
}

func at(address *qs.ImageSource) *qs.LogoConfiguration {
	return &qs.LogoConfiguration{AltText: "Logo", LogoSet: &qs.LogoSetConfiguration{
		Primary: &qs.ImageSetConfiguration{Original: &qs.ImageConfiguration{Source: address}},
	}}
}

func TestTheme(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		w := newWorld(t, db, nil)
		if got := w.theme(t); got != Default() {
			t.Errorf("no brand: %+v", got)
		}
		first := w.create(t, "acme", &qs.BrandDefinition{
			BrandName: "Acme", LogoConfiguration: at(&qs.ImageSource{PublicUrl: new("data:image/png;base64," + dot)}),
			ApplicationTheme: &qs.ApplicationTheme{
				BrandColorPalette: &qs.BrandColorPalette{
					Accent:  &qs.Palette{Background: new("#FFFF00"), Foreground: new("#FFFFF0")}, // unreadable
					Primary: &qs.Palette{Background: new("#101010")},                             // the foreground that it came with is unreadable there
					Danger:  &qs.Palette{Background: new("#FFFFFF"), Foreground: new("#B00000")},
				},
				BrandElementStyle: &qs.BrandElementStyle{NavbarStyle: &qs.NavbarStyle{GlobalNavbar: &qs.Palette{Background: new("#000080")}}},
			},
		})
		if got := w.theme(t); got != Default() {
			t.Errorf("not published: %+v", got)
		}
		w.wear(t, "acme", *first.VersionId)
		want := Default()
		want.BrandName, want.AltText = "Acme", "Logo"
		base := "/quick/_onsight/brands/" + testAccount + "/acme/" + *first.VersionId + "/"
		want.Logo, want.Logo64, want.Logo32 = base+"primary", base+"primary-64", base+"primary-32"
		want.Accent, want.Primary = Pair{"#FFFF00", "#000000"}, Pair{"#101010", "#FFFFFF"}
		want.Danger, want.Navbar = Pair{"#FFFFFF", "#B00000"}, Pair{"#000080", "#FFFFFF"}
		if diff := cmp.Diff(want, w.theme(t)); diff != "" {
			t.Errorf("theme (-want +got):\n%s", diff)
		}

		// A draft changes nothing, its publication does so at once.
		second, err := w.updateBrand(w.ctx, &qs.UpdateBrandRequest{AwsAccountId: testAccount, BrandId: "acme", BrandDefinition: &qs.BrandDefinition{BrandName: "Acme 2"}})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.theme(t).BrandName; got != "Acme" {
			t.Errorf("with a draft: %s", got)
		}
		w.wear(t, "acme", *second.BrandDetail.VersionId)
		if got := w.theme(t); got.BrandName != "Acme 2" || got.Logo != "" {
			t.Errorf("after its publication: %+v", got)
		}

		// Another process changes it: it is seen after a while.
		err = db.Write(w.ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(`DELETE FROM brand_assignments WHERE account = $1`, testAccount)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.theme(t).BrandName; got != "Acme 2" {
			t.Errorf("kept: %s", got)
		}
		w.clock = w.clock.Add(themeLife)
		if got := w.theme(t); got != Default() {
			t.Errorf("after a while: %+v", got)
		}
		w.wear(t, "acme", *first.VersionId)
		w.theme(t)
		if _, err := w.deleteBrandAssignment(w.ctx, &qs.DeleteBrandAssignmentRequest{AwsAccountId: testAccount}); err != nil {
			t.Fatal(err)
		}
		if got := w.theme(t); got != Default() {
			t.Errorf("taken off: %+v", got)
		}
	})
}

func TestDefaultCanBeRead(t *testing.T) {
	t.Parallel()
	d := Default()
	for name, p := range map[string]Pair{
		"navbar": d.Navbar, "primary": d.Primary, "secondary": d.Secondary, "accent": d.Accent,
		"success": d.Success, "warning": d.Warning, "danger": d.Danger, "info": d.Info,
	} {
		if got := Contrast(p.Background, p.Foreground); got < minContrast {
			t.Errorf("%s: contrast %.2f", name, got)
		}
	}
	for _, c := range []struct {
		a, b     string
		from, to float64
	}{
		{"#000000", "#FFFFFF", 20.99, 21.01},
		{"#FFFFFF", "#777777", 4.47, 4.48}, // the grey that is known to be just too light
		{"#FFFFFF", "#767676", 4.54, 4.55},
		{"#123456", "#123456", 1, 1},
		{"red", "#FFFFFF", 1, 1},
	} {
		if got := Contrast(c.a, c.b); got < c.from || got > c.to {
			t.Errorf("contrast of %s and %s: %f", c.a, c.b, got)
		}
	}
}

// A theme that was read before a change is not kept after it.
func TestThemesRace(t *testing.T) {
	t.Parallel()
	var kept themes
	now := time.Unix(0, 0)
	_, round, _ := kept.get("a", now)
	kept.drop("a")
	kept.put("a", Theme{BrandName: "old"}, now, round)
	if _, _, ok := kept.get("a", now); ok {
		t.Error("an old theme is kept")
	}
}

func TestFetch(t *testing.T) {
	t.Parallel()
	image, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		net := &web{data: image}
		w := newWorld(t, db, net)
		remote := &qs.BrandDefinition{BrandName: "Acme", LogoConfiguration: at(&qs.ImageSource{S3Uri: new("s3://bucket/logo.png")})}
		d := w.create(t, "acme", remote)
		if *d.BrandStatus != qs.BrandStatusCreateInProgress || *d.VersionStatus != qs.BrandVersionStatusCreateInProgress {
			t.Errorf("at first: %s, %s", *d.BrandStatus, *d.VersionStatus)
		}
		_, err := w.updateBrandPublishedVersion(w.ctx, &qs.UpdateBrandPublishedVersionRequest{AwsAccountId: testAccount, BrandId: "acme", VersionId: *d.VersionId})
		if fault.Of(err).Code != "ConflictException" {
			t.Errorf("publish what is in progress: %v", err)
		}
		d = w.drain(t, "acme")
		if *d.BrandStatus != qs.BrandStatusCreateSucceeded || *d.VersionStatus != qs.BrandVersionStatusCreateSucceeded || len(d.Errors) != 0 {
			t.Errorf("fetched: %s, %s, %q", *d.BrandStatus, *d.VersionStatus, d.Errors)
		}
		if got, want := *d.Logo.LogoSet.Primary.Original.GeneratedImageUrl, "https://bi.example.org/quick/_onsight/brands/"+testAccount+"/acme/"+*d.VersionId+"/primary"; got != want {
			t.Errorf("image at %s, want %s", got, want)
		}
		if diff := cmp.Diff([]string{"s3://bucket/logo.png"}, net.asked); diff != "" {
			t.Errorf("asked for (-want +got):\n%s", diff)
		}

		// What is no image fails, and so does what the fetcher rejects.
		for name, c := range map[string]struct {
			data   []byte
			err    error
			reason string
		}{
			"text":     {[]byte("text"), nil, "LogoConfiguration.LogoSet.Primary can't be used: the image is neither PNG nor JPEG nor SVG."},
			"rejected": {nil, &Rejection{Reason: "the address is private."}, "LogoConfiguration.LogoSet.Primary can't be used: the address is private."},
		} {
			net.data, net.err = c.data, c.err
			w.create(t, name, remote)
			d = w.drain(t, name)
			if *d.BrandStatus != qs.BrandStatusCreateFailed || *d.VersionStatus != qs.BrandVersionStatusCreateFailed || len(d.Errors) != 1 || d.Errors[0] != c.reason {
				t.Errorf("%s: %s, %s, %q", name, *d.BrandStatus, *d.VersionStatus, d.Errors)
			}
			if _, err := w.updateBrand(w.ctx, &qs.UpdateBrandRequest{AwsAccountId: testAccount, BrandId: name, BrandDefinition: &qs.BrandDefinition{BrandName: "mended"}}); err != nil {
				t.Fatal(err)
			}
			if d = w.drain(t, name); *d.BrandStatus != qs.BrandStatusCreateSucceeded {
				t.Errorf("mended: %s", *d.BrandStatus)
			}
		}

		// Trouble of the moment is tried again, and in the end given up.
		net.data, net.err = nil, errors.New("no route")
		w.create(t, "away", remote)
		for range maxAttempts - 1 {
			if d = w.drain(t, "away"); *d.VersionStatus != qs.BrandVersionStatusCreateInProgress {
				t.Errorf("while it is tried: %s", *d.VersionStatus)
			}
			w.clock = w.clock.Add(time.Hour)
		}
		if d = w.drain(t, "away"); *d.VersionStatus != qs.BrandVersionStatusCreateFailed || len(d.Errors) != 1 {
			t.Errorf("in the end: %s, %q", *d.VersionStatus, d.Errors)
		}

		// A brand that is deleted meanwhile is left alone.
		w.create(t, "gone", remote)
		if _, err := w.deleteBrand(w.ctx, &qs.DeleteBrandRequest{AwsAccountId: testAccount, BrandId: "gone"}); err != nil {
			t.Fatal(err)
		}
		if err := w.jobs.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
}

// Addresses that were taken before there was something that fetches are fetched
// later. The brand may be worn by then.
func TestFetchPending(t *testing.T) {
	t.Parallel()
	image, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		before := newWorld(t, db, nil)
		if err := before.FetchPending(t.Context()); err != nil {
			t.Fatal(err)
		}
		remote := func(name string) *qs.BrandDefinition {
			return &qs.BrandDefinition{BrandName: "Acme", LogoConfiguration: at(&qs.ImageSource{PublicUrl: new("https://example.org/" + name)})}
		}
		for _, id := range []string{"good", "bad"} {
			before.wear(t, id, *before.create(t, id, remote(id)).VersionId)
		}
		if got := before.theme(t); got.BrandName != "Acme" || got.Logo != "" {
			t.Errorf("before: %+v", got)
		}
		after := newWorld(t, db, &web{answers: map[string][]byte{"https://example.org/good": image, "https://example.org/bad": []byte("text")}})
		for range 2 { // as often as it starts
			if err := after.FetchPending(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if d := after.drain(t, "good"); *d.VersionStatus != qs.BrandVersionStatusCreateSucceeded || d.Logo.LogoSet.Primary.Original.GeneratedImageUrl == nil {
			t.Errorf("good: %+v", d)
		}
		// It is worn already, so it stays; what is wrong is told.
		d := after.drain(t, "bad")
		if *d.VersionStatus != qs.BrandVersionStatusCreateSucceeded || *d.BrandStatus != qs.BrandStatusCreateSucceeded || len(d.Errors) != 1 {
			t.Errorf("bad: %s, %q", *d.VersionStatus, d.Errors)
		}
		if got := after.theme(t); got.BrandName != "Acme" || got.Logo != "" {
			t.Errorf("after: %+v", got)
		}
	})
}
