// Package config reads the settings of the server: flags, and where no flag
// says otherwise, ONSIGHT_* variables of the environment. The help of the
// command is the reference.
package config

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"onsight/internal/arn"
)

// Config are the settings of `onsight serve`.
type Config struct {
	SignIn
	Actions
	Agents
	// Listen is the address to listen on, host:port.
	Listen string
	// MetricsListen is the address at which Prometheus reads metrics; empty for none.
	MetricsListen string
	// Data is the folder of the database, the root credentials and the sealing key.
	Data string
	// Database is a postgres:// URL, or empty for SQLite in Data.
	Database string
	// Account is the AWS account of the root credentials.
	Account string
	// Region is the region that is printed for clients and taken where a call names none.
	Region string
	// PublicURL is where people and clients reach the server, without a slash at the end.
	PublicURL string
	// SealKeyFile holds the keys that seal secrets.
	SealKeyFile string
	// TLSCert and TLSKey are PEM files; both or neither.
	TLSCert, TLSKey string
	// TrustedProxies are the addresses whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies Prefixes
	// IdentityProviderCA is a PEM file with certificates to trust beside the
	// system's when identity providers are asked for their keys.
	IdentityProviderCA string
	// IdentityProviderLoopback lets identity providers be on this machine, and
	// there by plain HTTP.
	IdentityProviderLoopback bool
	// NetworkProfiles is a file with the profiles by which connections leave the
	// house, or empty.
	NetworkProfiles string
	// Directories is a file with the directories of accounts whose people sign in
	// with Active Directory, or empty.
	Directories string
	// InvitationLife is how long an invitation can be answered.
	InvitationLife time.Duration
	// NamespaceQuota is how many namespaces an account has at most, the default
	// one among them; 0 is 100.
	NamespaceQuota int
	// ClockWindow is how far a signature's time may be from the server's clock.
	ClockWindow time.Duration
	// AuditRetention is how long events of the audit trail are kept; 0 is for ever.
	AuditRetention time.Duration
	// AuditReads has the audit trail record calls that only read.
	AuditReads bool
	// Standard lets accounts subscribe to the STANDARD edition.
	Standard bool
	// EmbedLocalhost lets localhost be a domain that may embed.
	EmbedLocalhost bool
	// Dev is the emulator: no signature is checked, every account is served.
	Dev bool
	// DevSubscribe subscribes accounts on their first use in Dev.
	DevSubscribe bool
	// Memory keeps the state in memory: Dev without a folder or database of its own.
	Memory bool
	// LogLevel and LogFormat (text or json) are those of the log on standard error.
	LogLevel  slog.Level
	LogFormat string
	// RootAccessKeyID and RootSecretAccessKey are root credentials from the environment.
	RootAccessKeyID, RootSecretAccessKey string
}

// Environment variables of the root credentials; no flag, since a command line is public.
const (
	EnvRootAccessKeyID     = "ONSIGHT_ROOT_ACCESS_KEY_ID"
	EnvRootSecretAccessKey = "ONSIGHT_ROOT_SECRET_ACCESS_KEY" //nolint:gosec // the name of a variable
)

