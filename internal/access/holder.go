package access

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// A holder is who holds an access key, with the policies that apply, compiled.
// It never changes.
type holder struct {
	account string
	version int64 // of the account, when it was read
	secret  contract.Secret
	token   string    // of a session
	expires time.Time // of a session; zero for none
	caller  api.Principal
	subject policy.Subject
	keys    policy.Keys               // that tell who it is
	session any                       // itself, of whoever has begun it
	permits func(action string) error // of a session that is not for everything
	used    string                    // the id whose use is noted: the key's of a user, the role's of a session
	person  Person                    // as which it may be registered; empty for root
	actsFor *arn.ARN                  // the user of QuickSight whom a context vouches for; nil for none
}

// Holders finds the holders of access keys, and keeps those found.
type Holders struct {
	db        *store.DB
	roots     *Roots
	directory Directory
	sessions  Sessions
	now       func() time.Time
	versions  versions
	cache     cache[*holder]
}

// NewHolders makes Holders. Without sessions there are no temporary
// credentials.
func NewHolders(db *store.DB, roots *Roots, directory Directory, sessions Sessions, now func() time.Time) *Holders {
	h := &Holders{db: db, roots: roots, directory: directory, sessions: sessions, now: now}
	h.versions = versions{db: db, directory: directory, alone: db.Dialect() == store.SQLite}
	return h
}

// Changed tells that something in an account's IAM has changed, durably.
func (h *Holders) Changed(account string) { h.versions.changed(account) }

// Forget drops all that is kept, after the store was emptied.
func (h *Holders) Forget() { h.cache.clear() }

// find gives the holder of an access key; a session's with its token.
func (h *Holders) find(ctx context.Context, accessKeyID, token string) (*holder, error) {
	if c, ok := h.roots.known(accessKeyID); ok && token == "" {
		return rootHolder(c), nil
	}
	if k, ok := h.cache.get(accessKeyID); ok && k.token == token {
		version, err := h.versions.of(ctx, k.account)
		if err != nil {
			return nil, err
		}
		if version == k.version {
			return k, k.lives(h.now())
		}
	}
	k, err := h.read(ctx, accessKeyID, token)
	if err != nil {
		return nil, err
	}
	if k.subject.Principal.Type != policy.Root || token != "" {
		h.cache.put(accessKeyID, k)
	}
	return k, k.lives(h.now())
}

func (k *holder) lives(now time.Time) error {
	if !k.expires.IsZero() && !now.Before(k.expires) {
		return fault.ExpiredToken()
	}
	return nil
}

