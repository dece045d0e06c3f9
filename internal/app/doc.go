// Package app builds the server and joins its parts. It is the one package
// that imports every domain: where one domain needs something of another, app
// hands it over.
package app

//go:generate go run onsight/internal/opsdoc ../../docs/operations.md
