package sts

import (
	"context"
	"errors"
	"maps"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/stsapi"
)

const (
	// roleSession is how long the session of a role lasts where nothing is said.
	roleSession = time.Hour
	// maxChained is the longest session that begins with that of another role.
	maxChained = time.Hour
)

// assumeRole begins a session of a role for whom the role trusts. What the
// caller may not do is refused in the same words as a role that is not there.
func (s *Service) assumeRole(ctx context.Context, in *stsapi.AssumeRoleRequest) (*stsapi.AssumeRoleResponse, error) {
	caller := s.caller(ctx)
	tags, err := s.mayAsk(ctx, in, caller)
	if err != nil {
		return nil, err
	}
	account, name, err := roleOf(in.RoleArn)
	if err != nil {
		return nil, validationError("%s is invalid", in.RoleArn)
	}
	role, trust, err := s.role(ctx, account, name, in.RoleArn)
	if err != nil {
		return nil, err
	}
	a := assumption{role: role, trust: trust, sessionName: in.RoleSessionName, tags: tags, lasts: duration(in.DurationSeconds, roleSession)}
	if in.SourceIdentity != nil {
		a.sourceIdentity = *in.SourceIdentity
	}
	if a.user, err = s.provided(ctx, account, in.ProvidedContexts); err != nil {
		return nil, err
	}
	if a.user != "" {
		a.claims = policy.Keys{UserKey: {a.user}}
	}
	if caller != nil && caller.SourceIdentity != "" {
		// It goes along, and cannot be changed on the way.
		if a.sourceIdentity != "" && a.sourceIdentity != caller.SourceIdentity {
			return nil, notAuthorized(api.Caller(ctx).ARN, "sts:SetSourceIdentity", in.RoleArn)
		}
		a.sourceIdentity = caller.SourceIdentity
	}
	on := policy.Target{Account: account, Resource: in.RoleArn, Context: a.keys()}
	if in.ExternalId != nil {
		on.Context["sts:externalid"] = []string{*in.ExternalId}
	}
	for _, action := range a.actions("sts:AssumeRole") {
		if err := s.may(ctx, action, on, trust); err != nil {
			return nil, err
		}
	}
	if role.ID == "" { // an empty trust policy allows nothing; if one ever did, there is still no role
		return nil, notAuthorized(api.Caller(ctx).ARN, "sts:AssumeRole", in.RoleArn)
	}
	session, made, err := s.begin(ctx, a, in.Policy, in.PolicyArns, in.MinimumSessionTokenSize)
	if err != nil {
		return nil, err
	}
	out := &stsapi.AssumeRoleResponse{
		AssumedRoleUser: &stsapi.AssumedRoleUser{Arn: session.Principal.ARN, AssumedRoleId: session.Principal.UserID},
		Credentials:     made.credentials, PackedPolicySize: made.percent, SessionTokenSize: made.size, SessionTokenUtilization: made.used,
	}
	if a.sourceIdentity != "" {
		out.SourceIdentity = &a.sourceIdentity
	}
	return out, nil
}

