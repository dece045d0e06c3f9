package identity

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// requestingSelfUpgrade asks about the user that the caller is, by the name
// that the user has if there is one.
func (s *Service) requestingSelfUpgrade(ctx context.Context, in *onsightapi.RequestSelfUpgradeRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, callerName(api.Caller(ctx)))
}

// callerName is the name under which a caller is registered: that of an IAM
// user, that of a role with the session's, or the account of root.
func callerName(who api.Principal) string {
	_, resource, _ := strings.Cut(strings.TrimPrefix(who.ARN, "arn:"), who.Account+":")
	kind, rest, _ := strings.Cut(resource, "/")
	switch kind {
	case "user":
		return rest[strings.LastIndexByte(rest, '/')+1:]
	case "assumed-role":
		return rest
	}
	return who.Account
}

// requestSelfUpgrade asks for a higher role for whoever calls. Where requests
// are approved at once, so is this one.
func (s *Service) requestSelfUpgrade(ctx context.Context, in *onsightapi.RequestSelfUpgradeRequest) (*onsightapi.RequestSelfUpgradeResponse, error) {
	out := &onsightapi.RequestSelfUpgradeResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := s.caller(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		requested := string(in.RequestedRole)
		if !slices.Contains(above[u.Role], requested) {
			return fault.Invalid("%s is no upgrade from %s. %s", requested, u.Role, tail(u.Account, u.Namespace))
		}
		r := upgrade{
			Account: u.Account, Namespace: u.Namespace, ID: uuid.NewString(), User: u.Name, OriginalRole: u.Role, RequestedRole: requested,
			Note: in.RequestNote, Status: string(qs.SelfUpgradeRequestStatusPending), CreatedUS: store.Micros(s.now()),
		}
		err = store.Insert(tx, "self_upgrades", r)
		if store.Duplicate(err) {
			return fault.Conflict("User %s has a request already that waits to be approved. %s", u.Name, tail(u.Account, u.Namespace))
		}
		if err != nil {
			return err
		}
		approval, err := approvalOf(tx, tenant, u.Account, u.Namespace)
		if err != nil {
			return err
		}
		if approval == qs.SelfUpgradeStatusAutoApproval {
			if err := s.apply(tx, &r); err != nil {
				return err
			}
			if err := s.save(tx, &r); err != nil {
				return err
			}
		}
		*out = onsightapi.RequestSelfUpgradeResponse{
			UpgradeRequestId: &r.ID, UserName: &r.User, OriginalRole: &r.OriginalRole, RequestedRole: &r.RequestedRole,
			RequestNote: r.Note, RequestStatus: &r.Status,
		}
		api.Result(ctx, out)
		return nil
	})
	return out, err
}

// caller finds the user of a namespace as whom the caller is registered.
func (s *Service) caller(ctx context.Context, tx *store.Tx, account, namespace string) (user, error) {
	who := api.Caller(ctx)
	derived := who.UserID
	if id, session, _ := strings.Cut(who.UserID, ":"); len(id) > 4 && who.Type != "Root" {
		iamARN := who.ARN
		if who.Session != nil {
			iamARN = who.Session.IssuerARN
		}
		derived = uniqueID(id[:4], iamARN)
		if session != "" {
			derived += ":" + session
		}
	}
	for _, id := range []string{who.UserID, derived} {
		name, err := store.One[string](tx, nameByPrincipal, account, namespace, "federated/iam/"+id)
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return user{}, err
		}
		return find(tx, account, namespace, name)
	}
	return user{}, noUser(account, namespace, callerName(who))
}
