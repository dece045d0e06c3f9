package embed

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/store"
	"onsight/internal/web"
)

// The addresses of pages, which the embedding SDK knows: what is embedded, and
// the frame without a size by which the SDK talks to it.
const (
	root        = "/embedding/"
	controlRoot = "/embed/"
)

// IsPage tells whether a path is that of a page of this package.
func IsPage(path string) bool {
	return strings.HasPrefix(path, root) || strings.HasPrefix(path, controlRoot)
}

const (
	cookieName = "onsight-embed"
	// tokenHeader has the session's token where a page's script asks: browsers
	// that refuse the cookies of frames let scripts send headers.
	tokenHeader = "Onsight-Embed-Session" //nolint:gosec // the name of a header
)

// Handler answers the addresses of IsPage.
func (s *Service) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + root + "{id}/me":                  s.me,
		"GET " + root + "{id}/{path...}":           s.show,
		"GET " + controlRoot + "{id}/embedControl": s.control,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			r = inLocale(r)
			err := handle(w, r)
			no, ok := errors.AsType[*refusal](err)
			switch {
			case ok:
				s.refuse(w, r, no)
			case err != nil:
				s.Site.Fail(w, r, err)
			}
		})
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.Site.Show(w, r, web.Page{Name: "message", Status: http.StatusNotFound, Frame: true, Data: web.Message{Title: "absent.title", Text: "absent.text"}})
	})
	return s.Site.Handler(mux)
}

// inLocale puts the language that the SDK asks for into the request, where it is
// one that we have.
func inLocale(r *http.Request) *http.Request {
	q := r.URL.Query()
	lang, _, _ := strings.Cut(strings.ToLower(q.Get("locale")), "-")
	if q.Has("lang") || !slices.Contains(web.Languages, lang) {
		return r
	}
	again := r.Clone(r.Context())
	q.Set("lang", lang)
	again.URL.RawQuery = q.Encode()
	return again
}

// A reason says why someone is refused: to the reader in the texts of the
// catalogue (frame.<reason>.title and .text), to the host in the event.
type reason struct {
	name   string // as the event has it
	text   string // in the catalogue
	status int
	// code is the error code of the SDK's event: Forbidden for what is wrong with
	// the URL, Unauthorized for a session that is over.
	code string
}

var (
	unknown    = reason{"URL_UNKNOWN", "unknown", http.StatusNotFound, "Forbidden"}
	invalid    = reason{"CODE_INVALID", "unknown", http.StatusForbidden, "Forbidden"}
	used       = reason{"CODE_USED", "used", http.StatusForbidden, "Forbidden"}
	expired    = reason{"CODE_EXPIRED", "expired", http.StatusForbidden, "Forbidden"}
	foreign    = reason{"DOMAIN_NOT_ALLOWED", "foreign", http.StatusForbidden, "Forbidden"}
	notAddress = reason{"ADDRESS_NOT_ALLOWED", "address", http.StatusForbidden, "Forbidden"}
	gone       = reason{"USER_GONE", "gone", http.StatusForbidden, "Forbidden"}
	over       = reason{"SESSION_ENDED", "over", http.StatusUnauthorized, "Unauthorized"}
)

// A refusal is an error that the reader is told in the frame.
type refusal struct {
	reason
	args      []any
	account   string   // whose brand the page has; empty for none
	ancestors []Domain // who may show the page
	origin    string   // who is told; empty for nobody
	event     *Event   // to leave; nil for none
}

func (r *refusal) Error() string { return "embed: refused: " + r.name }

// refusedPage is what the page of a refusal shows.
type refusedPage struct {
	Title, Text          string
	Args                 []any
	Origin, Code, Reason string
}

func (s *Service) refuse(w http.ResponseWriter, r *http.Request, no *refusal) {
	if no.event != nil {
		no.event.Error = no.name
		err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			s.Trail.Left(tx, *no.event)
			return nil
		})
		if err != nil {
			s.Site.Fail(w, r, err)
			return
		}
	}
	s.Site.Show(w, r, web.Page{
		Name: "frame-refused", Status: no.status, Account: no.account, Frame: true, Ancestors: sources(no.ancestors),
		Data: refusedPage{Title: "frame." + no.text + ".title", Text: "frame." + no.text + ".text", Args: no.args, Origin: no.origin, Code: no.code, Reason: no.name},
	})
}

func sources(domains []Domain) []string {
	all := make([]string, len(domains))
	for i, d := range domains {
		all[i] = string(d)
	}
	return all
}

// A visit is a request for an entry, with what is known of it.
type visit struct {
	entry   entry
	domains []Domain
	region  string
	// claimed is the origin that the request says has the frame; empty where it
	// says none, or there is no frame. Browsers hold sites to domains, whatever
	// is claimed.
	claimed string
	// origin is claimed where it is allowed: who is told events.
	origin string
}

