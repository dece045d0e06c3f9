// Package governance keeps what administrators decide about the use of the
// account: limits profiles and whom they are for, settings that prevent data
// loss, approval policies; and it tells how much of the index users fill.
package governance
