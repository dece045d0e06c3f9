// Package seal keeps secrets at rest: AES-256-GCM under keys from a file
// outside of the database.
//
// What is sealed is bound to a context, such as the ARN and the name of the
// field, and opens with the same context only: a value that is moved to another
// row does not open there.
//
// Each message has a key of its own, derived from one of the file's and a random
// nonce of 192 bits, as XAES-256-GCM describes (https://c2sp.org/XAES-256-GCM).
// With the 96 bits of plain AES-GCM, a server that makes thousands of tokens a
// second would reach the limit for random nonces under one key in days.
package seal
