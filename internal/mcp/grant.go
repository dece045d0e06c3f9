package mcp

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/store"
)

// Prefixes of what agents show.
const (
	codePrefix    = "onsight-code_"
	accessPrefix  = "onsight-agent_"
	refreshPrefix = "onsight-refresh_"
)

const (
	accessLife = time.Hour
	// refreshLife is how long a grant lasts that is not used, and grantLife how
	// long at most: then the person is asked again.
	refreshLife = 60 * 24 * time.Hour
	grantLife   = 365 * 24 * time.Hour
	// mostGrants is how many a person may have; the one used longest ago goes.
	mostGrants = 50
)

// A grant is a row of the table agent_grants.
type grant struct {
	Account      string `db:"account"`
	Namespace    string `db:"namespace"`
	UserName     string `db:"user_name"`
	ID           string `db:"id"`
	Client       string `db:"client"`
	ClientName   string `db:"client_name"`
	RedirectHost string `db:"redirect_host"`
	ReadOnly     bool   `db:"read_only"`
	CreatedUS    int64  `db:"created_us"`
	ExpiresUS    int64  `db:"expires_us"`
	LastUsedUS   *int64 `db:"last_used_us"`
}

const grantColumns = `account, namespace, user_name, id, client, client_name, redirect_host, read_only, created_us, expires_us, last_used_us`

// A secret is a row of the table agent_secrets.
type secret struct {
	Hash      []byte `db:"hash"`
	Account   string `db:"account"`
	GrantID   string `db:"grant_id"`
	Kind      string `db:"kind"`
	Spent     bool   `db:"spent"`
	ExpiresUS int64  `db:"expires_us"`
	Doc       string `db:"doc"`
}

// newGrant keeps what a person has consented to. One that the same agent had
// before goes: it has lost what it had, or asks for other scopes.
func (s *Service) newGrant(tx *store.Tx, p Person, in *request) (*grant, error) {
	to, err := url.Parse(in.Redirect)
	if err != nil {
		return nil, err
	}
	all, err := grantsOf(tx, &p)
	if err != nil {
		return nil, err
	}
	for i := range all { // those used longest ago come last
		if all[i].Client == in.Client.ID || i >= mostGrants-1 {
			if err := dropGrant(tx, all[i].ID); err != nil {
				return nil, err
			}
		}
	}
	now := s.Now()
	g := &grant{
		Account: p.Account, Namespace: p.Namespace, UserName: p.Name, ID: newID(), Client: in.Client.ID, ClientName: in.Client.Name, RedirectHost: to.Host,
		ReadOnly: in.LookOnly, CreatedUS: store.Micros(now), ExpiresUS: store.Micros(now.Add(codeLife)), // until the code is exchanged
	}
	return g, store.Insert(tx, "agent_grants", *g)
}

// grantsOf gives a person's grants, those used last first.
func grantsOf(tx *store.Tx, p *Person) ([]grant, error) {
	return store.All[grant](tx, `SELECT `+grantColumns+` FROM agent_grants WHERE account = $1 AND namespace = $2 AND user_name = $3
		ORDER BY COALESCE(last_used_us, created_us) DESC, id`, p.Account, p.Namespace, p.Name)
}

// dropGrant ends a grant with all that was given for it.
func dropGrant(tx *store.Tx, id string) error {
	if _, err := tx.Exec(`DELETE FROM agent_secrets WHERE grant_id = $1`, id); err != nil {
		return err
	}
	_, err := tx.Exec(`DELETE FROM agent_grants WHERE id = $1`, id)
	return err
}

// give makes something that an agent shows for a grant.
func (s *Service) give(tx *store.Tx, g *grant, kind, prefix string, life time.Duration, doc string) (string, error) {
	shown, hash := newSecret()
	return prefix + shown, store.Insert(tx, "agent_secrets", secret{
		Hash: hash, Account: g.Account, GrantID: g.ID, Kind: kind, ExpiresUS: store.Micros(s.Now().Add(life)), Doc: doc,
	})
}

// newCode makes the code of a grant, bound to what was asked.
func (s *Service) newCode(tx *store.Tx, g *grant, in *request) (string, error) {
	doc, err := json.Marshal(in)
	if err != nil {
		return "", err
	}
	return s.give(tx, g, "code", codePrefix, codeLife, string(doc))
}

