package signin

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // the list of common passwords
	"sort"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"onsight/internal/web"
)

// Passwords have 8 characters at least, as in the real service. There they end
// at 64; here a password manager may make longer ones.
const (
	shortest = 8
	longest  = 128
)

// normal is a password as it is hashed: the same letters typed on another
// keyboard are the same password.
func normal(password string) string { return norm.NFC.String(password) }

// judge says what is wrong with a new password: a text of the catalogue, empty
// for nothing. near are the names that it must not be built of.
func judge(password string, near ...string) *web.Problem {
	problem := func(key string, args ...any) *web.Problem {
		return &web.Problem{Field: fieldNew, Key: key, Args: args}
	}
	n := utf8.RuneCountInString(password)
	switch {
	case password == "":
		return problem("password.missing")
	case !utf8.ValidString(password) || strings.ContainsFunc(password, unicode.IsControl):
		return problem("password.control")
	case n < shortest:
		return problem("password.short", shortest)
	case n > longest:
		return problem("password.long", longest)
	case classes(password) < 3:
		return problem("password.classes")
	case distinct(password) < 5:
		return problem("password.common")
	}
	core := plain(password)
	if common(strings.ToLower(password)) || common(core) || common(strings.TrimRightFunc(strings.ToLower(password), notLetter)) {
		return problem("password.common")
	}
	for _, name := range near {
		if built(password, core, name) {
			return problem("password.near")
		}
	}
	return nil
}

// classes counts what a password has of lower case, upper case, digits, and
// anything else.
func classes(password string) int {
	var has [4]bool
	for _, r := range password {
		switch {
		case unicode.IsLower(r):
			has[0] = true
		case unicode.IsUpper(r):
			has[1] = true
		case unicode.IsDigit(r):
			has[2] = true
		default:
			has[3] = true
		}
	}
	n := 0
	for _, h := range has {
		if h {
			n++
		}
	}
	return n
}

func distinct(password string) int {
	seen := map[rune]bool{}
	for _, r := range strings.ToLower(password) {
		seen[r] = true
	}
	return len(seen)
}

func notLetter(r rune) bool { return !unicode.IsLetter(r) }

// lookalikes are what people write for letters.
var lookalikes = strings.NewReplacer("0", "o", "1", "i", "!", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t", "8", "b", "9", "g")

// plain is a password as someone who guesses sees through it: P@ssw0rd2024! is
// password with things behind it.
func plain(password string) string {
	s := strings.ToLower(password)
	s = strings.TrimFunc(s, func(r rune) bool { return notLetter(r) && r != '@' && r != '$' })
	s = strings.TrimRightFunc(lookalikes.Replace(s), notLetter)
	return strings.TrimLeftFunc(s, notLetter)
}

// built tells whether a password is little more than a name.
func built(password, core, name string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	if len([]rune(name)) < 4 {
		return false
	}
	for _, form := range []string{strings.ToLower(password), core} {
		if rest := strings.Replace(form, name, "", 1); rest != form && utf8.RuneCountInString(rest) < shortest {
			return true
		}
		if utf8.RuneCountInString(form) >= 4 && strings.Contains(name, form) {
			return true
		}
	}
	return false
}

// names are what a person's password must not be built of.
func names(p Person, accountName string) []string {
	words := func(s string) []string {
		return strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	}
	all := []string{p.Name, p.Email, accountName, "onsight", "quicksight"}
	for _, s := range []string{p.Name, p.Email, accountName} {
		all = append(all, words(s)...)
	}
	return all
}

// commonHashes are the first commonSize bytes of the SHA-256 of the passwords
// that people choose most often, sorted; see common/.
//
//go:embed common/passwords.bin
var commonHashes []byte

const commonSize = 5

// common tells whether a password in lower case is one of those that people
// choose most often.
func common(password string) bool {
	sum := sha256.Sum256([]byte(password))
	n := len(commonHashes) / commonSize
	at := func(i int) []byte { return commonHashes[i*commonSize : (i+1)*commonSize] }
	i := sort.Search(n, func(i int) bool { return bytes.Compare(at(i), sum[:commonSize]) >= 0 })
	return i < n && bytes.Equal(at(i), sum[:commonSize])
}
