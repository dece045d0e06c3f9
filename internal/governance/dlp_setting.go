package governance

import (
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
)

const (
	// maxSettings is how many DLP settings an account may have: as many as a
	// page of them may list, by the model.
	maxSettings = 10
	// maxMappings is how many labels a setting may map.
	maxMappings = 1000
)

// setting is the document of a DLP setting.
type setting struct {
	Enabled      bool               `json:"enabled"`
	OutageAction qs.DlpAction       `json:"outageAction"`
	Provider     *qs.ProviderConfig `json:"provider"`
}

// settings is the kind of resource. Its type is the provider's; whether it is
// active is no state, for it may change at any time.
var settings = resource.Kind[setting]{Name: "dlpsetting", Label: "DLP setting"}

// checkProvider refuses what no setting of the provider may hold.
func checkProvider(t qs.DlpProviderType, c *qs.ProviderConfig) error {
	if t != qs.DlpProviderTypeMicrosoftPurview || c.MicrosoftPurview == nil {
		return fault.Invalid("ProviderConfig isn't valid: it must be that of %s.", t)
	}
	mappings := c.MicrosoftPurview.LabelActionMappings
	if len(mappings) > maxMappings {
		return fault.Invalid("LabelActionMappings may have at most %d labels.", maxMappings)
	}
	seen := make(map[string]bool, len(mappings))
	for _, m := range mappings {
		if seen[m.LabelId] {
			return fault.Invalid("LabelActionMappings isn't valid: label %s is mapped more than once.", m.LabelId)
		}
		seen[m.LabelId] = true
	}
	return nil
}

func statusOf(d setting) qs.DlpSettingStatus {
	if d.Enabled {
		return qs.DlpSettingStatusActive
	}
	return qs.DlpSettingStatusInactive
}
