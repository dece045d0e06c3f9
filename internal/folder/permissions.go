package folder

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// grant is an entry of a permission list.
type grant struct {
	ARN       string `db:"arn"`
	Principal string `db:"principal"`
	Actions   string `db:"actions"`
}

func (g grant) list() (actions []string, err error) {
	if err := json.Unmarshal([]byte(g.Actions), &actions); err != nil {
		return nil, fmt.Errorf("permissions of %s: %w", g.ARN, err)
	}
	return actions, nil
}

// resolved gives who may do what with a folder by its own list and by those of
// the folders above it: by principal, the actions of each sorted.
func resolved(tx *store.Tx, folderARN string) ([]qs.ResourcePermission, error) {
	rows, err := store.All[grant](tx, `SELECT p.arn, p.principal, p.actions FROM `+above(`SELECT arn FROM folder_tree WHERE arn = $1`)+`
		JOIN resource_permissions p ON p.arn = up.arn ORDER BY p.principal, p.arn`, folderARN)
	if err != nil {
		return nil, err
	}
	list := []qs.ResourcePermission{}
	for _, r := range rows {
		actions, err := r.list()
		if err != nil {
			return nil, err
		}
		if n := len(list); n > 0 && list[n-1].Principal == r.Principal {
			list[n-1].Actions = union(list[n-1].Actions, actions)
			continue
		}
		list = append(list, qs.ResourcePermission{Principal: r.Principal, Actions: actions})
	}
	return list, nil
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

// inNamespace leaves of a list those of a namespace, where one is named.
func inNamespace(list []qs.ResourcePermission, namespace *string) []qs.ResourcePermission {
	if namespace == nil {
		return list
	}
	return slices.DeleteFunc(list, func(e qs.ResourcePermission) bool {
		a, err := arn.Parse(e.Principal)
		if err != nil {
			return true
		}
		_, name := a.Split()
		of, _, _ := strings.Cut(name, "/")
		return of != *namespace
	})
}

// permissionPage reads the part of a list that a page begins after, and makes
// the token of the next page.
type permissionPage struct {
	tokens *page.Tokens
	scope  string
	after  string
	limit  int
}

func (s *Service) permissionPage(operation, folderARN string, namespace, token *string, maxResults *int32) (permissionPage, error) {
	scope := []string{operation, folderARN}
	if namespace != nil {
		scope = append(scope, *namespace)
	}
	p := permissionPage{tokens: s.tokens, scope: page.Scope(scope...)}
	var err error
	p.after, p.limit, err = s.start(p.scope, token, maxResults, pageSize)
	return p, err
}

func (p permissionPage) cut(list []qs.ResourcePermission) (part []qs.ResourcePermission, next *string) {
	i, _ := slices.BinarySearchFunc(list, p.after, func(e qs.ResourcePermission, after string) int { return strings.Compare(e.Principal, after) })
	if i < len(list) && list[i].Principal == p.after {
		i++
	}
	if part = list[i:]; len(part) > p.limit {
		part = part[:p.limit]
		next = new(p.tokens.Next(p.scope, part[p.limit-1].Principal))
	}
	return part, next
}
