package sts

import (
	"context"
	"log/slog"
	"time"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
	"onsight/internal/stsapi"
)

// Directory is what STS asks of whoever keeps roles, users, their policies and
// the identity providers of accounts.
type Directory interface {
	// Role gives the role of a name; store.ErrNotFound where there is none.
	Role(tx *store.Tx, account, name string) (Role, error)
	// Provider gives the OpenID Connect provider of an account with an issuer,
	// which is written without its scheme; store.ErrNotFound where there is none.
	Provider(tx *store.Tx, account, issuer string) (Provider, error)
	// SAMLMetadata gives the metadata of an account's SAML provider;
	// store.ErrNotFound where there is none.
	SAMLMetadata(tx *store.Tx, account, name string) (document string, err error)
	// ManagedPolicy gives the document of a managed policy that an account may
	// attach: one of its own, or of AWS; store.ErrNotFound where there is none.
	ManagedPolicy(tx *store.Tx, account, arn string) (document string, err error)
	// KeyAccount gives the account of a lasting access key, of a user's or of
	// root's; store.ErrNotFound where there is none.
	KeyAccount(tx *store.Tx, accessKeyID string) (string, error)
}

// A Role is what can be assumed.
type Role struct {
	// Account, Name, ID (AROA…), Path and ARN are the role's.
	Account, Name, ID, Path, ARN string
	// Trust is the policy that says who may assume it.
	Trust string
	// MaxSession is how long a session may last.
	MaxSession time.Duration
	// Tags are the role's.
	Tags map[string]string
}

// A Provider is an OpenID Connect provider that an account trusts.
type Provider struct {
	// ARN is what trust policies call it.
	ARN string
	// Issuer is the provider's URL without https://.
	Issuer string
	// ClientIDs are the audiences that tokens may have.
	ClientIDs []string
	// Thumbprints are those of the provider's certificates. They are kept for
	// clients to read; whether a provider is who it says is decided by the
	// authorities that the system trusts.
	Thumbprints []string
}

// A Judge decides with all policies that apply to the caller of a request.
type Judge interface {
	// Judge says whether the caller may perform an action on a target, with the
	// trust policy of the role that the target is, or nil where it is none. The
	// message, which may be empty, tells who may decode it why not. An error
	// says that there is no decision.
	Judge(ctx context.Context, action string, on policy.Target, trust *policy.Set) (allowed bool, message string, err error)
}

// Config is what a Service needs. All is required but Conditions, Network and SAML.
type Config struct {
	DB        *store.DB
	Keys      *seal.Keyring
	Now       func() time.Time
	Log       *slog.Logger
	Directory Directory
	Judge     Judge
	// Caller gives the session of a request's caller, and nil where lasting
	// credentials have signed it.
	Caller func(context.Context) *Session
	// Conditions gives the global condition keys of a request that nobody has
	// signed, such as aws:SourceIp; nil for none.
	Conditions func(context.Context) policy.Context
	// Contexts gives whom an assertion of the provider of contexts vouches for:
	// the account and the ARN of a user of QuickSight. ok is false for what is no
	// assertion that is good now. Nil takes none.
	Contexts func(tx *store.Tx, assertion string) (account, user string, ok bool, err error)
	// Network says how identity providers are reached.
	Network idtoken.Network
	// SAML says which assertions are for this server; none are by default.
	SAML SAML
}

// Service answers the operations of STS. It may be used by many goroutines at
// once.
type Service struct {
	db         *store.DB
	keys       *seal.Keyring
	now        func() time.Time
	directory  Directory
	judge      Judge
	caller     func(context.Context) *Session
	conditions func(context.Context) policy.Context
	contexts   func(tx *store.Tx, assertion string) (account, user string, ok bool, err error)
	tokens     *idtoken.Verifier
	saml       SAML
	opened     sessions
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{
		db: c.DB, keys: c.Keys, now: c.Now, directory: c.Directory, judge: c.Judge, caller: c.Caller, conditions: c.Conditions, contexts: c.Contexts, saml: c.SAML,
		tokens: idtoken.New(idtoken.Config{Now: c.Now, Log: c.Log, Network: c.Network}),
	}
}

// Routes are the operations that this package answers. Those without a target
// decide by themselves, or are for everybody.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(stsapi.GetCallerIdentity, nil, s.getCallerIdentity),
		api.Handle(stsapi.AssumeRole, nil, s.assumeRole),
		api.Handle(stsapi.AssumeRoleWithWebIdentity, nil, s.assumeRoleWithWebIdentity),
		api.Handle(stsapi.AssumeRoleWithSAML, nil, s.assumeRoleWithSAML),
		api.Handle(stsapi.GetSessionToken, nil, s.getSessionToken),
		api.Handle(stsapi.GetFederationToken, s.gettingFederationToken, s.getFederationToken),
		api.Handle(stsapi.GetAccessKeyInfo, onAnything[stsapi.GetAccessKeyInfoRequest], s.getAccessKeyInfo),
		api.Handle(stsapi.DecodeAuthorizationMessage, onAnything[stsapi.DecodeAuthorizationMessageRequest], s.decodeAuthorizationMessage),
	}
}

// onAnything is the target of operations that know no resource type.
func onAnything[In any](context.Context, *In) policy.Target { return policy.Target{Resource: "*"} }

// may asks the judge about the caller, and refuses in the words of STS.
func (s *Service) may(ctx context.Context, action string, on policy.Target, trust *policy.Set) error {
	allowed, message, err := s.judge.Judge(ctx, action, on, trust)
	if err != nil || allowed {
		return err
	}
	f := notAuthorized(api.Caller(ctx).ARN, action, on.Resource)
	f.Authorization = message
	api.Note(ctx, "denied", action)
	return f
}

// lasting refuses callers whose credentials are those of a session.
func (s *Service) lasting(ctx context.Context, operation string) error {
	if s.caller(ctx) != nil {
		return accessDenied("Cannot call %s with session credentials", operation)
	}
	return nil
}

// permitted refuses callers whose session may not be used for an operation.
func (s *Service) permitted(ctx context.Context, operation string) error {
	if session := s.caller(ctx); session != nil {
		return session.Permits("sts:" + operation)
	}
	return nil
}

// noMFA refuses the code of a device: there are none here.
func noMFA(serialNumber, tokenCode *string) error {
	if serialNumber == nil && tokenCode == nil {
		return nil
	}
	return accessDenied("MultiFactorAuthentication failed, unable to validate MFA code.  Please verify your MFA serial number is valid and associated with this user. This server keeps no MFA devices.")
}
