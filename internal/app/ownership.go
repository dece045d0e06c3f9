package app

import (
	"context"

	"onsight/internal/ownership"
)

// joinOwnership makes what hands over what somebody owns.
func (h *house) joinOwnership(context.Context) error {
	h.owners = ownership.New(ownership.Config{
		DB: h.db, Tokens: h.tokens, Accounts: h.accounts, People: h.users, Folders: h.folders, Kinds: []string{"action-connector", "folder"},
	})
	h.add(h.owners.Routes()...)
	return nil
}
