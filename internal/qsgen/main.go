// Command qsgen writes package qs from the model, and the model from botocore.
//
// Run by go generate in internal/qs it writes types_gen.go and ops_gen.go into
// the current directory, and a table of the types for the tests of package
// wire; the same model always gives the same bytes.
//
//	go run ./internal/qsgen -refresh
//
// fetches the newest botocore with pip and writes model/quicksight.json anew;
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
	fresh := flag.Bool("refresh", false, "write model/quicksight.json from the newest botocore instead of generating Go")
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
	source, err := refresh(filepath.Join(root, "model", "quicksight.json"), wheel)
	if err != nil {
		return err
	}
	fmt.Println("model/quicksight.json is now that of", source)
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

func generateHere() error {
	// What the wire cannot do, such as a pattern that Go has no words for,
	// stops the generator and not the first request.
	service, err := wire.Parse(model.QuickSight)
	if err == nil {
		err = service.Check()
	}
	if err != nil {
		return fmt.Errorf("model/quicksight.json: %w", err)
	}
	var doc model.Document
	if err := json.Unmarshal(model.QuickSight, &doc); err != nil {
		return fmt.Errorf("model/quicksight.json: %w", err)
	}
	g, err := newGenerator(&doc)
	if err != nil {
		return err
	}
	for file, generate := range g.files() {
		text, err := generate()
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if err := os.WriteFile(file, text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// files are what is generated, by their names as seen from internal/qs.
func (g *generator) files() map[string]func() ([]byte, error) {
	return map[string]func() ([]byte, error){
		"types_gen.go":              g.types,
		"ops_gen.go":                g.operations,
		"../wire/types_gen_test.go": g.testTypes,
	}
}
