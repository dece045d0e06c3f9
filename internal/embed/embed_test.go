package embed_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
)

const (
	host   = "https://portal.example.com"
	cookie = "__Secure-onsight-embed"
)

func userARN(srv *testkit.Server, name string) string {
	return "arn:aws:quicksight:us-east-1:" + srv.Account + ":user/default/" + name
}

func register(t *testing.T, srv *testkit.Server, name string) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: name + "@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func console() *qs.RegisteredUserEmbeddingExperienceConfiguration {
	return &qs.RegisteredUserEmbeddingExperienceConfiguration{QuickSightConsole: &qs.RegisteredUserQuickSightConsoleEmbeddingConfiguration{}}
}

func ask(srv *testkit.Server, name string, domains ...string) qs.GenerateEmbedUrlForRegisteredUserRequest {
	return qs.GenerateEmbedUrlForRegisteredUserRequest{AwsAccountId: srv.Account, UserArn: userARN(srv, name), AllowedDomains: domains, ExperienceConfiguration: console()}
}

func generate(t *testing.T, srv *testkit.Server, in qs.GenerateEmbedUrlForRegisteredUserRequest) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.GenerateEmbedUrlForRegisteredUser, in)
	if err != nil {
		t.Fatal(err)
	}
	return out.EmbedUrl.Reveal()
}

// framed is a URL as the embedding SDK puts it into the frame of a host.
func framed(link, host string) string {
	return link + "&" + url.Values{"punyCodeEmbedOrigin": {host + "/-"}, "contextId": {"c1"}, "discriminator": {"0"}, "sdkVersion": {"2.11.3"}}.Encode()
}

func reasonOf(page testkit.Shown) string {
	_, after, _ := strings.Cut(page.Body, `data-reason="`)
	reason, _, _ := strings.Cut(after, `"`)
	return reason
}

func attribute(page testkit.Shown, name string) string {
	_, after, _ := strings.Cut(page.Body, "data-"+name+`="`)
	value, _, _ := strings.Cut(after, `"`)
	return value
}

func ancestors(page testkit.Shown) string {
	_, after, _ := strings.Cut(page.Header.Get("Content-Security-Policy"), "frame-ancestors ")
	value, _, _ := strings.Cut(after, ";")
	return value
}

// me asks who is signed in, as a page's script does.
func me(t *testing.T, srv *testkit.Server, link, token string) (int, map[string]any) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+strings.Join(strings.Split(u.Path, "/")[:3], "/")+"/me", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Onsight-Embed-Session", token)
	}
	res, body := srv.Send(t, r)
	var out map[string]any
	if err := json.Unmarshal(body, &out); err != nil {
		t.Fatalf("%d %s", res.StatusCode, body)
	}
	return res.StatusCode, out
}

