package scim

import (
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"onsight/internal/store"
)

// columnsOf are the columns that attributes are in, by kind: filters and sorting
// by them are the database's.
var columnsOf = map[*kind]map[string]string{
	users: {
		"id": "id", "username": "name_key", "displayname": "display_key", "externalid": "external_id", "active": "active",
		"meta.created": "created_us", "meta.lastmodified": "updated_us",
	},
	groups: {
		"id": "id", "displayname": "display_key", "externalid": "external_id", "meta.created": "created_us", "meta.lastmodified": "updated_us",
	},
}

// column is the column of an attribute; empty where it has none.
func (p attrPath) column(k *kind) string {
	if p.urn != "" {
		return ""
	}
	name := strings.ToLower(p.attr.Name)
	if p.leaf != p.attr {
		name += "." + strings.ToLower(p.leaf.Name)
	}
	return columnsOf[k][name]
}

// A selection is a filter as a condition of a query, with account and namespace
// as $1 and $2.
type selection struct {
	kind *kind
	args []any
}

func (q *selection) arg(v any) string {
	q.args = append(q.args, v)
	return fmt.Sprintf("$%d", len(q.args))
}

// where gives a condition that all meet whom a filter means. exact tells that
// nobody else does. An empty condition says nothing of anyone.
func (q *selection) where(f expr) (condition string, exact bool) {
	args := q.args
	if condition, exact = q.condition(f); condition == "" {
		q.args = args // what no condition takes must not be there
	}
	return condition, exact
}

func (q *selection) condition(f expr) (condition string, exact bool) {
	switch f := f.(type) {
	case nil:
		return "", true
	case both:
		a, exactA := q.where(f.a)
		b, exactB := q.where(f.b)
		switch {
		case a == "":
			return b, exactA && exactB
		case b == "":
			return a, exactA && exactB
		}
		return "(" + a + " AND " + b + ")", exactA && exactB
	case either:
		a, exactA := q.where(f.a)
		b, exactB := q.where(f.b)
		if a == "" || b == "" {
			return "", false
		}
		return "(" + a + " OR " + b + ")", exactA && exactB
	case neither:
		if a, exact := q.where(f.e); exact && a != "" {
			return "NOT " + a, true
		}
		return "", false
	case having:
		return q.related(f.at, f.e)
	case comparison:
		if f.at.leaf != f.at.attr && f.at.leaf.Name == "value" || f.at.leaf == f.at.attr && f.at.attr.Multi {
			return q.relatedValue(f.at, f)
		}
		column := f.at.column(q.kind)
		if column == "" {
			return "", false
		}
		return q.compare(column, f)
	}
	return "", false
}

// related is the condition on a table of values for a filter of theirs.
func (q *selection) related(at attrPath, e expr) (string, bool) {
	switch e := e.(type) {
	case both:
		a, _ := q.related(at, e.a)
		b, _ := q.related(at, e.b)
		switch {
		case a == "":
			return b, false
		case b == "":
			return a, false
		}
		return "(" + a + " AND " + b + ")", false // not of one value
	case comparison:
		if e.at.leaf.Name == "value" && e.op != "ne" && e.value != nil {
			return q.relatedValue(at, e)
		}
	}
	return "", false
}

// relatedValue is the condition for a comparison of values that are in a table
// of their own.
func (q *selection) relatedValue(at attrPath, f comparison) (string, bool) {
	if at.urn != "" || f.value == nil && f.op != "pr" {
		return "", false
	}
	var table, of, column string
	exactCase := true
	switch {
	case q.kind == users && at.attr.Name == "emails":
		table, of, column, exactCase = "scim_emails", "user_id", "email_key", false
	case q.kind == users && at.attr.Name == "groups":
		table, of, column = "scim_members", "user_id", "group_id"
	case q.kind == groups && at.attr.Name == "members":
		table, of, column = "scim_members", "group_id", "user_id"
	default:
		return "", false
	}
	in := "id IN"
	inner := "TRUE"
	if f.op != "pr" {
		op := f.op
		if op == "ne" {
			in, op = "id NOT IN", "eq"
		}
		want, _ := f.value.(string)
		inner = q.text(column, op, want, exactCase)
	}
	return in + " (SELECT " + of + " FROM " + table + " WHERE account = $1 AND namespace = $2 AND " + inner + ")", true
}

// compare is the condition for a comparison with a column.
func (q *selection) compare(column string, f comparison) (string, bool) {
	switch want := f.value.(type) {
	case bool:
		if f.op == "ne" {
			want = !want
		}
		return column + " = " + q.arg(want), true
	case time.Time:
		op := map[string]string{"eq": "=", "ne": "<>", "gt": ">", "ge": ">=", "lt": "<", "le": "<="}[f.op]
		return column + " " + op + " " + q.arg(store.Micros(want)), op != "" && want.Nanosecond()%1000 == 0
	case string:
		return q.text(column, f.op, want, f.at.leaf.CaseExact), true
	}
	if column == "active" || strings.HasSuffix(column, "_us") { // always there
		if f.op == "pr" || f.op == "ne" {
			return "TRUE", true
		}
		return "FALSE", true
	}
	if f.op == "eq" {
		return column + " = ''", true
	}
	return column + " <> ''", true
}

// text is the condition for a comparison of text. What is not there is empty,
// and the columns of what knows no case are in lower case. LIKE differs between
// the databases, so it is not used.
func (q *selection) text(column, op, want string, exactCase bool) string {
	if !exactCase {
		want = strings.ToLower(want)
	}
	there := " AND " + column + " <> '')"
	switch op {
	case "eq", "ne":
		if op == "ne" {
			return column + " <> " + q.arg(want)
		}
		return column + " = " + q.arg(want)
	case "gt", "ge", "lt", "le":
		sign := map[string]string{"gt": ">", "ge": ">=", "lt": "<", "le": "<="}[op]
		return "(" + column + " " + sign + " " + q.arg(want) + there
	}
	if want == "" {
		return column + " <> ''"
	}
	switch op {
	case "co":
		return "replace(" + column + ", " + q.arg(want) + ", '') <> " + column
	case "ew":
		return fmt.Sprintf("substr(%s, length(%[1]s) - %d, %d) = %s", column, utf8.RuneCountInString(want)-1, utf8.RuneCountInString(want), q.arg(want))
	}
	// sw, as a range, which an index can give.
	condition := "(" + column + " >= " + q.arg(want)
	if end, ok := after(want); ok {
		condition += " AND " + column + " < " + q.arg(end)
	} else {
		condition += fmt.Sprintf(" AND substr(%s, 1, %d) = %s", column, utf8.RuneCountInString(want), q.arg(want))
	}
	return condition + ")"
}

// after gives the first text that comes after all that begin with another; ok
// is false where there is none.
func after(s string) (end string, ok bool) {
	r, n := utf8.DecodeLastRuneInString(s)
	switch {
	case r == utf8.RuneError && n < 2, r == utf8.MaxRune:
		return "", false
	case r == 0xd7ff:
		r = 0xe000
	default:
		r++
	}
	return s[:len(s)-n] + string(r), true
}
