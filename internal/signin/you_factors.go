package signin

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"rsc.io/qr"

	"onsight/internal/store"
	"onsight/internal/web"
)

// fewPath is the page that someone sees who has few recovery codes left.
const fewPath = factorsPath + "/few"

const fieldName = "name"

// doneFactors are the things that the page says have been done.
var doneFactors = map[string]string{"app": "factors.app-added", "passkey": "factors.passkey-added", "removed": "factors.removed", "named": "factors.named"}

// factorCard tells which second factors someone has.
func (s *Service) factorCard(tx *store.Tx, p Person) ([]Card, error) {
	policy, err := policyOf(tx, p.Account)
	if err != nil || policy == policyOff {
		return nil, err
	}
	f, err := s.factorsOf(tx, p)
	if err != nil || !p.hasPassword() && !f.any() {
		return nil, err
	}
	card := Card{Title: "factors.title", Text: "factors.card-none", Action: "factors.set-up", Target: factorsPath}
	if f.any() {
		card.Text, card.Args, card.Action = "factors.card", []any{f.count(), f.Codes}, "factors.manage"
		if f.Codes <= fewCodes {
			card.Text = "factors.card-few"
		}
	}
	return []Card{card}, nil
}

// yourFactors is what the page of someone's second factors shows.
type yourFactors struct {
	Done     string
	App      *yourApp
	Passkeys []passkey
	Codes    int64
	Any      bool
	Few      bool
	Required bool
	// Last tells that there is one, which must stay.
	Last bool
	// Offered tells that passkeys can be added.
	Offered bool
}

// yourApp tells of an authenticator app.
type yourApp struct{ Created, Used time.Time }

func (s *Service) showFactors(w http.ResponseWriter, r *http.Request) error {
	c, err := s.insider(r)
	if err != nil {
		return err
	}
	if c.policy == policyOff {
		return s.noFactors(c)
	}
	f := &c.factors
	y := yourFactors{
		Done: doneFactors[r.URL.Query().Get("done")], Passkeys: f.Passkeys, Codes: f.Codes, Any: f.any(), Few: f.any() && f.Codes <= fewCodes,
		Required: c.required, Last: c.required && f.count() == 1, Offered: s.passkeys != nil,
	}
	if f.App != nil {
		y.App = &yourApp{store.Time(f.App.CreatedUS), store.Time(f.App.UsedUS)}
	}
	s.Site.Show(w, r, web.Page{Name: "factors", Account: c.Person.Account, Data: y})
	return nil
}

func (s *Service) noFactors(c *comer) error {
	return &refusal{status: http.StatusForbidden, account: c.Person.Account, message: web.Message{
		Title: "factors.title", Text: "factors.off", Action: "to.you", Target: youPath,
	}}
}

// adder finds whoever may add a factor: someone who is signed in and has shown
// lately who they are, or someone on the way in who has none.
func (s *Service) adder(w http.ResponseWriter, r *http.Request) (*comer, error) {
	if !strings.HasPrefix(r.URL.Path, factorsPath) {
		c, err := s.comerOf(r)
		if err == nil && c.factors.any() {
			s.Site.Go(w, r, factorPath)
			return nil, nil
		}
		return c, err
	}
	return s.changer(r)
}

// changer finds whoever may change their factors.
func (s *Service) changer(r *http.Request) (*comer, error) {
	c, err := s.insider(r)
	if err != nil {
		return nil, err
	}
	if c.policy == policyOff {
		return nil, s.noFactors(c)
	}
	return c, s.MustBeRecent(c.session, proofLife)
}

// below is the address of a page for someone inside, or on the way in.
func (c *comer) below(page string) string {
	if c.Inside {
		return factorsPath + page
	}
	return factorPath + page
}

// appForm is what the page shows on which someone adds an authenticator app.
type appForm struct {
	Action, Back, State string
	Person              Person
	Account             string
	Secret              string
	// Size and Picture are the QR code: a square, and the path of what is black.
	Size    int
	Picture string
	// Replaces tells that there is an app already.
	Replaces, Inside bool
}

// enrolment is a secret that no app has shown a code of yet. It is kept with the
// page, sealed.
type enrolment struct {
	Secret []byte `json:"secret"`
	EndsUS int64  `json:"ends"`
}

func enrolmentContext(owner []byte) string { return "totp-enrolment\x00" + hex.EncodeToString(owner) }

