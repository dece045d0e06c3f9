package app

import (
	"onsight/internal/network"
	"onsight/internal/oauthapp"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/tagging"
)

// joinApplications makes the part that keeps OAuth client applications.
func (a *App) joinApplications(
	o Options, keys *seal.Keyring, tokens *page.Tokens, accounts *accounts, tags *tagging.Service, connections *network.Service,
) *oauthapp.Service {
	a.clients = &outbound.Clients{}
	applications := oauthapp.New(oauthapp.Config{
		DB: a.db, Jobs: a.jobs, Keys: keys, Tokens: tokens, Log: o.Log, Now: o.Now,
		Accounts: accounts, Tags: tags, Networks: connections, Clients: a.clients,
	})
	connections.Used(applications.UsingVPCConnection)
	tags.Register("oauthClientApplication", applications.Exists)
	tags.Register("vpcConnection", connections.Exists)
	return applications
}
