package directory

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/store"
)

// A Place is where the people of an account with a directory are.
type Place struct {
	Account string
	// Name and Realm are the directory's, as the subscription has them.
	Name, Realm string
	// Namespace is the one that the people are in, Store its part of principal ids.
	Namespace, Store string
	// Region is the account's identity region.
	Region string
}

// Accounts is what directory asks of whoever keeps accounts.
type Accounts interface {
	// Place gives the directory of an account; ok is false for one whose people
	// are from elsewhere.
	Place(tx *store.Tx, account string) (p Place, ok bool, err error)
	// Places gives those of all accounts.
	Places(tx *store.Tx) ([]Place, error)
	// Enter refuses a call that the state of the account, its region or its
	// edition does not allow, or whose namespace is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) error
}

// A Person is someone whom a directory has, and whose groups give a role.
type Person struct {
	Account, Namespace, Store, ID, Name, Email, Role string
}

// An Arrival tells what became of a Person: the name of the user here, whether
// the user is new, was out before, and what the role was if it has changed.
type Arrival struct {
	User       string
	Made, Back bool
	Was        string
}

// A User is one that was made for someone of a directory.
type User struct {
	ID, Name, Email, Role string
	Active                bool
}

// Users is what directory asks of whoever keeps users.
type Users interface {
	// Arrive brings a user in line with the directory, or makes one. ErrNameTaken
	// where the name is somebody else's.
	Arrive(tx *store.Tx, p Person) (Arrival, error)
	// Depart has the user of an id be out; ok is false where none was in.
	Depart(tx *store.Tx, account, namespace, id string) (name string, ok bool, err error)
	// Users gives the users of a namespace that are from the directory, by id.
	Users(tx *store.Tx, account, namespace, after string, limit int) ([]User, error)
	// Roles gives the role of each group that has one.
	Roles(tx *store.Tx, account, namespace string) (map[string]string, error)
	// Broadest gives the broader of two roles.
	Broadest(a, b string) string
	// EndSessions signs a user out everywhere.
	EndSessions(tx *store.Tx, account, namespace, name string) error
}

// ErrNameTaken says that the name of someone who arrives is somebody else's.
var ErrNameTaken = errors.New("directory: the name belongs to another person")

// An Event is something that the trail keeps.
type Event struct {
	Name string
	Place
	// User is whom it is about; empty for the directory itself.
	User    string
	Error   string
	Details map[string]string
}

// Config is what a Service needs.
type Config struct {
	DB       *store.DB
	Log      *slog.Logger
	Now      func() time.Time
	Jobs     *job.Runner
	Tokens   *page.Tokens
	Settings *Settings
	Accounts Accounts
	Users    Users
	// Left keeps an event.
	Left func(tx *store.Tx, e Event)
	// Dial connects by the network profile of a name.
	Dial func(ctx context.Context, profile, network, address string) (net.Conn, error)
}

// Service asks directories.
type Service struct {
	Config

	mu   sync.Mutex
	all  map[*Setting]*Directory
	down map[*Setting]bool
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{Config: c, all: make(map[*Setting]*Directory), down: make(map[*Setting]bool)}
	c.Jobs.Handle(jobRefresh, s.refreshJob)
	return s
}

// Close ends the connections.
func (s *Service) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, d := range s.all {
		d.close()
	}
}

// of gives the directory of a place; nil where the operator has described none.
func (s *Service) of(p Place) *Directory {
	setting := s.Settings.Of(p.Account, p.Name, p.Realm)
	if setting == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.all[setting]
	if d == nil {
		d = newDirectory(setting, func(ctx context.Context, network, address string) (net.Conn, error) {
			return s.Dial(ctx, setting.Profile, network, address)
		}, s.Now)
		s.all[setting] = d
	}
	return d
}

// Keeps tells whether the passwords of an account's people are kept in a directory.
func (s *Service) Keeps(tx *store.Tx, account string) (bool, error) {
	_, ok, err := s.Accounts.Place(tx, account)
	return ok, err
}

// reached notes whether a directory answers. When that changes, the log and
// the account's trail tell.
func (s *Service) reached(ctx context.Context, p Place, d *Directory, err error) {
	u, failed := errors.AsType[*Unavailable](err)
	if err != nil && !failed {
		return
	}
	s.mu.Lock()
	before := s.down[d.Setting]
	s.down[d.Setting] = failed
	s.mu.Unlock()
	if failed {
		s.Log.ErrorContext(ctx, "the directory does not answer", "directory", d.Name, "account", p.Account, "error", u.Error())
	}
	if failed == before {
		return
	}
	e := Event{Name: "DirectoryAvailable", Place: p, Details: map[string]string{"Directory": d.Name}}
	if failed {
		e.Name, e.Error = "DirectoryUnavailable", "The directory does not answer"
	}
	err = s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		s.Left(tx, e)
		return nil
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "leave the event of a directory", "error", err.Error())
	}
}

// errUndescribed says that the operator's file has no such directory.
func errUndescribed(p Place) error {
	return unavailable("the file of -directories has no directory %s with the realm %s for account %s", p.Name, p.Realm, p.Account)
}

