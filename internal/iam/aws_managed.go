package iam

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"onsight/internal/policy/catalog"
	"onsight/internal/store"
)

// awsAccount stands in ARNs for the account of the policies that AWS itself has.
const awsAccount = "aws"

// awsManaged are AWS's own managed policies, by their ARNs. An ARN in another
// partition is none of them: conditions on iam:PolicyARN would not know it.
var awsManaged = sync.OnceValue(func() map[string]catalog.Managed {
	byARN := map[string]catalog.Managed{}
	for _, m := range catalog.ManagedPolicies() {
		byARN[m.ARN("aws")] = m
	}
	return byARN
})

// managedByAWS gives the document of a managed policy of AWS.
func managedByAWS(policyARN string) (document string, ok bool) {
	m, ok := awsManaged()[policyARN]
	return m.Document, ok
}

// awsPolicy gives a managed policy of AWS, without its usage.
func awsPolicy(policyARN string) (managedPolicy, bool) {
	m, ok := awsManaged()[policyARN]
	if !ok {
		return managedPolicy{}, false
	}
	version, err := strconv.ParseInt(strings.TrimPrefix(m.Version, "v"), 10, 64)
	if err != nil {
		return managedPolicy{}, false
	}
	created := store.Micros(m.Created)
	return managedPolicy{
		Account: awsAccount, NameKey: nameKey(m.Name), Name: m.Name, Path: m.Path, ID: m.ID, ARN: policyARN, Description: &m.Description,
		DefaultVersion: version, NextVersion: version + 1, CreatedUS: created, UpdatedUS: created,
	}, true
}

// awsPolicies gives AWS's own managed policies by their ARNs, without usage.
var awsPolicies = sync.OnceValue(func() []managedPolicy {
	var list []managedPolicy
	for policyARN := range awsManaged() {
		if p, ok := awsPolicy(policyARN); ok {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b managedPolicy) int { return cmp.Compare(a.ARN, b.ARN) })
	return list
})
