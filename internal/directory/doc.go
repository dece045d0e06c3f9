// Package directory lets the people of an account with the authentication
// method ACTIVE_DIRECTORY sign in with what they have at their company's
// directory, over LDAP, and keeps their users in line with it.
//
// Where each directory is, the operator says in a file (ReadSettings). Someone
// who signs in is searched for with the account of the settings, and then bound
// as, with the password; the groups that the person is in, also by way of other
// groups, give the role. A job looks from time to time who has left.
//
// Nothing of the directory is kept but what a user has anyway, and the id by
// which the directory knows the person.
package directory
