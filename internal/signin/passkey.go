package signin

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"
	"github.com/google/uuid"

	"onsight/internal/store"
	"onsight/internal/web"
)

// passkeyLife is how long a challenge may be answered.
const passkeyLife = 5 * time.Minute

// mostPasskeys is how many one person has at most.
const mostPasskeys = 20

// passkeyPath takes a passkey in place of a password.
const passkeyPath = web.Root + "/passkey"

// passkeyScript is the only script that pages have.
const passkeyScript = "passkey.js"

// newPasskeys makes what speaks with authenticators, for the host and origin of
// the public URL; nil where browsers offer no passkeys: at an IP address, and
// without TLS elsewhere than on the same machine.
func newPasskeys(publicURL string) *webauthn.WebAuthn {
	u, err := url.Parse(publicURL)
	if err != nil {
		return nil
	}
	host := u.Hostname()
	local := host == "localhost" || strings.HasSuffix(host, ".localhost")
	if _, err := netip.ParseAddr(host); err == nil || u.Scheme != "https" && !local {
		return nil
	}
	made, err := webauthn.New(&webauthn.Config{
		RPID: host, RPDisplayName: "Onsight", RPOrigins: []string{u.Scheme + "://" + u.Host},
		AttestationPreference: protocol.PreferNoAttestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementPreferred, UserVerification: protocol.VerificationPreferred,
		},
		Timeouts: webauthn.TimeoutsConfig{
			Login:        webauthn.TimeoutConfig{Timeout: passkeyLife, TimeoutUVD: passkeyLife},
			Registration: webauthn.TimeoutConfig{Timeout: passkeyLife, TimeoutUVD: passkeyLife},
		},
		// Password managers tell what nobody asked for.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	if err != nil { // a host that can't have any, such as one with an underscore
		return nil
	}
	return made
}

// passkey is a row of the table passkeys.
type passkey struct {
	Account      string `db:"account"`
	Namespace    string `db:"namespace"`
	UserName     string `db:"user_name"`
	ID           string `db:"id"`
	CredentialID []byte `db:"credential_id"`
	PublicKey    []byte `db:"public_key"`
	Name         string `db:"name"`
	AAGUID       []byte `db:"aaguid"`
	Transports   string `db:"transports"`
	SignCount    int64  `db:"sign_count"`
	MayBackUp    bool   `db:"may_back_up"`
	BackedUp     bool   `db:"backed_up"`
	CreatedUS    int64  `db:"created_us"`
	UsedUS       int64  `db:"used_us"`
}

const passkeyColumns = `account, namespace, user_name, id, credential_id, public_key, name, aaguid, transports, sign_count, may_back_up, backed_up, created_us, used_us`

// Created and Used are when the passkey was made and used last, for pages.
func (k passkey) Created() time.Time { return store.Time(k.CreatedUS) }

// Used is when the passkey was used last.
func (k passkey) Used() time.Time { return store.Time(k.UsedUS) }

func passkeysOf(tx *store.Tx, p Person) ([]passkey, error) {
	return store.All[passkey](tx, `SELECT `+passkeyColumns+` FROM passkeys WHERE account = $1 AND namespace = $2 AND user_name = $3 ORDER BY created_us, id`, p.Account, p.Namespace, p.Name)
}

// holder of passkeys, as the library sees one.
type keyholder struct {
	person Person
	handle []byte
	keys   []passkey
}

// WebAuthnID is what authenticators call the person.
func (h *keyholder) WebAuthnID() []byte { return h.handle }

// WebAuthnName is what people see in the list of an authenticator.
func (h *keyholder) WebAuthnName() string { return h.person.Name }

// WebAuthnDisplayName is the same: no other name is known.
func (h *keyholder) WebAuthnDisplayName() string { return h.person.Name }

// WebAuthnCredentials are the passkeys.
func (h *keyholder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.keys))
	for i, k := range h.keys {
		all[i] = webauthn.Credential{
			ID: k.CredentialID, PublicKey: k.PublicKey,
			Flags:         webauthn.CredentialFlags{BackupEligible: k.MayBackUp, BackupState: k.BackedUp},
			Authenticator: webauthn.Authenticator{AAGUID: k.AAGUID, SignCount: uint32(k.SignCount)},
		}
		for t := range strings.FieldsSeq(k.Transports) {
			all[i].Transport = append(all[i].Transport, protocol.AuthenticatorTransport(t))
		}
	}
	return all
}

