package network

import (
	"context"
	"errors"
	"net"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// jobSettle ends a creation, an update or a deletion; its key is the ARN.
// jobForget removes what is left of a deleted connection.
const (
	jobSettle = "network.settle"
	jobForget = "network.forget"
)

// memory is how long a deleted connection can still be read, as DELETED.
const memory = time.Hour

// patience is how long a change waits for the end of the one before it.
const patience = 2 * time.Second

type task struct {
	resource.Key
	// Version is the connection's when the job was written. A job of another
	// version has been overtaken.
	Version int64
	// Created tells a connection from a later one of the same id.
	Created int64
}

func taskOf(it *item) task {
	return task{Key: it.Key, Version: it.Version, Created: store.Micros(it.Created)}
}

func (s *Service) begin(tx *store.Tx, it *item) error {
	return job.Add(tx, jobSettle, it.ARN, taskOf(it), s.now())
}

// settle is the job. It may run again at any point: it asks first whether there
// is still something to do.
func (s *Service) settle(ctx context.Context, j job.Job) error {
	var t task
	if err := j.Decode(&t); err != nil {
		return err
	}
	var it *item
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		it, err = waiting(tx, t)
		return err
	})
	if it == nil || err != nil {
		return err
	}
	verdict := s.judge(ctx, it)
	return s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := waiting(tx, t)
		if it == nil || err != nil {
			return err
		}
		if it.Status == deleting {
			return s.bury(tx, it)
		}
		_, err = connections.Update(tx, t.Key, s.now(), func(it *item) error {
			end(it, verdict)
			return nil
		})
		return err
	})
}

// waiting reads the connection that a job is for; nil when it was overtaken.
func waiting(tx *store.Tx, t task) (*item, error) {
	it, err := connections.Get(tx, t.Key)
	if missing(err) {
		return nil, nil
	}
	if err != nil || it.Version != t.Version || store.Micros(it.Created) != t.Created {
		return nil, err
	}
	return it, nil
}

// judge says in a sentence for the connection's owner why new settings can't
// come into force; empty where they can.
func (s *Service) judge(ctx context.Context, it *item) string {
	next := &it.Doc.Settings
	switch it.Status {
	case creating:
	case updating:
		next = it.Doc.Pending
	default:
		return ""
	}
	found, err := s.profile(it.Account, next)
	switch {
	case err != nil:
		return err.Error()
	case found.Source.IsValid() && !owned(ctx, found.Source.String()):
		return "This server does not have the source address of the network profile. Ask its operator."
	}
	return ""
}

// end ends a creation or an update. One that failed leaves the settings before
// it in force.
func end(it *item, verdict string) {
	doc := &it.Doc
	ends := map[string][2]string{creating: {created, notCreated}, updating: {updated, notUpdated}}[it.Status]
	it.Status, doc.Error = ends[0], verdict
	if verdict != "" {
		it.Status = ends[1]
	} else if doc.Pending != nil {
		doc.Settings = *doc.Pending
		it.Name = doc.Settings.Name
	}
	doc.Pending = nil
}

// owned tells whether this machine has an address, by listening at it for a moment.
func owned(ctx context.Context, address string) bool {
	var here net.ListenConfig
	l, err := here.Listen(ctx, "tcp", net.JoinHostPort(address, "0"))
	if err != nil {
		return false
	}
	_ = l.Close()
	return true
}

// bury ends a deletion. The row stays for a while, so that programs that wait
// for DELETED see it.
func (s *Service) bury(tx *store.Tx, it *item) error {
	gone, err := connections.Update(tx, it.Key, s.now(), func(it *item) error { return connections.Move(it, deleted) })
	if err != nil {
		return err
	}
	if err := s.tags.Delete(tx, it.ARN); err != nil {
		return err
	}
	return job.Add(tx, jobForget, it.ARN, taskOf(gone), s.now().Add(memory))
}

// forget is the job that removes the row.
func (s *Service) forget(ctx context.Context, j job.Job) error {
	var t task
	if err := j.Decode(&t); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		it, err := waiting(tx, t)
		if it == nil || err != nil {
			return err
		}
		_, err = connections.Delete(tx, t.Key)
		return err
	})
}

// settled makes a change. While it is in conflict with the end of a change
// before it, it waits for that and tries again, for a short time.
func (s *Service) settled(ctx context.Context, arn string, change func() error) error {
	err := change()
	wait, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for pause := time.Millisecond; busy(err); pause = min(2*pause, 50*time.Millisecond) {
		if s.jobs.Wait(wait, jobSettle, arn) != nil {
			return err
		}
		if err = change(); !busy(err) {
			break
		}
		// Someone else was first, and its end is not a job yet or no more.
		select {
		case <-wait.Done():
			return err
		case <-time.After(pause):
		}
	}
	return err
}

// An underWay is a conflict that will pass by itself.
type underWay struct{ error }

func (u underWay) Unwrap() error { return u.error }

func busy(err error) bool {
	_, ok := errors.AsType[underWay](err)
	return ok
}

// movable refuses a change of a connection that is deleted, or on which another
// change is under way.
func movable(it *item) error {
	switch it.Status {
	case deleted:
		// These words are looked for by programs that delete twice.
		return fault.Conflict("Cannot perform operation on deleted VPCConnection %s.", it.ID)
	case creating, updating, deleting:
		return underWay{connections.Busy(it)}
	}
	return nil
}
