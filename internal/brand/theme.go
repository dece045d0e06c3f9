package brand

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"onsight/internal/qs"
	"onsight/internal/store"
)

// A Theme is how pages of an account look.
type Theme struct {
	// BrandName is shown where there is no logo, and in titles.
	BrandName string
	// AltText is said in the place of the logo.
	AltText string
	// Logo, Logo64, Logo32 and Favicon are paths at this server, its base path
	// included; empty where there is none.
	Logo, Logo64, Logo32, Favicon string
	// Navbar is the bar at the top, Primary the page, Secondary what stands on
	// it, Accent what can be pressed; the others are kinds of messages.
	Navbar, Primary, Secondary, Accent, Success, Warning, Danger, Info Pair
}

// A Pair is a colour and one that can be read on it: #RRGGBB, with a contrast
// of 4.5 to 1 at least (WCAG 2, level AA).
type Pair struct{ Background, Foreground string }

// Default is the theme of accounts that wear no brand.
func Default() Theme {
	return Theme{
		BrandName: "Onsight", AltText: "Onsight",
		Navbar: Pair{"#16324F", "#FFFFFF"}, Primary: Pair{"#FFFFFF", "#1B1F24"}, Secondary: Pair{"#F3F5F7", "#1B1F24"},
		Accent: Pair{"#1A5FB4", "#FFFFFF"}, Success: Pair{"#E3F4E8", "#14532D"}, Warning: Pair{"#FFF4D6", "#5C3D00"},
		Danger: Pair{"#FDE8E8", "#8B1A1A"}, Info: Pair{"#E5F0FB", "#123F6D"},
	}
}

// minContrast is that of level AA for text of common size.
const minContrast = 4.5

const (
	// themeLife is how long a theme is kept: as long as a change that another
	// process made may go unnoticed.
	themeLife = 10 * time.Second
	// maxThemes bounds what is kept.
	maxThemes = 4096
)

// Theme gives the looks of an account: those of the published version of the
// brand that it wears, else Default. It reads the store once in a while, and
// after a change.
func (s *Service) Theme(ctx context.Context, account string) (Theme, error) {
	now := s.now()
	t, round, ok := s.themes.get(account, now)
	if ok {
		return t, nil
	}
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		t, err = s.theme(tx, account)
		return err
	})
	if err != nil {
		return Default(), err
	}
	s.themes.put(account, t, now, round)
	return t, nil
}

// Forget forgets all themes, as after the store was emptied.
func (s *Service) Forget() { s.themes.drop("") }

// Restored forgets the theme of an account whose brands were written by other
// means, once that is durable.
func (s *Service) Restored(tx *store.Tx, account string) error {
	s.themes.changed(tx, account)
	return nil
}

func (s *Service) theme(tx *store.Tx, account string) (Theme, error) {
	t := Default()
	k, err := assigned(tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return t, nil
	}
	if err != nil {
		return t, err
	}
	it, err := brands.Get(tx, k)
	if err != nil || it.Doc.Published == "" {
		return t, err
	}
	v, err := findVersion(tx, account, k.ID, it.Doc.Published)
	if err != nil {
		return t, err
	}
	var d qs.BrandDefinition
	if err := json.Unmarshal([]byte(v.Definition), &d); err != nil {
		return t, fmt.Errorf("definition of version %s of %s: %w", v.Version, it.ARN, err)
	}
	t.BrandName, t.AltText = d.BrandName, d.BrandName
	if d.LogoConfiguration != nil {
		t.AltText = d.LogoConfiguration.AltText
	}
	t.paint(d.ApplicationTheme)
	names, err := store.All[string](tx, `SELECT image FROM brand_images WHERE account = $1 AND brand = $2 AND version = $3`, account, k.ID, v.Version)
	if err != nil {
		return t, err
	}
	places := map[string]*string{primary: &t.Logo, primary + "-64": &t.Logo64, primary + "-32": &t.Logo32, favicon + "-32": &t.Favicon}
	for _, name := range names {
		if place := places[name]; place != nil {
			*place = s.basePath + pathTo(account, k.ID, v.Version, name)
		}
	}
	return t, nil
}

// paint takes the colours of a brand, as far as it has any.
func (t *Theme) paint(a *qs.ApplicationTheme) {
	if a == nil {
		return
	}
	if p := a.BrandColorPalette; p != nil {
		for _, c := range []struct {
			to   *Pair
			from *qs.Palette
		}{
			{&t.Primary, p.Primary},
			{&t.Secondary, p.Secondary},
			{&t.Accent, p.Accent},
			{&t.Success, p.Success},
			{&t.Warning, p.Warning},
			{&t.Danger, p.Danger},
			{&t.Info, p.Info},
		} {
			c.to.take(c.from)
		}
	}
	if e := a.BrandElementStyle; e != nil && e.NavbarStyle != nil {
		t.Navbar.take(e.NavbarStyle.GlobalNavbar)
	}
}

// take takes the colours that are given. Where they cannot be told from each
// other well enough, the foreground becomes black or white.
func (p *Pair) take(from *qs.Palette) {
	if from == nil {
		return
	}
	if from.Background != nil {
		p.Background = *from.Background
	}
	if from.Foreground != nil {
		p.Foreground = *from.Foreground
	}
	if Contrast(p.Background, p.Foreground) >= minContrast {
		return
	}
	p.Foreground = "#000000"
	if Contrast(p.Background, "#FFFFFF") > Contrast(p.Background, p.Foreground) {
		p.Foreground = "#FFFFFF"
	}
}

// Contrast is the contrast ratio of two colours as WCAG 2 defines it, from 1 to
// 21; 1 where one is not of the form #RRGGBB.
func Contrast(a, b string) float64 {
	x, okA := luminance(a)
	y, okB := luminance(b)
	if !okA || !okB {
		return 1
	}
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func luminance(colour string) (float64, bool) {
	if len(colour) != 7 || colour[0] != '#' {
		return 0, false
	}
	n, err := strconv.ParseUint(colour[1:], 16, 32)
	if err != nil {
		return 0, false
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(n>>(16-8*i)&0xff) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum, true
}

// themes are those read lately, by account.
type themes struct {
	mu    sync.Mutex
	by    map[string]kept
	round uint64 // grows with each change: what was read before it is not kept
}

type kept struct {
	Theme
	until time.Time
}

func (t *themes) get(account string, now time.Time) (theme Theme, round uint64, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k, ok := t.by[account]
	return k.Theme, t.round, ok && now.Before(k.until)
}

func (t *themes) put(account string, theme Theme, now time.Time, round uint64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.round != round {
		return
	}
	if t.by == nil || len(t.by) >= maxThemes {
		t.by = map[string]kept{}
	}
	t.by[account] = kept{theme, now.Add(themeLife)}
}

// drop forgets the theme of an account, of all where it is empty.
func (t *themes) drop(account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.round++
	if account == "" {
		t.by = nil
	}
	delete(t.by, account)
}

// changed forgets the theme of an account once the change is durable.
func (t *themes) changed(tx *store.Tx, account string) {
	tx.AfterCommit(func() { t.drop(account) })
}
