package identity_test

import (
	"regexp"
	"testing"
	"time"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestGetIdentityContext(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for name, email := range map[string]string{"ana": "ana@example.org", "bob": "team@example.org", "eva": "team@example.org"} {
			if _, err := testkit.Call(t, srv, qs.RegisterUser, person(name, func(in *qs.RegisterUserRequest) { in.Email = email })); err != nil {
				t.Fatal(err)
			}
		}
		centre := person("ida", func(in *qs.RegisterUserRequest) { in.IdentityType = qs.IdentityTypeIAMIdentityCenter })
		if _, err := testkit.Call(t, srv, qs.RegisterUser, centre); err != nil {
			t.Fatal(err)
		}
		name := func(v qs.Secret) *qs.UserIdentifier { return &qs.UserIdentifier{UserName: &v} }
		mail := func(v qs.Secret) *qs.UserIdentifier { return &qs.UserIdentifier{Email: &v} }
		byARN := func(v string) *qs.UserIdentifier { return &qs.UserIdentifier{UserArn: &v} }
		here := new("default")
		in := func(d time.Duration) *time.Time { return new(srv.Now().Add(d)) }
		tests := []struct {
			what       string
			in         qs.GetIdentityContextRequest
			code, text string
		}{
			{"by name", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana")}, "", ""},
			{"by e-mail address", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: mail("ana@example.org")}, "", ""},
			{"by ARN", qs.GetIdentityContextRequest{UserIdentifier: byARN(userARN + "ana")}, "", ""},
			{"by ARN, with the namespace", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: byARN(userARN + "ana")}, "", ""},
			{"for another region", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana"), ContextRegion: new("eu-west-1")}, "", ""},
			{"until then", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana"), SessionExpiresAt: in(2 * time.Hour)}, "", ""},
			{"nobody named", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: &qs.UserIdentifier{}}, "SerializationException", "exactly one of Email, UserArn, UserName"},
			{"no namespace", qs.GetIdentityContextRequest{UserIdentifier: name("ana")}, "InvalidParameterValueException", "Namespace is required"},
			{"no namespace, by e-mail address", qs.GetIdentityContextRequest{UserIdentifier: mail("ana@example.org")}, "InvalidParameterValueException", "Namespace is required"},
			{"an unknown name", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("absent")}, "ResourceNotFoundException", "Username: absent"},
			{"an unknown e-mail address", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: mail("x@example.org")}, "ResourceNotFoundException", "no user has this e-mail address"},
			{"an unknown ARN", qs.GetIdentityContextRequest{UserIdentifier: byARN(userARN + "absent")}, "ResourceNotFoundException", "Username: absent"},
			{"an ARN of a group", qs.GetIdentityContextRequest{UserIdentifier: byARN("arn:aws:quicksight:us-east-1:111122223333:group/default/g")}, "InvalidParameterValueException", "isn't the ARN of a user"},
			{"another namespace", qs.GetIdentityContextRequest{Namespace: new("other"), UserIdentifier: byARN(userARN + "ana")}, "InvalidParameterValueException", "isn't of namespace other"},
			{"an unknown namespace", qs.GetIdentityContextRequest{Namespace: new("other"), UserIdentifier: name("ana")}, "ResourceNotFoundException", "namespace other"},
			{"an e-mail address of two", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: mail("team@example.org")}, "PreconditionNotMetException", "Several users have this e-mail address"},
			{"of an identity centre", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ida")}, "AccessDeniedException", "Operation is disabled for identities managed by IAM Identity Center"},
			{"over already", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana"), SessionExpiresAt: in(-time.Hour)}, "InvalidParameterValueException", "in the future"},
			{"for too long", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana"), SessionExpiresAt: in(48 * time.Hour)}, "InvalidParameterValueException", "next 12 hours"},
			{"for another partition", qs.GetIdentityContextRequest{Namespace: here, UserIdentifier: name("ana"), ContextRegion: new("cn-north-1")}, "InvalidParameterValueException", "isn't in the partition"},
		}
		for _, tt := range tests {
			tt.in.AwsAccountId = testkit.Account
			out, err := testkit.Call(t, srv, qs.GetIdentityContext, tt.in)
			switch {
			case tt.code != "":
				failed(t, tt.what, err, tt.code, tt.text)
			case err != nil:
				t.Errorf("%s: %v", tt.what, err)
			// STS takes 4 to 2048 characters.
			case len(*out.Context) > 2048 || !regexp.MustCompile(`^[A-Za-z0-9_-]{50,}$`).MatchString(*out.Context):
				t.Errorf("%s: context %q", tt.what, *out.Context)
			}
		}
		_, err := testkit.Call(t, srv.In("eu-west-1"), qs.GetIdentityContext, qs.GetIdentityContextRequest{AwsAccountId: testkit.Account, Namespace: here, UserIdentifier: name("ana")})
		failed(t, "in another region", err, "AccessDeniedException", "Please use the us-east-1 endpoint.")
	})
}

func TestGetIdentityContextOfIdentityCentre(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribeTo(t, srv, qs.AuthenticationMethodOptionIAMIdentityCenter)
		_, err := testkit.Call(t, srv, qs.GetIdentityContext, qs.GetIdentityContextRequest{
			AwsAccountId: testkit.Account, Namespace: new("default"), UserIdentifier: &qs.UserIdentifier{UserName: new(qs.Secret("ana"))},
		})
		failed(t, "an account of an identity centre", err, "AccessDeniedException", "Operation is disabled for identities managed by IAM Identity Center")
	})
}
