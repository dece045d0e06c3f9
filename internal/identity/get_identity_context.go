package identity

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/sigv4"
	"onsight/internal/store"
)

const (
	// contextLife is how long an identity context is good for where nothing is
	// said, and contextLimit how long it may be at most: the longest session
	// that it can be part of.
	contextLife  = time.Hour
	contextLimit = 12 * time.Hour
)

// optIn are the regions that accounts have to be opened in first; no context
// for another region is made there.
var optIn = []string{
	"af-south-1", "ap-east-1", "ap-east-2", "ap-south-2", "ap-southeast-3", "ap-southeast-4", "ap-southeast-5", "ap-southeast-6", "ap-southeast-7",
	"ca-west-1", "eu-central-2", "eu-south-1", "eu-south-2", "il-central-1", "me-central-1", "me-south-1", "mx-central-1",
}

// identityContext is what an identity context holds.
type identityContext struct {
	Account     string `json:"a"`
	Namespace   string `json:"n"`
	PrincipalID string `json:"p"`
	Region      string `json:"r"` // in which it is good
	Expires     int64  `json:"e"` // Unix time
}

// contextPurpose binds what is sealed to what it is for.
const contextPurpose = "identity context"

// gettingContext asks about the user. Who is named by e-mail address is not
// known yet: a policy must allow it for the users of the namespace.
func (s *Service) gettingContext(ctx context.Context, in *qs.GetIdentityContextRequest) policy.Target {
	namespace := value(in.Namespace)
	if namespace == "" {
		namespace = "*"
	}
	if id := in.UserIdentifier; id != nil {
		switch {
		case id.UserArn != nil:
			return policy.Target{Resource: *id.UserArn}
		case id.UserName != nil:
			return onUser(ctx, in.AwsAccountId, namespace, id.UserName.Reveal())
		}
	}
	return onUser(ctx, in.AwsAccountId, namespace, "*")
}

// getIdentityContext vouches for a user, so that the session of a role can act
// for them: see OpenContext.
func (s *Service) getIdentityContext(ctx context.Context, in *qs.GetIdentityContextRequest) (*qs.GetIdentityContextResponse, error) {
	held := identityContext{Account: in.AwsAccountId, Region: api.Region(ctx)}
	expires, err := s.contextEnd(in.SessionExpiresAt)
	if err != nil {
		return nil, err
	}
	held.Expires = expires.Unix()
	if in.ContextRegion != nil {
		if err := checkContextRegion(api.Region(ctx), *in.ContextRegion); err != nil {
			return nil, err
		}
		held.Region = *in.ContextRegion
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		namespace, where, argument, err := whichUser(in, region)
		if err != nil {
			return err
		}
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, namespace)
		if err != nil {
			return err
		}
		if tenant.AuthenticationMethod == "IAM_IDENTITY_CENTER" {
			return fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
		}
		u, err := named(tx, in.AwsAccountId, namespace, where, argument)
		if err != nil {
			return err
		}
		if u.IdentityType == string(qs.IdentityTypeIAMIdentityCenter) {
			return fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
		}
		if u.DeactivatedUS != nil {
			return fault.Precondition("User %s is deactivated. %s", u.Name, tail(in.AwsAccountId, namespace))
		}
		held.Namespace, held.PrincipalID = namespace, u.PrincipalID
		return nil
	})
	if err != nil {
		return nil, err
	}
	plain, err := json.Marshal(held)
	if err != nil {
		return nil, fmt.Errorf("write an identity context: %w", err)
	}
	return &qs.GetIdentityContextResponse{Context: new(base64.RawURLEncoding.EncodeToString(s.keys.Seal(plain, contextPurpose)))}, nil
}

// contextEnd gives when a context ends.
func (s *Service) contextEnd(given *time.Time) (time.Time, error) {
	now := s.now()
	switch {
	case given == nil:
		return now.Add(contextLife), nil
	case !given.After(now):
		return time.Time{}, fault.Invalid("SessionExpiresAt must be in the future.")
	case given.After(now.Add(contextLimit)):
		return time.Time{}, fault.Invalid("SessionExpiresAt must be within the next 12 hours.")
	}
	return *given, nil
}

