package app

import (
	"onsight/internal/access"
	"onsight/internal/arn"
	"onsight/internal/identity"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// profiles lets access ask for custom permissions without knowing identity.
type profiles struct{ people *identity.Service }

// OfPerson gives the profiles that bind an IAM principal.
func (p profiles) OfPerson(tx *store.Tx, account string, who access.Person) ([]access.Profile, error) {
	bindings, err := p.people.ProfilesOfCaller(tx, account, who.ID, who.ARN, who.Session)
	if err != nil || len(bindings) == 0 {
		return nil, err
	}
	region, err := p.people.Region(tx, account)
	all := make([]access.Profile, len(bindings))
	for i, b := range bindings {
		all[i] = profileOf(b, region)
	}
	return all, err
}

// OfUser gives those that bind a user.
func (p profiles) OfUser(tx *store.Tx, user arn.ARN) ([]access.Profile, error) {
	b, err := p.people.ProfileOfUser(tx, user)
	if err != nil || b == nil {
		return nil, err
	}
	return []access.Profile{profileOf(*b, user.Region)}, nil
}

// Sort gives the sort of a resource.
func (profiles) Sort(tx *store.Tx, resourceARN string) (string, error) {
	return resource.Sort(tx, resourceARN)
}

func profileOf(b identity.Binding, region string) access.Profile {
	return access.Profile{
		Name: b.Name, ARN: arn.QuickSight(region, b.Account, "custompermissions/"+b.Name), Level: b.Level(), Capabilities: b.Capabilities,
	}
}
