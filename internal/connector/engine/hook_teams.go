package engine

import (
	"context"
	"maps"
	"slices"
	"strings"

	"onsight/internal/connector/pointer"
)

// teamsChat makes a chat. Whoever makes one must be among its members, and
// somebody who is signed in rarely knows their own id.
func teamsChat(ctx context.Context, c *Call) (*Result, error) {
	if c.AuthenticationType != "OAUTH2_AUTHORIZATION_CODE" {
		return c.Send(ctx, c.Operation, c.Input)
	}
	me, err := c.Run(ctx, "GetMe", nil)
	if err != nil {
		return nil, err
	}
	id, name := pointer.Text(me.Output, "/id"), pointer.Text(me.Output, "/userPrincipalName")
	if id == "" {
		return nil, &Error{Kind: Rejected, Message: "The service does not say who is signed in."}
	}
	members, _ := c.Input["members"].([]any)
	guests, _ := c.Input["guests"].([]any)
	own := func(member any) bool {
		text := plain(member)
		return strings.EqualFold(text, id) || strings.EqualFold(text, name)
	}
	if slices.ContainsFunc(members, own) || slices.ContainsFunc(guests, own) {
		return c.Send(ctx, c.Operation, c.Input)
	}
	return c.with(ctx, "members", slices.Concat([]any{id}, members))
}

// teamsTranscripts lists the transcripts of a meeting. Calendars know meetings by
// the address at which people join, and transcripts lie below the meeting's id.
func teamsTranscripts(ctx context.Context, c *Call) (*Result, error) {
	id, address := plain(c.Input["meetingId"]), plain(c.Input["joinUrl"])
	switch {
	case id == "" && address == "":
		return nil, invalid("meetingId or joinUrl must be given")
	case id != "" && address != "":
		return nil, invalid("meetingId and joinUrl can't both be given")
	case id != "":
		return c.Send(ctx, c.Operation, c.Input)
	case c.Next != "":
		return c.with(ctx, "meetingId", "known") // the page's address has it
	}
	found, err := c.Run(ctx, "FindMeeting", c.Input)
	if err != nil {
		return nil, err
	}
	if id = pointer.Text(found.Output, "/0/id"); id == "" {
		return nil, &Error{Kind: Missing, Message: "There is no meeting with this joinUrl that the user has organized."}
	}
	return c.with(ctx, "meetingId", id)
}

// with sends the operation with one input more.
func (c *Call) with(ctx context.Context, name string, value any) (*Result, error) {
	input := maps.Clone(c.Input)
	input[name] = value
	return c.Send(ctx, c.Operation, input)
}
