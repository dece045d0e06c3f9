package wire

import (
	"cmp"
	"reflect"
	"slices"

	"onsight/internal/fault"
)

// An element is a value on the query face: a parameter of a form, with those whose
// names begin with its own, or an element of XML.
type element struct {
	name string
	text string
	set  bool // it has a text, which may be empty
	kids []*element
}

// kid returns the first of that name, or nil.
func (n *element) kid(name string) *element {
	for _, k := range n.kids {
		if k.name == name {
			return k
		}
	}
	return nil
}

// allKids returns the kids of an element that may be nil.
func (n *element) allKids() []*element {
	if n == nil {
		return nil
	}
	return n.kids
}

// fromTree reads a value into to. Like decoder.value it returns the rules that
// a scalar breaks, for its list, map or structure to tell.
func (d *decoder) fromTree(sh *shape, flattened bool, c *codec, n *element, to target) (broken uint, err error) {
	if sh.sensitive && sh.kind >= list {
		d.hidden++
		defer func() { d.hidden-- }()
	}
	switch sh.kind {
	case list:
		return 0, d.treeList(sh, flattened, c, n, to)
	case mapping:
		return 0, d.treeMap(sh, flattened, c, n, to)
	case structure:
		if n.set && n.text != "" && !d.client {
			return 0, d.unexpected(sh, "a text")
		}
		return 0, d.treeStructure(sh, c, n, to)
	default:
		if !n.set {
			return 0, d.unexpected(sh, "a structure or a list")
		}
		return d.scalarText(sh, n.text, to)
	}
}

func (d *decoder) treeStructure(sh *shape, c *codec, n *element, to target) error {
	var v reflect.Value
	if c != nil {
		v = to.v
		if to.pointer {
			p := reflect.New(c.typ)
			v.Set(p)
			v = p.Elem()
		}
	}
	seen, err := d.treeMembers(sh, c, v, n)
	if err != nil {
		return err
	}
	d.missing(sh, seen)
	return nil
}

// treeMembers reads the members of a structure into v, and returns which
// required ones it has. Unknown ones are ignored.
func (d *decoder) treeMembers(sh *shape, c *codec, v reflect.Value, n *element) (seen uint64, err error) {
	set := 0
	for i, kid := range n.kids {
		m := sh.byWire[kid.name]
		if m == nil || !d.holds(m, kid) {
			continue
		}
		if d.client && m.flattened { // its elements stand side by side
			all := slices.DeleteFunc(slices.Clone(n.kids), func(k *element) bool { return k.name != kid.name })
			if all[0] != n.kids[i] {
				continue
			}
			kid = &element{kids: all}
		}
		set++
		seen |= m.bit
		var to target
		var of *codec
		if c != nil {
			f := &c.fields[m.index]
			to, of = target{v.Field(f.index), f.pointer}, f.codec
		}
		d.push(step{name: m.path})
		broken, err := d.fromTree(m.shape, m.flattened, of, kid, to)
		if err != nil {
			return 0, err
		}
		if broken != 0 {
			d.breaks(m.shape, broken, func() string { return d.showTree(m.shape, m.flattened, kid) })
		}
		d.pop()
	}
	if sh.union && set != 1 && !d.client {
		return 0, d.badUnion(sh, set)
	}
	return seen, nil
}

// holds tells whether a parameter says anything about a member: a list
// without members under the right name is not there.
func (d *decoder) holds(m *member, n *element) bool {
	switch {
	case n.set || d.client || m.flattened:
		return true
	case m.shape.kind == list:
		return n.kid(m.shape.elemName) != nil
	case m.shape.kind == mapping:
		return n.kid(entryName) != nil
	}
	return true
}

// entryName is that of the elements of a map.
const entryName = "entry"

// items returns the members of a list, or the entries of a map, in order.
func (d *decoder) items(sh *shape, flattened bool, n *element) ([]*element, error) {
	name := sh.elemName
	if sh.kind == mapping {
		name = entryName
	}
	if d.client {
		if flattened {
			return n.kids, nil
		}
		return slices.DeleteFunc(slices.Clone(n.kids), func(k *element) bool { return k.name != name }), nil
	}
	if n.set {
		if n.text != "" || len(n.kids) > 0 {
			return nil, d.unexpected(sh, "a text")
		}
		return nil, nil // Name= is an empty list
	}
	if !flattened {
		n = n.kid(name)
	}
	return numbered(sh, n)
}