// shownSecret finds what an agent shows, with its grant; store.ErrNotFound for
// what is not known. Whether it has ended or is spent is for the caller to see.
func shownSecret(tx *store.Tx, shown, kind, prefix string) (row secret, g grant, err error) {
	rest, ok := strings.CutPrefix(shown, prefix)
	hash := readSecret(rest)
	if !ok || hash == nil {
		return row, g, store.ErrNotFound
	}
	row, err = store.One[secret](tx, `SELECT hash, account, grant_id, kind, spent, expires_us, doc FROM agent_secrets WHERE hash = $1 AND kind = $2`, hash, kind)
	if err != nil {
		return row, g, err
	}
	g, err = store.One[grant](tx, `SELECT `+grantColumns+` FROM agent_grants WHERE id = $1`, row.GrantID)
	return row, g, err
}

var (
	errGrant = badRequest("invalid_grant", "What is shown is not good: it has ended, was used before, or is another agent's.")
	// errAgain says that something was used twice: the grant has ended.
	errAgain = badRequest("invalid_grant", "What is shown was used before. Somebody else may have it, so the authorisation has ended: ask for another.")
)

// form reads the form of a request; each of its fields may be there once.
func form(w http.ResponseWriter, r *http.Request, names ...string) (map[string]string, error) {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if !strings.EqualFold(strings.TrimSpace(kind), "application/x-www-form-urlencoded") || r.ParseForm() != nil {
		return nil, badRequest("invalid_request", "The body must be a form (application/x-www-form-urlencoded) of 64 KiB at most.")
	}
	fields := make(map[string]string, len(names))
	for _, name := range names {
		var single bool
		if fields[name], single = once(r.PostForm, name); !single {
			return nil, badRequest("invalid_request", name+" may be there once.")
		}
	}
	return fields, nil
}

// exchange answers the token endpoint: a code, or a refresh token, is exchanged
// for what lets in (RFC 6749, 4.1.3 and 6).
func (s *Service) exchange(w http.ResponseWriter, r *http.Request) error {
	in, err := form(w, r, "grant_type", "client_id", "code", "redirect_uri", "code_verifier", "refresh_token", "resource", "scope")
	if err != nil {
		return err
	}
	c, ok := s.clientOf(in["client_id"])
	if !ok {
		return &oauthError{http.StatusUnauthorized, "invalid_client", "client_id is none of this server. Register."}
	}
	if in["resource"] != "" && !s.isTheResource(in["resource"]) {
		return badRequest("invalid_target", "resource must be "+s.Endpoint()+".")
	}
	var use func(tx *store.Tx) (*grant, error)
	switch in["grant_type"] {
	case "authorization_code":
		use = func(tx *store.Tx) (*grant, error) { return s.useCode(tx, r, &c, in) }
	case "refresh_token":
		use = func(tx *store.Tx) (*grant, error) { return s.useRefresh(tx, r, &c, in) }
	default:
		return badRequest("unsupported_grant_type", "grant_type must be authorization_code or refresh_token.")
	}
	var access, refresh string
	var g *grant
	var refused error
	err = s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		access, refresh, refused = "", "", nil
		g, err = use(tx)
		if wrong, ok := errors.AsType[*oauthError](err); ok {
			refused = wrong // and what was ended stays so
			return nil
		}
		if err != nil {
			return err
		}
		now := s.Now()
		ends := min(store.Micros(now.Add(refreshLife)), g.CreatedUS+grantLife.Microseconds())
		if _, err := tx.Exec(`UPDATE agent_grants SET expires_us = $2 WHERE id = $1`, g.ID, ends); err != nil {
			return err
		}
		if access, err = s.give(tx, g, "access", accessPrefix, accessLife, ""); err != nil {
			return err
		}
		refresh, err = s.give(tx, g, "refresh", refreshPrefix, store.Time(ends).Sub(now), "")
		return err
	})
	if err == nil {
		err = refused
	}
	if err != nil {
		return err
	}
	w.Header().Set("Pragma", "no-cache")
	writeJSON(w, http.StatusOK, map[string]any{
		"access_token": access, "token_type": "Bearer", "expires_in": int(accessLife / time.Second), "refresh_token": refresh, "scope": scopeOf(g.ReadOnly),
	})
	return nil
}

