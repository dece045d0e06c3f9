package brand

import (
	"bytes"
	"encoding/base64"
	"errors"
	pictures "image"
	"image/color"
	"image/png"
	"strings"
	"testing"

	"onsight/internal/qs"
	"onsight/internal/store/storetest"
)

// FuzzCheck: whatever comes, it is refused with a reason, or served as one of
// the three types, with sizes that can be decoded and that are no larger than
// they may be; an SVG image that is taken holds nothing that runs or loads.
func FuzzCheck(f *testing.F) {
	data, err := base64.StdEncoding.DecodeString(dot)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(data)
	f.Add([]byte("\xff\xd8\xff\xe0"))
	for _, s := range []string{
		`<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>`,
		`<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>`,
		`<svg xmlns="http://www.w3.org/2000/svg"><style>a{fill:url(#b)}</style><use href="#b"/></svg>`,
		`<svg xmlns="http://www.w3.org/2000/svg" xmlns:a="http://www.w3.org/1999/xhtml"><a:b onload="x"/></svg>`,
		`<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		images, err := check(primary, data)
		if err != nil {
			if r, ok := errors.AsType[*Rejection](err); !ok || !strings.HasSuffix(r.Reason, ".") {
				t.Fatalf("refused without a reason: %v", err)
			}
			return
		}
		if len(images) != 1+len(heights) || !bytes.Equal(images[0].data, data) || images[0].name != primary {
			t.Fatalf("%d images", len(images))
		}
		for i, m := range images {
			if m.mediaType == typeSVG {
				// In a comment or in a text it would do nothing; so look at images without these.
				text := strings.ToLower(string(data))
				for _, bad := range []string{"<script", "<foreignobject", "<!entity"} {
					if strings.Contains(text, bad) && !strings.Contains(text, "<!--") && !strings.Contains(text, "<![cdata[") {
						t.Fatalf("taken with %q: %q", bad, data)
					}
				}
				continue
			}
			c, _, err := pictures.DecodeConfig(bytes.NewReader(m.data))
			if err != nil {
				t.Fatalf("image %s can't be decoded: %v", m.name, err)
			}
			if i > 0 && m.mediaType != images[0].mediaType && c.Height != heights[i-1] {
				t.Fatalf("image %s is %d high", m.name, c.Height)
			}
		}
	})
}

// TestShrink: the mean of an even colour is that colour, and nothing is lost at
// the edges, whatever the sizes.
func TestShrink(t *testing.T) {
	t.Parallel()
	for _, size := range []pictures.Point{{1, 33}, {33, 33}, {100, 65}, {4096, 33}, {3, 4096}, {1000, 1000}} {
		m := pictures.NewNRGBA(pictures.Rect(0, 0, size.X, size.Y))
		want := color.RGBA{12, 34, 56, 255}
		for y := range size.Y {
			for x := range size.X {
				m.Set(x, y, want)
			}
		}
		small := shrink(m, 32)
		if got := small.Bounds().Size(); got.Y != 32 || got.X != max(1, size.X*32/size.Y) {
			t.Errorf("%v becomes %v", size, got)
		}
		for y := range small.Bounds().Dy() {
			for x := range small.Bounds().Dx() {
				if got := small.RGBAAt(x, y); got != want {
					t.Fatalf("%v: %v at %d, %d; want %v", size, got, x, y, want)
				}
			}
		}
	}
}

// BenchmarkTheme is what a page pays for its looks: from memory, and when they
// have just changed.
func BenchmarkTheme(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		w := newWorld(b, storetest.Open(b, dialect), nil)
		d := &qs.BrandDefinition{BrandName: "Acme", LogoConfiguration: at(&qs.ImageSource{PublicUrl: new("data:image/png;base64," + dot)})}
		w.wear(b, "acme", *w.create(b, "acme", d).VersionId)
		b.Run(dialect+"/kept", func(b *testing.B) {
			for b.Loop() {
				w.theme(b)
			}
		})
		b.Run(dialect+"/changed", func(b *testing.B) {
			for b.Loop() {
				w.themes.drop(testAccount)
				w.theme(b)
			}
		})
	}
}

// BenchmarkCheck is what the largest logo costs that may be.
func BenchmarkCheck(b *testing.B) {
	var data bytes.Buffer
	m := pictures.NewRGBA(pictures.Rect(0, 0, 2048, 2048))
	for i := range m.Pix {
		m.Pix[i] = uint8(i / 4096)
	}
	if err := png.Encode(&data, m); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(data.Len()))
	for b.Loop() {
		if _, err := check(primary, data.Bytes()); err != nil {
			b.Fatal(err)
		}
	}
}
