package connector

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// A Connection is what a Checker looks at: new settings of a connector with
// the secret opened.
type Connection struct {
	ARN  string
	Type qs.ActionConnectorType
	Auth Auth
	// VPCConnectionARN is empty for the open internet. Allowed are the ranges
	// that may be reached through it although they are not public.
	VPCConnectionARN string
	Allowed          []netip.Prefix
	// Secret is the API key, the password or the client secret; empty where the
	// authentication has none.
	Secret qs.Secret
}

// A Checker says whether a connection works. A Rejection is its verdict, and
// ends the creation or the update as failed. Any other error is one of the
// moment: the check is made again, some times.
type Checker interface {
	Check(ctx context.Context, c *Connection) error
}

// A Rejection says why a connection does not work, in a sentence for the
// connector's owner. It never holds a secret.
type Rejection struct{ Reason string }

// Error gives the reason.
func (r *Rejection) Error() string { return r.Reason }

// Structure is the Checker of this version. What a request alone shows was
// checked when it came; Structure makes sure that the stored settings still
// pass, so that a connector made under one policy on URLs does not come into
// force under another. It does not call the service: the check of the
// credentials there comes with a later version, as another Checker.
type Structure struct{ Endpoints Endpoints }

// Check applies the rules for the type, the authentication and the URLs again.
func (s Structure) Check(_ context.Context, c *Connection) error {
	r := request{settings: settings{Auth: c.Auth}, secret: c.Secret}
	err := r.suits(c.Type)
	if err == nil {
		err = c.Auth.checkURLs(s.Endpoints.through(c.Allowed), false)
	}
	if err != nil {
		return &Rejection{Reason: fault.Of(err).Message}
	}
	return nil
}

// jobVerify checks the new settings of a connector; its key is the ARN.
const jobVerify = "connector.verify"

// maxAttempts is how often a check that ends neither way is made.
const maxAttempts = 5

// usualPatience is how long an update or a delete waits for the check of what came
// before it. Programs that change a connector right after making it need it.
const usualPatience = 2 * time.Second

type task struct {
	resource.Key
	// Version is the connector's when the job was written. A job of another
	// version has been overtaken.
	Version int64
}

// begin keeps the secret that came with new settings, if one did, under the
// version that they made, and leaves the job that checks them.
func (s *Service) begin(tx *store.Tx, it *item, secret qs.Secret) error {
	if secret != "" {
		if err := s.secrets.Put(tx, it.ARN, secretField, it.Version, secret); err != nil {
			return err
		}
	}
	return job.Add(tx, jobVerify, it.ARN, task{Key: it.Key, Version: it.Version}, s.now())
}

// verify is the job. It may run again at any point: it asks first whether there
// is still something to do.
func (s *Service) verify(ctx context.Context, j job.Job) error {
	var t task
	if err := j.Decode(&t); err != nil {
		return err
	}
	var c *Connection
	var verdict *Rejection
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		c, verdict = nil, nil
		it, err := waiting(tx, t)
		if it == nil || err != nil {
			return err
		}
		next := it.Doc.next()
		c = &Connection{ARN: it.ARN, Type: qs.ActionConnectorType(it.Type), Auth: next.Auth, VPCConnectionARN: next.VPCConnectionARN}
		if c.Allowed, err = s.allowed(tx, next); err != nil {
			if f, ok := errors.AsType[*fault.Fault](err); ok {
				verdict = &Rejection{Reason: f.Message}
				return nil
			}
			return err
		}
		if next.Auth.SecretVersion == 0 {
			return nil
		}
		c.Secret, err = s.secrets.Get(tx, it.ARN, secretField, next.Auth.SecretVersion)
		if errors.Is(err, resource.ErrLost) {
			s.log.ErrorContext(ctx, "a connector's secret does not open", "connector", it.ARN, "cause", err)
			verdict = &Rejection{Reason: "The stored secret can't be opened. Update the connector with its credentials."}
			return nil
		}
		return err
	})
	if err != nil || c == nil {
		return err
	}
	if verdict == nil {
		err = s.checker.Check(ctx, c)
		if err != nil && !errors.As(err, &verdict) {
			if j.Attempts < maxAttempts || ctx.Err() != nil {
				return err
			}
			s.log.ErrorContext(ctx, "a connector can't be checked", "connector", c.ARN, "cause", err)
			verdict = &Rejection{Reason: "The connection couldn't be checked. Try again later by updating the connector."}
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if it, err := waiting(tx, t); it == nil || err != nil {
			return err
		}
		it, err := connectors.Update(tx, t.Key, s.now(), func(it *item) error {
			before := *it
			end(it, verdict)
			if before.Status == updating && it.Status == updated && it.Doc.Settings.Auth != before.Doc.Settings.Auth {
				return s.replaced(tx, &before)
			}
			return nil
		})
		if err != nil {
			return err
		}
		return s.secrets.Keep(tx, it.ARN, it.Doc.Settings.Auth.SecretVersion)
	})
}

// waiting reads the connector that a job is for. It is nil when nothing waits
// for the job: the connector is gone, or has been changed or judged since.
func waiting(tx *store.Tx, t task) (*item, error) {
	it, err := connectors.Get(tx, t.Key)
	if err != nil {
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
			return nil, nil
		}
		return nil, err
	}
	if it.Version != t.Version || !busy(it.Status) {
		return nil, nil
	}
	return it, nil
}

func busy(status string) bool { return status == creating || status == updating }

// next are the settings that are being checked.
func (d *document) next() *settings {
	if d.Pending != nil {
		return d.Pending
	}
	return &d.Settings
}

// end ends a creation or an update. One that failed leaves the settings before
// it in force.
func end(it *item, verdict *Rejection) {
	doc := &it.Doc
	ends := map[string][2]string{creating: {created, notCreated}, updating: {updated, notUpdated}}[it.Status]
	it.Status, doc.Error = ends[0], ""
	if verdict != nil {
		it.Status, doc.Error = ends[1], verdict.Reason
	} else if doc.Pending != nil {
		doc.Settings = *doc.Pending
		it.Name = doc.Settings.Name
	}
	doc.Pending = nil
}

// settled makes a change. While it is in conflict with the check of a change
// before it, it waits for that check and tries again, for a short time.
func (s *Service) settled(ctx context.Context, arn string, change func() error) error {
	err := change()
	if !conflicts(err) {
		return err
	}
	wait, cancel := context.WithTimeout(ctx, s.patience)
	defer cancel()
	for pause := time.Millisecond; conflicts(err); pause = min(2*pause, 50*time.Millisecond) {
		if s.jobs.Wait(wait, jobVerify, arn) != nil {
			return err
		}
		if err = change(); !conflicts(err) {
			break
		}
		// Someone else was first, and its check is not a job yet or no more.
		select {
		case <-wait.Done():
			return err
		case <-time.After(pause):
		}
	}
	return err
}

func conflicts(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	return ok && f.Code == "ConflictException"
}