// mayAsk refuses what a request asks for whoever sends it, and reads its tags.
func (s *Service) mayAsk(ctx context.Context, in *stsapi.AssumeRoleRequest, caller *Session) (sessionTags, error) {
	if isRoot(api.Caller(ctx)) {
		return sessionTags{}, accessDenied("Roles may not be assumed by root accounts.")
	}
	if err := s.permitted(ctx, "AssumeRole"); err != nil {
		return sessionTags{}, err
	}
	if err := noMFA(in.SerialNumber, in.TokenCode); err != nil {
		return sessionTags{}, err
	}
	if caller != nil && caller.Kind == KindRole && duration(in.DurationSeconds, 0) > maxChained {
		return sessionTags{}, validationError("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return newSessionTags(in.Tags, in.TransitiveTagKeys, caller)
}

// An assumption is the session of a role that is asked for.
type assumption struct {
	role           Role
	trust          *policy.Set
	sessionName    string
	sourceIdentity string
	tags           sessionTags
	lasts          time.Duration
	// provider and claims are those of the token of an identity provider.
	provider string
	claims   policy.Keys
	// user is the ARN of the user of QuickSight whom a context vouches for.
	user string
}

// keys are the condition keys of the request, and of the role's tags.
func (a *assumption) keys() policy.Keys {
	keys := a.tags.keys()
	keys["sts:rolesessionname"] = []string{a.sessionName}
	if a.sourceIdentity != "" {
		keys["sts:sourceidentity"] = []string{a.sourceIdentity}
	}
	if a.user != "" {
		keys["sts:requestcontextproviders"] = []string{contextProvider}
	}
	for k, v := range a.role.Tags {
		k = strings.ToLower(k)
		keys["aws:resourcetag/"+k] = []string{v}
		keys["iam:resourcetag/"+k] = []string{v}
	}
	return keys
}

// actions are what has to be allowed: to assume the role, and what goes with
// it.
func (a *assumption) actions(assume string) []string {
	all := []string{assume}
	if len(a.tags.all) > 0 {
		all = append(all, "sts:TagSession")
	}
	if a.sourceIdentity != "" {
		all = append(all, "sts:SetSourceIdentity")
	}
	if a.user != "" {
		all = append(all, "sts:SetContext")
	}
	return all
}

// begin begins the session, whose permission is given.
func (s *Service) begin(ctx context.Context, a assumption, document *string, managed []stsapi.PolicyDescriptorType, atLeast *int32) (*Session, issued, error) {
	if a.lasts > a.role.MaxSession {
		return nil, issued{}, validationError("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	var l limits
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		l, err = s.newLimits(tx, a.role.Account, document, managed)
		return err
	})
	if err != nil {
		return nil, issued{}, err
	}
	session := &Session{
		Principal: policy.Principal{
			Type: policy.RoleSession, Account: a.role.Account, Issuer: a.role.ARN, UserID: a.role.ID + ":" + a.sessionName,
			ARN: "arn:aws:sts::" + a.role.Account + ":assumed-role/" + a.role.Name + "/" + a.sessionName, Tags: maps.Clone(a.tags.all),
		},
		Kind: KindRole, Name: a.role.Name, ID: a.role.ID, SessionName: a.sessionName, Transitive: a.tags.transitive,
		SourceIdentity: a.sourceIdentity, Provider: a.provider, Claims: a.claims, Policy: l.policy, PolicyARNs: l.arns,
	}
	made, err := s.issue(ctx, session, a.lasts, atLeast)
	return session, made, err
}

// roleOf reads the ARN of a role.
func roleOf(text string) (account, name string, err error) {
	a, err := arn.Parse(text)
	if err != nil {
		return "", "", err
	}
	if !a.IsRole() {
		return "", "", errors.New("no role")
	}
	return a.Account, a.Resource[strings.LastIndexByte(a.Resource, '/')+1:], nil
}

// role reads a role with its trust policy. One that is not there trusts nobody.
func (s *Service) role(ctx context.Context, account, name, roleARN string) (Role, *policy.Set, error) {
	var role Role
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		role, err = s.directory.Role(tx, account, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && role.ARN != roleARN {
		return Role{}, policy.NewSet(policy.Trust), nil
	}
	if err != nil {
		return Role{}, nil, err
	}
	trust, err := policy.Parse(policy.Trust, role.Trust)
	if err != nil {
		return Role{}, nil, err // it was one when it was stored
	}
	return role, policy.NewSet(policy.Trust, policy.Attached{ID: role.ARN, Type: "resource", Policy: trust}), nil
}

// isRoot says whether the caller is the root of its account, or a session of it.
func isRoot(who api.Principal) bool { return who.UserID == who.Account }

// userName is the name in the ARN of a user.
func userName(userARN string) string { return userARN[strings.LastIndexByte(userARN, '/')+1:] }
