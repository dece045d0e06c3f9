package main

import (
	"errors"
	"flag"
	"fmt"

	"onsight/internal/access"
	"onsight/internal/arn"
)

// credentials prints the root credentials of an account, in the form that a
// shell takes them.
func credentials(args []string, s streams) error {
	fs := flag.NewFlagSet("onsight credentials", flag.ContinueOnError)
	fs.SetOutput(s.err)
	data := fs.String("data", envOr(s, "ONSIGHT_DATA", "./onsight-data"), "`folder` that the server keeps its data in")
	account := fs.String("account", "", "AWS `account`, 12 digits (default: the only one, or list all)")
	create := fs.Bool("create", false, "make credentials for -account where it has none; a running server takes them at once")
	fs.Usage = func() {
		fmt.Fprint(s.err, "Usage: onsight credentials [flags]\n\nPrints the root credentials of an account as lines for a shell.\n\nFlags:\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("credentials takes no arguments, but got %q", fs.Arg(0))}
	}
	if *account != "" && !arn.IsAccount(*account) {
		return usageError{fmt.Errorf("-account %q is not an AWS account: it has 12 digits", *account)}
	}
	if *create && *account == "" {
		return usageError{errors.New("-create needs -account")}
	}
	roots, err := access.OpenRoots(*data)
	if err != nil {
		return err
	}
	all := roots.All()
	if *account == "" && len(all) > 1 {
		for _, c := range all {
			fmt.Fprintln(s.out, c)
		}
		return usageError{errors.New("there are several accounts: choose one with -account")}
	}
	if *account == "" && len(all) == 1 {
		*account = all[0].Account
	}
	if *create {
		if _, _, err := roots.Make(*account); err != nil {
			return err
		}
	}
	c, ok := roots.Of(*account)
	switch {
	case !ok && len(all) == 0:
		return fmt.Errorf("%s holds no credentials: start the server once, or give its folder with -data", roots.Path())
	case !ok:
		return fmt.Errorf("%s holds no credentials of account %s; -create makes them", roots.Path(), *account)
	}
	fmt.Fprintf(s.out, "export AWS_ACCESS_KEY_ID=%s\nexport AWS_SECRET_ACCESS_KEY=%s\n", c.AccessKeyID, c.SecretAccessKey)
	return nil
}

func envOr(s streams, name, otherwise string) string {
	if v := s.getenv(name); v != "" {
		return v
	}
	return otherwise
}
