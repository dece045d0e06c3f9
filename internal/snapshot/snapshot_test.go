package snapshot_test

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// must makes a call that succeeds.
func must[Out any](t *testing.T) func(out *Out, err error) *Out {
	return func(out *Out, err error) *Out {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// fill gives an account something of everything.
func fill(t *testing.T, srv *testkit.Server) {
	t.Helper()
	srv.Subscribe(t)
	must[qs.CreateCustomPermissionsResponse](t)(testkit.Call(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
		AwsAccountId: srv.Account, CustomPermissionsName: "careful", Capabilities: &qs.Capabilities{Dashboard: new(qs.CapabilityStateDeny)},
	}))
	var ana string
	for _, name := range []string{"ana", "Ana", "büro/zoë <&>", "..", "o'neil%2F"} {
		out := must[qs.RegisterUserResponse](t)(testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: "ana@example.org", IdentityType: qs.IdentityTypeQuicksight,
			UserRole: qs.UserRoleAuthor, CustomPermissionsName: new("careful"), Tags: []qs.Tag{{Key: "team", Value: "red"}},
		}))
		ana = *out.User.Arn
	}
	must[qs.CreateActionConnectorResponse](t)(testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: srv.Account, ActionConnectorId: "tickets", Name: "Tickets", Type: qs.ActionConnectorTypeZendeskSuite,
		AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeAPIKey, AuthenticationMetadata: &qs.AuthenticationMetadata{
			ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: "https://example.zendesk.com", ApiKey: "hush", Email: new(qs.Secret("a@example.org"))},
		}},
		Permissions: []qs.ResourcePermission{{Principal: ana, Actions: []string{"quicksight:DescribeActionConnector"}}},
	}))
	awaitConnector(t, srv)
	must[qs.CreateGroupResponse](t)(testkit.Call(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "Staff"}))
	must[qs.CreateGroupMembershipResponse](t)(testkit.Call(t, srv, qs.CreateGroupMembership,
		qs.CreateGroupMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "Staff", MemberName: "ana"}))
	must[qs.UpdateIpRestrictionResponse](t)(testkit.Call(t, srv, qs.UpdateIpRestriction,
		qs.UpdateIpRestrictionRequest{AwsAccountId: srv.Account, Enabled: new(true), IpRestrictionRuleMap: map[string]string{"10.0.0.0/8": "office"}}))
	must[iamapi.CreateUserResponse](t)(testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "eve", Path: new("/team/")}))
	must[iamapi.PutUserPolicyResponse](t)(testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: "eve", PolicyName: "read", PolicyDocument: `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "quicksight:*", "Resource": "*"}}`,
	}))
}

func awaitConnector(t *testing.T, srv *testkit.Server) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		out := must[qs.DescribeActionConnectorResponse](t)(testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{
			AwsAccountId: srv.Account, ActionConnectorId: "tickets",
		}))
		if *out.ActionConnector.Status == qs.ResourceStatusCreationSuccessful {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the connector is %s", *out.ActionConnector.Status)
		}
	}
}

// export takes a snapshot and reads it.
func export(t *testing.T, srv *testkit.Server, size int32) []onsightapi.SnapshotRow {
	t.Helper()
	made := must[onsightapi.CreateAccountSnapshotResponse](t)(testkit.Call(t, srv, onsightapi.CreateAccountSnapshot,
		onsightapi.CreateAccountSnapshotRequest{AwsAccountId: srv.Account}))
	var rows []onsightapi.SnapshotRow
	in := onsightapi.ListAccountSnapshotRowsRequest{AwsAccountId: srv.Account, SnapshotId: *made.SnapshotId, MaxResults: &size}
	for {
		out := must[onsightapi.ListAccountSnapshotRowsResponse](t)(testkit.Call(t, srv, onsightapi.ListAccountSnapshotRows, in))
		rows = append(rows, out.Rows...)
		if out.NextToken == nil {
			return rows
		}
		in.NextToken = out.NextToken
	}
}

