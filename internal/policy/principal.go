package policy

import (
	"slices"
	"strings"
)

// A PrincipalType is what kind of principal sends a request.
type PrincipalType uint8

// The types of principals.
const (
	// Anonymous is who sends a request without credentials.
	Anonymous PrincipalType = iota
	// Root is the account itself, and sessions of it.
	Root
	// User is an IAM user, with its own keys or those of GetSessionToken.
	User
	// RoleSession is a session of a role, however it was begun.
	RoleSession
	// FederatedUser is a session of sts:GetFederationToken.
	FederatedUser
	// Federated is who comes with a token or an assertion of an identity
	// provider and asks for a role's session.
	Federated
	// Service is a service of the cloud.
	Service
)

// String gives the value of aws:PrincipalType.
func (t PrincipalType) String() string {
	switch t {
	case Root:
		return "Account"
	case User:
		return "User"
	case RoleSession:
		return "AssumedRole"
	case FederatedUser:
		return "FederatedUser"
	case Federated:
		return "Federated"
	case Service:
		return "Service"
	default:
		return "Anonymous"
	}
}

// A Principal is who sends a request.
type Principal struct {
	Type PrincipalType
	// Account is the principal's account: 12 digits, and empty for types that
	// have none.
	Account string
	// ARN is the principal's own: of a role's session that of the session,
	// arn:aws:sts::<account>:assumed-role/<role>/<session>.
	ARN string
	// Issuer is the ARN of what stands behind a session: the role with its
	// path, or the user that asked for a federated user's session.
	Issuer string
	// UserID is the unique id: AIDA… of a user, AROA…:<session> of a role's
	// session, the account of root, <account>:<name> of a federated user.
	UserID string
	// UserName is the name of an IAM user.
	UserName string
	// Provider names the identity provider as a Principal element does: of
	// type Federated, and of a role's session that began with one. Of type
	// Service it is the service's own name.
	Provider string
	// Also are further ARNs by which a resource's policy can name the
	// principal: the groups of a user of the service, say.
	Also []string
	// Tags are the principal's and the session's tags.
	Tags map[string]string
}

// hasIdentity says whether the principal belongs to an account that policies
// can give rights to.
func (p *Principal) hasIdentity() bool {
	switch p.Type {
	case Root, User, RoleSession, FederatedUser:
		return true
	default:
		return false
	}
}

// Keys gives the condition keys that tell who the principal is, with names in
// lower case: aws:PrincipalArn, aws:PrincipalAccount, aws:PrincipalType,
// aws:userid, aws:username, aws:FederatedProvider, aws:PrincipalTag/… and
// aws:PrincipalIsAWSService. Make them once for a principal.
func (p *Principal) Keys() Keys {
	keys := make(Keys, 7+len(p.Tags))
	set := func(key, value string) {
		if value != "" {
			keys[key] = []string{value}
		}
	}
	arn := p.ARN
	if p.Type == RoleSession {
		arn = p.Issuer
	}
	set("aws:principalarn", arn)
	set("aws:principalaccount", p.Account)
	set("aws:principaltype", p.Type.String())
	set("aws:userid", p.UserID)
	if p.Type == User {
		set("aws:username", p.UserName)
	}
	set("aws:principalisawsservice", "false")
	if p.Type == Service {
		set("aws:principalisawsservice", "true")
	} else {
		set("aws:federatedprovider", p.Provider)
	}
	for name, value := range p.Tags {
		keys["aws:principaltag/"+strings.ToLower(name)] = []string{value}
	}
	return keys
}

// A naming is how closely a policy names a principal, the closest last.
type naming uint8

const (
	unnamed   naming = iota
	byAccount        // its account, which leaves it to the account's own policies
	byAnyone         // everyone
	byIssuer         // the role or user behind its session
	byName           // itself
)

// principals is a Principal or NotPrincipal element.
type principals struct {
	everyone  bool
	accounts  []string
	arns      []string
	ids       []string // unique ids of users and roles
	services  []string
	federated []string
	written   []PrincipalName
}

// A PrincipalName is a member of a Principal element.
type PrincipalName struct {
	// Kind is AWS, Service, Federated or CanonicalUser.
	Kind string
	// Value is the name as written.
	Value string
}

// names gives the closest way in which the element names the principal.
func (p *principals) names(who *Principal) naming {
	switch who.Type {
	case Federated:
		if contains(p.federated, who.Provider) {
			return byName
		}
		return unnamed
	case Service:
		if contains(p.services, who.Provider) {
			return byName
		}
	case Anonymous, Root, User, RoleSession, FederatedUser:
	}
	best := unnamed
	if p.everyone {
		best = byAnyone
	}
	if !who.hasIdentity() && len(who.Also) == 0 && who.ARN == "" {
		return best
	}
	id, session, _ := strings.Cut(who.UserID, ":")
	switch {
	case contains(p.arns, who.ARN), session == "" && contains(p.ids, id) && who.Type == User, contains(p.ids, who.UserID) && who.Type == RoleSession:
		return byName
	}
	for _, also := range who.Also {
		if contains(p.arns, also) {
			return byName
		}
	}
	switch {
	case contains(p.arns, who.Issuer), session != "" && contains(p.ids, id) && who.Type == RoleSession:
		return byIssuer
	case best == byAnyone:
		return best
	case who.hasIdentity() && contains(p.accounts, who.Account):
		return byAccount
	}
	return unnamed
}

// contains is slices.Contains, and says no to an empty name.
func contains(list []string, s string) bool { return s != "" && slices.Contains(list, s) }

// principalNamed says how the statement names the principal. A NotPrincipal
// spares it only when it lists the account and, of a session, what it is a
// session of besides the session itself.
func (s *statement) principalNamed(who *Principal) naming {
	if !s.notPrincipal {
		return s.principals.names(who)
	}
	p := s.principals
	spared := p.everyone && who.Type != Federated
	switch who.Type {
	case Root:
		spared = spared || contains(p.accounts, who.Account)
	case User:
		id := contains(p.ids, who.UserID)
		spared = spared || contains(p.accounts, who.Account) && (contains(p.arns, who.ARN) || id)
	case RoleSession, FederatedUser:
		id, _, _ := strings.Cut(who.UserID, ":")
		issuer := contains(p.arns, who.Issuer) || contains(p.ids, id)
		self := contains(p.arns, who.ARN) || contains(p.ids, who.UserID)
		spared = spared || contains(p.accounts, who.Account) && self && (issuer || who.Type == FederatedUser)
	case Federated, Service, Anonymous:
		spared = spared || p.names(who) == byName
	}
	if spared {
		return unnamed
	}
	return byAnyone
}
