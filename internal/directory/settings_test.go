package directory

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/outbound"
)

// Mistakes of the operator are told by line and field, and nothing of the text
// is repeated that may be a secret.
func TestSettings(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "password"), []byte("very-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "empty"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	good := `{"directories": [{
"name": "corp.example.org",
"urls": ["ldaps://dc1.corp.example.org", "ldap://dc2.corp.example.org"],
"bindDN": "CN=onsight,DC=corp,DC=example,DC=org",
"bindPasswordFile": "password",
"base": ["DC=corp,DC=example,DC=org"],
"timeout": "5s"
}]}`
	s, err := parseSettings([]byte(good), dir, &outbound.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	d := s.Of("111122223333", "CORP.example.org", "anything")
	if d == nil || d.Password != "very-secret" || d.URLs[0].Host != "dc1.corp.example.org:636" || d.URLs[1].Host != "dc2.corp.example.org:389" || d.Attempts != 3 {
		t.Fatalf("read %+v", d)
	}
	if s.Of("111122223333", "other.example.org", "") != nil {
		t.Error("another directory is taken for it")
	}
	for _, c := range []struct{ old, replacement, want string }{
		{`"name": "corp.example.org"`, `"name": ""`, "line 2, directories[0].name: "},
		{"ldaps://dc1.corp.example.org", "http://dc1", "line 3, directories[0].urls[0]: "},
		{`"timeout": "5s"`, `"timeout": "5s", "plain": true`, "passwords would go over the network"},
		{`"password"`, `"nowhere"`, "line 5, directories[0].bindPasswordFile: "},
		{`"password"`, `"empty"`, "the file of the password is empty"},
		{`"DC=corp,DC=example,DC=org"]`, `"nothing"]`, "line 6, directories[0].base[0]: "},
		{`"5s"`, `"5 hours"`, "line 7, directories[0].timeout: this isn't a time from 500ms to 30s, such as 5s"},
		{`"timeout": "5s"`, `"attempts": 0.5`, "line 7, directories[0].attempts: it must be a number"},
		{`"timeout": "5s"`, `"nested": "perhaps"`, "directories[0].nested: "},
		{`"timeout": "5s"`, `"attribute": {}`, "there is no field of this name; a directory has name, realm"},
		{`"timeout": "5s"`, `"attributes": {"name": "a)(b"}`, "directories[0].attributes.name: "},
		{`"timeout": "5s"`, `"peopleFilter": "(objectClass=user"`, "directories[0].peopleFilter: "},
		{`"timeout": "5s"`, `"profile": "office"`, "there is no network profile office"},
		{`"timeout": "5s"`, `"accounts": ["1"]`, "directories[0].accounts[0]: an account has 12 digits"},
	} {
		text := strings.Replace(good, c.old, c.replacement, 1)
		if text == good {
			t.Fatalf("%s is not there", c.old)
		}
		_, err := parseSettings([]byte(text), dir, &outbound.Settings{})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.replacement, err)
		}
		if err != nil && strings.Contains(err.Error(), "very-secret") {
			t.Errorf("the error has the password: %v", err)
		}
	}
}
