package main

import (
	"context"
	"errors"
	"flag"
	"fmt"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const keysUsage = `Usage: onsight keys <command> [flags]

Changes the keys that seal secrets, at a running server.

Commands:
  list    the ids of the keys; the first one seals, all of them open
  rotate  make a new key and seal everything that is kept with it
  retire  take the old keys away; sessions of STS and tokens of lists that they
          have sealed end, so wait a day and a half after rotate

"onsight keys <command> -help" lists the flags.
`

// keysCommand changes the sealing keys of a running server.
func keysCommand(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, keysUsage)
		return flag.ErrHelp
	}
	name := args[0]
	if name != "list" && name != "rotate" && name != "retire" {
		return usageError{fmt.Errorf("keys has no command %q: it has list, rotate and retire", name)}
	}
	var r remote
	fs := flag.NewFlagSet("onsight keys "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	r.flags(fs, s)
	if err := fs.Parse(args[1:]); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("keys %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	ids, secrets, err := changeKeys(ctx, c, name)
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(s, map[string]any{"KeyIds": ids, "Secrets": secrets})
	}
	for i, id := range ids {
		use := "opens"
		if i == 0 {
			use = "seals and opens"
		}
		fmt.Fprintf(s.out, "%s  %s\n", id, use)
	}
	if secrets != nil {
		fmt.Fprintf(s.out, "%d secrets are sealed with %s.\n", *secrets, ids[0])
	}
	return nil
}

func changeKeys(ctx context.Context, c *client.Client, name string) (ids []string, secrets *int64, err error) {
	switch name {
	case "rotate":
		out, err := client.Call(ctx, c, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{})
		if err != nil {
			return nil, nil, err
		}
		return out.KeyIds, out.Secrets, nil
	case "retire":
		out, err := client.Call(ctx, c, onsightapi.RetireSealingKeys, onsightapi.RetireSealingKeysRequest{})
		if err != nil {
			return nil, nil, err
		}
		return out.KeyIds, out.Secrets, nil
	default:
		out, err := client.Call(ctx, c, onsightapi.ListSealingKeys, onsightapi.ListSealingKeysRequest{})
		if err != nil {
			return nil, nil, err
		}
		return out.KeyIds, nil, nil
	}
}
