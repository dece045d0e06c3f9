package access

import (
	"context"
	"net/http"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/sigv4"
	"onsight/internal/wire"
)

// queryWindow is how far a signature's time may be from now where IAM and STS
// are called; their messages tell it.
const queryWindow = 15 * time.Minute

// Signed authenticates calls by their signature.
type Signed struct {
	now func() time.Time
	// The query face has a window of its own.
	verifier, queryVerifier sigv4.Verifier
}

// NewSigned makes a Signed over the root credentials;
// window is how far a signature's time may be from now.
func NewSigned(roots *Roots, now func() time.Time, window time.Duration) *Signed {
	s := &Signed{now: now}
	s.verifier.Window = window
	s.queryVerifier.Window = max(window, queryWindow)
	s.verifier.Keys = func(_ context.Context, accessKeyID, sessionToken string) (sigv4.Key, error) {
		c, ok := roots.find(accessKeyID)
		if !ok || sessionToken != "" {
			return sigv4.Key{}, fault.UnrecognizedClient()
		}
		return sigv4.Key{Secret: c.SecretAccessKey, Identity: rootOf(c.Account)}, nil
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
	signature, err := verifier.Verify(r.Context(), sigv4.FromHTTP(r, body), op.Service().Name(), s.now())
	if err != nil {
		return api.Identity{}, err
	}
	who, _ := signature.Identity.(api.Principal)
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
	who := api.Identity{Principal: rootOf(a.Account), Region: a.Region}
	if s, err := sigv4.Parse(sigv4.FromHTTP(r, body)); err == nil && sigv4.ValidRegion(s.Region) {
		who.Region = s.Region
	}
	if account := accountIn(labels); account != "" {
		who.Principal = rootOf(account)
	}
	return who, nil
}

func rootOf(account string) api.Principal {
	return api.Principal{Account: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, Type: "Root"}
}