// numbered returns the elements whose names are numbers from 1 on, in their
// order. Clients leave no gaps; those that are there are closed.
func numbered(sh *shape, n *element) ([]*element, error) {
	if n.set {
		return nil, fault.Serialization("A member of %s has no number.", sh.name)
	}
	type item struct {
		number  int
		element *element
	}
	all := make([]item, len(n.kids))
	for i, k := range n.kids {
		number, ok := parseInt(k.name, integer)
		if !ok || number < 1 || number > maxIndex {
			return nil, fault.Serialization("%s is not the number of a member of a list; they go from 1 to %d.", quoteValue(cut(k.name, maxPath)), maxIndex)
		}
		all[i] = item{int(number), k}
	}
	slices.SortFunc(all, func(a, b item) int { return cmp.Compare(a.number, b.number) })
	elements := make([]*element, len(all))
	for i := range all {
		elements[i] = all[i].element
	}
	return elements, nil
}

func (d *decoder) treeList(sh *shape, flattened bool, c *codec, n *element, to target) error {
	items, err := d.items(sh, flattened, n)
	if err != nil {
		return err
	}
	if c != nil {
		to.v.Set(reflect.MakeSlice(c.typ, len(items), len(items)))
	}
	broken := sh.checkLength(len(items))
	for i, item := range items {
		d.push(step{index: i})
		var of *codec
		var at target
		if c != nil {
			of, at.v = c.elem, to.v.Index(i)
		}
		bad, err := d.fromTree(sh.elem, sh.elem.flattened, of, item, at)
		if err != nil {
			return err
		}
		if bad != 0 {
			broken |= badMember
		}
		d.pop()
	}
	d.breaks(sh, broken, func() string { return d.showTree(sh, flattened, n) })
	return nil
}

func (d *decoder) treeMap(sh *shape, flattened bool, c *codec, n *element, to target) error {
	items, err := d.items(sh, flattened, n)
	if err != nil {
		return err
	}
	var all reflect.Value
	if c != nil {
		all = reflect.MakeMapWithSize(c.typ, len(items))
	}
	broken := sh.checkLength(len(items))
	seen := make(map[string]bool, len(items))
	for _, item := range items {
		key, value := item.kid(sh.keyName), item.kid(sh.elemName)
		if key == nil || value == nil || !key.set {
			return d.unexpected(sh, "an entry without "+sh.keyName+" and "+sh.elemName)
		}
		if seen[key.text] {
			return d.unexpected(sh, "two entries of one key")
		}
		seen[key.text] = true
		if sh.key.checkText(key.text) != 0 {
			broken |= badKey
		}
		d.push(step{name: key.text, key: true})
		var of *codec
		var at target
		if c != nil {
			of, at.v = c.elem, reflect.New(c.elem.typ).Elem()
		}
		bad, err := d.fromTree(sh.elem, sh.elem.flattened, of, value, at)
		if err != nil {
			return err
		}
		if bad != 0 {
			broken |= badValue
		}
		d.pop()
		if c != nil {
			all.SetMapIndex(reflect.ValueOf(key.text).Convert(c.key), at.v)
		}
	}
	if c != nil {
		to.v.Set(all)
	}
	d.breaks(sh, broken, func() string { return d.showTree(sh, flattened, n) })
	return nil
}

// showTree renders a value that was read, as shape.show does one of JSON.
func (d *decoder) showTree(sh *shape, flattened bool, n *element) string {
	return quoteValue(string(d.appendTree(nil, sh, flattened, n)))
}

func (d *decoder) appendTree(dst []byte, sh *shape, flattened bool, n *element) []byte {
	switch sh.kind {
	case list, mapping:
	case structure:
		return append(dst, sh.name...)
	default:
		return append(dst, cut(n.text, maxValue)...)
	}
	open, closing := byte('['), byte(']')
	if sh.kind == mapping {
		open, closing = '{', '}'
	}
	items, _ := d.items(sh, flattened, n) // what was read once is read again
	dst = append(dst, open)
	for i, item := range items {
		if len(dst) > maxValue {
			return dst // it is cut there in any case
		}
		if i > 0 {
			dst = append(dst, ", "...)
		}
		if sh.kind == mapping {
			dst = append(append(dst, cut(item.kid(sh.keyName).text, maxValue)...), '=')
			item = item.kid(sh.elemName)
		}
		dst = d.appendTree(dst, sh.elem, sh.elem.flattened, item)
	}
	return append(dst, closing)
}