// visited finds the entry of a request.
func (s *Service) visited(r *http.Request) (*visit, error) {
	v := &visit{claimed: claimed(r)}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if v.entry, err = find(tx, r.PathValue("id")); err != nil {
			return err
		}
		if v.domains, err = domainsOf(tx, &v.entry); err != nil {
			return err
		}
		v.region, err = s.Accounts.IdentityRegion(tx, v.entry.Account)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, &refusal{reason: unknown}
	}
	if err != nil {
		return nil, err
	}
	if among(v.domains, v.claimed) {
		v.origin = v.claimed
	}
	return v, nil
}

// claimed is the origin that has the frame of a request, as the SDK writes it
// into the URL (Punycode of ASCII is the text with a hyphen behind), else as the
// browser tells of the page that asks.
func claimed(r *http.Request) string {
	if text := r.URL.Query().Get("punyCodeEmbedOrigin"); text != "" {
		return originOf(strings.TrimSuffix(text, "-"))
	}
	if r.Header.Get("Sec-Fetch-Dest") != "iframe" || r.Header.Get("Sec-Fetch-Site") == "same-origin" {
		return ""
	}
	return originOf(r.Referer())
}

func (v *visit) refused(why reason, args ...any) *refusal {
	return &refusal{reason: why, args: args, account: v.entry.Account, ancestors: v.domains, origin: v.origin}
}

// event is that of what happens with the entry.
func (s *Service) event(r *http.Request, v *visit) *Event {
	e := &Event{Account: v.entry.Account, Region: v.region, Origin: api.OriginOf(r, s.TrustedProxies), Details: map[string]string{"Embedding": v.entry.ID}}
	if v.entry.UserName != "" {
		e.User = User{Account: v.entry.Account, Namespace: v.entry.Namespace, Name: v.entry.UserName}
		e.ARN = arn.QuickSight(v.region, v.entry.Account, "user/"+v.entry.Namespace+"/"+v.entry.UserName)
	}
	if v.claimed != "" {
		e.Details["Domain"] = v.claimed
	}
	return e
}

// show answers for what is embedded: it redeems the code of a URL, or goes on
// with the session of the frame's cookie.
func (s *Service) show(w http.ResponseWriter, r *http.Request) error {
	code := r.URL.Query().Get("code")
	if code != "" {
		// What looks ahead must not use the code up.
		if r.Method != http.MethodGet {
			w.Header().Set("Allow", http.MethodGet)
			w.WriteHeader(http.StatusMethodNotAllowed)
			return nil
		}
		if strings.Contains(r.Header.Get("Sec-Purpose"), "prefetch") {
			w.WriteHeader(http.StatusServiceUnavailable)
			return nil
		}
	}
	v, err := s.visited(r)
	if err != nil {
		return err
	}
	if v.claimed != "" && v.origin == "" {
		// The site learns why, and nothing else: no brand, and no event.
		no := &refusal{reason: foreign, args: []any{v.claimed}, ancestors: []Domain{Domain(v.claimed)}}
		if subtle.ConstantTimeCompare(readCode(code), v.entry.CodeHash) == 1 {
			no.event = s.event(r, v)
		}
		return no
	}
	if code == "" {
		c, err := r.Cookie(s.cookie())
		if err != nil {
			return v.refused(over)
		}
		session, user, err := s.session(r, v, c.Value)
		if err != nil {
			return err
		}
		s.welcome(w, r, v, session, user, c.Value)
		return nil
	}
	session, user, token, err := s.redeem(r, v, code)
	if err != nil {
		return err
	}
	http.SetCookie(w, &http.Cookie{ //nolint:gosec // of frames on other sites: None, and partitioned
		Name: s.cookie(), Value: token, Path: s.Site.URL(root + v.entry.ID), MaxAge: int(v.entry.life() / time.Second),
		Secure: true, HttpOnly: true, SameSite: http.SameSiteNoneMode, Partitioned: true,
	})
	s.welcome(w, r, v, session, user, token)
	return nil
}

func (s *Service) cookie() string { return "__Secure-" + cookieName }