// read reads a holder from the store.
func (h *Holders) read(ctx context.Context, accessKeyID, token string) (k *holder, err error) {
	if token != "" && h.sessions == nil {
		return nil, fault.UnrecognizedClient()
	}
	if token != "" {
		var session Session
		err := h.db.Read(ctx, func(tx *store.Tx) (err error) {
			session, err = h.sessions.Open(tx, accessKeyID, token, h.now())
			return err
		})
		if err != nil {
			return nil, err
		}
		return h.ofSession(ctx, accessKeyID, token, session)
	}
	var key Key
	err = h.db.Read(ctx, func(tx *store.Tx) error {
		key, err = h.directory.KeyOf(tx, accessKeyID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		if c, ok := h.roots.find(accessKeyID); ok { // made since the start
			return rootHolder(c), nil
		}
	}
	if errors.Is(err, store.ErrNotFound) || err == nil && !key.Active {
		return nil, fault.UnrecognizedClient()
	}
	if err != nil {
		return nil, err
	}
	rights, version, err := h.rights(ctx, key.Account, "user", key.UserName)
	if errors.Is(err, store.ErrNotFound) { // deleted just now
		return nil, fault.UnrecognizedClient()
	}
	if err != nil {
		return nil, err
	}
	k, err = rights.holder(policy.Principal{
		Type: policy.User, Account: rights.Account, ARN: rights.ARN, UserID: rights.ID, UserName: rights.Name, Tags: rights.Tags,
	})
	if err != nil {
		return nil, err
	}
	k.version, k.secret, k.caller.AccessKeyID, k.used = version, key.Secret, accessKeyID, accessKeyID
	k.person = Person{ID: rights.ID, ARN: rights.ARN}
	return k, nil
}

// ofSession gives the holder of a session's credentials: what stands behind
// the session must still be there.
func (h *Holders) ofSession(ctx context.Context, accessKeyID, token string, s Session) (k *holder, err error) {
	account := s.Principal.Account
	if s.Kind == "root" {
		k = &holder{account: account, subject: policy.Subject{Principal: s.Principal}}
		if k.version, err = h.versions.of(ctx, account); err != nil {
			return nil, err
		}
		if s.Principal.Type == policy.FederatedUser { // whom root vouches for: only the session policies limit it
			k.subject.Identity = everything
		}
	} else {
		rights, version, err := h.rights(ctx, account, s.Kind, s.Name)
		if errors.Is(err, store.ErrNotFound) || err == nil && rights.ID != s.ID {
			return nil, fault.UnrecognizedClient()
		}
		if err != nil {
			return nil, err
		}
		who := s.Principal
		who.Tags = rights.Tags
		if s.Tags != nil {
			who.Tags = s.Tags(rights.Tags)
		}
		if k, err = rights.holder(who); err != nil {
			return nil, err
		}
		k.version, k.person = version, Person{ID: rights.ID, ARN: rights.ARN}
	}
	if s.Kind == "role" {
		k.used = s.ID
		_, k.person.Session, _ = strings.Cut(s.Principal.UserID, ":")
		if user := s.Keys.Values("quicksight:userarn"); len(user) > 0 {
			if a, err := arn.Parse(user[0]); err == nil {
				k.actsFor = &a
			}
		}
	}
	if s.Policies != nil {
		if k.subject.Session, err = compile(policy.Session, s.Policies); err != nil {
			return nil, err
		}
	}
	k.keys = k.subject.Principal.Keys()
	maps.Copy(k.keys, s.Keys)
	k.secret, k.token, k.expires, k.permits = s.Secret, token, s.Expires, s.Permits
	k.caller = callerOf(&k.subject.Principal)
	k.caller.AccessKeyID, k.caller.Session, k.session = accessKeyID, s.Shown, s.Raw
	return k, nil
}

// everything is what root may do.
var everything = func() *policy.Set {
	p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		panic(err)
	}
	return policy.NewSet(policy.Identity, policy.Attached{Policy: p})
}()

// SessionOf gives the session with which a call is signed, as whoever began it
// handed it over; nil for lasting credentials.
func SessionOf(ctx context.Context) any {
	if k, ok := api.Caller(ctx).Proof.(*holder); ok {
		return k.session
	}
	return nil
}

// rights reads a principal's policies, with the version that they are of.
func (h *Holders) rights(ctx context.Context, account, kind, name string) (r Rights, version int64, err error) {
	// A change while the policies are read makes what was read old at once.
	if version, err = h.versions.of(ctx, account); err != nil {
		return r, 0, err
	}
	err = h.db.Read(ctx, func(tx *store.Tx) error {
		r, err = h.directory.Rights(tx, account, kind, name)
		return err
	})
	return r, version, err
}

// holder compiles a principal's policies.
func (r *Rights) holder(who policy.Principal) (k *holder, err error) {
	k = &holder{account: r.Account, subject: policy.Subject{Principal: who}}
	if k.subject.Identity, err = compile(policy.Identity, r.Policies); err != nil {
		return nil, err
	}
	if r.Boundary != nil {
		if k.subject.Boundary, err = compile(policy.Boundary, []Document{*r.Boundary}); err != nil {
			return nil, err
		}
	}
	k.keys, k.caller = who.Keys(), callerOf(&who)
	return k, nil
}

func compile(kind policy.Kind, documents []Document) (*policy.Set, error) {
	attached := make([]policy.Attached, 0, len(documents))
	for _, d := range documents {
		if d.Text == "" { // a boundary whose policy is gone allows nothing
			continue
		}
		p, err := policy.Parse(kind, d.Text)
		if err != nil { // it was checked when it was stored
			return nil, fmt.Errorf("policy %s: %w", d.ID, err)
		}
		attached = append(attached, policy.Attached{ID: d.ID, Type: d.Type, Policy: p})
	}
	return policy.NewSet(kind, attached...), nil
}

// callerOf describes a principal as calls know it.
func callerOf(p *policy.Principal) api.Principal {
	kinds := map[policy.PrincipalType]string{
		policy.Root: "Root", policy.User: "IAMUser", policy.RoleSession: "AssumedRole", policy.FederatedUser: "FederatedUser",
	}
	return api.Principal{Account: p.Account, ARN: p.ARN, UserID: p.UserID, Type: kinds[p.Type]}
}

// rootHolder gives the holder of root credentials.
func rootHolder(c Credential) *holder {
	p := policy.Principal{Type: policy.Root, Account: c.Account, ARN: "arn:aws:iam::" + c.Account + ":root", UserID: c.Account}
	k := &holder{account: c.Account, secret: contract.Secret(c.SecretAccessKey), subject: policy.Subject{Principal: p}, caller: callerOf(&p)}
	k.caller.AccessKeyID = c.AccessKeyID
	return k
}

// versions tells how often IAM has changed in an account.
type versions struct {
	db        *store.DB
	directory Directory
	// alone says that no other server changes the database: then it is enough
	// to count what this one does.
	alone bool
	count sync.Map // account to *atomic.Int64
}

func (v *versions) of(ctx context.Context, account string) (version int64, err error) {
	if v.alone {
		return v.counter(account).Load(), nil
	}
	err = v.db.Read(ctx, func(tx *store.Tx) error {
		version, err = v.directory.Version(tx, account)
		return err
	})
	return version, err
}

func (v *versions) changed(account string) {
	if v.alone {
		v.counter(account).Add(1)
	}
}

func (v *versions) counter(account string) *atomic.Int64 {
	if c, ok := v.count.Load(account); ok {
		return c.(*atomic.Int64)
	}
	c, _ := v.count.LoadOrStore(account, new(atomic.Int64))
	return c.(*atomic.Int64)
}

// generation is how many entries a cache keeps for sure, and half of how many
// it keeps at most.
const generation = 10_000

// A cache keeps what was used last: what has not been used while a whole
// generation came in is gone.
type cache[T any] struct {
	mu         sync.RWMutex
	young, old map[string]T
}

func (c *cache[T]) get(key string) (T, bool) {
	c.mu.RLock()
	v, ok := c.young[key]
	if ok {
		c.mu.RUnlock()
		return v, true
	}
	v, ok = c.old[key]
	c.mu.RUnlock()
	if ok {
		c.put(key, v)
	}
	return v, ok
}

func (c *cache[T]) put(key string, v T) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.young == nil || len(c.young) >= generation {
		c.young, c.old = make(map[string]T), c.young
	}
	c.young[key] = v
}

func (c *cache[T]) clear() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.young, c.old = nil, nil
}

// PersonOf tells as whom a caller may be registered; actsFor is the user of
// QuickSight whom a context vouches for, nil for none. The account's root is
// nobody.
func PersonOf(who api.Principal) (p Person, actsFor *arn.ARN) {
	if k, _ := who.Proof.(*holder); k != nil {
		return k.person, k.actsFor
	}
	return Person{}, nil
}
