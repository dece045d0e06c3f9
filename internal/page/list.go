package page

// Usual is how many items a list answers with where the caller does not say.
const Usual = 100

// A Page is the part of a list that a call asks for.
type Page struct {
	// Limit is how many items it has at most.
	Limit int

	scope  string
	from   []string
	tokens *Tokens
}

// Page opens the token of the list scope, which is nil for the first page.
// usual is the limit where maxResults does not say. fault.InvalidNextToken for
// what is no token of this list now.
func (t *Tokens) Page(scope string, token *string, maxResults *int32, usual int) (Page, error) {
	p := Page{Limit: usual, scope: scope, tokens: t}
	if maxResults != nil && *maxResults > 0 {
		p.Limit = int(*maxResults)
	}
	if token == nil {
		return p, nil
	}
	var err error
	p.from, err = t.Key(scope, *token)
	return p, err
}

// After gives part i of the key that the page begins after; empty on the first
// page.
func (p Page) After(i int) string {
	if i < len(p.from) {
		return p.from[i]
	}
	return ""
}

// First tells whether the page is the first one.
func (p Page) First() bool { return len(p.from) == 0 }

// Next gives the token of the page that begins after a key.
func (p Page) Next(key ...string) *string {
	token := p.tokens.Next(p.scope, key...)
	return &token
}

// Cut takes away what is beyond the limit, of items of which one more was read
// than the page has. It tells whether there was anything.
func Cut[T any](p Page, items *[]T) bool {
	if len(*items) <= p.Limit {
		return false
	}
	*items = (*items)[:p.Limit]
	return true
}