func (s *Service) showApp(w http.ResponseWriter, r *http.Request) error {
	c, err := s.adder(w, r)
	if err != nil || c == nil {
		return err
	}
	return s.askApp(w, r, c, nil, nil)
}

func (s *Service) askApp(w http.ResponseWriter, r *http.Request, c *comer, e *enrolment, problems []web.Problem) error {
	if e == nil {
		e = &enrolment{newTOTPSecret(), store.Micros(s.Now().Add(stepLife))}
	}
	state, err := json.Marshal(e) //nolint:gosec // it is sealed before it goes out
	if err != nil {
		return err
	}
	code, err := qr.Encode(totpURL(e.Secret, "Onsight "+c.account.Name, c.Person.Name), qr.M)
	if err != nil {
		return fmt.Errorf("signin: picture of a secret: %w", err)
	}
	s.Site.Show(w, r, web.Page{Name: "factor-app", Account: c.Person.Account, Problems: problems, Data: appForm{
		Action: c.below("/app"), Back: c.below(""), State: stateText.EncodeToString(s.Keys.Seal(state, enrolmentContext(c.hash))),
		Person: c.Person, Account: c.account.Name, Secret: grouped(totpText.EncodeToString(e.Secret), " "),
		Size: code.Size + 8, Picture: picture(code), Replaces: c.factors.App != nil, Inside: c.Inside,
	}})
	return nil
}

// picture is what is black of a QR code as the path of an SVG, with the white
// rim of four that readers need.
func picture(code *qr.Code) string {
	var b strings.Builder
	for y := range code.Size {
		for x := 0; x < code.Size; x++ {
			n := 0
			for x+n < code.Size && code.Black(x+n, y) {
				n++
			}
			if n > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+4, y+4, n, n)
				x += n
			}
		}
	}
	return b.String()
}

func (s *Service) addApp(w http.ResponseWriter, r *http.Request) error {
	c, err := s.adder(w, r)
	if err != nil || c == nil {
		return err
	}
	var e enrolment
	sealed, err := stateText.DecodeString(r.PostFormValue("state"))
	if err == nil {
		var plain []byte
		if plain, err = s.Keys.Open(sealed, enrolmentContext(c.hash)); err == nil {
			err = json.Unmarshal(plain, &e)
		}
	}
	ends := store.Time(e.EndsUS)
	if err != nil || !s.Now().Before(ends) {
		return s.askApp(w, r, c, nil, []web.Problem{{Key: "app.late"}})
	}
	code := digits(r.PostFormValue(fieldCode))
	if code == "" {
		return s.askApp(w, r, c, &e, []web.Problem{{Field: fieldCode, Key: "code.missing"}})
	}
	step, ok := totpMatch(e.Secret, code, s.Now())
	if !ok {
		return s.askApp(w, r, c, &e, []web.Problem{{Field: fieldCode, Key: "app.wrong"}})
	}
	err = s.added(w, r, c, factorTOTP, func(tx *store.Tx, p Person) error {
		if err := s.spend(tx, base64.StdEncoding.EncodeToString(e.Secret), ends); err != nil {
			return err
		}
		return s.keepTOTP(tx, p, e.Secret, step)
	})
	if _, ok := errors.AsType[*wrongFactor](err); ok { // of a page that was sent before
		return s.askApp(w, r, c, nil, []web.Problem{{Key: "app.late"}})
	}
	return err
}

// passkeyForm is what the page shows on which someone adds a passkey.
type passkeyForm struct {
	Action, Back, Name string
	Passkey            *ceremony
	Inside             bool
}

func (s *Service) showPasskey(w http.ResponseWriter, r *http.Request) error {
	c, err := s.adder(w, r)
	if err != nil || c == nil {
		return err
	}
	return s.askNewPasskey(w, r, c, nil)
}

func (s *Service) askNewPasskey(w http.ResponseWriter, r *http.Request, c *comer, problems []web.Problem) error {
	if s.passkeys == nil {
		return &refusal{status: http.StatusNotFound, account: c.Person.Account, message: web.Message{Title: "passkey.title", Text: "passkey.nowhere", Action: "to.back", Target: c.below("")}}
	}
	made, err := s.addPasskey(c)
	if err != nil {
		return err
	}
	name := trim(r.PostFormValue(fieldName))
	if name == "" {
		name = browser(r.UserAgent())
	}
	s.Site.Show(w, r, web.Page{Name: "factor-passkey", Account: c.Person.Account, Problems: problems, Script: passkeyScript, Data: passkeyForm{
		Action: c.below("/passkey"), Back: c.below(""), Name: name, Passkey: made, Inside: c.Inside,
	}})
	return nil
}

