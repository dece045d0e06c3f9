package snapshot_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"html"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/config"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// The password of ana, and the client secret of a provider.
const (
	password     = "Correct7horse-staple"
	clientSecret = "hush-hush"
)

var (
	secretShown = regexp.MustCompile(`<code id="secret">([A-Z2-7 ]+)</code>`)
	stateShown  = regexp.MustCompile(`name="state" value="([^"]+)"`)
)

// code is what an authenticator app shows (RFC 6238).
func code(t *testing.T, secret string, at time.Time) string {
	t.Helper()
	key, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.TrimRight(strings.ReplaceAll(secret, " ", ""), "="))
	if err != nil {
		t.Fatal(err)
	}
	mac := hmac.New(sha1.New, key)
	_ = binary.Write(mac, binary.BigEndian, at.Unix()/30)
	sum := mac.Sum(nil)
	n := binary.BigEndian.Uint32(sum[sum[19]&0xf:]) & 0x7fffffff
	return fmt.Sprintf("%06d", n%1_000_000)
}

// furnish gives an account what fill has not: folders and what lies in them, a
// brand, a provider, embedding domains, and ana a password and a second factor,
// whose secret it gives.
func furnish(t *testing.T, srv *testkit.Server) (app string) {
	t.Helper()
	parent := must[qs.CreateFolderResponse](t)(testkit.Call(t, srv, qs.CreateFolder, qs.CreateFolderRequest{AwsAccountId: srv.Account, FolderId: "all", Name: new("Everything")}))
	must[qs.CreateFolderResponse](t)(testkit.Call(t, srv, qs.CreateFolder, qs.CreateFolderRequest{
		AwsAccountId: srv.Account, FolderId: "some", Name: new("Büro & Co"), ParentFolderArn: parent.Arn, Tags: []qs.Tag{{Key: "team", Value: "blue"}},
		Permissions: []qs.ResourcePermission{{Principal: "arn:aws:quicksight:us-east-1:" + srv.Account + ":group/default/Staff", Actions: []string{"quicksight:DescribeFolder"}}},
	}))
	source := &qs.ImageSource{PublicUrl: new("data:image/svg+xml," + url.PathEscape(`<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>`))}
	brand := must[qs.CreateBrandResponse](t)(testkit.Call(t, srv, qs.CreateBrand, qs.CreateBrandRequest{AwsAccountId: srv.Account, BrandId: "acme", BrandDefinition: &qs.BrandDefinition{
		BrandName: "Acme", LogoConfiguration: &qs.LogoConfiguration{AltText: "Acme", LogoSet: &qs.LogoSetConfiguration{Primary: &qs.ImageSetConfiguration{Original: &qs.ImageConfiguration{Source: source}}}},
	}}))
	must[qs.UpdateBrandPublishedVersionResponse](t)(testkit.Call(t, srv, qs.UpdateBrandPublishedVersion, qs.UpdateBrandPublishedVersionRequest{
		AwsAccountId: srv.Account, BrandId: "acme", VersionId: *brand.BrandDetail.VersionId,
	}))
	must[qs.UpdateBrandAssignmentResponse](t)(testkit.Call(t, srv, qs.UpdateBrandAssignment, qs.UpdateBrandAssignmentRequest{AwsAccountId: srv.Account, BrandArn: *brand.BrandDetail.Arn}))
	must[onsightapi.CreateFederationProviderResponse](t)(testkit.Call(t, srv, onsightapi.CreateFederationProvider, onsightapi.CreateFederationProviderRequest{
		AwsAccountId: srv.Account, ProviderId: "login", Name: "Login", Issuer: "https://login.example.org", ClientId: "onsight",
		RoleArn: new("arn:aws:iam::" + srv.Account + ":role/people"), ClientSecret: new(onsightapi.Secret(clientSecret)),
	}))
	must[onsightapi.UpdateFederationRedirectResponse](t)(testkit.Call(t, srv, onsightapi.UpdateFederationRedirect, onsightapi.UpdateFederationRedirectRequest{
		AwsAccountId: srv.Account, Enabled: false, IdentityProviderUrl: new("https://idp.example.org/app"), RelayStateParameter: new("RelayState"),
	}))
	must[onsightapi.PutSecondFactorPolicyResponse](t)(testkit.Call(t, srv, onsightapi.PutSecondFactorPolicy, onsightapi.PutSecondFactorPolicyRequest{
		AwsAccountId: srv.Account, Policy: onsightapi.SecondFactorPolicyRequiredForAdministrators,
	}))
	// The rules of fill let nobody in from here.
	must[qs.UpdateIpRestrictionResponse](t)(testkit.Call(t, srv, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{AwsAccountId: srv.Account, Enabled: new(false)}))
	invited := must[onsightapi.InviteUserResponse](t)(testkit.Call(t, srv, onsightapi.InviteUser, onsightapi.InviteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"}))
	link, err := url.Parse(invited.UserInvitationUrl.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	b := srv.Browser(t)
	if page := b.Post("/inviteuser", "token", link.Query().Get("token"), "new-password", password, "repeat-password", password); page.Heading() != "Your account" {
		t.Fatalf("%d %s", page.Status, page.Text())
	}
	page := b.Get("/signin/you/factors/app")
	found, state := secretShown.FindStringSubmatch(page.Body), stateShown.FindStringSubmatch(page.Body)
	if found == nil || state == nil {
		t.Fatalf("the page of an app: %s", page.Body)
	}
	if page := b.Post("/signin/you/factors/app", "state", html.UnescapeString(state[1]), "code", code(t, found[1], srv.Now())); page.Status != 200 {
		t.Fatalf("an app: %d %s", page.Status, page.Text())
	}
	return found[1]
}

// furnishVPC makes a VPC connection, where the server has profiles for it.
func furnishVPC(t *testing.T, srv *testkit.Server) {
	t.Helper()
	must[qs.CreateVPCConnectionResponse](t)(testkit.Call(t, srv, qs.CreateVPCConnection, qs.CreateVPCConnectionRequest{
		AwsAccountId: srv.Account, VPCConnectionId: "office", Name: "Office", RoleArn: "arn:aws:iam::" + srv.Account + ":role/vpc",
		SecurityGroupIds: []string{"sg-1"}, SubnetIds: []string{"subnet-office1", "subnet-office2"},
	}))
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		out := must[qs.DescribeVPCConnectionResponse](t)(testkit.Call(t, srv, qs.DescribeVPCConnection, qs.DescribeVPCConnectionRequest{AwsAccountId: srv.Account, VPCConnectionId: "office"}))
		if *out.VPCConnection.Status == qs.VPCConnectionResourceStatusCreationSuccessful {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("the VPC connection is %s", *out.VPCConnection.Status)
		}
	}
}

// office is a network profile for VPC connections.
func office(t *testing.T) testkit.Option {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profiles.json")
	const text = `{"profiles": [{"name": "office", "subnets": ["subnet-office1", "subnet-office2"], "vpc": "vpc-office", "allow": ["10.1.0.0/16"]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return func(c *config.Config) { c.NetworkProfiles = file }
}

// The account of an identity centre goes to another server with its users,
// groups, members and roles, and the centre goes on with it there.
func TestRoundTripOfCentre(t *testing.T) {
	keys := filepath.Join(t.TempDir(), "seal.key")
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		must[qs.CreateAccountSubscriptionResponse](t)(testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
			AwsAccountId: srv.Account, AccountName: "acme", NotificationEmail: "a@example.org", AuthenticationMethod: qs.AuthenticationMethodOptionIAMIdentityCenter, AdminGroup: []string{"admins"},
		}))
		must[qs.CreateRoleMembershipResponse](t)(testkit.Call(t, srv, qs.CreateRoleMembership, qs.CreateRoleMembershipRequest{
			AwsAccountId: srv.Account, Namespace: "default", Role: qs.RoleReader, MemberName: "readers",
		}))
		must[onsightapi.UpdateScimMatchingResponse](t)(testkit.Call(t, srv, onsightapi.UpdateScimMatching, onsightapi.UpdateScimMatchingRequest{
			AwsAccountId: srv.Account, Namespace: "default", Attribute: onsightapi.ScimAttributeUserName, Claim: "preferred_username",
		}))
		must[onsightapi.CreateFederationProviderResponse](t)(testkit.Call(t, srv, onsightapi.CreateFederationProvider, onsightapi.CreateFederationProviderRequest{
			AwsAccountId: srv.Account, ProviderId: "centre", Name: "Centre", Issuer: "https://login.example.org", ClientId: "onsight", ClientSecret: new(onsightapi.Secret(clientSecret)),
		}))
		provision := func(srv *testkit.Server, path, body string, status int) string {
			t.Helper()
			token := must[onsightapi.CreateScimTokenResponse](t)(testkit.Call(t, srv, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: srv.Account, Name: "centre"})).Token
			r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/_onsight/scim/"+srv.Account+"/v2"+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+token.Reveal())
			r.Header.Set("Content-Type", "application/scim+json")
			res, answer := srv.Send(t, r)
			var made struct{ ID string }
			if err := json.Unmarshal(answer, &made); err != nil || res.StatusCode != status {
				t.Fatalf("%s: %d %s %v", path, res.StatusCode, answer, err)
			}
			return made.ID
		}
		ana := provision(srv, "/Users", `{"userName":"ana","externalId":"00uana","emails":[{"value":"ana@example.org","primary":true}],"name":{"givenName":"Büro <&>"}}`, 201)
		provision(srv, "/Users", `{"userName":"bo","active":false}`, 201)
		provision(srv, "/Groups", `{"displayName":"readers","members":[{"value":"`+ana+`"}]}`, 201)
		rows := export(t, srv, 7)
		kinds := map[string]int{}
		for _, r := range rows {
			kinds[r.Kind]++
		}
		for kind, want := range map[string]int{
			"scim/users": 2, "scim/emails": 1, "scim/groups": 1, "scim/members": 1, "scim/matching": 1, "role-memberships": 2, "users": 1, "groups": 1, "group-members": 1, "secrets": 1,
		} {
			if kinds[kind] != want {
				t.Errorf("%d of %s, want %d", kinds[kind], kind, want)
			}
		}
		other := testkit.Start(t, storetest.Config(t, store.SQLite), testkit.SealKey(keys))
		id := upload(t, other, rows)
		if err := apply(t, other, id, *plan(t, other, id).PlanId); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(texts(rows), texts(export(t, other, 1000))); diff != "" {
			t.Errorf("exported again:\n%s", diff)
		}
		// The centre finds its users there, and changes them.
		provision(other, "/Groups", `{"displayName":"admins","members":[{"value":"`+ana+`"}]}`, 201)
		u := must[qs.DescribeUserResponse](t)(testkit.Call(t, other, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})).User
		if *u.Role != qs.UserRoleAdmin || !*u.Active {
			t.Errorf("there, ana is %s, active %v", *u.Role, *u.Active)
		}
	}, testkit.SealKey(keys))
}
