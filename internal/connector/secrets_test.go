package connector_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// traces are the forms in which a secret might show up somewhere.
func traces(secret string) map[string][]byte {
	forms := map[string][]byte{
		"clear": []byte(secret), "hex": []byte(hex.EncodeToString([]byte(secret))), "URL base64": []byte(base64.RawURLEncoding.EncodeToString([]byte(secret))),
	}
	// In base64 a text looks different at each of three distances from the start.
	for i := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", i) + secret + "xxx"))
		forms[fmt.Sprintf("base64 at %d", i)] = []byte(text[4 : len(text)-8])
	}
	return forms
}

func search(t *testing.T, where string, in []byte, secrets []string) {
	t.Helper()
	for _, s := range secrets {
		for form, trace := range traces(s) {
			if bytes.Contains(in, trace) {
				t.Errorf("%s holds %s (%s)", where, s, form)
			}
		}
	}
}

// No secret ever comes out: not in an answer, not in an error, not in the log,
// not in the bytes of the database.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		var secrets []string
		secret := func(what string) qs.Secret {
			s := fmt.Sprintf("%s-%02d-Zm9vYmFy-correct-horse", what, len(secrets))
			secrets = append(secrets, s)
			return qs.Secret(s)
		}
		var answers bytes.Buffer
		send := func(method, path string, body any) int {
			t.Helper()
			raw, err := json.Marshal(body)
			if err != nil {
				t.Fatal(err)
			}
			if body == nil {
				raw = nil
			}
			res, answer := srv.Send(t, srv.Request(t, method, path, raw))
			fmt.Fprintln(&answers, res.Header)
			answers.Write(answer)
			return res.StatusCode
		}
		type m = map[string]any
		base := "/accounts/" + account + "/action-connectors"
		auths := map[string]func() m{
			"BASIC": func() m {
				return m{"BasicAuthConnectionMetadata": m{"BaseEndpoint": "https://api.example.com", "Username": "robot", "Password": secret("password").Reveal()}}
			},
			"API_KEY": func() m {
				return m{"ApiKeyConnectionMetadata": m{"BaseEndpoint": "https://api.example.com", "ApiKey": secret("apikey").Reveal()}}
			},
			"OAUTH2_CLIENT_CREDENTIALS": func() m {
				return m{"ClientCredentialsGrantMetadata": m{"BaseEndpoint": "https://api.example.com", "ClientCredentialsDetails": m{"ClientCredentialsGrantDetails": m{
					"ClientId": "id", "ClientSecret": secret("client").Reveal(), "TokenEndpoint": "https://login.example.com/token",
				}}}}
			},
			"OAUTH2_AUTHORIZATION_CODE": func() m {
				return m{"AuthorizationCodeGrantMetadata": m{
					"BaseEndpoint": "https://api.example.com", "RedirectUrl": "https://qs.example.com/cb",
					"AuthorizationCodeGrantCredentialsDetails": m{"AuthorizationCodeGrantDetails": m{
						"ClientId": "id", "ClientSecret": secret("code").Reveal(), "TokenEndpoint": "https://login.example.com/token",
						"AuthorizationEndpoint": "https://login.example.com/authorize",
					}},
				}}
			},
		}
		want := func(what string, got, want int) {
			t.Helper()
			if got != want {
				t.Errorf("%s: status %d, want %d", what, got, want)
			}
		}
		for typ, auth := range auths {
			id := strings.ToLower(typ)
			config := func() m { return m{"AuthenticationType": typ, "AuthenticationMetadata": auth()} }
			body := func() m {
				return m{"ActionConnectorId": id, "Name": "Any", "Type": "GENERIC_HTTP", "AuthenticationConfig": config()}
			}
			want("create", send("POST", base, body()), 200)
			want("create again", send("POST", base, body()), 409)
			for name, change := range map[string]func(m){ // each is refused at another stage
				"reserved id": func(b m) { b["ActionConnectorId"] = "quicksuite-x" },
				"wrong type":  func(b m) { b["Type"] = "AMAZON_S3" },
				"not a type":  func(b m) { b["Type"] = "FAX" },
				"bad name":    func(b m) { b["Name"] = secret("name's").Reveal() },
				"bad text":    func(b m) { b["Description"] = secret("it's").Reveal() },
				"no name":     func(b m) { delete(b, "Name") },
				"mismatch":    func(b m) { b["AuthenticationConfig"].(m)["AuthenticationType"] = "NONE" },
				"no principal": func(b m) {
					b["Permissions"] = []m{{"Principal": "nobody", "Actions": []string{"quicksight:DescribeActionConnector"}}}
				},
				"number":        func(b m) { b["VpcConnectionArn"] = 1 },
				"no connection": func(b m) { b["VpcConnectionArn"] = "arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/x" },
				"user in URL": func(b m) {
					for _, member := range b["AuthenticationConfig"].(m)["AuthenticationMetadata"].(m) {
						member.(m)["BaseEndpoint"] = "https://robot:" + secret("url").Reveal() + "@api.example.com"
					}
				},
				"two members": func(b m) {
					b["AuthenticationConfig"].(m)["AuthenticationMetadata"].(m)["IamConnectionMetadata"] = m{"RoleArn": "arn:aws:iam::111122223333:role/x"}
				},
			} {
				b := body()
				b["ActionConnectorId"] = id + "-refused"
				change(b)
				want(name, send("POST", base, b), 400)
			}
			await(t, srv, id, qs.ResourceStatusCreationSuccessful)
			want("update", send("PUT", base+"/"+id, m{"Name": "Other", "AuthenticationConfig": config()}), 200)
			want("update of none", send("PUT", base+"/none", m{"Name": "Other", "AuthenticationConfig": config()}), 404)
			await(t, srv, id, qs.ResourceStatusUpdateSuccessful)
			want("describe", send("GET", base+"/"+id, nil), 200)
			want("permissions", send("GET", base+"/"+id+"/permissions", nil), 200)
		}
		want("list", send("GET", base+"?max-results=1", nil), 200)
		want("search", send("POST", "/accounts/"+account+"/search/action-connectors", m{"Filters": []m{}}), 200)
		want("search by a secret", send("POST", "/accounts/"+account+"/search/action-connectors",
			m{"Filters": []m{{"Name": "ACTION_CONNECTOR_NAME", "Operator": "StringLike", "Value": secrets[0]}}}), 200)
		want("delete", send("DELETE", base+"/basic", nil), 200)

		search(t, "an answer", answers.Bytes(), secrets)
		search(t, "the log", []byte(srv.Log.String()), secrets)
		raw := stored(t, srv.Store())
		if !bytes.Contains(raw, []byte("https://login.example.com/token")) {
			t.Fatal("what was read of the database does not hold what is known to be there")
		}
		search(t, "the database", raw, secrets)
	})
}

// stored is all that a database holds, as it lies there.
func stored(t *testing.T, c store.Config) []byte {
	t.Helper()
	if c.Dir == "" {
		return dumped(t, c)
	}
	var all []byte
	err := filepath.WalkDir(c.Dir, func(path string, e os.DirEntry, err error) error { // the write-ahead log too
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		all = append(all, b...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// dumped is every row of every table of a PostgreSQL database, as text.
func dumped(t *testing.T, c store.Config) []byte {
	t.Helper()
	var all []byte
	err := storetest.Reopen(t, c).Read(t.Context(), func(tx *store.Tx) error {
		tables, err := store.All[string](tx, `SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'`)
		if err != nil {
			return err
		}
		for _, name := range tables {
			rows, err := store.All[string](tx, `SELECT t::text FROM `+name+` t`)
			if err != nil {
				return err
			}
			all = append(all, strings.Join(rows, "\n")...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}
