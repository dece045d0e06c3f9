package resource

import (
	"strconv"
	"strings"

	"onsight/internal/store"
)

// A Filter chooses among the resources of a kind. The zero Filter takes all.
type Filter struct {
	where func(q *query, prefix, after string) string
	// among is a query for the ARNs that are taken, from which the search
	// begins; nil for filters that look at each resource.
	among func(q *query, prefix, after string) string
}

// query collects the arguments of a statement.
type query struct{ args []any }

// arg adds an argument and returns its placeholder.
func (q *query) arg(v any) string {
	q.args = append(q.args, v)
	return "$" + strconv.Itoa(len(q.args))
}

// in adds arguments and returns their placeholders, as a list. It repeats the
// last one up to a power of two, so that few texts of queries come about.
func (q *query) in(values []string) string {
	var b strings.Builder
	for i := 0; i < len(values) || i&(i-1) != 0; i++ {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(q.arg(values[min(i, len(values)-1)]))
	}
	return b.String()
}

// Named takes the resources of exactly this name.
func Named(name string) Filter {
	return Filter{where: func(q *query, _, _ string) string {
		return "name_key = " + q.arg(strings.ToLower(name)) + " AND name = " + q.arg(name)
	}}
}

// NameLike takes the resources whose name matches a pattern, in whichever
// case. In the pattern * stands for any text and ? for one character; one
// without either is looked for anywhere in the name.
func NameLike(pattern string) Filter {
	return Filter{where: func(q *query, _, _ string) string {
		return "name_key LIKE " + q.arg(like(pattern)) + " ESCAPE '!'"
	}}
}

// like makes a pattern of SQL from one with * and ?.
func like(pattern string) string {
	p := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_", "*", "%", "?", "_").Replace(strings.ToLower(pattern))
	if !strings.ContainsAny(pattern, "*?") {
		p = "%" + p + "%"
	}
	return p
}

// OfType takes the resources of any of these types; with none, nothing.
func OfType(types ...string) Filter {
	return Filter{where: func(q *query, _, _ string) string {
		if len(types) == 0 {
			return "1 = 0"
		}
		return "type IN (" + q.in(types) + ")"
	}}
}

// Not takes the resources that are in none of these states.
func Not(states ...string) Filter {
	return Filter{where: func(q *query, _, _ string) string {
		if len(states) == 0 {
			return "1 = 1"
		}
		return "status NOT IN (" + q.in(states) + ")"
	}}
}

// A Hold is how a principal holds a resource.
type Hold int

// Ways of holding a resource.
const (
	// Owner may share the resource.
	Owner Hold = iota
	// ViewerOrOwner may at least see it.
	ViewerOrOwner
	// SoleOwner is the only owner on the list.
	SoleOwner
)

// HeldBy takes the resources whose permission list gives any of the principals
// such a hold.
func HeldBy(as Hold, principals ...string) Filter {
	return Filter{where: func(q *query, prefix, after string) string {
		if len(principals) == 0 {
			return "1 = 0"
		}
		// '0' is the byte that follows '/': the range is all that starts with the prefix.
		from, to := q.arg(prefix+after), q.arg(strings.TrimSuffix(prefix, "/")+"0")
		held := "p.owner"
		switch as {
		case Owner:
		case ViewerOrOwner:
			held = "(p.owner OR p.viewer)"
		case SoleOwner:
			held = "p.owner AND NOT EXISTS (SELECT 1 FROM resource_permissions o WHERE o.arn = p.arn AND o.owner AND o.principal <> p.principal)"
		}
		return "arn IN (SELECT p.arn FROM resource_permissions p WHERE p.principal IN (" + q.in(principals) +
			") AND p.arn > " + from + " AND p.arn < " + to + " AND " + held + ")"
	}}
}

// A Range is where a page looks for ARNs: all that follow After and come before
// Until. Prefix is what the ARNs of the kind begin with in the account and
// region of the list.
type Range struct{ Prefix, After, Until string }

// Among takes the resources whose ARN a query of other tables gives, in a
// column named found. Each that it finds is there, and within the range; to
// find one twice does no harm. arg adds an argument and gives its placeholder.
func Among(text func(arg func(v any) string, in Range) string) Filter {
	among := func(q *query, prefix, after string) string {
		// '0' is the byte that follows '/': the range is all that starts with the prefix.
		return text(q.arg, Range{Prefix: prefix, After: prefix + after, Until: strings.TrimSuffix(prefix, "/") + "0"})
	}
	return Filter{among: among, where: func(q *query, prefix, after string) string {
		return "arn IN (" + among(q, prefix, after) + ")"
	}}
}

// Every takes the resources that all of the filters take.
func Every(filters ...Filter) Filter {
	if len(filters) == 1 {
		return filters[0]
	}
	return joined(" AND ", "1 = 1", filters)
}

// Either takes the resources that any of the filters takes.
func Either(filters ...Filter) Filter { return joined(" OR ", "1 = 0", filters) }

func joined(by, none string, filters []Filter) Filter {
	return Filter{where: func(q *query, prefix, after string) string {
		parts := []string{}
		for _, f := range filters {
			if f.where == nil {
				parts = append(parts, "1 = 1")
				continue
			}
			parts = append(parts, f.where(q, prefix, after))
		}
		if len(parts) == 0 {
			return none
		}
		return "(" + strings.Join(parts, by) + ")"
	}}
}

// List reads up to limit resources of a kind whose id comes after the given
// one, in the order of ids (byte by byte). The empty id is before all.
func (k Kind[T]) List(tx *store.Tx, account, region string, f Filter, after string, limit int) ([]*Item[T], error) {
	text, args := k.selection(account, region, f, after, limit)
	return k.items(store.All[row](tx, text, args...))
}

func (k Kind[T]) selection(account, region string, f Filter, after string, limit int) (text string, args []any) {
	q := &query{}
	from := "resources"
	if f.among != nil {
		// The page needs the first ones only. CROSS JOIN has SQLite look up
		// these, instead of asking of every resource whether it is one.
		from = "(SELECT DISTINCT found FROM (" + f.among(q, k.ARN(Key{Account: account, Region: region}), after) + ") a ORDER BY found LIMIT " +
			q.arg(limit) + ") f CROSS JOIN resources"
	}
	where := "account = " + q.arg(account) + " AND region = " + q.arg(region) + " AND kind = " + q.arg(k.Name) + " AND id > " + q.arg(after)
	switch {
	case f.among != nil:
		where += " AND arn = f.found"
	case f.where != nil:
		where += " AND " + f.where(q, k.ARN(Key{Account: account, Region: region}), after)
	}
	return `SELECT ` + columns + ` FROM ` + from + ` WHERE ` + where + ` ORDER BY id LIMIT ` + q.arg(limit), q.args
}
