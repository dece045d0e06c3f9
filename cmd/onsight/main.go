// Command onsight serves the Amazon QuickSight API on your own site.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
)

const usage = `Onsight serves the Amazon QuickSight API on your own site.

Usage: onsight <command> [flags]

Commands:
  serve        serve the API
  credentials  print the root credentials of an account, or make them
  access       ask a running server what policies allow, and why
  audit        export and verify the audit trail, at a running server
  connector    use action connectors, at a running server
  directory    ask a running server about an account's Active Directory
  export       write everything that an account has into files
  import       make an account as the files of an export say
  people       report, count, prune, register and remove users, at a running server
  keys         change the keys that seal secrets, at a running server
  limits       say for whom limits profiles are, at a running server
  upgrade      ask a running server for a higher role, and decide such requests
  ownership    transfer what somebody owns, list what nobody owns, at a running server
  embed        say which sites may embed, at a running server
  scim         let an identity centre provision users and groups, at a running server
  signin       help people who sign in, at a running server
  federation   set up the OpenID Connect providers of an account, at a running server
  token        administer the personal tokens of agents, at a running server
  version      print the version

"onsight <command> -help" lists the flags of a command.
`

// streams are what a command reads and writes.
type streams struct {
	out, err io.Writer
	getenv   func(string) string
}

func main() {
	// The second signal ends the program at once: whoever waits in vain for the
	// first to do so must not need kill -9.
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args[1:], streams{out: os.Stdout, err: os.Stderr, getenv: os.Getenv}))
}

// run runs a command and gives the exit status: 0, 1 when it fails, 2 when it
// was not called right.
func run(ctx context.Context, args []string, s streams) int {
	if len(args) == 0 {
		fmt.Fprint(s.err, usage)
		return 2
	}
	var err error
	switch name := args[0]; name {
	case "serve":
		err = serve(ctx, args[1:], s)
	case "credentials":
		err = credentials(args[1:], s)
	case "access":
		err = accessCommand(ctx, args[1:], s)
	case "audit":
		err = auditCommand(ctx, args[1:], s)
	case "connector":
		err = connectorCommand(ctx, args[1:], s)
	case "directory":
		err = directoryCommand(ctx, args[1:], s)
	case "export":
		err = exportCommand(ctx, args[1:], s)
	case "import":
		err = importCommand(ctx, args[1:], s)
	case "people":
		err = peopleCommand(ctx, args[1:], s)
	case "keys":
		err = keysCommand(ctx, args[1:], s)
	case "limits":
		err = limitsCommand(ctx, args[1:], s)
	case "upgrade":
		err = upgradeCommand(ctx, args[1:], s)
	case "ownership":
		err = ownershipCommand(ctx, args[1:], s)
	case "embed":
		err = embedCommand(ctx, args[1:], s)
	case "scim":
		err = scimCommand(ctx, args[1:], s)
	case "signin":
		err = signInCommand(ctx, args[1:], s)
	case "federation":
		err = federationCommand(ctx, args[1:], s)
	case "token":
		err = tokenCommand(ctx, args[1:], s)
	case "version", "-version", "--version":
		fmt.Fprintln(s.out, "onsight", version())
	case "help", "-help", "--help", "-h":
		fmt.Fprint(s.out, usage)
	default:
		fmt.Fprintf(s.err, "onsight: there is no command %q\n\n%s", name, usage)
		return 2
	}
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(s.err, "onsight:", err)
		if _, ok := errors.AsType[usageError](err); ok {
			return 2
		}
		return 1
	}
	return 0
}

// usageError says that a command was not called right.
type usageError struct{ error }

// version is that of the module, with the commit where the build knows it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	i := slices.IndexFunc(info.Settings, func(s debug.BuildSetting) bool { return s.Key == "vcs.revision" })
	if i < 0 {
		return info.Main.Version
	}
	return info.Main.Version + " " + info.Settings[i].Value
}
