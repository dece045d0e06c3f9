package iam

import "onsight/internal/policy/catalog"

// managedByAWS gives the document of a managed policy of AWS.
func managedByAWS(arn string) (document string, ok bool) {
	p, ok := catalog.ManagedPolicy(arn)
	return p.Document, ok
}
