package directory

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"onsight/internal/job"
	"onsight/internal/store"
)

// jobRefresh compares the people of an account with its directory.
const jobRefresh = "directory.refresh"

const (
	// atATime is how many users one transaction looks at.
	atATime = 500
	// longestRefresh is how long a comparison may take.
	longestRefresh = 10 * time.Minute
	// LookEvery is how often a server calls Look.
	LookEvery = 5 * time.Second
)

// A Refreshed tells what a comparison has found.
type Refreshed struct {
	// People is how many users were compared, Left how many of them are out since
	// now, Returned who are back, and Moved who have another role.
	People, Left, Returned, Moved int
}

// Look leaves a job for each account whose time has come, or whose groups have
// got or lost roles. Of several servers one does.
func (s *Service) Look(ctx context.Context) error {
	if s.Settings == nil || len(s.Settings.directories) == 0 {
		return nil
	}
	type waiting struct {
		Place
		roles string
	}
	var due []waiting
	now := store.Micros(s.Now())
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		due = nil
		places, err := s.Accounts.Places(tx)
		if err != nil {
			return err
		}
		for _, p := range places {
			if s.Settings.Of(p.Account, p.Name, p.Realm) == nil {
				continue
			}
			roles, err := s.Users.Roles(tx, p.Account, p.Namespace)
			if err != nil {
				return err
			}
			w := waiting{p, fingerprint(roles)}
			same, err := store.One[int64](tx, `SELECT COUNT(*) FROM directory_refreshes WHERE account = $1 AND next_us > $2 AND roles = $3`, p.Account, now, w.roles)
			if err != nil {
				return err
			}
			if same == 0 {
				due = append(due, w)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, w := range due {
		next := store.Micros(s.Now().Add(s.Settings.Of(w.Account, w.Name, w.Realm).Refresh))
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			n, err := tx.Exec(`INSERT INTO directory_refreshes (account, next_us, people, roles) VALUES ($1, $2, 0, $4)
				ON CONFLICT (account) DO UPDATE SET next_us = excluded.next_us, roles = excluded.roles
				WHERE directory_refreshes.next_us <= $3 OR directory_refreshes.roles <> excluded.roles`, w.Account, next, now, w.roles)
			if err != nil || n == 0 {
				return err
			}
			return job.Add(tx, jobRefresh, w.Account, nil, s.Now())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// fingerprint tells whether the roles of groups are others than before.
func fingerprint(roles map[string]string) string {
	h := sha256.New()
	for _, group := range slices.Sorted(maps.Keys(roles)) {
		fmt.Fprintf(h, "%q %s\n", group, roles[group])
	}
	return hex.EncodeToString(h.Sum(nil))
}

// refreshJob compares. A directory that does not answer is asked again when it
// is time, and not before.
func (s *Service) refreshJob(ctx context.Context, j job.Job) error {
	var p Place
	var ok bool
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		p, ok, err = s.Accounts.Place(tx, j.Key)
		return err
	})
	if err != nil || !ok {
		return err
	}
	_, err = s.refresh(ctx, p)
	if _, down := errors.AsType[*Unavailable](err); down {
		return nil // the log and the trail tell
	}
	return err
}

// refresh compares the users of an account with its directory: those who have
// left all groups with a role are out and signed out, those who moved get their
// new role. Nobody is touched unless all has been read.
func (s *Service) refresh(ctx context.Context, p Place) (done Refreshed, err error) {
	ctx, cancel := context.WithTimeout(ctx, longestRefresh)
	defer cancel()
	d := s.of(p)
	if d == nil {
		return done, errUndescribed(p)
	}
	began := s.Now()
	members, roles, err := s.members(ctx, p, d)
	s.reached(ctx, p, d, err)
	if err == nil {
		done, err = s.settle(ctx, p, members, roles)
	}
	ended := s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		now := store.Micros(s.Now())
		if err != nil {
			_, e := tx.Exec(`INSERT INTO directory_refreshes (account, next_us, ended_us, people, roles, error) VALUES ($1, $2, $2, 0, '', $3)
				ON CONFLICT (account) DO UPDATE SET ended_us = excluded.ended_us, error = excluded.error`, p.Account, now, err.Error())
			return e
		}
		_, e := tx.Exec(`INSERT INTO directory_refreshes (account, next_us, ended_us, worked_us, people, roles) VALUES ($1, $2, $3, $3, $4, '')
			ON CONFLICT (account) DO UPDATE SET ended_us = excluded.ended_us, worked_us = excluded.worked_us, people = excluded.people, error = NULL`,
			p.Account, store.Micros(s.Now().Add(d.Refresh)), now, done.People)
		return e
	})
	if err == nil && (done.Left > 0 || done.Moved > 0 || done.Returned > 0) {
		s.Log.InfoContext(ctx, "compared with the directory", "directory", d.Name, "account", p.Account,
			"people", done.People, "left", done.Left, "returned", done.Returned, "moved", done.Moved, "took", s.Now().Sub(began).Round(time.Millisecond))
	}
	return done, errors.Join(err, ended)
}

