package app

import (
	"context"

	"onsight/internal/resource"
	"onsight/internal/sealing"
)

// joinSealing makes what renews the seals of all that parts keep sealed.
func (h *house) joinSealing(context.Context) error {
	secrets := resource.Secrets{Keys: h.keys}
	h.reseals = append(h.reseals, func(ctx context.Context) (int, error) { return secrets.Reseal(ctx, h.db) })
	h.add(sealing.New(h.keys, h.Account, h.reseals...).Routes()...)
	return nil
}
