package config

import (
	"errors"
	"flag"
	"time"
)

// SignIn are the settings of how people sign in.
type SignIn struct {
	// SMTPURL is the server that takes letters, or empty; SMTPFrom is who sends
	// them, SMTPPasswordFile the file of the password of the user in the URL.
	SMTPURL, SMTPFrom, SMTPPasswordFile string
	// PasswordMemory, in MiB, and PasswordPasses are what hashing a password costs.
	PasswordMemory, PasswordPasses uint
	// SessionLife is how long someone who has signed in stays so at most,
	// SessionIdle how long without doing anything.
	SessionLife, SessionIdle time.Duration
	// PasswordLinkLife is how long the link of a forgotten password can be used.
	PasswordLinkLife time.Duration
	// SAMLAddresses are the audiences and recipients that SAML assertions may
	// have, apart by commas; empty for this server's and those of AWS.
	SAMLAddresses string
}

func (c *SignIn) flags(fs *flag.FlagSet) {
	fs.DurationVar(&c.PasswordLinkLife, "password-link-life", time.Hour, "how long the link of a forgotten password can be used")
	fs.UintVar(&c.PasswordMemory, "password-memory", 19, "`MiB` of memory that hashing a password takes (argon2id), 19 at least")
	fs.UintVar(&c.PasswordPasses, "password-passes", 2, "`number` of passes over that memory, 2 at least; \"onsight signin cost\" measures what this machine can bear")
	fs.DurationVar(&c.SessionLife, "session-life", 12*time.Hour, "how long someone who has signed in stays so at most")
	fs.DurationVar(&c.SessionIdle, "session-idle", time.Hour, "how long someone stays signed in without doing anything")
	fs.StringVar(&c.SAMLAddresses, "saml-addresses", "", "`URLs`, apart by commas, that SAML assertions may be made for and sent to (default <public-url>/saml and those of AWS, such as https://signin.aws.amazon.com/saml)")
	fs.StringVar(&c.SMTPURL, "smtp-url", "", "smtp:// or smtps:// `URL` of the server that takes letters, such as smtp://onsight@mail.example.org:587 (default none: links are handed over by administrators)")
	fs.StringVar(&c.SMTPFrom, "smtp-from", "", "`address` that letters come from, perhaps with a name before it: Onsight <onsight@example.org>")
	fs.StringVar(&c.SMTPPasswordFile, "smtp-password-file", "", "`file` with the password of the user in -smtp-url")
}

func (c *SignIn) complete() error {
	if c.PasswordLinkLife <= 0 || c.SessionLife <= 0 || c.SessionIdle <= 0 {
		return errors.New("-password-link-life, -session-life and -session-idle must be above 0")
	}
	// The least that OWASP recommends; more than these nobody waits for.
	if c.PasswordMemory < 19 || c.PasswordMemory > 1024 || c.PasswordPasses < 2 || c.PasswordPasses > 100 {
		return errors.New("-password-memory must be 19 to 1024, and -password-passes 2 to 100")
	}
	if (c.SMTPURL == "") != (c.SMTPFrom == "") {
		return errors.New("-smtp-url and -smtp-from belong together: give both or neither")
	}
	return nil
}