// upload sends rows, and gives the snapshot's id.
func upload(t *testing.T, srv *testkit.Server, rows []onsightapi.SnapshotRow) string {
	t.Helper()
	made := must[onsightapi.CreateAccountSnapshotResponse](t)(testkit.Call(t, srv, onsightapi.CreateAccountSnapshot,
		onsightapi.CreateAccountSnapshotRequest{AwsAccountId: srv.Account, Source: new(onsightapi.SnapshotSourceUpload)}))
	for some := range slices.Chunk(rows, 10) {
		must[onsightapi.PutAccountSnapshotRowsResponse](t)(testkit.Call(t, srv, onsightapi.PutAccountSnapshotRows,
			onsightapi.PutAccountSnapshotRowsRequest{AwsAccountId: srv.Account, SnapshotId: *made.SnapshotId, Rows: some}))
	}
	return *made.SnapshotId
}

func plan(t *testing.T, srv *testkit.Server, id string) *onsightapi.PlanAccountSnapshotResponse {
	t.Helper()
	return must[onsightapi.PlanAccountSnapshotResponse](t)(testkit.Call(t, srv, onsightapi.PlanAccountSnapshot,
		onsightapi.PlanAccountSnapshotRequest{AwsAccountId: srv.Account, SnapshotId: id}))
}

func apply(t *testing.T, srv *testkit.Server, id, planID string, secrets ...onsightapi.SnapshotSecret) error {
	t.Helper()
	_, err := testkit.Call(t, srv, onsightapi.ApplyAccountSnapshot,
		onsightapi.ApplyAccountSnapshotRequest{AwsAccountId: srv.Account, SnapshotId: id, PlanId: planID, Secrets: secrets})
	return err
}

func texts(rows []onsightapi.SnapshotRow) (all []string) {
	for _, r := range rows {
		all = append(all, r.Kind+" "+*r.Key+" "+string(r.Document))
	}
	return all
}

// An account goes to another server, with everything that it has, and comes
// back the same; access keys and connectors work there.
func TestRoundTrip(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "seal.key")
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		fill(t, srv)
		app := furnish(t, srv)
		furnishVPC(t, srv)
		key := must[iamapi.CreateAccessKeyResponse](t)(testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("eve")})).AccessKey
		rows := export(t, srv, 7)
		if all := strings.Join(texts(rows), "\n"); strings.Contains(all, "hush") || strings.Contains(all, clientSecret) || strings.Contains(all, password) || strings.Contains(all, strings.ReplaceAll(app, " ", "")) || strings.Contains(all, key.SecretAccessKey.Reveal()) {
			t.Error("a secret is in the export")
		}

		other := testkit.Start(t, storetest.Config(t, store.SQLite), testkit.SealKey(keys))
		id := upload(t, other, rows)
		p := plan(t, other, id)
		if len(p.Problems) > 0 || len(p.SecretsNeeded) > 0 || int(*p.Created) != len(rows) || *p.Updated+*p.Deleted+*p.Unchanged != 0 {
			t.Fatalf("plan on an empty server: %d created of %d, problems %q, secrets %v", *p.Created, len(rows), p.Problems, p.SecretsNeeded)
		}
		if err := apply(t, other, id, *p.PlanId); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(texts(rows), texts(export(t, other, 1000))); diff != "" {
			t.Errorf("exported again:\n%s", diff)
		}
		eve := other.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		must[qs.DescribeUserResponse](t)(testkit.Call(t, eve, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "büro/zoë <&>"}))
		again := plan(t, other, id)
		if *again.Created+*again.Updated+*again.Deleted != 0 || int(*again.Unchanged) != len(rows) {
			t.Errorf("plan after it was applied: %+v", again)
		}
		// The brand, the password and the second factor are those of before.
		other.Advance(31 * time.Second)
		b := other.Browser(t)
		if page := b.Post("/signin", "account", "account-"+srv.Account, "username", "ana", "password", password); page.Heading() != "One more step" || !strings.Contains(page.Body, "Acme") {
			t.Errorf("with the password: %d %s", page.Status, page.Text())
		}
		if page := b.Post("/signin/factor", "way", "totp", "code", code(t, app, other.Now())); page.Heading() != "Your account" {
			t.Errorf("with the second factor: %d %s", page.Status, page.Text())
		}
		// What counts entities counts on.
		must[iamapi.CreateUserResponse](t)(testkit.Call(t, other, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "fay"}))
		if got := must[iamapi.GetAccountSummaryResponse](t)(testkit.Call(t, other, iamapi.GetAccountSummary, iamapi.GetAccountSummaryRequest{})).SummaryMap["Users"]; got != 2 {
			t.Errorf("%d IAM users are counted, want 2", got)
		}
	}, testkit.SealKey(keys), office(t))
}