// useCode takes a code, once.
func (s *Service) useCode(tx *store.Tx, r *http.Request, c *client, in map[string]string) (*grant, error) {
	row, g, err := shownSecret(tx, in["code"], "code", codePrefix)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	if row.Spent {
		return nil, s.usedTwice(tx, r, &g)
	}
	var asked request
	if err := json.Unmarshal([]byte(row.Doc), &asked); err != nil {
		return nil, err
	}
	sameAddress := in["redirect_uri"] == asked.Redirect || !asked.Named && in["redirect_uri"] == ""
	if s.ended(row.ExpiresUS) || g.Client != c.ID || !sameAddress || !verifies(in["code_verifier"], asked.Challenge) {
		return nil, errGrant
	}
	return s.spend(tx, &row, &g)
}

// useRefresh takes a refresh token, once: the next one takes its place.
func (s *Service) useRefresh(tx *store.Tx, r *http.Request, c *client, in map[string]string) (*grant, error) {
	row, g, err := shownSecret(tx, in["refresh_token"], "refresh", refreshPrefix)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	if g.Client != c.ID {
		return nil, errGrant
	}
	if row.Spent {
		return nil, s.usedTwice(tx, r, &g)
	}
	if s.ended(row.ExpiresUS) || s.ended(g.ExpiresUS) {
		return nil, errGrant
	}
	if g.ReadOnly && in["scope"] != "" && !looksOnly(in["scope"]) {
		return nil, badRequest("invalid_scope", "The person has consented to "+scopeLook+" alone.")
	}
	return s.spend(tx, &row, &g)
}

// spend uses something up, for a person who may still act.
func (s *Service) spend(tx *store.Tx, row *secret, g *grant) (*grant, error) {
	p, err := s.People.Person(tx, g.Account, g.Namespace, g.UserName)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Active {
		return nil, errGrant
	}
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(`UPDATE agent_secrets SET spent = $2 WHERE hash = $1 AND NOT spent`, row.Hash, true)
	if err == nil && n == 0 {
		err = errGrant
	}
	return g, err
}

// usedTwice ends a grant of which something was used a second time: one of the
// two who had it is a thief.
func (s *Service) usedTwice(tx *store.Tx, r *http.Request, g *grant) error {
	p, err := s.People.Person(tx, g.Account, g.Namespace, g.UserName)
	if errors.Is(err, store.ErrNotFound) {
		return errGrant
	}
	if err != nil {
		return err
	}
	if err := dropGrant(tx, g.ID); err != nil {
		return err
	}
	s.Trail.Left(tx, s.revoked(p, g, api.OriginOf(r, s.TrustedProxies), "A code or a refresh token was used twice."))
	return errAgain
}

// revoked is the event of a grant that has ended before its time.
func (s *Service) revoked(p Person, g *grant, origin api.Origin, why string) Event {
	return Event{Name: "RevokeAgent", Person: p, Origin: origin, Details: map[string]string{
		"AgentClientId": g.Client, "AgentName": g.ClientName, "Grant": g.ID, "Reason": why,
	}}
}

// revoke answers the revocation endpoint (RFC 7009): an agent gives back what it
// has. With a refresh token all goes.
func (s *Service) revoke(w http.ResponseWriter, r *http.Request) error {
	in, err := form(w, r, "token", "client_id")
	if err != nil {
		return err
	}
	c, ok := s.clientOf(in["client_id"])
	if !ok {
		return &oauthError{http.StatusUnauthorized, "invalid_client", "client_id is none of this server."}
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, g, err := shownSecret(tx, in["token"], "refresh", refreshPrefix)
		if err == nil && g.Client == c.ID {
			p, err := s.People.Person(tx, g.Account, g.Namespace, g.UserName)
			if err != nil {
				return err
			}
			s.Trail.Left(tx, s.revoked(p, &g, api.OriginOf(r, s.TrustedProxies), "The agent gave it back."))
			return dropGrant(tx, g.ID)
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		row, g, err := shownSecret(tx, in["token"], "access", accessPrefix)
		if err == nil && g.Client == c.ID {
			_, err = tx.Exec(`DELETE FROM agent_secrets WHERE hash = $1`, row.Hash)
		}
		if errors.Is(err, store.ErrNotFound) {
			err = nil // what is not there is as good as revoked
		}
		return err
	})
	if err == nil {
		w.WriteHeader(http.StatusOK)
	}
	return err
}