// Parse reads the settings from arguments and the environment. Help and errors
// of the command line go to out; flag.ErrHelp says that help was asked for.
func Parse(args []string, getenv func(string) string, out io.Writer) (Config, error) {
	var c Config
	fs := flag.NewFlagSet("onsight serve", flag.ContinueOnError)
	fs.SetOutput(out)
	fs.StringVar(&c.Listen, "listen", "127.0.0.1:8920", "`address` to listen on")
	fs.StringVar(&c.MetricsListen, "metrics-listen", "", "`address` to listen on for Prometheus, such as 127.0.0.1:9464: GET /metrics, without a signature, by plain HTTP (default none)")
	fs.StringVar(&c.Data, "data", "./onsight-data", "`folder` of the database, the root credentials and the sealing key")
	fs.StringVar(&c.Database, "database", "", "postgres:// `URL` of the database (default SQLite in the data folder)")
	fs.StringVar(&c.Account, "account", "111122223333", "AWS `account` of the root credentials, 12 digits")
	fs.StringVar(&c.Region, "region", "us-east-1", "`region` that is printed for clients, and taken for a call that names none")
	fs.StringVar(&c.PublicURL, "public-url", "", "`URL` at which people and clients reach the server (default http://<listen>)")
	fs.StringVar(&c.SealKeyFile, "seal-key-file", "", "`file` with the keys that seal secrets (default seal.key in the data folder)")
	fs.StringVar(&c.TLSCert, "tls-cert", "", "PEM `file` with the certificate chain; with -tls-key, the server speaks HTTPS")
	fs.StringVar(&c.TLSKey, "tls-key", "", "PEM `file` with the certificate's key")
	fs.TextVar(&c.TrustedProxies, "trusted-proxies", Prefixes(nil), "`ranges` of reverse proxies whose X-Forwarded-For and -Proto are believed, such as 10.0.0.0/8,::1")
	fs.StringVar(&c.IdentityProviderCA, "identity-provider-ca", "", "PEM `file` with authorities to trust, beside the system's, when OpenID Connect providers are asked for their keys")
	fs.BoolVar(&c.IdentityProviderLoopback, "identity-provider-loopback", false, "let OpenID Connect providers be on this machine, and there by plain HTTP: for tests")
	fs.StringVar(&c.NetworkProfiles, "network-profiles", "", "JSON `file` with the network profiles that VPC connections name: source address, forward proxy, allowed private ranges")
	fs.StringVar(&c.Directories, "directories", "", "JSON `file` with the directories (LDAP) of accounts with the authentication method ACTIVE_DIRECTORY")
	fs.DurationVar(&c.InvitationLife, "invitation-life", 24*time.Hour, "how long an invitation can be answered")
	fs.IntVar(&c.NamespaceQuota, "namespace-quota", 100, "how many namespaces an account has at most, the default one among them")
	c.SignIn.flags(fs)
	c.Actions.flags(fs)
	c.Agents.flags(fs)
	fs.DurationVar(&c.ClockWindow, "clock-window", 5*time.Minute, "how far a signature's time may be from the server's clock, 15m at most")
	fs.DurationVar(&c.AuditRetention, "audit-retention", 0, "how long events of the audit trail are kept, such as 2160h for 90 days; 0 keeps them")
	fs.BoolVar(&c.AuditReads, "audit-reads", false, "record calls that only read in the audit trail too")
	fs.BoolVar(&c.Standard, "standard-edition", false, "let accounts subscribe to the STANDARD edition, which the real service no longer offers")
	fs.BoolVar(&c.EmbedLocalhost, "embed-localhost", false, "let http://localhost and https://localhost be domains that may embed, as -dev does: for tests")
	fs.BoolVar(&c.Dev, "dev", false, "emulator for tests: loopback only, any access key, no signature checked, state in memory unless -data is given")
	fs.BoolVar(&c.DevSubscribe, "dev-subscribe", true, "with -dev, subscribe each account on its first use")
	fs.TextVar(&c.LogLevel, "log-level", slog.LevelInfo, "least `level` to log: debug, info, warn or error")
	fs.StringVar(&c.LogFormat, "log-format", "text", "`format` of the log on standard error: text or json")
	fs.Usage = func() {
		fmt.Fprint(out, "Usage: onsight serve [flags]\n\nServes the API until it is interrupted.\n\nEach flag can be given as a variable of the environment too: -public-url as\n"+
			"ONSIGHT_PUBLIC_URL. A flag goes before its variable. The root credentials come\nfrom "+EnvRootAccessKeyID+" and "+EnvRootSecretAccessKey+",\nelse they are made at the first start.\n\nFlags:\n")
		fs.PrintDefaults()
	}
	if err := fs.Parse(args); err != nil {
		return c, err
	}
	if fs.NArg() > 0 {
		return c, fmt.Errorf("serve takes no arguments, but got %q; onsight serve -help lists the flags", fs.Arg(0))
	}
	given, err := fromEnvironment(fs, getenv)
	if err != nil {
		return c, err
	}
	c.RootAccessKeyID, c.RootSecretAccessKey = getenv(EnvRootAccessKeyID), getenv(EnvRootSecretAccessKey)
	c.Memory = c.Dev && !given["data"] && c.Database == ""
	c.CheckConnectors = c.CheckConnectors && (!c.Dev || given["check-connectors"])
	return c, c.complete()
}

// fromEnvironment sets the flags that the command line did not, and tells
// which flags have been given one way or the other.
func fromEnvironment(fs *flag.FlagSet, getenv func(string) string) (given map[string]bool, err error) {
	given = map[string]bool{}
	fs.Visit(func(f *flag.Flag) { given[f.Name] = true })
	fs.VisitAll(func(f *flag.Flag) {
		name := "ONSIGHT_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		v := getenv(name)
		if given[f.Name] || v == "" || err != nil {
			return
		}
		if e := fs.Set(f.Name, v); e != nil {
			err = fmt.Errorf("%s=%q: %w", name, v, e)
		}
		given[f.Name] = true
	})
	return given, err
}

var region = regexp.MustCompile(`^[a-z]{2,}(-[a-z]+)+-[0-9]{1,2}$`)

