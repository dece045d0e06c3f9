// Package sigv4 checks who signed a request with AWS Signature Version 4.
//
// A Verifier answers the one question that a server has: is this request, as
// it came over the wire, signed with a secret that we gave out, for this
// service, just now? It knows both forms of the signature, the Authorization
// header and the presigned query, and reports what is wrong with the codes and
// sentences of the real service, so that SDKs repair a skewed clock and people
// find familiar words.
//
//	v := &sigv4.Verifier{Keys: lookup}
//	s, err := v.Verify(ctx, sigv4.FromHTTP(r, body), "quicksight", now)
//	// s.Region, s.AccessKeyID, s.Identity
//
// Parse alone reads what a signature claims and proves nothing.
//
// Sign, Presign and Signer are the client's half, for tests and tools.
//
// The rules are those of the IAM user guide, "Create a signed AWS API
// request". Paths are encoded twice, as every service but S3 does. SDKs differ
// in whether they normalise a path before that, so either is accepted. Asymmetric
// signatures (SigV4a), chunked payloads and unsigned payloads are refused:
// no client of this API sends them.
package sigv4
