package engine

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// driveMonitor asks how far a copy is. A service that has made it may lead to
// it, which is as good an answer.
var driveMonitor = &definition.Operation{ID: "monitor", Method: http.MethodGet, Idempotent: true, Statuses: []int{http.StatusSeeOther}}

// drivePauses are the waits before a copy's progress is asked for: half a minute
// in all, which leaves an action's time for the rest.
var drivePauses = []time.Duration{
	500 * time.Millisecond, time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second, 5 * time.Second,
}

// driveCopy copies a file or a folder. The service does that in its own time, at
// an address that tells how far it is: as long as there is time, it is asked
// there. The address itself is the permission, so no token goes there.
func driveCopy(ctx context.Context, c *Call) (*Result, error) {
	res, err := c.Send(ctx, c.Operation, c.Input)
	if err != nil {
		return nil, err
	}
	address := res.Header["Location"]
	told := map[string]any{"status": "accepted"}
	res.Output = told
	if address == "" {
		return res, nil
	}
	told["monitorUrl"] = address
	for _, pause := range drivePauses {
		if c.Sleep(ctx, pause) != nil {
			break
		}
		now, err := c.SendTo(ctx, driveMonitor, nil, address, false)
		if err != nil {
			// The copy is under way all the same.
			if e, ok := errors.AsType[*Error](err); ok {
				told["monitorError"] = e.Error()
			}
			break
		}
		if now.Status == http.StatusSeeOther {
			told["status"] = "completed"
			break
		}
		for _, name := range []string{"status", "percentageComplete", "resourceId"} {
			if value, there := pointer.Get(now.Output, "/"+name); there && value != nil {
				told[name] = value
			}
		}
		switch told["status"] {
		case "completed":
			return res, nil
		case "failed", "cancelled", "deleteFailed":
			return nil, c.uncopied(now)
		}
	}
	return res, nil //nolint:nilerr // the copy is under way, whether or not it can be watched
}

// uncopied says why a copy failed, in the words of its monitor.
func (c *Call) uncopied(res *Result) error {
	e := &Error{Kind: Rejected, Status: res.Status, Code: pointer.Text(res.Output, "/error/code"), Message: pointer.Text(res.Output, "/error/message")}
	if kind := c.Definition.Connector.Errors.Kinds[e.Code]; kind != "" {
		e.Kind = Kind(kind)
	}
	if e.Message == "" {
		e.Message = pointer.Text(res.Output, "/statusDescription")
	}
	if e.Message == "" {
		e.Message = "The copy failed, and the service does not say why."
	}
	e.Message = clip(e.Message)
	return e
}
