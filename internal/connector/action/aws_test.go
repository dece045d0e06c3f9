package action_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/connector/action"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// atMoto has the server find AWS at moto, with an identity of its own.
func atMoto(t *testing.T, address string) testkit.Option {
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "own")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	return func(c *config.Config) {
		c.AWSEndpoints = config.Endpoints{"*": address}
		c.ActionRate = 0
	}
}

func withRole(role string) qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{IamConnectionMetadata: &qs.IAMConnectionMetadata{RoleArn: "arn:aws:iam::" + account + ":role/" + role}}
}

// boto runs a program against moto with another client than ours: what it
// leaves in out comes back.
func boto(t *testing.T, python, address, program string, in, out any) {
	t.Helper()
	input, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), python, "-c", `
import boto3, json, sys, hashlib
from botocore.config import Config
from concurrent.futures import ThreadPoolExecutor
sts = boto3.client("sts", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id="AKIAOTHER", aws_secret_access_key="other")
k = sts.assume_role(RoleArn="arn:aws:iam::111122223333:role/files", RoleSessionName="boto")["Credentials"]
s3 = boto3.client("s3", endpoint_url=sys.argv[1], region_name="us-east-1", aws_access_key_id=k["AccessKeyId"], aws_secret_access_key=k["SecretAccessKey"],
    aws_session_token=k["SessionToken"], config=Config(s3={"addressing_style": "path"}, max_pool_connections=8))
given = json.load(sys.stdin)
out = None
`+program+`
json.dump(out, sys.stdout)
`, address)
	cmd.Stdin = bytes.NewReader(input)
	var said bytes.Buffer
	cmd.Stderr = &said
	text, err := cmd.Output()
	if err != nil {
		t.Fatalf("boto3: %v\n%s", err, said.String())
	}
	if out != nil {
		if err := json.Unmarshal(text, out); err != nil {
			t.Fatalf("boto3: %v: %s", err, text)
		}
	}
}

// oddKeys are keys that have to be encoded with care.
var oddKeys = []string{
	"plain.txt", "a b", "ü/€/日本.txt", "a/b/c", "plus+and%20percent%2F", "q?x=1&y=2#frag", "x/../up", "a//b", "end/", "~!@$^*()';:=,[]{}|\"<>`\\", "tab\tkey", " lead", "trail ",
	"&amp;", "..hidden", "a;b", "%", "%zz", "emoji 🎉",
}

