package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const pruneAbout = `Says what a policy would do to users who were not seen for long, and why; with -apply, does it.

  -warn 60d        they are named in the report, and written to if the server sends letters (-smtp-url)
  -idle 90d        they are deactivated: they can't sign in nor be used until "people reactivate"
  -delete 180d     those who have been deactivated for -grace days are deleted, and what they own is
                   given to -transfer-to

The last administrator who can act is always kept, and so is who is protected by name or by tag. A prune
is a job of the server: it goes on when this command or the server is interrupted, and its report is kept
("onsight people prunes"). To prune on a schedule, run the same command from cron.`

// names is a flag that may be given several times.
type names []string

func (n *names) String() string { return strings.Join(*n, " ") }

func (n *names) Set(v string) error {
	if v == "" {
		return errors.New("a name is missing")
	}
	*n = append(*n, v)
	return nil
}

func peoplePrune(ctx context.Context, args []string, s streams) error {
	var r remote
	var warn, idle, remove days
	grace := days(7)
	var protect names
	fs := peopleFlags("prune", "", pruneAbout, &r, s)
	fs.Var(&warn, "warn", "warn those who were not seen for so many `days`, such as 60d")
	fs.Var(&idle, "idle", "deactivate those who were not seen for so many `days`, such as 90d")
	fs.Var(&remove, "delete", "delete those who were not seen for so many `days`, such as 180d, and are deactivated")
	fs.Var(&grace, "grace", "how many `days` users stay deactivated before they are deleted; 0d deletes at once")
	fs.Var(&protect, "protect", "`name` or ARN of a user to keep; may be given several times")
	transferTo := fs.String("transfer-to", "", "`user` of the namespace default, or ARN of a user, who gets what deleted users own")
	protectTag := fs.String("protect-tag", "", "keep users with this tag, given as `key` or key=value")
	namespace := fs.String("namespace", "", "only this `namespace`")
	role := fs.String("role", "", "only this `role`, such as READER")
	language := fs.String("language", "", "`language` of the letters to those who are warned: en or de")
	apply := fs.Bool("apply", false, "do it")
	format := fs.String("format", "table", "`format` of the plan or the report: table, json or csv")
	if _, err := parsePeople(fs, args, "", 0, 0); err != nil {
		return err
	}
	if r.json {
		*format = "json"
	}
	if warn == 0 && idle == 0 && remove == 0 {
		return usageError{errors.New("people prune needs -warn, -idle or -delete: days such as 90d after which something happens")}
	}
	if remove != 0 && *transferTo == "" {
		return usageError{errors.New("people prune -delete needs -transfer-to: the user who gets what deleted users own")}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	policy := &onsightapi.PrunePolicy{
		WarnAfterDays: warn.days(), DeactivateAfterDays: idle.days(), DeleteAfterDays: remove.days(), Namespace: set[string](*namespace),
		Role: upper[onsightapi.PersonRole](*role), ProtectedUsers: protect, TransferTo: set[string](*transferTo),
		Language: set[onsightapi.Language](*language),
	}
	if remove != 0 {
		policy.GraceDays = new(int32(grace))
	}
	if *protectTag != "" {
		key, value, ok := strings.Cut(*protectTag, "=")
		policy.ProtectedTag = &onsightapi.ProtectedTag{Key: key}
		if ok {
			policy.ProtectedTag.Value = &value
		}
	}
	if *apply {
		return applyPrune(ctx, c, r.account, policy, *format, s)
	}
	in := onsightapi.PlanPruneRequest{AwsAccountId: r.account, Policy: policy, MaxResults: new(int32(1000))}
	t := &tally{}
	err = printSteps(*format, s, t, func() ([]onsightapi.PruneStep, bool, error) {
		out, err := client.Call(ctx, c, onsightapi.PlanPrune, in)
		if err != nil {
			return nil, false, err
		}
		t.looked += *out.Looked
		in.NextToken = out.NextToken
		return out.Steps, in.NextToken != nil, nil
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.err, "Of %s: %s. Nothing was done; -apply does it.\n", many(t.looked, "user", "users"), t.would())
	return nil
}

// tally counts steps.
type tally struct{ looked, warn, deactivate, remove, keep, failed int64 }

func (t *tally) add(step *onsightapi.PruneStep) {
	switch {
	case step.Error != nil:
		t.failed++
	case *step.Action == onsightapi.PruneActionWarn:
		t.warn++
	case *step.Action == onsightapi.PruneActionDeactivate:
		t.deactivate++
	case *step.Action == onsightapi.PruneActionDelete:
		t.remove++
	case *step.Action == onsightapi.PruneActionKeep:
		t.keep++
	}
}

func (t *tally) would() string {
	return fmt.Sprintf("%s to warn, %s to deactivate, %s to delete, %s protected", thousands(t.warn), thousands(t.deactivate), thousands(t.remove), thousands(t.keep))
}

// printSteps prints pages of steps until there are no more.
func printSteps(format string, s streams, t *tally, next func() (steps []onsightapi.PruneStep, more bool, err error)) error {
	out, err := newReport(format, s.out, []string{"ACTION", "NAMESPACE", "USER", "ROLE", "IDLE", "WHY"},
		[]string{"action", "namespace", "user_name", "email", "role", "idle_days", "reason", "error", "moved", "time", "letter"})
	if err != nil {
		return err
	}
	for {
		steps, more, err := next()
		if err != nil {
			return err
		}
		for i := range steps {
			p := &steps[i]
			t.add(p)
			why := *p.Reason
			moved := ""
			if p.Moved != nil {
				moved = strconv.FormatInt(*p.Moved, 10)
				if *p.Moved > 0 {
					why += "; " + many(*p.Moved, "asset", "assets") + " given to the new owner"
				}
			}
			if p.Error != nil {
				why += "; NOT DONE: " + *p.Error
			}
			letter := ""
			if p.Letter != nil {
				letter = string(*p.Letter)
				why += "; letter to " + *p.Email + ": " + strings.ToLower(letter)
			}
			idle := strconv.FormatInt(*p.IdleDays, 10)
			err := out.row(p, []string{string(*p.Action), *p.Namespace, *p.UserName, *p.Role, idle + "d", why},
				[]string{string(*p.Action), *p.Namespace, *p.UserName, *p.Email, *p.Role, idle, *p.Reason, deref(p.Error), moved, moment(p.Time), letter})
			if err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		if !more {
			return out.end()
		}
	}
}

// applyPrune starts a prune and waits for its end.
func applyPrune(ctx context.Context, c *client.Client, account string, policy *onsightapi.PrunePolicy, format string, s streams) error {
	started, err := client.Call(ctx, c, onsightapi.StartPrune, onsightapi.StartPruneRequest{AwsAccountId: account, Policy: policy})
	if err != nil {
		return err
	}
	p := started.Prune
	fmt.Fprintf(s.err, "Prune %s has begun.\n", *p.PruneId)
	bar := newProgress(s, "users looked at", 0)
	for *p.State == "RUNNING" {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the prune goes on at the server; see onsight people prunes %s", *p.PruneId)
		case <-time.After(200 * time.Millisecond):
		}
		out, err := client.Call(ctx, c, onsightapi.DescribePrune, onsightapi.DescribePruneRequest{AwsAccountId: account, PruneId: *p.PruneId})
		if err != nil {
			return fmt.Errorf("%w\nThe prune goes on at the server; see onsight people prunes %s", err, *p.PruneId)
		}
		p = out.Prune
		bar.at(*p.Looked)
	}
	bar.end()
	return printPrune(ctx, c, account, p, format, s)
}

// printPrune prints what a prune did.
func printPrune(ctx context.Context, c *client.Client, account string, p *onsightapi.Prune, format string, s streams) error {
	in := onsightapi.ListPruneStepsRequest{AwsAccountId: account, PruneId: *p.PruneId, MaxResults: new(int32(1000))}
	err := printSteps(format, s, &tally{}, func() ([]onsightapi.PruneStep, bool, error) {
		out, err := client.Call(ctx, c, onsightapi.ListPruneSteps, in)
		if err != nil {
			return nil, false, err
		}
		in.NextToken = out.NextToken
		return out.Steps, in.NextToken != nil, nil
	})
	if err != nil {
		return err
	}
	state := ""
	if *p.State == "RUNNING" {
		state = " It is still running."
	}
	fmt.Fprintf(s.err, "Of %s: %s warned, %s deactivated, %s deleted, %s protected, %s failed.%s\n", many(*p.Looked, "user", "users"),
		thousands(*p.Warned), thousands(*p.Deactivated), thousands(*p.Deleted), thousands(*p.Kept), thousands(*p.Failed), state)
	if p.Error != nil {
		return fmt.Errorf("the prune could not go on: %s", *p.Error)
	}
	if *p.Failed > 0 {
		return errors.New("not all could be done; the report says why")
	}
	return nil
}

func peoplePrunes(ctx context.Context, args []string, s streams) error {
	var r remote
	fs := peopleFlags("prunes", " [ID]", "Lists the prunes of an account, the latest first; with the id of one, what it did to whom.", &r, s)
	format := fs.String("format", "table", "`format`: table, json or csv")
	rest, err := parsePeople(fs, args, "id", 0, 1)
	if err != nil {
		return err
	}
	if r.json {
		*format = "json"
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	if len(rest) == 1 {
		out, err := client.Call(ctx, c, onsightapi.DescribePrune, onsightapi.DescribePruneRequest{AwsAccountId: r.account, PruneId: rest[0]})
		if err != nil {
			return err
		}
		return printPrune(ctx, c, r.account, out.Prune, *format, s)
	}
	out, err := newReport(*format, s.out, []string{"ID", "STARTED", "STATE", "LOOKED AT", "WARNED", "DEACTIVATED", "DELETED", "PROTECTED", "FAILED", "BY"},
		[]string{"id", "started", "ended", "state", "looked", "warned", "deactivated", "deleted", "protected", "failed", "by"})
	if err != nil {
		return err
	}
	in := onsightapi.ListPrunesRequest{AwsAccountId: r.account}
	for {
		page, err := client.Call(ctx, c, onsightapi.ListPrunes, in)
		if err != nil {
			return err
		}
		for i := range page.Prunes {
			p := &page.Prunes[i]
			counts := []string{fmt.Sprint(*p.Looked), fmt.Sprint(*p.Warned), fmt.Sprint(*p.Deactivated), fmt.Sprint(*p.Deleted), fmt.Sprint(*p.Kept), fmt.Sprint(*p.Failed), *p.StartedBy}
			cells := append([]string{*p.PruneId, p.CreatedTime.UTC().Format("2006-01-02 15:04Z"), *p.State}, counts...)
			if err := out.row(p, cells, append([]string{*p.PruneId, moment(p.CreatedTime), moment(p.EndedTime), *p.State}, counts...)); err != nil {
				return err
			}
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if out.rows == 0 && *format == "table" {
		fmt.Fprintln(s.err, "there was no prune yet")
	}
	return nil
}