func TestEmbed(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		in := ask(srv, "ana", host, "https://*.apps.example.com")
		in.SessionLifetimeInMinutes = new(int64(15))
		in.ExperienceConfiguration.QuickSightConsole = &qs.RegisteredUserQuickSightConsoleEmbeddingConfiguration{
			InitialPath:           new("/start/analyses"),
			FeatureConfigurations: &qs.RegisteredUserConsoleFeatureConfigurations{StatePersistence: &qs.StatePersistenceConfigurations{Enabled: true}},
		}
		link := generate(t, srv, in)
		if u, err := url.Parse(link); err != nil || u.Scheme+"://"+u.Host != "https://onsight.example.org" || !strings.HasPrefix(u.Path, "/embedding/") ||
			!strings.HasSuffix(u.Path, "/start/analyses") || u.Query().Get("identityprovider") != "quicksight" || u.Query().Get("isauthcode") != "true" {
			t.Fatalf("link %s", link)
		}
		b := srv.Browser(t)
		page := b.Get(framed(link, "https://eu.apps.example.com"))
		if page.Status != 200 || page.Heading() != "Signed in as ana" || attribute(page, "origin") != "https://eu.apps.example.com" {
			t.Fatalf("%d %s", page.Status, page.Body)
		}
		if got, want := ancestors(page), host+" https://*.apps.example.com"; got != want {
			t.Errorf("frame-ancestors %s, want %s", got, want)
		}
		policy := page.Header.Get("Content-Security-Policy")
		if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "script-src 'self'") || strings.Contains(policy, "unsafe") || page.Header.Get("X-Frame-Options") != "" {
			t.Errorf("headers %v", page.Header)
		}
		var set *http.Cookie
		for _, c := range page.Set {
			set = c
		}
		if set == nil || set.Name != cookie || !set.Partitioned || !set.Secure || !set.HttpOnly || set.SameSite != http.SameSiteNoneMode || set.MaxAge != 900 || !strings.HasPrefix(link, "https://onsight.example.org"+set.Path+"/") {
			t.Errorf("cookie %+v", set)
		}
		token := attribute(page, "token")
		status, who := me(t, srv, link, token)
		if features, _ := json.Marshal(who["FeatureConfigurations"]); status != 200 || who["UserName"] != "ana" || !strings.Contains(string(features), `"StatePersistence":{"Enabled":true}`) {
			t.Errorf("me: %d %v", status, who)
		}
		if status, _ := me(t, srv, link, ""); status != 401 {
			t.Errorf("without a token: %d", status)
		}
		at := strings.TrimPrefix(set.Path, "")
		if page := b.Get(at + "/start?punyCodeEmbedOrigin=" + host + "/-"); page.Status != 200 || page.Heading() != "Signed in as ana" {
			t.Errorf("loaded again: %d %s", page.Status, page.Heading())
		}
		if page := srv.Browser(t).Get(at + "/start"); page.Status != 401 || reasonOf(page) != "SESSION_ENDED" {
			t.Errorf("loaded by someone else: %d %s", page.Status, page.Body)
		}
		again := srv.Browser(t).Get(framed(link, host))
		if again.Status != 403 || reasonOf(again) != "CODE_USED" || attribute(again, "error") != "Forbidden" || attribute(again, "origin") != host || again.Heading() != "This address was used before" {
			t.Errorf("used: %d %s", again.Status, again.Body)
		}

		// A session in a frame is nothing to the other pages, nor to another frame.
		other := srv.Browser(t)
		other.SetCookie("__Host-onsight-session", token)
		if page := other.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("the frame's token as a session: %s", page.Heading())
		}
		second := generate(t, srv, ask(srv, "ana", host))
		srv.Browser(t).Get(second)
		if status, _ := me(t, srv, second, token); status != 401 {
			t.Errorf("the token of another frame: %d", status)
		}

		srv.Advance(14 * time.Minute)
		if status, _ := me(t, srv, link, token); status != 200 {
			t.Errorf("after 14 minutes: %d", status)
		}
		srv.Advance(2 * time.Minute)
		if status, who := me(t, srv, link, token); status != 401 || who["Reason"] != "SESSION_ENDED" {
			t.Errorf("after 16 minutes: %d %v", status, who)
		}
		if page := b.Get(at + "/start"); page.Status != 401 {
			t.Errorf("after 16 minutes: %d", page.Status)
		}

		late := generate(t, srv, ask(srv, "ana", host))
		srv.Advance(5*time.Minute + time.Second)
		if page := srv.Browser(t).Get(framed(late, host)); page.Status != 403 || reasonOf(page) != "CODE_EXPIRED" || ancestors(page) != host {
			t.Errorf("late: %d %s", page.Status, page.Body)
		}
		for what, link := range map[string]string{
			"altered":       strings.Replace(late, "code=", "code=A", 1),
			"cut":           late[:strings.Index(late, "code=")+20],
			"another id":    strings.Replace(late, "/embedding/", "/embedding/0", 1),
			"with newlines": strings.Replace(late, "code=", "code=%0A", 1),
		} {
			if page := srv.Browser(t).Get(link); page.Status != 403 && page.Status != 404 || page.Heading() != "This page can't be opened" {
				t.Errorf("%s: %d %s", what, page.Status, page.Heading())
			}
		}
		if page := srv.Browser(t).Get("/embedding/nothing/start"); page.Status != 404 || ancestors(page) != "'none'" {
			t.Errorf("no entry: %d %s", page.Status, ancestors(page))
		}
	})
}

