// Package arn reads and writes Amazon Resource Names. It is pure: it knows
// their form, and nothing of what exists.
//
//	a, err := arn.Parse("arn:aws:quicksight:us-east-1:111122223333:user/default/ana")
//	kind, rest := a.Split() // "user", "default/ana"
//	arn.QuickSight("us-east-1", "111122223333", "user/default/ana") // the same text again
package arn