// TestS3 goes the whole way at moto: it makes a connector, has it checked, and
// performs each action of S3 over the wire. What became of it is seen with
// another client.
func TestS3(t *testing.T) {
	address, python := action.Moto(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		bucket := fmt.Sprintf("plans.%08x", rand.Uint32())
		makeConnector(t, srv, "files", qs.ActionConnectorTypeAmazonS3, qs.ConnectionAuthTypeIAM, withRole("files"), "CREATION_SUCCESSFUL")
		do := func(action string, input any, into any) *onsightapi.InvokeActionResponse {
			t.Helper()
			text, err := json.Marshal(input)
			if err != nil {
				t.Fatal(err)
			}
			out, err := invoke(t, srv, "files", action, string(text))
			if err != nil {
				t.Fatalf("%s %.200s: %v", action, text, err)
			}
			if into != nil {
				if err := json.Unmarshal([]byte(body(out)), into); err != nil {
					t.Fatalf("%s: %v: %s", action, err, body(out))
				}
			}
			return out
		}
		type object = map[string]any
		do("CreateBucket", object{"Bucket": bucket}, nil)
		_, err := invoke(t, srv, "files", "HeadBucket", `{"Bucket":"nobody.has.this"}`)
		wantFault(t, "another bucket", err, "ActionFailedException", "404")
		do("HeadBucket", object{"Bucket": bucket}, nil)
		if got := body(do("GetBucketLocation", object{"Bucket": bucket}, nil)); got != `{"LocationConstraint":""}` && got != `{"LocationConstraint":"us-east-1"}` {
			t.Errorf("location %s", got)
		}
		var buckets struct{ Buckets []struct{ Name string } }
		do("ListBuckets", object{}, &buckets)
		if !slices.ContainsFunc(buckets.Buckets, func(b struct{ Name string }) bool { return b.Name == bucket }) {
			t.Errorf("buckets %+v lack %s", buckets, bucket)
		}

		// Keys arrive as they are, whatever they hold.
		for _, key := range oddKeys {
			do("PutObject", object{"Bucket": bucket, "Key": key, "Body": "I am " + key, "ContentType": "text/csv", "Metadata": object{"from": "Ana"}, "Tagging": object{"a b": "c=d+e @f"}}, nil)
		}
		var seen map[string][]string
		boto(t, python, address, `
out = {}
for page in s3.get_paginator("list_objects_v2").paginate(Bucket=given):
    for o in page.get("Contents", []):
        r = s3.get_object(Bucket=given, Key=o["Key"])
        tags = s3.get_object_tagging(Bucket=given, Key=o["Key"])["TagSet"]
        out[o["Key"]] = [r["Body"].read().decode(), r["ContentType"], r["Metadata"].get("from"), json.dumps(tags, ensure_ascii=False)]
`, bucket, &seen)
		for _, key := range oddKeys {
			if want := []string{"I am " + key, "text/csv", "Ana", `[{"Key": "a b", "Value": "c=d+e @f"}]`}; !slices.Equal(seen[key], want) {
				t.Errorf("%q is %q, want %q", key, seen[key], want)
			}
			var got struct{ Text, ContentType, ETag string }
			do("GetObject", object{"Bucket": bucket, "Key": key}, &got)
			if got.Text != "I am "+key || got.ContentType != "text/csv" || got.ETag == "" {
				t.Errorf("GetObject %q: %+v", key, got)
			}
		}
		if len(seen) != len(oddKeys) {
			t.Errorf("there are %d objects, want %d", len(seen), len(oddKeys))
		}
		var listed struct {
			Contents       []struct{ Key string }
			CommonPrefixes []struct{ Prefix string }
		}
		do("ListObjectsV2", object{"Bucket": bucket}, &listed)
		var keys []string
		for _, o := range listed.Contents {
			keys = append(keys, o.Key)
		}
		if want := slices.Sorted(slices.Values(oddKeys)); !slices.Equal(slices.Sorted(slices.Values(keys)), want) {
			t.Errorf("keys %q, want %q", keys, want)
		}
		do("ListObjectsV2", object{"Bucket": bucket, "Prefix": "a", "Delimiter": "/"}, &listed)
		if len(listed.CommonPrefixes) != 1 || listed.CommonPrefixes[0].Prefix != "a/" {
			t.Errorf("folders %+v", listed.CommonPrefixes)
		}

		// Reads of parts, and such as depend on the state.
		var got struct {
			Text, Content, ETag, ContentRange string
			Size                              int
		}
		do("GetObject", object{"Bucket": bucket, "Key": "plain.txt", "Range": "bytes=0-3"}, &got)
		if got.Text != "I am" || !strings.HasPrefix(got.ContentRange, "bytes 0-3/") {
			t.Errorf("a part: %+v", got)
		}
		if out := do("GetObject", object{"Bucket": bucket, "Key": "plain.txt", "IfNoneMatch": got.ETag}, nil); *out.InvokeActionOutput.HttpInvokeActionOutput.HttpStatusCode != "304" {
			t.Errorf("not changed: %s", body(out))
		}
		_, err = invoke(t, srv, "files", "GetObject", fmt.Sprintf(`{"Bucket":%q,"Key":"plain.txt","IfMatch":"\"other\""}`, bucket))
		wantFault(t, "has changed", err, "ActionFailedException", "")
		_, err = invoke(t, srv, "files", "GetObject", fmt.Sprintf(`{"Bucket":%q,"Key":"none"}`, bucket))
		wantFault(t, "not there", err, "ActionFailedException", "The specified key does not exist")
		var head struct {
			ContentLength int
			ContentType   string
			Metadata      map[string]string
		}
		do("HeadObject", object{"Bucket": bucket, "Key": "a b"}, &head)
		if head.ContentLength != len("I am a b") || head.ContentType != "text/csv" || head.Metadata["from"] != "Ana" {
			t.Errorf("head %+v", head)
		}

		// 5 MB of bytes, there and back.
		large := make([]byte, 5<<20)
		for i := range large {
			large[i] = byte(i * 7 >> 3)
		}
		sum := sha256.Sum256(large)
		do("PutObject", object{"Bucket": bucket, "Key": "large", "Body": object{"content": base64.StdEncoding.EncodeToString(large), "contentType": "application/x-large"}}, nil)
		var sums []string
		boto(t, python, address, `r = s3.get_object(Bucket=given, Key="large"); out = [hashlib.sha256(r["Body"].read()).hexdigest(), r["ContentType"]]`, bucket, &sums)
		if !slices.Equal(sums, []string{hex.EncodeToString(sum[:]), "application/x-large"}) {
			t.Errorf("the large object is %q", sums)
		}
		do("GetObject", object{"Bucket": bucket, "Key": "large"}, &got)
		if back, err := base64.StdEncoding.DecodeString(got.Content); err != nil || !bytes.Equal(back, large) || got.Size != len(large) {
			t.Errorf("the large object comes back as %d bytes (%v)", len(back), err)
		}

		stream, err := testkit.Call(t, srv, onsightapi.InvokeActionWithResponseStream, onsightapi.InvokeActionWithResponseStreamRequest{
			AwsAccountId: account, ActionConnectorId: "files", ActionId: "GetObject", Input: json.RawMessage(fmt.Sprintf(`{"Bucket":%q,"Key":"large"}`, bucket)),
		})
		if err != nil {
			t.Fatal(err)
		}
		if back, err := io.ReadAll(stream.Body); err != nil || !bytes.Equal(back, large) {
			t.Errorf("streamed, the large object is %d bytes (%v)", len(back), err)
		}

		// Tags, and a copy that keeps them.
		var tags struct{ TagSet []struct{ Key, Value string } }
		do("PutObjectTagging", object{"Bucket": bucket, "Key": "q?x=1&y=2#frag", "TagSet": []object{{"Key": "k", "Value": "v 1+2/3"}}}, nil)
		do("GetObjectTagging", object{"Bucket": bucket, "Key": "q?x=1&y=2#frag"}, &tags)
		if len(tags.TagSet) != 1 || tags.TagSet[0].Value != "v 1+2/3" {
			t.Errorf("tags %+v", tags)
		}
		do("CopyObject", object{"Bucket": bucket, "Key": "the copy/é+", "CopySource": object{"Bucket": bucket, "Key": "q?x=1&y=2#frag"}}, nil)
		var copied []string
		boto(t, python, address, `
r = s3.get_object(Bucket=given, Key="the copy/é+")
out = [r["Body"].read().decode(), r["ContentType"], s3.get_object_tagging(Bucket=given, Key="the copy/é+")["TagSet"][0]["Value"]]
`, bucket, &copied)
		if !slices.Equal(copied, []string{"I am q?x=1&y=2#frag", "text/csv", "v 1+2/3"}) {
			t.Errorf("the copy is %q", copied)
		}

		// A list that another client has made, page by page. One store is enough for
		// a long one.
		count, size := 2500, 1000
		if srv.Dialect() != storetest.Dialects[0] {
			count, size = 25, 10
		}
		boto(t, python, address, `
def put(i): s3.put_object(Bucket=given[0], Key="many/%04d" % i, Body=b"")
with ThreadPoolExecutor(8) as pool: list(pool.map(put, range(given[1])))
`, []any{bucket, count}, nil)
		var all []string
		pages, token := 0, (*string)(nil)
		for more := true; more && pages < 10; more = token != nil {
			out, err := invoke(t, srv, "files", "ListObjectsV2", fmt.Sprintf(`{"Bucket":%q,"Prefix":"many/","MaxKeys":%d}`, bucket, size), func(in *onsightapi.InvokeActionRequest) { in.NextToken = token })
			if err != nil {
				t.Fatal(err)
			}
			listed.Contents = nil
			if err := json.Unmarshal([]byte(body(out)), &listed); err != nil {
				t.Fatal(err)
			}
			for _, o := range listed.Contents {
				all = append(all, o.Key)
			}
			token = out.NextToken
			pages++
		}
		if len(all) != count || pages != 3 || !slices.IsSorted(all) || all[count-1] != fmt.Sprintf("many/%04d", count-1) {
			t.Errorf("%d keys on %d pages, want %d on 3", len(all), pages, count)
		}

		// A bucket with objects stays; then they go, a thousand at once.
		_, err = invoke(t, srv, "files", "DeleteBucket", fmt.Sprintf(`{"Bucket":%q}`, bucket))
		wantFault(t, "not empty", err, "ActionFailedException", "not empty")
		do("DeleteObject", object{"Bucket": bucket, "Key": "large"}, nil)
		rest := append(slices.Concat(all, oddKeys), "the copy/é+")
		for part := range slices.Chunk(rest, 1000) {
			var objects []object
			for _, key := range part {
				objects = append(objects, object{"Key": key})
			}
			var deleted struct{ Deleted, Errors []struct{ Key string } }
			do("DeleteObjects", object{"Bucket": bucket, "Objects": objects}, &deleted)
			if len(deleted.Deleted) != len(part) || len(deleted.Errors) != 0 {
				t.Errorf("deleted %d of %d, errors %+v", len(deleted.Deleted), len(part), deleted.Errors)
			}
		}
		var left []string
		boto(t, python, address, `out = [o["Key"] for o in s3.list_objects_v2(Bucket=given).get("Contents", [])]`, bucket, &left)
		if len(left) != 0 {
			t.Errorf("left are %q", left)
		}
		do("DeleteBucket", object{"Bucket": bucket}, nil)
		boto(t, python, address, `out = [b["Name"] for b in s3.list_buckets()["Buckets"] if b["Name"] == given]`, bucket, &left)
		if len(left) != 0 {
			t.Error("the bucket is there still")
		}
	}, checking, atMoto(t, address))
}

