// Package soql makes queries of Salesforce (SOQL) of what is asked for by type.
package soql

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// name is a field, of the object or by way of others: Owner.Name.
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,5}$`)

// comparisons are the operators of SOQL, and ours, and what they compare with.
var comparisons = map[string]struct {
	form string // %[1]s is the field, %[2]s the value
	many bool   // the value is a list
	like bool   // the value is text, whose wildcards are escaped
	kind string // of value; empty is any
}{
	"=":          {form: "%s = %s"},
	"!=":         {form: "%s != %s"},
	"<":          {form: "%s < %s"},
	"<=":         {form: "%s <= %s"},
	">":          {form: "%s > %s"},
	">=":         {form: "%s >= %s"},
	"LIKE":       {form: "%s LIKE %s", kind: "text"},
	"contains":   {form: "%s LIKE '%%%s%%'", like: true},
	"startsWith": {form: "%s LIKE '%s%%'", like: true},
	"endsWith":   {form: "%s LIKE '%%%s'", like: true},
	"IN":         {form: "%s IN (%s)", many: true},
	"NOT IN":     {form: "%s NOT IN (%s)", many: true},
	"INCLUDES":   {form: "%s INCLUDES (%s)", many: true, kind: "text"},
	"EXCLUDES":   {form: "%s EXCLUDES (%s)", many: true, kind: "text"},
}

// Query makes a query for records of an object. The input is, by name: fields,
// a list; filters, a list of objects of field, operator, value and the type of
// a text; match, which is all or any; orderBy, a list of objects of field,
// direction and nulls; limit and offset. Values are as JSON has them, numbers
// are json.Number.
//
// Whatever the input holds, names stay names and values stay values: nothing of
// it is put into the query as it is but what has been checked to be a name, a
// number or a date.
func Query(object string, input func(name string) any) (string, error) {
	var b strings.Builder
	fields, err := names(input("fields"))
	if err != nil {
		return "", err
	}
	if err := isName("object", object); err != nil {
		return "", err
	}
	b.WriteString("SELECT " + strings.Join(fields, ", ") + " FROM " + object)
	filters, _ := input("filters").([]any)
	var conditions []string
	for i, f := range filters {
		text, err := condition(f)
		if err != nil {
			return "", fmt.Errorf("/filters/%d: %w", i, err)
		}
		conditions = append(conditions, text)
	}
	if len(conditions) > 0 {
		word := " AND "
		if input("match") == "any" {
			word = " OR "
		}
		b.WriteString(" WHERE " + strings.Join(conditions, word))
	}
	orders, _ := input("orderBy").([]any)
	for i, o := range orders {
		text, err := order(o)
		if err != nil {
			return "", fmt.Errorf("/orderBy/%d: %w", i, err)
		}
		if i == 0 {
			b.WriteString(" ORDER BY ")
		} else {
			b.WriteString(", ")
		}
		b.WriteString(text)
	}
	for _, count := range [][2]string{{"limit", "LIMIT"}, {"offset", "OFFSET"}} {
		value := input(count[0])
		if value == nil {
			continue
		}
		if text := fmt.Sprint(value); digits.MatchString(text) {
			b.WriteString(" " + count[1] + " " + text)
			continue
		}
		return "", fmt.Errorf("%s is no whole number", count[0])
	}
	return b.String(), nil
}

var digits = regexp.MustCompile(`^[0-9]{1,6}$`)

func names(value any) ([]string, error) {
	list, _ := value.([]any)
	if len(list) == 0 {
		return nil, errors.New("there is no field to tell")
	}
	all := make([]string, len(list))
	for i, v := range list {
		all[i], _ = v.(string)
		if err := isName(fmt.Sprintf("/fields/%d", i), all[i]); err != nil {
			return nil, err
		}
	}
	return all, nil
}

func isName(where, text string) error {
	if len(text) > 255 || !name.MatchString(text) {
		return fmt.Errorf("%s is no name of a field", where)
	}
	return nil
}

// condition makes a part of WHERE of a field, an operator and a value.
func condition(filter any) (string, error) {
	object, _ := filter.(map[string]any)
	field, _ := object["field"].(string)
	if len(field) > 255 || !name.MatchString(field) {
		return "", fmt.Errorf("%q is no name of a field", field)
	}
	operator, _ := object["operator"].(string)
	how, known := comparisons[operator]
	if !known {
		return "", fmt.Errorf("there is no operator %q", operator)
	}
	kind, _ := object["type"].(string)
	value := object["value"]
	switch text, isText := value.(string); {
	case how.like && !isText, how.kind == "text" && !how.many && !isText:
		return "", fmt.Errorf("%s takes a text", operator)
	case how.like:
		return fmt.Sprintf(how.form, field, escape(text, true)), nil
	}
	if !how.many {
		text, err := literal(value, kind)
		if err == nil && value == nil && operator != "=" && operator != "!=" {
			err = errors.New("nothing is neither greater nor less than null")
		}
		return fmt.Sprintf(how.form, field, text), err
	}
	list, _ := value.([]any)
	if len(list) == 0 {
		return "", fmt.Errorf("%s takes a list that is not empty", operator)
	}
	texts := make([]string, len(list))
	for i, v := range list {
		if _, isText := v.(string); how.kind == "text" && !isText {
			return "", fmt.Errorf("%s takes texts", operator)
		}
		var err error
		if texts[i], err = literal(v, kind); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf(how.form, field, strings.Join(texts, ", ")), nil
}

var (
	decimal  = regexp.MustCompile(`^-?[0-9]{1,18}(\.[0-9]{1,18})?$`)
	relating = regexp.MustCompile(`^(YESTERDAY|TODAY|TOMORROW|(LAST|NEXT)_90_DAYS|(LAST|THIS|NEXT)_(WEEK|MONTH|QUARTER|YEAR|FISCAL_QUARTER|FISCAL_YEAR)|` +
		`((LAST|NEXT)_N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)|N_(DAYS|WEEKS|MONTHS|QUARTERS|YEARS|FISCAL_QUARTERS|FISCAL_YEARS)_AGO):[0-9]{1,4})$`)
)

// literal writes a value as SOQL has it. kind says what a text is.
func literal(value any, kind string) (string, error) {
	switch v := value.(type) {
	case nil:
		return "null", nil
	case bool:
		return fmt.Sprint(v), nil
	case json.Number:
		if !decimal.MatchString(v.String()) {
			return "", errors.New("a number has 18 digits at most before and after the point, and no exponent")
		}
		return v.String(), nil
	case string:
		return written(v, kind)
	}
	return "", errors.New("a value is a text, a number, true, false or null")
}

// written writes a text as what it is.
func written(text, kind string) (string, error) {
	switch kind {
	case "", "text":
		return "'" + escape(text, false) + "'", nil
	case "date":
		if _, err := time.Parse(time.DateOnly, text); err != nil {
			return "", errors.New("a date is written as YYYY-MM-DD")
		}
		return text, nil
	case "dateTime":
		t, err := time.Parse(time.RFC3339, text)
		if err != nil || t.UTC().Year() < 1 || t.UTC().Year() > 9999 {
			return "", errors.New("a time is written as 2026-12-24T18:00:00Z")
		}
		if t.Nanosecond() == 0 {
			return t.UTC().Format("2006-01-02T15:04:05Z"), nil
		}
		return t.UTC().Format("2006-01-02T15:04:05.000Z"), nil
	case "relativeDate":
		if !relating.MatchString(text) {
			return "", errors.New("a relative date is written as TODAY or LAST_N_DAYS:30")
		}
		return text, nil
	}
	return "", fmt.Errorf("there is no type %q", kind)
}

// escape writes a text as it stands between quotes. Wildcards of LIKE stay
// themselves where they are told to.
func escape(text string, wildcards bool) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r == '\'', r == '\\', r == '"', wildcards && (r == '%' || r == '_'):
			b.WriteRune('\\')
			b.WriteRune(r)
		case r == '\n':
			b.WriteString(`\n`)
		case r == '\r':
			b.WriteString(`\r`)
		case r == '\t':
			b.WriteString(`\t`)
		case r < ' ', r == 0x7f:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// order makes a part of ORDER BY.
func order(value any) (string, error) {
	object, _ := value.(map[string]any)
	field, _ := object["field"].(string)
	if len(field) > 255 || !name.MatchString(field) {
		return "", fmt.Errorf("%q is no name of a field", field)
	}
	text := field
	switch object["direction"] {
	case nil, "asc":
		text += " ASC"
	case "desc":
		text += " DESC"
	default:
		return "", errors.New("a direction is asc or desc")
	}
	switch object["nulls"] {
	case nil:
	case "first":
		text += " NULLS FIRST"
	case "last":
		text += " NULLS LAST"
	default:
		return "", errors.New("nulls are first or last")
	}
	return text, nil
}
