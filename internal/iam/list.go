package iam

import (
	"onsight/internal/page"
)

const defaultItems = 100

// A listing is one page of a list: where it begins and how long it is. Lists
// go by key, so what comes and goes between two pages is neither shown twice
// nor keeps anything else from being shown.
type listing struct {
	s     *Service
	scope string
	key   []string
	limit int
}

// listing opens the Marker of a list. What is listed is the operation, the
// account and the filters: a marker of another list is refused. The keys of
// markers have at most 180 bytes together, for IAM takes markers of up to 320
// characters.
func (s *Service) listing(marker *string, maxItems *int32, what ...string) (listing, error) {
	l := listing{s: s, scope: page.Scope(append([]string{"iam"}, what...)...), limit: defaultItems}
	if maxItems != nil {
		l.limit = int(*maxItems)
	}
	key, err := s.tokens.Key(l.scope, value(marker))
	if err != nil {
		return l, validationError("Invalid Marker.")
	}
	l.key = key
	return l, nil
}

// after is the key that the page begins after, and empty on the first page.
// Keys of more than one part are read from l.key.
func (l listing) after() string {
	if len(l.key) == 0 {
		return ""
	}
	return l.key[0]
}

// rows is how many rows to read: one more than the page shows.
func (l listing) rows() int { return l.limit + 1 }

// cut gives the items of the page among up to l.rows() that were read, whether
// there are more, and the Marker for those.
func cut[T any](l listing, read []T, key func(*T) []string) (items []T, truncated *bool, marker *string) {
	if len(read) <= l.limit {
		return read, new(false), nil
	}
	items = read[:l.limit]
	return items, new(true), new(l.s.tokens.Next(l.scope, key(&items[l.limit-1])...))
}

func value[T any](p *T) T {
	if p == nil {
		return *new(T)
	}
	return *p
}
