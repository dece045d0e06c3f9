package account

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

const (
	jobSubscribe = "account.subscribe"

	// patience is how long an answer waits for a job that is as a rule over
	// at once, so that a script need not poll for it.
	patience = 6 * time.Second
)

// creating names the values that policies may ask about. The action Subscribe,
// which the call needs too, has the same keys.
func (s *Service) creating(_ context.Context, in *qs.CreateAccountSubscriptionRequest) policy.Target {
	keys := policy.Keys{"quicksight:DirectoryType": {directoryType(in.AuthenticationMethod)}}
	if strings.HasPrefix(string(edition(in)), "ENTERPRISE") {
		keys["quicksight:Edition"] = []string{"enterprise"}
	} else {
		keys["quicksight:Edition"] = []string{"standard"}
	}
	return policy.Target{Resource: "*", Context: keys}
}

// createAccountSubscription signs an account up, or adds Q to one that has the
// ENTERPRISE edition.
func (s *Service) createAccountSubscription(ctx context.Context, in *qs.CreateAccountSubscriptionRequest) (*qs.CreateAccountSubscriptionResponse, error) {
	if err := s.checkSignup(in); err != nil {
		return nil, err
	}
	row, err := s.newSubscription(ctx, in)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		return s.signUp(tx, row)
	})
	if err != nil {
		return nil, err
	}
	s.await(ctx, jobSubscribe, in.AwsAccountId)
	caller := api.Caller(ctx)
	return &qs.CreateAccountSubscriptionResponse{SignupResponse: &qs.SignupResponse{
		IAMUser:       new(!fromDirectory(row.AuthenticationMethod)),
		UserLoginName: new(caller.ARN[strings.LastIndexByte(caller.ARN, ':')+1:]),
		AccountName:   new(row.Name),
	}}, nil
}

// signUp writes a new subscription and the job that completes it.
func (s *Service) signUp(tx *store.Tx, row subscription) error {
	old, err := find(tx, row.Account)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case old.Status == signingUp, old.Status == unsubscribing:
		return fault.Conflict("The account subscription is in state %s. Try again when that is over. AWS account ID: %s. ", old.Status, row.Account)
	case old.Status == created && old.Edition == "ENTERPRISE" && row.Edition == "ENTERPRISE_AND_Q":
		return upgrade(tx, old, row)
	case old.Status == created:
		return fault.Exists("", "Account is already subscribed to Quicksight.") // recorded in a bug report
	default: // it has unsubscribed, and may come back
		if _, err := tx.Exec(`DELETE FROM subscriptions WHERE account = $1`, row.Account); err != nil {
			return err
		}
	}
	err = store.Insert(tx, "subscriptions", row)
	if store.Duplicate(err) {
		return fault.Exists("", "The account name %s is taken. Account names are unique over all accounts. AWS account ID: %s. ", row.Name, row.Account)
	}
	if err != nil {
		return fmt.Errorf("insert subscription of %s: %w", row.Account, err)
	}
	return job.Add(tx, jobSubscribe, row.Account, nil, s.now())
}

// upgrade adds Q to a subscription; nothing else of it changes.
func upgrade(tx *store.Tx, old, row subscription) error {
	if row.Name != old.Name {
		return fault.Invalid("AccountName can't be changed: the account is named %s. AWS account ID: %s. ", old.Name, old.Account)
	}
	if row.AuthenticationMethod != old.AuthenticationMethod {
		return fault.Invalid("AuthenticationMethod can't be changed: it is %s. AWS account ID: %s. ", old.AuthenticationMethod, old.Account)
	}
	_, err := tx.Exec(`UPDATE subscriptions SET edition = $2, contact = $3, notification_email = $4, updated_us = $5 WHERE account = $1`,
		old.Account, row.Edition, row.Contact, row.NotificationEmail, row.UpdatedUS)
	return err
}

// subscribe is the job behind SIGNUP_ATTEMPT_IN_PROGRESS: it gives the account
// its default namespace, its first administrator and the roles of its groups.
func (s *Service) subscribe(ctx context.Context, j job.Job) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		row, err := find(tx, j.Key)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Status != signingUp {
			return nil // done by whoever held the job before
		}
		if err != nil {
			return err
		}
		return s.furnish(tx, row)
	})
}

func (s *Service) furnish(tx *store.Tx, row subscription) error {
	now := store.Micros(s.now())
	directoryID := newDirectoryID()
	err := store.Insert(tx, "namespaces", namespace{
		Account: row.Account, Name: defaultNamespace, Region: row.Region, Status: namespaceCreated,
		IdentityStore: "QUICKSIGHT", DirectoryID: directoryID, CreatedUS: now,
	})
	if err != nil {
		return fmt.Errorf("insert default namespace of %s: %w", row.Account, err)
	}
	if fromDirectory(row.AuthenticationMethod) {
		var d directory
		if err := json.Unmarshal([]byte(row.Directory), &d); err != nil {
			return fmt.Errorf("directory of %s: %w", row.Account, err)
		}
		for role, groups := range d.Groups {
			if err := s.people.GrantRole(tx, row.Account, defaultNamespace, role, groups); err != nil {
				return err
			}
		}
	} else {
		var who api.Principal
		if err := json.Unmarshal([]byte(row.Subscriber), &who); err != nil {
			return fmt.Errorf("subscriber of %s: %w", row.Account, err)
		}
		if err := s.people.AddSubscriber(tx, row.Account, defaultNamespace, directoryID, row.NotificationEmail, who); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`UPDATE subscriptions SET status = $2, updated_us = $3 WHERE account = $1`, row.Account, created, now)
	return err
}

var tenDigits = regexp.MustCompile(`^[0-9]{10}$`)

