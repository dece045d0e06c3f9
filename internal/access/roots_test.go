package access

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRootsAreMadeOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	running, err := OpenRoots(dir)
	if err != nil {
		t.Fatal(err)
	}
	first, made, err := running.Make("111122223333")
	if err != nil || !made {
		t.Fatalf("first time: made %t, %v", made, err)
	}
	again, made, err := running.Make("111122223333")
	if err != nil || made || again != first {
		t.Errorf("second time: %v made %t, %v; want %v", again, made, err, first)
	}
	// A command adds accounts one after the other; the server takes them at once.
	for i := range 20 {
		command, err := OpenRoots(dir)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := command.Make(fmt.Sprintf("2222%08d", i))
		if err != nil {
			t.Fatal(err)
		}
		if got, ok := running.find(c.AccessKeyID); !ok || got != c {
			t.Errorf("credentials %d that a command has added: %v, %t; want %v", i, got, ok, c)
		}
	}
	if _, ok := running.find(first.AccessKeyID); !ok {
		t.Error("the first credentials are gone")
	}
	if _, ok := running.find("AKIAABSENTABSENTABSE"); ok {
		t.Error("an unknown key was found")
	}
}

func TestRootsRefuseAFileThatOthersRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	roots, err := OpenRoots(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := roots.Make("111122223333"); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(roots.Path(), 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRoots(dir); err == nil || !strings.Contains(err.Error(), "others than the owner may read") {
		t.Errorf("file of mode 0640: %v", err)
	}
}

func TestRootsRefuseGarbage(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "credentials.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenRoots(dir); err == nil || !strings.Contains(err.Error(), "is not a credentials file") {
		t.Errorf("garbage: %v", err)
	}
}

func TestCredentialPrintsNoSecret(t *testing.T) {
	t.Parallel()
	c := Credential{Account: "111122223333", AccessKeyID: "AKIAEXAMPLEEXAMPLE00", SecretAccessKey: "hush"}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q"} {
		if s := fmt.Sprintf(format, c); strings.Contains(s, "hush") {
			t.Errorf("%s prints %s", format, s)
		}
	}
}
