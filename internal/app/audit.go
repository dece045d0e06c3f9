package app

import (
	"context"

	"onsight/internal/audit"
)

// joinAudit makes the part that keeps the trail. Every change from here on
// is recorded.
func (h *house) joinAudit(ctx context.Context) (err error) {
	h.trail, err = audit.Open(ctx, audit.Config{
		DB: h.db, Keys: h.keys, Tokens: h.tokens, Log: h.Log, Now: h.Now, Region: h.Region, Reads: h.AuditReads, Retention: h.AuditRetention,
	})
	if err != nil {
		return err
	}
	h.reseals = append(h.reseals, h.trail.Reseal)
	h.add(h.trail.Routes()...)
	return nil
}
