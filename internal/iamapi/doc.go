// Package iamapi holds the types of the IAM API: inputs, outputs, their
// structures and enumerations, the codes of its errors, and one Op for each
// operation. All but this file is generated from model/iam.json by qsgen, by
// the rules that package contract tells.
package iamapi

//go:generate go run onsight/internal/qsgen
