package resource

import (
	"onsight/internal/policy"
	"onsight/internal/qs"
)

// RequestTags are the condition keys of a request that carries tags:
// aws:TagKeys, and aws:RequestTag/<key> for each. Without tags it is nil.
func RequestTags(tags []qs.Tag) policy.Keys {
	if len(tags) == 0 {
		return nil
	}
	keys := make(policy.Keys, len(tags)+1)
	for _, t := range tags {
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
		keys["aws:RequestTag/"+t.Key] = append(keys["aws:RequestTag/"+t.Key], t.Value)
	}
	return keys
}