// What looks ahead, or says that it is a foreign site, uses no code up.
func TestCodeIsKeptFor(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		link := generate(t, srv, ask(srv, "ana", host))
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		for method, header := range map[string][2]string{http.MethodHead: {"X", "x"}, http.MethodGet: {"Sec-Purpose", "prefetch;prerender"}} {
			r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+u.RequestURI(), nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set(header[0], header[1])
			if res, _ := srv.Send(t, r); res.StatusCode != 405 && res.StatusCode != 503 {
				t.Errorf("%s %s: %d", method, header, res.StatusCode)
			}
		}
		page := srv.Browser(t).Get(framed(link, "https://evil.example"))
		if page.Status != 403 || reasonOf(page) != "DOMAIN_NOT_ALLOWED" || attribute(page, "origin") != "" || ancestors(page) != "https://evil.example" || !strings.Contains(page.Text(), "https://evil.example is not among the sites") {
			t.Errorf("foreign: %d %s", page.Status, page.Body)
		}
		if page := srv.Browser(t).Get(link + "&locale=de-DE&punyCodeEmbedOrigin=" + url.QueryEscape("https://evil.example/;script-src *-")); page.Status != 200 && page.Status != 403 || strings.Contains(page.Header.Get("Content-Security-Policy"), "*") {
			t.Errorf("a header in the origin: %d %v", page.Status, page.Header)
		}
		fresh := generate(t, srv, ask(srv, "ana", host))
		if page := srv.Browser(t).Get(framed(fresh, host) + "&locale=de-DE"); page.Heading() != "Angemeldet als ana" {
			t.Errorf("in German: %s", page.Heading())
		}
		control := strings.Join(strings.Split(u.Path, "/")[2:3], "")
		if page := srv.Browser(t).Get("/embed/" + control + "/embedControl?punyCodeEmbedOrigin=" + url.QueryEscape(host+"/-")); page.Status != 200 || attribute(page, "origin") != host || ancestors(page) != host {
			t.Errorf("control: %d %s", page.Status, page.Body)
		}
	})
}

// Many who redeem one code at once, at two servers, let one in.
func TestSingleUse(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		servers := []*testkit.Server{srv}
		if srv.Dialect() != "sqlite" { // one process has a SQLite database
			servers = append(servers, testkit.Start(t, srv.Store(), testkit.SealKey(filepath.Join(t.TempDir(), "seal.key"))))
		}
		for range 3 {
			link := generate(t, srv, ask(srv, "ana", host))
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			var in, out atomic.Int64
			var all sync.WaitGroup
			for i := range 16 {
				at := servers[i%len(servers)].URL + u.RequestURI()
				all.Go(func() {
					r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at, nil)
					if err != nil {
						t.Error(err)
						return
					}
					res, err := http.DefaultClient.Do(r)
					if err != nil {
						t.Error(err)
						return
					}
					_ = res.Body.Close()
					switch res.StatusCode {
					case 200:
						in.Add(1)
					case 403:
						out.Add(1)
					default:
						t.Errorf("status %d", res.StatusCode)
					}
				})
			}
			all.Wait()
			if in.Load() != 1 || out.Load() != 15 {
				t.Errorf("%d are in, %d refused", in.Load(), out.Load())
			}
		}
	})
}

