package people

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/mail"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// A Person is a user as whoever keeps users knows it.
type Person struct {
	Namespace, Name, Email, Role, IdentityType string
	// Invited tells that an invitation waits for its answer.
	Invited bool
	// Created is when the user was registered. The other times are zero for
	// what never happened.
	Created, LastSignIn, LastUse, Deactivated, Reactivated, Warned time.Time
	// Profile is the custom permissions profile that has effect, and Level where
	// it was given: USER, ROLE or ACCOUNT. Both are empty where there is none.
	Profile, Level string
}

// A Walk says which people to go through.
type Walk struct {
	Account string
	// Namespace limits the walk to one; empty is all.
	Namespace string
	// Prefix is how names begin, letter by letter. It needs a Namespace.
	Prefix string
	// Group limits the walk to the members of a group. It needs a Namespace.
	Group string
	// AfterNamespace and AfterName are of the last one seen; empty at the beginning.
	AfterNamespace, AfterName string
	// Limit is how many to look at, at most.
	Limit int
}

// Users is what people asks of whoever keeps users.
type Users interface {
	// People goes through the users of an account by namespace and name; more
	// says that there may be others after the last one.
	People(tx *store.Tx, w Walk) (people []Person, more bool, err error)
	// Person gives one user; ResourceNotFoundException where there is none.
	Person(tx *store.Tx, account, namespace, name string) (Person, error)
	// Administrators gives those who administer an account.
	Administrators(tx *store.Tx, account string) ([]Person, error)
	// GroupsOf gives the groups of the users of a namespace whose names are from
	// first to last, by user.
	GroupsOf(tx *store.Tx, account, namespace, first, last string) (map[string][]string, error)
	// Seats counts the users of an account, or of one of its namespaces, by
	// namespace and role. Who was not seen since the time given is idle.
	Seats(tx *store.Tx, account, namespace string, since time.Time) ([]Seats, error)
	// Deactivate and Reactivate put a user out of use and back into it.
	Deactivate(ctx context.Context, tx *store.Tx, account, namespace, name string) error
	Reactivate(ctx context.Context, tx *store.Tx, account, namespace, name string) error
	// Warned notes that a user was warned for being idle.
	Warned(tx *store.Tx, account, namespace, name string) error
	// KeepAdministrator refuses to go on without the last administrator who can act.
	KeepAdministrator(tx *store.Tx, account, namespace, name string) error
	// Registered tells what RegisterUser would find for a request: the name that
	// the user gets, whether there is such a user already, and what about it is
	// not as asked; empty for nothing.
	Registered(tx *store.Tx, in *qs.RegisterUserRequest) (name string, exists bool, difference string, err error)
	// Reinvite gives a user who was invited, and has not answered, another
	// invitation in place of the one before; empty for anyone else.
	Reinvite(tx *store.Tx, account, namespace, name string) (url string, err error)
}

// Seats are how many users of a role a namespace has. Each counts as one of
// deactivated, invited, idle and active.
type Seats struct {
	Namespace   string
	Role        string
	Active      int64
	Idle        int64
	Invited     int64
	Deactivated int64
	NeverSeen   int64 // of those that are idle or active
}

// Accounts is what people asks of whoever keeps accounts and namespaces.
type Accounts interface {
	// Enter refuses a call that the state of the account, its region or its
	// edition does not allow, or whose namespace is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) error
	// Open does the same for a call that is about no namespace, and gives the
	// account's identity region.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
	// Edition is that of a subscribed account, such as ENTERPRISE.
	Edition(tx *store.Tx, account string) (string, error)
	// Name is what people call a subscribed account when they sign in.
	Name(tx *store.Tx, account string) (string, error)
}

// Tags is what people asks of whoever keeps tags.
type Tags interface {
	// Of gives the tags of the resource of an ARN.
	Of(tx *store.Tx, resourceARN string) ([]qs.Tag, error)
}

// Owners is what people asks of whoever knows what users own.
type Owners interface {
	// Transfer gives what one user owns to another, both given by ARN, in tx,
	// and tells how much that is.
	Transfer(ctx context.Context, tx *store.Tx, account, from, to string) (moved int64, err error)
}

// Config is what a Service needs. All but Mail is required.
type Config struct {
	DB       *store.DB
	Log      *slog.Logger
	Now      func() time.Time
	Tokens   *page.Tokens
	Jobs     *job.Runner
	Users    Users
	Accounts Accounts
	Tags     Tags
	Owners   Owners
	// Noted writes down when users were last used, as far as that is only in
	// memory yet. Nobody is idle who has just made a call.
	Noted func(ctx context.Context) error
	// Mail writes to those who are warned; nil where no server for that is set.
	Mail *mail.Sender
	// Link gives the address at which people reach a page of the server.
	Link func(at string, params ...string) string
}