// TestTexts performs what moto knows of Comprehend and Textract.
func TestTexts(t *testing.T) {
	address, _ := action.Moto(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "texts", qs.ActionConnectorTypeAmazonComprehend, qs.ConnectionAuthTypeIAM, withRole("texts"), "CREATION_SUCCESSFUL")
		for name, part := range map[string]string{"DetectSentiment": `"Sentiment"`, "DetectKeyPhrases": `"KeyPhrases"`, "DetectPiiEntities": `"Entities"`} {
			out, err := invoke(t, srv, "texts", name, `{"Text":"I am Ana, and it rains.","LanguageCode":"en"}`)
			if err != nil || !strings.Contains(body(out), part) {
				t.Errorf("%s: %v %s", name, err, body(out))
			}
		}
		_, err := invoke(t, srv, "texts", "DetectSentiment", `{"Text":"x","LanguageCode":"tlh"}`)
		wantFault(t, "a language that is none", err, "InvalidParameterValueException", "/LanguageCode")
	}, checking, atMoto(t, address))
	// moto does not list adapters, with which connectors to Textract are checked.
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "pages", qs.ActionConnectorTypeAmazonTextract, qs.ConnectionAuthTypeIAM, withRole("pages"), "CREATION_SUCCESSFUL")
		image := base64.StdEncoding.EncodeToString([]byte("\x89PNG"))
		out, err := invoke(t, srv, "pages", "DetectDocumentText", `{"Document":{"Bytes":"`+image+`"}}`)
		if err != nil || !strings.Contains(body(out), `"Blocks"`) {
			t.Errorf("DetectDocumentText: %v %s", err, body(out))
		}
		out, err = invoke(t, srv, "pages", "StartDocumentTextDetection", `{"DocumentLocation":{"S3Object":{"Bucket":"letters","Name":"a.pdf"}}}`)
		var job struct {
			JobID string `json:"JobId"`
		}
		if err != nil || json.Unmarshal([]byte(body(out)), &job) != nil || job.JobID == "" {
			t.Fatalf("StartDocumentTextDetection: %v %s", err, body(out))
		}
		out, err = invoke(t, srv, "pages", "GetDocumentTextDetection", `{"JobId":"`+job.JobID+`"}`)
		if err != nil || !strings.Contains(body(out), `"SUCCEEDED"`) {
			t.Errorf("GetDocumentTextDetection: %v %s", err, body(out))
		}
		_, err = invoke(t, srv, "pages", "GetDocumentTextDetection", `{"JobId":"none"}`)
		wantFault(t, "no such job", err, "ActionFailedException", "")
	}, atMoto(t, address))
}

