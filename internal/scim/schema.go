package scim

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// The URNs of schemas and messages.
const (
	urnUser       = "urn:ietf:params:scim:schemas:core:2.0:User"
	urnGroup      = "urn:ietf:params:scim:schemas:core:2.0:Group"
	urnEnterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
	urnError      = "urn:ietf:params:scim:api:messages:2.0:Error"
	urnList       = "urn:ietf:params:scim:api:messages:2.0:ListResponse"
	urnPatch      = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
	urnBulk       = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
	urnBulkDone   = "urn:ietf:params:scim:api:messages:2.0:BulkResponse"
	urnSearch     = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
)

// An attribute is one of a schema, as /Schemas shows it.
type attribute struct {
	Name        string      `json:"name"`
	Type        string      `json:"type"`
	Multi       bool        `json:"multiValued"`
	Description string      `json:"description"`
	Required    bool        `json:"required"`
	Canonical   []string    `json:"canonicalValues,omitempty"`
	CaseExact   bool        `json:"caseExact"`
	Mutability  string      `json:"mutability"`
	Returned    string      `json:"returned"`
	Uniqueness  string      `json:"uniqueness"`
	References  []string    `json:"referenceTypes,omitempty"`
	Sub         []attribute `json:"subAttributes,omitempty"`
}

// sub finds a sub-attribute, without regard to case; nil where there is none.
func (a *attribute) sub(name string) *attribute { return find(a.Sub, name) }

func find(attributes []attribute, name string) *attribute {
	for i := range attributes {
		if strings.EqualFold(attributes[i].Name, name) {
			return &attributes[i]
		}
	}
	return nil
}

func text(name, description string, change ...func(*attribute)) attribute {
	a := attribute{Name: name, Type: "string", Description: description, Mutability: "readWrite", Returned: "default", Uniqueness: "none"}
	for _, c := range change {
		c(&a)
	}
	return a
}

func boolean(name, description string) attribute {
	return text(name, description, func(a *attribute) { a.Type = "boolean" })
}

func complexOf(name, description string, sub ...attribute) attribute {
	return text(name, description, func(a *attribute) { a.Type, a.Sub = "complex", sub })
}

// plural is a multi-valued attribute with the sub-attributes that all have.
func plural(name, description string, types ...string) attribute {
	a := complexOf(name, description,
		text("value", "The value."),
		text("display", "A name for people."),
		text("type", "What it is for.", func(a *attribute) { a.Canonical = types }),
		boolean("primary", "Whether it is the preferred one: one at most."),
	)
	a.Multi = true
	return a
}

func readOnly(a *attribute)  { a.Mutability = "readOnly" }
func caseExact(a *attribute) { a.CaseExact = true }
func required(a *attribute)  { a.Required = true }
func unique(a *attribute)    { a.Uniqueness = "server" }
func immutable(a *attribute) { a.Mutability = "immutable" }
func always(a *attribute)    { a.Returned = "always" }
func reference(of ...string) func(*attribute) {
	return func(a *attribute) { a.Type, a.References, a.CaseExact = "reference", of, true }
}

// A schema is one of a resource.
type schema struct {
	ID          string
	Name        string
	Description string
	Attributes  []attribute
}

// A kind is a type of resource.
type kind struct {
	name, endpoint string
	core           schema
	extensions     []schema
}

// common are the attributes that every resource has (RFC 7643, 3.1).
var common = []attribute{
	text("id", "The id, given by the server.", readOnly, caseExact, always, unique),
	text("externalId", "The id at the centre.", caseExact),
	complexOf("meta", "What the server knows of the resource.",
		text("resourceType", "The type.", readOnly, caseExact),
		text("created", "When it was made.", readOnly, func(a *attribute) { a.Type = "dateTime" }),
		text("lastModified", "When it was changed last.", readOnly, func(a *attribute) { a.Type = "dateTime" }),
		text("location", "Where it is.", readOnly, reference("uri")),
		text("version", "The version, as in the ETag.", readOnly, caseExact),
	),
	{Name: "schemas", Type: "reference", Multi: true, CaseExact: true, Mutability: "readOnly", Returned: "always", Uniqueness: "none"},
}

