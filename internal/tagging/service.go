package tagging

import (
	"fmt"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// Exists says whether the resource of an ARN is there.
type Exists func(tx *store.Tx, resource arn.ARN) (bool, error)

// Service answers the operations on tags.
type Service struct {
	db    *store.DB
	types map[string]Exists
}

// New makes a Service that knows no resources yet.
func New(db *store.DB) *Service { return &Service{db: db, types: map[string]Exists{}} }

// Register tells who knows the resources whose ARN has this type, such as
// user. It is called before the first request; a type has one owner.
func (s *Service) Register(resourceType string, exists Exists) {
	if s.types[resourceType] != nil {
		panic(fmt.Sprintf("tagging: %s is registered already", resourceType))
	}
	s.types[resourceType] = exists
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.TagResource, s.tagging, s.tagResource),
		api.Handle(qs.UntagResource, s.untagging, s.untagResource),
		api.Handle(qs.ListTagsForResource, s.listing, s.listTagsForResource),
	}
}

// on is the target of an operation on the tags of a resource. The path of such
// a call has no account: it is the resource's. A text that is no ARN belongs
// to nobody, and to the caller for what policies are concerned.
func on(account, resource string, context policy.Keys) policy.Target {
	if a, err := arn.Parse(resource); err == nil && a.Account != "" {
		account = a.Account
	}
	return policy.Target{Account: account, Resource: resource, Context: context}
}
