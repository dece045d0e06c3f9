package engine

import (
	"bytes"
	"encoding/base64"
	"errors"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream"
	"github.com/aws/aws-sdk-go-v2/aws/protocol/eventstream/eventstreamapi"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// eventStream is the media type of AWS's streams of events.
const eventStream = "application/vnd.amazon.eventstream"

// maxEvents is how many events a stream has at most.
const maxEvents = 100_000

var errBrokenStream = errors.New("the stream of events is broken")

// collect makes an object of a stream of events: text is joined, other events
// are listed, those that the definition does not know under otherEvents. An
// event that is an error ends it with one.
func (c *Call) collect(o *definition.Operation, stream []byte) (map[string]any, error) {
	out := make(map[string]any)
	texts := make(map[string][]byte)
	for _, rule := range o.Events {
		if rule.Text != "" {
			texts[rule.Into] = nil
		}
	}
	d, r := eventstream.NewDecoder(), bytes.NewReader(stream)
	for n := 0; r.Len() > 0; n++ {
		if n == maxEvents {
			return nil, errors.New("the stream has too many events")
		}
		m, err := d.Decode(r, nil)
		if err != nil {
			return nil, errBrokenStream
		}
		kind, payload, err := c.event(&m)
		if err != nil {
			return nil, err
		}
		known := false
		for _, rule := range o.Events {
			if rule.Event != kind {
				continue
			}
			known = true
			part, there := pointer.Get(payload, rule.Pointer)
			if !there || part == nil {
				continue
			}
			if rule.Text != "" {
				text, err := joined(rule, part)
				if err != nil {
					return nil, err
				}
				texts[rule.Into] = append(texts[rule.Into], text...)
				continue
			}
			list, _ := out[rule.Into].([]any)
			if parts, isList := part.([]any); isList {
				out[rule.Into] = append(list, parts...)
			} else {
				out[rule.Into] = append(list, part)
			}
		}
		if !known {
			list, _ := out["otherEvents"].([]any)
			out["otherEvents"] = append(list, map[string]any{"type": kind, "payload": payload})
		}
	}
	for name, text := range texts {
		out[name] = strings.ToValidUTF8(string(text), "\uFFFD") // events may cut characters in two
	}
	return out, nil
}

// joined is what a rule has of an event's text.
func joined(rule definition.Event, part any) ([]byte, error) {
	text, ok := part.(string)
	if !ok {
		text = plain(part)
	}
	if rule.Text != "base64" {
		return []byte(text), nil
	}
	decoded, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, errBrokenStream
	}
	return decoded, nil
}

// event reads one event. The error is an *Error where the event says that
// something went wrong.
func (c *Call) event(m *eventstream.Message) (kind string, payload any, err error) {
	header := func(name string) string {
		if v := m.Headers.Get(name); v != nil {
			return v.String()
		}
		return ""
	}
	if len(m.Payload) > 0 {
		value, isJSON, err := decode(m.Payload, "application/json")
		if err != nil || !isJSON {
			return "", nil, errBrokenStream
		}
		payload = value
	}
	switch header(eventstreamapi.MessageTypeHeader) {
	case eventstreamapi.EventMessageType:
		return header(eventstreamapi.EventTypeHeader), payload, nil
	case eventstreamapi.ExceptionMessageType:
		return "", nil, c.told(header(eventstreamapi.ExceptionTypeHeader), payload, "")
	case eventstreamapi.ErrorMessageType:
		return "", nil, c.told(header(eventstreamapi.ErrorCodeHeader), payload, header(eventstreamapi.ErrorMessageHeader))
	}
	return "", nil, errBrokenStream
}

// told is an error that came as an event: the service has begun already, so
// that nothing is sent again that may not be sent twice.
func (c *Call) told(code string, payload any, message string) error {
	e := &Error{Kind: Rejected, Code: shapeName(code), Message: message, begun: true}
	for _, p := range c.Definition.Connector.Errors.Message {
		if e.Message == "" {
			e.Message = pointer.Text(payload, p)
		}
	}
	if e.Message == "" {
		e.Message = "The service broke off its answer and gave no explanation."
	}
	e.Message = clip(e.Message)
	// Streams write the names of shapes with a small letter.
	errs := c.Definition.Connector.Errors
	for known, kind := range errs.Kinds {
		if strings.EqualFold(known, e.Code) {
			e.Kind = Kind(kind)
		}
	}
	for _, known := range errs.ThrottleCodes {
		if strings.EqualFold(known, e.Code) {
			e.Kind = Throttled
		}
	}
	for _, known := range errs.Expired {
		if strings.EqualFold(known, e.Code) {
			e.Kind = Unauthenticated
		}
	}
	return e
}
