package main

import (
	"strings"
	"unicode"
)

// initialisms are the words of enumerations that stay in capitals.
var initialisms = map[string]bool{
	"ACL": true, "API": true, "ARN": true, "AWS": true, "CMK": true, "CRM": true, "CSV": true,
	"GB": true, "HTTP": true, "IAM": true, "ID": true, "JSON": true, "KMS": true, "MB": true, "OIDC": true,
	"PDF": true, "RLS": true, "SAML": true, "SAP": true, "SQL": true, "SSL": true, "SSO": true, "TSV": true,
	"URI": true, "URL": true, "VPC": true, "XLSX": true, "XML": true,
}

// exported is a name of the model with its first letter in upper case; the
// rest stays letter for letter.
func exported(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}

// camel turns the value of an enumeration into the tail of a Go name: cut
// where it has no letter or digit; a word in capitals keeps its first and
// lowers the others, unless it is an initialism; a word of mixed case starts
// upper and stays as it is.
func camel(value string) string {
	var b strings.Builder
	words := strings.FieldsFunc(value, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	for _, w := range words {
		if w == strings.ToUpper(w) && !initialisms[w] {
			w = strings.ToLower(w)
		}
		b.WriteString(exported(w))
	}
	return b.String()
}
