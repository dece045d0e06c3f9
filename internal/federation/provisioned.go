package federation

import (
	"encoding/json"
	"errors"
	"net/http"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
	"onsight/internal/web"
)

// provisioned lets in somebody of an account whose people an identity centre
// provisions: as the user whom the claims are about, and as nobody else. Nobody
// new is made here, and there is no role to assume.
func (s *Service) provisioned(w http.ResponseWriter, r *http.Request, a Account, it *item, st state, c idtoken.Claims) error {
	if st.Namespace != "" && st.Namespace != a.DefaultNamespace {
		return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.namespace", "The centre's people are in the default namespace only", a.Name, st.Namespace)
	}
	claims := make(map[string]any, len(c.All))
	for name, raw := range c.All {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			return err // it was read before
		}
		claims[name] = v
	}
	return s.Entrance.Admit(w, r, Entry{
		Account: a.Account, Method: "oidc", Next: st.Next, Details: map[string]string{"Provider": it.ID},
		Who: func(tx *store.Tx) (Person, error) {
			found, err := s.Centre.Arrive(tx, a.Account, a.DefaultNamespace, claims)
			if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceExistsException" {
				err = s.refuse(r, a, it.ID, http.StatusConflict, "federation.taken", "A user of this name is somebody else", a.Name)
			}
			if err == nil && found.Why != Welcome {
				err = s.outside(r, a, it, found)
			}
			return found.Person, err
		},
	})
}

// outside is what somebody is told who comes from an identity centre and may
// not come in.
func (s *Service) outside(r *http.Request, a Account, it *item, found Arrival) error {
	ask := it.Doc.Contact
	if ask == "" {
		ask = web.Text(web.Language(r), "centre.administrator")
	}
	var text, reason string
	args := []any{a.Name, ask}
	switch found.Why {
	case Unnamed:
		text, reason, args = "federation.name", "The claim "+found.Claim+" does not prove who it is", []any{it.Name, found.Claim}
	case Several:
		text, reason = "centre.several", "Several users of the identity centre match the claim "+found.Claim
	case Inactive:
		text, reason = "centre.inactive", "The identity centre has the user inactive"
	case Deactivated:
		text, reason = "centre.deactivated", "An administrator has deactivated the user"
	case Roleless:
		text, reason = "centre.roleless", "The user is in no group that has a role"
	default:
		text, reason = "centre.unknown", "No user of the identity centre matches the claim "+found.Claim
	}
	no := s.refusal(a, it.ID, http.StatusForbidden, text, reason, args...)
	no.Person = found.Person
	if found.Provisioned != "" {
		no.Event.Details["ProvisionedUser"] = found.Provisioned
	}
	return s.Entrance.Refuse(r, no)
}
