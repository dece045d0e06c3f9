package scim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// user is a row of the table scim_users.
type user struct {
	Account    string `db:"account"`
	Namespace  string `db:"namespace"`
	ID         string `db:"id"`
	Name       string `db:"name"`
	NameKey    string `db:"name_key"`
	DisplayKey string `db:"display_key"`
	EmailKey   string `db:"email_key"`
	ExternalID string `db:"external_id"`
	Active     bool   `db:"active"`
	Doc        string `db:"doc"`
	Version    int64  `db:"version"`
	CreatedUS  int64  `db:"created_us"`
	UpdatedUS  int64  `db:"updated_us"`

	doc map[string]any
}

const userColumns = `account, namespace, id, name, name_key, display_key, email_key, external_id, active, doc, version, created_us, updated_us`

// findUser reads a user; store.ErrNotFound where there is none.
func findUser(tx *store.Tx, account, namespace, id string) (user, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM scim_users WHERE account = $1 AND namespace = $2 AND id = $3`, account, namespace, id)
	if err != nil {
		return u, err
	}
	return u, u.read()
}

func (u *user) read() error {
	if err := json.Unmarshal([]byte(u.Doc), &u.doc); err != nil {
		return fmt.Errorf("scim: document of user %s: %w", u.ID, err)
	}
	return nil
}

// email is the user's preferred address, or the name, which most often is one.
func (u *user) email() string {
	if all := emailsOf(u.doc); len(all) > 0 {
		return all[0]
	}
	return textOf(u.doc, "userName")
}

// say takes what a document says into the row.
func (u *user) say(doc map[string]any) error {
	name := textOf(doc, "userName")
	if name == "" {
		return bad(invalidValue, "userName is required.")
	}
	if err := mayName("userName", name); err != nil {
		return err
	}
	text, err := json.Marshal(doc)
	if err != nil {
		return err
	}
	if len(text) > longestDoc {
		return bad(invalidValue, "The resource has %d bytes, and may have %d.", len(text), longestDoc)
	}
	u.doc, u.Doc = doc, string(text)
	u.NameKey, u.DisplayKey = strings.ToLower(name), strings.ToLower(textOf(doc, "displayName"))
	u.ExternalID, u.EmailKey = textOf(doc, "externalId"), ""
	if active, ok := doc["active"].(bool); ok { // where nothing is said, it stays as it was
		u.Active = active
	}
	if all := emailsOf(doc); len(all) > 0 {
		u.EmailKey = strings.ToLower(all[0])
	}
	return nil
}

const (
	// longestName is how long the name of a user or group may be, in characters.
	longestName = 256
	// longestDoc is how large a resource may be, in bytes.
	longestDoc = 64 << 10
)

// mayName checks a name against what the API takes for names of users and
// groups: one that it refuses could not be asked for.
func mayName(what, name string) error {
	if n := utf8.RuneCountInString(name); n > longestName {
		return bad(invalidValue, "%s has %d characters, and may have %d.", what, n, longestName)
	}
	for _, r := range name {
		if r < 0x20 || r > 0xff {
			return bad(invalidValue, "%s holds %q: names of QuickSight have characters from U+0020 to U+00FF.", what, r)
		}
	}
	return nil
}

// createUser makes a user. Groups come later, so it is none of QuickSight yet.
func (c *call) createUser(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	doc, err := users.normalise(body)
	if err != nil {
		return nil, err
	}
	if doc["active"] == nil {
		doc["active"] = true
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, err
	}
	now := store.Micros(c.s.Now())
	u := user{Account: c.account, Namespace: c.token.Namespace, ID: id.String(), Name: textOf(doc, "userName"), Version: 1, CreatedUS: now, UpdatedUS: now}
	if err := u.say(doc); err != nil {
		return nil, err
	}
	err = store.Insert(tx, "scim_users", u)
	if store.Duplicate(err) {
		return nil, nameTaken(u.Name)
	}
	if err != nil {
		return nil, err
	}
	if err := c.addresses(tx, &u, false); err != nil {
		return nil, err
	}
	c.leave(tx, t, "CreateUser", c.userARN(t, &u), map[string]string{"UserId": u.ID})
	return c.shownUser(http.StatusCreated, &u, nil), nil
}

func nameTaken(name string) error {
	return &Error{http.StatusConflict, uniqueness, fmt.Sprintf("There is a user named %q already, or one who was first named so.", clip(name))}
}

// addresses writes the addresses by which a user is found.
func (c *call) addresses(tx *store.Tx, u *user, again bool) error {
	if again {
		if _, err := tx.Exec(`DELETE FROM scim_emails WHERE account = $1 AND namespace = $2 AND user_id = $3`, u.Account, u.Namespace, u.ID); err != nil {
			return err
		}
	}
	for _, address := range emailsOf(u.doc) {
		_, err := tx.Exec(`INSERT INTO scim_emails (account, namespace, email_key, user_id) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
			u.Account, u.Namespace, strings.ToLower(address), u.ID)
		if err != nil {
			return err
		}
	}
	return nil
}