var users = &kind{
	name: "User", endpoint: "/Users",
	core: schema{urnUser, "User", "A person.", []attribute{
		text("userName", "The name at sign-in, unique without regard to case. The first one is the name of the QuickSight user, for ever.", required, unique),
		complexOf("name", "The parts of the person's name.",
			text("formatted", "The whole name."), text("familyName", "The family name."), text("givenName", "The given name."),
			text("middleName", "The middle names."), text("honorificPrefix", "The title."), text("honorificSuffix", "The suffix."),
		),
		text("displayName", "The name for people."),
		text("nickName", "What the person is called."),
		text("profileUrl", "A page about the person.", reference("external")),
		text("title", "The title, such as Vice President."),
		text("userType", "What the person is to the organisation."),
		text("preferredLanguage", "The language, as in Accept-Language."),
		text("locale", "The locale, such as en-US."),
		text("timezone", "The time zone, such as Europe/Berlin."),
		boolean("active", "Whether the person may sign in."),
		text("password", "Taken and thrown away: people sign in at the centre.", func(a *attribute) { a.Mutability, a.Returned = "writeOnly", "never" }),
		plural("emails", "E-mail addresses.", "work", "home", "other"),
		plural("phoneNumbers", "Phone numbers.", "work", "home", "mobile", "fax", "pager", "other"),
		plural("ims", "Addresses of instant messages."),
		plural("photos", "Pictures.", "photo", "thumbnail"),
		func() attribute {
			a := complexOf("addresses", "Addresses.",
				text("formatted", "The whole address."), text("streetAddress", "The street."), text("locality", "The city."), text("region", "The region."),
				text("postalCode", "The postal code."), text("country", "The country."),
				text("type", "What it is for.", func(a *attribute) { a.Canonical = []string{"work", "home", "other"} }),
				boolean("primary", "Whether it is the preferred one: one at most."),
			)
			a.Multi = true
			return a
		}(),
		func() attribute {
			a := complexOf("groups", "The groups that the person is in.",
				text("value", "The id of the group.", readOnly, caseExact), text("$ref", "Where the group is.", readOnly, reference("Group")),
				text("display", "The name of the group.", readOnly), text("type", "Always direct.", readOnly),
			)
			a.Multi, a.Mutability = true, "readOnly"
			return a
		}(),
		plural("entitlements", "What the person is entitled to. It has no effect here."),
		plural("roles", "Roles at the centre. They have no effect here: groups give roles."),
		plural("x509Certificates", "Certificates."),
	}},
	extensions: []schema{{urnEnterprise, "EnterpriseUser", "An employee.", []attribute{
		text("employeeNumber", "The number."), text("costCenter", "The cost centre."), text("organization", "The organisation."),
		text("division", "The division."), text("department", "The department."),
		complexOf("manager", "The manager.",
			text("value", "The id of the manager.", caseExact), text("$ref", "Where the manager is.", reference("User")), text("displayName", "The manager's name.", readOnly),
		),
	}}},
}

var groups = &kind{
	name: "Group", endpoint: "/Groups",
	core: schema{urnGroup, "Group", "A group of people.", []attribute{
		text("displayName", "The name. The first one is the name of the QuickSight group, for ever.", required, unique),
		func() attribute {
			a := complexOf("members", "Who is in it: users.",
				text("value", "The id of the user.", immutable, caseExact), text("$ref", "Where the user is.", immutable, reference("User")),
				text("type", "Always User.", immutable, func(a *attribute) { a.Canonical = []string{"User"} }),
			)
			a.Multi = true
			return a
		}(),
	}},
}

var kinds = []*kind{users, groups}

// schemaOf finds a schema of a kind by its URN, without regard to case.
func (k *kind) schemaOf(urn string) *schema {
	if strings.EqualFold(urn, k.core.ID) {
		return &k.core
	}
	for i := range k.extensions {
		if strings.EqualFold(urn, k.extensions[i].ID) {
			return &k.extensions[i]
		}
	}
	return nil
}

// attribute finds an attribute; nil where there is none. An empty URN is the
// core's, or what all have.
func (k *kind) attribute(urn, name string) *attribute {
	if urn == "" || strings.EqualFold(urn, k.core.ID) {
		if a := find(k.core.Attributes, name); a != nil {
			return a
		}
		return find(common, name)
	}
	if s := k.schemaOf(urn); s != nil {
		return find(s.Attributes, name)
	}
	return nil
}

// longestText is how long a value may be, in bytes; most, how many an
// attribute may have.
const (
	longestText = 8 << 10
	most        = 500
)

// normalise gives a resource as it is kept: names as the schema has them,
// values of its types, without what is empty, unknown or the server's own.
func (k *kind) normalise(in map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for name, v := range in {
		if s := k.schemaOf(name); s != nil && s != &k.core {
			ext, ok := v.(map[string]any)
			if !ok {
				if v == nil {
					continue
				}
				return nil, bad(invalidValue, "%s must be an object.", s.ID)
			}
			part, err := coerceAll(s.Attributes, ext)
			if err != nil {
				return nil, err
			}
			if len(part) > 0 {
				out[s.ID] = part
			}
			continue
		}
		a := k.attribute("", name)
		if a == nil || a.Mutability == "readOnly" || a.Mutability == "writeOnly" {
			continue
		}
		if _, twice := out[a.Name]; twice {
			return nil, bad(invalidSyntax, "Attribute %s is there twice.", a.Name)
		}
		value, err := a.coerce(v)
		if err != nil {
			return nil, err
		}
		if value != nil {
			out[a.Name] = value
		}
	}
	return out, nil
}