// redeem uses up the code of an entry, and begins the session.
func (s *Service) redeem(r *http.Request, v *visit, code string) (session Session, user User, token string, err error) {
	hash := readCode(code)
	if subtle.ConstantTimeCompare(hash, v.entry.CodeHash) != 1 {
		return session, user, "", &refusal{reason: invalid, ancestors: v.domains, origin: v.origin}
	}
	left := s.event(r, v)
	err = s.addressAllowed(r, v)
	if err == nil {
		err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
			ok, err := s.take(tx, v.entry.ID, hash)
			if err != nil {
				return err
			}
			if !ok {
				if !s.Now().Before(store.Time(v.entry.CodeExpiresUS)) {
					return v.refused(expired)
				}
				return v.refused(used)
			}
			now, err := find(tx, v.entry.ID) // the user may have gone since
			if err != nil {
				return err
			}
			if user, err = s.user(tx, v, now.UserName); err != nil {
				return err
			}
			e := now
			if token, session.ID, err = s.Sessions.Begin(tx, r, e.Account, e.Namespace, e.UserName, e.life()); err != nil {
				return err
			}
			session.Ends = s.Now().Add(e.life())
			if err := s.taken(tx, &e, session.ID); err != nil {
				return err
			}
			event := *left
			event.User = user
			s.Trail.Left(tx, event)
			return nil
		})
	}
	if no, ok := errors.AsType[*refusal](err); ok {
		no.event = left
	}
	return session, user, token, err
}

// user finds who an entry is for, as long as they are there and in use.
func (s *Service) user(tx *store.Tx, v *visit, name string) (User, error) {
	if name == "" {
		return User{}, v.refused(gone)
	}
	u, err := s.People.User(tx, v.entry.Account, v.entry.Namespace, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && u.Deactivated {
		return User{}, v.refused(gone)
	}
	return u, err
}

// session goes on with the session of a token, if it is that of the entry.
func (s *Service) session(r *http.Request, v *visit, token string) (session Session, user User, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		e, err := find(tx, v.entry.ID)
		if err != nil {
			return err
		}
		if session, err = s.Sessions.Of(tx, token); errors.Is(err, store.ErrNotFound) || err == nil && (e.SessionID == nil || *e.SessionID != session.ID) {
			return v.refused(over)
		}
		if err != nil {
			return err
		}
		user, err = s.user(tx, v, session.Name)
		if no, ok := errors.AsType[*refusal](err); ok {
			no.reason = over
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = &refusal{reason: unknown}
	}
	if err == nil {
		err = s.addressAllowed(r, v)
	}
	return session, user, err
}

func (s *Service) addressAllowed(r *http.Request, v *visit) error {
	if s.AddressAllowed == nil {
		return nil
	}
	text := api.OriginOf(r, s.TrustedProxies).Address
	address, _ := netip.ParseAddr(text) // the zero address is in no range
	ok, err := s.AddressAllowed(r.Context(), v.entry.Account, address.WithZone(""))
	if err == nil && !ok {
		err = v.refused(notAddress, text)
	}
	return err
}

// framePage is what the page in a frame shows.
type framePage struct {
	User                         User
	Ends                         time.Time
	Origin, Token, Me, At, Where string
}

// EndsMilli is when the session ends, as scripts count.
func (p framePage) EndsMilli() int64 { return p.Ends.UnixMilli() }

// welcome shows the start page of who is signed in.
func (s *Service) welcome(w http.ResponseWriter, r *http.Request, v *visit, session Session, user User, token string) {
	at := root + v.entry.ID
	s.Site.Show(w, r, web.Page{
		Name: "frame", Account: v.entry.Account, Frame: true, Ancestors: sources(v.domains),
		Data: framePage{
			User: user, Ends: session.Ends, Origin: v.origin, Token: token,
			Me: at + "/me", At: at + "/" + r.PathValue("path"), Where: strings.ToUpper(r.PathValue("path")),
		},
	})
}

// me tells a page's script who is signed in, and with what features, as JSON;
// 401 once nobody is. It takes the token by header alone, so that no other site
// can ask for it.
func (s *Service) me(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visited(r)
	var session Session
	var user User
	if err == nil {
		session, user, err = s.session(r, v, r.Header.Get(tokenHeader))
	}
	if no, ok := errors.AsType[*refusal](err); ok {
		return answer(w, http.StatusUnauthorized, map[string]string{"Reason": no.name})
	}
	if err != nil {
		return err
	}
	features := json.RawMessage(v.entry.Features)
	return answer(w, http.StatusOK, map[string]any{
		"AwsAccountId": user.Account, "Namespace": user.Namespace, "UserName": user.Name, "Role": user.Role,
		"Arn":                   arn.QuickSight(v.region, user.Account, "user/"+user.Namespace+"/"+user.Name),
		"SessionExpirationTime": session.Ends.UTC().Format(time.RFC3339), "FeatureConfigurations": features,
	})
}

func answer(w http.ResponseWriter, status int, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // a reader that has gone away is not our error
	return nil
}

// control shows the frame without a size by which the embedding SDK sends what
// its host asks of the frames that it has. Nobody is signed in there.
func (s *Service) control(w http.ResponseWriter, r *http.Request) error {
	v, err := s.visited(r)
	if err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{
		Name: "frame-control", Frame: true, Ancestors: sources(v.domains), Data: v.origin,
	})
	return nil
}
