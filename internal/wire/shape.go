package wire

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"onsight/model"
)

// A kind is what a value of a shape is on the wire.
type kind uint8

const (
	text kind = iota + 1 // string and enumeration
	boolean
	integer // 32 bits
	long    // 64 bits
	double
	timestamp
	blob
	list
	mapping
	structure
	document // any JSON value
	stream   // bytes that are not held whole
)

var kinds = map[string]kind{
	"string": text, "boolean": boolean, "integer": integer, "long": long, "double": double, "float": double,
	"timestamp": timestamp, "blob": blob, "list": list, "map": mapping, "structure": structure,
}

// A location is the part of a message that a member travels in.
type location uint8

const (
	inBody location = iota
	inPath
	inQuery
	inStatus
	inHeader
)

var locations = map[string]location{"": inBody, "uri": inPath, "querystring": inQuery, "statusCode": inStatus, "header": inHeader}

// A shape is a type of the model with its rules, ready for use.
type shape struct {
	name      string
	kind      kind
	sensitive bool
	union     bool
	flattened bool   // in forms and XML: no element around the members
	errorCode int    // the status of an exception, else 0
	code      string // of an exception on the wire

	// Limits: of the value for numbers, of the length for all else. The texts
	// are the model's; an empty one means that there is no limit.
	min, max         float64
	minText, maxText string
	pattern          *pattern
	enum             map[string]string // values by themselves, so that decoding need not copy them
	enumText         string

	members  []member // of a structure, sorted by name
	byWire   map[string]*member
	required uint64 // bits of the members that must be there

	elem *shape // members of a list, values of a map
	key  *shape // of a map
	// Names in forms and XML: of a list's members, or of a map's keys and values.
	elemName, keyName string
}

// A member is one member of a structure.
type member struct {
	name     string // in the model
	path     string // in messages: the first letter in lower case
	wire     string // in the query and in the path; in the body, its name there
	quoted   string // `"name":` as it is written to the body
	shape    *shape
	location location
	index    int    // in shape.members
	bit      uint64 // its bit in shape.required, or 0
	// flattened is set where its shape is, or where it says so itself.
	flattened bool
}

// scalar tells whether values are neither lists, maps, structures nor documents.
func (s *shape) scalar() bool { return s.kind < list }

// textual tells whether values can stand in a path or query. Times could, as
// text of another form; no operation of the model has any there.
func (s *shape) textual() bool { return s.scalar() && s.kind != timestamp && s.kind != blob }

// holdsBlob tells whether a blob is somewhere inside.
func (s *shape) holdsBlob(seen map[*shape]bool) bool {
	if s == nil || seen[s] {
		return false
	}
	seen[s] = true
	if s.kind == blob || s.elem.holdsBlob(seen) {
		return true
	}
	return slices.ContainsFunc(s.members, func(m member) bool { return m.shape.holdsBlob(seen) })
}

// shape returns the compiled shape of that name with all that it reaches.
func (s *Service) shape(name string) (*shape, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shapeLocked(name)
}

func (s *Service) shapeLocked(name string) (*shape, error) {
	if s.broken != nil { // shapes that lead to the broken one are not whole
		return nil, s.broken
	}
	if sh, ok := s.shapes[name]; ok {
		return sh, nil
	}
	raw, ok := s.raw[name]
	if !ok {
		s.broken = fmt.Errorf("the model lacks shape %s", name)
		return nil, s.broken
	}
	var m model.Shape
	err := json.Unmarshal(raw, &m)
	sh := &shape{name: name}
	if err == nil {
		s.shapes[name] = sh // before its members, which may lead back to it
		err = s.fill(sh, m)
	}
	if err != nil {
		s.broken = fmt.Errorf("shape %s: %w", name, err)
		return nil, s.broken
	}
	return sh, nil
}

func (s *Service) fill(sh *shape, m model.Shape) (err error) {
	sh.kind = kinds[m.Type]
	if sh.kind == 0 {
		return fmt.Errorf("its type %q is unknown", m.Type)
	}
	switch {
	case m.Document:
		sh.kind = document
	case m.Streaming && sh.kind == blob:
		sh.kind = stream
	}
	sh.sensitive, sh.union, sh.flattened = m.Sensitive, m.Union, m.Flattened
	sh.errorCode, sh.code = m.Error, cmp.Or(m.Code, sh.name)
	sh.minText, sh.maxText = m.Min.String(), m.Max.String()
	sh.min, sh.max = math.Inf(-1), math.Inf(1)
	if sh.minText != "" {
		if sh.min, err = m.Min.Float64(); err != nil {
			return err
		}
	}
	if sh.maxText != "" {
		if sh.max, err = m.Max.Float64(); err != nil {
			return err
		}
	}
	if m.Pattern != "" {
		sh.pattern = patternOf(m.Pattern)
	}
	if len(m.Enum) > 0 {
		sh.enum = make(map[string]string, len(m.Enum))
		for _, v := range m.Enum {
			sh.enum[v] = v
		}
		sh.enumText = strings.Join(m.Enum, ", ")
		for _, v := range alsoAccepted[sh.name] {
			sh.enum[v] = v
		}
	}
	switch sh.kind {
	case list:
		sh.elemName = cmp.Or(m.MemberName, "member")
		sh.elem, err = s.shapeLocked(m.Member)
		return err
	case mapping:
		sh.keyName, sh.elemName = cmp.Or(m.KeyName, "key"), cmp.Or(m.ValueName, "value")
		if sh.key, err = s.shapeLocked(m.Key); err != nil {
			return err
		}
		if sh.key.kind != text {
			return fmt.Errorf("its keys are not strings")
		}
		sh.elem, err = s.shapeLocked(m.Value)
		return err
	case structure:
		return s.fillMembers(sh, m)
	default:
		return nil
	}
}

func (s *Service) fillMembers(sh *shape, m model.Shape) error {
	names := slices.Sorted(maps.Keys(m.Members))
	sh.members = make([]member, len(names))
	sh.byWire = make(map[string]*member, len(names))
	bits := 0
	for i, name := range names {
		in := m.Members[name]
		of, err := s.shapeLocked(in.Shape)
		if err != nil {
			return err
		}
		mb := &sh.members[i]
		*mb = member{name: name, path: strings.ToLower(name[:1]) + name[1:], wire: in.LocationName, shape: of, index: i, flattened: in.Flattened || of.flattened}
		if mb.wire == "" {
			mb.wire = name
		}
		mb.quoted = strconv.Quote(mb.wire) + ":"
		var ok bool
		if mb.location, ok = locations[in.Location]; !ok {
			return fmt.Errorf("member %s stands in %q, which is unknown", name, in.Location)
		}
		if slices.Contains(m.Required, name) {
			if bits == 64 {
				return fmt.Errorf("more than 64 members are required")
			}
			mb.bit = 1 << bits
			bits++
			sh.required |= mb.bit
		}
		if mb.location == inBody {
			sh.byWire[mb.wire] = mb
		}
	}
	return nil
}
