package identity

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/capability"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// profile is a row of the table custom_permissions: what its users may not do.
type profile struct {
	Account      string  `db:"account"`
	Name         string  `db:"name"`
	Capabilities *string `db:"capabilities"`
	Governance   *string `db:"governance"`
	CreatedUS    int64   `db:"created_us"`
	UpdatedUS    int64   `db:"updated_us"`
}

const profileColumns = `account, name, capabilities, governance, created_us, updated_us`

// onProfile is the target of operations on a profile, or on all with a wildcard.
func onProfile(ctx context.Context, account, name string) policy.Target {
	return policy.Target{Resource: profileARN(api.Region(ctx), account, name)}
}

func profileARN(region, account, name string) string {
	return arn.QuickSight(region, account, "custompermissions/"+name)
}

func findProfile(tx *store.Tx, account, name string) (profile, error) {
	p, err := store.One[profile](tx, `SELECT `+profileColumns+` FROM custom_permissions WHERE account = $1 AND name = $2`, account, name)
	if errors.Is(err, store.ErrNotFound) {
		return p, fault.NotFound("", "AWS account id: %s, Custom permissions name: %s. ", account, name)
	}
	return p, err
}

// mustHaveProfile answers ResourceNotFoundException for a profile that the
// account does not have.
func mustHaveProfile(tx *store.Tx, account, name string) error {
	_, err := findProfile(tx, account, name)
	return err
}

// set puts what a request gives into the profile; what it leaves out, the
// profile has no longer.
func (p *profile) set(capabilities *qs.Capabilities, governance *qs.Governance) error {
	if governance != nil {
		for _, category := range slices.Sorted(maps.Keys(governance.DefaultCategoryEffects)) {
			if !slices.Contains(capability.Categories(), category) {
				// To keep it would look as if something were governed.
				return fault.Invalid("There is no governance category %s: the categories are %s. ", category, strings.Join(capability.Categories(), ", "))
			}
		}
	}
	var err error
	if p.Capabilities, err = document(capabilities); err != nil {
		return err
	}
	p.Governance, err = document(governance)
	return err
}

func document[T any](v *T) (*string, error) {
	if v == nil {
		return nil, nil //nolint:nilnil // a document that was not given is NULL
	}
	b, err := json.Marshal(v, json.OmitZeroStructFields(true))
	if err != nil {
		return nil, fmt.Errorf("write %T: %w", v, err)
	}
	return new(string(b)), nil
}

// api gives the profile as the API shows it: with nothing but what was set.
func (p *profile) api(region string) (qs.CustomPermissions, error) {
	out := qs.CustomPermissions{Arn: new(profileARN(region, p.Account, p.Name)), CustomPermissionsName: &p.Name}
	if p.Capabilities != nil {
		if err := json.Unmarshal([]byte(*p.Capabilities), &out.Capabilities); err != nil {
			return out, fmt.Errorf("capabilities of %s: %w", *out.Arn, err)
		}
	}
	if p.Governance != nil {
		if err := json.Unmarshal([]byte(*p.Governance), &out.Governance); err != nil {
			return out, fmt.Errorf("governance of %s: %w", *out.Arn, err)
		}
	}
	return out, nil
}
