package web

import (
	"fmt"
	"math"
	"net/url"
	"regexp"
	"strconv"
	"strings"
)

// A Theme is how the pages of an account look. The zero Theme is Onsight's own.
type Theme struct {
	// Brand is the name at the top of each page; empty for Onsight.
	Brand string
	// Logo is where the picture beside it is, a path on this server or an
	// https:// URL; empty for none.
	Logo string
	// Accent is the colour of buttons and links, #rrggbb; empty for ours. Where
	// it would be hard to read it is made darker or lighter.
	Accent string
}

// ownAccent is the colour of pages that no brand colours.
const ownAccent = "1d5fd1"

var hexColour = regexp.MustCompile(`^#?([0-9a-fA-F]{6})$`)

// accent is the theme's colour, six hexadecimal digits.
func (t Theme) accent() string {
	if m := hexColour.FindStringSubmatch(t.Accent); m != nil {
		return strings.ToLower(m[1])
	}
	return ownAccent
}

// logoOrigin is the origin that the policy has to allow for the logo: empty for
// our own. ok is false for what must not be shown.
func (t Theme) logoOrigin() (origin string, ok bool) {
	u, err := url.Parse(t.Logo)
	switch {
	case t.Logo == "" || err != nil:
		return "", false
	case u.Host == "" && u.Scheme == "" && strings.HasPrefix(u.Path, "/"):
		return "", true
	case u.Scheme == "https" && u.Host != "" && u.User == nil && !strings.ContainsAny(u.Host, " ;,'\""):
		return "https://" + u.Host, true
	}
	return "", false
}

// A colour in sRGB.
type colour [3]float64

func parseColour(hex string) colour {
	n, _ := strconv.ParseUint(hex, 16, 32) // hexColour has matched it
	return colour{float64(n >> 16 & 255), float64(n >> 8 & 255), float64(n & 255)}
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c[0])), int(math.Round(c[1])), int(math.Round(c[2])))
}

// luminance and contrast are those of WCAG 2.2.
func (c colour) luminance() float64 {
	var l float64
	for i, weight := range [3]float64{0.2126, 0.7152, 0.0722} {
		v := c[i] / 255
		if v <= 0.04045 {
			v /= 12.92
		} else {
			v = math.Pow((v+0.055)/1.055, 2.4)
		}
		l += weight * v
	}
	return l
}

func (c colour) contrast(other colour) float64 {
	a, b := c.luminance(), other.luminance()
	return (max(a, b) + 0.05) / (min(a, b) + 0.05)
}

// on gives the colour as far towards black or white as it must be to be read on
// a background: a contrast of 4.5, and a little for the rounding.
func (c colour) on(background colour) colour {
	to := colour{255, 255, 255}
	if background.luminance() > 0.18 {
		to = colour{}
	}
	for range 50 {
		if c.contrast(background) >= 4.6 {
			break
		}
		for i := range c {
			c[i] += (to[i] - c[i]) * 0.06
		}
	}
	return c
}

// text is black or white, whichever is read better on the colour.
func (c colour) text() string {
	if c.contrast(colour{255, 255, 255}) >= c.contrast(colour{}) {
		return "#ffffff"
	}
	return "#000000"
}

// The backgrounds of style.css on which text in the accent's colour stands.
var (
	lightCard = parseColour("ffffff")
	darkCard  = parseColour("1a1f29")
)

// sheet is the style sheet of an accent.
func sheet(accent string) string {
	c := parseColour(accent)
	light, dark := c.on(lightCard), c.on(darkCard)
	block := func(c colour) string {
		return fmt.Sprintf(":root{--accent:%s;--on-accent:%s}", c, c.text())
	}
	return block(light) + "\n@media(prefers-color-scheme:dark){" + block(dark) + "}\n"
}
