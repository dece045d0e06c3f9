package audit

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// A Head is the end of an account's chain at some time. Kept elsewhere, it
// shows later that nothing from before was taken away with the chain's end.
type Head struct {
	Account string
	Total   int64 // events so far, those too that the retention has removed
	Seq     int64 // of the last one
	Hash    []byte
}

// String is the head as ParseHeads reads it.
func (h Head) String() string {
	return fmt.Sprintf("head %s %d %d %x", h.Account, h.Total, h.Seq, h.Hash)
}

// MarshalText is String, for JSON.
func (h Head) MarshalText() ([]byte, error) { return []byte(h.String()), nil }

// ParseHeads reads the heads in a text, such as what was printed by an earlier
// Verify; other lines are passed over.
func ParseHeads(text string) ([]Head, error) {
	var all []Head
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] != "head" {
			continue
		}
		if len(f) != 5 || !arn.IsAccount(f[1]) {
			return nil, fmt.Errorf("%q is not a head: head, account, events, number and hash", strings.TrimSpace(line))
		}
		total, err1 := strconv.ParseInt(f[2], 10, 64)
		seq, err2 := strconv.ParseInt(f[3], 10, 64)
		sum, err3 := hex.DecodeString(f[4])
		if err := errors.Join(err1, err2, err3); err != nil {
			return nil, fmt.Errorf("%q is not a head: %w", strings.TrimSpace(line), err)
		}
		all = append(all, Head{f[1], total, seq, sum})
	}
	return all, nil
}

// A Report is what Verify found.
type Report struct {
	// Problems are sentences that say what is not as it was sealed, and where.
	Problems []string
	// Notes are sentences that say what could not be looked at.
	Notes []string
	// Accounts are what was verified, in order.
	Accounts []AccountReport
}

// An AccountReport is what there is of an account.
type AccountReport struct {
	// Head is the end of the chain; its Total is 0 where nothing is sealed yet.
	Head Head
	// Events are those that are there, Removed those that the retention removed,
	// and Unsealed those of the first that are too new to be sealed.
	Events, Removed, Unsealed int64
	// First and Last are the times of the events that are there.
	First, Last time.Time
}

// maxProblems bounds the problems that a Report lists.
const maxProblems = 200

// Verify recomputes the chain of an account, or of all when account is empty,
// and compares it with what was sealed, and with heads that were kept elsewhere.
// The error says why it could not; what it found is in the Report.
func Verify(ctx context.Context, db *store.DB, keys *seal.Keyring, account string, heads []Head) (*Report, error) {
	v := &verifier{keys: keys, only: account, heads: heads}
	err := db.Read(ctx, func(tx *store.Tx) error {
		v.accounts, v.report, v.problems = map[string]*progress{}, Report{}, 0
		return v.run(tx)
	})
	if err != nil {
		return nil, err
	}
	if n := v.problems - len(v.report.Problems); n > 0 {
		v.report.Problems = append(v.report.Problems, fmt.Sprintf("… and %d more", n))
	}
	return &v.report, nil
}

type verifier struct {
	keys  *seal.Keyring
	only  string
	heads []Head

	accounts map[string]*progress
	report   Report
	problems int
}

// A progress is how far an account has been verified.
type progress struct {
	chain *chain // nil where there is none
	AccountReport
	total int64  // at the end of the batch before
	hash  []byte // of the batch before

	// The batches of the current round, of which the first is under way.
	batches []batch
	marks   []mark // of its events that have not come yet
	sum     hash.Hash
	fits    bool // all of its events so far

	heads map[int64]Head // kept elsewhere, by their number
}

// problem adds a sentence to the report, about an account or, when that is
// empty, about all.
func (v *verifier) problem(account, format string, args ...any) {
	if v.problems++; v.problems > maxProblems {
		return
	}
	text := fmt.Sprintf(format, args...)
	if account != "" {
		text = "account " + account + ": " + text
	}
	v.report.Problems = append(v.report.Problems, text)
}

func (v *verifier) run(tx *store.Tx) error {
	all, found, err := findChain(tx, "")
	if err != nil {
		return err
	}
	if err := v.begin(tx, all, found); err != nil {
		return err
	}
	for round := int64(0); ; {
		next, err := store.All[int64](tx, `SELECT round FROM audit_batches WHERE round > $1 ORDER BY round LIMIT 1`, round)
		if err != nil {
			return err
		}
		if len(next) == 0 {
			if err := v.tail(tx, round, all); err != nil {
				return err
			}
			break
		}
		if err := v.round(tx, round, next[0]); err != nil {
			return err
		}
		round = next[0]
	}
	v.end()
	return nil
}

