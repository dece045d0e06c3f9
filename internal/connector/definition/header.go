package definition

import (
	"net/http"
	"slices"
	"strings"
)

// reserved are headers of the connection and of the credentials.
var reserved = []string{
	"Accept-Encoding", "Authorization", "Connection", "Content-Length", "Content-Type", "Cookie", "Expect", "Forwarded", "Host", "Keep-Alive",
	"Proxy-Authenticate", "Proxy-Authorization", "Proxy-Connection", "Set-Cookie", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Via",
}

// CallersHeader tells whether a header is neither the connection's nor the
// credentials', so that the callers of an action, and the documents that users
// give, may set it.
func CallersHeader(name string) bool {
	name = http.CanonicalHeaderKey(name)
	return !slices.Contains(reserved, name) && !strings.HasPrefix(name, "X-Amz-") && !strings.HasPrefix(name, "X-Forwarded-")
}
