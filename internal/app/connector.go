package app

import (
	"context"

	"onsight/internal/connector"
	"onsight/internal/folder"
)

// joinConnectors makes what keeps action connectors.
func (h *house) joinConnectors(context.Context) error {
	h.connectors = connector.New(connector.Config{
		DB: h.db, Jobs: h.jobs, Keys: h.keys, Tokens: h.tokens, Log: h.Log, Now: h.Now,
		Accounts: h.accounts, Principals: h.users, Groups: memberships{h.users}, Tags: h.tags, Folders: h.folders,
		VPCConnections: h.connections, Endpoints: connector.Endpoints{Allowed: h.connections.Default().Allowed},
	})
	h.connections.Used(h.connectors.UsingVPCConnection)
	h.tags.Register("action-connector", h.connectors.Exists)
	see := []string{"quicksight:DescribeActionConnector", "quicksight:ListActionConnectors"}
	change := append([]string{"quicksight:UpdateActionConnector", "quicksight:DeleteActionConnector"}, see...)
	h.folders.Register(folder.Member{
		Type: "ACTION_CONNECTOR", Kind: "action-connector", Label: "Action connector", Exists: h.connectors.Exists,
		Viewer: see, Contributor: change,
		Owner: append([]string{"quicksight:DescribeActionConnectorPermissions", "quicksight:UpdateActionConnectorPermissions"}, change...),
	})
	h.add(h.connectors.Routes()...)
	return nil
}
