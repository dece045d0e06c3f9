// Package identity keeps the people of an account: users with their roles,
// the invitations of those whose password is kept here, groups with their
// members, the groups of the account's directory that give a role, and the IAM
// policies that are assigned to users and groups.
//
// A user is of one of three kinds. IAM users sign in with AWS credentials; of
// a role, one user for each session name. QUICKSIGHT users have a password
// and begin with an invitation. IAM_IDENTITY_CENTER users come from an
// identity centre. The kind decides how name, ARN and principal id are formed
// (see newUser).
package identity
