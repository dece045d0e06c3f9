package wire

// A Protocol is how the messages of a service look.
type Protocol uint8

const (
	// RestJSON is restJson1: operations by method and path, JSON. QuickSight.
	RestJSON Protocol = iota
	// Query is awsQuery: forms in, XML out, operations by Action and Version. IAM, STS.
	Query
	// JSON11 is awsJson1_1: JSON, operations by the X-Amz-Target header. CloudTrail.
	JSON11
)

// protocols are the protocols by their names in the model. A document that
// names none, as tests have, is one of restJson1.
var protocols = map[string]Protocol{"": RestJSON, "rest-json": RestJSON, "query": Query, "json": JSON11}

// ContentType is the Content-Type of the protocol's answers, and of its
// requests too where it is JSON.
func (p Protocol) ContentType() string {
	switch p {
	case Query:
		return "text/xml"
	case JSON11:
		return "application/x-amz-json-1.1"
	default:
		return "application/json"
	}
}