// TestChecksAtAWS makes a connector of each type of AWS: one whose role may do
// what the test asks for, one whose role may not, one whose role is not there.
func TestChecksAtAWS(t *testing.T) {
	var mu sync.Mutex
	asked := make(map[string]bool)
	denied := func(w http.ResponseWriter) {
		w.Header().Set("X-Amzn-Errortype", "AccessDeniedException")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"message":"not authorized"}`)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		form, _ := url.ParseQuery(string(text))
		if form.Get("Action") == "AssumeRole" {
			_, role, _ := strings.Cut(form.Get("RoleArn"), "role/")
			if role == "nobody" {
				w.WriteHeader(http.StatusForbidden)
				_, _ = io.WriteString(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not authorized to perform: sts:AssumeRole</Message></Error></ErrorResponse>`)
				return
			}
			_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
				<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, strings.ToUpper(role), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
			return
		}
		_, credential, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=")
		scope := strings.Split(credential, "/")
		what := scope[3] + " " + r.Method + " " + r.RequestURI + " " + r.Header.Get("X-Amz-Target") + " " + string(text)
		mu.Lock()
		asked[strings.Join(strings.Fields(what), " ")] = true
		mu.Unlock()
		if scope[0] == "DENIED" && scope[3] == "s3" {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, `<Error><Code>AccessDenied</Code><Message>not authorized</Message></Error>`)
			return
		}
		switch {
		case scope[0] == "DENIED":
			denied(w)
		case scope[3] == "s3":
			_, _ = io.WriteString(w, `<ListAllMyBucketsResult/>`)
		case strings.HasSuffix(r.Header.Get("X-Amz-Target"), "GetDataAutomationStatus"):
			w.Header().Set("Content-Type", "application/x-amz-json-1.1")
			w.WriteHeader(http.StatusNotFound)
			_, _ = io.WriteString(w, `{"__type":"com.amazonaws#ResourceNotFoundException","message":"no such invocation"}`)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{}`)
		}
	}))
	t.Cleanup(server.Close)
	want := map[qs.ActionConnectorType]string{
		qs.ActionConnectorTypeAmazonS3:                           "s3 GET /?max-buckets=1",
		qs.ActionConnectorTypeAmazonBedrockRuntime:               "bedrock GET /async-invoke?maxResults=1",
		qs.ActionConnectorTypeAmazonBedrockAgentRuntime:          "bedrock POST /sessions/?maxResults=1",
		qs.ActionConnectorTypeAmazonBedrockDataAutomationRuntime: `bedrock POST / AmazonBedrockKeystoneRuntimeService.GetDataAutomationStatus {"invocationArn":"arn:aws:bedrock:us-east-1:` + account + `:data-automation-invocation/00000000-0000-0000-0000-000000000000"}`,
		qs.ActionConnectorTypeAmazonTextract:                     `textract POST / Textract.ListAdapters {"MaxResults":1}`,
		qs.ActionConnectorTypeAmazonComprehend:                   `comprehend POST / Comprehend_20171127.ListEndpoints {"MaxResults":1}`,
		qs.ActionConnectorTypeAmazonComprehendMedical:            `comprehendmedical POST / ComprehendMedical_20181030.ListEntitiesDetectionV2Jobs {"MaxResults":1}`,
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for kind, request := range want {
			id := strings.ToLower(strings.ReplaceAll(string(kind), "_", "-"))
			makeConnector(t, srv, id, kind, qs.ConnectionAuthTypeIAM, withRole("granted"), "CREATION_SUCCESSFUL")
			if mu.Lock(); !asked[request] {
				t.Errorf("%s: %q, want %q", kind, slices.Sorted(maps.Keys(asked)), request)
			}
			mu.Unlock()
			c := makeConnector(t, srv, id+"-denied", kind, qs.ConnectionAuthTypeIAM, withRole("denied"), "CREATION_FAILED")
			if m := message(c); !strings.Contains(m, "they may not do what the test of the connector does") || !strings.Contains(m, "not authorized") {
				t.Errorf("%s: denied: %s", kind, m)
			}
			c = makeConnector(t, srv, id+"-nobody", kind, qs.ConnectionAuthTypeIAM, withRole("nobody"), "CREATION_FAILED")
			if m := message(c); m != "The role can't be assumed: AWS STS answers with status 403. AccessDenied not authorized to perform: sts:AssumeRole" {
				t.Errorf("%s: no role: %s", kind, m)
			}
		}
	}, checking, atMoto(t, server.URL))
}
