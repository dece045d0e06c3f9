package app_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"onsight/internal/capability"
	"onsight/internal/sigv4"
)

// iamUser makes an IAM user who may do everything in QuickSight, and signs as
// it from now on.
func (s *server) iamUser(b *testing.B, name string) {
	b.Helper()
	region, service := s.signer.Region, s.signer.Service
	s.signer.Service = "iam"
	call := func(values url.Values) string {
		b.Helper()
		values.Set("Version", "2010-05-08")
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.signer.Sign(r, []byte(values.Encode()), time.Now())
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		if w.Code != 200 {
			b.Fatalf("%s: %d %s", values.Get("Action"), w.Code, w.Body)
		}
		return w.Body.String()
	}
	call(url.Values{"Action": {"CreateUser"}, "UserName": {name}})
	call(url.Values{"Action": {"PutUserPolicy"}, "UserName": {name}, "PolicyName": {"p"}, "PolicyDocument": {`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:*","Resource":"*"}}`}})
	key := call(url.Values{"Action": {"CreateAccessKey"}, "UserName": {name}})
	member := func(name string) string {
		_, rest, _ := strings.Cut(key, "<"+name+">")
		value, _, _ := strings.Cut(rest, "<")
		return value
	}
	s.signer = sigv4.Signer{AccessKeyID: member("AccessKeyId"), Secret: member("SecretAccessKey"), Region: region, Service: service}
}

// BenchmarkGate describes a connector, which a capability gates, as an IAM user
// among 2,000 registered users: who is not registered, who is and has no
// profile, and who has one of 180 capabilities. Root is not asked at all.
func BenchmarkGate(b *testing.B) {
	for _, who := range []string{"root", "unregistered", "no profile", "profile"} {
		b.Run(who, func(b *testing.B) {
			s := open(b)
			must := func(method, path, body string) {
				b.Helper()
				if status := s.send(s.request(method, path, body)); status >= 300 {
					b.Fatalf("%s %s: %d", method, path, status)
				}
			}
			must("POST", "/accounts/111122223333/action-connectors", `{"ActionConnectorId":"a","Name":"A","Type":"GENERIC_HTTP","AuthenticationConfig":`+
				`{"AuthenticationType":"NONE","AuthenticationMetadata":{"NoneConnectionMetadata":{"BaseEndpoint":"https://hooks.example.org"}}}}`)
			if who != "root" && who != "unregistered" {
				for i := range 2_000 {
					must("POST", users, registration(fmt.Sprintf("u%d", i)))
				}
				must("POST", users, `{"IdentityType":"IAM","Email":"a@b","UserRole":"AUTHOR","IamArn":"arn:aws:iam::111122223333:user/ana"}`)
			}
			if who == "profile" {
				var denied []string
				for _, c := range capability.Table() {
					if strings.HasSuffix(c.Name, "DataSource") {
						denied = append(denied, fmt.Sprintf(`%q:"DENY"`, c.Name))
					}
				}
				must("POST", "/accounts/111122223333/custom-permissions", `{"CustomPermissionsName":"p","Capabilities":{`+strings.Join(denied, ",")+`}}`)
				must("PUT", "/accounts/111122223333/namespaces/default/roles/AUTHOR/custom-permission", `{"CustomPermissionsName":"p"}`)
			}
			if who != "root" {
				s.iamUser(b, "ana")
			}
			r := s.request("GET", "/accounts/111122223333/action-connectors/a", "")
			b.ResetTimer()
			for b.Loop() {
				if status := s.send(r); status != 200 {
					b.Fatal(status)
				}
			}
		})
	}
}
