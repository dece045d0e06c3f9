package seal

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

func TestSeal(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := New()
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		aad := rapid.String().Draw(t, "aad")
		sealed := r.Seal(plain, aad)
		if got, want := len(sealed), len(plain)+Overhead; got != want {
			t.Fatalf("%d bytes, want %d", got, want)
		}
		got, err := r.Open(sealed, aad)
		if err != nil || !bytes.Equal(got, plain) {
			t.Fatalf("Open = %q, %v; want %q", got, err, plain)
		}
		if len(plain) > 4 && bytes.Contains(sealed, plain) {
			t.Fatal("the sealed value shows the plain one")
		}
		if bytes.Equal(sealed, r.Seal(plain, aad)) {
			t.Fatal("the same twice")
		}
		if other := rapid.String().Draw(t, "other"); other != aad {
			if got, err := r.Open(sealed, other); !errors.Is(err, ErrAltered) {
				t.Fatalf("Open for %q = %q, %v; want ErrAltered", other, got, err)
			}
		}
		var unknown *UnknownKeyError
		if _, err := New().Open(sealed, aad); !errors.As(err, &unknown) {
			t.Fatalf("Open with another key: %v, want an UnknownKeyError", err)
		}
	})
}

// Each bit matters, and each byte.
func TestTamper(t *testing.T) {
	t.Parallel()
	r := New()
	sealed := r.Seal([]byte("a secret"), "arn")
	for i := range sealed {
		for bit := range 8 {
			b := bytes.Clone(sealed)
			b[i] ^= 1 << bit
			if got, err := r.Open(b, "arn"); err == nil {
				t.Errorf("with bit %d of byte %d turned it opens: %q", bit, i, got)
			}
		}
		if got, err := r.Open(sealed[:i], "arn"); err == nil {
			t.Errorf("the first %d bytes open: %q", i, got)
		}
	}
	if got, err := r.Open(append(bytes.Clone(sealed), 0), "arn"); err == nil {
		t.Errorf("with one byte more it opens: %q", got)
	}
}

// The vectors of https://c2sp.org/XAES-256-GCM.
func TestVectors(t *testing.T) {
	t.Parallel()
	for _, v := range []struct {
		key  byte
		aad  string
		want string
	}{
		{0x01, "", "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"},
		{0x03, "c2sp.org/XAES-256-GCM", "986ec1832593df5443a179437fd083bf3fdb41abd740a21f71eb769d"},
	} {
		nonce := []byte("ABCDEFGHIJKLMNOPQRSTUVWX")
		k := newKey(bytes.Repeat([]byte{v.key}, keySize))
		got := hex.EncodeToString(k.message(nonce).Seal(nil, nonce[12:], []byte("XAES-256-GCM"), []byte(v.aad)))
		if got != v.want {
			t.Errorf("key %02x: %s, want %s", v.key, got, v.want)
		}
	}
}

// The first key of a file seals; older ones open what they sealed.
func TestRotation(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	first, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	old := first.Seal([]byte("old"), "x")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	fresh := line(bytes.Repeat([]byte{7}, keySize))
	if err := os.WriteFile(path, []byte("# new\n"+fresh+string(text)), 0o600); err != nil {
		t.Fatal(err)
	}
	both, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := both.Open(old, "x"); err != nil || string(got) != "old" {
		t.Errorf("with both keys the old value opens as %q, %v", got, err)
	}
	sealed := both.Seal([]byte("new"), "x")
	if err := os.WriteFile(path, []byte(fresh), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := second.Open(sealed, "x"); err != nil || string(got) != "new" {
		t.Errorf("with the new key alone the new value opens as %q, %v", got, err)
	}
	var unknown *UnknownKeyError
	if _, err := second.Open(old, "x"); !errors.As(err, &unknown) || !strings.Contains(string(text), unknown.ID) {
		t.Errorf("without its key the old value: %v, want an UnknownKeyError with the id of its key", err)
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	r, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != 0o600 {
		t.Errorf("mode %o, want 600", got)
	}
	again, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Open(r.Seal([]byte("x"), ""), ""); err != nil || string(got) != "x" {
		t.Errorf("after loading again: %q, %v", got, err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files %v, %v; want one", left, err)
	}
}

// Many who make the file at once have the same key.
func TestLoadAtOnce(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "key")
	rings := make([]*Keyring, 16)
	var wg sync.WaitGroup
	for i := range rings {
		wg.Go(func() {
			r, err := Load(path)
			if err != nil {
				t.Error(err)
			}
			rings[i] = r
		})
	}
	wg.Wait()
	for i, r := range rings {
		if r != nil && r.IDs()[0] != rings[0].IDs()[0] {
			t.Errorf("ring %d has another key than the first", i)
		}
	}
}

func TestLoadBad(t *testing.T) {
	t.Parallel()
	good := line(bytes.Repeat([]byte{1}, keySize))
	other := line(bytes.Repeat([]byte{2}, keySize))
	secret := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, keySize))
	short := base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{1}, 16))
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
		want string
	}{
		"empty":               {"", 0o600, "it holds no key"},
		"comments alone":      {"# a\n\n", 0o600, "it holds no key"},
		"cut":                 {good[:len(good)-9], 0o600, "the key in line 1 is cut short or altered"},
		"cut before the end":  {good[:len(good)-1], 0o600, "the key in line 1 is cut short or altered"},
		"a short key":         {"onsight-key 00000000 " + short + "\n", 0o600, "cut short"},
		"not base64":          {"onsight-key 00000000 *\n", 0o600, "cut short"},
		"another id":          {"onsight-key 00000000 " + secret + "\n", 0o600, "does not match its id"},
		"altered":             {strings.Replace(good, "AQEB", "AQEC", 1), 0o600, "does not match its id"},
		"the second altered":  {other + strings.Replace(good, "AQEB", "AQEC", 1), 0o600, "line 2"},
		"twice":               {good + good, 0o600, "line 2 repeats"},
		"something else":      {"-----BEGIN PRIVATE KEY-----\n", 0o600, "line 1 is not a key"},
		"zeros":               {strings.Repeat("\x00", 100), 0o600, "line 1 is not a key"},
		"large":               {strings.Repeat("# x\n", 20000), 0o600, "larger than"},
		"readable by all":     {good, 0o644, "can be read by others (mode 0644); run: chmod 600"},
		"readable by a group": {good, 0o640, "can be read by others (mode 0640); run: chmod 600"},
	} {
		path := filepath.Join(t.TempDir(), "key")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		_, err := Load(path)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an error with the path and %q", name, err, c.want)
		}
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("%s: the error shows the key: %v", name, err)
		}
		after, _ := os.ReadFile(path)
		if string(after) != c.text {
			t.Errorf("%s: the file was changed", name)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "no", "folder", "key")); err == nil {
		t.Error("no folder: no error")
	}
	if _, err := Load(t.TempDir()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v, want an error", err)
	}
}

