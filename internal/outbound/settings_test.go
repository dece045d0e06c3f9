package outbound

import (
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	site := serve(t, true, nil)
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: site.Certificate().Raw})
	file := filepath.Join(dir, "profiles.json")
	for name, text := range map[string]string{"ca.pem": string(ca), "profiles.json": `{
	"profiles": [
		{"name": "default", "allow": ["192.168.7.0/24"]},
		{
			"name": "office",
			"subnets": ["subnet-office1", "subnet-office2"],
			"vpc": "vpc-office",
			"sourceAddress": "192.0.2.10",
			"proxy": "http://onsight:s3cret@proxy.example.org:3128",
			"proxyResolves": true,
			"allow": ["10.1.2.3/16", "fd12::/64", "172.16.0.1"],
			"ports": [443, 8443],
			"authorities": "ca.pem"
		},
		{"name": "lab", "subnets": ["subnet-lab1", "subnet-lab2"], "accounts": ["444455556666"]}
	]
}`} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s, err := ReadSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	p, err := s.Of("111122223333", []string{"subnet-office2", "subnet-office1"})
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "office" || p.VPC != "vpc-office" || p.Source.String() != "192.0.2.10" || p.Proxy.Host != "proxy.example.org:3128" || !p.ProxyResolves ||
		len(p.Ports) != 2 || p.RootCAs == nil || len(p.Allowed) != 3 || p.Allowed[0].String() != "10.1.0.0/16" || p.Allowed[2].String() != "172.16.0.1/32" {
		t.Errorf("office is %+v", p)
	}
	if got := s.Default(); len(got.Allowed) != 1 || got.Name != "default" {
		t.Errorf("the default is %+v", got)
	}
	for _, x := range []struct {
		account, want string
		subnets       []string
	}{
		{"111122223333", "subnet-lab1 belongs to no network profile", []string{"subnet-lab1", "subnet-lab2"}},
		{"444455556666", "", []string{"subnet-lab1", "subnet-lab2"}},
		{"444455556666", "different network profiles", []string{"subnet-office1", "subnet-lab1"}},
		{"111122223333", "subnet-x belongs to no network profile", []string{"subnet-office1", "subnet-x"}},
		{"111122223333", "No subnet", nil},
	} {
		_, err := s.Of(x.account, x.subnets)
		if (x.want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), x.want) {
			t.Errorf("%s by %v: %v, want %q", x.account, x.subnets, err, x.want)
		}
	}
	for _, none := range []*Settings{nil, {}} {
		if _, err := none.Of("111122223333", []string{"subnet-a", "subnet-b"}); err == nil {
			t.Error("a profile out of nothing")
		}
		if p := none.Default(); len(p.Allowed) != 0 || p.Proxy != nil {
			t.Errorf("the default of nothing is %+v", p)
		}
	}
	if _, err := ReadSettings(filepath.Join(dir, "none.json")); err == nil {
		t.Error("a file that is not there is read")
	}
	if _, err := ReadSettings(""); err != nil {
		t.Error(err)
	}
}

func TestWrongSettings(t *testing.T) {
	t.Parallel()
	profile := func(more string) string {
		return "{\"profiles\": [\n{\"name\": \"a\",\n\"subnets\": [\"subnet-a\", \"subnet-b\"],\n" + more + "}\n]}"
	}
	for text, want := range map[string]string{
		"":                                    "line 1: it isn't JSON",
		"{\n\"profiles\": [\n{]}":             "line 3, profiles[0]: it isn't JSON",
		"[]":                                  "line 1: it must be an object",
		"{\n\"profile\": []}":                 "line 2, profile: there is no field of this name",
		"{\n\"profiles\": {}}":                "line 2, profiles: it must be a list",
		profile(`"sourceAdress": "x"`):        "line 4, profiles[0].sourceAdress: there is no field of this name; a profile has name, subnets, vpc",
		profile(`"name": "b"`):                "line 4, profiles[0].name: the field is there twice",
		profile(`"proxyResolves": "yes"`):     "line 4, profiles[0].proxyResolves: it must be true or false",
		profile(`"proxyResolves": true`):      "line 4, profiles[0].proxyResolves: there is no proxy",
		profile(`"sourceAddress": "eth0"`):    "line 4, profiles[0].sourceAddress: this isn't the address of a machine",
		profile(`"sourceAddress": "0.0.0.0"`): "line 4, profiles[0].sourceAddress",
		profile("\"allow\": [\"10.0.0.0/8\",\n\"10.0.0/8\"]"):                              "line 5, profiles[0].allow[1]: this isn't a range",
		profile(`"allow": ["0.0.0.0/0"]`):                                                  "line 4, profiles[0].allow[0]: this is every address",
		profile(`"allow": ["::ffff:10.0.0.0/104"]`):                                        "line 4, profiles[0].allow[0]: this isn't a range",
		profile(`"ports": [0]`):                                                            "line 4, profiles[0].ports[0]: a port is a number",
		profile(`"ports": [65536]`):                                                        "line 4, profiles[0].ports[0]",
		profile(`"proxy": "socks5://p:1080"`):                                              "line 4, profiles[0].proxy: this isn't the URL of a proxy",
		profile(`"proxy": "http://u:s3cret@h/x"`):                                          "line 4, profiles[0].proxy",
		profile(`"accounts": ["1"]`):                                                       "line 4, profiles[0].accounts[0]: an account has 12 digits",
		profile(`"vpc": "office"`):                                                         "line 4, profiles[0].vpc",
		profile(`"authorities": "none.pem"`):                                               "line 4, profiles[0].authorities: the file of certificates can't be used",
		"{\"profiles\": [\n{\"name\": \"Bad Name\"}]}":                                     "line 2, profiles[0].name: a name has",
		"{\"profiles\": [\n{\"name\": \"a\"}]}":                                            "line 2, profiles[0].subnets: a profile has two subnets",
		"{\"profiles\": [\n{\"name\": \"a\", \"subnets\": [\"x\", \"y\"]}]}":               "line 2, profiles[0].subnets[0]: the id of a subnet",
		"{\"profiles\": [\n{\"name\": \"a\", \"subnets\": [\"subnet-a\", \"subnet-a\"]}]}": "line 2, profiles[0].subnets[1]: subnet-a is there twice",
		"{\"profiles\": [\n{\"name\": \"a\", \"subnets\": [\"subnet-a\", \"subnet-b\"]},\n{\"name\": \"b\", \"subnets\": [\"subnet-c\", \"subnet-a\"]}]}": "line 3, profiles[1].subnets[1]: subnet-a belongs to the profile a already",
		"{\"profiles\": [\n{\"name\": \"default\"},\n{\"name\": \"default\"}]}":                                                                           "line 3, profiles[1].name: there are two profiles",
		"{\"profiles\": [\n{\"name\": \"a\", \"subnets\": [\"subnet-a\", \"subnet-b\"]}]}\n{}":                                                            "line 3: it isn't JSON",
	} {
		_, err := parseSettings([]byte(text), t.TempDir())
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s\n\t%v\n\twant %s", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("the error gives a password away: %v", err)
		}
	}
}