// A snapshot brings an account back to what it was: what is new goes, what has
// changed is as before, what was deleted is there again.
func TestRestore(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		fill(t, srv)
		made := must[onsightapi.CreateAccountSnapshotResponse](t)(testkit.Call(t, srv, onsightapi.CreateAccountSnapshot,
			onsightapi.CreateAccountSnapshotRequest{AwsAccountId: srv.Account}))
		before := texts(export(t, srv, 1000))
		must[qs.DeleteUserResponse](t)(testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "Ana"}))
		must[qs.UpdateUserResponse](t)(testkit.Call(t, srv, qs.UpdateUser, qs.UpdateUserRequest{
			AwsAccountId: srv.Account, Namespace: "default", UserName: "ana", Email: "new@example.org", Role: qs.UserRoleAdmin,
		}))
		must[iamapi.CreateUserResponse](t)(testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "mallory"}))
		p := plan(t, srv, *made.SnapshotId)
		var got []string
		for _, c := range p.Changes {
			got = append(got, fmt.Sprint(*c.Change, " ", *c.Kind, " ", *c.Key, " ", c.Members))
		}
		for _, want := range []string{"CREATE users default/Ana []", "UPDATE users default/ana [email role]", "DELETE iam/users mallory []"} {
			if !slices.Contains(got, want) {
				t.Errorf("the plan lacks %q: %q", want, got)
			}
		}
		if err := apply(t, srv, *made.SnapshotId, "another"); fault.Of(err) == nil || fault.Of(err).Code != "ConflictException" {
			t.Errorf("with another plan: %v, want a ConflictException", err)
		}
		if err := apply(t, srv, *made.SnapshotId, *p.PlanId); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(before, texts(export(t, srv, 1000))); diff != "" {
			t.Errorf("after the restoration:\n%s", diff)
		}
	})
}

// Secrets that were sealed elsewhere are asked for, and nothing is half applied.
func TestSecretsOfAnotherServer(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		fill(t, srv)
		rows := export(t, srv, 1000)
		other := testkit.Start(t, storetest.Config(t, store.SQLite))
		id := upload(t, other, rows)
		p := plan(t, other, id)
		if len(p.SecretsNeeded) == 0 {
			t.Fatal("no secrets are needed")
		}
		err := apply(t, other, id, *p.PlanId)
		if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" || !strings.Contains(f.Message, "secrets are needed") {
			t.Errorf("without secrets: %v", err)
		}
		if got := plan(t, other, id); *got.Created != int64(len(rows)) {
			t.Errorf("%d of %d rows are missing after a refusal", *got.Created, len(rows))
		}
		var secrets []onsightapi.SnapshotSecret
		for _, s := range p.SecretsNeeded {
			s.Value = new(contract.Secret("changed"))
			secrets = append(secrets, s)
		}
		if err := apply(t, other, id, *p.PlanId, secrets...); err != nil {
			t.Fatal(err)
		}
		if got := plan(t, other, id); *got.Created+*got.Updated+*got.Deleted != 0 {
			t.Errorf("after it was applied: %d created, %d updated, %d deleted", *got.Created, *got.Updated, *got.Deleted)
		}
	})
}

