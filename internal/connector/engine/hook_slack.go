package engine

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// slackBytes sends a file to the address that was given for it.
var slackBytes = &definition.Operation{
	ID: "bytes", Method: http.MethodPost, MediaType: "application/octet-stream", File: true,
	Fields: []definition.Field{{Name: "content", In: definition.InWhole, File: true}},
}

// slackUpload uploads a file in three steps: an address is asked for, the bytes
// go there, and then the file is put where people see it.
func slackUpload(ctx context.Context, c *Call) (*Result, error) {
	f, err := slackFile(c.Input)
	if err != nil {
		return nil, err
	}
	asked := map[string]any{"filename": f.name, "length": json.Number(strconv.Itoa(len(f.content)))}
	for _, name := range []string{"alt_txt", "snippet_type"} {
		if value, ok := c.Input[name]; ok {
			asked[name] = value
		}
	}
	res, err := c.Run(ctx, "GetUploadURL", asked)
	if err != nil {
		return nil, err
	}
	id := pointer.Text(res.Output, "/file_id")
	content := map[string]any{"content": base64.StdEncoding.EncodeToString(f.content), "contentType": f.mediaType}
	// The address itself is the permission.
	if _, err := c.SendTo(ctx, slackBytes, map[string]any{"content": content}, pointer.Text(res.Output, "/upload_url"), false); err != nil {
		return nil, err
	}
	o := *c.Operation
	o.Fields = []definition.Field{{Name: "files", In: definition.InBody, Pointer: "/files"}}
	title, ok := c.Input["title"]
	if !ok {
		title = f.name
	}
	input := map[string]any{"files": []any{map[string]any{"id": id, "title": title}}}
	for _, name := range []string{"channel_id", "thread_ts", "initial_comment"} {
		if value, ok := c.Input[name]; ok {
			o.Fields = append(o.Fields, definition.Field{Name: name, In: definition.InBody, Pointer: "/" + name})
			input[name] = value
		}
	}
	return c.Send(ctx, &o, input)
}

// slackFile is the file of an upload, or one made of text.
func slackFile(input map[string]any) (file, error) {
	object, given := input["file"]
	text, written := input["text"].(string)
	if given == written {
		return file{}, invalid("Give a file, or a text to make one of")
	}
	f := file{mediaType: "application/octet-stream", content: []byte(text)}
	if given {
		var err error
		if f, err = fileOf(definition.Field{Name: "file"}, object); err != nil {
			return file{}, err
		}
	}
	if name, ok := input["filename"].(string); ok {
		f.name = name
	}
	switch {
	case f.name != "":
	case written:
		f.name = "text.txt"
	default:
		f.name = "file"
	}
	if f.mediaType == "" {
		f.mediaType = "application/octet-stream"
	}
	return f, nil
}

// slackDownload asks where a file is, and downloads it from there.
func slackDownload(ctx context.Context, c *Call) (*Result, error) {
	info, err := c.Run(ctx, "FilesInfo", map[string]any{"file": c.Input["file"]})
	if err != nil {
		return nil, err
	}
	told := func(at string) string { return pointer.Text(info.Output, at) }
	address := told("/url_private_download")
	if address == "" {
		address = told("/url_private")
	}
	if told("/is_external") == "true" || address == "" {
		return nil, &Error{Kind: Rejected, Status: info.Status, Message: fmt.Sprintf("The file lies outside of Slack (%s).", told("/external_type"))}
	}
	res, err := c.SendTo(ctx, &definition.Operation{ID: "download", Method: http.MethodGet, File: true}, nil, address, true)
	if err != nil {
		return nil, err
	}
	if got, ok := res.Output.(*Binary); ok {
		// Who may not read a file gets a page to sign in at, and no error.
		if got.ContentType == "text/html" && told("/mimetype") != "text/html" {
			return nil, &Error{Kind: Denied, Status: res.Status, Message: "Slack answered with a page to sign in at: the token may not read the file."}
		}
		got.Filename = told("/name")
	}
	return res, nil
}

// slackLists are the ways to find by going through lists: what is listed, and
// where words are looked for.
var slackLists = map[string]struct {
	operation string
	places    []string
}{
	"SearchChannels": {"ListChannels", []string{"/name", "/topic/value", "/purpose/value"}},
	"SearchUsers":    {"UsersList", []string{"/name", "/real_name", "/profile/display_name", "/profile/real_name", "/profile/email"}},
}

// Bounds of going through lists.
const (
	slackPages = 10
	slackPage  = 999
	slackFound = 20
)

// slackSearch finds channels or people. The search for them needs a user's
// token, a scope and a plan: where one is missing, lists are gone through.
// Somebody with an address is looked up by it.
func slackSearch(ctx context.Context, c *Call) (*Result, error) {
	query, _ := c.Input["query"].(string)
	if c.Operation.ID == "SearchUsers" && strings.Contains(query, "@") && !strings.ContainsAny(query, " \t") {
		res, err := c.Run(ctx, "LookupUserByEmail", map[string]any{"email": query})
		if e, ok := errors.AsType[*Error](err); ok && e.Kind == Missing {
			return &Result{Status: e.Status, Output: []any{}}, nil
		}
		if err == nil {
			res.Output = []any{res.Output}
		}
		return res, err
	}
	if c.AuthenticationType != "API_KEY" {
		res, err := c.Send(ctx, c.Operation, c.Input)
		e, failed := errors.AsType[*Error](err)
		if !failed || e.Kind != Denied || c.Next != "" {
			return res, err
		}
	}
	return c.slackList(ctx, query)
}

// slackList goes through a list for a query.
func (c *Call) slackList(ctx context.Context, query string) (*Result, error) {
	list := slackLists[c.Operation.ID]
	most := slackFound
	if n, err := strconv.Atoi(plain(c.Input["limit"])); err == nil {
		most = n
	}
	input := map[string]any{"limit": json.Number(strconv.Itoa(slackPage))}
	if types, ok := c.Input["channel_types"]; ok {
		input["types"] = types
	}
	found := []any{}
	for range slackPages {
		res, err := c.Run(ctx, list.operation, maps.Clone(input))
		if err != nil {
			return nil, err
		}
		items, _ := res.Output.([]any)
		for _, item := range items {
			holds := func(at string) bool {
				return strings.Contains(strings.ToLower(pointer.Text(item, at)), strings.ToLower(query))
			}
			if len(found) < most && pointer.Text(item, "/deleted") != "true" && slices.ContainsFunc(list.places, holds) {
				found = append(found, item)
			}
		}
		if res.Next == "" || len(found) == most {
			res.Output, res.Next = found, ""
			return res, nil
		}
		input["cursor"] = res.Next
	}
	return nil, &Error{Kind: TooLarge, Message: fmt.Sprintf("There is no way to search here, and more than %d entries to go through.", slackPages*slackPage)}
}
