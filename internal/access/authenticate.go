package access

import (
	"context"
	"net/http"
	"time"

	"onsight/internal/api"
	"onsight/internal/sigv4"
	"onsight/internal/wire"
)

// queryWindow is how far a signature's time may be from now where IAM and STS
// are called; their messages tell it.
const queryWindow = 15 * time.Minute

// Signed authenticates calls by their signature.
type Signed struct {
	now     func() time.Time
	holders *Holders
	// The query face has a window of its own.
	verifier, queryVerifier sigv4.Verifier
}

// NewSigned makes a Signed; window is how far a signature's time may be from
// now.
func NewSigned(holders *Holders, now func() time.Time, window time.Duration) *Signed {
	s := &Signed{now: now, holders: holders}
	s.verifier.Window = window
	s.queryVerifier.Window = max(window, queryWindow)
	s.verifier.Keys = func(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Key, error) {
		k, err := holders.find(ctx, accessKeyID, sessionToken)
		if err != nil {
			return sigv4.Key{}, err
		}
		return sigv4.Key{Secret: k.secret.Reveal(), Identity: k}, nil
	}
	s.queryVerifier.Keys = s.verifier.Keys
	return s
}

// Authenticate verifies that a call is signed for the operation's service.
func (s *Signed) Authenticate(r *http.Request, body []byte, op *wire.Operation, _ []string) (api.Identity, error) {
	verifier := &s.verifier
	if op.Service().Protocol() == wire.Query {
		verifier = &s.queryVerifier
	}
	service := op.Service().Name()
	signature, err := verifier.Verify(r.Context(), sigv4.FromHTTP(r, body), service, s.now())
	if err != nil {
		return api.Identity{}, err
	}
	k, _ := signature.Identity.(*holder)
	if k.used != "" {
		s.holders.directory.Used(k.used, service, signature.Region)
	}
	who := k.caller
	who.Proof = k
	return api.Identity{Principal: who, Region: signature.Region}, nil
}

// Anyone takes every caller for the root of the account that the call is
// about, and checks nothing: it is the authentication of the emulator.
type Anyone struct {
	// Account and Region are those of a call that names none.
	Account, Region string
}

// Authenticate believes what the signature claims, if there is one.
func (a Anyone) Authenticate(r *http.Request, body []byte, _ *wire.Operation, labels []string) (api.Identity, error) {
	account, region := a.Account, a.Region
	if s, err := sigv4.Parse(sigv4.FromHTTP(r, body)); err == nil && sigv4.ValidRegion(s.Region) {
		region = s.Region
	}
	if id := accountIn(labels); id != "" {
		account = id
	}
	k := rootHolder(Credential{Account: account})
	who := k.caller
	who.Proof = k
	return api.Identity{Principal: who, Region: region}, nil
}