// What is sent by hand may be wrong in many ways; each is refused with its place.
func TestRefuses(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		fill(t, srv)
		rows := export(t, srv, 1000)
		id := upload(t, srv, nil)
		put := func(kind, document string) error {
			_, err := testkit.Call(t, srv, onsightapi.PutAccountSnapshotRows, onsightapi.PutAccountSnapshotRowsRequest{
				AwsAccountId: srv.Account, SnapshotId: id, Rows: []onsightapi.SnapshotRow{{Kind: kind, Document: json.RawMessage(document)}},
			})
			return err
		}
		for _, c := range []struct{ kind, document, want string }{
			{"people", `{}`, `Rows[0]: there is no kind "people".`},
			{"users", `[]`, `Rows[0] of kind users: it is not a JSON object.`},
			{"groups", `{"namespace":"default","name":"g"}`, `name_key is missing`},
			{"groups", `{"namespace":"default","name":5}`, `name is not a string`},
			{"tags", `{"arn":"a","key":"k","value":"v","more":1}`, `it has no member "more"`},
			{"namespaces", `{"name":"n","region":"r","status":"CREATED","identity_store":"QUICKSIGHT","directory_id":"d","created":"now"}`, `created is not a time`},
			{"secrets", `{"arn":"a","field":"f","version":"1","sealed":"aa"}`, `version is not a whole number`},
			{"secrets", `{"arn":"a","field":"f","version":1,"sealed":"%"}`, `sealed is not base64`},
			{"role-memberships", `{"namespace":"default","role":"KING","member":"m","created":"2026-01-01T00:00:00Z"}`, `role is "KING", and may be ADMIN, `},
		} {
			err := put(c.kind, c.document)
			if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" || !strings.Contains(f.Message, c.want) {
				t.Errorf("%s %s: %v, want %q", c.kind, c.document, err, c.want)
			}
		}
		// References, and rows of other accounts.
		var changed []onsightapi.SnapshotRow
		for _, r := range rows {
			if r.Kind == "custom-permissions" {
				continue
			}
			if r.Kind == "resources" {
				r.Document = json.RawMessage(strings.ReplaceAll(string(r.Document), ":"+srv.Account+":", ":222233334444:"))
			}
			changed = append(changed, r)
		}
		id = upload(t, srv, changed)
		p := plan(t, srv, id)
		all := strings.Join(p.Problems, "\n")
		for _, want := range []string{
			`users default/ana: there is no custom-permissions for its custom_permissions, "careful".`,
			`is no ARN of account ` + srv.Account,
			`there is no resources for its arn`,
		} {
			if !strings.Contains(all, want) {
				t.Errorf("no problem says %q:\n%s", want, all)
			}
		}
		if err := apply(t, srv, id, *p.PlanId); fault.Of(err) == nil || fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("applied with problems: %v", err)
		}
		// The same row twice is one row; another of its key is refused.
		if err := put("tags", `{"arn":"a","key":"k","value":"v"}`); err != nil {
			t.Error(err)
		}
		if err := put("tags", `{"key":"k","arn":"a","value":"v"}`); err != nil {
			t.Error(err)
		}
		if err := put("tags", `{"arn":"a","key":"k","value":"w"}`); fault.Of(err) == nil || !strings.Contains(err.Error(), "tags a/k is there twice") {
			t.Errorf("another of its key: %v", err)
		}
		// Of another account nothing is seen.
		stranger := srv.As(t, "222233334444")
		_, err := testkit.Call(t, stranger, onsightapi.PlanAccountSnapshot, onsightapi.PlanAccountSnapshotRequest{AwsAccountId: "222233334444", SnapshotId: id})
		if fault.Of(err) == nil || fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("the plan of another account's snapshot: %v", err)
		}
	})
}

// Snapshots are listed until they are deleted, or a week old.
func TestLife(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		list := func() (ids []string) {
			t.Helper()
			out := must[onsightapi.ListAccountSnapshotsResponse](t)(testkit.Call(t, srv, onsightapi.ListAccountSnapshots,
				onsightapi.ListAccountSnapshotsRequest{AwsAccountId: srv.Account}))
			for _, s := range out.Snapshots {
				ids = append(ids, *s.SnapshotId)
			}
			return ids
		}
		a, b := upload(t, srv, export(t, srv, 3)), upload(t, srv, nil)
		if got := list(); len(got) != 3 || got[1] != a || got[2] != b {
			t.Errorf("snapshots %v, want three, the last %s and %s", got, a, b)
		}
		must[onsightapi.DeleteAccountSnapshotResponse](t)(testkit.Call(t, srv, onsightapi.DeleteAccountSnapshot,
			onsightapi.DeleteAccountSnapshotRequest{AwsAccountId: srv.Account, SnapshotId: a}))
		if got := list(); slices.Contains(got, a) {
			t.Error("a deleted snapshot is listed")
		}
		srv.Advance(8 * 24 * time.Hour)
		if c := upload(t, srv, nil); !slices.Equal(list(), []string{c}) {
			t.Errorf("after a week: %v, want %s alone", list(), c)
		}
	})
}