// Service answers the operations on many people.
type Service struct {
	db       *store.DB
	now      func() time.Time
	tokens   *page.Tokens
	users    Users
	accounts Accounts
	tags     Tags
	owners   Owners
	noted    func(context.Context) error
	log      *slog.Logger
	mail     *mail.Sender
	link     func(at string, params ...string) string
	server   *api.Server
	written  atomic.Int64 // rows of bulk operations since the start
}

// New makes a Service and tells the job runner what it does. Serve has to be
// called before the first call.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, now: c.Now, tokens: c.Tokens, users: c.Users, accounts: c.Accounts, tags: c.Tags, owners: c.Owners, noted: c.Noted,
		log: c.Log, mail: c.Mail, link: c.Link,
	}
	c.Jobs.Handle(jobLetter, s.sendLetter)
	c.Jobs.Handle(jobPrune, s.runPrune)
	return s
}

// Serve says which server answers the calls that bulk operations and prunes
// consist of.
func (s *Service) Serve(server *api.Server) { s.server = server }

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.ListPeople, s.listing, s.listPeople),
		api.Handle(onsightapi.DescribeSeats, s.describingSeats, s.describeSeats),
		api.Handle(onsightapi.DeactivateUser, s.deactivating, s.deactivateUser),
		api.Handle(onsightapi.ReactivateUser, s.reactivating, s.reactivateUser),
		api.Handle(onsightapi.BulkRegisterUsers, s.bulkRegistering, s.bulkRegisterUsers),
		api.Handle(onsightapi.BulkDeleteUsers, s.bulkDeleting, s.bulkDeleteUsers),
		api.Handle(onsightapi.PlanPrune, s.planning, s.planPrune),
		api.Handle(onsightapi.StartPrune, s.starting, s.startPrune),
		api.Handle(onsightapi.ListPrunes, s.listingPrunes, s.listPrunes),
		api.Handle(onsightapi.DescribePrune, s.describingPrune, s.describePrune),
		api.Handle(onsightapi.ListPruneSteps, s.listingPruneSteps, s.listPruneSteps),
	}
}

// onUsers is the target of operations on users: those of all namespaces and
// names where these are *.
func onUsers(ctx context.Context, account, namespace, name string) policy.Target {
	return policy.Target{Resource: userARN(api.Region(ctx), account, namespace, name)}
}

// userARN forms the ARN of a user.
func userARN(region, account, namespace, name string) string {
	return arn.QuickSight(region, account, "user/"+namespace+"/"+name)
}

// seen is when a person was last there: signed in, used, or put back into use;
// who never was, counts from the registration.
func (p *Person) seen() time.Time {
	last := p.Created
	for _, t := range []time.Time{p.LastSignIn, p.LastUse, p.Reactivated} {
		if t.After(last) {
			last = t
		}
	}
	return last
}

// never tells whether a person has never signed in and never made a call.
func (p *Person) never() bool { return p.LastSignIn.IsZero() && p.LastUse.IsZero() }

// idleDays is for how many whole days a person has not been seen.
func (p *Person) idleDays(now time.Time) int64 {
	return max(0, int64(now.Sub(p.seen())/(24*time.Hour)))
}

// state is whether a person can sign in and be used, and why not.
func (p *Person) state() onsightapi.PersonState {
	switch {
	case !p.Deactivated.IsZero():
		return onsightapi.PersonStateDeactivated
	case p.Invited:
		return onsightapi.PersonStateInvited
	}
	return onsightapi.PersonStateActive
}

// api gives the person as operations show it.
func (p *Person) api(region, account string, groups []string, now time.Time) onsightapi.Person {
	out := onsightapi.Person{
		Namespace: &p.Namespace, UserName: &p.Name, Arn: new(userARN(region, account, p.Namespace, p.Name)), Email: &p.Email, Role: &p.Role,
		IdentityType: &p.IdentityType, State: new(p.state()), Active: new(p.state() == onsightapi.PersonStateActive), Groups: groups,
		CreatedTime: &p.Created, LastSignInTime: some(p.LastSignIn), LastUseTime: some(p.LastUse), DeactivatedTime: some(p.Deactivated),
		WarnedTime: some(p.Warned), IdleDays: new(p.idleDays(now)),
	}
	if p.Profile != "" {
		out.CustomPermissionsName, out.CustomPermissionsLevel = &p.Profile, &p.Level
	}
	return out
}

// some is a time, or nil for the zero time.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

func value[T any](v *T) (zero T) {
	if v == nil {
		return zero
	}
	return *v
}
