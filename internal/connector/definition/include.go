package definition

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// include lays the paths of other documents below the paths that ask for them,
// whose parameters they have in addition. A document that is included stands
// for itself: what it refers to is in it, and it includes nothing.
func include(doc *openapi3.T, files fs.FS) error {
	if doc.Paths == nil {
		return nil
	}
	for _, below := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		at, item := at("paths", below), doc.Paths.Value(below)
		name := ""
		if err := extension(item.Extensions, "x-onsight-include", at, &name); err != nil {
			return err
		}
		if name == "" {
			continue
		}
		at += "/x-onsight-include"
		if files == nil {
			return wrong(at, "the document stands for itself, and includes no other")
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return wrong(at, "%v", err)
		}
		other, err := parse(text)
		if err != nil {
			return wrong(at, "%s: %v", name, err)
		}
		for path, inner := range other.Paths.Map() {
			if inner.Extensions["x-onsight-include"] != nil {
				return wrong(at, "%s: %s includes another document", name, path)
			}
			if doc.Paths.Value(below+path) != nil {
				return wrong(at, "%s: the document has the path %s already", name, below+path)
			}
			inner.Parameters = slices.Concat(item.Parameters, inner.Parameters)
			doc.Paths.Set(below+path, inner)
		}
	}
	return unique(doc)
}

// unique refuses operations that have one id: of a document, it is seen to when
// that is read.
func unique(doc *openapi3.T) error {
	ids := make(map[string]string)
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			here := fmt.Sprintf("%s %s", method, path)
			if other, there := ids[o.OperationID]; there && o.OperationID != "" {
				return wrong("", "%s and %s have the same operation id %q", min(here, other), max(here, other), o.OperationID)
			}
			ids[o.OperationID] = here
		}
	}
	return nil
}
