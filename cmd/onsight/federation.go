package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"onsight/internal/client"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
)

const federationUsage = `Usage: onsight federation <command> [flags]

Says with which OpenID Connect providers the people of an account sign in, at
a running server. Whom a provider lets in is decided by IAM: by its OpenID
Connect provider of the same issuer, and the trust policy of the role. Where an
identity centre provisions the account's people by SCIM, it lets these in.

Commands:
  set       set a provider up, or change it; prints the addresses that the
            provider has to know
  list      list the providers
  show      show one
  remove    remove one; its users stay
  redirect  send people to the company's own page to sign in, or stop that

"onsight federation <command> -help" lists the flags.
`

// federationCommand sets providers up.
func federationCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"set": federationSet, "list": federationList, "show": federationShow, "remove": federationRemove, "redirect": federationRedirect,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, federationUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("federation has no command %q: it has set, list, show, remove and redirect", args[0])}
	}
	return command(ctx, args[1:], s)
}

// federating are the flags of the commands.
type federating struct {
	remote
	id, name, issuer, clientID, secretFile, scopes, role, session, email, groups, contact string
	noSecret, off                                                                         bool
	url, parameter                                                                        string
}

func (f *federating) parse(command string, args []string, s streams) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight federation "+command, flag.ContinueOnError)
	fs.SetOutput(s.err)
	f.flags(fs, s)
	switch command {
	case "set":
		fs.StringVar(&f.name, "name", "", "what the button says one signs in with (`text`; default: the id)")
		fs.StringVar(&f.issuer, "issuer", "", "`URL` of the provider, as its discovery document has it")
		fs.StringVar(&f.clientID, "client-id", "", "`id` of this server at the provider")
		fs.StringVar(&f.secretFile, "client-secret-file", "", "`file` with the client secret (default: the one that there is; none for a new provider, where PKCE does)")
		fs.BoolVar(&f.noSecret, "no-client-secret", false, "forget the client secret")
		fs.StringVar(&f.scopes, "scopes", "openid email", "scopes to ask for, with `spaces` between them")
		fs.StringVar(&f.role, "role", "", "`ARN` of the role that people assume (none where an identity centre provisions them)")
		fs.StringVar(&f.session, "session-name-claim", "", "`claim` that names the role's session, and so the user (default: sub)")
		fs.StringVar(&f.email, "email-claim", "", "`claim` with the e-mail address of new users (default: email)")
		fs.StringVar(&f.groups, "groups-claim", "", "`claim` with the names of groups (default: groups are left alone)")
		fs.StringVar(&f.contact, "contact", "", "whom to ask for access (`text`, such as an address)")
	case "redirect":
		fs.StringVar(&f.url, "url", "", "`URL` of the company's page (default: the one that there is)")
		fs.StringVar(&f.parameter, "parameter", "", "`name` of the parameter that tells where to come back to, such as RelayState (default: the one that there is)")
		fs.BoolVar(&f.off, "off", false, "send nobody there any more")
	}
	if command != "list" && command != "redirect" {
		fs.StringVar(&f.id, "id", "", "`id` of the provider: lower-case letters, digits and -")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("federation %s takes no arguments, but got %q", command, fs.Arg(0))}
	}
	needed := map[string]string{}
	if command != "list" && command != "redirect" {
		needed["-id"] = f.id
	}
	if command == "set" {
		needed["-issuer"], needed["-client-id"] = f.issuer, f.clientID
	}
	for _, name := range []string{"-id", "-issuer", "-client-id"} {
		if v, asked := needed[name]; asked && v == "" {
			return nil, usageError{fmt.Errorf("federation %s needs %s", command, name)}
		}
	}
	return f.client(s)
}

func federationSet(ctx context.Context, args []string, s streams) error {
	var f federating
	c, err := f.parse("set", args, s)
	if err != nil {
		return err
	}
	in := onsightapi.CreateFederationProviderRequest{
		AwsAccountId: f.account, ProviderId: f.id, Name: f.name, Issuer: f.issuer, ClientId: f.clientID, RoleArn: given(f.role),
		Scopes: strings.Fields(f.scopes), SessionNameClaim: given(f.session), EmailClaim: given(f.email), GroupsClaim: given(f.groups), Contact: given(f.contact),
	}
	if in.Name == "" {
		in.Name = f.id
	}
	if f.secretFile != "" {
		text, err := os.ReadFile(f.secretFile)
		if err != nil {
			return fmt.Errorf("-client-secret-file: %w", err)
		}
		in.ClientSecret = new(onsightapi.Secret(strings.TrimRight(string(text), "\r\n")))
	}
	created, err := client.Call(ctx, c, onsightapi.CreateFederationProvider, in)
	if err == nil {
		return f.show(s, created.Provider)
	}
	if fault.Of(err).Code != "ResourceExistsException" {
		return err
	}
	change := onsightapi.UpdateFederationProviderRequest{
		AwsAccountId: in.AwsAccountId, ProviderId: in.ProviderId, Name: in.Name, Issuer: in.Issuer, ClientId: in.ClientId, RoleArn: in.RoleArn, Scopes: in.Scopes,
		SessionNameClaim: in.SessionNameClaim, EmailClaim: in.EmailClaim, GroupsClaim: in.GroupsClaim, Contact: in.Contact, ClientSecret: in.ClientSecret,
	}
	if f.noSecret {
		change.RemoveClientSecret = &f.noSecret
	}
	changed, err := client.Call(ctx, c, onsightapi.UpdateFederationProvider, change)
	if err != nil {
		return err
	}
	return f.show(s, changed.Provider)
}

