// Package definitions holds what Onsight knows of each type of connector: an
// OpenAPI document of its own, as package definition reads it. The file of a
// type has its name in lower case; what types have in common is in shared.
//
// To add a service, write its document, and beside it in testdata the
// requests that the service's reference asks for, case by case.
package definitions

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"onsight/internal/connector/definition"
)

//go:embed *.yaml shared/*.yaml
var files embed.FS

type entry struct {
	once sync.Once
	d    *definition.Definition
}

var all = sync.OnceValue(func() map[string]*entry {
	names, err := fs.Glob(files, "*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	entries := make(map[string]*entry, len(names))
	for _, name := range names {
		entries[strings.ToUpper(strings.TrimSuffix(name, ".yaml"))] = &entry{}
	}
	return entries
})

// Of gives the definition of a type of connector, such as JIRA_CLOUD. It is
// read when it is asked for first.
func Of(connectorType string) (*definition.Definition, bool) {
	e, ok := all()[connectorType]
	if !ok {
		return nil, false
	}
	e.once.Do(func() {
		name := strings.ToLower(connectorType) + ".yaml"
		d, err := definition.LoadFile(files, name)
		if err != nil { // a test reads all of them
			panic(fmt.Sprintf("definitions: %s: %v", name, err))
		}
		e.d = d
	})
	return e.d, true
}

// Types are the types that have a definition, sorted.
func Types() []string {
	var types []string
	for t := range all() {
		types = append(types, t)
	}
	slices.Sort(types)
	return types
}
