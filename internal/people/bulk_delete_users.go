package people

import (
	"cmp"
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// bulkDeleting asks about users in general; the calls that the operation
// consists of ask about each.
func (s *Service) bulkDeleting(ctx context.Context, in *onsightapi.BulkDeleteUsersRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, "*", "*")
}

// bulkDeleteUsers does for each row what DeleteUser does. A user who is not
// there is what the row asks for, so the same rows may be sent again.
func (s *Service) bulkDeleteUsers(ctx context.Context, in *onsightapi.BulkDeleteUsersRequest) (*onsightapi.BulkDeleteUsersResponse, error) {
	m := mode{dryRun: value(in.DryRun), whole: value(in.AllOrNothing)}
	if err := m.limits(len(in.Users)); err != nil {
		return nil, err
	}
	var region string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		region, err = s.accounts.Open(ctx, tx, in.AwsAccountId)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &onsightapi.BulkDeleteUsersResponse{Results: make([]onsightapi.BulkResult, len(in.Users))}
	rows := make([]row, len(in.Users))
	for i := range in.Users {
		r := &removal{s: s, result: &out.Results[i], in: &qs.DeleteUserRequest{
			AwsAccountId: in.AwsAccountId, Namespace: cmp.Or(value(in.Users[i].Namespace), "default"), UserName: value(in.Users[i].UserName),
		}}
		r.result.Line, r.result.Namespace, r.result.UserName = in.Users[i].Line, &r.in.Namespace, &r.in.UserName
		r.result.Arn = new(userARN(region, r.in.AwsAccountId, r.in.Namespace, r.in.UserName))
		rows[i] = row{r.prepare, r.apply, r.failed, r.result}
	}
	if err := s.bulk(ctx, m, rows); err != nil {
		return nil, err
	}
	done, unchanged, failed := count(out.Results)
	out.Done, out.Unchanged, out.Failed = &done, &unchanged, &failed
	return out, nil
}

// A removal is a row that deletes a user.
type removal struct {
	s      *Service
	in     *qs.DeleteUserRequest
	result *onsightapi.BulkResult
	remove *api.Inner[qs.DeleteUserResponse]
}

func (r *removal) prepare(ctx context.Context) (err error) {
	if r.in.UserName == "" {
		return fault.Invalid("UserName is missing.")
	}
	r.remove, err = api.Prepare(ctx, r.s.server, qs.DeleteUser, r.in)
	return err
}

func (r *removal) apply(tx *store.Tx) (onsightapi.BulkOutcome, error) {
	_, err := r.remove.Run(tx)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" && f.ResourceType == fault.User {
		return onsightapi.BulkOutcomeUnchanged, nil
	}
	if err != nil {
		return "", err
	}
	return onsightapi.BulkOutcomeDeleted, nil
}

func (r *removal) failed(ctx context.Context, err error) { r.remove.Failed(ctx, err) }
