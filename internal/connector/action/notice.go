package action

import (
	"context"
	"errors"

	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/job"
	"onsight/internal/mail"
	"onsight/internal/store"
	"onsight/internal/web"
)

// Names of events that the server notices by itself.
const (
	checkFailed    = "ActionConnectorCheckFailed"
	checkRecovered = "ActionConnectorCheckRecovered"
	clientRefused  = "ActionConnectorClientRefused"
	connectionOver = "ActionConnectionExpired"
)

// A Notice is something about a connector that the server noticed by itself.
type Notice struct {
	// Name is the event's.
	Name                                    string
	Account, Region, Connector, ConnectorID string
	// User is the person whose connection it is about; empty for none.
	User string
	// Reason is a sentence; empty for good news.
	Reason string
}

// A Recipient is somebody who gets letters.
type Recipient struct{ Name, Email string }

// Letters are what action asks of whoever writes to people.
type Letters interface {
	// Owners are the ARNs of the users who own a connector by its permission list
	// and have an e-mail address.
	Owners(tx *store.Tx, connector string) ([]string, error)
	// Recipient finds a user; one who is not there, or may not act, has no address.
	Recipient(tx *store.Tx, user arn.ARN) (Recipient, error)
	// Account gives an account's name, and the address for its notices.
	Account(tx *store.Tx, account string) (name, email string, err error)
	// Send sends a letter. Permanent errors of package mail are final.
	Send(ctx context.Context, m mail.Message) error
}

// jobLetter sends a letter; its key is the connector's ARN.
const jobLetter = "connector.letter"

// lettersGiveUp is how often sending a letter is tried.
const lettersGiveUp = 8

// A letter is what the job knows of it.
type letter struct {
	// What is the beginning of the keys of its texts.
	What    string
	Account string
	// To is the ARN of a user; empty for the account's own address.
	To     string `json:",omitempty"`
	Lang   string `json:",omitempty"`
	ID     string
	Name   string
	Reason string `json:",omitempty"`
	// Times is how often it failed.
	Times int64 `json:",omitempty"`
}

// letterOf are the texts of the letter about an event.
var letterOf = map[string]string{
	checkFailed: "mail.check-failed", checkRecovered: "mail.check-recovered", clientRefused: "mail.client-refused", connectionOver: "mail.reconnect",
}

// notice leaves the event of something that the server noticed, and the letters
// about it: to the person whom it is about, or to the connector's owners.
func (s *Service) notice(tx *store.Tx, l *connector.Live, name, user, lang, reason string, times int64) error {
	s.leaveNotice(tx, l, name, user, reason)
	if s.Letters == nil {
		return nil
	}
	to := []string{user}
	if user == "" {
		owners, err := s.Letters.Owners(tx, l.ARN)
		if err != nil {
			return err
		}
		if to = owners; len(to) == 0 {
			to = []string{""} // the account's own address
		}
	}
	for _, one := range to {
		err := job.Add(tx, jobLetter, l.ARN, letter{
			What: letterOf[name], Account: l.Key.Account, To: one, Lang: lang, ID: l.Key.ID, Name: l.Name, Reason: reason, Times: times,
		}, s.Now())
		if err != nil {
			return err
		}
	}
	return nil
}

// leaveNotice leaves the event alone.
func (s *Service) leaveNotice(tx *store.Tx, l *connector.Live, name, user, reason string) {
	tx.AfterCommit(func() { s.Meter.Noticed(name) })
	if s.Trail != nil {
		s.Trail.Noticed(tx, Notice{
			Name: name, Account: l.Key.Account, Region: l.Key.Region, Connector: l.ARN, ConnectorID: l.Key.ID, User: user, Reason: reason,
		})
	}
}

// sendLetter is the job.
func (s *Service) sendLetter(ctx context.Context, j job.Job) error {
	var l letter
	if err := j.Decode(&l); err != nil {
		return err
	}
	if s.Letters == nil { // they were sent when the job was left
		return nil
	}
	var to Recipient
	var account string
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if account, to.Email, err = s.Letters.Account(tx, l.Account); err != nil || l.To == "" {
			return err
		}
		user, err := arn.Parse(l.To)
		if err != nil {
			return err
		}
		to, err = s.Letters.Recipient(tx, user)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && to.Email == "" {
		return nil // nobody is there any more, or can be written to
	}
	if err != nil {
		return err
	}
	err = s.Letters.Send(ctx, s.write(l, account, to.Email))
	if err == nil {
		return nil
	}
	if mail.Permanent(err) || j.Attempts >= lettersGiveUp {
		s.Log.ErrorContext(ctx, "a letter is given up", "connector", j.Key, "to", l.To, "attempts", j.Attempts, "error", err.Error())
		return nil
	}
	return err
}

// write writes a letter.
func (s *Service) write(l letter, account, email string) mail.Message {
	lang := l.Lang
	if lang == "" {
		lang = s.Language
	}
	if lang == "" {
		lang = web.Languages[0]
	}
	t := func(key string, args ...any) string { return web.Text(lang, l.What+"."+key, args...) }
	m := mail.Message{To: email, Lang: lang, Subject: t("subject", l.Name), Title: t("subject", l.Name), Paragraphs: []string{t("text", l.Name, l.ID, account)}}
	if l.Times > 0 {
		m.Paragraphs[0] += " " + web.Text(lang, "mail.times", l.Times)
	}
	if l.Reason != "" {
		m.Paragraphs = append(m.Paragraphs, web.Text(lang, "mail.reason", l.Reason))
	}
	next := []any{l.ID}
	if l.What == letterOf[checkRecovered] || l.What == letterOf[connectionOver] {
		next = nil
	}
	m.Paragraphs = append(m.Paragraphs, t("next", next...))
	switch {
	case l.What == letterOf[connectionOver]:
		m.Action, m.Link = t("action"), s.PublicURL+web.Root+"/you?lang="+lang
	case l.To == "":
		m.After = []string{web.Text(lang, "mail.why.account", account)}
	default:
		m.After = []string{web.Text(lang, "mail.why.owner")}
	}
	return m
}