// descriptors name the passkeys to a browser.
func (h *keyholder) descriptors() []protocol.CredentialDescriptor {
	return webauthn.Credentials(h.WebAuthnCredentials()).CredentialDescriptors()
}

// handleOf finds what authenticators call a person; nil for nothing yet.
func handleOf(tx *store.Tx, p Person) ([]byte, error) {
	type row struct {
		Handle []byte `db:"handle"`
	}
	found, err := store.One[row](tx, `SELECT handle FROM passkey_handles WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	return found.Handle, err
}

// A ceremony is what a page needs to have the browser ask for a passkey.
type ceremony struct {
	// Options are those of the browser's call, as JSON.
	Options string
	// State comes back with the answer. It is sealed.
	State string
}

// ceremonyState is what a State holds.
type ceremonyState struct {
	Session webauthn.SessionData `json:"session"`
	EndsUS  int64                `json:"ends"`
}

// The purposes of ceremonies.
const (
	toCreate = "create"
	toShow   = "show"
)

func ceremonyContext(purpose string, owner []byte) string {
	return "passkey\x00" + purpose + "\x00" + hex.EncodeToString(owner)
}

var stateText = base64.RawURLEncoding.Strict()

// newCeremony keeps the challenge with the page: sealed, for whoever has the
// token with the hash owner, who may be nobody yet. It can be answered once.
func (s *Service) newCeremony(purpose string, owner []byte, options any, session *webauthn.SessionData) (*ceremony, error) {
	o, err := json.Marshal(options)
	if err != nil {
		return nil, err
	}
	state, err := json.Marshal(ceremonyState{*session, store.Micros(s.Now().Add(passkeyLife))})
	if err != nil {
		return nil, err
	}
	return &ceremony{Options: string(o), State: stateText.EncodeToString(s.Keys.Seal(state, ceremonyContext(purpose, owner)))}, nil
}

// openCeremony gives what was kept with the page, and has it count once.
func (s *Service) openCeremony(tx *store.Tx, r *http.Request, purpose string, owner []byte) (webauthn.SessionData, error) {
	var state ceremonyState
	late := &wrongFactor{"passkey.late"}
	sealed, err := stateText.DecodeString(r.PostFormValue("state"))
	if err != nil {
		return state.Session, late
	}
	plain, err := s.Keys.Open(sealed, ceremonyContext(purpose, owner))
	if err != nil || json.Unmarshal(plain, &state) != nil || !s.Now().Before(store.Time(state.EndsUS)) {
		return state.Session, late
	}
	return state.Session, s.spend(tx, state.Session.Challenge, store.Time(state.EndsUS))
}

// spend has a challenge count once.
func (s *Service) spend(tx *store.Tx, challenge string, ends time.Time) error {
	sum := sha256.Sum256([]byte(challenge))
	n, err := tx.Exec(`INSERT INTO used_challenges (hash, expires_us) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING`, sum[:], store.Micros(ends))
	if err == nil && n == 0 {
		err = &wrongFactor{"passkey.late"}
	}
	return err
}

// askPasskey asks for one of a person's passkeys.
func (s *Service) askPasskey(c *comer) (*ceremony, error) {
	if s.passkeys == nil {
		return nil, nil
	}
	// The handle is compared when the answer comes; here only who it is matters.
	h := &keyholder{person: c.Person, handle: []byte{0}, keys: c.factors.Passkeys}
	options, session, err := s.passkeys.BeginLogin(h)
	if err != nil {
		return nil, err
	}
	session.UserID = nil
	return s.newCeremony(toShow, c.hash, options.Response, session)
}

// askAnyPasskey asks for a passkey of anybody's. It shows who someone is without
// a password, so the authenticator must have made sure of its user.
func (s *Service) askAnyPasskey() (*ceremony, error) {
	if s.passkeys == nil {
		return nil, nil
	}
	options, session, err := s.passkeys.BeginDiscoverableLogin(webauthn.WithUserVerification(protocol.VerificationRequired))
	if err != nil {
		return nil, err
	}
	return s.newCeremony(toShow, nil, options.Response, session)
}

// takePasskey takes the answer of an authenticator: of one person's, or, where p
// is nil, of anybody's who has a user of theirs. It tells whose it would be also
// where it is refused, if that is known.
func (s *Service) takePasskey(tx *store.Tx, r *http.Request, p *Person, owner []byte) (Person, error) {
	wrong := &wrongFactor{"passkey.wrong"}
	if s.passkeys == nil {
		return Person{}, wrong
	}
	session, err := s.openCeremony(tx, r, toShow, owner)
	if err != nil {
		return Person{}, err
	}
	answer, err := protocol.ParseCredentialRequestResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil {
		return Person{}, wrong
	}
	h, err := keyholderOf(tx, s.People, p, answer.Response.UserHandle)
	if errors.Is(err, store.ErrNotFound) {
		return Person{}, wrong
	}
	if err != nil {
		return Person{}, err
	}
	var key *webauthn.Credential
	if p != nil {
		session.UserID = h.handle
		key, err = s.passkeys.ValidateLogin(h, session, answer)
	} else {
		key, err = s.passkeys.ValidateDiscoverableLogin(func([]byte, []byte) (webauthn.User, error) { return h, nil }, session, answer)
	}
	if err != nil {
		s.Log.InfoContext(r.Context(), "a passkey was refused", "account", h.person.Account, "error", reason(err))
		return h.person, wrong
	}
	if key.Authenticator.CloneWarning {
		return h.person, &wrongFactor{"passkey.copied"}
	}
	_, err = tx.Exec(`UPDATE passkeys SET sign_count = $2, backed_up = $3, used_us = $4 WHERE credential_id = $1`,
		key.ID, int64(key.Authenticator.SignCount), key.Flags.BackupState, store.Micros(s.Now()))
	return h.person, err
}

// keyholderOf finds a person, or the one whom authenticators call handle.
func keyholderOf(tx *store.Tx, people People, p *Person, handle []byte) (*keyholder, error) {
	h := &keyholder{handle: handle}
	var err error
	if p != nil {
		h.person = *p
		if h.handle, err = handleOf(tx, *p); err != nil {
			return nil, err
		}
	} else {
		type row struct {
			Account   string `db:"account"`
			Namespace string `db:"namespace"`
			UserName  string `db:"user_name"`
		}
		found, err := store.One[row](tx, `SELECT account, namespace, user_name FROM passkey_handles WHERE handle = $1`, handle)
		if err != nil {
			return nil, err
		}
		if h.person, err = people.Person(tx, found.Account, found.Namespace, found.UserName); err != nil {
			return nil, err
		}
	}
	h.keys, err = passkeysOf(tx, h.person)
	return h, err
}

// reason is what the library says of a refusal.
func reason(err error) string {
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		return strings.TrimSpace(e.Details + " " + e.DevInfo)
	}
	return err.Error()
}

// signInByPasskey lets someone in by a passkey alone, whichever account it is of.
func (s *Service) signInByPasskey(w http.ResponseWriter, r *http.Request) error {
	f := signInForm{
		Account: trim(r.PostFormValue(fieldAccount)), Namespace: trim(r.PostFormValue(fieldNamespace)), Next: r.PostFormValue("next"), Letters: s.Mail != nil,
	}
	address := s.origin(r).Network()
	var until time.Time
	var p Person
	err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		if until, err = s.locked(tx, strangers, lockAddress(address)); err != nil || !until.IsZero() {
			return err
		}
		if p, err = s.takePasskey(tx, r, nil, nil); err != nil {
			return err
		}
		return s.mayPassAlone(tx, p, f.Account)
	})
	if !until.IsZero() {
		return s.tooMany("", until, web.Language(r))
	}
	if wrong, ok := errors.AsType[*wrongFactor](err); ok {
		return s.refusePasskey(w, r, f, p, wrong)
	}
	if err != nil {
		return err
	}
	return s.Admit(w, r, Entry{Method: "passkey", Account: p.Account, Next: f.Next, Factor: factorPasskey, Who: func(tx *store.Tx) (Person, error) {
		p, err := s.People.Person(tx, p.Account, p.Namespace, p.Name)
		if errors.Is(err, store.ErrNotFound) { // deleted this moment
			return p, ErrSignedOut
		}
		if err != nil {
			return p, err
		}
		return p, s.leave(tx, r, "CheckMfa", p, Event{Outcome: "Success", Details: map[string]string{"MfaType": mfaType(factorPasskey)}})
	}})
}

// mayPassAlone refuses a passkey in place of the password: where the account has
// no second factors, of another account than the one named, and of people
// whose password is kept elsewhere, where they may be locked out meanwhile.
func (s *Service) mayPassAlone(tx *store.Tx, p Person, named string) error {
	policy, err := policyOf(tx, p.Account)
	if err != nil {
		return err
	}
	if policy == policyOff || !p.hasPassword() {
		return &wrongFactor{"passkey.not-alone"}
	}
	if named == "" {
		return nil
	}
	a, err := s.Accounts.Named(tx, named)
	if err == nil && a.Account != p.Account || errors.Is(err, store.ErrNotFound) {
		return &wrongFactor{"passkey.other-account"}
	}
	return err
}

// refusePasskey counts an answer that lets nobody in for its address, leaves its
// events if it is known whose it would be, and asks again.
func (s *Service) refusePasskey(w http.ResponseWriter, r *http.Request, f signInForm, p Person, wrong *wrongFactor) error {
	address := s.origin(r).Network()
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, _, _, err := s.count(tx, strangers, lockAddress(address), addressLimit)
		return err
	})
	if err == nil && p.Account != "" {
		err = s.failedGuess(r, p, &guess{factor: factorPasskey}, web.Text(web.Languages[0], wrong.key), true)
	}
	if err != nil {
		return err
	}
	problems := []web.Problem{{Key: wrong.key}}
	if f.Account != "" {
		return s.askPassword(w, r, f, problems)
	}
	return s.askAccount(w, r, f, problems)
}

// addPasskey asks the browser to make a passkey.
func (s *Service) addPasskey(c *comer) (*ceremony, error) {
	var handle []byte
	if c.handle != nil {
		handle = c.handle
	} else {
		handle = make([]byte, 32)
		_, _ = rand.Read(handle) // never fails (crypto/rand)
	}
	h := &keyholder{person: c.Person, handle: handle, keys: c.factors.Passkeys}
	options, session, err := s.passkeys.BeginRegistration(h, webauthn.WithExclusions(h.descriptors()))
	if err != nil {
		return nil, err
	}
	return s.newCeremony(toCreate, c.hash, options.Response, session)
}

// keepPasskey keeps what an authenticator has made.
func (s *Service) keepPasskey(tx *store.Tx, r *http.Request, p Person, owner []byte, name string) error {
	wrong := &wrongFactor{"passkey.not-made"}
	session, err := s.openCeremony(tx, r, toCreate, owner)
	if err != nil {
		return err
	}
	answer, err := protocol.ParseCredentialCreationResponseBytes([]byte(r.PostFormValue("credential")))
	if err != nil {
		return wrong
	}
	handle, err := handleOf(tx, p)
	if err != nil {
		return err
	}
	if handle == nil {
		if handle = session.UserID; len(handle) != 32 {
			return wrong
		}
		if _, err := tx.Exec(`INSERT INTO passkey_handles (account, namespace, user_name, handle) VALUES ($1, $2, $3, $4)`, p.Account, p.Namespace, p.Name, handle); err != nil {
			return err
		}
	}
	made, err := s.passkeys.CreateCredential(&keyholder{person: p, handle: handle}, session, answer)
	if err != nil {
		s.Log.InfoContext(r.Context(), "a passkey was not made", "account", p.Account, "error", reason(err))
		return wrong
	}
	keys, err := passkeysOf(tx, p)
	if err != nil {
		return err
	}
	if len(keys) >= mostPasskeys {
		return &wrongFactor{"passkey.many"}
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return err
	}
	transports := make([]string, len(made.Transport))
	for i, t := range made.Transport {
		transports[i] = string(t)
	}
	now := store.Micros(s.Now())
	err = store.Insert(tx, "passkeys", passkey{
		Account: p.Account, Namespace: p.Namespace, UserName: p.Name, ID: id.String(), CredentialID: made.ID, PublicKey: made.PublicKey, Name: name,
		AAGUID: append([]byte{}, made.Authenticator.AAGUID...), Transports: clip(strings.Join(transports, " "), 200), SignCount: int64(made.Authenticator.SignCount),
		MayBackUp: made.Flags.BackupEligible, BackedUp: made.Flags.BackupState, CreatedUS: now, UsedUS: now,
	})
	if store.Duplicate(err) { // somebody's already, perhaps another's
		return &wrongFactor{"passkey.there"}
	}
	if err != nil {
		return fmt.Errorf("keep a passkey: %w", err)
	}
	return nil
}

// scriptOf is the script that a page with a ceremony needs.
func scriptOf(c *ceremony) string {
	if c == nil {
		return ""
	}
	return passkeyScript
}
