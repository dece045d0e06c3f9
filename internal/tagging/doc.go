// Package tagging keeps the tags of whatever has an ARN.
//
// It does not know what exists: each domain says so for its own types of ARN.
//
//	tags.Register("user", users.ExistsByARN)
//
// Other domains give tags in their own transactions, through Put and Delete.
package tagging
