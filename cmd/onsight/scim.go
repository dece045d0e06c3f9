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

const scimUsage = `Usage: onsight scim <command> [flags]

Lets an identity centre provision the users and groups of an account that it
manages, at a running server.

Commands:
  token create  make the token that the centre shows; it is printed this once
  token list    list the tokens: who made them, until when, when last used
  token revoke  end a token at once
  matching      show or say by what people are found who sign in at the centre

"onsight scim <command> -help" lists the flags.
`

// scimCommand administers what identity centres provision by.
func scimCommand(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, scimUsage)
		return flag.ErrHelp
	}
	name, rest := args[0], args[1:]
	if name == "token" && len(rest) > 0 {
		name, rest = name+" "+rest[0], rest[1:]
	}
	switch name {
	case "token create":
		return scimTokenCreate(ctx, rest, s)
	case "token list":
		return scimTokenList(ctx, rest, s)
	case "token revoke":
		return scimTokenRevoke(ctx, rest, s)
	case "matching":
		return scimMatching(ctx, rest, s)
	}
	return usageError{fmt.Errorf("scim has no command %q: it has token create, token list, token revoke and matching", name)}
}

// scimFlags reads the flags of a command.
func scimFlags(name string, args []string, s streams, r *remote, more func(fs *flag.FlagSet)) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight scim "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	r.flags(fs, s)
	more(fs)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("scim %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	return r.client(s)
}

func scimTokenCreate(ctx context.Context, args []string, s streams) error {
	var r remote
	var name, namespace string
	var days int
	c, err := scimFlags("token create", args, s, &r, func(fs *flag.FlagSet) {
		fs.StringVar(&name, "name", "", "`name` of the token, which the audit trail has")
		fs.StringVar(&namespace, "namespace", "default", "`namespace` that the centre provisions")
		fs.IntVar(&days, "days", 365, "`days` that the token is good for")
	})
	if err != nil {
		return err
	}
	if name == "" {
		return usageError{errors.New("scim token create needs -name")}
	}
	out, err := client.Call(ctx, c, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{
		AwsAccountId: r.account, Name: name, Namespace: &namespace, LifeDays: new(int32(days)),
	})
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(s, struct{ TokenId, Token, Endpoint, ExpirationTime string }{
			*out.TokenId, out.Token.Reveal(), *out.Endpoint, out.ExpirationTime.UTC().Format(time.RFC3339),
		})
	}
	fmt.Fprintf(s.out, "Endpoint  %s\nToken     %s\nKeep the token now: it is shown this once. Its id is %s, and it is good until %s.\n",
		*out.Endpoint, out.Token.Reveal(), *out.TokenId, out.ExpirationTime.Local().Format(time.DateTime))
	return nil
}

func scimTokenList(ctx context.Context, args []string, s streams) error {
	var r remote
	c, err := scimFlags("token list", args, s, &r, func(*flag.FlagSet) {})
	if err != nil {
		return err
	}
	in := onsightapi.ListScimTokensRequest{AwsAccountId: r.account}
	all := onsightapi.ListScimTokensResponse{Tokens: []onsightapi.ScimToken{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListScimTokens, in) {
		if err != nil {
			return err
		}
		all.Tokens = append(all.Tokens, out.Tokens...)
	}
	if r.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ID\tNAME\tNAMESPACE\tMADE\tGOOD UNTIL\tLAST USED")
	for _, t := range all.Tokens {
		used := "never"
		if t.LastUseTime != nil {
			used = t.LastUseTime.Local().Format(time.DateTime)
		}
		until := t.ExpirationTime.Local().Format(time.DateTime)
		if *t.Expired {
			until += " (over)"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", *t.TokenId, *t.Name, *t.Namespace, t.CreatedTime.Local().Format(time.DateTime), until, used)
	}
	return w.Flush()
}

func scimTokenRevoke(ctx context.Context, args []string, s streams) error {
	var r remote
	var id string
	c, err := scimFlags("token revoke", args, s, &r, func(fs *flag.FlagSet) {
		fs.StringVar(&id, "id", "", "`id` of the token, as the list has it")
	})
	if err != nil {
		return err
	}
	if id == "" {
		return usageError{errors.New("scim token revoke needs -id")}
	}
	if _, err := client.Call(ctx, c, onsightapi.RevokeScimToken, onsightapi.RevokeScimTokenRequest{AwsAccountId: r.account, TokenId: id}); err != nil {
		return err
	}
	fmt.Fprintf(s.out, "Token %s lets nobody in any more. What was provisioned with it stays.\n", id)
	return nil
}

func scimMatching(ctx context.Context, args []string, s streams) error {
	var r remote
	var namespace, attribute, claim string
	c, err := scimFlags("matching", args, s, &r, func(fs *flag.FlagSet) {
		fs.StringVar(&namespace, "namespace", "default", "`namespace` of the users")
		fs.StringVar(&attribute, "attribute", "", "`attribute` of SCIM: externalId, userName, emails.value or id")
		fs.StringVar(&claim, "claim", "", "`claim` of the ID token that is equal to it, such as sub, oid or preferred_username")
	})
	if err != nil {
		return err
	}
	if (attribute == "") != (claim == "") {
		return usageError{errors.New("scim matching needs -attribute and -claim, or neither to show what holds")}
	}
	if attribute != "" {
		_, err := client.Call(ctx, c, onsightapi.UpdateScimMatching, onsightapi.UpdateScimMatchingRequest{
			AwsAccountId: r.account, Namespace: namespace, Attribute: onsightapi.ScimAttribute(attribute), Claim: claim,
		})
		if err != nil {
			return err
		}
	}
	out, err := client.Call(ctx, c, onsightapi.DescribeScimMatching, onsightapi.DescribeScimMatchingRequest{AwsAccountId: r.account, Namespace: namespace})
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(s, out)
	}
	fmt.Fprintf(s.out, "Who signs in is the user whose %s is the claim %s.\n", *out.Attribute, *out.Claim)
	return nil
}
