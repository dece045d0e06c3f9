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

// permissionPage opens the token of a list of permissions.
func (s *Service) permissionPage(operation, folderARN string, namespace, token *string, maxResults *int32) (page.Page, error) {
	scope := []string{operation, folderARN}
	if namespace != nil {
		scope = append(scope, *namespace)
	}
	return s.tokens.Page(page.Scope(scope...), token, maxResults, page.Usual)
}

// partOf is the part of a list that a page has, and the token of the next page.
func partOf(p page.Page, list []qs.ResourcePermission) (part []qs.ResourcePermission, next *string) {
	i, found := slices.BinarySearchFunc(list, p.After(0), func(e qs.ResourcePermission, after string) int { return strings.Compare(e.Principal, after) })
	if found {
		i++
	}
	if part = list[i:]; page.Cut(p, &part) {
		next = p.Next(part[len(part)-1].Principal)
	}
	return part, next
}