func TestWhoIsGone(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for what, end := range map[string]func(name string) error{
			"deactivated": func(name string) error {
				_, err := testkit.Call(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
				return err
			},
			"deleted": func(name string) error {
				_, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
				return err
			},
		} {
			register(t, srv, what)
			open := generate(t, srv, ask(srv, what, host))
			token := attribute(srv.Browser(t).Get(open), "token")
			unused := generate(t, srv, ask(srv, what, host))
			if err := end(what); err != nil {
				t.Fatal(err)
			}
			if status, who := me(t, srv, open, token); status != 401 || who["Reason"] != "SESSION_ENDED" {
				t.Errorf("%s: %d %v", what, status, who)
			}
			if page := srv.Browser(t).Get(framed(unused, host)); page.Status != 403 || reasonOf(page) != "USER_GONE" || ancestors(page) != host {
				t.Errorf("%s: %d %s", what, page.Status, page.Body)
			}
			if what == "deleted" {
				register(t, srv, what) // another one of the same name
				if page := srv.Browser(t).Get(unused); page.Status != 403 || reasonOf(page) != "USER_GONE" {
					t.Errorf("registered again: %d %s", page.Status, reasonOf(page))
				}
			}
		}
	})
}

func TestAddressNotAllowed(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		open := generate(t, srv, ask(srv, "ana", host))
		token := attribute(srv.Browser(t).Get(open), "token")
		_, err := testkit.Call(t, srv, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{
			AwsAccountId: srv.Account, Enabled: new(true), IpRestrictionRuleMap: map[string]string{"203.0.113.0/24": "office"},
		})
		if err != nil {
			t.Fatal(err)
		}
		if status, who := me(t, srv, open, token); status != 401 || who["Reason"] != "ADDRESS_NOT_ALLOWED" {
			t.Errorf("session: %d %v", status, who)
		}
		link := generate(t, srv, ask(srv, "ana", host))
		b := srv.Browser(t)
		if page := b.Get(framed(link, host)); page.Status != 403 || reasonOf(page) != "ADDRESS_NOT_ALLOWED" || !strings.Contains(page.Text(), "127.0.0.1") {
			t.Errorf("code: %d %s", page.Status, page.Text())
		}
		b.Address = "203.0.113.9" // the code isn't used up
		if page := b.Get(framed(link, host)); page.Status != 200 {
			t.Errorf("from the office: %d %s", page.Status, page.Text())
		}
	}, func(c *config.Config) {
		c.TrustedProxies = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	})
}

// refused checks a fault.
func refused[In, Out any](t *testing.T, srv *testkit.Server, what string, op contract.Op[In, Out], in In, code, text string) {
	t.Helper()
	_, err := testkit.Call(t, srv, op, in)
	if f := fault.Of(err); f == nil || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("%s: %v, want %s … %s", what, err, code, text)
	}
}

