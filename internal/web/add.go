package web

import (
	"io/fs"
	"strings"
)

// Add gives the site the pages of another folder. It is called before the
// first request.
func (s *Site) Add(folder fs.FS) error {
	names, err := fs.Glob(folder, "*.html")
	if err != nil {
		return err
	}
	for _, name := range names {
		t, err := s.pages["layout"].Clone()
		if err == nil {
			t, err = t.ParseFS(folder, name)
		}
		if err != nil {
			return err
		}
		s.pages[strings.TrimSuffix(name, ".html")] = t
	}
	return nil
}