func coerceAll(attributes []attribute, in map[string]any) (map[string]any, error) {
	out := make(map[string]any, len(in))
	for name, v := range in {
		a := find(attributes, name)
		if a == nil || a.Mutability == "readOnly" || a.Mutability == "writeOnly" {
			continue
		}
		value, err := a.coerce(v)
		if err != nil {
			return nil, err
		}
		if value != nil {
			out[a.Name] = value
		}
	}
	return out, nil
}

// coerce gives a value in the attribute's type: nil for none, []any for many.
func (a *attribute) coerce(v any) (any, error) {
	list, isList := v.([]any)
	if !a.Multi {
		if isList { // Entra sends managers so
			if len(list) == 0 {
				return nil, nil
			}
			if len(list) > 1 {
				return nil, bad(invalidValue, "Attribute %s has one value, not %d.", a.Name, len(list))
			}
			v = list[0]
		}
		return a.one(v)
	}
	if !isList {
		if v == nil {
			return nil, nil
		}
		list = []any{v}
	}
	if len(list) > most {
		return nil, bad(invalidValue, "Attribute %s has %d values, and may have %d.", a.Name, len(list), most)
	}
	var out []any
	preferred := 0
	for _, v := range list {
		one, err := a.one(v)
		if err != nil {
			return nil, err
		}
		if one == nil {
			continue
		}
		if isPrimary(one) {
			preferred++
		}
		out = append(out, one)
	}
	if preferred > 1 {
		return nil, bad(invalidValue, "One value of %s at most can be primary.", a.Name)
	}
	if len(out) == 0 {
		return nil, nil
	}
	return out, nil
}

func isPrimary(v any) bool {
	m, _ := v.(map[string]any)
	p, _ := m["primary"].(bool)
	return p
}

// one gives a single value in the attribute's type; nil for none.
func (a *attribute) one(v any) (any, error) {
	if v == nil {
		return nil, nil
	}
	switch a.Type {
	case "boolean":
		switch v := v.(type) {
		case bool:
			return v, nil
		case string: // as Entra sends them
			if strings.EqualFold(v, "true") || strings.EqualFold(v, "false") {
				return strings.EqualFold(v, "true"), nil
			}
			if v == "" {
				return nil, nil
			}
		}
		return nil, bad(invalidValue, "Attribute %s must be true or false.", a.Name)
	case "complex":
		if s, ok := v.(string); ok && a.sub("value") != nil {
			if s == "" {
				return nil, nil
			}
			v = map[string]any{"value": s}
		}
		m, ok := v.(map[string]any)
		if !ok {
			return nil, bad(invalidValue, "Attribute %s must be an object.", a.Name)
		}
		out, err := coerceAll(a.Sub, m)
		if err != nil || len(out) == 0 {
			return nil, err
		}
		return out, nil
	}
	s, ok := v.(string)
	if !ok {
		return nil, bad(invalidValue, "Attribute %s must be a string.", a.Name)
	}
	switch {
	case s == "":
		return nil, nil
	case len(s) > longestText:
		return nil, bad(invalidValue, "Attribute %s has %d bytes, and may have %d.", a.Name, len(s), longestText)
	case !utf8.ValidString(s) || strings.ContainsRune(s, 0):
		return nil, bad(invalidValue, "Attribute %s holds what is no text.", a.Name)
	}
	if a.Type == "dateTime" {
		if _, err := time.Parse(time.RFC3339Nano, s); err != nil {
			return nil, bad(invalidValue, "Attribute %s must be a time such as 2026-01-31T12:00:00Z.", a.Name)
		}
	}
	return s, nil
}

// schemasOf are the URNs of the schemas that a resource uses.
func (k *kind) schemasOf(doc map[string]any) []string {
	out := []string{k.core.ID}
	for _, s := range k.extensions {
		if doc[s.ID] != nil {
			out = append(out, s.ID)
		}
	}
	return out
}

// textOf is a text of a resource; empty where there is none.
func textOf(doc map[string]any, name string) string {
	s, _ := doc[name].(string)
	return s
}

// emailsOf are the addresses of a user: the preferred one first.
func emailsOf(doc map[string]any) []string {
	list, _ := doc["emails"].([]any)
	var out []string
	for _, v := range list {
		m, _ := v.(map[string]any)
		s, _ := m["value"].(string)
		switch {
		case s == "":
		case isPrimary(v):
			out = slices.Insert(out, 0, s)
		default:
			out = append(out, s)
		}
	}
	return out
}