func TestRefusals(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		with := func(change func(in *qs.GenerateEmbedUrlForRegisteredUserRequest)) qs.GenerateEmbedUrlForRegisteredUserRequest {
			in := ask(srv, "ana", host)
			change(&in)
			return in
		}
		refused(t, srv, "no subscription", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana", host), "UnsupportedUserEditionException", "is not subscribed")
		srv.Subscribe(t)
		register(t, srv, "ana")
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		register(t, other, "bea")
		const invalid, nobody, lifetime = "InvalidParameterValueException", "QuickSightUserNotFoundException", "SessionLifetimeInMinutesInvalidException"
		for _, c := range []struct {
			what       string
			change     func(in *urlRequest)
			code, text string
		}{
			{"nobody", func(in *urlRequest) { in.UserArn = userARN(srv, "nobody") }, nobody, "nobody is not found"},
			{"another account's", func(in *urlRequest) { in.UserArn = userARN(other, "bea") }, nobody, "is not found in account"},
			{"another region's", func(in *urlRequest) { in.UserArn = strings.Replace(in.UserArn, "us-east-1", "eu-west-1", 1) }, nobody, "is not found in account"},
			{"a group", func(in *urlRequest) { in.UserArn = strings.Replace(in.UserArn, "user/", "group/", 1) }, invalid, "isn't the ARN of a user"},
			{"no ARN", func(in *urlRequest) { in.UserArn = "ana" }, invalid, "isn't the ARN of a user"},
			{"14 minutes", func(in *urlRequest) { in.SessionLifetimeInMinutes = new(int64(14)) }, lifetime, "between 15 and 600"},
			{"601 minutes", func(in *urlRequest) { in.SessionLifetimeInMinutes = new(int64(601)) }, lifetime, "between 15 and 600"},
			{"four domains", func(in *urlRequest) {
				in.AllowedDomains = []string{"https://a.b", "https://c.d", "https://e.f", "https://g.h"}
			}, invalid, "at most 3 domains"},
			{"http", func(in *urlRequest) { in.AllowedDomains = []string{"http://a.example"} }, invalid, "doesn't begin with https://"},
			{"localhost", func(in *urlRequest) { in.AllowedDomains = []string{"http://localhost"} }, invalid, "only with -embed-localhost"},
			{"an address", func(in *urlRequest) { in.AllowedDomains = []string{"https://10.1.2.3"} }, invalid, "is an address"},
			{"everything", func(in *urlRequest) { in.AllowedDomains = []string{"*"} }, invalid, "has more than a scheme"},
			{"no experience", func(in *urlRequest) {
				in.ExperienceConfiguration = &qs.RegisteredUserEmbeddingExperienceConfiguration{}
			}, invalid, "exactly one experience; this one has 0"},
			{"two experiences", func(in *urlRequest) {
				in.ExperienceConfiguration.QuickChat = &qs.RegisteredUserQuickChatEmbeddingConfiguration{}
			}, invalid, "exactly one experience; this one has 2"},
			{"a dashboard", func(in *urlRequest) {
				in.ExperienceConfiguration = &qs.RegisteredUserEmbeddingExperienceConfiguration{Dashboard: &qs.RegisteredUserDashboardEmbeddingConfiguration{InitialDashboardId: "d"}}
			}, invalid, "ExperienceConfiguration.Dashboard can't be embedded"},
			{"a question bar", func(in *urlRequest) {
				in.ExperienceConfiguration = &qs.RegisteredUserEmbeddingExperienceConfiguration{QSearchBar: &qs.RegisteredUserQSearchBarEmbeddingConfiguration{}}
			}, invalid, "ExperienceConfiguration.QSearchBar can't be embedded"},
			{"a path to a dashboard", func(in *urlRequest) {
				in.ExperienceConfiguration.QuickSightConsole.InitialPath = new("/dashboards/d")
			}, invalid, "has no dashboards"},
			{"a path to elsewhere", func(in *urlRequest) {
				in.ExperienceConfiguration.QuickSightConsole.InitialPath = new("//evil.example")
			}, invalid, "isn't one of /start"},
		} {
			refused(t, srv, c.what, qs.GenerateEmbedUrlForRegisteredUser, with(c.change), c.code, c.text)
		}
		refused(t, srv, "both lifetime and account", qs.GenerateEmbedUrlForRegisteredUser, with(func(in *urlRequest) {
			in.SessionLifetimeInMinutes, in.ExperienceConfiguration = new(int64(1)), nil
		}), "ValidationException", "2 validation errors")
		refused(t, other, "another account's root", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana", host), "AccessDeniedException", "")
		_, err := testkit.Call(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err != nil {
			t.Fatal(err)
		}
		refused(t, srv, "deactivated", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana", host), "AccessDeniedException", "is deactivated")
		refused(t, srv, "no context", qs.GenerateEmbedUrlForRegisteredUserWithIdentity, qs.GenerateEmbedUrlForRegisteredUserWithIdentityRequest{
			AwsAccountId: srv.Account, ExperienceConfiguration: console(),
		}, "AccessDeniedException", "identity-enhanced")
		refused(t, srv, "lifetime", qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account, SessionLifetimeInMinutes: new(int64(5))}, lifetime, "")
		refused(t, srv, "entry point", qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account, EntryPoint: new("/admin")}, invalid, "EntryPoint /admin isn't one of")
	})
}

