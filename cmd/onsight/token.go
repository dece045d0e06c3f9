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

const tokenUsage = `Usage: onsight token <command> [flags]

Administers the personal tokens with which agents use the connectors of a person
as tools, by the Model Context Protocol, at a running server.

Commands:
  create  make a token for yourself; it is printed this once
  list    list the tokens of a user: until when they are good, when last used
  delete  end a token at once

"onsight token <command> -help" lists the flags.
`

// tokenCommand administers personal tokens.
func tokenCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{"create": tokenCreate, "list": tokenList, "delete": tokenDelete}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, tokenUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("token has no command %q: it has create, list and delete", args[0])}
	}
	return command(ctx, args[1:], s)
}

// holder are the flags that say whose tokens they are.
type holder struct {
	remote
	namespace, user string
}

func (h *holder) parse(name string, args []string, s streams, more func(fs *flag.FlagSet), needs ...string) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight token "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	h.flags(fs, s)
	fs.StringVar(&h.namespace, "namespace", "default", "`namespace` of the user")
	fs.StringVar(&h.user, "user", "", "`name` of the user")
	more(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("token %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	for _, need := range append([]string{"user"}, needs...) {
		if fs.Lookup(need).Value.String() == "" {
			return nil, usageError{fmt.Errorf("token %s needs -%s", name, need)}
		}
	}
	return h.client(s)
}

func tokenCreate(ctx context.Context, args []string, s streams) error {
	var h holder
	var name string
	var days int
	var readOnly bool
	c, err := h.parse("create", args, s, func(fs *flag.FlagSet) {
		fs.StringVar(&name, "name", "", "what the token is for, such as `laptop`")
		fs.IntVar(&days, "days", 90, "`days` that the token is good for, 365 at most")
		fs.BoolVar(&readOnly, "read-only", false, "let the token look, and change nothing")
	}, "name")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.CreatePersonalToken, onsightapi.CreatePersonalTokenRequest{
		AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user, Name: name, LifeDays: new(int32(days)), ReadOnly: &readOnly,
	})
	if err != nil {
		return err
	}
	if h.json {
		return printJSON(s, struct{ TokenId, Token, Endpoint, ExpirationTime string }{
			*out.TokenId, out.Token.Reveal(), *out.Endpoint, out.ExpirationTime.UTC().Format(time.RFC3339),
		})
	}
	fmt.Fprintf(s.out, "Endpoint  %s\nToken     %s\nKeep the token now: it is shown this once. Its id is %s, and it is good until %s.\n",
		*out.Endpoint, out.Token.Reveal(), *out.TokenId, out.ExpirationTime.Local().Format(time.DateTime))
	return nil
}

func tokenList(ctx context.Context, args []string, s streams) error {
	var h holder
	c, err := h.parse("list", args, s, func(*flag.FlagSet) {})
	if err != nil {
		return err
	}
	in := onsightapi.ListPersonalTokensRequest{AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user}
	all := onsightapi.ListPersonalTokensResponse{Tokens: []onsightapi.PersonalToken{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListPersonalTokens, in) {
		if err != nil {
			return err
		}
		all.Tokens = append(all.Tokens, out.Tokens...)
	}
	if h.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tMAY\tMADE\tGOOD UNTIL\tLAST USED")
	for _, t := range all.Tokens {
		used, may, until := "never", "look and change", t.ExpirationTime.Local().Format(time.DateTime)
		if t.LastUseTime != nil {
			used = t.LastUseTime.Local().Format(time.DateTime)
		}
		if *t.ReadOnly {
			may = "look"
		}
		if *t.Expired {
			until += " (over)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", *t.TokenId, *t.Name, may, t.CreatedTime.Local().Format(time.DateTime), until, used)
	}
	return w.Flush()
}

func tokenDelete(ctx context.Context, args []string, s streams) error {
	var h holder
	var id string
	c, err := h.parse("delete", args, s, func(fs *flag.FlagSet) {
		fs.StringVar(&id, "id", "", "`id` of the token, as the list has it")
	}, "id")
	if err != nil {
		return err
	}
	_, err = client.Call(ctx, c, onsightapi.DeletePersonalToken, onsightapi.DeletePersonalTokenRequest{
		AwsAccountId: h.account, Namespace: h.namespace, UserName: h.user, TokenId: id,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Token %s lets nobody in any more.\n", id)
	return nil
}
