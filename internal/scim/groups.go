package scim

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/google/uuid"

	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/store"
)

// group is a row of the table scim_groups.
type group struct {
	Account    string `db:"account"`
	Namespace  string `db:"namespace"`
	ID         string `db:"id"`
	Name       string `db:"name"`
	Display    string `db:"display"`
	DisplayKey string `db:"display_key"`
	ExternalID string `db:"external_id"`
	Doc        string `db:"doc"`
	Version    int64  `db:"version"`
	CreatedUS  int64  `db:"created_us"`
	UpdatedUS  int64  `db:"updated_us"`

	doc map[string]any
}

const groupColumns = `account, namespace, id, name, display, display_key, external_id, doc, version, created_us, updated_us`

// mostMembers is how many members a request may bring or take away: what one
// transaction does.
const mostMembers = 10_000

func (g *group) read() error {
	if err := json.Unmarshal([]byte(g.Doc), &g.doc); err != nil {
		return fmt.Errorf("scim: document of group %s: %w", g.ID, err)
	}
	return nil
}

// say takes what a document says into the row.
func (g *group) say(doc map[string]any) error {
	name := textOf(doc, "displayName")
	if name == "" {
		return bad(invalidValue, "displayName is required.")
	}
	if err := mayName("displayName", name); err != nil {
		return err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if len(text) > longestDoc {
		return bad(invalidValue, "The resource has %d bytes, and may have %d.", len(text), longestDoc)
	}
	g.doc, g.Doc = doc, string(text)
	g.Display, g.DisplayKey, g.ExternalID = name, strings.ToLower(name), textOf(doc, "externalId")
	return nil
}

// A roll is what becomes of the members of a group.
type roll struct {
	// whole says that only those in come are in it from now on.
	whole      bool
	come, gone map[string]bool
}

func newRoll() *roll { return &roll{come: map[string]bool{}, gone: map[string]bool{}} }

func (r *roll) in(ids []string) {
	for _, id := range ids {
		delete(r.gone, id)
		r.come[id] = true
	}
}

func (r *roll) out(ids []string) {
	for _, id := range ids {
		delete(r.come, id)
		if !r.whole {
			r.gone[id] = true
		}
	}
}

// only has these be all.
func (r *roll) only(ids []string) {
	r.whole = true
	clear(r.come)
	clear(r.gone)
	r.in(ids)
}

// splitMembers takes the members out of a document that was sent.
func splitMembers(body map[string]any) (rest map[string]any, members any) {
	rest = make(map[string]any, len(body))
	for name, v := range body {
		if strings.EqualFold(name, "members") {
			members = v
			continue
		}
		rest[name] = v
	}
	return rest, members
}

// membersOf reads the ids of members, however they are given.
func membersOf(value any) ([]string, error) {
	list, ok := value.([]any)
	if !ok {
		if value == nil {
			return nil, nil
		}
		list = []any{value}
	}
	ids := make([]string, 0, len(list))
	for _, v := range list {
		m, ok := v.(map[string]any)
		if ok {
			if kind, _ := member(m, "type").(string); kind != "" && !strings.EqualFold(kind, "User") {
				return nil, bad(invalidValue, "A member of type %q is not taken: groups have users in them, and no groups.", clip(kind))
			}
			v = member(m, "value")
		}
		id, ok := v.(string)
		if !ok || id == "" {
			return nil, bad(invalidValue, "A member needs a value, the id of a user.")
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// createGroup makes a group with its members.
func (c *call) createGroup(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	rest, members := splitMembers(body)
	doc, err := groups.normalise(rest)
	if err != nil {
		return nil, err
	}
	ids, err := membersOf(members)
	if err != nil {
		return nil, err
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := store.Micros(c.s.Now())
	g := group{Account: c.account, Namespace: c.token.Namespace, ID: id.String(), Name: textOf(doc, "displayName"), Version: 1, CreatedUS: now, UpdatedUS: now}
	if err := g.say(doc); err != nil {
		return nil, err
	}
	err = store.Insert(tx, "scim_groups", g)
	if store.Duplicate(err) {
		return nil, &Error{http.StatusConflict, uniqueness, fmt.Sprintf("There is a group named %q already, or one that was first named so.", clip(g.Name))}
	}
	if err != nil {
		return nil, err
	}
	if err := c.s.People.AddDirectoryGroup(tx, t.DirectoryID, g.Account, g.Namespace, g.Name, g.ID); err != nil {
		return nil, err
	}
	r := newRoll()
	r.in(ids)
	come, _, err := c.enrol(tx, t, &g, r)
	if err != nil {
		return nil, err
	}
	c.leave(tx, t, "CreateGroup", c.groupARN(t, &g), map[string]string{"GroupId": g.ID, "MembersAdded": fmt.Sprint(come)})
	return c.shownGroup(tx, http.StatusCreated, &g)
}

// enrol changes the members of a group, and brings in line whom it concerns.
func (c *call) enrol(tx *store.Tx, t Tenant, g *group, r *roll) (come, gone int, err error) {
	add := slices.Sorted(maps.Keys(r.come))
	remove := slices.Sorted(maps.Keys(r.gone))
	if r.whole || len(remove) > 0 || len(add) > 0 {
		has, err := c.present(tx, g, r, add, remove)
		if err != nil {
			return 0, 0, err
		}
		add = slices.DeleteFunc(add, func(id string) bool { return has[id] })
		if r.whole {
			for id := range has {
				if !r.come[id] {
					remove = append(remove, id)
				}
			}
			slices.Sort(remove)
		} else {
			remove = slices.DeleteFunc(remove, func(id string) bool { return !has[id] })
		}
	}
	if n := len(add) + len(remove); n > mostMembers {
		return 0, 0, refusal(http.StatusRequestEntityTooLarge, "The request changes %d members, and may change %d: send several.", n, mostMembers)
	}
	if len(add)+len(remove) == 0 {
		return 0, 0, nil
	}
	if err := c.mustBeUsers(tx, add); err != nil {
		return 0, 0, err
	}
	if err := insertAll(tx, "scim_members", []string{"account", "namespace", "group_id", "user_id"}, []any{g.Account, g.Namespace, g.ID}, add); err != nil {
		return 0, 0, err
	}
	for some := range slices.Chunk(remove, 200) {
		args := []any{g.Account, g.Namespace, g.ID}
		for _, id := range some {
			args = append(args, id)
		}
		_, err := tx.Exec(`DELETE FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3 AND user_id IN (`+marksFor(4, len(some))+`)`, args...)
		if err != nil {
			return 0, 0, err
		}
	}
	concerned := slices.Concat(add, remove)
	for some := range slices.Chunk(concerned, 200) { // what shows their groups is another version of them
		args := []any{g.Account, g.Namespace}
		for _, id := range some {
			args = append(args, id)
		}
		_, err := tx.Exec(`UPDATE scim_users SET version = version + 1 WHERE account = $1 AND namespace = $2 AND id IN (`+marksFor(3, len(some))+`)`, args...)
		if err != nil {
			return 0, 0, err
		}
	}
	return len(add), len(remove), c.s.regrouped(tx, t, g.Account, g.Namespace, concerned)
}

// present tells who of those concerned is in a group already.
func (c *call) present(tx *store.Tx, g *group, r *roll, add, remove []string) (map[string]bool, error) {
	has := make(map[string]bool)
	if r.whole {
		all, err := store.All[string](tx, `SELECT user_id FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3`, g.Account, g.Namespace, g.ID)
		for _, id := range all {
			has[id] = true
		}
		return has, err
	}
	for some := range slices.Chunk(slices.Concat(add, remove), 200) {
		args := []any{g.Account, g.Namespace, g.ID}
		for _, id := range some {
			args = append(args, id)
		}
		found, err := store.All[string](tx, `SELECT user_id FROM scim_members
			WHERE account = $1 AND namespace = $2 AND group_id = $3 AND user_id IN (`+marksFor(4, len(some))+`)`, args...)
		if err != nil {
			return nil, err
		}
		for _, id := range found {
			has[id] = true
		}
	}
	return has, nil
}

// mustBeUsers refuses ids that are no user's.
func (c *call) mustBeUsers(tx *store.Tx, ids []string) error {
	for some := range slices.Chunk(ids, 200) {
		args := []any{c.account, c.token.Namespace}
		for _, id := range some {
			args = append(args, id)
		}
		found, err := store.All[string](tx, `SELECT id FROM scim_users WHERE account = $1 AND namespace = $2 AND id IN (`+marksFor(3, len(some))+`)`, args...)
		if err != nil {
			return err
		}
		if len(found) < len(some) {
			for _, id := range some {
				if !slices.Contains(found, id) {
					return bad(invalidValue, "No user has id %q: groups have users in them, and no groups.", clip(id))
				}
			}
		}
	}
	return nil
}

func (c *call) groupARN(t Tenant, g *group) string {
	return arn.QuickSight(t.Region, g.Account, "group/"+g.Namespace+"/"+g.Name)
}

// group reads the group of the call's id.
func (c *call) group(tx *store.Tx) (group, error) {
	g, err := store.One[group](tx, `SELECT `+groupColumns+` FROM scim_groups WHERE account = $1 AND namespace = $2 AND id = $3`, c.account, c.token.Namespace, c.id)
	if isAbsent(err) {
		return g, absent("group", c.id)
	}
	if err != nil {
		return g, err
	}
	return g, g.read()
}

func (c *call) getGroup(tx *store.Tx) (*answer, error) {
	g, err := c.group(tx)
	if err != nil {
		return nil, err
	}
	return c.shownGroup(tx, http.StatusOK, &g)
}

// putGroup replaces a group. One that is sent without members has none then.
func (c *call) putGroup(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	rest, members := splitMembers(body)
	ids, err := membersOf(members)
	if err != nil {
		return nil, err
	}
	r := newRoll()
	r.only(ids)
	return c.changeGroup(tx, t, "PutGroup", r, func(*group) (map[string]any, error) { return groups.normalise(rest) })
}

func (c *call) patchGroup(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	operations, err := operationsOf(body)
	if err != nil {
		return nil, err
	}
	r := newRoll()
	return c.changeGroup(tx, t, "PatchGroup", r, func(g *group) (map[string]any, error) {
		p := patching{kind: groups, doc: g.doc, members: func(op string, filter expr, value any) error { return c.patchMembers(tx, g, r, op, filter, value) }}
		err := p.apply(operations)
		return p.doc, err
	})
}

// patchMembers takes an operation on members into the roll.
func (c *call) patchMembers(tx *store.Tx, g *group, r *roll, op string, filter expr, value any) error {
	ids, err := membersOf(value)
	if op == "remove" && filter != nil {
		ids, err = c.meant(tx, g, r, filter)
	}
	switch {
	case err != nil:
		return err
	case filter != nil && op != "remove":
		return bad(invalidPath, "Members are chosen by a filter to remove them alone.")
	case op == "add":
		r.in(ids)
	case op == "replace":
		r.only(ids)
	case filter == nil && value == nil:
		r.only(nil)
	default:
		r.out(ids)
	}
	return nil
}

// meant gives the members that a filter means.
func (c *call) meant(tx *store.Tx, g *group, r *roll, filter expr) ([]string, error) {
	if f, ok := filter.(comparison); ok && f.op == "eq" && f.at.leaf.Name == "value" {
		if id, ok := f.value.(string); ok {
			return []string{id}, nil
		}
	}
	all, err := c.memberIDs(tx, g)
	if err != nil {
		return nil, err
	}
	var ids []string
	for _, id := range all {
		if filter.matches(c.memberOf(id)) {
			ids = append(ids, id)
		}
	}
	for id := range r.come { // those of an operation before
		if filter.matches(c.memberOf(id)) {
			ids = append(ids, id)
		}
	}
	return ids, nil
}

func (c *call) changeGroup(tx *store.Tx, t Tenant, event string, r *roll, to func(*group) (map[string]any, error)) (*answer, error) {
	g, err := c.group(tx)
	if err != nil {
		return nil, err
	}
	if err := c.mustMatch(g.Version); err != nil {
		return nil, err
	}
	was := g.Doc
	doc, err := to(&g)
	if err != nil {
		return nil, err
	}
	if err := g.say(doc); err != nil {
		return nil, err
	}
	come, gone, err := c.enrol(tx, t, &g, r)
	if err != nil {
		return nil, err
	}
	if g.Doc != was || come+gone > 0 {
		g.Version, g.UpdatedUS = g.Version+1, max(store.Micros(c.s.Now()), g.UpdatedUS)
		_, err := tx.Exec(`UPDATE scim_groups SET display = $4, display_key = $5, external_id = $6, doc = $7, version = $8, updated_us = $9
			WHERE account = $1 AND namespace = $2 AND id = $3`,
			g.Account, g.Namespace, g.ID, g.Display, g.DisplayKey, g.ExternalID, g.Doc, g.Version, g.UpdatedUS)
		if err != nil {
			return nil, err
		}
		details := map[string]string{"GroupId": g.ID, "MembersAdded": fmt.Sprint(come), "MembersRemoved": fmt.Sprint(gone)}
		if g.Doc != was {
			details["Changed"] = "attributes"
		}
		c.leave(tx, t, event, c.groupARN(t, &g), details)
	}
	// A PATCH of a group may be answered with the group where that is asked
	// for: who adds one member does not want to read a hundred thousand.
	if event == "PatchGroup" && len(c.attributes) == 0 {
		return &answer{status: http.StatusNoContent, etag: etag(g.Version)}, nil
	}
	return c.shownGroup(tx, http.StatusOK, &g)
}

// deleteGroup removes a group here and there. The roles that it gave end: at
// once for few members, by a job for many.
func (c *call) deleteGroup(tx *store.Tx, t Tenant) (*answer, error) {
	g, err := c.group(tx)
	if err != nil {
		return nil, err
	}
	if err := c.mustMatch(g.Version); err != nil {
		return nil, err
	}
	if _, err := tx.Exec(`DELETE FROM scim_groups WHERE account = $1 AND namespace = $2 AND id = $3`, g.Account, g.Namespace, g.ID); err != nil {
		return nil, err
	}
	if err := c.s.People.RemoveDirectoryGroup(tx, t.Region, g.Account, g.Namespace, g.Name); err != nil {
		return nil, err
	}
	ids, err := store.All[string](tx, `SELECT user_id FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3 LIMIT $4`,
		g.Account, g.Namespace, g.ID, atOnce+1)
	if err != nil {
		return nil, err
	}
	c.leave(tx, t, "DeleteGroup", c.groupARN(t, &g), map[string]string{"GroupId": g.ID})
	if len(ids) > atOnce {
		err := job.Add(tx, jobDissolve, g.Account+"/"+g.Namespace+"/"+g.ID, about{Account: g.Account, Namespace: g.Namespace, GroupID: g.ID}, c.s.Now())
		return &answer{status: http.StatusNoContent}, err
	}
	if _, err := tx.Exec(`DELETE FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3`, g.Account, g.Namespace, g.ID); err != nil {
		return nil, err
	}
	return &answer{status: http.StatusNoContent}, c.s.regrouped(tx, t, g.Account, g.Namespace, ids)
}

// memberIDs gives the ids of the members of a group.
func (c *call) memberIDs(tx *store.Tx, g *group) ([]string, error) {
	return store.All[string](tx, `SELECT user_id FROM scim_members WHERE account = $1 AND namespace = $2 AND group_id = $3 ORDER BY user_id`,
		g.Account, g.Namespace, g.ID)
}

func (c *call) memberOf(id string) map[string]any {
	return map[string]any{"value": id, "$ref": c.location(users, id), "type": "User"}
}

// groupResource is a group as it is shown whole.
func (c *call) groupResource(g *group, members []string) map[string]any {
	out := c.resource(groups, g.doc, g.ID, g.Version, g.CreatedUS, g.UpdatedUS)
	if len(members) > 0 {
		list := make([]any, len(members))
		for i, m := range members {
			list[i] = c.memberOf(m)
		}
		out["members"] = list
	}
	return out
}

func (c *call) shownGroup(tx *store.Tx, status int, g *group) (*answer, error) {
	var members []string
	if c.shows("members") {
		var err error
		if members, err = c.memberIDs(tx, g); err != nil {
			return nil, err
		}
	}
	return c.shown(groups, status, c.groupResource(g, members), g.ID, g.Version), nil
}

func isAbsent(err error) bool { return errors.Is(err, store.ErrNotFound) }
