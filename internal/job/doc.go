// Package job does work that outlives the request, and the process.
//
// A job is a row, written in the transaction of the change that needs it: both
// are there, or neither. A worker leases the row, does the work, and deletes the
// row. A worker that dies loses its lease, and another takes over. So a handler
// may run more than once for one job, and each of its steps asks what is there
// before it makes it.
//
//	runner.Handle("subscribe", s.subscribe)
//	…
//	err := db.Write(ctx, func(tx *store.Tx) error {
//		…
//		return job.Add(tx, "subscribe", account, nil, now)
//	})
//
// A handler that returns an error, or panics, is run again after a pause, which
// doubles with each attempt up to ten minutes. It is never given up: a handler
// that wants to looks at Job.Attempts, and moves the status of what it works on
// to failed.
//
// Jobs hold names of things and no secrets.
package job
