// Package catalog knows what there is to allow: the actions of the service,
// which of them each operation is checked against and on which resource, and
// the policies that every AWS account finds ready-made.
//
// Of an operation, Checks gives the actions; each must be allowed, or only not
// denied, on the resources that ARNs makes of the input:
//
//	for _, check := range catalog.Checks("CreateActionConnector") {
//		if !check.Applies(member) {
//			continue
//		}
//		for _, resource := range check.ARNs("aws", region, account, member) {
//			…
//		}
//	}
package catalog
