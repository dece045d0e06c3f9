package sts_test

import "math/rand/v2"

// noise is text that cannot be packed.
func noise(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"[rand.IntN(62)]
	}
	return string(b)
}