func (s *Service) addedPasskey(w http.ResponseWriter, r *http.Request) error {
	c, err := s.adder(w, r)
	if err != nil || c == nil {
		return err
	}
	name, problem := nameOf(r)
	if problem != nil {
		return s.askNewPasskey(w, r, c, []web.Problem{*problem})
	}
	if r.PostFormValue("credential") == "" { // sent without the script
		return s.askNewPasskey(w, r, c, []web.Problem{{Key: "passkey.script"}})
	}
	err = s.added(w, r, c, factorPasskey, func(tx *store.Tx, p Person) error { return s.keepPasskey(tx, r, p, c.hash, name) })
	if wrong, ok := errors.AsType[*wrongFactor](err); ok {
		return s.askNewPasskey(w, r, c, []web.Problem{{Key: wrong.key}})
	}
	return err
}

// nameOf reads what someone calls a passkey.
func nameOf(r *http.Request) (string, *web.Problem) {
	name := strings.Join(strings.Fields(r.PostFormValue(fieldName)), " ")
	switch {
	case name == "":
		return "", &web.Problem{Field: fieldName, Key: "passkey.name-missing"}
	case len([]rune(name)) > 60:
		return "", &web.Problem{Field: fieldName, Key: "passkey.name-long", Args: []any{60}}
	}
	return strings.ToValidUTF8(name, "?"), nil
}

// registered are the real trail's names for what adds a factor.
var registered = map[string]string{factorTOTP: "CompleteVirtualMfaDeviceRegistration", factorPasskey: "CompleteWebAuthnDeviceRegistration"} //nolint:gosec // names of events

// added keeps a new factor. The first one ends all other sessions, which were
// begun without, and comes with recovery codes. It lets in whoever is on the
// way.
func (s *Service) added(w http.ResponseWriter, r *http.Request, c *comer, factor string, keep func(tx *store.Tx, p Person) error) error {
	var codes []string
	add := func(tx *store.Tx, p Person) error {
		codes = nil
		f, err := s.factorsOf(tx, p)
		if err != nil {
			return err
		}
		if err := keep(tx, p); err != nil {
			return err
		}
		if f.Codes == 0 {
			if codes, err = s.makeCodes(tx, p); err != nil {
				return err
			}
		}
		if !f.any() {
			if err := s.EndSessions(tx, p.Account, p.Namespace, p.Name, c.session.hash); err != nil {
				return err
			}
		}
		return s.leave(tx, r, registered[factor], p, Event{Outcome: "Success"})
	}
	next := s.Site.URL(factorsPath)
	var err error
	if c.Inside {
		err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
			if err := add(tx, c.Person); err != nil {
				return err
			}
			_, err := tx.Exec(`UPDATE web_sessions SET factor = $2, proved_us = $3 WHERE token_hash = $1`, c.hash, factor, store.Micros(s.Now()))
			return err
		})
	} else {
		next, err = s.admit(w, r, Entry{
			Method: c.step.Method, Typed: c.step.Typed, Account: c.Person.Account, Next: c.step.Target, Factor: factor,
			Who: func(tx *store.Tx) (Person, error) {
				p, err := s.passStep(tx, r)
				if err != nil {
					return p, err
				}
				f, err := s.factorsOf(tx, p)
				if err == nil && f.any() { // added elsewhere meanwhile: that one is asked for
					err = &refusal{status: http.StatusConflict, account: p.Account, message: web.Message{Title: "late.title", Text: "late.text", Action: "to.sign-in", Target: web.Root}}
				}
				if err != nil {
					return p, err
				}
				return p, add(tx, p)
			},
		})
	}
	if err != nil {
		return err
	}
	if codes != nil {
		s.showCodes(w, r, c, codes, next)
		return nil
	}
	what := "app"
	if factor == factorPasskey {
		what = "passkey"
	}
	s.Site.Go(w, r, factorsPath, "done", what)
	return nil
}

