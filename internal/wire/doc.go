// Package wire speaks restJson1 as QuickSight does, awsQuery as IAM and STS do,
// and awsJson1_1 as CloudTrail does: it finds the operation of a request, reads
// path, query and body into the operation's input, tells which rules of the
// model the input breaks, and writes outputs and faults.
//
// Everything it knows of the API it reads from a model document. An operation
// is compiled when it is first used: its shapes into rules, and rules and Go
// types together into a plan that is kept. A server goes
//
//	op, labels, ok := router.Match(method, rawPath)
//	broken, err := op.Bind(in, wire.Request{Labels: labels, ...})
//
// where err says that the request cannot be read, and broken, to be asked once
// the caller is known to be allowed, which rules it breaks; then
//
//	body, status := op.AppendOutput(nil, out, requestID)
//
// or AppendFault. At the path /, where all operations of the other services
// are, AtRoot tells which protocol a request speaks, and FindTarget or, with a
// Form, FindAction which operation it means; from there on all is alike.
//
// The models of IAM, STS and CloudTrail are read when they are first asked for:
// a server of which only QuickSight is used has nothing of them in memory.
//
// EncodeRequest, DecodeOutput and DecodeFault are the other end of the same
// wire, for clients.
//
// JSON syntax is that of jsontext: valid UTF-8, no duplicate names, and no
// second value after the first. A tokenizer of our own could save at most the
// 0.4 µs that it takes of the 1.2 µs for a RegisterUser.
package wire