func (c *call) userARN(t Tenant, u *user) string {
	return arn.QuickSight(t.Region, u.Account, "user/"+u.Namespace+"/"+u.Name)
}

// user reads the user of the call's id.
func (c *call) user(tx *store.Tx) (user, error) {
	u, err := findUser(tx, c.account, c.token.Namespace, c.id)
	if isAbsent(err) {
		err = absent("user", c.id)
	}
	return u, err
}

func (c *call) getUser(tx *store.Tx) (*answer, error) {
	u, err := c.user(tx)
	if err != nil {
		return nil, err
	}
	in, err := c.groupsOf(tx, []user{u})
	if err != nil {
		return nil, err
	}
	return c.shownUser(http.StatusOK, &u, in[u.ID]), nil
}

// putUser replaces a user, and patchUser changes it.
func (c *call) putUser(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	return c.changeUser(tx, t, "PutUser", nil, func(u *user) (map[string]any, error) {
		doc, err := users.normalise(body)
		if err == nil && doc["active"] == nil {
			doc["active"] = u.Active
		}
		return doc, err
	})
}

func (c *call) patchUser(tx *store.Tx, t Tenant, body map[string]any) (*answer, error) {
	operations, err := operationsOf(body)
	if err != nil {
		return nil, err
	}
	return c.changeUser(tx, t, "PatchUser", operations, func(u *user) (map[string]any, error) {
		p := patching{kind: users, doc: u.doc}
		err := p.apply(operations)
		return p.doc, err
	})
}

func (c *call) changeUser(tx *store.Tx, t Tenant, event string, operations []operation, to func(*user) (map[string]any, error)) (*answer, error) {
	u, err := c.user(tx)
	if err != nil {
		return nil, err
	}
	if err := c.mustMatch(u.Version); err != nil {
		return nil, err
	}
	was := u
	doc, err := to(&u)
	if err != nil {
		return nil, err
	}
	if err := u.say(doc); err != nil {
		return nil, err
	}
	if u.Doc != was.Doc {
		u.Version, u.UpdatedUS = u.Version+1, max(store.Micros(c.s.Now()), u.UpdatedUS)
		_, err := tx.Exec(`UPDATE scim_users SET name_key = $4, display_key = $5, email_key = $6, external_id = $7, active = $8, doc = $9,
			version = $10, updated_us = $11 WHERE account = $1 AND namespace = $2 AND id = $3`, u.Account, u.Namespace, u.ID,
			u.NameKey, u.DisplayKey, u.EmailKey, u.ExternalID, u.Active, u.Doc, u.Version, u.UpdatedUS)
		if store.Duplicate(err) {
			return nil, nameTaken(textOf(doc, "userName"))
		}
		if err != nil {
			return nil, err
		}
		if !reflect.DeepEqual(emailsOf(was.doc), emailsOf(doc)) {
			if err := c.addresses(tx, &u, true); err != nil {
				return nil, err
			}
		}
		if u.Active != was.Active || u.email() != was.email() {
			if err := c.s.settle(tx, t, &u); err != nil {
				return nil, err
			}
		}
		c.leave(tx, t, event, c.userARN(t, &u), userDetails(&was, &u, operations))
	}
	in, err := c.groupsOf(tx, []user{u})
	if err != nil {
		return nil, err
	}
	return c.shownUser(http.StatusOK, &u, in[u.ID]), nil
}

// userDetails are what the trail says of a change: which attributes, and no values.
func userDetails(was, is *user, operations []operation) map[string]string {
	d := map[string]string{"UserId": is.ID}
	var changed []string
	for name := range is.doc {
		if !reflect.DeepEqual(was.doc[name], is.doc[name]) {
			changed = append(changed, name)
		}
	}
	for name := range was.doc {
		if is.doc[name] == nil {
			changed = append(changed, name)
		}
	}
	slices.Sort(changed)
	d["Changed"] = strings.Join(changed, ", ")
	if was.Active != is.Active {
		d["Active"] = fmt.Sprint(is.Active)
	}
	if len(operations) > 0 {
		d["Operations"] = fmt.Sprint(len(operations))
	}
	return d
}