// checkSignup checks what the model cannot say: which members belong together.
func (s *Service) checkSignup(in *qs.CreateAccountSubscriptionRequest) error {
	e := edition(in)
	if e == qs.EditionStandard && !s.standard {
		return fault.Invalid("Edition STANDARD can't be chosen: choose ENTERPRISE or ENTERPRISE_AND_Q. AWS account ID: %s. ", in.AwsAccountId)
	}
	if e == qs.EditionEnterpriseAndQ {
		if missing := absent(
			member{"FirstName", in.FirstName}, member{"LastName", in.LastName},
			member{"EmailAddress", in.EmailAddress}, member{"ContactNumber", in.ContactNumber},
		); missing != "" {
			return fault.Invalid("One or more required attributes for edition ENTERPRISE_AND_Q are missing: %s.", missing)
		}
		if !tenDigits.MatchString(*in.ContactNumber) {
			return fault.Invalid("ContactNumber must have ten digits. AWS account ID: %s. ", in.AwsAccountId)
		}
	}
	admins := len(in.AdminGroup)+len(in.AdminProGroup) > 0
	switch in.AuthenticationMethod {
	case qs.AuthenticationMethodOptionActiveDirectory:
		missing := absent(member{"ActiveDirectoryName", in.ActiveDirectoryName}, member{"Realm", in.Realm})
		if !admins {
			missing = strings.TrimPrefix(missing+", Admin or Admin Pro group", ", ")
		}
		if missing != "" {
			return fault.Invalid("One or more required attributes for active directory are missing: %s.", missing)
		}
	case qs.AuthenticationMethodOptionIAMIdentityCenter:
		if !admins {
			return fault.Invalid("One or more required attributes for identity center are missing: Admin or Admin Pro group.")
		}
	default:
		if groups := groupsByRole(in); len(groups) > 0 {
			return fault.Invalid("Groups have a role only with authentication method ACTIVE_DIRECTORY or IAM_IDENTITY_CENTER, not with %s. AWS account ID: %s. ",
				in.AuthenticationMethod, in.AwsAccountId)
		}
	}
	return nil
}

func (s *Service) newSubscription(ctx context.Context, in *qs.CreateAccountSubscriptionRequest) (subscription, error) {
	now := store.Micros(s.now())
	who, err := json.Marshal(api.Caller(ctx))
	if err != nil {
		return subscription{}, err
	}
	people, err := json.Marshal(contact{
		FirstName: value(in.FirstName), LastName: value(in.LastName),
		EmailAddress: value(in.EmailAddress), ContactNumber: value(in.ContactNumber),
	})
	if err != nil {
		return subscription{}, err
	}
	d, err := json.Marshal(directory{
		ActiveDirectoryName: value(in.ActiveDirectoryName), Realm: value(in.Realm), DirectoryID: value(in.DirectoryId),
		InstanceARN: value(in.IAMIdentityCenterInstanceArn), Groups: groupsByRole(in),
	})
	if err != nil {
		return subscription{}, err
	}
	return subscription{
		Account: in.AwsAccountId, Name: in.AccountName, NameKey: new(strings.ToLower(in.AccountName)),
		Edition: string(edition(in)), AuthenticationMethod: string(in.AuthenticationMethod),
		Region: api.Region(ctx), Status: signingUp, NotificationEmail: in.NotificationEmail,
		DefaultNamespace: defaultNamespace, TerminationProtection: true,
		Contact: string(people), Directory: string(d), Subscriber: string(who), CreatedUS: now, UpdatedUS: now,
	}, nil
}

// edition is the one asked for; ENTERPRISE when none is.
func edition(in *qs.CreateAccountSubscriptionRequest) qs.Edition {
	if in.Edition == nil {
		return qs.EditionEnterprise
	}
	return *in.Edition
}

// directoryType is the value of quicksight:DirectoryType for a sign-up.
func directoryType(m qs.AuthenticationMethodOption) string {
	switch m {
	case qs.AuthenticationMethodOptionIAMOnly:
		return "iam"
	case qs.AuthenticationMethodOptionActiveDirectory:
		return "microsoft_ad"
	case qs.AuthenticationMethodOptionIAMIdentityCenter:
		return "iam_identity_center"
	default:
		return "quicksight"
	}
}

// fromDirectory tells whether the account's people and their roles come from a
// directory, rather than from calls of the API.
func fromDirectory(method string) bool {
	return method == "ACTIVE_DIRECTORY" || method == "IAM_IDENTITY_CENTER"
}

func groupsByRole(in *qs.CreateAccountSubscriptionRequest) map[string][]string {
	roles := map[string][]string{}
	for role, groups := range map[string][]string{
		"ADMIN": in.AdminGroup, "AUTHOR": in.AuthorGroup, "READER": in.ReaderGroup,
		"ADMIN_PRO": in.AdminProGroup, "AUTHOR_PRO": in.AuthorProGroup, "READER_PRO": in.ReaderProGroup,
	} {
		if len(groups) > 0 {
			roles[role] = groups
		}
	}
	return roles
}

// absent lists the names of members that are not given or empty.
func absent(members ...member) string {
	var names []string
	for _, m := range members {
		if value(m.value) == "" {
			names = append(names, m.name)
		}
	}
	return strings.Join(names, ", ")
}

type member struct {
	name  string
	value *string
}

func value(s *string) string { return *cmp.Or(s, new("")) }

// newDirectoryID makes the id of a namespace's directory, as AWS Directory
// Service forms them.
func newDirectoryID() string {
	var b [5]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "d-" + hex.EncodeToString(b[:])
}

// await gives a job the time that it takes as a rule. What comes of it, the
// caller reads in the state of the account or namespace.
func (s *Service) await(ctx context.Context, kind, key string) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_ = s.jobs.Wait(ctx, kind, key) // it ends by the time limit at worst
}
