// Package stsapi holds the types of the STS API: inputs, outputs, their
// structures and enumerations, the codes of its errors, and one Op for each
// operation. All but this file is generated from model/sts.json by qsgen, by
// the rules that package contract tells.
package stsapi

//go:generate go run onsight/internal/qsgen