// Someone is whoever a typed name means at a directory, or nobody.
type Someone struct {
	s     *Service
	place Place
	d     *Directory
	entry *entry
	typed string
	names []string // of the mapped groups that the person is in
}

// Find searches for whoever a typed name means. An *Unavailable says that the
// directory does not answer.
func (s *Service) Find(ctx context.Context, account, typed string) (*Someone, error) {
	var p Place
	var ok bool
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		p, ok, err = s.Accounts.Place(tx, account)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := s.of(p)
	if !ok || d == nil {
		err := errUndescribed(p)
		s.Log.ErrorContext(ctx, "nobody can sign in", "account", account, "error", err.Error())
		return nil, err
	}
	e, err := d.find(ctx, typed)
	s.reached(ctx, p, d, err)
	if err != nil {
		return nil, err
	}
	return &Someone{s: s, place: p, d: d, entry: e, typed: typed}, nil
}

// Name is the same for all ways in which someone's name can be typed.
func (o *Someone) Name() string {
	if o.entry != nil {
		return o.entry.Name
	}
	name, principal := o.d.forms(o.typed)
	if name == "" {
		name = principal
	}
	// What can't be a name is told apart by nothing but what a name can have.
	return strings.ReplaceAll(strings.ToLower(strings.ToValidUTF8(name, "?")), "\x00", "?")
}

// Limit is how many attempts are free, and how long to wait after them.
func (o *Someone) Limit() (int, time.Duration) { return o.d.Attempts, o.d.Within }

// Try asks whether a password is right; if it is, also which groups the person
// is in.
func (o *Someone) Try(ctx context.Context, password string) (v Verdict, err error) {
	defer func() { o.s.reached(ctx, o.place, o.d, err) }()
	if v, err = o.d.try(ctx, o.entry, password); err != nil || v != Right {
		return v, err
	}
	var roles map[string]string
	err = o.s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		roles, err = o.s.Users.Roles(tx, o.place.Account, o.place.Namespace)
		return err
	})
	if err != nil {
		return v, err
	}
	o.names, err = o.d.mappedOf(ctx, o.entry, slices.Sorted(maps.Keys(roles)))
	return v, err
}

// mappedOf gives those of some groups that someone is in.
func (d *Directory) mappedOf(ctx context.Context, e *entry, names []string) ([]string, error) {
	groups, err := d.resolve(ctx, names)
	if err != nil {
		return nil, err
	}
	return d.memberOf(ctx, e, groups)
}

// Why someone can't be let in although the password is right.
const (
	ReasonNoGroup = "no-group"
	ReasonTaken   = "name-taken"
)

// Place brings the user in line with the directory, or makes one. user is
// empty where there is none.
func (o *Someone) Place(tx *store.Tx) (user, reason string, err error) {
	roles, err := o.s.Users.Roles(tx, o.place.Account, o.place.Namespace)
	if err != nil {
		return "", "", err
	}
	role := o.s.roleOf(roles, o.names)
	if role == "" {
		name, out, err := o.s.Users.Depart(tx, o.place.Account, o.place.Namespace, o.entry.ID)
		if err == nil && out {
			o.s.Left(tx, Event{Name: "DirectoryUserLeft", Place: o.place, User: name, Details: map[string]string{"Reason": "in no group with a role"}})
		}
		return name, ReasonNoGroup, err
	}
	a, err := o.s.arrive(tx, o.place, o.entry, role)
	if errors.Is(err, ErrNameTaken) {
		return "", ReasonTaken, nil
	}
	return a.User, "", err
}

// arrive brings a user in line with the directory, and leaves the event of what
// has changed.
func (s *Service) arrive(tx *store.Tx, p Place, e *entry, role string) (Arrival, error) {
	a, err := s.Users.Arrive(tx, Person{Account: p.Account, Namespace: p.Namespace, Store: p.Store, ID: e.ID, Name: e.Name, Email: e.Mail, Role: role})
	if err != nil {
		return a, err
	}
	switch {
	case a.Made:
		s.Left(tx, Event{Name: "DirectoryUserCreated", Place: p, User: a.User, Details: map[string]string{"Role": role}})
	case a.Back:
		s.Left(tx, Event{Name: "DirectoryUserReturned", Place: p, User: a.User, Details: map[string]string{"Role": role}})
	case a.Was != "":
		s.Left(tx, Event{Name: "DirectoryUserRoleChanged", Place: p, User: a.User, Details: map[string]string{"Role": role, "Before": a.Was}})
	}
	return a, nil
}

// roleOf is the broadest role of some groups.
func (s *Service) roleOf(roles map[string]string, groups []string) (role string) {
	for _, g := range groups {
		role = s.Users.Broadest(role, roles[g])
	}
	return role
}

// Namespace is the one that the person's user is in.
func (o *Someone) Namespace() string { return o.place.Namespace }

// Purge removes what is kept of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM directory_refreshes WHERE account = $1`, account)
		return err
	})
}
