// Package web makes pages on the server: without script, in the languages of
// one catalogue, in the colours of an account's brand, with the headers that
// keep other sites out.
//
//	site, err := web.New(web.Config{…}, pages) // pages: an fs.FS with *.html
//	mux.HandleFunc("GET /signin", func(w http.ResponseWriter, r *http.Request) {
//		site.Show(w, r, web.Page{Name: "signin", Account: id, Data: …})
//	})
//	handler := site.Handler(mux)
//
// A page is a template of its own file, which defines "main". Its data are a
// View: .Data is what was handed in, .T gives a text of the catalogue, .URL an
// address on this server, .Input a form's field with label, hint and problem.
// Texts of all pages are in texts/*.json; every language has the same keys.
//
// A problem with what someone has entered is a Problem: Show lists them above
// the form, each with a link to its field, and repeats them at the fields.
package web
