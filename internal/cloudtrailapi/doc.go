// Package cloudtrailapi holds the types of as much of the CloudTrail API as is
// served: inputs, outputs, their structures and enumerations, the codes of its
// errors, and one Op for each operation. All but this file is generated from
// model/cloudtrail.json by qsgen, by the rules that package contract tells.
package cloudtrailapi

//go:generate go run onsight/internal/qsgen
