package signin

import (
	"context"
	"errors"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/web"
)

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.InviteUser, s.inviting, s.inviteUser),
		api.Handle(onsightapi.CreatePasswordLink, s.linking, s.createPasswordLink),
		api.Handle(onsightapi.ListSignInLocks, s.listing, s.listSignInLocks),
		api.Handle(onsightapi.UnlockSignIn, s.unlocking, s.unlockSignIn),
		api.Handle(onsightapi.GetSecondFactorPolicy, s.gettingFactorPolicy, s.getFactorPolicy),
		api.Handle(onsightapi.PutSecondFactorPolicy, s.puttingFactorPolicy, s.putFactorPolicy),
		api.Handle(onsightapi.ListSignInFactors, s.listingFactors, s.listFactors),
		api.Handle(onsightapi.ResetSignInFactors, s.resettingFactors, s.resetFactors),
	}
}

func onUser(ctx context.Context, account, namespace, name string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "user/"+namespace+"/"+name)}
}

func (s *Service) inviting(ctx context.Context, in *onsightapi.InviteUserRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// inviteUser invites someone anew who has not answered an invitation: by mail,
// or with a link to hand over. The invitation before is void.
func (s *Service) inviteUser(ctx context.Context, in *onsightapi.InviteUserRequest) (*onsightapi.InviteUserResponse, error) {
	mails := in.SendMail != nil && *in.SendMail
	if mails && s.Mail == nil {
		return nil, fault.Invalid("This server sends no mail, because it has no -smtp-url. Leave SendMail out to get the link.")
	}
	out := &onsightapi.InviteUserResponse{Sending: &mails}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.user(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		link, ends, ok, err := s.People.Invite(tx, p.Account, p.Namespace, p.Name)
		if err != nil {
			return err
		}
		if !ok {
			return fault.Conflict("User %s can't be invited: only a user of identity type QUICKSIGHT who has not answered an invitation yet can.", p.Name)
		}
		if mails {
			lang := web.Languages[0]
			if in.Language != nil {
				lang = string(*in.Language)
			}
			// The letter's link is made when it is written.
			return job.Add(tx, jobInvite, p.Account, letter{Account: p.Account, Namespace: p.Namespace, User: p.Name, Lang: lang}, s.Now())
		}
		out.UserInvitationUrl, out.ExpirationTime = new(contract.Secret(link)), &ends
		return nil
	})
	return out, err
}

// user finds the user that a call names.
func (s *Service) user(ctx context.Context, tx *store.Tx, account, namespace, name string) (Person, error) {
	if err := s.Accounts.Enter(ctx, tx, account, namespace); err != nil {
		return Person{}, err
	}
	p, err := s.People.Person(tx, account, namespace, name)
	if errors.Is(err, store.ErrNotFound) {
		err = fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, Username: %s. ", account, namespace, name)
	}
	return p, err
}

func (s *Service) linking(ctx context.Context, in *onsightapi.CreatePasswordLinkRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// createPasswordLink makes the link with which an active user chooses a new
// password, for an administrator to hand over.
func (s *Service) createPasswordLink(ctx context.Context, in *onsightapi.CreatePasswordLinkRequest) (*onsightapi.CreatePasswordLinkResponse, error) {
	out := &onsightapi.CreatePasswordLinkResponse{}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.user(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		if !p.hasPassword() || !p.Active {
			return fault.Conflict("User %s can't be given a link: only an active user of identity type QUICKSIGHT can. Others are invited, or sign in elsewhere.", p.Name)
		}
		token, ends, err := s.newReset(tx, p)
		out.PasswordUrl, out.ExpirationTime = new(contract.Secret(s.Site.PublicURL(resetPath, "token", token))), &ends
		return err
	})
	return out, err
}

func (s *Service) listing(ctx context.Context, in *onsightapi.ListSignInLocksRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, "*", "*")
}

// listSignInLocks lists the users and addresses with failed attempts.
func (s *Service) listSignInLocks(ctx context.Context, in *onsightapi.ListSignInLocksRequest) (*onsightapi.ListSignInLocksResponse, error) {
	scope := page.Scope("ListSignInLocks", in.AwsAccountId)
	p, err := s.Tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListSignInLocksResponse{Locks: []onsightapi.SignInLock{}}
	err = s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Locks, out.NextToken = out.Locks[:0], nil
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[lock](tx, `SELECT `+lockColumns+` FROM sign_in_locks
			WHERE account = $1 AND name > $2 AND (name LIKE 'user/%' OR name LIKE 'factor/%' OR name LIKE 'address/%') ORDER BY name LIMIT $3`, in.AwsAccountId, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			out.NextToken = p.Next(rows[len(rows)-1].Name)
		}
		for _, row := range rows {
			l := onsightapi.SignInLock{Attempts: &row.Failures, LastAttempt: new(store.Time(row.LastUS))}
			if until := store.Time(row.UntilUS); s.Now().Before(until) {
				l.LockedUntil = &until
			}
			if address, ok := strings.CutPrefix(row.Name, "address/"); ok {
				l.Address = &address
			} else {
				kind, rest, _ := strings.Cut(row.Name, "/")
				namespace, name, _ := strings.Cut(rest, "/")
				if kind == "factor" {
					l.SecondFactor = new(true)
				}
				l.Namespace, l.UserName = &namespace, &name
			}
			out.Locks = append(out.Locks, l)
		}
		return nil
	})
	return out, err
}

func (s *Service) subscribed(tx *store.Tx, account string) error {
	_, err := s.Accounts.Name(tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return fault.NotFound("", "Account information for account %s is not found: the account is not signed up with QuickSight.", account)
	}
	return err
}

func (s *Service) unlocking(ctx context.Context, in *onsightapi.UnlockSignInRequest) policy.Target {
	if in.UserName == nil {
		return onUser(ctx, in.AwsAccountId, "*", "*")
	}
	namespace := "default"
	if in.Namespace != nil {
		namespace = *in.Namespace
	}
	return onUser(ctx, in.AwsAccountId, namespace, *in.UserName)
}

// unlockSignIn forgets the failed attempts of a user or of an address.
func (s *Service) unlockSignIn(ctx context.Context, in *onsightapi.UnlockSignInRequest) (*onsightapi.UnlockSignInResponse, error) {
	if (in.UserName == nil) == (in.Address == nil) {
		return nil, fault.Invalid("Give either UserName or Address.")
	}
	name, factor := "", ""
	if in.Address != nil {
		address := api.Origin{Address: strings.TrimSuffix(*in.Address, "/64")}.Network()
		name = lockAddress(address)
	} else {
		namespace := "default"
		if in.Namespace != nil {
			namespace = *in.Namespace
		}
		name, factor = lockUser(namespace, *in.UserName), lockFactor(namespace, *in.UserName)
	}
	var n int64
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		n, err = tx.Exec(`DELETE FROM sign_in_locks WHERE account = $1 AND name IN ($2, $3)`, in.AwsAccountId, name, factor)
		return err
	})
	return &onsightapi.UnlockSignInResponse{Unlocked: new(n > 0)}, err
}
