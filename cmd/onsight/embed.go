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

const embedUsage = `Usage: onsight embed domains <command> [flags] [domain]

Says which sites may embed the pages of an account where an embed URL names no
AllowedDomains itself, at a running server.

Commands:
  domains add     let a site embed, such as https://portal.example.com or
                  https://*.example.com
  domains remove  let it no longer
  domains list    list the sites

"onsight embed domains <command> -help" lists the flags.
`

// embedCommand says which sites may embed.
func embedCommand(ctx context.Context, args []string, s streams) error {
	if len(args) > 0 && args[0] == "domains" {
		args = args[1:]
	} else if len(args) > 0 && args[0] != "-help" && args[0] != "--help" && args[0] != "-h" {
		return usageError{fmt.Errorf("embed has no command %q: it has domains", args[0])}
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, embedUsage)
		return flag.ErrHelp
	}
	commands := map[string]func(context.Context, *client.Client, remote, string, streams) error{
		"add": embedAdd, "remove": embedRemove, "list": embedList,
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("embed domains has no command %q: it has add, remove and list", args[0])}
	}
	var r remote
	fs := flag.NewFlagSet("onsight embed domains "+args[0], flag.ContinueOnError)
	fs.SetOutput(s.err)
	r.flags(fs, s)
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	switch {
	case args[0] == "list" && fs.NArg() > 0:
		return usageError{fmt.Errorf("embed domains list takes no arguments, but got %q", fs.Arg(0))}
	case args[0] != "list" && fs.NArg() != 1:
		return usageError{fmt.Errorf("embed domains %s takes one domain, such as https://portal.example.com", args[0])}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	return command(ctx, c, r, fs.Arg(0), s)
}

func embedAdd(ctx context.Context, c *client.Client, r remote, domain string, s streams) error {
	out, err := client.Call(ctx, c, onsightapi.AddEmbeddingDomain, onsightapi.AddEmbeddingDomainRequest{AwsAccountId: r.account, Domain: domain})
	if err != nil {
		return err
	}
	if *out.Added {
		fmt.Fprintf(s.out, "%s may embed.\n", *out.Domain)
	} else {
		fmt.Fprintf(s.out, "%s may embed already.\n", *out.Domain)
	}
	return nil
}

func embedRemove(ctx context.Context, c *client.Client, r remote, domain string, s streams) error {
	out, err := client.Call(ctx, c, onsightapi.RemoveEmbeddingDomain, onsightapi.RemoveEmbeddingDomainRequest{AwsAccountId: r.account, Domain: domain})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "%s may no longer embed, but by URLs that name it.\n", *out.Domain)
	return nil
}

func embedList(ctx context.Context, c *client.Client, r remote, _ string, s streams) error {
	in := onsightapi.ListEmbeddingDomainsRequest{AwsAccountId: r.account}
	all := onsightapi.ListEmbeddingDomainsResponse{Domains: []onsightapi.EmbeddingDomain{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListEmbeddingDomains, in) {
		if err != nil {
			return err
		}
		all.Domains = append(all.Domains, out.Domains...)
	}
	if r.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "DOMAIN\tSINCE")
	for _, d := range all.Domains {
		fmt.Fprintf(w, "%s\t%s\n", *d.Domain, d.CreatedTime.Local().Format(time.DateTime))
	}
	return w.Flush()
}
