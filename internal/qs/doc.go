// Package qs holds the types of the QuickSight API: inputs, outputs, their
// structures and enumerations, and one Op for each operation. All but this
// file is generated from model/quicksight.json by qsgen, by the rules that
// package contract tells.
//
// The definitions of analyses, dashboards and templates are json.RawMessage:
// checked against the model when they come in, kept and given back byte for
// byte.
package qs

//go:generate go run onsight/internal/qsgen
