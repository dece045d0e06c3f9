package people

import (
	"cmp"
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// bulkRegistering asks about users in general; the calls that the operation
// consists of ask about each.
func (s *Service) bulkRegistering(ctx context.Context, in *onsightapi.BulkRegisterUsersRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// bulkRegisterUsers registers users and makes them members of groups: for each
// row what RegisterUser and CreateGroupMembership do, both or neither. A user
// who is there already, as the row asks, is left alone, so the same rows may be
// sent again.
func (s *Service) bulkRegisterUsers(ctx context.Context, in *onsightapi.BulkRegisterUsersRequest) (*onsightapi.BulkRegisterUsersResponse, error) {
	m := mode{dryRun: value(in.DryRun), whole: value(in.AllOrNothing)}
	if err := m.limits(len(in.Users)); err != nil {
		return nil, err
	}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &onsightapi.BulkRegisterUsersResponse{Results: make([]onsightapi.BulkResult, len(in.Users))}
	rows := make([]row, len(in.Users))
	for i := range in.Users {
		r := &registration{s: s, row: &in.Users[i], result: &out.Results[i], renew: value(in.RenewInvitations) && !m.dryRun}
		r.in = request(in.AwsAccountId, r.row)
		r.result.Line, r.result.Namespace = r.row.Line, &r.in.Namespace
		rows[i] = row{r.prepare, r.apply, r.failed, r.result}
	}
	if err := s.bulk(ctx, m, rows); err != nil {
		return nil, err
	}
	done, unchanged, failed := count(out.Results)
	out.Done, out.Unchanged, out.Failed = &done, &unchanged, &failed
	return out, nil
}

// request is what registers the user of a row alone.
func request(account string, u *onsightapi.BulkUser) *qs.RegisterUserRequest {
	return &qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: cmp.Or(value(u.Namespace), "default"), UserName: given(u.UserName),
		Email: value(u.Email), IdentityType: qs.IdentityType(value(u.IdentityType)), UserRole: qs.UserRole(value(u.UserRole)),
		IamArn: given(u.IamArn), SessionName: given(u.SessionName), CustomPermissionsName: given(u.CustomPermissionsName),
		ExternalLoginFederationProviderType: given(u.ExternalLoginFederationProviderType),
		CustomFederationProviderUrl:         given(u.CustomFederationProviderUrl), ExternalLoginId: given(u.ExternalLoginId),
	}
}

// given is a text, or nil for the empty one: a table has no other way to leave
// something out.
func given(s *string) *string {
	if s == nil || *s == "" {
		return nil
	}
	return s
}

// A registration is a row that registers a user.
type registration struct {
	s      *Service
	row    *onsightapi.BulkUser
	in     *qs.RegisterUserRequest
	result *onsightapi.BulkResult
	renew  bool

	register *api.Inner[qs.RegisterUserResponse]
	name     string
	join     []*api.Inner[qs.CreateGroupMembershipResponse]
}

func (r *registration) prepare(ctx context.Context) (err error) {
	if r.register, err = api.Prepare(ctx, r.s.server, qs.RegisterUser, r.in); err != nil {
		return err
	}
	// The name may follow from the ARN of an IAM principal.
	err = r.s.db.Read(ctx, func(tx *store.Tx) error {
		r.name, _, _, err = r.s.users.Registered(tx, r.in)
		return err
	})
	if err != nil || r.name == "" {
		return err
	}
	r.result.UserName = &r.name
	for _, group := range r.row.Groups {
		join, err := api.Prepare(ctx, r.s.server, qs.CreateGroupMembership, &qs.CreateGroupMembershipRequest{
			AwsAccountId: r.in.AwsAccountId, Namespace: r.in.Namespace, GroupName: group, MemberName: r.name,
		})
		if err != nil {
			return err
		}
		r.join = append(r.join, join)
	}
	return nil
}

func (r *registration) apply(tx *store.Tx) (onsightapi.BulkOutcome, error) {
	outcome := onsightapi.BulkOutcomeRegistered
	_, exists, difference, err := r.s.users.Registered(tx, r.in)
	switch {
	case err != nil:
		return "", err
	case exists && difference != "":
		return "", fault.Exists(fault.User, "User %s already exists in namespace %s, and %s.", r.name, r.in.Namespace, difference)
	case exists:
		outcome = onsightapi.BulkOutcomeUnchanged
		if r.renew {
			url, err := r.s.users.Reinvite(tx, r.in.AwsAccountId, r.in.Namespace, r.name)
			if err != nil {
				return "", err
			}
			r.result.UserInvitationUrl = given(&url)
		}
	default:
		out, err := r.register.Run(tx)
		if err != nil {
			return "", err
		}
		r.result.Arn, r.result.UserInvitationUrl = out.User.Arn, out.UserInvitationUrl
	}
	for _, join := range r.join {
		if _, err := join.Run(tx); err != nil {
			return "", err
		}
	}
	if r.result.Arn == nil {
		r.result.Arn = new(r.register.Resource())
	}
	return outcome, nil
}

func (r *registration) failed(ctx context.Context, err error) { r.register.Failed(ctx, err) }
