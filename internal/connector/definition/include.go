package definition

import (
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// include lays the paths of other documents below the paths that ask for them,
// whose parameters they have in addition. Of one that the document itself asks
// for it has the paths, and what it does not say of the connector otherwise. A
// document that is included stands for itself: what it refers to is in it, and
// it includes nothing.
func include(doc *openapi3.T, files fs.FS) error {
	name, other, err := included(doc.Extensions, "", files)
	if err != nil {
		return err
	}
	if other != nil {
		doc.Extensions["x-onsight-connector"] = over(other.Extensions["x-onsight-connector"], doc.Extensions["x-onsight-connector"])
		if doc.Paths == nil {
			doc.Paths = openapi3.NewPaths()
		}
		if err := lay(doc, "", nil, name, other, "/x-onsight-include"); err != nil {
			return err
		}
	}
	if doc.Paths == nil {
		return nil
	}
	for _, below := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
		where, item := at("paths", below), doc.Paths.Value(below)
		name, other, err := included(item.Extensions, where, files)
		if err != nil {
			return err
		}
		if other == nil {
			continue
		}
		if err := lay(doc, below, item.Parameters, name, other, where+"/x-onsight-include"); err != nil {
			return err
		}
	}
	return unique(doc)
}

// included gives the document that an extension asks for; nil where none does.
func included(extensions map[string]any, where string, files fs.FS) (name string, other *openapi3.T, err error) {
	if err := extension(extensions, "x-onsight-include", where, &name); err != nil || name == "" {
		return "", nil, err
	}
	where += "/x-onsight-include"
	if files == nil {
		return "", nil, wrong(where, "the document stands for itself, and includes no other")
	}
	text, err := fs.ReadFile(files, name)
	if err != nil {
		return "", nil, wrong(where, "%v", err)
	}
	if other, err = parse(text); err != nil {
		return "", nil, wrong(where, "%s: %v", name, err)
	}
	if other.Extensions["x-onsight-include"] != nil {
		return "", nil, wrong(where, "%s includes another document", name)
	}
	return name, other, nil
}

// lay lays the paths of a document below a path.
func lay(doc *openapi3.T, below string, parameters openapi3.Parameters, name string, other *openapi3.T, where string) error {
	for path, inner := range other.Paths.Map() {
		if inner.Extensions["x-onsight-include"] != nil {
			return wrong(where, "%s: %s includes another document", name, path)
		}
		if doc.Paths.Value(below+path) != nil {
			return wrong(where, "%s: the document has the path %s already", name, below+path)
		}
		inner.Parameters = slices.Concat(parameters, inner.Parameters)
		doc.Paths.Set(below+path, inner)
	}
	return nil
}

// over gives what a document says together with what it has from another one:
// of objects the members of both, of all else its own.
func over(other, own any) any {
	theirs, ok := other.(map[string]any)
	if !ok {
		return own
	}
	ours, ok := own.(map[string]any)
	if !ok && own != nil {
		return own
	}
	all := maps.Clone(theirs)
	for name, value := range ours {
		all[name] = over(theirs[name], value)
	}
	return all
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
