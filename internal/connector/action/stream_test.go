package action_test

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

// Ids of attachments.
var (
	big, broken, open = strings.Repeat("b", 32), strings.Repeat("0", 32), strings.Repeat("1", 32)
	closed, endless   = strings.Repeat("c", 32), strings.Repeat("e", 32)
)

func of(id string) string { return `{"sys_id":"` + id + `"}` }

func asRobot(base string) qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{
		BasicAuthConnectionMetadata: &qs.BasicAuthConnectionMetadata{BaseEndpoint: base, Username: "robot", Password: "pw"},
	}
}

// files answers as ServiceNow does for the content of attachments. The rest of
// the big one comes when somebody has its beginning, and has said so.
func files(v *vendor, size int64, arrived <-chan struct{}) (sum [sha256.Size]byte) {
	piece := []byte(strings.Repeat("0123456789abcdef", 4096))
	hash := sha256.New()
	for n := int64(0); n < size; n += int64(len(piece)) {
		hash.Write(piece)
	}
	v.on("/api/now/attachment/"+big+"/file", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "image/png")
		w.Header().Set("Content-Disposition", `attachment; filename="a b.png"`)
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush()
		select {
		case <-arrived:
		case <-r.Context().Done():
		}
		for n := int64(len(piece)); n < size && r.Context().Err() == nil; n += int64(len(piece)) {
			_, _ = w.Write(piece)
		}
	})
	v.on("/api/now/attachment/"+broken+"/file", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = w.Write(piece)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	})
	v.on("/api/now/attachment/"+open+"/file", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("no one knows"))
		_ = http.NewResponseController(w).Flush() // how long this is
	})
	v.on("/api/now/attachment/"+endless+"/file", func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			if _, err := w.Write(piece); err != nil {
				return
			}
		}
	})
	v.on("/api/now/attachment/"+closed+"/file", says(403, `{"error":{"message":"not yours"}}`))
	hash.Sum(sum[:0])
	return sum
}

func TestInvokeActionWithResponseStream(t *testing.T) {
	t.Parallel()
	const size = 64 << 20
	v := newVendor(t)
	arrived := make(chan struct{}, 1)
	sum := files(v, size, arrived)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "now", "SERVICENOW_NOW_PLATFORM", "BASIC", asRobot(v.URL), "CREATION_SUCCESSFUL")
		stream := func(action, input string) (*onsightapi.InvokeActionWithResponseStreamResponse, error) {
			return testkit.Call(t, srv, onsightapi.InvokeActionWithResponseStream, onsightapi.InvokeActionWithResponseStreamRequest{
				AwsAccountId: account, ActionConnectorId: "now", ActionId: action, Input: json.RawMessage(input),
			})
		}
		const action = "RetrieveAttachmentContent"

		out, err := stream(action, of(big))
		if err != nil {
			t.Fatal(err)
		}
		hash := sha256.New()
		begun, err := io.CopyN(hash, out.Body, 1000)
		if err != nil {
			t.Fatal(err)
		}
		arrived <- struct{}{}
		n, err := io.Copy(hash, out.Body)
		n += begun
		if err := errors.Join(err, out.Body.Close()); err != nil || n != size || [sha256.Size]byte(hash.Sum(nil)) != sum {
			t.Errorf("%d bytes, %v, the same: %t", n, err, [sha256.Size]byte(hash.Sum(nil)) == sum)
		}
		if out.Body.ContentType != "image/png" || out.Body.Size != size || *out.Attempts != 1 || *out.ContentDisposition != `attachment; filename="a b.png"` {
			t.Errorf("answer %+v, stream %+v", out, out.Body)
		}
		calls, err := testkit.Call(t, srv, onsightapi.ListActionCalls, onsightapi.ListActionCallsRequest{AwsAccountId: account, ActionConnectorId: "now"})
		if err != nil || len(calls.Calls) != 1 || *calls.Calls[0].InvocationId != *out.InvocationId || string(*calls.Calls[0].InvokeActionStatus) != "SUCCESS" {
			t.Errorf("calls %+v, %v", calls, err)
		}

		// One of unknown length comes whole; one that breaks off is no success.
		out, err = stream(action, of(open))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(out.Body); string(text) != "no one knows" || err != nil || out.Body.Size != -1 {
			t.Errorf("%q, %v, size %d", text, err, out.Body.Size)
		}
		out, err = stream(action, of(broken))
		if err != nil {
			t.Fatal(err)
		}
		if _, err = io.Copy(io.Discard, out.Body); err == nil {
			t.Error("a part of a file was given as the whole")
		}

		_, err = stream(action, of(closed))
		wantFault(t, "not allowed", err, "ActionFailedException", "not yours")
		_, err = stream(action, `{}`)
		wantFault(t, "no input", err, "InvalidParameterValueException", "sys_id")
		_, err = stream("ListIncidents", `{}`)
		wantFault(t, "no file", err, "InvalidParameterValueException", "gives no file: use InvokeAction")
		_, err = stream("Nothing", `{}`)
		wantFault(t, "no action", err, "ResourceNotFoundException", "has no action Nothing")
		// It is the same action to policies.
		_, err = testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "nobody"})
		if err != nil {
			t.Fatal(err)
		}
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("nobody")})
		if err != nil {
			t.Fatal(err)
		}
		srv = srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
		_, err = stream(action, of(big))
		wantFault(t, "no permission", err, "AccessDeniedException", "not authorized to perform: onsight:InvokeAction on")
	}, testkit.Near(t, v.Server))
}

// A file may be as large as the settings allow.
func TestStreamLimit(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	files(v, 2<<20, nil)
	srv := testkit.Start(t, store.Config{Memory: true}, testkit.Near(t, v.Server), func(c *config.Config) { c.ActionStreamLimit = 1 })
	srv.Subscribe(t)
	makeConnector(t, srv, "now", "SERVICENOW_NOW_PLATFORM", "BASIC", asRobot(v.URL), "CREATION_SUCCESSFUL")
	in := onsightapi.InvokeActionWithResponseStreamRequest{
		AwsAccountId: account, ActionConnectorId: "now", ActionId: "RetrieveAttachmentContent", Input: json.RawMessage(of(big)),
	}
	_, err := testkit.Call(t, srv, onsightapi.InvokeActionWithResponseStream, in)
	if f := fault.Of(err); f == nil || f.Members["Kind"] != "TooLarge" || !strings.Contains(f.Message, "has 2097152 bytes, and 1048576 are the most") {
		t.Errorf("a file beyond the limit: %v", err)
	}
	in.Input = json.RawMessage(of(endless))
	out, err := testkit.Call(t, srv, onsightapi.InvokeActionWithResponseStream, in)
	if err != nil {
		t.Fatal(err)
	}
	if n, err := io.Copy(io.Discard, out.Body); err == nil || n > 1<<20 {
		t.Errorf("%d bytes of one that does not end: %v", n, err)
	}
}