// begin reads the chains.
func (v *verifier) begin(tx *store.Tx, all *chain, found bool) error {
	chains, err := store.All[chain](tx, `SELECT `+chainColumns+` FROM audit_chains WHERE account <> '' ORDER BY account`)
	if err != nil {
		return err
	}
	if found {
		v.checkChain(all)
		if n := int64(len(chains)); n < all.HeadTotal {
			v.problem("", "%d of the %d accounts with sealed events are gone as a whole", all.HeadTotal-n, all.HeadTotal)
		} else if n > all.HeadTotal {
			v.problem("", "there are chains of %d accounts, and events of %d were sealed", n, all.HeadTotal)
		}
	} else if len(chains) > 0 {
		v.problem("", "the row that says how far everything is sealed is gone")
	}
	for i := range chains {
		c := &chains[i]
		if v.only != "" && c.Account != v.only {
			continue
		}
		v.checkChain(c)
		p := v.of(c.Account)
		p.chain, p.total, p.hash, p.Removed = c, c.BaseTotal, c.BaseHash, c.BaseTotal
		p.Head = Head{c.Account, c.HeadTotal, c.HeadSeq, c.HeadHash}
	}
	for _, h := range v.heads {
		if v.only == "" || h.Account == v.only {
			v.keep(h)
		}
	}
	return nil
}

// checkChain checks the row of a chain.
func (v *verifier) checkChain(c *chain) {
	if err := genuine(v.keys, c, c.Seal); err != nil {
		v.problem(c.Account, "the row that holds the ends of the chain was altered (%v)", err)
	}
	if c.BrokenUS != 0 {
		v.problem(c.Account, "the server found at %s that the chain was altered before", store.Time(c.BrokenUS).Format(time.RFC3339))
	}
}

// keep has a head that was kept elsewhere looked for.
func (v *verifier) keep(h Head) {
	p := v.of(h.Account)
	switch {
	case p.chain == nil:
		v.problem(h.Account, "all events are gone, of which %d were sealed when %q was printed", h.Total, h)
	case h.Seq < p.chain.BaseSeq:
		v.report.Notes = append(v.report.Notes, fmt.Sprintf("account %s: the retention has removed what %q was about", h.Account, h))
	case h.Seq == p.chain.BaseSeq && !bytes.Equal(h.Hash, p.chain.BaseHash):
		v.problem(h.Account, "the chain is another than when %q was printed", h)
	case h.Seq > p.chain.BaseSeq:
		p.heads[h.Seq] = h
	}
}

// of gives the progress of an account.
func (v *verifier) of(account string) *progress {
	p := v.accounts[account]
	if p == nil {
		p = &progress{hash: nothing, heads: map[int64]Head{}, AccountReport: AccountReport{Head: Head{Account: account}}}
		v.accounts[account] = p
	}
	return p
}

// round verifies what was sealed after the round before.
func (v *verifier) round(tx *store.Tx, before, round int64) error {
	batches, err := store.All[batch](tx, `SELECT `+batchColumns+` FROM audit_batches WHERE round = $1 ORDER BY account, to_seq`, round)
	if err != nil {
		return err
	}
	var under []*progress
	for i := range batches {
		if v.only != "" && batches[i].Account != v.only {
			continue
		}
		p := v.of(batches[i].Account)
		if p.batches = append(p.batches, batches[i]); len(p.batches) == 1 {
			under = append(under, p)
			v.open(p)
		}
	}
	err = v.events(tx, before, round, func(e *event) {
		v.sealed(v.of(e.Account), e)
	})
	for _, p := range under {
		for len(p.batches) > 0 {
			v.close(p)
		}
	}
	return err
}

// events calls each with the events between two numbers, in order.
func (v *verifier) events(tx *store.Tx, after, upTo int64, each func(e *event)) error {
	for {
		events, err := store.All[event](tx, `SELECT seq, account, record FROM audit_events WHERE seq > $1 AND seq <= $2 ORDER BY seq LIMIT $3`,
			after, upTo, maxRound)
		if err != nil {
			return err
		}
		for i := range events {
			e := &events[i]
			after = e.Seq
			if v.only != "" && e.Account != v.only {
				continue
			}
			p := v.of(e.Account)
			p.Events++
			if p.Last = timeOf(e.Seq); p.First.IsZero() {
				p.First = p.Last
			}
			each(e)
		}
		if len(events) < maxRound {
			return nil
		}
	}
}

// open begins with the first batch.
func (v *verifier) open(p *progress) {
	b := &p.batches[0]
	if err := genuine(v.keys, b, b.Seal); err != nil {
		v.problem(b.Account, "the row of the batch %s was altered (%v)", span(b.From, b.To), err)
	}
	if p.chain == nil {
		v.problem(b.Account, "the row that holds the ends of the chain is gone")
		p.chain = newChain(b.Account)
	}
	if missing := b.Total - b.Events - p.total; missing != 0 {
		v.problem(b.Account, "before the batch %s there were %d events, and now there are %d: batches were removed or added",
			span(b.From, b.To), b.Total-b.Events, p.total)
	}
	p.marks, p.sum, p.fits = b.marks(), newBatchHash(p.hash), true
}

