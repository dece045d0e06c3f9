// Package mail sends letters by SMTP: a text with one link or none, as plain text and
// as HTML without pictures or script.
//
//	sender, err := mail.New(mail.Config{URL: "smtp://mail.example.org:587", From: "Onsight <bi@example.org>"})
//	err = sender.Send(ctx, mail.Message{…})
//
// Send is called from a job: it takes time, it may have to be done again, and
// a letter must not get lost because the process ends.
package mail

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	_ "embed" // the template
	"errors"
	"fmt"
	"html/template"
	"net"
	"net/mail"
	"net/url"
	"strconv"
	"strings"
	"time"

	smtp "github.com/wneessen/go-mail"
)

// Config says which server takes the letters.
type Config struct {
	// URL is smtp://user@host:587, where STARTTLS encrypts, or
	// smtps://user@host:465. A server on this machine may do without
	// encryption; one elsewhere only with ?tls=off.
	URL string
	// Password is that of the user in the URL.
	Password string
	// From is the sender: an address, perhaps with a name.
	From string
	// TLS is how to encrypt; nil trusts the system's authorities.
	TLS *tls.Config
}

// timeout is how long a server may take for a letter.
const timeout = 30 * time.Second

// A Sender sends letters. It may be used by many goroutines at once.
type Sender struct {
	host    string
	from    *mail.Address
	options []smtp.Option
}

// New checks the settings. It does not ask the server anything.
func New(c Config) (*Sender, error) {
	u, err := url.Parse(c.URL)
	if err != nil || u.Hostname() == "" || u.Scheme != "smtp" && u.Scheme != "smtps" || strings.Trim(u.Path, "/") != "" {
		return nil, errors.New("-smtp-url must be smtp://host:port or smtps://host:port, perhaps with user@ before the host")
	}
	if _, secret := u.User.Password(); secret {
		return nil, errors.New("-smtp-url must not have the password in it: -smtp-password-file names its file")
	}
	from, err := mail.ParseAddress(c.From)
	if err != nil {
		return nil, fmt.Errorf("-smtp-from %q is not an e-mail address: %w", c.From, err)
	}
	port := map[string]int{"smtp": 587, "smtps": 465}[u.Scheme]
	if p := u.Port(); p != "" {
		if port, err = strconv.Atoi(p); err != nil {
			return nil, fmt.Errorf("-smtp-url: port %q: %w", p, err)
		}
	}
	conf := &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS != nil {
		conf = c.TLS.Clone()
	}
	conf.ServerName = u.Hostname()
	options := []smtp.Option{smtp.WithPort(port), smtp.WithTimeout(timeout), smtp.WithTLSConfig(conf)}
	switch off := u.Query().Get("tls") == "off"; {
	case u.Scheme == "smtps":
		options = append(options, smtp.WithSSL())
	case off:
		options = append(options, smtp.WithTLSPolicy(smtp.NoTLS))
	case loopback(u.Hostname()):
		options = append(options, smtp.WithTLSPolicy(smtp.TLSOpportunistic))
	default:
		options = append(options, smtp.WithTLSPolicy(smtp.TLSMandatory))
	}
	if name := u.User.Username(); name != "" {
		if c.Password == "" {
			return nil, errors.New("-smtp-url has a user, so -smtp-password-file must name the file of the password")
		}
		options = append(options, smtp.WithSMTPAuth(smtp.SMTPAuthAutoDiscover), smtp.WithUsername(name), smtp.WithPassword(c.Password))
	}
	if _, err := smtp.NewClient(u.Hostname(), options...); err != nil {
		return nil, fmt.Errorf("-smtp-url: %w", err)
	}
	return &Sender{host: u.Hostname(), from: from, options: options}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// A Message is a letter.
type Message struct {
	To, Lang, Subject string
	// Title stands above the paragraphs, Action is what the link is called; both
	// Action and Link are empty in a letter without one.
	Title        string
	Paragraphs   []string
	Action, Link string
	After        []string
}

//go:embed letter.html
var letterText string

var letter = template.Must(template.New("letter").Parse(letterText))

// text is the letter without HTML.
func (m *Message) text() string {
	parts := append([]string{m.Title}, m.Paragraphs...)
	if m.Link != "" {
		parts = append(parts, m.Action+":\r\n"+m.Link)
	}
	return strings.Join(append(parts, m.After...), "\r\n\r\n") + "\r\n"
}

// Send hands a letter to the server.
func (s *Sender) Send(ctx context.Context, m Message) error {
	to, err := mail.ParseAddress(m.To)
	if err != nil {
		return &permanentError{fmt.Errorf("mail: the recipient has no valid address: %w", err)}
	}
	msg := smtp.NewMsg(smtp.WithNoDefaultUserAgent())
	msg.FromMailAddress(s.from)
	msg.ToMailAddress(to)
	msg.Subject(m.Subject)
	msg.SetDate()
	msg.SetMessageIDWithValue(rand.Text() + "@" + s.from.Address[strings.LastIndexByte(s.from.Address, '@')+1:])
	msg.SetGenHeader(smtp.HeaderContentLang, m.Lang)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // RFC 3834: nobody is to answer by machine
	msg.SetBodyString(smtp.TypeTextPlain, m.text())
	var html strings.Builder
	if err := letter.Execute(&html, m); err != nil {
		return fmt.Errorf("mail: write the letter: %w", err)
	}
	msg.AddAlternativeString(smtp.TypeTextHTML, html.String())
	client, err := smtp.NewClient(s.host, s.options...)
	if err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := client.DialAndSendWithContext(ctx, msg); err != nil {
		return fmt.Errorf("mail: %w", err)
	}
	return nil
}

type permanentError struct{ error }

func (e *permanentError) Unwrap() error { return e.error }

// Permanent tells whether another attempt would fail as this one did.
func Permanent(err error) bool {
	if _, ok := errors.AsType[*permanentError](err); ok {
		return true
	}
	e, ok := errors.AsType[*smtp.SendError](err)
	return ok && e.ErrorCode() >= 500 && !e.IsTemp()
}