// codesPage is what the page shows that shows recovery codes, once.
type codesPage struct {
	Codes  []string
	Next   string
	Person Person
}

func (s *Service) showCodes(w http.ResponseWriter, r *http.Request, c *comer, codes []string, next string) {
	s.Site.Show(w, r, web.Page{Name: "factor-codes", Account: c.Person.Account, Data: codesPage{codes, next, c.Person}})
}

// renewCodes makes recovery codes anew.
func (s *Service) renewCodes(w http.ResponseWriter, r *http.Request) error {
	c, err := s.changer(r)
	if err != nil {
		return err
	}
	var codes []string
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		f, err := s.factorsOf(tx, c.Person)
		if err != nil {
			return err
		}
		if !f.any() {
			codes = nil
			return nil
		}
		if codes, err = s.makeCodes(tx, c.Person); err != nil {
			return err
		}
		return s.leave(tx, r, "RecoveryCodesCreated", c.Person, Event{Outcome: "Success"})
	})
	if err != nil {
		return err
	}
	if codes == nil {
		s.Site.Go(w, r, factorsPath)
		return nil
	}
	s.showCodes(w, r, c, codes, s.Site.URL(factorsPath))
	return nil
}

// few is what the page shows that warns of few recovery codes.
type few struct {
	Codes int64
	Next  string
}

func (s *Service) showFew(w http.ResponseWriter, r *http.Request) error {
	c, err := s.insider(r)
	if err != nil {
		return err
	}
	next := r.URL.Query().Get("next")
	if next == "" || !web.Local(next) {
		next = s.Site.URL(youPath)
	}
	s.Site.Show(w, r, web.Page{Name: "factor-few", Account: c.Person.Account, Data: few{c.factors.Codes, next}})
	return nil
}

// removeFactor takes a factor away, unless it is the last where one is required.
// Other sessions end.
func (s *Service) removeFactor(w http.ResponseWriter, r *http.Request) error {
	c, err := s.changer(r)
	if err != nil {
		return err
	}
	id, p := r.PostFormValue("factor"), c.Person
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		var n int64
		var err error
		if id == factorTOTP {
			n, err = tx.Exec(`DELETE FROM totp_factors WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
		} else {
			n, err = tx.Exec(`DELETE FROM passkeys WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id = $4`, p.Account, p.Namespace, p.Name, id)
		}
		if err != nil || n == 0 { // gone already
			return err
		}
		f, err := s.factorsOf(tx, p)
		if err != nil {
			return err
		}
		if !f.any() {
			if c.required {
				return &refusal{status: http.StatusConflict, account: p.Account, message: web.Message{Title: "last.title", Text: "last.text", Action: "to.back", Target: factorsPath}}
			}
			if _, err := tx.Exec(`DELETE FROM recovery_codes WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name); err != nil {
				return err
			}
		}
		if err := s.EndSessions(tx, p.Account, p.Namespace, p.Name, c.hash); err != nil {
			return err
		}
		kind := factorPasskey
		if id == factorTOTP {
			kind = factorTOTP
		}
		return s.leave(tx, r, "DeleteMfaDeviceForUser", p, Event{Outcome: "Success", Details: map[string]string{"MfaType": mfaType(kind)}})
	})
	if err != nil {
		return err
	}
	s.Site.Go(w, r, factorsPath, "done", "removed")
	return nil
}

// namePasskey gives a passkey another name.
func (s *Service) namePasskey(w http.ResponseWriter, r *http.Request) error {
	c, err := s.changer(r)
	if err != nil {
		return err
	}
	name, problem := nameOf(r)
	if problem != nil {
		return &refusal{status: http.StatusUnprocessableEntity, account: c.Person.Account, message: web.Message{
			Title: "passkey.name-title", Text: problem.Key, Args: problem.Args, Action: "to.back", Target: factorsPath,
		}}
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		n, err := tx.Exec(`UPDATE passkeys SET name = $5 WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id = $4`,
			c.Person.Account, c.Person.Namespace, c.Person.Name, r.PostFormValue("factor"), name)
		if err != nil || n == 0 {
			return err
		}
		return s.leave(tx, r, "UpdateMfaDeviceForUser", c.Person, Event{Outcome: "Success"})
	})
	if err != nil {
		return err
	}
	s.Site.Go(w, r, factorsPath, "done", "named")
	return nil
}
