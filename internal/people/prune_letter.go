package people

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/mail"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
	"onsight/internal/web"
)

// jobLetter writes to a user whom a prune has warned.
const jobLetter = "people.warn"

// givesUp is how often a letter is tried before it is given up: with the pauses
// between, some hours.
const givesUp = 25

// about is the payload of jobLetter: the step of a prune.
type about struct{ Account, Prune, Namespace, Name string }

// warn notes that a user is warned, and leaves a letter to be sent where the
// server sends any. The step of a prune is there once, and so is the letter.
func (r *pruning) warn(tx *store.Tx, account string, p *Person) (letter *string, err error) {
	if err := r.s.users.Warned(tx, account, p.Namespace, p.Name); err != nil || r.s.mail == nil {
		return nil, err
	}
	of := about{Account: account, Prune: r.id, Namespace: p.Namespace, Name: p.Name}
	return new(string(onsightapi.PruneLetterWaiting)), job.Add(tx, jobLetter, account, of, r.s.now())
}

// sendLetter writes to a user who was warned, unless they were seen since, or
// are gone.
func (s *Service) sendLetter(ctx context.Context, j job.Job) error {
	var of about
	if err := j.Decode(&of); err != nil {
		return err
	}
	m, err := s.letter(ctx, of)
	if err != nil {
		return err
	}
	if m == nil {
		return s.noteLetter(ctx, of, onsightapi.PruneLetterSkipped)
	}
	switch err := s.mail.Send(ctx, *m); {
	case err == nil:
		return s.noteLetter(ctx, of, onsightapi.PruneLetterSent)
	case mail.Permanent(err) || j.Attempts >= givesUp:
		s.log.ErrorContext(ctx, "a letter is given up", "to", of.Name, "account", of.Account, "attempts", j.Attempts, "error", err.Error())
		return s.noteLetter(ctx, of, onsightapi.PruneLetterFailed)
	default:
		return err
	}
}

// noteLetter tells the report what became of a letter; the report may be gone
// with its account.
func (s *Service) noteLetter(ctx context.Context, of about, became onsightapi.PruneLetter) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE prune_steps SET letter = $5 WHERE account = $1 AND prune_id = $2 AND namespace = $3 AND name = $4`,
			of.Account, of.Prune, of.Namespace, of.Name, string(became))
		return err
	})
}

// letter writes the letter of a step; nil where there is nothing to say any more.
func (s *Service) letter(ctx context.Context, of about) (m *mail.Message, err error) {
	if s.mail == nil { // it was there when the job was left
		return nil, nil
	}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		m = nil
		at, err := store.One[int64](tx, `SELECT at_us FROM prune_steps WHERE account = $1 AND prune_id = $2 AND namespace = $3 AND name = $4`,
			of.Account, of.Prune, of.Namespace, of.Name)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		p, err := s.users.Person(tx, of.Account, of.Namespace, of.Name)
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
			return nil
		}
		if err != nil || !p.Deactivated.IsZero() || p.seen().After(store.Time(at)) {
			return err
		}
		row, err := findPrune(tx, of.Account, of.Prune)
		if err != nil {
			return err
		}
		var policy onsightapi.PrunePolicy
		if err := json.Unmarshal([]byte(row.Policy), &policy); err != nil {
			return fmt.Errorf("policy of prune %s: %w", of.Prune, err)
		}
		account, err := s.accounts.Name(tx, of.Account)
		if err == nil {
			m = s.write(account, &p, &policy)
		}
		return err
	})
	return m, err
}

// write writes to a user that they have not been seen for long.
func (s *Service) write(account string, p *Person, policy *onsightapi.PrunePolicy) *mail.Message {
	lang := web.Languages[0]
	if policy.Language != nil {
		lang = string(*policy.Language)
	}
	t := func(key string, args ...any) string { return web.Text(lang, "mail.idle."+key, args...) }
	const day = 24 * time.Hour
	idle := p.idleDays(s.now())
	m := &mail.Message{
		To: p.Email, Lang: lang, Subject: t("subject", account), Title: t("title"),
		Paragraphs: []string{t("text", account, p.Name, web.Duration(lang, time.Duration(idle)*day))},
		Action:     t("action"), Link: s.link("/signin", "account", account, "lang", lang), After: []string{t("ignore")},
	}
	until := value(policy.DeactivateAfterDays)
	if until == 0 {
		until = value(policy.DeleteAfterDays) // who is to be deleted is deactivated first
	}
	if left := int64(until) - idle; left > 0 {
		m.Paragraphs = append(m.Paragraphs, t("until", web.Duration(lang, time.Duration(left)*day)))
	}
	if p.Invited { // there is no password yet: that page sends another invitation
		m.Paragraphs = append(m.Paragraphs, t("invited"))
		m.Action, m.Link = t("invite"), s.link("/signin/forgotten", "account", account, "namespace", p.Namespace, "username", p.Name, "lang", lang)
	}
	return m
}
