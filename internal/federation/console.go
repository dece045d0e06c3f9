package federation

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// The shortest and the longest session that a program may ask for.
const (
	minDuration = 15 * time.Minute
	maxDuration = 12 * time.Hour
)

// console is the federation endpoint of the console, for programs that sign
// people in by themselves (IAM User Guide, "Enable custom identity broker
// access to the AWS console").
func (s *Service) console(w http.ResponseWriter, r *http.Request) error {
	switch r.FormValue("Action") {
	case "getSigninToken":
		return s.getSigninToken(w, r)
	case "login":
		return s.login(w, r)
	}
	return s.refuse(r, Account{}, "", http.StatusBadRequest, "federation.action", "")
}

// no answers a program.
func no(w http.ResponseWriter, status int, text string) error {
	writeJSON(w, status, map[string]string{"Message": text})
	return nil
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone away is not our error
}

// getSigninToken gives a token that lets a browser in as whom the credentials
// are for. It asks of them what a signed call would.
func (s *Service) getSigninToken(w http.ResponseWriter, r *http.Request) error {
	if kind := r.FormValue("SessionType"); kind != "" && kind != "json" {
		return no(w, http.StatusBadRequest, "SessionType must be json.")
	}
	var in struct {
		ID    string `json:"sessionId"`
		Key   string `json:"sessionKey"`
		Token string `json:"sessionToken"`
	}
	if err := json.Unmarshal([]byte(r.FormValue("Session")), &in); err != nil || in.ID == "" || in.Key == "" || in.Token == "" {
		return no(w, http.StatusBadRequest, "Session must be JSON with sessionId, sessionKey and sessionToken: the credentials that AssumeRole, AssumeRoleWithWebIdentity or GetFederationToken gave.")
	}
	seconds := int64(0)
	if text := r.FormValue("SessionDuration"); text != "" {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil || n < int64(minDuration/time.Second) || n > int64(maxDuration/time.Second) {
			return no(w, http.StatusBadRequest, "SessionDuration must be a number of seconds from 900 to 43200.")
		}
		seconds = n
	}
	h, err := s.Sessions.Present(r.Context(), in.ID, contract.Secret(in.Key), in.Token)
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return no(w, http.StatusForbidden, f.Message)
	}
	if err != nil {
		return err
	}
	switch {
	case h.Kind != "AssumedRole" && h.Kind != "FederatedUser":
		return no(w, http.StatusForbidden, "These credentials are neither of a role nor of a federated user: use those of AssumeRole, AssumeRoleWithWebIdentity or GetFederationToken.")
	case h.Kind == "FederatedUser" && seconds > 0:
		return no(w, http.StatusBadRequest, "SessionDuration is not for credentials of GetFederationToken: their own duration counts.")
	}
	t := ticket{AccessKeyID: in.ID, Token: in.Token, Account: h.Account, Method: "federation", Seconds: seconds, Expires: s.Now().Add(tokenLife).Unix()}
	if seconds == 0 {
		t.Seconds = max(1, int64(h.Expires.Sub(s.Now())/time.Second))
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		return s.Entrance.Leave(tx, r, h.Account, Event{Name: "GetSigninToken", ARN: h.Who.ARN, PrincipalID: h.UserID, Outcome: "Success"})
	})
	if errors.Is(err, store.ErrNotFound) {
		return no(w, http.StatusForbidden, "Account "+h.Account+" is not signed up with QuickSight.")
	}
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, map[string]string{"SigninToken": s.sealed(t, forToken)})
	return nil
}

// login lets a browser in with a token of getSigninToken.
func (s *Service) login(w http.ResponseWriter, r *http.Request) error {
	var t ticket
	text := r.FormValue("SigninToken")
	if err := s.open(text, forToken, &t); err != nil {
		return s.refuse(r, Account{}, "", http.StatusForbidden, "federation.over", "")
	}
	a, _, err := s.of(r, &t)
	if err != nil {
		return err
	}
	if s.Now().Unix() >= t.Expires {
		return s.refuse(r, a, "", http.StatusForbidden, "federation.over", "The SigninToken has expired")
	}
	t.Next = s.local(r.FormValue("Destination"))
	return s.arrive(w, r, a, nil, t, text, "")
}
