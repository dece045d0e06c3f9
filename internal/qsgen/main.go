// Command qsgen writes the packages of Go types from the models, and the models
// from botocore.
//
// Run by go generate in internal/qs, or in one of its siblings, it writes
// types_gen.go and ops_gen.go into the current directory, and a table of the
// types for the tests of package wire; the same model always gives the same
// bytes.
//
//	go run ./internal/qsgen -refresh
//
// fetches the newest botocore with pip and writes the documents in model anew;
// go generate ./... then follows.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"onsight/internal/wire"
	"onsight/model"
)

func main() {
	fresh := flag.Bool("refresh", false, "write the documents in model from the newest botocore instead of generating Go")
	wheel := flag.String("wheel", "", "with -refresh: take this botocore wheel instead of downloading one")
	flag.Parse()
	var err error
	if *fresh {
		err = refreshModel(*wheel)
	} else {
		err = generateHere()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "qsgen:", err)
		os.Exit(1)
	}
}

func refreshModel(wheel string) error {
	root, err := moduleRoot()
	if err != nil {
		return err
	}
	source, err := refresh(root, wheel)
	if err != nil {
		return err
	}
	fmt.Println("The documents in model are now those of", source)
	return nil
}

// moduleRoot finds the folder of go.mod at or above the current one.
func moduleRoot() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		up := filepath.Dir(dir)
		if up == dir {
			return "", errors.New("run it inside the module")
		}
		dir = up
	}
}

// generateHere generates the package that go generate has called for.
func generateHere() error {
	for _, s := range services {
		if s.pkg == os.Getenv("GOPACKAGE") {
			if err := generate(s); err != nil {
				return fmt.Errorf("%s: %w", s.file(), err)
			}
			return nil
		}
	}
	return errors.New("run it with go generate, in a package of types")
}

func generate(s service) error {
	// What the wire cannot do, such as a pattern that Go has no words for,
	// stops the generator and not the first request.
	contract, err := wire.Parse(s.document)
	if err == nil {
		err = contract.Check()
	}
	if err != nil {
		return err
	}
	var doc model.Document
	if err := json.Unmarshal(s.document, &doc); err != nil {
		return err
	}
	g, err := newGenerator(s, &doc)
	if err != nil {
		return err
	}
	for file, generate := range g.files() {
		text, err := generate()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil { //nolint:gosec // a file of the repository
			return err
		}
	}
	return nil
}

// files are what is generated, by their names as seen from the package.
func (g *generator) files() map[string]func() ([]byte, error) {
	return map[string]func() ([]byte, error){
		"types_gen.go": g.types,
		"ops_gen.go":   g.operations,
		"../wire/" + g.service.pkg + "_gen_test.go": g.testTypes,
	}
}