func checkContextRegion(from, to string) error {
	switch {
	case from == to:
		return nil
	case !sigv4.ValidRegion(to):
		return fault.Invalid("ContextRegion %s isn't a region.", to)
	case arn.Partition(from) != arn.Partition(to):
		return fault.Invalid("ContextRegion %s isn't in the partition of %s.", to, from)
	case slices.Contains(optIn, from):
		return fault.Invalid("ContextRegion can't be given in %s, which is an opt-in region.", from)
	}
	return nil
}

// nameByEmail and nameByPrincipal find users by what else they are known by:
// the name alone, which the indexes hold, or SQLite would not use them.
const (
	nameByEmail     = `SELECT name FROM users WHERE account = $1 AND namespace = $2 AND email = $3 LIMIT 2`
	nameByPrincipal = `SELECT name FROM users WHERE account = $1 AND namespace = $2 AND principal_id = $3 LIMIT 1`
)

// named gives the user of a name or of an e-mail address, which one user alone
// must have.
func named(tx *store.Tx, account, namespace, where, argument string) (user, error) {
	if where == "name" {
		return find(tx, account, namespace, argument)
	}
	found, err := store.All[string](tx, nameByEmail, account, namespace, argument)
	switch {
	case err != nil:
		return user{}, err
	case len(found) == 0:
		return user{}, fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, no user has this e-mail address. ", account, namespace)
	case len(found) > 1:
		return user{}, fault.Precondition("Several users have this e-mail address: name the user by UserName or UserArn. %s", tail(account, namespace))
	}
	return find(tx, account, namespace, found[0])
}

// whichUser gives the namespace of the user that a request names, and the
// column with its value.
func whichUser(in *qs.GetIdentityContextRequest, region string) (namespace, where, argument string, err error) {
	id := in.UserIdentifier
	given := 0
	for _, is := range []bool{id.UserArn != nil, id.UserName != nil, id.Email != nil} {
		if is {
			given++
		}
	}
	switch {
	case given != 1:
		return "", "", "", fault.Invalid("UserIdentifier must have one of UserName, Email and UserArn.")
	case id.UserArn == nil && in.Namespace == nil:
		return "", "", "", fault.Invalid("Namespace is required where the user is named by UserName or Email.")
	case id.UserName != nil:
		return *in.Namespace, "name", id.UserName.Reveal(), nil
	case id.Email != nil:
		return *in.Namespace, "email", id.Email.Reveal(), nil
	}
	a, err := arn.Parse(*id.UserArn)
	if err != nil || !a.IsQuickSight() || a.Account != in.AwsAccountId || a.Region != region {
		return "", "", "", fault.Invalid("UserArn %s isn't the ARN of a user of account %s.", *id.UserArn, in.AwsAccountId)
	}
	namespace, name, ok := a.User()
	if !ok || name == "" {
		return "", "", "", fault.Invalid("UserArn %s isn't the ARN of a user.", *id.UserArn)
	}
	if in.Namespace != nil && *in.Namespace != namespace {
		return "", "", "", fault.Invalid("UserArn %s isn't of namespace %s.", *id.UserArn, *in.Namespace)
	}
	return namespace, "name", name, nil
}

// ErrContext says that something is no identity context, or one that is over,
// or whose user is gone.
var ErrContext = errors.New("this is no identity context that is good now")

// OpenContext gives the account of an identity context, and the ARN of the user
// whom it vouches for.
func (s *Service) OpenContext(tx *store.Tx, assertion string) (account, userArn string, err error) {
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(assertion)
	if err != nil || strings.ContainsAny(assertion, "\r\n") {
		return "", "", ErrContext
	}
	plain, err := s.keys.Open(sealed, contextPurpose)
	if err != nil {
		return "", "", ErrContext
	}
	var held identityContext
	if err := json.Unmarshal(plain, &held); err != nil {
		return "", "", fmt.Errorf("read an identity context: %w", err)
	}
	if !s.now().Before(time.Unix(held.Expires, 0)) {
		return "", "", ErrContext
	}
	name, err := store.One[string](tx, nameByPrincipal, held.Account, held.Namespace, held.PrincipalID)
	if errors.Is(err, store.ErrNotFound) {
		return "", "", ErrContext
	}
	if err != nil {
		return "", "", err
	}
	deactivated, err := s.Deactivated(tx, held.Account, held.Namespace, name)
	if err != nil {
		return "", "", err
	}
	if deactivated {
		return "", "", ErrContext
	}
	region, err := s.accounts.IdentityRegion(tx, held.Account)
	return held.Account, userARN(region, held.Account, held.Namespace, name), err
}
