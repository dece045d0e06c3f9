package app

import (
	"context"
	"errors"
	"net"

	"onsight/internal/account"
	"onsight/internal/audit"
	"onsight/internal/directory"
	"onsight/internal/identity"
	"onsight/internal/signin"
	"onsight/internal/store"
)

// joinDirectory makes the part that asks the directories of accounts.
func (h *house) joinDirectory(context.Context) error {
	h.directories = directory.New(directory.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Jobs: h.jobs, Tokens: h.tokens, Settings: h.companies,
		Accounts: directoryAccounts{h.accounts}, Users: directoryUsers{h.users, h.App}, Left: h.directoryLeft,
		Dial: func(ctx context.Context, profile, network, address string) (net.Conn, error) {
			p, _ := h.profiles.Named(profile) // the settings were checked
			return h.clients.Of(p).Dial(ctx, network, address)
		},
	})
	h.accounts.OnPurge(h.directories.Purge)
	h.chores.add(directory.LookEvery, "look which directories to compare with", h.directories.Look)
	h.add(h.directories.Routes()...)
	return nil
}

// directoryLeft leaves the event of a directory.
func (a *App) directoryLeft(tx *store.Tx, e directory.Event) {
	left := audit.SignIn{Name: e.Name, Account: e.Account, Region: e.Region, Error: e.Error, Details: e.Details}
	if e.User != "" {
		p := signin.Person{Account: e.Account, Namespace: e.Namespace, Name: e.User}
		left.ARN, left.UserName = p.ARN(e.Region), e.User
	}
	a.trail.Left(tx, left)
}

// directoryAccounts lets directory ask account without knowing it.
type directoryAccounts struct{ *accounts }

func (d directoryAccounts) Place(tx *store.Tx, id string) (directory.Place, bool, error) {
	found, ok, err := d.ActiveDirectory(tx, id)
	return place(found), ok, err
}

func (d directoryAccounts) Places(tx *store.Tx) ([]directory.Place, error) {
	found, err := d.ActiveDirectories(tx)
	places := make([]directory.Place, len(found))
	for i, f := range found {
		places[i] = place(f)
	}
	return places, err
}

func (d directoryAccounts) Enter(ctx context.Context, tx *store.Tx, id, namespace string) error {
	_, err := d.accounts.Enter(ctx, tx, id, namespace)
	return err
}

func place(d account.ActiveDirectory) directory.Place { return directory.Place(d) }

// directoryUsers lets directory ask identity and signin without knowing them.
type directoryUsers struct {
	*identity.Service
	app *App
}

func (u directoryUsers) Arrive(tx *store.Tx, p directory.Person) (directory.Arrival, error) {
	arrival, err := u.Service.Arrive(tx, identity.DirectoryPerson(p))
	if errors.Is(err, identity.ErrNameTaken) {
		err = directory.ErrNameTaken
	}
	return directory.Arrival(arrival), err
}

func (u directoryUsers) Users(tx *store.Tx, account, namespace, after string, limit int) ([]directory.User, error) {
	found, err := u.DirectoryMembers(tx, account, namespace, after, limit)
	users := make([]directory.User, len(found))
	for i, f := range found {
		users[i] = directory.User(f)
	}
	return users, err
}

func (u directoryUsers) Roles(tx *store.Tx, account, namespace string) (map[string]string, error) {
	return u.RolesByGroup(tx, account, namespace)
}

func (u directoryUsers) Broadest(a, b string) string { return identity.Broadest(a, b) }

func (u directoryUsers) EndSessions(tx *store.Tx, account, namespace, name string) error {
	return u.app.signIn.EndSessions(tx, account, namespace, name, nil)
}

// keepers lets signin ask directory without knowing it.
type keepers struct {
	*directory.Service
	people *identity.Service
}

func (k keepers) Find(ctx context.Context, account, name string) (signin.Sought, error) {
	found, err := k.Service.Find(ctx, account, name)
	if err != nil {
		return nil, unanswered(err)
	}
	return sought{found, k.people, account}, nil
}

// sought is someone of a directory as signin sees them.
type sought struct {
	*directory.Someone
	people  *identity.Service
	account string
}

func (o sought) Try(ctx context.Context, password string) (string, error) {
	verdict, err := o.Someone.Try(ctx, password)
	return string(verdict), unanswered(err)
}

func (o sought) Place(tx *store.Tx) (signin.Person, string, error) {
	name, reason, err := o.Someone.Place(tx)
	if err != nil || name == "" {
		return signin.Person{}, reason, err
	}
	found, err := o.people.Entrant(tx, o.account, o.Namespace(), name)
	return signin.Person(found), reason, err
}

// unanswered gives errors of directories the names that signin knows.
func unanswered(err error) error {
	if _, ok := errors.AsType[*directory.Unavailable](err); ok {
		return errors.Join(signin.ErrDirectoryDown, err)
	}
	if errors.Is(err, directory.ErrBusy) {
		return errors.Join(signin.ErrBusy, err)
	}
	return err
}
