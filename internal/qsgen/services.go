package main

import "onsight/model"

// A service is an API with its document, which is a file of the folder model,
// and its package of Go types, which is a folder beside this one.
type service struct {
	name, pkg string
	document  []byte
	// keep names the operations to take from botocore; empty is all.
	keep []string
	// ours marks the one that is written by hand, and has no other source.
	ours bool
}

var services = []service{
	{name: "quicksight", pkg: "qs", document: model.QuickSight},
	{name: "iam", pkg: "iamapi", document: model.IAM},
	{name: "sts", pkg: "stsapi", document: model.STS},
	{name: "cloudtrail", pkg: "cloudtrailapi", document: model.CloudTrail, keep: []string{"LookupEvents"}},
	{name: "onsight", pkg: "onsightapi", document: model.Onsight, ours: true},
}

// file is the name of the service's document.
func (s service) file() string { return "model/" + s.name + ".json" }
