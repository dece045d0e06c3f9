// Package qs holds the types of the QuickSight API: inputs, outputs, their
// structures and enumerations, and one Op for each operation. All but this
// file and op.go is generated from model/quicksight.json by qsgen.
//
// Names are the wire's, letter for letter, with the first letter in upper
// case (AwsAccountId; accountId becomes AccountId), so a search for a name
// from an SDK or its manual lands here.
//
// A member that may be absent is nil then: scalars, times and structures are
// pointers, lists and maps are nil. Required scalars are values. An empty list
// that is not nil is sent as [].
//
//	string     string, or Secret where the model marks it sensitive
//	enum       a string type of its own
//	integer    int32
//	long       int64
//	double     float64
//	boolean    bool
//	timestamp  time.Time
//	blob       []byte
//	list, map  slice, map; their members are values, structures too
//	document   json.RawMessage, which the one who sets it promises is JSON
//
// The definitions of analyses, dashboards and templates are json.RawMessage
// as well: checked against the model when they come in, kept and given back
// byte for byte.
//
// The constant of an enumeration's value is the type's name and the value in
// camel case: UserRole with READER_PRO is UserRoleReaderPro. A word in
// capitals keeps only its first, unless it is one of the initialisms listed in
// qsgen (IdentityTypeIAM, IdentityTypeIAMIdentityCenter); a word of mixed case
// stays. Where two names would be one, an underscore follows the type's name.
package qs

//go:generate go run onsight/internal/qsgen
