package iam

import (
	"fmt"
	"net/http"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// A holderKind is a kind of entities that have policies.
type holderKind struct {
	// name is the kind as messages and sources of policies have it.
	name string
	// quota is the name of the quota of attached policies.
	quota string
	// inline is how many characters the inline policies of one may have
	// together, white space not counted.
	inline int
}

var (
	ofUser  = holderKind{"user", "PoliciesPerUser", policy.MaxUserInline}
	ofGroup = holderKind{"group", "PoliciesPerGroup", policy.MaxGroupInline}
	ofRole  = holderKind{"role", "PoliciesPerRole", policy.MaxRoleInline}
)

// A holder is a user, group or role as what its policies are stored under.
type holder struct {
	kind     holderKind
	account  string
	name, id string
}

// holderOf reads the user, group or role of a name; NoSuchEntity where there is none.
func (s *Service) holderOf(tx *store.Tx, account string, kind holderKind, name string) (holder, error) {
	h := holder{kind: kind, account: account}
	switch kind {
	case ofUser:
		u, err := s.user(tx, account, name)
		h.name, h.id = u.Name, u.ID
		return h, err
	case ofGroup:
		g, err := s.group(tx, account, name)
		h.name, h.id = g.Name, g.ID
		return h, err
	default:
		r, err := s.role(tx, account, name)
		h.name, h.id = r.Name, r.ID
		return h, err
	}
}

// overLimit is a LimitExceeded in words of its own, which name no quota.
func overLimit(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrLimitExceeded, Status: http.StatusConflict, Message: fmt.Sprintf(format, args...)}
}
