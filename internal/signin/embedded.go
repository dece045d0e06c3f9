package signin

import (
	"errors"
	"net/http"
	"time"

	"github.com/google/uuid"

	"onsight/internal/store"
)

// methodEmbedded is the method of sessions in a frame of another site. They are
// apart from those of the browser's own pages: the token of one kind is nothing
// to the other.
const methodEmbedded = "embedded"

// An Embedded is a session in a frame of another site.
type Embedded struct {
	// ID names the session.
	ID                       string
	Account, Namespace, Name string
	Began, Ends              time.Time
}

// BeginEmbedded begins a session in a frame for someone whom an URL lets in.
// The token is for whoever has the frame, and is kept as its hash alone.
func (s *Service) BeginEmbedded(tx *store.Tx, r *http.Request, account, namespace, name string, life time.Duration) (token, id string, err error) {
	if err := s.People.SignedIn(tx, account, namespace, name); err != nil {
		return "", "", err
	}
	named, err := uuid.NewRandom()
	if err != nil {
		return "", "", err
	}
	token, hash := newToken()
	now, origin := s.Now(), s.origin(r)
	return token, named.String(), store.Insert(tx, "web_sessions", session{
		TokenHash: hash, ID: named.String(), Account: account, Namespace: namespace, UserName: name, Method: methodEmbedded,
		Address: origin.Address, Agent: clip(origin.UserAgent, 300),
		CreatedUS: store.Micros(now), UsedUS: store.Micros(now), ExpiresUS: store.Micros(now.Add(life)),
	})
}

// EmbeddedOf finds the session of a token that BeginEmbedded gave;
// ErrSignedOut for one that is over. It doesn't look at the person.
func (s *Service) EmbeddedOf(tx *store.Tx, token string) (Embedded, error) {
	hash := readToken(token)
	if hash == nil {
		return Embedded{}, ErrSignedOut
	}
	row, err := store.One[session](tx, `SELECT `+sessionColumns+` FROM web_sessions WHERE token_hash = $1`, hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && (row.Method != methodEmbedded || !s.goesOn(&row)) {
		return Embedded{}, ErrSignedOut
	}
	return Embedded{
		ID: row.ID, Account: row.Account, Namespace: row.Namespace, Name: row.UserName,
		Began: store.Time(row.CreatedUS), Ends: store.Time(row.ExpiresUS),
	}, err
}
