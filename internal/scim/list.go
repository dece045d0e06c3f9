package scim

import (
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsight/internal/store"
)

const (
	// pageSize is how many resources a page has where nothing is said, and
	// largestPage how many at most.
	pageSize    = 100
	largestPage = 200
	// pageMembers is how many members the groups of a page may have together,
	// once there is one group on it.
	pageMembers = 20_000
	// scanBatch is how many resources are read at once where no condition of the
	// database says which are meant.
	scanBatch = 500
)

// A search is what a list is asked for.
type search struct {
	filter     string
	sortBy     string
	descending bool
	start      int // 1 is the first
	count      int
}

// searchOf reads a search from the parameters of a query.
func searchOf(q url.Values) (search, error) {
	s := search{filter: q.Get("filter"), sortBy: q.Get("sortBy"), start: 1, count: pageSize}
	var err error
	if v := q.Get("startIndex"); v != "" {
		if s.start, err = strconv.Atoi(v); err != nil {
			return s, bad(invalidValue, "startIndex must be a number.")
		}
	}
	if v := q.Get("count"); v != "" {
		if s.count, err = strconv.Atoi(v); err != nil {
			return s, bad(invalidValue, "count must be a number.")
		}
	}
	switch order := q.Get("sortOrder"); strings.ToLower(order) {
	case "", "ascending":
	case "descending":
		s.descending = true
	default:
		return s, bad(invalidValue, "sortOrder must be ascending or descending.")
	}
	s.start, s.count = max(1, s.start), min(max(0, s.count), largestPage)
	return s, nil
}

// searchIn reads a search from the body of a POST to .search.
func searchIn(body map[string]any) (search, error) {
	q := url.Values{}
	for _, name := range []string{"filter", "sortBy", "sortOrder", "startIndex", "count"} {
		switch v := member(body, name).(type) {
		case string:
			q.Set(name, v)
		case float64:
			q.Set(name, strconv.Itoa(int(v)))
		}
	}
	return searchOf(q)
}

// key is what a list goes by: the value sorted by, and the id.
type key struct {
	text   string
	number int64
	id     string
}

// marks remember where the pages of lists began, for a while: the next page
// begins after the last resource of the one before, whatever came or went
// meanwhile, and costs the same wherever in the list it is. Without a mark a page
// is found by counting. Its zero value is ready.
type marks struct {
	mu sync.Mutex
	at map[string]mark
}

type mark struct {
	after key
	total int
	made  time.Time
}

const marksLife = 10 * time.Minute

func (m *marks) get(of string, now time.Time) (mark, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	found, ok := m.at[of]
	return found, ok && now.Sub(found.made) < marksLife
}

func (m *marks) put(of string, is mark) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.at == nil || len(m.at) >= remembered {
		m.at = make(map[string]mark)
	}
	m.at[of] = is
}

// A listing is a list under way.
type listing struct {
	c       *call
	kind    *kind
	search  search
	filter  expr
	column  string // sorted by
	numeric bool
	where   string
	exact   bool
	args    []any
}

// list answers a list.
func (c *call) list(tx *store.Tx, k *kind, s search) (*answer, error) {
	l := &listing{c: c, kind: k, search: s, column: "id"}
	if s.filter != "" {
		f, err := parseFilter(k, s.filter)
		if err != nil {
			return nil, err
		}
		l.filter = f
	}
	if s.sortBy != "" {
		p := parser{kind: k}
		at, ok := p.resolve(s.sortBy)
		if ok {
			l.column = at.column(k)
			if k == users && at.attr.Name == "emails" && (at.leaf == at.attr || at.leaf.Name == "value") {
				l.column = "email_key"
			}
		}
		if !ok || l.column == "" || l.column == "active" {
			return nil, bad(invalidPath, "Lists can't be sorted by %q: only by id, userName, displayName, externalId, emails.value, meta.created and meta.lastModified.", clip(s.sortBy))
		}
	}
	l.numeric = strings.HasSuffix(l.column, "_us")
	q := selection{kind: k, args: []any{c.account, c.token.Namespace}}
	condition, exact := q.where(l.filter)
	l.where, l.exact, l.args = "account = $1 AND namespace = $2", exact, q.args
	if condition != "" {
		l.where += " AND " + condition
	}
	if !exact && k == groups && mentionsMembers(l.filter) {
		return nil, bad(invalidFilter, "Members can be filtered by their value, and together with id, externalId, displayName, meta.created and meta.lastModified alone.")
	}
	of := strings.Join([]string{c.account, c.token.ID, k.name, s.filter, s.sortBy, strconv.FormatBool(s.descending)}, "\x00") + "\x00"
	from, marked := mark{}, false
	if s.start > 1 {
		from, marked = c.s.marks.get(of+strconv.Itoa(s.start), c.s.Now())
	}
	var rows []row
	var total int
	var err error
	if l.exact {
		rows, total, err = l.counted(tx, from, marked)
	} else {
		rows, total, err = l.scanned(tx)
	}
	if err != nil {
		return nil, err
	}
	resources, err := l.resources(tx, rows)
	if err != nil {
		return nil, err
	}
	if n := len(resources); n > 0 && s.start+n <= total {
		c.s.marks.put(of+strconv.Itoa(s.start+n), mark{after: rows[n-1].key, total: total, made: c.s.Now()})
	}
	return &answer{status: http.StatusOK, body: map[string]any{
		"schemas": []string{urnList}, "totalResults": total, "startIndex": s.start, "itemsPerPage": len(resources), "Resources": resources,
	}}, nil
}

