package audit

import (
	"context"
	"time"

	"onsight/internal/store"
)

const (
	// writeBatch is how many events of the queue one transaction takes.
	writeBatch = 256
	// lateness is how far the time of an event may be from that of its number.
	lateness = time.Second
	// complaint is how often the log tells that events are dropped.
	complaint = 10 * time.Second
	// The pause after the store could not take events.
	writePause = time.Second
)

// enqueue leaves an event to be written, or drops it.
func (t *Trail) enqueue(account string, record []byte) {
	select {
	case t.queue <- &entry{account: account, record: record, happened: t.now()}:
	default:
		t.dropped.Add(1)
	}
}

// write writes the events of the queue until the Trail stops and it is empty.
func (t *Trail) write() {
	var told time.Time
	for {
		var batch []*entry
		select {
		case e := <-t.queue:
			batch = t.more(append(batch, e))
		case <-t.stop:
			batch = t.more(batch)
			if len(batch) == 0 {
				t.complain()
				return
			}
		}
		t.writeBatch(batch)
		if now := t.now(); now.Sub(told) >= complaint && t.complain() {
			told = now
		}
	}
}

// more adds what else is in the queue.
func (t *Trail) more(batch []*entry) []*entry {
	for len(batch) < writeBatch {
		select {
		case e := <-t.queue:
			batch = append(batch, e)
		default:
			return batch
		}
	}
	return batch
}

// writeBatch writes events, and tries again until it succeeds; once the Trail
// stops it tries only once.
func (t *Trail) writeBatch(batch []*entry) {
	for {
		err := t.db.Write(context.Background(), func(tx *store.Tx) error {
			for _, e := range batch {
				tx.Leave(e)
			}
			return nil
		})
		if err == nil {
			return
		}
		select {
		case <-t.stop:
			t.log.Error("audit: events of refused or failed calls are lost", "events", len(batch), "error", err)
			return
		default:
		}
		t.log.Error("audit: events wait to be written", "events", len(batch), "error", err)
		select {
		case <-time.After(writePause):
		case <-t.stop:
		}
	}
}

// complain logs how many events were dropped since it last did; it tells
// whether there were any.
func (t *Trail) complain() bool {
	n := t.dropped.Swap(0)
	if n == 0 {
		return false
	}
	t.log.Error("audit: events of refused or failed calls were dropped, because they came faster than they could be written", "events", n)
	return true
}
