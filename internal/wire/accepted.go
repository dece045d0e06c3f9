package wire

// alsoAccepted are values that the server takes beyond those of an enumeration
// of the contract, by the shape. SDKs send a value of an enumeration as it is
// given to them, so a later feature can be used with those of today. No answer
// has such a value that did not come in the request.
var alsoAccepted = map[string][]string{
	"MemberType": {"ACTION_CONNECTOR"}, // an action connector as the member of a folder
}