// sealed takes an event that lies where everything is sealed.
func (v *verifier) sealed(p *progress, e *event) {
	for len(p.batches) > 0 && p.batches[0].To < e.Seq {
		v.close(p)
	}
	for len(p.marks) > 0 && p.marks[0].seq < e.Seq {
		v.missing(p, p.marks[0].seq)
		p.marks = p.marks[1:]
	}
	if len(p.marks) == 0 || p.marks[0].seq != e.Seq {
		p.fits = false
		v.problem(e.Account, "%s was added after its time was sealed%s", name(e.Account, e.Seq), what(e))
		return
	}
	leaf := leafOf(e.Seq, e.Record)
	if [4]byte(leaf[:4]) != p.marks[0].leaf {
		p.fits = false
		v.problem(e.Account, "%s was changed after it was sealed%s", name(e.Account, e.Seq), what(e))
	}
	p.marks = p.marks[1:]
	p.sum.Write(leaf[:])
}

func (v *verifier) missing(p *progress, seq int64) {
	p.fits = false
	v.problem(p.batches[0].Account, "%s was removed", name(p.batches[0].Account, seq))
}

// close ends the first batch, and opens the next.
func (v *verifier) close(p *progress) {
	b := &p.batches[0]
	for _, m := range p.marks {
		v.missing(p, m.seq)
	}
	p.marks = nil
	if p.fits && !bytes.Equal(p.sum.Sum(nil), b.Hash) {
		// The events are those of the seal, or close to them: it is the batch
		// before that is another.
		v.problem(b.Account, "the batch %s does not follow the one before it", span(b.From, b.To))
	}
	p.total, p.hash = b.Total, b.Hash
	if h, ok := p.heads[b.To]; ok {
		delete(p.heads, b.To)
		if !bytes.Equal(h.Hash, b.Hash) {
			v.problem(b.Account, "the chain is another than when %q was printed", h)
		}
	}
	if p.batches = p.batches[1:]; len(p.batches) > 0 {
		v.open(p)
	}
}

// tail looks at what comes after the last round.
func (v *verifier) tail(tx *store.Tx, last int64, all *chain) error {
	// Up to here everything was sealed, so nothing may be left.
	if last < all.HeadSeq {
		if err := v.events(tx, last, all.HeadSeq, func(e *event) {
			v.problem(e.Account, "%s lies where everything was sealed, and is in no batch%s", name(e.Account, e.Seq), what(e))
		}); err != nil {
			return err
		}
	}
	if last > all.HeadSeq {
		v.problem("", "batches go on until %s, and events were sealed until %s", timeOf(last).Format(exact), timeOf(all.HeadSeq).Format(exact))
	}
	const end = 1<<63 - 1
	return v.events(tx, max(last, all.HeadSeq), end, func(e *event) { v.of(e.Account).Unsealed++ })
}

// end compares the ends of the chains with what was found.
func (v *verifier) end() {
	for _, account := range slices.Sorted(maps.Keys(v.accounts)) {
		p := v.accounts[account]
		if c := p.chain; c != nil {
			if p.total < c.HeadTotal {
				v.problem(account, "the last %d events that were sealed, until %s, are gone with their batches", c.HeadTotal-p.total, timeOf(c.HeadSeq).Format(exact))
			} else if p.total > c.HeadTotal || !bytes.Equal(p.hash, c.HeadHash) {
				v.problem(account, "the chain does not end as the row that holds its ends says")
			}
			for _, h := range slices.SortedFunc(maps.Values(p.heads), func(a, b Head) int { return cmp.Compare(a.Seq, b.Seq) }) {
				v.problem(account, "the chain does not lead to %q, which was printed earlier: it was taken back, or made anew", h)
			}
		}
		v.report.Accounts = append(v.report.Accounts, p.AccountReport)
	}
}

// exact is how the report writes times.
const exact = "2006-01-02T15:04:05.000000Z"

// name names an event in a report.
func name(account string, seq int64) string {
	return "the event " + eventID(account, seq) + " of " + timeOf(seq).Format(exact)
}

// span names a batch in a report.
func span(from, to int64) string {
	return "from " + timeOf(from).Format(exact) + " to " + timeOf(to).Format(exact)
}

// what says what an event is about, as it is now.
func what(e *event) string {
	h, err := e.head()
	if err != nil {
		return "; it cannot be read"
	}
	return fmt.Sprintf("; it now says %s by %s", h.EventName, cmp.Or(h.UserIdentity.ARN, h.UserIdentity.UserName, "nobody"))
}