type urlRequest = qs.GenerateEmbedUrlForRegisteredUserRequest

// TestRights asks policies about the user and the domains.
func TestRights(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		register(t, srv, "bea")
		if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "app"}); err != nil {
			t.Fatal(err)
		}
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("app")})
		if err != nil {
			t.Fatal(err)
		}
		app := srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
		put := func(document string) {
			t.Helper()
			_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "app", PolicyName: "p", PolicyDocument: document})
			if err != nil {
				t.Fatal(err)
			}
		}
		put(fmt.Sprintf(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:GenerateEmbedUrlForRegisteredUser","Resource":%q,
			"Condition":{"ForAllValues:StringEquals":{"quicksight:AllowedEmbeddingDomains":["https://portal.example.com","https://*.apps.example.com"]},"Null":{"quicksight:AllowedEmbeddingDomains":"false"}}}}`, userARN(srv, "ana")))
		const denied = "AccessDeniedException"
		generate(t, app, ask(srv, "ana", host))
		generate(t, app, ask(srv, "ana", "https://Portal.example.com/", "https://*.apps.example.com"))
		refused(t, app, "another user", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "bea", host), denied, "is not authorized to perform: quicksight:GenerateEmbedUrlForRegisteredUser on resource: "+userARN(srv, "bea"))
		refused(t, app, "another domain", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana", host, "https://evil.example"), denied, "is not authorized")
		refused(t, app, "no domain", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana"), denied, "is not authorized")
		refused(t, app, "the older way", qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account}, denied, "quicksight:GetSessionEmbedUrl on resource: "+userARN(srv, "app"))
		put(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"quicksight:*","Resource":"*"},
			{"Effect":"Deny","Action":"quicksight:*","Resource":"*","Condition":{"ForAnyValue:StringEquals":{"quicksight:AllowedEmbeddingDomains":"https://evil.example"}}}]}`)
		refused(t, app, "a denied domain, written in another way", qs.GenerateEmbedUrlForRegisteredUser, ask(srv, "ana", "https://EVIL.example:443/"), denied, "explicit deny")

		// The older way: the caller itself is the user.
		refused(t, app, "not registered", qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account}, "QuickSightUserNotFoundException", "is no user in namespace default")
		_, err = testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: srv.Account, Namespace: "default", IamArn: new("arn:aws:iam::" + srv.Account + ":user/app"), Email: "app@example.org",
			IdentityType: qs.IdentityTypeIAM, UserRole: qs.UserRoleAuthor,
		})
		if err != nil {
			t.Fatal(err)
		}
		out, err := testkit.Call(t, app, qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account, EntryPoint: new("/start/dashboards")})
		if err != nil {
			t.Fatal(err)
		}
		page := srv.Browser(t).Get(out.EmbedUrl.Reveal())
		if page.Heading() != "Signed in as app" || ancestors(page) != "'none'" {
			t.Errorf("%s %s", page.Heading(), ancestors(page))
		}
		named, err := testkit.Call(t, app, qs.GetSessionEmbedUrl, qs.GetSessionEmbedUrlRequest{AwsAccountId: srv.Account, UserArn: new(userARN(srv, "bea"))})
		if err != nil {
			t.Fatal(err)
		}
		if page := srv.Browser(t).Get(named.EmbedUrl.Reveal()); page.Heading() != "Signed in as bea" {
			t.Errorf("%s", page.Heading())
		}
	})
}

