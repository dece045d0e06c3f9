package governance

import (
	"slices"
	"time"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

const (
	// maxPolicies is how many approval policies an account may have.
	maxPolicies = 100
	// maxGroups is how many groups each list of a policy may name.
	maxGroups = 100
)

// approval is the document of an approval policy.
type approval struct {
	Description *string             `json:"description,omitempty"`
	Actions     []qs.GovernedAction `json:"actions"`
	Assets      []qs.AssetType      `json:"assets"`
	// Scope says what For lists: GROUP.
	Scope qs.ApplicableToType `json:"scope"`
	// For are the groups whose members need an approval, By those whose members
	// give it. Groups that are deleted leave both.
	For []string `json:"for"`
	By  []string `json:"by"`
}

// approvals is the kind of resource. A policy has no status.
var approvals = resource.Kind[approval]{Name: "approval-policy", Label: "Approval policy"}

// check refuses what no policy of an account may hold. The groups that are new
// must be there; those it had before are.
func (s *Service) check(tx *store.Tx, account string, next approval, before []string) error {
	if repeats(next.Actions) || repeats(next.Assets) {
		return fault.Invalid("Actions and AssetTypes may name each value once.")
	}
	for member, groups := range map[string][]string{"ApplicableTo.GroupArns": next.For, "ApprovalGroups": next.By} {
		if len(groups) > maxGroups {
			return fault.Invalid("%s may name at most %d groups.", member, maxGroups)
		}
		if repeats(groups) {
			return fault.Invalid("%s may name each group once.", member)
		}
		for _, g := range groups {
			if slices.Contains(before, g) {
				continue
			}
			a, err := arn.Parse(g)
			if kind, _ := a.Split(); err != nil || !a.IsQuickSight() || kind != toGroup {
				return fault.Invalid("%s isn't valid: %s is not the ARN of a group.", member, g)
			}
			if a.Account != account {
				return fault.Invalid("%s isn't valid: group %s is not of account %s.", member, g, account)
			}
			if err := s.mustBeThere(tx, a); err != nil {
				return err
			}
		}
	}
	return nil
}

// groupsOf are the groups that a policy applies to, as a request gives them.
func groupsOf(a *qs.ApplicableTo) ([]string, error) {
	if len(a.GroupArns) == 0 {
		return nil, fault.Invalid("ApplicableTo.GroupArns must name at least one group.")
	}
	return a.GroupArns, nil
}

func repeats[T comparable](list []T) bool {
	seen := make(map[T]bool, len(list))
	for _, v := range list {
		if seen[v] {
			return true
		}
		seen[v] = true
	}
	return false
}

// forgetGroup takes a group that is gone out of the policies that name it.
func forgetGroup(tx *store.Tx, group arn.ARN, now time.Time) error {
	all, err := approvals.List(tx, group.Account, group.Region, resource.Filter{}, "", maxPolicies)
	if err != nil {
		return err
	}
	name := group.String()
	for _, it := range all {
		if !slices.Contains(it.Doc.For, name) && !slices.Contains(it.Doc.By, name) {
			continue
		}
		_, err := approvals.Update(tx, it.Key, now, func(it *resource.Item[approval]) error {
			gone := func(g string) bool { return g == name }
			it.Doc.For, it.Doc.By = slices.DeleteFunc(it.Doc.For, gone), slices.DeleteFunc(it.Doc.By, gone)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func shownPolicy(it *resource.Item[approval]) *qs.ApprovalPolicy {
	return &qs.ApprovalPolicy{
		PolicyArn: it.ARN, PolicyId: it.ID, Name: it.Name, Description: it.Doc.Description, CreatedAt: &it.Created, UpdatedAt: &it.Updated,
		Actions: it.Doc.Actions, AssetTypes: it.Doc.Assets, ApprovalGroups: it.Doc.By,
		ApplicableTo: &qs.ApplicableTo{Type: it.Doc.Scope, GroupArns: it.Doc.For},
	}
}
