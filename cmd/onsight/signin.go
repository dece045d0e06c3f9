package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"runtime"
	"text/tabwriter"
	"time"

	"golang.org/x/crypto/argon2"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const signInUsage = `Usage: onsight signin <command> [flags]

Helps people who sign in, at a running server.

Commands:
  invite    invite a user anew, by mail or with a link to hand over; the
            invitation before is void
  password  make a link with which a user chooses a new password
  locks     list the users and addresses with failed attempts
  unlock    let a user or an address try again at once
  factors   see and reset second factors; say who must have one
  cost      measure what hashing passwords costs on this machine

"onsight signin <command> -help" lists the flags.
`

// signInCommand helps people who sign in.
func signInCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"invite": signInInvite, "password": signInPassword, "locks": signInLocks, "unlock": signInUnlock, "factors": signInFactors, "cost": signInCost,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, signInUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("signin has no command %q: it has invite, password, locks, unlock, factors and cost", args[0])}
	}
	return command(ctx, args[1:], s)
}

// helped are the flags of the commands.
type helped struct {
	remote
	namespace, user, address, lang string
	mail                           bool
}

func (h *helped) parse(name string, args []string, s streams) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight signin "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	h.flags(fs, s)
	if name != "locks" {
		fs.StringVar(&h.namespace, "namespace", "default", "`namespace` of the user")
		fs.StringVar(&h.user, "user", "", "`name` of the user")
	}
	if name == "unlock" {
		fs.StringVar(&h.address, "address", "", "`address` to unlock, in place of a user")
	}
	if name == "invite" {
		fs.BoolVar(&h.mail, "mail", false, "send the link to the user, in place of printing it")
		fs.StringVar(&h.lang, "language", "en", "`language` of the letter: en or de")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("signin %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	if name != "locks" && h.user == "" && h.address == "" {
		return nil, usageError{fmt.Errorf("signin %s needs -user", name)}
	}
	return h.client(s)
}

func signInInvite(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("invite", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.InviteUser, onsightapi.InviteUserRequest{
		AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user, SendMail: &h.mail, Language: new(onsightapi.Language(h.lang)),
	})
	if err != nil {
		return err
	}
	if h.mail {
		fmt.Fprintf(s.out, "A letter to %s is on its way. Invitations from before are void.\n", h.user)
		return nil
	}
	fmt.Fprintf(s.out, "%s\nHand this link to %s: it works once, until %s.\n", out.UserInvitationUrl.Reveal(), h.user, out.ExpirationTime.Local().Format(time.DateTime))
	return nil
}

func signInPassword(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("password", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.CreatePasswordLink, onsightapi.CreatePasswordLinkRequest{AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s\nHand this link to %s: it works once, until %s.\n", out.PasswordUrl.Reveal(), h.user, out.ExpirationTime.Local().Format(time.DateTime))
	return nil
}

func signInLocks(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("locks", args, s)
	if err != nil {
		return err
	}
	in := onsightapi.ListSignInLocksRequest{AwsAccountId: h.account}
	all := onsightapi.ListSignInLocksResponse{Locks: []onsightapi.SignInLock{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListSignInLocks, in) {
		if err != nil {
			return err
		}
		all.Locks = append(all.Locks, out.Locks...)
	}
	if h.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "WHO\tATTEMPTS\tLAST\tLOCKED UNTIL")
	for _, l := range all.Locks {
		var who string
		until := "-"
		if l.Address != nil {
			who = "address " + *l.Address
		} else {
			who = "user " + *l.Namespace + "/" + *l.UserName
			if l.SecondFactor != nil {
				who += " (second factor)"
			}
		}
		if l.LockedUntil != nil {
			until = l.LockedUntil.Local().Format(time.DateTime)
		}
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", who, *l.Attempts, l.LastAttempt.Local().Format(time.DateTime), until)
	}
	return w.Flush()
}

func signInUnlock(ctx context.Context, args []string, s streams) error {
	var h helped
	c, err := h.parse("unlock", args, s)
	if err != nil {
		return err
	}
	in := onsightapi.UnlockSignInRequest{AwsAccountId: h.account}
	who := h.user
	if h.user != "" {
		in.UserName, in.Namespace = &h.user, &h.namespace
	}
	if h.address != "" {
		in.Address, who = &h.address, h.address
	}
	out, err := client.Call(ctx, c, onsightapi.UnlockSignIn, in)
	if err != nil {
		return err
	}
	if *out.Unlocked {
		fmt.Fprintf(s.out, "%s may try again.\n", who)
	} else {
		fmt.Fprintf(s.out, "%s has no failed attempts.\n", who)
	}
	return nil
}

// signInCost measures argon2id at some costs, so that who runs a server can
// choose -password-memory and -password-passes.
func signInCost(_ context.Context, args []string, s streams) error {
	fs := flag.NewFlagSet("onsight signin cost", flag.ContinueOnError)
	fs.SetOutput(s.err)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "-password-memory\t-password-passes\tEACH\tSIGN-INS PER SECOND AND PROCESSOR")
	for _, c := range [][2]uint32{{19, 2}, {19, 4}, {46, 3}, {64, 3}, {128, 3}} {
		best := time.Hour
		for range 3 {
			began := time.Now()
			argon2.IDKey([]byte("a password to measure with"), make([]byte, 16), c[1], c[0]<<10, 1, 32)
			best = min(best, time.Since(began))
		}
		fmt.Fprintf(w, "%d\t%d\t%s\t%.0f\n", c[0], c[1], best.Round(time.Millisecond/10), float64(time.Second)/float64(best))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "This machine has %d processors. The first line is the default, the least that OWASP recommends.\n", runtime.NumCPU())
	return nil
}