// deleteUser removes a user here and there, with all that hangs on it.
func (c *call) deleteUser(tx *store.Tx, t Tenant) (*answer, error) {
	u, err := c.user(tx)
	if err != nil {
		return nil, err
	}
	if err := c.mustMatch(u.Version); err != nil {
		return nil, err
	}
	for _, query := range []string{
		`UPDATE scim_groups SET version = version + 1 WHERE account = $1 AND namespace = $2 AND id IN
			(SELECT group_id FROM scim_members WHERE account = $1 AND namespace = $2 AND user_id = $3)`,
		`DELETE FROM scim_members WHERE account = $1 AND namespace = $2 AND user_id = $3`,
		`DELETE FROM scim_emails WHERE account = $1 AND namespace = $2 AND user_id = $3`,
		`DELETE FROM scim_pending WHERE account = $1 AND namespace = $2 AND user_id = $3`,
		`DELETE FROM scim_users WHERE account = $1 AND namespace = $2 AND id = $3`,
	} {
		if _, err := tx.Exec(query, u.Account, u.Namespace, u.ID); err != nil {
			return nil, err
		}
	}
	if err := c.s.People.Dismiss(tx, t.Region, u.Account, u.Namespace, u.Name); err != nil {
		return nil, err
	}
	c.leave(tx, t, "DeleteUser", c.userARN(t, &u), map[string]string{"UserId": u.ID})
	return &answer{status: http.StatusNoContent}, nil
}

// A ref is a group as a user has it, or a user as a group has it.
type ref struct {
	Of      string `db:"of"`
	ID      string `db:"id"`
	Display string `db:"display"`
}

// groupsOf gives the groups of users, by the id of the user.
func (c *call) groupsOf(tx *store.Tx, of []user) (map[string][]ref, error) {
	if !c.shows("groups") {
		return nil, nil
	}
	return c.allGroupsOf(tx, of)
}

func (c *call) allGroupsOf(tx *store.Tx, of []user) (map[string][]ref, error) {
	out := make(map[string][]ref, len(of))
	for some := range slices.Chunk(of, 200) {
		args := []any{c.account, c.token.Namespace}
		for i := range some {
			args = append(args, some[i].ID)
		}
		refs, err := store.All[ref](tx, `SELECT m.user_id AS of, g.id, g.display FROM scim_members m
			JOIN scim_groups g ON g.account = m.account AND g.namespace = m.namespace AND g.id = m.group_id
			WHERE m.account = $1 AND m.namespace = $2 AND m.user_id IN (`+marksFor(3, len(some))+`) ORDER BY m.user_id, m.group_id`, args...)
		if err != nil {
			return nil, err
		}
		for _, r := range refs {
			out[r.Of] = append(out[r.Of], r)
		}
	}
	return out, nil
}

// userResource is a user as it is shown whole.
func (c *call) userResource(u *user, in []ref) map[string]any {
	out := c.resource(users, u.doc, u.ID, u.Version, u.CreatedUS, u.UpdatedUS)
	if len(in) > 0 {
		list := make([]any, len(in))
		for i, g := range in {
			list[i] = map[string]any{"value": g.ID, "$ref": c.location(groups, g.ID), "display": g.Display, "type": "direct"}
		}
		out["groups"] = list
	}
	return out
}

func (c *call) shownUser(status int, u *user, in []ref) *answer {
	return c.shown(users, status, c.userResource(u, in), u.ID, u.Version)
}

// resource is a document with what the server knows of it.
func (c *call) resource(k *kind, doc map[string]any, id string, version, created, updated int64) map[string]any {
	out := make(map[string]any, len(doc)+4)
	maps.Copy(out, doc)
	out["id"] = id
	out["schemas"] = k.schemasOf(doc)
	out["meta"] = map[string]any{
		"resourceType": k.name, "created": timeText(created), "lastModified": timeText(updated),
		"location": c.location(k, id), "version": etag(version),
	}
	return out
}

func timeText(us int64) string { return store.Time(us).UTC().Format(time.RFC3339Nano) }
