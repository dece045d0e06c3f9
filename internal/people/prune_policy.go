package people

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// graceDays is how long a user stays deactivated before a prune deletes it,
// where the policy does not say.
const graceDays = 7

// A judge says what a policy has for each user. It lives for one transaction.
type judge struct {
	s       *Service
	tx      *store.Tx
	account string
	region  string
	policy  *onsightapi.PrunePolicy
	now     time.Time
	// heir is the ARN of who gets what deleted users own; empty where nobody is named.
	heir string
	// kept is the administrator who stays because nobody else would.
	kept *Person
}

// A verdict is what a policy has for a user. The empty action is nothing.
type verdict struct {
	action onsightapi.PruneAction
	reason string
}

// check refuses a policy that makes no sense, before anything is done.
func check(p *onsightapi.PrunePolicy) error {
	warn, deactivate, remove := value(p.WarnAfterDays), value(p.DeactivateAfterDays), value(p.DeleteAfterDays)
	switch {
	case warn == 0 && deactivate == 0 && remove == 0:
		return fault.Invalid("The policy does nothing: give WarnAfterDays, DeactivateAfterDays or DeleteAfterDays.")
	case warn != 0 && deactivate != 0 && warn >= deactivate, warn != 0 && remove != 0 && warn >= remove:
		return fault.Invalid("WarnAfterDays (%d) must be less than the days after which users are deactivated or deleted.", warn)
	case deactivate != 0 && remove != 0 && deactivate > remove:
		return fault.Invalid("DeactivateAfterDays (%d) must not be more than DeleteAfterDays (%d).", deactivate, remove)
	case remove != 0 && p.TransferTo == nil:
		return fault.Invalid("DeleteAfterDays needs TransferTo: the user who gets what deleted users own.")
	}
	return nil
}

// judge makes ready to judge users by a policy.
func (s *Service) judge(ctx context.Context, tx *store.Tx, account string, policy *onsightapi.PrunePolicy) (*judge, error) {
	region, err := s.enter(ctx, tx, account, value(policy.Namespace))
	if err != nil {
		return nil, err
	}
	j := &judge{s: s, tx: tx, account: account, region: region, policy: policy, now: s.now()}
	if policy.TransferTo != nil {
		if j.heir, err = j.user(*policy.TransferTo); err != nil {
			return nil, err
		}
	}
	admins, err := s.users.Administrators(tx, account)
	if err != nil {
		return nil, err
	}
	for i := range admins {
		a := &admins[i]
		if a.state() != onsightapi.PersonStateActive {
			continue
		}
		v, err := j.of(a)
		if err != nil {
			return nil, err
		}
		if v.action != onsightapi.PruneActionDeactivate && v.action != onsightapi.PruneActionDelete {
			j.kept = nil // this one stays anyway
			return j, nil
		}
		// Who has been there before is more likely to come than who never was.
		if j.kept == nil || j.kept.never() && !a.never() || j.kept.never() == a.never() && a.seen().After(j.kept.seen()) {
			j.kept = a
		}
	}
	return j, nil
}

// user gives the ARN of a user that is named by its ARN, or by its name in the
// namespace default.
func (j *judge) user(name string) (string, error) {
	namespace := "default"
	if a, err := arn.Parse(name); err == nil {
		kind, rest := a.Split()
		if kind != "user" || a.Account != j.account || a.Region != j.region {
			return "", fault.Invalid("%s is not a user of the account.", name)
		}
		namespace, name, _ = strings.Cut(rest, "/")
	}
	p, err := j.s.users.Person(j.tx, j.account, namespace, name)
	if err == nil && p.state() == onsightapi.PersonStateDeactivated {
		err = fault.Invalid("User %s of namespace %s is deactivated, and can't be given what others own.", name, namespace)
	}
	return userARN(j.region, j.account, namespace, name), err
}

// of says what the policy has for a user.
func (j *judge) of(p *Person) (verdict, error) {
	v := j.asked(p)
	if v.action != onsightapi.PruneActionDeactivate && v.action != onsightapi.PruneActionDelete {
		return v, nil
	}
	why, err := j.protected(p)
	if why != "" {
		v = verdict{onsightapi.PruneActionKeep, why}
	}
	return v, err
}

// asked says what the policy has for a user whom nothing protects.
func (j *judge) asked(p *Person) verdict {
	if r := j.policy.Role; r != nil && string(*r) != p.Role {
		return verdict{}
	}
	days := p.idleDays(j.now)
	since := fmt.Sprintf("not seen for %d days", days)
	if p.never() && p.Reactivated.IsZero() {
		since = fmt.Sprintf("never seen in %d days since the registration", days)
	}
	reached := func(after int32) bool { return after != 0 && days >= int64(after) }
	remove, deactivate := value(j.policy.DeleteAfterDays), value(j.policy.DeactivateAfterDays)
	if deactivate == 0 {
		deactivate = remove // who is to be deleted is deactivated first
	}
	grace := time.Duration(graceDays)
	if j.policy.GraceDays != nil {
		grace = time.Duration(*j.policy.GraceDays)
	}
	deactivated := !p.Deactivated.IsZero()
	switch {
	case reached(remove) && (grace == 0 || deactivated && !j.now.Before(p.Deactivated.Add(grace*24*time.Hour))):
		if deactivated {
			since += ", and deactivated since " + p.Deactivated.UTC().Format(time.DateOnly)
		}
		return verdict{onsightapi.PruneActionDelete, since}
	case deactivated:
		return verdict{}
	case reached(deactivate):
		return verdict{onsightapi.PruneActionDeactivate, since}
	case reached(value(j.policy.WarnAfterDays)) && !p.Warned.After(p.seen()):
		return verdict{onsightapi.PruneActionWarn, since}
	}
	return verdict{}
}

// protected says why a user stays whatever the days are; empty for no reason.
func (j *judge) protected(p *Person) (string, error) {
	own := userARN(j.region, j.account, p.Namespace, p.Name)
	switch {
	case own == j.heir:
		return "gets what deleted users own", nil
	case j.kept != nil && j.kept.Namespace == p.Namespace && j.kept.Name == p.Name:
		return "the last administrator who can act", nil
	case slices.Contains(j.policy.ProtectedUsers, p.Name), slices.Contains(j.policy.ProtectedUsers, own):
		return "protected by name", nil
	}
	tag := j.policy.ProtectedTag
	if tag == nil {
		return "", nil
	}
	tags, err := j.s.tags.Of(j.tx, own)
	for _, t := range tags {
		if t.Key == tag.Key && (tag.Value == nil || *tag.Value == t.Value) {
			return fmt.Sprintf("protected by the tag %s=%s", t.Key, t.Value), err
		}
	}
	return "", err
}

// step describes what a policy has for a user.
func (p *Person) step(v verdict, now time.Time) onsightapi.PruneStep {
	return onsightapi.PruneStep{
		Namespace: &p.Namespace, UserName: &p.Name, Email: &p.Email, Role: &p.Role, IdleDays: new(p.idleDays(now)), Action: &v.action, Reason: &v.reason,
	}
}
