package outbound

import "sync"

// Clients keeps a client for each profile, so that its connections are used
// again. The zero value makes clients with the default limits.
type Clients struct {
	// Limits and Attempts are those of the clients.
	Limits   Limits
	Attempts int

	mu  sync.Mutex
	all map[string]*Client
}

// maxClients is how many clients are kept. Profiles come from the operator and
// from VPC connections, with resolvers of their own: few, but for an attack.
const maxClients = 256

// Of gives the client of a profile.
func (c *Clients) Of(p Profile) *Client {
	key := p.key()
	c.mu.Lock()
	defer c.mu.Unlock()
	client := c.all[key]
	if client != nil {
		return client
	}
	if len(c.all) >= maxClients {
		for _, old := range c.all {
			old.Close() // those under way go on
		}
		c.all = nil
	}
	if c.all == nil {
		c.all = make(map[string]*Client)
	}
	client = New(Config{Profile: p, Limits: c.Limits, Attempts: c.Attempts})
	c.all[key] = client
	return client
}

// Close closes the connections that nobody uses.
func (c *Clients) Close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, client := range c.all {
		client.Close()
	}
}
