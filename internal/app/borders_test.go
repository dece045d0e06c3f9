package app_test

import (
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// A domain, a package that answers operations, knows no other domain and not
// app: what it needs of another it states as an interface, and app hands it in.
func TestBorders(t *testing.T) {
	t.Parallel()
	const module = "onsight/internal/"
	imports := make(map[string]map[string]string) // by package and import, the file that has it
	err := filepath.WalkDir("..", func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			return err
		}
		pkg := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), ".."+string(filepath.Separator)))
		if imports[pkg] == nil {
			imports[pkg] = make(map[string]string)
		}
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if of, ok := strings.CutPrefix(name, module); ok {
				imports[pkg][of] = path
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	var domains []string
	for _, pkg := range slices.Sorted(maps.Keys(imports["app"])) {
		if imports[pkg]["api"] != "" {
			domains = append(domains, pkg)
		}
	}
	if len(domains) < 9 {
		t.Fatalf("domains %v, too few to be true", domains)
	}
	for _, pkg := range slices.Sorted(maps.Keys(imports)) {
		domain, _, _ := strings.Cut(pkg, "/")
		if !slices.Contains(domains, domain) {
			continue
		}
		for of, file := range imports[pkg] {
			if of == "app" || of != domain && slices.Contains(domains, of) {
				t.Errorf("%s imports %s; state what is needed as an interface, and let app hand it in", file, of)
			}
		}
	}
}
