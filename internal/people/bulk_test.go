package people_test

import (
	"fmt"
	"strings"
	"testing"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// native is a row for a user with an invitation.
func native(line int32, name string, groups ...string) onsightapi.BulkUser {
	return onsightapi.BulkUser{Line: &line, IdentityType: new("QUICKSIGHT"), UserName: &name, Email: new(name + "@example.org"), UserRole: new("READER"), Groups: groups}
}

// outcomes writes results shortly: what became of each, and why.
func outcomes(results []onsightapi.BulkResult) string {
	var lines []string
	for _, r := range results {
		line := fmt.Sprintf("%d %s", *r.Line, *r.Outcome)
		if r.Code != nil {
			line += " " + *r.Code + ": " + *r.Message
		}
		lines = append(lines, line)
	}
	return strings.Join(lines, "\n")
}

func bulkRegister(t *testing.T, srv *testkit.Server, in onsightapi.BulkRegisterUsersRequest) *onsightapi.BulkRegisterUsersResponse {
	t.Helper()
	in.AwsAccountId = srv.Account
	return do(t, srv, onsightapi.BulkRegisterUsers, in)
}

func users(t *testing.T, srv *testkit.Server) string {
	t.Helper()
	names, _ := list(t, srv, onsightapi.ListPeopleRequest{})
	return strings.Join(names, " ")
}

func TestBulkRegister(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "staff"})
		nameless := native(4, "x")
		nameless.UserName = nil
		badRole := native(5, "bad")
		badRole.UserRole = new("KING")
		badName := native(6, "snow☃")
		profile := native(7, "profiled")
		profile.CustomPermissionsName = new("gone")
		iam := onsightapi.BulkUser{
			Line: new(int32(8)), IdentityType: new("IAM"), IamArn: new("arn:aws:iam::" + srv.Account + ":role/Bi"), SessionName: new("ana"),
			Email: new("a"), UserRole: new("AUTHOR"), UserName: new(""), Groups: []string{"staff"},
		}
		elsewhere := native(10, "y")
		elsewhere.Namespace = new("gone")
		rows := []onsightapi.BulkUser{native(2, "ana", "staff"), native(3, "bo"), nameless, badRole, badName, profile, iam, native(9, "cy", "gone"), elsewhere}
		root := srv.Account
		want := `2 REGISTERED
3 REGISTERED
4 FAILED InvalidParameterValueException: Invalid resource identifiers provided. Please check the documentation.  
5 FAILED ValidationException: 1 validation error detected: Value 'KING' at 'userRole' failed to satisfy constraint: Member must satisfy enum value set: [ADMIN, AUTHOR, READER, RESTRICTED_AUTHOR, RESTRICTED_READER, ADMIN_PRO, AUTHOR_PRO, READER_PRO]
6 FAILED ValidationException: 1 validation error detected: Value 'snow☃' at 'userName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\u0020-\u00FF]+
7 FAILED ResourceNotFoundException: AWS account id: 111122223333, Custom permissions name: gone. 
8 REGISTERED
9 FAILED ResourceNotFoundException: AWS account id: 111122223333, Namespace: default, Group name: gone. 
10 FAILED ResourceNotFoundException: Account 111122223333 is not signed up with QuickSight with namespace gone. AWS account ID: 111122223333, Namespace: gone.`

		compare := func(when, got, want string) {
			t.Helper()
			squeeze := func(s string) string { return strings.Join(strings.Fields(s), " ") }
			if squeeze(got) != squeeze(want) {
				t.Errorf("%s:\n%s\nwant\n%s", when, got, want)
			}
		}
		dry := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows, DryRun: new(true)})
		compare("dry run", outcomes(dry.Results), want)
		if dry.Results[0].UserInvitationUrl != nil || users(t, srv) != root {
			t.Errorf("a dry run left %s, and the link %v", users(t, srv), dry.Results[0].UserInvitationUrl)
		}
		whole := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows, AllOrNothing: new(true)})
		compare("all or nothing", outcomes(whole.Results), strings.ReplaceAll(want, "REGISTERED", "NOT_DONE"))
		if got := users(t, srv); got != root || *whole.Done != 0 || *whole.Failed != 6 {
			t.Errorf("all or nothing left %s, %d done, %d failed", got, *whole.Done, *whole.Failed)
		}
		each := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows})
		compare("each for itself", outcomes(each.Results), want)
		if got := users(t, srv); got != root+" Bi/ana ana bo" || *each.Done != 3 {
			t.Errorf("each for itself left %s, want three users and nothing of cy; %d done", got, *each.Done)
		}
		link := *each.Results[0].UserInvitationUrl
		if !strings.Contains(link, "/inviteuser?token=") || each.Results[6].UserInvitationUrl != nil || *each.Results[6].UserName != "Bi/ana" {
			t.Errorf("results %+v", each.Results)
		}
		members := do(t, srv, qs.ListGroupMemberships, qs.ListGroupMembershipsRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "staff"})
		if n := len(members.GroupMemberList); n != 2 {
			t.Errorf("%d members of staff, want 2", n)
		}

		// The same rows again change nothing; those that ask for something else say so.
		again := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows})
		compare("again", outcomes(again.Results), strings.ReplaceAll(want, "REGISTERED", "UNCHANGED"))
		other := native(2, "ana")
		other.UserRole = new("AUTHOR")
		compare("another role", outcomes(bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: []onsightapi.BulkUser{other}}).Results),
			`2 FAILED ResourceExistsException: User ana already exists in namespace default, and its UserRole is "READER", not "AUTHOR".`)
		renewed := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: rows[:1], RenewInvitations: new(true)}).Results[0]
		if renewed.UserInvitationUrl == nil || *renewed.UserInvitationUrl == link {
			t.Errorf("renewed invitation %v, want another than before", renewed.UserInvitationUrl)
		}
		// Every user has an event, and so has every bulk operation.
		for name, want := range map[string]int{"RegisterUser": 3, "BulkRegisterUsers": 6} {
			got := 0
			for _, e := range do(t, srv, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{LookupAttributes: []cloudtrailapi.LookupAttribute{{AttributeKey: "EventName", AttributeValue: name}}}).Events {
				if !strings.Contains(*e.CloudTrailEvent, `"errorCode"`) {
					got++
				}
			}
			if got > want || got < want && name == "RegisterUser" { // the other ones may still be on their way
				t.Errorf("%d events of %s, want %d", got, name, want)
			}
		}
		// A later transaction of many does all.
		var many []onsightapi.BulkUser
		for i := range 1200 {
			many = append(many, native(int32(i), fmt.Sprintf("many-%04d", i)))
		}
		refused(t, srv, onsightapi.BulkRegisterUsers, onsightapi.BulkRegisterUsersRequest{AwsAccountId: srv.Account, Users: many}, "LimitExceededException", "1200 rows are too many: a call has at most 1000, or 10000 with AllOrNothing.")
		if all := bulkRegister(t, srv, onsightapi.BulkRegisterUsersRequest{Users: many, AllOrNothing: new(true)}); *all.Done != 1200 {
			t.Errorf("%d of 1200 done: %s", *all.Done, outcomes(all.Results[:5]))
		}
	})
}

