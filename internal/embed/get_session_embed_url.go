package embed

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// ownNamespace is where callers are registered who ask for a URL of their own.
const ownNamespace = "default"

func (s *Service) gettingSession(ctx context.Context, in *qs.GetSessionEmbedUrlRequest) policy.Target {
	if in.UserArn != nil {
		return onUser(*in.UserArn, nil)
	}
	return onUser(arn.QuickSight(api.Region(ctx), in.AwsAccountId, "user/"+ownNamespace+"/"+s.People.CallerName(ctx)), nil)
}

// getSession makes the URL of the console for a user, or for the caller where
// none is named. It is the older way: the domains are those of the account.
func (s *Service) getSession(ctx context.Context, in *qs.GetSessionEmbedUrlRequest) (*qs.GetSessionEmbedUrlResponse, error) {
	path, err := entryPath("EntryPoint", in.EntryPoint)
	if err != nil {
		return nil, err
	}
	out := &qs.GetSessionEmbedUrlResponse{}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.Accounts.Enterprise(tx, in.AwsAccountId); err != nil {
			return err
		}
		region, err := s.Accounts.IdentityRegion(tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		var name string
		namespace := ownNamespace
		if in.UserArn != nil {
			namespace, name, err = userOf(*in.UserArn, in.AwsAccountId, region)
		} else if name, err = s.People.OwnUser(ctx, tx, in.AwsAccountId, namespace); err != nil && fault.Of(err).Code == "ResourceNotFoundException" {
			err = noUser("The caller " + api.Caller(ctx).ARN + " is no user in namespace " + namespace + " of account " + in.AwsAccountId + ". Register it, or name a user with UserArn.")
		}
		if err != nil {
			return err
		}
		out.EmbedUrl, err = s.url(tx, asked{account: in.AwsAccountId, namespace: namespace, user: name, path: path, life: life(in.SessionLifetimeInMinutes)})
		return err
	})
	return out, err
}