func TestWithIdentity(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		made, err := testkit.Call(t, srv, qs.GetIdentityContext, qs.GetIdentityContextRequest{AwsAccountId: srv.Account, UserIdentifier: &qs.UserIdentifier{UserArn: new(userARN(srv, "ana"))}})
		if err != nil {
			t.Fatal(err)
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		_, err = testkit.Call(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{
			RoleName: "Portal", AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":["sts:AssumeRole","sts:SetContext"]}}`,
		})
		must(err)
		_, err = testkit.Call(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{
			RoleName: "Portal", PolicyName: "p",
			PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:GenerateEmbedUrlForRegisteredUserWithIdentity","Resource":"` + userARN(srv, "ana") + `"}}`,
		})
		must(err)
		_, err = testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "app"})
		must(err)
		_, err = testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "app", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"sts:*","Resource":"*"}}`})
		must(err)
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("app")})
		must(err)
		app := srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
		session := func(contexts ...stsapi.ProvidedContext) *testkit.Server {
			t.Helper()
			out, err := testkit.Call(t, app, stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: "arn:aws:iam::111122223333:role/Portal", RoleSessionName: "portal", ProvidedContexts: contexts})
			must(err)
			return srv.With(out.Credentials.AccessKeyId, out.Credentials.SecretAccessKey.Reveal(), out.Credentials.SessionToken)
		}
		in := qs.GenerateEmbedUrlForRegisteredUserWithIdentityRequest{AwsAccountId: srv.Account, ExperienceConfiguration: console(), AllowedDomains: []string{host}}
		acting := session(stsapi.ProvidedContext{ProviderArn: new("arn:aws:iam::aws:contextProvider/QuickSight"), ContextAssertion: made.Context})
		out, err := testkit.Call(t, acting, qs.GenerateEmbedUrlForRegisteredUserWithIdentity, in)
		must(err)
		if page := srv.Browser(t).Get(framed(out.EmbedUrl.Reveal(), host)); page.Heading() != "Signed in as ana" {
			t.Errorf("%s", page.Text())
		}
		refused(t, session(), "a plain session", qs.GenerateEmbedUrlForRegisteredUserWithIdentity, in, "AccessDeniedException", "not authorized")
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		must(err)
		refused(t, acting, "the user is gone", qs.GenerateEmbedUrlForRegisteredUserWithIdentity, in, "QuickSightUserNotFoundException", "not found")
	})
}

func TestDomains(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		add := func(domain string) (*onsightapi.AddEmbeddingDomainResponse, error) {
			return testkit.Call(t, srv, onsightapi.AddEmbeddingDomain, onsightapi.AddEmbeddingDomainRequest{AwsAccountId: srv.Account, Domain: domain})
		}
		if _, err := add(host); fault.Of(err).Code != "UnsupportedUserEditionException" {
			t.Errorf("not subscribed: %v", err)
		}
		srv.Subscribe(t)
		register(t, srv, "ana")
		for _, c := range []struct {
			domain string
			added  bool
		}{{"https://B.example.com/", true}, {"https://b.example.com", false}, {"https://*.a.example.com", true}, {"https://c.example.com:8443", true}} {
			out, err := add(c.domain)
			if err != nil || *out.Added != c.added {
				t.Fatalf("%s: %+v %v", c.domain, out, err)
			}
		}
		for _, bad := range []string{"http://a.example", "https://co.uk", "http://localhost", "a.example"} {
			if _, err := add(bad); err == nil || fault.Of(err).Code != "InvalidParameterValueException" {
				t.Errorf("%s: %v", bad, err)
			}
		}
		var all []string
		in := onsightapi.ListEmbeddingDomainsRequest{AwsAccountId: srv.Account, MaxResults: new(int32(2))}
		for {
			out, err := testkit.Call(t, srv, onsightapi.ListEmbeddingDomains, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range out.Domains {
				all = append(all, *d.Domain)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		want := "https://*.a.example.com https://b.example.com https://c.example.com:8443"
		if got := strings.Join(all, " "); got != want {
			t.Errorf("list: %s", got)
		}
		// They count where a URL names none itself, and as they are then.
		link := generate(t, srv, ask(srv, "ana"))
		if page := srv.Browser(t).Get(framed(link, "https://x.a.example.com")); page.Status != 200 || ancestors(page) != want {
			t.Errorf("%d %s", page.Status, ancestors(page))
		}
		own := generate(t, srv, ask(srv, "ana", host))
		if page := srv.Browser(t).Get(framed(own, "https://b.example.com")); page.Status != 403 || reasonOf(page) != "DOMAIN_NOT_ALLOWED" {
			t.Errorf("AllowedDomains replace the account's: %d %s", page.Status, reasonOf(page))
		}
		later := generate(t, srv, ask(srv, "ana"))
		remove := func(domain string) error {
			_, err := testkit.Call(t, srv, onsightapi.RemoveEmbeddingDomain, onsightapi.RemoveEmbeddingDomainRequest{AwsAccountId: srv.Account, Domain: domain})
			return err
		}
		if err := remove("https://b.example.com"); err != nil {
			t.Fatal(err)
		}
		if err := remove("https://b.example.com"); fault.Of(err) == nil || fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("removed twice: %v", err)
		}
		if page := srv.Browser(t).Get(framed(later, "https://b.example.com")); page.Status != 403 || reasonOf(page) != "DOMAIN_NOT_ALLOWED" {
			t.Errorf("removed since: %d", page.Status)
		}
		for i := range 98 {
			if _, err := add(fmt.Sprintf("https://d%d.example.com", i)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := add("https://more.example.com"); fault.Of(err) == nil || fault.Of(err).Code != "LimitExceededException" {
			t.Errorf("the 101st: %v", err)
		}
	})
}

func TestLocalhost(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		link := generate(t, srv, ask(srv, "ana", "http://localhost:3000"))
		if page := srv.Browser(t).Get(framed(link, "http://localhost:3000")); page.Status != 200 || ancestors(page) != "http://localhost:3000" {
			t.Errorf("%d %s", page.Status, ancestors(page))
		}
	}, func(c *config.Config) { c.EmbedLocalhost = true })
}

func TestTrail(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "ana")
		link := generate(t, srv, ask(srv, "ana", host))
		srv.Browser(t).Get(framed(link, "https://evil.example"))
		srv.Browser(t).Get(framed(link, host))
		srv.Browser(t).Get(framed(link, host))
		srv.Browser(t).Get(strings.Replace(link, "code=", "code=A", 1)) // whoever has no code leaves nothing
		out, err := testkit.Call(t, srv, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, e := range out.Events {
			text := *e.CloudTrailEvent
			if strings.Contains(text, "code=") || strings.Contains(text, strings.Split(strings.Split(link, "code=")[1], "&")[0]) {
				t.Errorf("the code is in the trail: %s", text)
			}
			switch *e.EventName {
			case "EmbeddedLogin":
				var event struct {
					ErrorMessage        string
					AdditionalEventData map[string]string
					UserIdentity        struct{ Arn string }
				}
				if err := json.Unmarshal([]byte(text), &event); err != nil {
					t.Fatal(err)
				}
				if event.UserIdentity.Arn != userARN(srv, "ana") {
					t.Errorf("of %s", event.UserIdentity.Arn)
				}
				got = append(got, event.ErrorMessage+" "+event.AdditionalEventData["Domain"])
			case "GenerateEmbedUrlForRegisteredUser":
				got = append(got, "made")
			}
		}
		if want := "CODE_USED " + host + "| " + host + "|DOMAIN_NOT_ALLOWED https://evil.example|made"; strings.Join(got, "|") != want {
			t.Errorf("events %s, want %s", strings.Join(got, "|"), want)
		}
	})
}
