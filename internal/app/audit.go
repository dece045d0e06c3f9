package app

import (
	"context"

	"onsight/internal/audit"
	"onsight/internal/config"
	"onsight/internal/page"
	"onsight/internal/seal"
)

// joinAudit makes the part that keeps the trail. Every change from here on
// is recorded.
func (a *App) joinAudit(ctx context.Context, c config.Config, o Options, keys *seal.Keyring, tokens *page.Tokens) (err error) {
	a.trail, err = audit.Open(ctx, audit.Config{
		DB: a.db, Keys: keys, Tokens: tokens, Log: o.Log, Now: o.Now, Region: c.Region, Reads: c.AuditReads, Retention: c.AuditRetention,
	})
	return err
}
