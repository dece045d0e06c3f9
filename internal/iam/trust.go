package iam

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/arn"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// A trust policy names users and roles by their ARNs when it comes, and when it
// is shown. It is kept with their ids: one that is renamed is still trusted,
// and one that is made anew under the name of one that was deleted is not. The
// id of one that is gone is shown as it is.

// trustPolicy checks a trust policy and gives it as it is kept.
func (s *Service) trustPolicy(tx *store.Tx, document string) (string, error) {
	if _, err := policy.Parse(policy.Trust, document); err != nil {
		if syntax, ok := errors.AsType[*policy.SyntaxError](err); ok {
			return "", malformedPolicy("%s", syntax)
		}
		return "", err
	}
	if policy.Size(document) > s.quotas.TrustPolicy {
		return "", limitExceeded("ACLSizePerRole: %d", s.quotas.TrustPolicy)
	}
	return mapPrincipals(document, func(name string) (string, error) {
		id, err := principalID(tx, name)
		if errors.Is(err, store.ErrNotFound) {
			return "", malformedPolicy(`Invalid principal in policy: "AWS":"%s"`, name)
		}
		return id, err
	})
}

// principalID gives what stands for a principal where it is kept: the id of a
// user or role of any account of the server, or what was given.
// store.ErrNotFound is for a user or role that is not there.
func principalID(tx *store.Tx, name string) (string, error) {
	table := ""
	switch {
	case strings.HasPrefix(name, userPrefix):
		table = "iam_users"
	case strings.HasPrefix(name, rolePrefix):
		table = "iam_roles"
	}
	if table != "" {
		id, _, _ := strings.Cut(name, ":") // a session's name may follow
		_, err := store.One[string](tx, `SELECT id FROM `+table+` WHERE id = $1`, id)
		return name, err
	}
	a, err := arn.Parse(name)
	if err != nil || a.Service != "iam" { // *, an account, a session
		return name, nil //nolint:nilerr // the policy's grammar has accepted it
	}
	kind, rest := a.Split()
	key := nameKey(lastSegment(rest))
	switch kind {
	case "user":
		u, err := store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key = $2`, a.Account, key)
		return u.ID, there(err, u.arn() == name)
	case "role":
		r, err := store.One[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key = $2`, a.Account, key)
		return r.ID, there(err, r.arn() == name)
	default: // the account's root
		return name, nil
	}
}

// there makes an entity of the right name with another path one that is not there.
func there(err error, same bool) error {
	if err == nil && !same {
		return store.ErrNotFound
	}
	return err
}

// shownTrust gives trust policies that are kept as they are shown.
func shownTrust(tx *store.Tx, kept ...string) ([]string, error) {
	arns := map[string]string{}
	collect := func(name string) (string, error) {
		if id, _, session := strings.Cut(name, ":"); !session && (strings.HasPrefix(id, userPrefix) || strings.HasPrefix(id, rolePrefix)) {
			arns[id] = id
		}
		return name, nil
	}
	for _, document := range kept {
		if _, err := mapPrincipals(document, collect); err != nil {
			return nil, err
		}
	}
	if len(arns) > 0 {
		if err := nameAll(tx, arns); err != nil {
			return nil, err
		}
	}
	shown := make([]string, len(kept))
	for i, document := range kept {
		var err error
		shown[i], err = mapPrincipals(document, func(name string) (string, error) {
			if now, ok := arns[name]; ok {
				return now, nil
			}
			return name, nil
		})
		if err != nil {
			return nil, err
		}
	}
	return shown, nil
}

// nameAll puts their ARNs to the ids of users and roles that are there.
func nameAll(tx *store.Tx, arns map[string]string) error {
	for id := range arns {
		var err error
		if strings.HasPrefix(id, userPrefix) {
			var u user
			if u, err = store.One[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE id = $1`, id); err == nil {
				arns[id] = u.arn()
			}
		} else {
			var r role
			if r, err = store.One[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE id = $1`, id); err == nil {
				arns[id] = r.arn()
			}
		}
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
	}
	return nil
}

// mapPrincipals gives a policy with f of each name in place of the AWS
// principals in it, and every other byte as it was.
func mapPrincipals(document string, f func(name string) (string, error)) (string, error) {
	dec := jsontext.NewDecoder(strings.NewReader(document))
	var out strings.Builder
	copied := 0
	for {
		if dec.PeekKind() != '"' {
			if _, err := dec.ReadToken(); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				return "", fmt.Errorf("read a trust policy: %w", err)
			}
			continue
		}
		raw, err := dec.ReadValue()
		if err != nil {
			return "", fmt.Errorf("read a trust policy: %w", err)
		}
		if !atPrincipal(dec) {
			continue
		}
		text, err := jsontext.AppendUnquote(nil, raw)
		if err != nil {
			return "", fmt.Errorf("read a trust policy: %w", err)
		}
		name, err := f(string(text))
		if err != nil {
			return "", err
		}
		if name == string(text) {
			continue
		}
		end := int(dec.InputOffset())
		out.WriteString(document[copied : end-len(raw)])
		quoted, err := jsontext.AppendQuote(nil, name)
		if err != nil {
			return "", fmt.Errorf("write a trust policy: %w", err)
		}
		out.Write(quoted)
		copied = end
	}
	out.WriteString(document[copied:])
	return out.String(), nil
}

// atPrincipal says whether the string that dec has just read is a value in
// Statement, Principal, AWS.
func atPrincipal(dec *jsontext.Decoder) bool {
	if kind, n := dec.StackIndex(dec.StackDepth()); kind == '{' && n%2 == 1 {
		return false // a name
	}
	path := strings.Split(string(dec.StackPointer()), "/")
	if len(path) < 4 || path[1] != "Statement" {
		return false
	}
	i := 2
	if isIndex(path[i]) {
		i++
	}
	rest := path[i:]
	return len(rest) >= 2 && rest[0] == "Principal" && rest[1] == "AWS" && (len(rest) == 2 || len(rest) == 3 && isIndex(rest[2]))
}

func isIndex(s string) bool { return s != "" && strings.Trim(s, "0123456789") == "" }
