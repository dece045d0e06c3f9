package people

import (
	"context"
	"time"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// idleSeat is for how many days a seat is not used that counts as idle, where
// the caller does not say.
const idleSeat = 30

func (s *Service) describingSeats(ctx context.Context, in *onsightapi.DescribeSeatsRequest) policy.Target {
	namespace := value(in.Namespace)
	if namespace == "" {
		namespace = "*"
	}
	return onUsers(ctx, in.AwsAccountId, namespace, "*")
}

// describeSeats counts the users of an account by namespace and role.
func (s *Service) describeSeats(ctx context.Context, in *onsightapi.DescribeSeatsRequest) (*onsightapi.DescribeSeatsResponse, error) {
	days := int64(idleSeat)
	if in.IdleDays != nil {
		days = int64(*in.IdleDays)
	}
	if err := s.noted(ctx); err != nil {
		return nil, err
	}
	out := &onsightapi.DescribeSeatsResponse{IdleDays: &days}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.enter(ctx, tx, in.AwsAccountId, value(in.Namespace)); err != nil {
			return err
		}
		edition, err := s.accounts.Edition(tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		seats, err := s.users.Seats(tx, in.AwsAccountId, value(in.Namespace), s.now().Add(-time.Duration(days)*24*time.Hour))
		if err != nil {
			return err
		}
		out.Edition, out.Seats = &edition, make([]onsightapi.Seats, len(seats))
		for i := range seats {
			c := &seats[i]
			out.Seats[i] = onsightapi.Seats{
				Namespace: &c.Namespace, Role: &c.Role, Total: new(c.Active + c.Idle + c.Invited + c.Deactivated),
				Active: &c.Active, Idle: &c.Idle, Invited: &c.Invited, Deactivated: &c.Deactivated, NeverSeen: &c.NeverSeen,
			}
		}
		return nil
	})
	return out, err
}
