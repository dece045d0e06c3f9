package store

import (
	"log/slog"
	"sync/atomic"

	"onsight/internal/store/lite"
)

const (
	// checkpointAfter is how many pages of the write-ahead log are copied into
	// the database at once: 16 MB. A page that changed often is copied once.
	checkpointAfter = 4000
	// resetAfter is how many pages the log may have: 64 MB. It starts anew only
	// while nobody writes, and under load somebody always does.
	resetAfter = 16000
)

// A checkpointer copies the write-ahead log into the database beside the
// writer, which would keep all who write waiting for two more syncs.
type checkpointer struct {
	c      *lite.Conn
	log    *slog.Logger
	due    chan struct{}
	done   chan struct{}
	copied atomic.Int64 // pages of the log that need no copying any more
	reset  int64        // length of the log at which to start it anew; the writer's
}

func startCheckpointer(c *lite.Conn, log *slog.Logger) *checkpointer {
	p := &checkpointer{c: c, log: log, due: make(chan struct{}, 1), done: make(chan struct{}), reset: resetAfter}
	go p.run()
	return p
}

func (p *checkpointer) run() {
	defer close(p.done)
	for range p.due {
		copied, err := p.c.Checkpoint(false)
		if err != nil {
			p.log.Error("copy the write-ahead log into the database", "error", err)
			p.copied.Add(checkpointAfter) // that is, try again later
			continue
		}
		p.copied.Store(int64(copied))
	}
}

// committed is called by the writer c after each commit, in its turn.
func (p *checkpointer) committed(c *lite.Conn) {
	frames := int64(c.Frames())
	switch {
	case frames >= p.reset:
		// What is left to copy is little, and most readers are soon done.
		p.reset = resetAfter
		if _, err := c.Checkpoint(true); err != nil {
			p.log.Warn("start the write-ahead log anew", "pages", frames, "error", err)
			p.reset = frames + checkpointAfter
		}
	case frames < p.copied.Load(): // it has started anew
		p.copied.Store(0)
	case frames >= p.copied.Load()+checkpointAfter:
		select {
		case p.due <- struct{}{}:
		default: // it is at it
		}
	}
}

// Close waits for the copying under way.
func (p *checkpointer) Close() error {
	close(p.due)
	<-p.done
	return p.c.Close()
}
