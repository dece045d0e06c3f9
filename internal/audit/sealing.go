package audit

import (
	"context"
	"errors"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/seal"
	"onsight/internal/store"
)

const (
	// maxRound is how many events are sealed in one transaction. What is asked
	// by account reads as many rows at most to find those of one batch.
	maxRound = 2048
	// maxBatch is how many events of an account share a batch.
	maxBatch = 512
	// tidyEvery is how often events are looked for that are too old.
	tidyEvery = time.Hour
)

// tend seals what is new and removes what is old, until the Trail stops.
func (t *Trail) tend() {
	ticker := time.NewTicker(t.sealEvery)
	defer ticker.Stop()
	var tidied time.Time
	for {
		t.attempt("seal events", t.sealAll)
		if now := t.now(); t.retention > 0 && now.Sub(tidied) >= tidyEvery {
			tidied = now
			t.attempt("remove old events", t.tidy)
		}
		select {
		case <-ticker.C:
		case <-t.stop:
			<-t.written
			t.attempt("seal events", t.sealAll)
			return
		}
	}
}

func (t *Trail) attempt(what string, do func(context.Context) error) {
	if err := do(context.Background()); err != nil {
		t.log.Error("audit: "+what, "error", err)
	}
}

// sealAll seals all that is there.
func (t *Trail) sealAll(ctx context.Context) error {
	for {
		n, err := t.sealRound(ctx)
		if err != nil || n < maxRound {
			return err
		}
	}
}

// A draft is a batch that lacks what follows from the batch before.
type draft struct {
	batch
	leaves []digest
}

// errOvertaken says that another server was first.
var errOvertaken = errors.New("overtaken")

// sealRound seals the next events of all accounts, and gives their number.
func (t *Trail) sealRound(ctx context.Context) (int, error) {
	var from int64
	var events []event
	err := t.db.Read(ctx, func(tx *store.Tx) error {
		all, _, err := findChain(tx, "")
		if err != nil {
			return err
		}
		from = all.HeadSeq
		events, err = store.All[event](tx, `SELECT seq, account, record FROM audit_events WHERE seq > $1 ORDER BY seq LIMIT $2`, from, maxRound)
		return err
	})
	if err != nil || len(events) == 0 {
		return 0, err
	}
	round := events[len(events)-1].Seq
	drafts := draftBatches(events, round)
	err = t.db.Write(ctx, func(tx *store.Tx) error {
		all, begun, err := t.openChain(tx, "")
		if err != nil {
			return err
		}
		if all.HeadSeq != from {
			return errOvertaken
		}
		// Reading them here has PostgreSQL notice one that comes in between at
		// this moment.
		n, err := store.One[int](tx, `SELECT count(*) FROM audit_events WHERE seq > $1 AND seq <= $2`, from, round)
		if err != nil {
			return err
		}
		if n != len(events) {
			return errOvertaken
		}
		for account, drafts := range drafts {
			c, found, err := t.openChain(tx, account)
			if err != nil {
				return err
			}
			if !found {
				all.HeadTotal++
			}
			for _, d := range drafts {
				b := d.after(c, t.keys)
				if err := store.Insert(tx, "audit_batches", b); err != nil {
					return err
				}
			}
			if err := t.closeChain(tx, c, found); err != nil {
				return err
			}
		}
		all.HeadSeq = round
		return t.closeChain(tx, all, begun)
	})
	if errors.Is(err, errOvertaken) || store.Duplicate(err) {
		return 0, nil
	}
	return len(events), err
}

// draftBatches parts events by account into batches.
func draftBatches(events []event, round int64) map[string][]*draft {
	all := map[string][]*draft{}
	terms := map[*draft]map[uint64]struct{}{}
	heads := map[*draft]*head{} // of the event before
	for i := range events {
		e := &events[i]
		of := all[e.Account]
		if len(of) == 0 || of[len(of)-1].Events == maxBatch {
			d := &draft{batch: batch{Account: e.Account, From: e.Seq, To: e.Seq - 1, Round: round}}
			of = append(of, d)
			all[e.Account], terms[d] = of, map[uint64]struct{}{}
		}
		d := of[len(of)-1]
		leaf := leafOf(e.Seq, e.Record)
		d.Marks = appendMark(d.Marks, d.To, e.Seq, leaf)
		d.leaves = append(d.leaves, leaf)
		d.To = e.Seq
		d.Events++
		h, err := e.head()
		if err != nil {
			continue // it is sealed as it is; Verify and Export tell
		}
		in := terms[d]
		h.terms(heads[d], func(key cloudtrailapi.LookupAttributeKey, value string) { in[termHash(key, value)] = struct{}{} })
		heads[d] = &h
	}
	for d, hashes := range terms {
		d.Filter = makeFilter(hashes)
	}
	return all
}

// after completes a batch as the next one of a chain.
func (d *draft) after(c *chain, keys *seal.Keyring) batch {
	b := d.batch
	h := newBatchHash(c.HeadHash)
	for _, leaf := range d.leaves {
		h.Write(leaf[:])
	}
	b.Total = c.HeadTotal + b.Events
	b.Hash = h.Sum(nil)
	b.Seal = sealOf(keys, &b)
	c.HeadSeq, c.HeadTotal, c.HeadHash = b.To, b.Total, b.Hash
	return b
}

// openChain reads a chain to change it. One that was altered goes on, since
// events must be sealed, but keeps that it was.
func (t *Trail) openChain(tx *store.Tx, account string) (c *chain, found bool, err error) {
	c, found, err = findChain(tx, account)
	if err != nil || !found {
		return c, found, err
	}
	if err := genuine(t.keys, c, c.Seal); err != nil && c.BrokenUS == 0 {
		c.BrokenUS = store.Micros(t.now())
		tx.AfterCommit(func() {
			t.log.Error("audit: the end of a chain of events is not what was sealed; run onsight audit verify", "account", account, "error", err)
		})
	}
	return c, true, nil
}

// closeChain seals a chain that was changed.
func (t *Trail) closeChain(tx *store.Tx, c *chain, found bool) error {
	c.Seal = sealOf(t.keys, c)
	if !found {
		return store.Insert(tx, "audit_chains", *c)
	}
	_, err := tx.Exec(`UPDATE audit_chains SET head_seq = $2, head_total = $3, head_hash = $4, base_seq = $5, base_total = $6,
		base_hash = $7, broken_us = $8, seal = $9 WHERE account = $1`,
		c.Account, c.HeadSeq, c.HeadTotal, c.HeadHash, c.BaseSeq, c.BaseTotal, c.BaseHash, c.BrokenUS, c.Seal)
	return err
}
