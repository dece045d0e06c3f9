package definition_test

import (
	"net/url"
	"os"
	"testing"

	"onsight/internal/connector/definition"
)

// BenchmarkUpload reads a document as a server does that sees it first.
func BenchmarkUpload(b *testing.B) {
	text, err := os.ReadFile("testdata/upload/petshop.json")
	if err != nil {
		b.Fatal(err)
	}
	like, base := generic(b), &url.URL{Scheme: "https", Host: "pets.example.com"}
	b.ReportAllocs()
	for b.Loop() {
		if _, _, problems := definition.Upload(text, base, like); problems != nil {
			b.Fatal(problems)
		}
	}
}
