package access

import (
	"context"
	"crypto/subtle"

	"onsight/internal/api"
	"onsight/internal/contract"
	"onsight/internal/fault"
)

// Present gives who holds temporary credentials that are shown themselves, as
// the federation endpoint has them, in place of a signature made with them. It
// holds them to what a signed call would: they must be what was given out, not
// be over, and what stands behind them must still be there.
func (h *Holders) Present(ctx context.Context, accessKeyID string, secret contract.Secret, token string) (api.Principal, any, error) {
	k, err := h.find(ctx, accessKeyID, token)
	if err != nil {
		return api.Principal{}, nil, err
	}
	if subtle.ConstantTimeCompare([]byte(k.secret.Reveal()), []byte(secret.Reveal())) != 1 {
		return api.Principal{}, nil, fault.UnrecognizedClient()
	}
	return h.presented(k)
}

// Known gives who holds temporary credentials whose secret was looked at
// before, or never left the house.
func (h *Holders) Known(ctx context.Context, accessKeyID, token string) (api.Principal, any, error) {
	k, err := h.find(ctx, accessKeyID, token)
	if err != nil {
		return api.Principal{}, nil, err
	}
	return h.presented(k)
}

func (h *Holders) presented(k *holder) (api.Principal, any, error) {
	if k.session == nil { // lasting credentials are for nobody else to hold
		return api.Principal{}, nil, fault.UnrecognizedClient()
	}
	who := k.caller
	who.Proof = k
	return who, k.session, nil
}
