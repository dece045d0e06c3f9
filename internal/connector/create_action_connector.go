package connector

import (
	"context"
	"strings"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// reservedPrefix begins the ids of connectors that are built in.
const reservedPrefix = "quicksuite-"

func (s *Service) creating(ctx context.Context, in *qs.CreateActionConnectorRequest) policy.Target {
	on := onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
	on.Context = resource.RequestTags(in.Tags)
	return on
}

// createActionConnector makes a connector, its permission list, its tags, its
// sealed secret and the job that checks it, all at once.
func (s *Service) createActionConnector(ctx context.Context, in *qs.CreateActionConnectorRequest) (*qs.CreateActionConnectorResponse, error) {
	if strings.HasPrefix(in.ActionConnectorId, reservedPrefix) {
		return nil, fault.Invalid("ActionConnectorId isn't valid: ids that begin with %s are reserved.", reservedPrefix)
	}
	r, err := s.read(in.AwsAccountId, in.Name, in.Description, in.VpcConnectionArn, in.AuthenticationConfig)
	if err != nil {
		return nil, err
	}
	if err := r.suits(in.Type); err != nil {
		return nil, err
	}
	if r.keep {
		return nil, r.managed()
	}
	if err := connectors.Sharing.Check(in.AwsAccountId, in.Permissions); err != nil {
		return nil, err
	}
	var it *item
	out := &qs.CreateActionConnectorResponse{CreationStatus: new(qs.ResourceStatus(creating))}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		if err := s.use(tx, &r); err != nil {
			return err
		}
		it = &item{
			Key: key(ctx, in.AwsAccountId, in.ActionConnectorId), Name: r.Name, Type: string(in.Type), Status: creating,
			Doc: document{Settings: r.settings},
		}
		if r.secret != "" {
			it.Doc.Settings.Auth.SecretVersion = 1
		}
		if err := connectors.Create(tx, it, s.now()); err != nil {
			return err
		}
		out.Arn, out.ActionConnectorId = &it.ARN, &it.ID
		api.Result(ctx, out)
		if _, err := connectors.Share(tx, it.ARN, nil, in.Permissions, s.principals); err != nil {
			return err
		}
		if err := s.tags.Put(tx, it.ARN, in.Tags); err != nil {
			return err
		}
		return s.begin(tx, it, r.secret)
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", it.ARN)
	return out, nil
}
