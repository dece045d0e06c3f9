package app

import (
	"onsight/internal/connector"
	"onsight/internal/folder"
)

// joinMembers tells folders what can lie in them.
func joinMembers(folders *folder.Service, connectors *connector.Service) {
	see := []string{"quicksight:DescribeActionConnector", "quicksight:ListActionConnectors"}
	change := append([]string{"quicksight:UpdateActionConnector", "quicksight:DeleteActionConnector"}, see...)
	folders.Register(folder.Member{
		Type: "ACTION_CONNECTOR", Kind: "action-connector", Label: "Action connector", Exists: connectors.Exists,
		Viewer: see, Contributor: change,
		Owner: append([]string{"quicksight:DescribeActionConnectorPermissions", "quicksight:UpdateActionConnectorPermissions"}, change...),
	})
}
