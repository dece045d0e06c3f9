package ownership

import (
	"context"
	"errors"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// pageSize is how many resources one transaction moves.
const pageSize = 100

func (s *Service) transferring(context.Context, *onsightapi.TransferOwnershipRequest) policy.Target {
	return everything()
}

// transferOwnership moves one page of what a user or group owns, or tells what
// it would move.
func (s *Service) transferOwnership(ctx context.Context, in *onsightapi.TransferOwnershipRequest) (*onsightapi.TransferOwnershipResponse, error) {
	if len(in.ResourceArns) > 0 && in.NextToken != nil && *in.NextToken != "" {
		return nil, fault.Invalid("ResourceArns and NextToken can't be given together: chosen resources are answered at once.")
	}
	dry := in.DryRun != nil && *in.DryRun
	scope := page.Scope("TransferOwnership", in.AwsAccountId, in.From, in.To, map[bool]string{true: "dry"}[dry])
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.TransferOwnershipResponse{DryRun: &dry}
	do := s.db.Write
	if dry {
		do = s.db.Read
	}
	err = do(ctx, func(tx *store.Tx) error {
		from, to, err := s.parties(tx, in.AwsAccountId, in.From, in.To)
		if err != nil {
			return err
		}
		out.From, out.To = &from, &to
		var results []Result
		if len(in.ResourceArns) > 0 {
			results, err = chosen(tx, in.AwsAccountId, from, to, in.ResourceArns, dry)
		} else {
			results, err = step(tx, from, to, p.After(0), p.Limit, dry)
		}
		if err != nil {
			return err
		}
		out.NextToken = nil
		if len(in.ResourceArns) == 0 && len(results) == p.Limit {
			out.NextToken = p.Next(results[p.Limit-1].ARN)
		}
		out.Results = make([]onsightapi.OwnershipResult, 0, len(results))
		var moved int64
		for _, r := range results {
			if r.Outcome == Transferred {
				moved++
			}
			out.Results = append(out.Results, r.api())
		}
		out.Transferred = &moved
		api.Result(ctx, &onsightapi.TransferOwnershipResponse{From: &from, To: &to, DryRun: &dry, Transferred: &moved})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// Outcomes of a transfer, for each resource.
const (
	// Transferred is what has another owner now.
	Transferred = onsightapi.OwnershipOutcomeTransferred
	// Planned is what a dry run would transfer.
	Planned = onsightapi.OwnershipOutcomePlanned
	// NotOwned is what the one who should give it away does not own.
	NotOwned = onsightapi.OwnershipOutcomeNotOwned
	// NotFound is what is not there.
	NotFound = onsightapi.OwnershipOutcomeNotFound
)

// A Result tells what became of one resource.
type Result struct {
	ARN, Kind, Region, ID, Name string
	Outcome                     onsightapi.OwnershipOutcome
}

func (r Result) api() onsightapi.OwnershipResult {
	out := onsightapi.OwnershipResult{Arn: &r.ARN, Outcome: &r.Outcome}
	if r.Kind != "" {
		out.Kind, out.Region, out.Id, out.Name = &r.Kind, &r.Region, &r.ID, &r.Name
	}
	return out
}

// Transfer moves all that a user or group owns to another one, both given by
// ARN, and gives how many resources it moved. each, which may be nil, is told
// of every resource once its page is durable. It is for whoever removes users:
// what is moved stays moved when a later page fails, and calling it again goes
// on. It must not be called inside of a transaction.
func (s *Service) Transfer(ctx context.Context, account, from, to string, each func(Result)) (moved int, err error) {
	for {
		var results []Result
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			giver, taker, err := s.parties(tx, account, from, to)
			if err != nil {
				return err
			}
			// What is moved is not found again, so each page begins anew.
			results, err = step(tx, giver, taker, "", pageSize, false)
			return err
		})
		if err != nil {
			return moved, err
		}
		moved += len(results)
		for _, r := range results {
			if each != nil {
				each(r)
			}
		}
		if len(results) < pageSize {
			return moved, nil
		}
	}
}

// TransferIn is Transfer inside of a transaction: all or nothing, together with
// what else the transaction does. It is for one user at a time, such as one
// that is deleted.
func (s *Service) TransferIn(tx *store.Tx, account, from, to string) (moved int64, err error) {
	giver, taker, err := s.parties(tx, account, from, to)
	if err != nil {
		return 0, err
	}
	for {
		results, err := step(tx, giver, taker, "", pageSize, false)
		moved += int64(len(results))
		if err != nil || len(results) < pageSize {
			return moved, err
		}
	}
}

// step moves up to limit of what one owns, after an ARN; in a dry run it only
// tells.
func step(tx *store.Tx, from, to, after string, limit int, dry bool) ([]Result, error) {
	owned, err := resource.Owned(tx, from, after, limit)
	if err != nil {
		return nil, err
	}
	results := make([]Result, len(owned))
	for i, h := range owned {
		if results[i], err = hand(tx, h, from, to, dry); err != nil {
			return nil, err
		}
	}
	return results, nil
}

func hand(tx *store.Tx, h resource.Holding, from, to string, dry bool) (Result, error) {
	r := Result{ARN: h.ARN, Kind: h.Kind, Region: h.Region, ID: h.ID, Name: h.Name, Outcome: Planned}
	if dry {
		return r, nil
	}
	r.Outcome = Transferred
	return r, resource.HandOver(tx, h.ARN, from, to)
}

// chosen moves those of some resources that one owns, and tells of each of
// them what became of it.
func chosen(tx *store.Tx, account, from, to string, arns []string, dry bool) ([]Result, error) {
	results := []Result{}
	for i, a := range arns {
		if slices.Contains(arns[:i], a) {
			continue
		}
		h, err := resource.Held(tx, a, from)
		if errors.Is(err, store.ErrNotFound) || err == nil && h.Account != account {
			results = append(results, Result{ARN: a, Outcome: NotFound})
			continue
		}
		if err != nil {
			return nil, err
		}
		if !h.Owner {
			results = append(results, Result{ARN: a, Kind: h.Kind, Region: h.Region, ID: h.ID, Name: h.Name, Outcome: NotOwned})
			continue
		}
		r, err := hand(tx, h, from, to, dry)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// parties gives the ARNs of both sides, which must be there. A reader cannot
// be given anything: it may not use what it would own.
func (s *Service) parties(tx *store.Tx, account, from, to string) (giver, taker string, err error) {
	if err := s.accounts.Subscribed(tx, account); err != nil {
		return "", "", err
	}
	if giver, _, err = s.party(tx, account, "From", from); err != nil {
		return "", "", err
	}
	taker, role, err := s.party(tx, account, "To", to)
	switch {
	case err != nil:
		return "", "", err
	case giver == taker:
		return "", "", fault.Invalid("From and To are the same, %s.", giver)
	case strings.Contains(role, "READER"):
		return "", "", fault.Invalid("To %s is a reader, who can own nothing: a reader may only look.", taker)
	}
	return giver, taker, nil
}

// party reads whom a member names: an ARN, or the end of one, such as
// user/default/ana.
func (s *Service) party(tx *store.Tx, account, member, name string) (principal, role string, err error) {
	if !strings.HasPrefix(name, "arn:") {
		region, err := s.accounts.IdentityRegion(tx, account)
		if err != nil {
			return "", "", err
		}
		name = arn.QuickSight(region, account, name)
	}
	a, err := arn.Parse(name)
	if err != nil {
		return "", "", fault.Invalid("%s %s isn't valid: %v.", member, name, err)
	}
	kind, rest := a.Split()
	if !a.IsQuickSight() || a.Account != account || rest == "" || kind != "user" && kind != "group" {
		return "", "", fault.Invalid("%s %s isn't valid: it must be a user or group of account %s, such as user/default/ana.", member, name, account)
	}
	ok, err := s.people.Exists(tx, a)
	if err == nil && !ok {
		err = fault.NotFound("", "%s %s can't be found.", member, name)
	}
	if err == nil && kind == "user" {
		role, err = s.people.Role(tx, a)
	}
	return name, role, err
}