func TestRotateAndRetire(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "seal.key")
	one, err := Load(path)
	if err != nil {
		t.Fatal(err)
	}
	other, err := Load(path) // of another server that shares the file
	if err != nil {
		t.Fatal(err)
	}
	old := one.Seal([]byte("old"), "x")
	if err := one.Rotate(); err != nil {
		t.Fatal(err)
	}
	if ids := one.IDs(); len(ids) != 2 || ids[1] != other.IDs()[0] {
		t.Errorf("after the rotation: %v, before: %v", ids, other.IDs())
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v; want mode 0600", info, err)
	}
	fresh := one.Seal([]byte("new"), "x")
	if one.Current(old) || !one.Current(fresh) {
		t.Error("the key that seals is not the new one")
	}
	for name, r := range map[string]*Keyring{"the server": one, "the other server": other} {
		for want, sealed := range map[string][]byte{"old": old, "new": fresh} {
			if got, err := r.Open(sealed, "x"); err != nil || string(got) != want {
				t.Errorf("%s opens %q as %q, %v", name, want, got, err)
			}
		}
	}
	if err := one.Retire(); err != nil {
		t.Fatal(err)
	}
	if again, err := Load(path); err != nil || len(again.IDs()) != 1 || again.IDs()[0] != one.IDs()[0] {
		t.Errorf("the file after the old key is retired: %v, %v", again, err)
	}
	if _, err := one.Open(old, "x"); err == nil {
		t.Error("a retired key still opens")
	}
	if got, err := one.Open(fresh, "x"); err != nil || string(got) != "new" {
		t.Errorf("the key that is left opens %q, %v", got, err)
	}
	// Without a file, the same in memory.
	memory := New()
	sealed := memory.Seal([]byte("old"), "x")
	if err := memory.Rotate(); err != nil {
		t.Fatal(err)
	}
	if got, err := memory.Open(sealed, "x"); err != nil || string(got) != "old" {
		t.Errorf("in memory: %q, %v", got, err)
	}
	if err := memory.Retire(); err != nil {
		t.Fatal(err)
	}
	if _, err := memory.Open(sealed, "x"); err == nil {
		t.Error("in memory: a retired key still opens")
	}
}

// A key never opens what is not whole, and nothing makes Open panic.
func FuzzOpen(f *testing.F) {
	r := New()
	r.now.Store(&ring{keys: []*key{newKey(bytes.Repeat([]byte{1}, keySize))}})
	f.Add([]byte(nil), "")
	f.Add(r.Seal(nil, ""), "")
	f.Add(r.Seal([]byte("a secret"), "arn\x00field"), "arn\x00field")
	f.Add(r.Seal([]byte("a secret"), "arn\x00field")[:30], "arn\x00field")
	f.Add(New().Seal([]byte("another key's"), ""), "")
	f.Fuzz(func(t *testing.T, sealed []byte, aad string) {
		plain, err := r.Open(sealed, aad)
		if err == nil {
			if again, err := r.Open(r.Seal(plain, aad), aad); err != nil || !bytes.Equal(again, plain) {
				t.Errorf("sealed again: %q, %v; want %q", again, err, plain)
			}
			return
		}
		if plain != nil {
			t.Errorf("an error, and %q", plain)
		}
	})
}

// Whatever the file holds, parse reads it or says why not.
func FuzzParse(f *testing.F) {
	f.Add([]byte(fileHead + line(bytes.Repeat([]byte{1}, keySize))))
	f.Add([]byte(line(bytes.Repeat([]byte{1}, keySize)) + line(bytes.Repeat([]byte{2}, keySize))))
	f.Add([]byte("onsight-key"))
	f.Fuzz(func(t *testing.T, text []byte) {
		r, err := parse(text)
		if (err == nil) != (r != nil && len(r.keys) > 0) {
			t.Errorf("parse = %v, %v", r, err)
		}
	})
}

func BenchmarkSeal(b *testing.B) {
	r := New()
	plain := make([]byte, 60)
	b.ReportAllocs()
	for b.Loop() {
		r.Seal(plain, "arn")
	}
}

func BenchmarkOpen(b *testing.B) {
	r := New()
	sealed := r.Seal(make([]byte, 60), "arn")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Open(sealed, "arn"); err != nil {
			b.Fatal(err)
		}
	}
}
