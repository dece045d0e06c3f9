package contract

// Op is an operation of an API with the types of its input and output, so
// that only a function of that shape can answer it.
type Op[In, Out any] struct {
	// Service is the name that signatures are scoped to and that IAM actions
	// begin with, such as quicksight or iam.
	Service string
	// Name is the operation's name, which is also that of its IAM action.
	Name string
	// Method and Path are its HTTP method and its path with labels in braces.
	// All operations of IAM, STS and CloudTrail are at the path /.
	Method, Path string
}