// TestBulkAuthorization asks policies about each row, as about the call for one.
func TestBulkAuthorization(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "staff"})
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "hr"})
		key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("hr")}).AccessKey
		hr := srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		rows := []onsightapi.BulkUser{native(1, "team-a"), native(2, "boss"), native(3, "team-b", "staff")}
		in := onsightapi.BulkRegisterUsersRequest{AwsAccountId: srv.Account, Users: rows}
		refused(t, hr, onsightapi.BulkRegisterUsers, in, "AccessDeniedException", "onsight:BulkRegisterUsers")
		do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "hr", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["onsight:Bulk*"],"Resource":"*"},
			{"Effect":"Allow","Action":["quicksight:RegisterUser","quicksight:DeleteUser"],"Resource":"arn:aws:quicksight:us-east-1:111122223333:user/default/team-*"}]}`})
		out := do(t, hr, onsightapi.BulkRegisterUsers, in)
		got := outcomes(out.Results)
		for _, part := range []string{
			"1 REGISTERED\n", "2 FAILED AccessDeniedException: User: arn:aws:iam::111122223333:user/hr is not authorized to perform: quicksight:RegisterUser",
			"3 FAILED AccessDeniedException: User: arn:aws:iam::111122223333:user/hr is not authorized to perform: quicksight:CreateGroupMembership",
		} {
			if !strings.Contains(got, part) {
				t.Errorf("results\n%s\nwant %s", got, part)
			}
		}
		removed := do(t, hr, onsightapi.BulkDeleteUsers, onsightapi.BulkDeleteUsersRequest{AwsAccountId: srv.Account, Users: []onsightapi.BulkName{
			{Line: new(int32(1)), UserName: &srv.Account}, {Line: new(int32(2)), UserName: new("team-a")}, {Line: new(int32(3)), UserName: new("team-z")}, {Line: new(int32(4))},
		}})
		got = outcomes(removed.Results)
		for _, part := range []string{"1 FAILED AccessDeniedException", "\n2 DELETED\n3 UNCHANGED\n4 FAILED InvalidParameterValueException: UserName is missing."} {
			if !strings.Contains(got, part) {
				t.Errorf("results\n%s\nwant %s", got, part)
			}
		}
		if got := users(t, srv); got != srv.Account {
			t.Errorf("left: %s", got)
		}
	})
}

func TestBulkDelete(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, name := range []string{"a", "b", "c"} {
			register(t, srv, name, "READER")
		}
		names := func(all ...string) (rows []onsightapi.BulkName) {
			for i, name := range all {
				rows = append(rows, onsightapi.BulkName{Line: new(int32(i)), UserName: &name})
			}
			return rows
		}
		in := onsightapi.BulkDeleteUsersRequest{AwsAccountId: srv.Account, Users: names("a", "b", "gone"), DryRun: new(true)}
		if got, want := outcomes(do(t, srv, onsightapi.BulkDeleteUsers, in).Results), "0 DELETED\n1 DELETED\n2 UNCHANGED"; got != want {
			t.Errorf("dry run: %s, want %s", got, want)
		}
		in.DryRun, in.AllOrNothing = nil, new(true)
		in.Users = append(in.Users, onsightapi.BulkName{Line: new(int32(3)), Namespace: new("gone"), UserName: new("a")})
		if got := outcomes(do(t, srv, onsightapi.BulkDeleteUsers, in).Results); !strings.HasPrefix(got, "0 NOT_DONE\n1 NOT_DONE\n2 NOT_DONE\n3 FAILED ResourceNotFoundException") {
			t.Errorf("all or nothing: %s", got)
		}
		if got := users(t, srv); got != srv.Account+" a b c" {
			t.Errorf("left: %s, want all", got)
		}
		in.Users = in.Users[:3]
		if got, want := outcomes(do(t, srv, onsightapi.BulkDeleteUsers, in).Results), "0 DELETED\n1 DELETED\n2 UNCHANGED"; got != want {
			t.Errorf("all: %s, want %s", got, want)
		}
		if got := users(t, srv); got != srv.Account+" c" {
			t.Errorf("left: %s, want c", got)
		}
		_, err := testkit.Call(t, srv.As(t, "444455556666"), onsightapi.BulkDeleteUsers, in)
		if f := fault.Of(err); f == nil || f.Code != "AccessDeniedException" {
			t.Errorf("another account: %v", err)
		}
	})
}
