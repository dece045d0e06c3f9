// Package people administers many users at once: who they are and when they
// were last seen, who is pruned for being idle, registration and removal in
// bulk, and the seats that an account pays for.
//
// It keeps nothing of users itself but the reports of prunes. What it does to a
// user goes the way of the call that does it to one: by the same rules, asked of
// the same policies, with a record of its own in the audit trail.
package people
