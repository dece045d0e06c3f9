// Package contract holds what the generated packages of all APIs share: qs,
// iamapi, stsapi and cloudtrailapi have it under their own names.
//
// The rules by which qsgen makes them are the same for all. Names are the
// wire's, letter for letter, with the first letter in upper case (AwsAccountId;
// accountId becomes AccountId), so a search for a name from an SDK or its
// manual lands there.
//
// A member that may be absent is nil then: scalars, times and structures are
// pointers, lists and maps are nil. Required scalars are values. An empty list
// that is not nil is sent as an empty one.
//
//	string     string, or Secret where the model marks it sensitive
//	enum       a string type of its own
//	integer    int32
//	long       int64
//	double     float64
//	boolean    bool
//	timestamp  time.Time
//	blob       []byte; Stream where the model marks it as streaming
//	list, map  slice, map; their members are values, structures too
//	document   json.RawMessage, which the one who sets it promises is JSON
//
// The constant of an enumeration's value is the type's name and the value in
// camel case: UserRole with READER_PRO is UserRoleReaderPro. A word in
// capitals keeps only its first, unless it is one of the initialisms listed in
// qsgen (IdentityTypeIAM, IdentityTypeIAMIdentityCenter); a word of mixed case
// stays. Where two names would be one, an underscore follows the type's name.
//
// Where the package fault has no constructors for the errors of an API, there
// is a constant for the code of each: iamapi.ErrNoSuchEntity.
package contract
