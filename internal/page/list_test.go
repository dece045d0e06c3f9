package page_test

import (
	"slices"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/seal"
)

// A list that is read page by page is read whole, in order, and once.
func TestPage(t *testing.T) {
	t.Parallel()
	tokens := page.NewTokens(seal.New(), time.Now)
	all := []string{"a", "b", "c", "d", "e"}
	for size := int32(1); size <= 6; size++ {
		var got []string
		var token *string
		for pages := 0; ; pages++ {
			p, err := tokens.Page("list", token, &size, page.Usual)
			if err != nil || p.First() != (pages == 0) {
				t.Fatalf("page %d of %d: first is %t, %v", pages, size, p.First(), err)
			}
			at, found := slices.BinarySearch(all, p.After(0))
			if found {
				at++
			}
			items := all[at:min(at+p.Limit+1, len(all))]
			more := page.Cut(p, &items)
			got = append(got, items...)
			if !more {
				break
			}
			token = p.Next(items[len(items)-1])
		}
		if !slices.Equal(got, all) {
			t.Errorf("pages of %d: %q", size, got)
		}
	}
	p, err := tokens.Page("list", nil, nil, page.Usual)
	if err != nil || p.Limit != 100 || p.After(0) != "" || p.After(1) != "" {
		t.Errorf("the first page: %+v, %v", p, err)
	}
	if _, err := tokens.Page("another", p.Next("a"), nil, page.Usual); fault.Of(err) == nil || fault.Of(err).Code != "InvalidNextTokenException" {
		t.Errorf("a token of another list: %v", err)
	}
}
