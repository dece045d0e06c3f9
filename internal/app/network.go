package app

import (
	"fmt"

	"onsight/internal/config"
	"onsight/internal/network"
	"onsight/internal/oauthapp"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/tagging"
)

// joinNetwork makes the part that knows the ways out of the house.
func (a *App) joinNetwork(c config.Config, o Options, tokens *page.Tokens, accounts *accounts, tags *tagging.Service) (*network.Service, error) {
	profiles, err := outbound.ReadSettings(c.NetworkProfiles)
	if err != nil {
		return nil, fmt.Errorf("-network-profiles %w", err)
	}
	return network.New(network.Config{
		DB: a.db, Jobs: a.jobs, Tokens: tokens, Log: o.Log, Now: o.Now, Accounts: accounts, Tags: tags, Profiles: profiles,
	}), nil
}

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
