package store_test

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"onsight/internal/store"
)

// A folder or a database that cannot be written is refused.
func TestOpenReadOnly(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for p := dir; p != filepath.Dir(os.TempDir()) && p != "/"; p = filepath.Dir(p) {
		if info, err := os.Stat(p); err == nil && info.Mode().Perm()&0o001 == 0 {
			if err := os.Chmod(p, info.Mode().Perm()|0o011); err != nil {
				t.Fatal(err)
			}
		}
	}
	db, err := store.Open(t.Context(), store.Config{Dir: filepath.Join(dir, "used")})
	if err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, mode := range map[string]os.FileMode{"empty": 0o555, "used": 0o555} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(path, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"empty", "used", "empty/below"} {
		path := filepath.Join(dir, name)
		err := asNobody(func() error {
			db, err := store.Open(context.Background(), store.Config{Dir: path})
			if err == nil {
				_ = db.Close()
			}
			return err
		})
		if err == nil || !strings.Contains(err.Error(), "the data folder "+path+" cannot be") {
			t.Errorf("open %s: %v, want an error that says that the folder cannot be written", name, err)
		}
	}
}

// asNobody runs fn without root's way around file modes. Only the thread is
// changed, and it ends with the goroutine.
func asNobody(fn func() error) error {
	result := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked
		if os.Geteuid() == 0 {
			if _, err := unix.SetfsuidRetUid(65534); err != nil {
				result <- err
				return
			}
		}
		result <- fn()
	}()
	return <-result
}
