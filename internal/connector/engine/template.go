package engine

import (
	"regexp"
	"slices"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// filled puts a value into the template of its field, or each of its items
// where it is a list. Nothing is there where all that the template asks for is
// missing.
func (c *Call) filled(o *definition.Operation, f definition.Field, value any, input map[string]any) (filled any, there bool, err error) {
	fill := func(item any) (any, bool, error) {
		t := template{item: item, root: c.root(), other: func(name string) (any, bool, error) { return other(o, name, input) }}
		return t.fill(f.Template)
	}
	list, ok := value.([]any)
	if !ok {
		return fill(value)
	}
	all := make([]any, 0, len(list))
	for _, item := range list {
		made, there, err := fill(item)
		if err != nil {
			return nil, false, err
		}
		if there {
			all = append(all, made)
		}
	}
	return all, true, nil
}

// other gives the value of another input, as it is sent.
func other(o *definition.Operation, name string, input map[string]any) (any, bool, error) {
	n := slices.IndexFunc(o.Fields, func(f definition.Field) bool { return f.Name == name && f.Constant == nil })
	if n < 0 {
		return nil, false, nil
	}
	value, there, err := valueOf(o.Fields[n], input)
	if err != nil || !there || o.Fields[n].Encoding == "" {
		return value, there, err
	}
	value, err = encoded(o.Fields[n], value)
	return value, true, err
}

// A template is filled with a value, with members of it, and with other inputs.
type template struct {
	item  any
	root  string
	other func(name string) (any, bool, error)
}

var slot = regexp.MustCompile(`\{([^{}]*)\}`)

func (t *template) fill(form any) (any, bool, error) {
	switch form := form.(type) {
	case string:
		return t.text(form)
	case []any:
		all := make([]any, 0, len(form))
		for _, part := range form {
			made, there, err := t.fill(part)
			if err != nil {
				return nil, false, err
			}
			if there {
				all = append(all, made)
			}
		}
		return all, true, nil
	case map[string]any:
		object := make(map[string]any, len(form))
		for name, part := range form {
			made, there, err := t.fill(part)
			if err != nil {
				return nil, false, err
			}
			if there {
				object[name] = made
			}
		}
		return object, true, nil
	}
	return form, true, nil
}

// text fills a text. One that is a slot and nothing else becomes what stands for
// it, with its type.
func (t *template) text(form string) (any, bool, error) {
	all := slot.FindAllStringSubmatchIndex(form, -1)
	if len(all) == 1 && all[0][0] == 0 && all[0][1] == len(form) {
		return t.value(form[1 : len(form)-1])
	}
	made, end := "", 0
	for _, at := range all {
		value, there, err := t.value(form[at[2]:at[3]])
		if err != nil || !there {
			return nil, false, err
		}
		made += form[end:at[0]] + plain(value)
		end = at[1]
	}
	return made + form[end:], true, nil
}

// value gives what stands in a slot.
func (t *template) value(name string) (any, bool, error) {
	switch {
	case name == "":
		return t.item, true, nil
	case name == ":base":
		return t.root, true, nil
	case name[0] == '/':
		value, there := pointer.Get(t.item, name)
		return value, there, nil
	}
	return t.other(name)
}
