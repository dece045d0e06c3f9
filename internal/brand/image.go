package brand

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	pictures "image"
	"image/draw"
	_ "image/jpeg" // a format of logos
	"image/png"
	"strconv"
)

const (
	// maxImage is how long an image may be, in bytes.
	maxImage = 1 << 20
	// maxSide and maxPixels bound what a short file may decode to.
	maxSide   = 4096
	maxPixels = 4 << 20
)

// Types of images.
const (
	typePNG  = "image/png"
	typeJPEG = "image/jpeg"
	typeSVG  = "image/svg+xml"
)

// heights are those of the sizes beside the original.
var heights = []int{64, 32}

// A Rejection says why an image cannot be a logo, in a sentence for whoever
// gave it.
type Rejection struct{ Reason string }

// Error gives the reason.
func (r *Rejection) Error() string { return r.Reason }

func reject(format string, args ...any) error {
	return &Rejection{Reason: fmt.Sprintf(format, args...)}
}

func tooLarge() error { return reject("the image is larger than %d bytes.", maxImage) }

// image is one that may be served.
type image struct {
	name, mediaType string
	data            []byte
}

func (i image) digest() string {
	sum := sha256.Sum256(i.data)
	return hex.EncodeToString(sum[:])
}

// check makes sure that data is a PNG, JPEG or SVG image of a size that may be
// a logo, and gives it in all sizes, the original first. Raster images are
// decoded whole, so that none is broken. Anything else is a Rejection.
func check(name string, data []byte) ([]image, error) {
	if len(data) > maxImage {
		return nil, tooLarge()
	}
	if looksLikeXML(data) {
		if err := checkSVG(data); err != nil {
			return nil, err
		}
		all := []image{{name, typeSVG, data}}
		for _, h := range heights { // it scales by itself
			all = append(all, image{sized(name, h), typeSVG, data})
		}
		return all, nil
	}
	c, format, err := pictures.DecodeConfig(bytes.NewReader(data))
	mediaType := map[string]string{"png": typePNG, "jpeg": typeJPEG}[format]
	if err != nil || mediaType == "" {
		return nil, reject("the image is neither PNG nor JPEG nor SVG.")
	}
	if c.Width < 1 || c.Height < 1 || c.Width > maxSide || c.Height > maxSide || c.Width*c.Height > maxPixels {
		return nil, reject("the image has %d by %d pixels; it may have %d on a side, and %d in all.", c.Width, c.Height, maxSide, maxPixels)
	}
	decoded, _, err := pictures.Decode(bytes.NewReader(data))
	if err != nil {
		return nil, reject("the image is broken: it can't be decoded.")
	}
	all := []image{{name, mediaType, data}}
	for _, h := range heights {
		i := image{sized(name, h), mediaType, data}
		if c.Height > h {
			var b bytes.Buffer
			if err := png.Encode(&b, shrink(decoded, h)); err != nil {
				return nil, fmt.Errorf("encode an image: %w", err)
			}
			i.mediaType, i.data = typePNG, b.Bytes()
		}
		all = append(all, i)
	}
	return all, nil
}

func sized(name string, height int) string { return name + "-" + strconv.Itoa(height) }

// shrink scales an image down to a height. Each pixel is the mean of those that
// it stands for.
func shrink(from pictures.Image, height int) *pictures.RGBA {
	size := from.Bounds().Size()
	width := max(1, size.X*height/size.Y)
	src := pictures.NewRGBA(pictures.Rect(0, 0, size.X, size.Y))
	draw.Draw(src, src.Bounds(), from, from.Bounds().Min, draw.Src)
	dst := pictures.NewRGBA(pictures.Rect(0, 0, width, height))
	for y := range height {
		top, bottom := y*size.Y/height, (y+1)*size.Y/height
		for x := range width {
			left, right := x*size.X/width, (x+1)*size.X/width
			var sum [4]int
			for v := top; v < bottom; v++ {
				for _, row := 0, src.Pix[v*src.Stride+4*left:v*src.Stride+4*right]; len(row) > 0; row = row[4:] {
					for c := range sum {
						sum[c] += int(row[c])
					}
				}
			}
			n := (bottom - top) * (right - left)
			for c := range sum {
				dst.Pix[y*dst.Stride+4*x+c] = uint8((sum[c] + n/2) / n)
			}
		}
	}
	return dst
}
