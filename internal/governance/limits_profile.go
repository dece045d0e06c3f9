package governance

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// maxProfiles is how many limits profiles an account may have.
const maxProfiles = 100

type limits = map[qs.ResourceType]qs.ProfileLimitValue

// profile is the document of a limits profile.
type profile struct {
	Description *string `json:"description,omitempty"`
	Limits      limits  `json:"limits"`
}

// profiles is the kind of resource. A profile has no status.
var profiles = resource.Kind[profile]{Name: "limits-profile", Label: "Limits profile"}

// units are those of each type of resource, with the multiples of its smallest.
var units = map[qs.ResourceType]map[qs.LimitUnit]int64{
	qs.ResourceTypeIndexStorage: {qs.LimitUnitMB: 1, qs.LimitUnitGB: 1024},
	qs.ResourceTypeAgentHours:   {qs.LimitUnitHours: 1, qs.LimitUnitDays: 24},
}

// checkLimits refuses limits in units that their resource is not measured in.
func checkLimits(l limits) error {
	if len(l) == 0 {
		return fault.Invalid("resourceLimits must have at least one limit.")
	}
	for _, t := range slices.Sorted(maps.Keys(l)) {
		if units[t][l[t].Unit] == 0 {
			return fault.Invalid("resourceLimits isn't valid: %s is not measured in %s, but in %s.", t, l[t].Unit, slices.Sorted(maps.Keys(units[t])))
		}
	}
	return nil
}

// amount is a limit in the smallest unit of its resource.
func amount(t qs.ResourceType, l qs.ProfileLimitValue) int64 {
	times := units[t][l.Unit]
	if l.MaxValue > math.MaxInt64/times {
		return math.MaxInt64
	}
	return l.MaxValue * times
}

// nameFree refuses a name that another profile has.
func nameFree(tx *store.Tx, k resource.Key, name string) error {
	same, err := profiles.List(tx, k.Account, k.Region, resource.Named(name), "", 2)
	if err != nil {
		return err
	}
	for _, it := range same {
		if it.ID != k.ID {
			return fault.Conflict("Limits profile %s has the name %q already.", it.ID, name)
		}
	}
	return nil
}

// repeated finds the profile that a client token made. A token that made one
// by another request is a conflict.
func repeated(tx *store.Tx, account, token, request string) (id string, err error) {
	made, err := store.One[struct {
		Profile string `db:"profile"`
		Request string `db:"request"`
	}](tx, `SELECT profile, request FROM limits_tokens WHERE account = $1 AND token = $2`, account, token)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return "", nil
	case err != nil:
		return "", err
	case made.Request != request:
		return "", fault.Conflict("The clientToken was used for another limits profile already.")
	}
	return made.Profile, nil
}

func digest(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("digest of a request: %w", err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:]), nil
}

func shownProfile(it *resource.Item[profile]) qs.LimitsProfile {
	return qs.LimitsProfile{
		AccountId: it.Account, Arn: it.ARN, CreatedAt: &it.Created, UpdatedAt: &it.Updated, ProfileId: it.ID, ProfileName: it.Name,
		Description: it.Doc.Description, ResourceLimits: it.Doc.Limits,
	}
}

func note(ctx context.Context, arn string) { api.Note(ctx, "resource", arn) }