// lists answers a list of several kinds: all of one, then all of the next.
func (c *call) lists(tx *store.Tx, of []*kind, s search) (*answer, error) {
	if len(of) == 1 {
		return c.list(tx, of[0], s)
	}
	var wrong error
	total, all := 0, []any{}
	for _, k := range of {
		part := s
		part.start, part.count = max(1, s.start-total), s.count-len(all)
		a, err := c.list(tx, k, part)
		if e, ok := errors.AsType[*Error](err); ok && e.Status == http.StatusBadRequest {
			wrong = err // the other kind may have the attribute
			continue
		}
		if err != nil {
			return nil, err
		}
		page := a.body.(map[string]any)
		total += page["totalResults"].(int)
		all = append(all, page["Resources"].([]any)...)
	}
	if total == 0 && wrong != nil {
		return nil, wrong
	}
	return &answer{status: http.StatusOK, body: map[string]any{
		"schemas": []string{urnList}, "totalResults": total, "startIndex": s.start, "itemsPerPage": len(all), "Resources": all,
	}}, nil
}

// mentionsMembers tells whether a filter is about what is no part of a group's
// document.
func mentionsMembers(f expr) bool {
	switch f := f.(type) {
	case both:
		return mentionsMembers(f.a) || mentionsMembers(f.b)
	case either:
		return mentionsMembers(f.a) || mentionsMembers(f.b)
	case neither:
		return mentionsMembers(f.e)
	case having:
		return f.at.attr.Name == "members"
	case comparison:
		return f.at.attr.Name == "members"
	}
	return false
}

// A row is a user or a group on a page.
type row struct {
	user  *user
	group *group
	key   key
}

func (l *listing) read(tx *store.Tx, query string, args ...any) ([]row, error) {
	var out []row
	if l.kind == users {
		found, err := store.All[user](tx, `SELECT `+userColumns+` FROM scim_users WHERE `+query, args...)
		for i := range found {
			u := &found[i]
			if err := u.read(); err != nil {
				return nil, err
			}
			k := key{id: u.ID}
			switch l.column {
			case "name_key":
				k.text = u.NameKey
			case "display_key":
				k.text = u.DisplayKey
			case "external_id":
				k.text = u.ExternalID
			case "email_key":
				k.text = u.EmailKey
			case "created_us":
				k.number = u.CreatedUS
			case "updated_us":
				k.number = u.UpdatedUS
			}
			out = append(out, row{user: u, key: k})
		}
		return out, err
	}
	found, err := store.All[group](tx, `SELECT `+groupColumns+` FROM scim_groups WHERE `+query, args...)
	for i := range found {
		g := &found[i]
		if err := g.read(); err != nil {
			return nil, err
		}
		k := key{id: g.ID}
		switch l.column {
		case "display_key":
			k.text = g.DisplayKey
		case "external_id":
			k.text = g.ExternalID
		case "created_us":
			k.number = g.CreatedUS
		case "updated_us":
			k.number = g.UpdatedUS
		}
		out = append(out, row{group: g, key: k})
	}
	return out, err
}

