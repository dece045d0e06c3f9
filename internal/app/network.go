package app

import (
	"fmt"

	"onsight/internal/config"
	"onsight/internal/network"
	"onsight/internal/outbound"
	"onsight/internal/page"
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
