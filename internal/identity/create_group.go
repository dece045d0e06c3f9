package identity

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) creatingGroup(ctx context.Context, in *qs.CreateGroupRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, in.GroupName)
}

// createGroup adds a group without members to a namespace.
func (s *Service) createGroup(ctx context.Context, in *qs.CreateGroupRequest) (*qs.CreateGroupResponse, error) {
	out := &qs.CreateGroupResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.enterToChange(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if n := utf8.RuneCountInString(in.GroupName); n > longestName {
			return fault.Invalid("GroupName has %d characters; a name has at most %d. %s", n, longestName, tail(in.AwsAccountId, in.Namespace))
		}
		// Version 7 orders ids by time, as those of users.
		id, err := uuid.NewV7()
		if err != nil {
			return fmt.Errorf("new principal id: %w", err)
		}
		g := group{
			Account: in.AwsAccountId, Namespace: in.Namespace, Name: in.GroupName, NameKey: strings.ToLower(in.GroupName),
			PrincipalID: "group/" + tenant.DirectoryID + "/" + id.String(), Description: in.Description, CreatedUS: store.Micros(s.now()),
		}
		if err := s.addGroup(tx, g); err != nil {
			return err
		}
		out.Group = new(g.api(tenant.Region))
		api.Result(ctx, &qs.CreateGroupResponse{Group: &qs.Group{Arn: out.Group.Arn, PrincipalId: out.Group.PrincipalId}})
		return nil
	})
	return out, err
}

func (s *Service) addGroup(tx *store.Tx, g group) error {
	err := store.Insert(tx, "user_groups", g)
	if store.Duplicate(err) {
		return fault.Exists(fault.Group, "AWS account ID: %s, Namespace: %s, Group name: %s already exists. ", g.Account, g.Namespace, g.Name)
	}
	if err != nil {
		return err
	}
	n, err := store.One[int64](tx, `INSERT INTO group_counts (account, namespace, groups_n) VALUES ($1, $2, 1)
		ON CONFLICT (account, namespace) DO UPDATE SET groups_n = group_counts.groups_n + 1 RETURNING groups_n`, g.Account, g.Namespace)
	if err != nil {
		return fmt.Errorf("count groups: %w", err)
	}
	if n > int64(s.groupsPerNamespace) {
		return fault.Limit(fault.Group, "A namespace has at most %d groups. %s", s.groupsPerNamespace, tail(g.Account, g.Namespace))
	}
	return nil
}