// members gives everyone who is in a group with a role, and the roles.
func (s *Service) members(ctx context.Context, p Place, d *Directory) (map[string]*member, map[string]string, error) {
	var roles map[string]string
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		roles, err = s.Users.Roles(tx, p.Account, p.Namespace)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	names := slices.Sorted(maps.Keys(roles))
	groups, err := d.resolve(ctx, names)
	if err != nil {
		return nil, nil, err
	}
	// One group may have been deleted. That all have been, at once, is less likely
	// than that they are not where it is looked, or may not be seen any more.
	if len(groups) == 0 && len(names) > 0 {
		return nil, nil, unavailable("none of the %d groups that have a role is at the directory, or its account may not see them", len(names))
	}
	members, err := d.members(ctx, groups)
	if err != nil {
		return nil, nil, fmt.Errorf("read the members of groups: %w", err)
	}
	maps.DeleteFunc(members, func(_ string, m *member) bool { return d.standing(m.entry) != Right })
	return members, roles, nil
}

// settle brings users in line with what the directory has.
func (s *Service) settle(ctx context.Context, p Place, members map[string]*member, roles map[string]string) (done Refreshed, err error) {
	for after := ""; ; {
		var users []User
		err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			users, err = s.Users.Users(tx, p.Account, p.Namespace, after, atATime)
			return err
		})
		if err != nil || len(users) == 0 {
			return done, err
		}
		after = users[len(users)-1].ID
		done.People += len(users)
		differ := slices.DeleteFunc(users, func(u User) bool { return !s.differs(u, members, roles) })
		if len(differ) == 0 {
			continue
		}
		var some Refreshed
		err = s.DB.Write(ctx, func(tx *store.Tx) error {
			some = Refreshed{}
			for _, u := range differ {
				if err := s.settleOne(tx, p, u, members[u.ID], roles, &some); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return done, err
		}
		done.Left, done.Returned, done.Moved = done.Left+some.Left, done.Returned+some.Returned, done.Moved+some.Moved
	}
}

// role gives the role that someone has by the directory; empty for none.
func (s *Service) role(m *member, roles map[string]string) string {
	if m == nil {
		return ""
	}
	return s.roleOf(roles, m.Groups)
}

func (s *Service) differs(u User, members map[string]*member, roles map[string]string) bool {
	m := members[u.ID]
	role := s.role(m, roles)
	return u.Active != (role != "") || role != "" && (role != u.Role || m.Mail != u.Email)
}

func (s *Service) settleOne(tx *store.Tx, p Place, u User, m *member, roles map[string]string, done *Refreshed) error {
	role := s.role(m, roles)
	if role == "" {
		name, out, err := s.Users.Depart(tx, p.Account, p.Namespace, u.ID)
		if err != nil || !out {
			return err
		}
		done.Left++
		s.Left(tx, Event{Name: "DirectoryUserLeft", Place: p, User: name, Details: map[string]string{"Reason": "in no group with a role, or not active there"}})
		return s.Users.EndSessions(tx, p.Account, p.Namespace, name)
	}
	a, err := s.arrive(tx, p, m.entry, role)
	switch {
	case a.Back:
		done.Returned++
	case a.Was != "":
		done.Moved++
	}
	return err
}
