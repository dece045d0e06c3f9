package app

import (
	"context"

	"onsight/internal/network"
	"onsight/internal/oauthapp"
)

// joinNetwork makes what keeps VPC connections, and OAuth client applications,
// which leave the house by them.
func (h *house) joinNetwork(context.Context) error {
	h.connections = network.New(network.Config{
		DB: h.db, Jobs: h.jobs, Tokens: h.tokens, Log: h.Log, Now: h.Now, Accounts: h.accounts, Tags: h.tags, Profiles: h.profiles,
	})
	applications := oauthapp.New(oauthapp.Config{
		DB: h.db, Jobs: h.jobs, Keys: h.keys, Tokens: h.tokens, Log: h.Log, Now: h.Now,
		Accounts: h.accounts, Tags: h.tags, Networks: h.connections, Clients: h.clients,
	})
	h.connections.Used(applications.UsingVPCConnection)
	h.tags.Register("oauthClientApplication", applications.Exists)
	h.tags.Register("vpcConnection", h.connections.Exists)
	h.add(h.connections.Routes()...)
	h.add(applications.Routes()...)
	return nil
}
