package account

import (
	"context"
	"net/netip"
	"sync"

	"onsight/internal/store"
)

// IPRules say from where people may use an account: its pages, its apps, what
// it embeds. Calls of the API are not asked.
type IPRules struct {
	// Enabled puts the rules in force.
	Enabled bool `json:"enabled"`
	// Ranges, VPCs and VPCEndpoints are what is let in, with descriptions. An
	// address is let in by a range alone: of the networks of AWS, a server
	// outside of them learns nothing.
	Ranges       map[string]string `json:"ranges,omitempty"`
	VPCs         map[string]string `json:"vpcs,omitempty"`
	VPCEndpoints map[string]string `json:"vpcEndpoints,omitempty"`
}

// AddressAllowed tells whether people at an address may use an account by its
// IP rules. One that has none in force lets everybody in.
func (s *Service) AddressAllowed(ctx context.Context, account string, addr netip.Addr) (bool, error) {
	rules, err := s.addresses.of(ctx, s.db, account)
	return err == nil && rules.allow(addr), err
}

// WouldLockOut tells whether rules, once they are set, would keep out the one
// at an address: who sets them on a page is asked first.
func WouldLockOut(rules IPRules, addr netip.Addr) bool { return !compile(rules).allow(addr) }

// ForgetAddresses drops the rules that are kept, after the store was emptied.
func (s *Service) ForgetAddresses() { s.addresses.forget() }

// compiled are rules ready to be asked.
type compiled struct {
	version int64
	open    bool
	ranges  []netip.Prefix
}

func compile(r IPRules) *compiled {
	c := &compiled{open: !r.Enabled}
	for text := range r.Ranges {
		if p, err := netip.ParsePrefix(text); err == nil { // the model's pattern has checked it
			c.ranges = append(c.ranges, p.Masked())
		}
	}
	return c
}

func (c *compiled) allow(addr netip.Addr) bool {
	if c.open {
		return true
	}
	addr = addr.Unmap()
	for _, p := range c.ranges {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// maxAddresses is how many accounts' rules are kept.
const maxAddresses = 10_000

// addresses keeps the rules of accounts, each good for one version of them.
type addresses struct {
	// alone says that no other server changes the database: then what is kept is
	// right until a change here drops it. Else the version is read each time.
	alone bool

	mu sync.RWMutex
	// epoch grows with each change, so that rules read before it are not kept.
	epoch int64
	kept  map[string]*compiled
}

// of gives the rules of an account.
func (a *addresses) of(ctx context.Context, db *store.DB, account string) (*compiled, error) {
	a.mu.RLock()
	c, epoch := a.kept[account], a.epoch
	a.mu.RUnlock()
	if c != nil && a.alone {
		return c, nil
	}
	err := db.Read(ctx, func(tx *store.Tx) error {
		version, err := store.One[int64](tx, `SELECT COALESCE(MAX(version), 0) FROM account_documents
			WHERE account = $1 AND kind = $2 AND namespace = '' AND region = ''`, account, string(ipRestriction))
		if err != nil || c != nil && c.version == version {
			return err
		}
		rules, _, err := ipRestriction.read(tx, place{account: account})
		c = compile(rules)
		c.version = version
		return err
	})
	if err != nil {
		return nil, err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.epoch == epoch {
		if a.kept == nil || len(a.kept) >= maxAddresses {
			a.kept = make(map[string]*compiled)
		}
		a.kept[account] = c
	}
	return c, nil
}

// changed drops an account's rules once the change of tx is durable.
func (a *addresses) changed(tx *store.Tx, account string) {
	tx.AfterCommit(func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.epoch++
		delete(a.kept, account)
	})
}

func (a *addresses) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.epoch++
	a.kept = nil
}
