package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// Policies is what identity asks of whoever keeps IAM's policies.
type Policies interface {
	// Exists says whether an account can use the managed policy of an ARN: one
	// of its own, or one of AWS.
	Exists(tx *store.Tx, account, policyARN string) (bool, error)
}

// assignment is a row of the table iam_policy_assignments.
type assignment struct {
	Account   string  `db:"account"`
	Name      string  `db:"name"`
	Namespace string  `db:"namespace"`
	ID        string  `db:"id"`
	Status    string  `db:"status"`
	PolicyARN *string `db:"policy_arn"`
	CreatedUS int64   `db:"created_us"`
	UpdatedUS int64   `db:"updated_us"`
}

const assignmentColumns = `account, name, namespace, id, status, policy_arn, created_us, updated_us`

// assignee is a row of the table iam_policy_assignees.
type assignee struct {
	Account    string `db:"account"`
	Assignment string `db:"assignment"`
	Kind       string `db:"kind"` // user or group
	Name       string `db:"name"`
	Namespace  string `db:"namespace"`
	Place      int64  `db:"place"`
}

// onAssignment is the target of an operation on one assignment, or on all with
// a wildcard. Assignments have no region in their ARNs.
func onAssignment(ctx context.Context, account, name string) policy.Target {
	a := arn.ARN{Partition: arn.Partition(api.Region(ctx)), Service: "quicksight", Account: account, Resource: "assignment/" + name}
	return policy.Target{Resource: a.String()}
}

// findAssignment reads an assignment; ResourceNotFoundException when the
// namespace has none of the name.
func findAssignment(tx *store.Tx, account, namespace, name string) (assignment, error) {
	a, err := store.One[assignment](tx, `SELECT `+assignmentColumns+` FROM iam_policy_assignments WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name)
	if errors.Is(err, store.ErrNotFound) {
		return a, fault.NotFound(fault.IAMPolicyAssignment, "AWS account id: %s, Namespace: %s, Assignment name: %s. ", account, namespace, name)
	}
	return a, err
}

// mustHavePolicy refuses the ARN of a policy that the account cannot use.
func (s *Service) mustHavePolicy(tx *store.Tx, account string, policyARN *string) error {
	if policyARN == nil {
		return nil
	}
	p, err := arn.Parse(*policyARN)
	if err != nil || p.Service != "iam" || p.Region != "" || !strings.HasPrefix(p.Resource, "policy/") || p.Account != account && p.Account != "aws" {
		return fault.Invalid("PolicyArn %s isn't valid: it must be the ARN of a managed policy of account %s or of AWS.", *policyARN, account)
	}
	ok, err := s.policies.Exists(tx, account, *policyARN)
	if err == nil && !ok {
		return fault.NotFound("", "AWS account id: %s, Policy: %s. ", account, *policyARN)
	}
	return err
}

// checkIdentities refuses kinds of identities that there are not. It looks at
// the request alone.
func checkIdentities(account, namespace string, identities map[string][]string) error {
	for _, kind := range slices.Sorted(maps.Keys(identities)) {
		if kind != "user" && kind != "group" {
			return fault.Invalid("Identities has the key %q: its keys are user and group. %s", kind, tail(account, namespace))
		}
	}
	return nil
}

// assignTo gives an assignment to users and groups, who must be there, in the
// place of those who had it.
func assignTo(tx *store.Tx, a assignment, identities map[string][]string) error {
	if _, err := tx.Exec(`DELETE FROM iam_policy_assignees WHERE account = $1 AND assignment = $2`, a.Account, a.Name); err != nil {
		return err
	}
	for _, kind := range slices.Sorted(maps.Keys(identities)) {
		seen := map[string]bool{}
		for i, name := range identities[kind] {
			if seen[name] {
				continue
			}
			seen[name] = true
			var err error
			if kind == "user" {
				_, err = find(tx, a.Account, a.Namespace, name)
			} else {
				_, err = findGroup(tx, a.Account, a.Namespace, name)
			}
			if err != nil {
				return err
			}
			row := assignee{Account: a.Account, Assignment: a.Name, Kind: kind, Name: name, Namespace: a.Namespace, Place: int64(i)}
			if err := store.Insert(tx, "iam_policy_assignees", row); err != nil {
				return fmt.Errorf("insert assignee: %w", err)
			}
		}
	}
	return nil
}

// identities reads whom an assignment is for, as it was given; nil for nobody.
func identities(tx *store.Tx, a assignment) (map[string][]string, error) {
	rows, err := store.All[assignee](tx, assignees, a.Account, a.Name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	all := map[string][]string{}
	for _, r := range rows {
		all[r.Kind] = append(all[r.Kind], r.Name)
	}
	return all, nil
}

const assignees = `SELECT account, assignment, kind, name, namespace, place FROM iam_policy_assignees
	WHERE account = $1 AND assignment = $2 ORDER BY kind, place`

// assignmentsOfUser are the enabled assignments of a user and its groups. Where
// there are no statistics yet, CROSS JOIN has SQLite begin with the memberships.
const assignmentsOfUser = `SELECT ` + assignmentColumns + ` FROM iam_policy_assignments
	WHERE account = $1 AND namespace = $2 AND name > $4 AND status = 'ENABLED' AND name IN (
		SELECT assignment FROM iam_policy_assignees WHERE account = $1 AND namespace = $2 AND kind = 'user' AND name = $3
		UNION
		SELECT a.assignment FROM group_members m CROSS JOIN iam_policy_assignees a
		WHERE m.account = $1 AND m.namespace = $2 AND m.user_name = $3
			AND a.account = $1 AND a.namespace = $2 AND a.kind = 'group' AND a.name = m.group_name)
	ORDER BY name LIMIT $5`

// EffectivePolicies gives the ARNs of the IAM policies that a user has by
// enabled assignments, its own and those of its groups, each once and sorted.
// A policy that IAM no longer has is none.
func (s *Service) EffectivePolicies(tx *store.Tx, account, namespace, user string) ([]string, error) {
	const all = 1 << 62
	assignments, err := store.All[assignment](tx, assignmentsOfUser, account, namespace, user, "", all)
	if err != nil {
		return nil, err
	}
	var policies []string
	for _, a := range assignments {
		if a.PolicyARN != nil {
			policies = append(policies, *a.PolicyARN)
		}
	}
	slices.Sort(policies)
	var there []string
	for _, policyARN := range slices.Compact(policies) {
		ok, err := s.policies.Exists(tx, account, policyARN)
		if err != nil {
			return nil, err
		}
		if ok {
			there = append(there, policyARN)
		}
	}
	return there, nil
}
