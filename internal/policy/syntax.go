package policy

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// A SyntaxError says why a document is no policy. IAM answers it as a
// MalformedPolicyDocument; Error is the message.
type SyntaxError struct {
	// Text is what the service itself says of such a document.
	Text string
	// Detail says what was found and what was expected.
	Detail string
	// Path is the place in the document: Statement[2].Condition.StringLike.
	// It is empty for the document as a whole.
	Path string
	// Line and Column are the same place in the text, counted from 1; columns
	// are characters.
	Line, Column int
}

// Error gives the service's text, then the place and the reason.
func (e *SyntaxError) Error() string {
	place := fmt.Sprintf("line %d, column %d", e.Line, e.Column)
	if e.Path != "" {
		place = e.Path + ", " + place
	}
	return fmt.Sprintf("%s (%s: %s)", e.Text, place, e.Detail)
}

// What IAM says of malformed documents.
const (
	textSyntax      = "Syntax errors in policy."
	textJSON        = "This policy contains invalid Json"
	textLegacy      = "The policy failed legacy parsing"
	textNoPrincipal = "Policy document should not specify a principal."
	textNoActions   = "Policy statement must contain actions."
	textNoResources = "Policy statement must contain resources."
	textSidUnique   = "Statement IDs (SID) in a single policy must be unique."
	textSidForm     = "Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"
	textNoVendor    = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	textColons      = "Actions/Condition can contain only one colon."
	textVendor      = "Resource vendor must be fully qualified and cannot contain regexes."
	textIAMPath     = `IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`

	textTrustVersion      = "The policy must contain a valid version string"
	textTrustEmpty        = "Could not parse the policy: Statement is empty!"
	textTrustSid          = "The Statement Ids in the policy are not unique"
	textTrustNotPrincipal = "AssumeRole policy must not contain NotPrincipal field."
	textTrustPrincipal    = "Principal must be a JSON object."
	textTrustActions      = "AssumeRole policy may only specify STS AssumeRole actions."
	textTrustResource     = "Has prohibited field Resource"
	textAllowNotPrincipal = "Allow with NotPrincipal is not allowed."
)

// locate counts the line and the column of a byte in a text.
func locate(text string, at int) (line, column int) {
	at = min(at, len(text))
	before := text[:at]
	line = strings.Count(before, "\n") + 1
	column = utf8.RuneCountInString(before[strings.LastIndexByte(before, '\n')+1:]) + 1
	return line, column
}

// A path is a place in a document, told from its end.
type path struct {
	up    *path
	name  string
	index int // of an item of an array, from 1; 0 for a member of an object
}

func (p *path) member(name string) *path { return &path{up: p, name: name} }
func (p *path) item(i int) *path         { return &path{up: p, index: i + 1} }

// String writes the path from the top: Statement[0].Action[3].
func (p *path) String() string {
	if p == nil {
		return ""
	}
	up := p.up.String()
	switch {
	case p.index > 0:
		return fmt.Sprintf("%s[%d]", up, p.index-1)
	case up == "":
		return shorten(p.name)
	default:
		return up + "." + shorten(p.name)
	}
}

// shorten keeps a value that is quoted in a message from filling it.
func shorten(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	cut := most
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
