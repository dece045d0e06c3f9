// Package onsightapi holds the types of what the server has beside the APIs:
// the operations under /_onsight/, declared, validated and authorised like any
// other. It is generated from model/onsight.json; package qs tells the rules.
package onsightapi

//go:generate go run onsight/internal/qsgen