func (l *listing) table() string {
	if l.kind == users {
		return "scim_users"
	}
	return "scim_groups"
}

// rest is the end of a query that goes on after a key, if there is one.
func (l *listing) rest(after *key, limit, offset int) (string, []any) {
	args := append([]any{}, l.args...)
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	query, sign, order := l.where, " > ", ""
	if l.search.descending {
		sign, order = " < ", " DESC"
	}
	if after != nil {
		switch {
		case l.column == "id":
			query += " AND id" + sign + arg(after.id)
		case l.numeric:
			query += " AND (" + l.column + ", id)" + sign + "(" + arg(after.number) + ", " + arg(after.id) + ")"
		default:
			query += " AND (" + l.column + ", id)" + sign + "(" + arg(after.text) + ", " + arg(after.id) + ")"
		}
	}
	query += " ORDER BY " + l.column + order
	if l.column != "id" {
		query += ", id" + order
	}
	query += " LIMIT " + arg(limit)
	if offset > 0 {
		query += " OFFSET " + arg(offset)
	}
	return query, args
}

// counted gives a page of what the database's condition says exactly.
func (l *listing) counted(tx *store.Tx, from mark, marked bool) (rows []row, total int, err error) {
	if total = from.total; !marked {
		if total, err = store.One[int](tx, `SELECT count(*) FROM `+l.table()+` WHERE `+l.where, l.args...); err != nil {
			return nil, 0, err
		}
	}
	if l.search.count == 0 || l.search.start > total {
		return nil, total, nil
	}
	var after *key
	offset := l.search.start - 1
	if marked {
		after, offset = &from.after, 0
	}
	query, args := l.rest(after, l.search.count, offset)
	rows, err = l.read(tx, query, args...)
	return rows, total, err
}

// scanned gives a page of what has to be looked at one by one.
func (l *listing) scanned(tx *store.Tx) (page []row, total int, err error) {
	var after *key
	for {
		if err := tx.Context().Err(); err != nil {
			return nil, 0, err
		}
		query, args := l.rest(after, scanBatch, 0)
		rows, err := l.read(tx, query, args...)
		if err != nil {
			return nil, 0, err
		}
		var in map[string][]ref
		if l.kind == users && mentionsGroups(l.filter) {
			of := make([]user, len(rows))
			for i := range rows {
				of[i] = *rows[i].user
			}
			if in, err = l.c.allGroupsOf(tx, of); err != nil {
				return nil, 0, err
			}
		}
		for _, r := range rows {
			var doc map[string]any
			if r.user != nil {
				doc = l.c.userResource(r.user, in[r.user.ID])
			} else {
				doc = l.c.groupResource(r.group, nil)
			}
			if !l.filter.matches(doc) {
				continue
			}
			total++
			if total >= l.search.start && len(page) < l.search.count {
				page = append(page, r)
			}
		}
		if len(rows) < scanBatch {
			return page, total, nil
		}
		after = &rows[len(rows)-1].key
	}
}

func mentionsGroups(f expr) bool {
	switch f := f.(type) {
	case both:
		return mentionsGroups(f.a) || mentionsGroups(f.b)
	case either:
		return mentionsGroups(f.a) || mentionsGroups(f.b)
	case neither:
		return mentionsGroups(f.e)
	case having:
		return f.at.attr.Name == "groups"
	case comparison:
		return f.at.attr.Name == "groups"
	}
	return false
}

// resources shows the rows of a page. Groups with very many members make it
// shorter.
func (l *listing) resources(tx *store.Tx, rows []row) ([]any, error) {
	out := make([]any, 0, len(rows))
	if l.kind == users {
		of := make([]user, len(rows))
		for i := range rows {
			of[i] = *rows[i].user
		}
		in, err := l.c.groupsOf(tx, of)
		if err != nil {
			return nil, err
		}
		for i := range of {
			out = append(out, l.c.project(users, l.c.userResource(&of[i], in[of[i].ID])))
		}
		return out, nil
	}
	members := 0
	for _, r := range rows {
		var ids []string
		if l.c.shows("members") {
			var err error
			if ids, err = l.c.memberIDs(tx, r.group); err != nil {
				return nil, err
			}
			if members += len(ids); members > pageMembers && len(out) > 0 {
				break
			}
		}
		out = append(out, l.c.project(groups, l.c.groupResource(r.group, ids)))
	}
	return out, nil
}
