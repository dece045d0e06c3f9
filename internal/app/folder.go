package app

import (
	"context"

	"onsight/internal/folder"
)

// joinFolders makes what keeps folders.
func (h *house) joinFolders(context.Context) error {
	h.folders = folder.New(folder.Config{
		DB: h.db, Tokens: h.tokens, Now: h.Now, Accounts: h.accounts, Principals: h.users, Groups: memberships{h.users}, Tags: h.tags,
	})
	h.tags.Register("folder", h.folders.Exists)
	h.accounts.OnPurge(h.folders.Purge)
	h.add(h.folders.Routes()...)
	return nil
}
