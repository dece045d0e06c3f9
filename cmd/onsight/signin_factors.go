package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"
	"time"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const factorsUsage = `Usage: onsight signin factors <command> [flags]

Second factors of people who sign in with a password kept here.

Commands:
  policy  tell whom the account asks for one, or change it with -set
  list    list the second factors of a user
  reset   take all second factors from a user who has lost them, and end the
          user's sessions

"onsight signin factors <command> -help" lists the flags.
`

// factorPolicies are the values of -set.
var factorPolicies = map[string]onsightapi.SecondFactorPolicy{
	"off": onsightapi.SecondFactorPolicyOff, "optional": onsightapi.SecondFactorPolicyOptional,
	"administrators": onsightapi.SecondFactorPolicyRequiredForAdministrators, "required": onsightapi.SecondFactorPolicyRequired,
}

// signInFactors sees to second factors.
func signInFactors(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{"policy": factorsPolicy, "list": factorsList, "reset": factorsReset}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, factorsUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("signin factors has no command %q: it has policy, list and reset", args[0])}
	}
	return command(ctx, args[1:], s)
}

func factorsPolicy(ctx context.Context, args []string, s streams) error {
	var r remote
	fs := flag.NewFlagSet("onsight signin factors policy", flag.ContinueOnError)
	fs.SetOutput(s.err)
	r.flags(fs, s)
	set := fs.String("set", "", "whom the account asks for a second factor: `who` is off, optional (only those who have one), administrators, or required (everyone)")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("signin factors policy takes no arguments, but got %q", fs.Arg(0))}
	}
	policy, ok := factorPolicies[*set]
	if *set != "" && !ok {
		return usageError{fmt.Errorf("-set is off, optional, administrators or required, not %q", *set)}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	if *set != "" {
		if _, err := client.Call(ctx, c, onsightapi.PutSecondFactorPolicy, onsightapi.PutSecondFactorPolicyRequest{AwsAccountId: r.account, Policy: policy}); err != nil {
			return err
		}
	}
	out, err := client.Call(ctx, c, onsightapi.GetSecondFactorPolicy, onsightapi.GetSecondFactorPolicyRequest{AwsAccountId: r.account})
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(s, out)
	}
	said := map[onsightapi.SecondFactorPolicy]string{
		onsightapi.SecondFactorPolicyOff:                       "off: nobody is asked for a second factor",
		onsightapi.SecondFactorPolicyOptional:                  "optional: people may add a second factor, and who has one is asked for it",
		onsightapi.SecondFactorPolicyRequiredForAdministrators: "administrators: administrators need a second factor, others may add one",
		onsightapi.SecondFactorPolicyRequired:                  "required: everyone who signs in with a password needs a second factor",
	}
	fmt.Fprintln(s.out, said[*out.Policy])
	return nil
}

func factorsList(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("factors list", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.ListSignInFactors, onsightapi.ListSignInFactorsRequest{AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user})
	if err != nil {
		return err
	}
	if h.json {
		return printJSON(s, out)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "FACTOR\tNAME\tADDED\tLAST USED")
	for _, f := range out.Factors {
		kind, name := "authenticator app", "-"
		if *f.Type == onsightapi.SignInFactorTypePasskey {
			kind = "passkey"
		}
		if f.Name != nil {
			name = *f.Name
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", kind, name, f.CreatedTime.Local().Format(time.DateTime), f.LastUsedTime.Local().Format(time.DateTime))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	need := "may do without"
	if *out.Required {
		need = "needs one"
	}
	fmt.Fprintf(s.out, "%s %s; recovery codes left: %d.\n", h.user, need, *out.RecoveryCodesLeft)
	return nil
}

func factorsReset(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("factors reset", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.ResetSignInFactors, onsightapi.ResetSignInFactorsRequest{AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Second factors taken from %s: %d. The user is signed out everywhere.\n", h.user, *out.Removed)
	return nil
}
