package scim

import (
	"net/http"
	"strings"
)

// isDiscovery tells whether a path is about the server itself.
func isDiscovery(head string) bool {
	return strings.EqualFold(head, "ServiceProviderConfig") || strings.EqualFold(head, "ResourceTypes") || strings.EqualFold(head, "Schemas")
}

// discover answers what centres ask about the server itself.
func (c *call) discover(head, id string) (*answer, error) {
	if c.query.Get("filter") != "" {
		return nil, refusal(http.StatusForbidden, "%s can't be filtered.", clip(head))
	}
	base := c.s.endpoint(c.account)
	switch {
	case strings.EqualFold(head, "ServiceProviderConfig") && id == "":
		return found(serviceProviderConfig(base)), nil
	case strings.EqualFold(head, "ResourceTypes"):
		var all []any
		for _, k := range kinds {
			t := resourceType(k, base)
			if id == k.name {
				return found(t), nil
			}
			all = append(all, t)
		}
		return listOf(all, id)
	case strings.EqualFold(head, "Schemas"):
		var all []any
		for _, k := range kinds {
			for _, s := range append([]schema{k.core}, k.extensions...) {
				shown := map[string]any{
					"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Schema"}, "id": s.ID, "name": s.Name, "description": s.Description,
					"attributes": s.Attributes, "meta": map[string]any{"resourceType": "Schema", "location": base + "/Schemas/" + s.ID},
				}
				if strings.EqualFold(id, s.ID) {
					return found(shown), nil
				}
				all = append(all, shown)
			}
		}
		return listOf(all, id)
	case strings.EqualFold(head, "Me"):
		return nil, refusal(http.StatusNotImplemented, "Tokens are of an administrator's, and of no user's.")
	}
	return nil, refusal(http.StatusNotFound, "There is nothing at this address.")
}

func found(body any) *answer { return &answer{status: http.StatusOK, body: body} }

func listOf(all []any, id string) (*answer, error) {
	if id != "" {
		return nil, refusal(http.StatusNotFound, "There is no %q.", clip(id))
	}
	return found(map[string]any{"schemas": []string{urnList}, "totalResults": len(all), "startIndex": 1, "itemsPerPage": len(all), "Resources": all}), nil
}

func resourceType(k *kind, base string) map[string]any {
	t := map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:ResourceType"}, "id": k.name, "name": k.name, "description": k.core.Description,
		"endpoint": k.endpoint, "schema": k.core.ID, "meta": map[string]any{"resourceType": "ResourceType", "location": base + "/ResourceTypes/" + k.name},
	}
	var extensions []any
	for _, s := range k.extensions {
		extensions = append(extensions, map[string]any{"schema": s.ID, "required": false})
	}
	if extensions != nil {
		t["schemaExtensions"] = extensions
	}
	return t
}

func serviceProviderConfig(base string) map[string]any {
	supported := func(yes bool) map[string]any { return map[string]any{"supported": yes} }
	return map[string]any{
		"schemas":        []string{"urn:ietf:params:scim:schemas:core:2.0:ServiceProviderConfig"},
		"patch":          supported(true),
		"bulk":           map[string]any{"supported": true, "maxOperations": mostBulk, "maxPayloadSize": largestBulk},
		"filter":         map[string]any{"supported": true, "maxResults": largestPage},
		"changePassword": supported(false),
		"sort":           supported(true),
		"etag":           supported(true),
		"authenticationSchemes": []any{map[string]any{
			"type": "oauthbearertoken", "name": "Bearer token", "description": "A token that an administrator makes with onsight scim token create.",
			"specUri": "https://www.rfc-editor.org/rfc/rfc6750", "primary": true,
		}},
		"meta": map[string]any{"resourceType": "ServiceProviderConfig", "location": base + "/ServiceProviderConfig"},
	}
}