// show prints a provider.
func (f *federating) show(s streams, p *onsightapi.FederationProvider) error {
	if f.json {
		return printJSON(s, p)
	}
	secret := "none: PKCE alone"
	if *p.HasClientSecret {
		secret = "sealed"
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"Provider", *p.ProviderId + " (" + *p.Name + ")"},
		{"Issuer", *p.Issuer},
		{"Client", *p.ClientId},
		{"Client secret", secret},
		{"Scopes", strings.Join(p.Scopes, " ")},
		{"Role", roleOf(p)},
		{"Session name", claimed(p.SessionNameClaim)},
		{"E-mail", claimed(p.EmailClaim)},
		{"Groups", claimed(p.GroupsClaim)},
		{"Contact", told(p.Contact)},
		{"Redirect URI", *p.RedirectUri},
		{"Initiate login URI", *p.InitiateLoginUri},
	} {
		if line[1] != "" {
			fmt.Fprintf(w, "%s:\t%s\n", line[0], line[1])
		}
	}
	return w.Flush()
}

// roleOf tells what people of a provider come in as.
func roleOf(p *onsightapi.FederationProvider) string {
	if p.RoleArn == nil {
		return "as the identity centre has provisioned them (onsight scim matching tells by which claim)"
	}
	return *p.RoleArn
}

func claimed(v *string) string {
	if v == nil {
		return ""
	}
	return "claim " + *v
}

func told(v *string) string {
	if v == nil {
		return ""
	}
	return *v
}

func federationList(ctx context.Context, args []string, s streams) error {
	var f federating
	c, err := f.parse("list", args, s)
	if err != nil {
		return err
	}
	in := onsightapi.ListFederationProvidersRequest{AwsAccountId: f.account}
	all := onsightapi.ListFederationProvidersResponse{Providers: []onsightapi.FederationProvider{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListFederationProviders, in) {
		if err != nil {
			return err
		}
		all.Providers = append(all.Providers, out.Providers...)
	}
	if f.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, p := range all.Providers {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", *p.ProviderId, *p.Name, *p.Issuer, roleOf(&p))
	}
	return w.Flush()
}

func federationShow(ctx context.Context, args []string, s streams) error {
	var f federating
	c, err := f.parse("show", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.DescribeFederationProvider, onsightapi.DescribeFederationProviderRequest{AwsAccountId: f.account, ProviderId: f.id})
	if err != nil {
		return err
	}
	return f.show(s, out.Provider)
}

func federationRemove(ctx context.Context, args []string, s streams) error {
	var f federating
	c, err := f.parse("remove", args, s)
	if err != nil {
		return err
	}
	_, err = client.Call(ctx, c, onsightapi.DeleteFederationProvider, onsightapi.DeleteFederationProviderRequest{AwsAccountId: f.account, ProviderId: f.id})
	if err == nil {
		fmt.Fprintf(s.out, "Nobody signs in with %s any more.\n", f.id)
	}
	return err
}

func federationRedirect(ctx context.Context, args []string, s streams) error {
	var f federating
	c, err := f.parse("redirect", args, s)
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.UpdateFederationRedirect, onsightapi.UpdateFederationRedirectRequest{
		AwsAccountId: f.account, Enabled: !f.off, IdentityProviderUrl: given(f.url), RelayStateParameter: given(f.parameter),
	})
	switch {
	case err != nil:
		return err
	case f.json:
		return printJSON(s, out)
	case f.off:
		fmt.Fprintln(s.out, "People sign in at this server's own page.")
	default:
		fmt.Fprintf(s.out, "People are sent to %s, with where to come back to in %s. Who has a password here adds &here=1 to the address of the page.\n",
			*out.IdentityProviderUrl, *out.RelayStateParameter)
	}
	return nil
}