// complete checks the settings against each other and fills those that follow
// from others.
func (c *Config) complete() error {
	if !arn.IsAccount(c.Account) {
		return fmt.Errorf("-account %q is not an AWS account: it has 12 digits", c.Account)
	}
	if !region.MatchString(c.Region) {
		return fmt.Errorf("-region %q is not the name of a region, such as us-east-1", c.Region)
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if err != nil {
		return fmt.Errorf("-listen %q is not an address: %w", c.Listen, err)
	}
	if c.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(c.MetricsListen); err != nil {
			return fmt.Errorf("-metrics-listen %q is not an address: %w", c.MetricsListen, err)
		}
	}
	if c.Dev && !isLoopback(host) {
		return fmt.Errorf("-dev checks no signatures, so it listens on loopback only: -listen %q is not a loopback address", c.Listen)
	}
	if c.Dev && c.Database != "" {
		return errors.New("-dev keeps its state in memory or, with -data, in SQLite: leave -database out")
	}
	if c.Database != "" && !strings.HasPrefix(c.Database, "postgres://") && !strings.HasPrefix(c.Database, "postgresql://") {
		return errors.New("-database must be a postgres:// URL")
	}
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return errors.New("-tls-cert and -tls-key belong together: give both or neither")
	}
	if (c.RootAccessKeyID == "") != (c.RootSecretAccessKey == "") {
		return fmt.Errorf("%s and %s belong together: give both or neither", EnvRootAccessKeyID, EnvRootSecretAccessKey)
	}
	if c.ClockWindow <= 0 || c.ClockWindow > 15*time.Minute {
		return fmt.Errorf("-clock-window %s must be above 0 and 15m at most", c.ClockWindow)
	}
	if c.InvitationLife <= 0 {
		return fmt.Errorf("-invitation-life %s must be above 0", c.InvitationLife)
	}
	if c.NamespaceQuota < 1 {
		return fmt.Errorf("-namespace-quota %d must be at least 1", c.NamespaceQuota)
	}
	if err := c.SignIn.complete(); err != nil {
		return err
	}
	if err := c.Actions.complete(); err != nil {
		return err
	}
	if err := c.Agents.complete(); err != nil {
		return err
	}
	if c.AuditRetention < 0 {
		return fmt.Errorf("-audit-retention %s must not be negative", c.AuditRetention)
	}
	if c.LogFormat != "text" && c.LogFormat != "json" {
		return fmt.Errorf("-log-format %q is neither text nor json", c.LogFormat)
	}
	if c.SealKeyFile == "" {
		c.SealKeyFile = filepath.Join(c.Data, "seal.key")
	}
	if c.PublicURL != "" {
		u, err := url.Parse(c.PublicURL)
		if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return fmt.Errorf("-public-url %q is not an http:// or https:// URL of a server", c.PublicURL)
		}
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	return nil
}

// Prefixes are ranges of addresses, separated by commas; an address is a range
// of one.
type Prefixes []netip.Prefix

// MarshalText writes the ranges.
func (p Prefixes) MarshalText() ([]byte, error) {
	names := make([]string, len(p))
	for i, prefix := range p {
		names[i] = prefix.String()
	}
	return []byte(strings.Join(names, ",")), nil
}

// UnmarshalText reads the ranges.
func (p *Prefixes) UnmarshalText(text []byte) error {
	*p = nil
	for one := range strings.SplitSeq(string(text), ",") {
		one = strings.TrimSpace(one)
		prefix, err := netip.ParsePrefix(one)
		if a, aerr := netip.ParseAddr(one); aerr == nil {
			prefix, err = a.Prefix(a.BitLen())
		}
		if err != nil {
			return fmt.Errorf("%q is not a range of addresses, such as 10.0.0.0/8", one)
		}
		*p = append(*p, prefix.Masked())
	}
	return nil
}

// Scheme is that of the URLs of the listener: http or https.
func (c *Config) Scheme() string {
	if c.TLSCert != "" {
		return "https"
	}
	return "http"
}

// Exposed tells whether people reach the server by plain HTTP from other
// machines: their passwords and sessions can then be read on the way.
func (c *Config) Exposed() bool {
	u, err := url.Parse(c.PublicURL)
	return err == nil && u.Scheme == "http" && !isLoopback(u.Hostname())
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// BasePath is the path of the public URL, without a slash at the end.
func (c *Config) BasePath() string {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return ""
	}
	return u.EscapedPath()
}

// Logger makes the log that the settings ask for.
func (c *Config) Logger(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{Level: c.LogLevel}
	if c.LogFormat == "json" {
		return slog.New(slog.NewJSONHandler(w, options))
	}
	return slog.New(slog.NewTextHandler(w, options))
}
