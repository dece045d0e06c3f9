// Package capability knows what custom permissions can take away from people:
// every capability that a profile may name, what stands above it, and what asks
// for it.
//
// A profile only takes away. What it says of a capability is decided by
// Effective: DENY denies it and all below it; where the profile governs a
// category, what it does not ALLOW there is denied too.
//
//	p, err := capability.Read(capabilities, governance) // the documents of a profile
//	for _, name := range capability.Asked("UpdateActionConnector", "JIRA_CLOUD") {
//		if v := capability.Effective(p, name); !v.Allowed {
//			… v.By is what the profile denies …
//		}
//	}
//
// The package is pure. Table is its whole knowledge, and docs/capabilities.md
// is made from it.
package capability

//go:generate go run onsight/internal/capdoc ../../docs/capabilities.md
