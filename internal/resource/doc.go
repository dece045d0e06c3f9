// Package resource keeps what every kind of resource has in common: an ARN, a
// name, a status, the times of its making and of its last change, a document,
// a permission list, and secrets apart from the document.
//
// A domain declares its kind once, with the shape of its document:
//
//	var connectors = resource.Kind[document]{
//		Name: "action-connector", Label: "Action connector",
//		States: resource.States{
//			"":                     {"CREATION_IN_PROGRESS"},
//			"CREATION_IN_PROGRESS": {"CREATION_SUCCESSFUL", "CREATION_FAILED"},
//			"CREATION_SUCCESSFUL":  {"UPDATE_IN_PROGRESS", resource.Gone},
//		},
//	}
//
//	it, err := connectors.Update(tx, key, now, func(it *resource.Item[document]) error { … })
//
// All of it happens in the caller's transaction. Lists and searches go by key:
// a page starts after the id that the one before ended with.
package resource
