package seal

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// maxFile is far more than the keys of a lifetime.
const maxFile = 64 << 10

const fileHead = `# Keys that seal secrets of Onsight. The first one seals; all of them open.
# Who has this file and the database has the secrets. Without it they are lost.
# A new key goes above the others (onsight-key, id, 32 bytes in base64).
`

// Load reads the keys in the file at path. Where there is no file it makes one
// with a random key, that only its owner can read and write. It refuses a file
// that others can read, and one that is empty, cut or altered; the errors are
// sentences for the operator and name the file.
func Load(path string) (*Keyring, error) {
	keys, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("the key file %s cannot be made: %w", path, err)
		}
		keys, err = read(path) // perhaps another process's, which was first
	}
	if err != nil {
		return nil, err
	}
	r := &Keyring{path: path}
	r.now.Store(keys)
	return r, nil
}

// reload reads the file again if it is another one than before, and tells
// whether it has. A file that cannot be used leaves the keys as they are.
func (r *Keyring) reload() bool {
	if r.path == "" {
		return false
	}
	old := r.now.Load()
	// The file is replaced whole, so a new one is another file.
	if info, err := os.Stat(r.path); err != nil || old.file != nil && os.SameFile(info, old.file) {
		return false
	}
	keys, err := read(r.path)
	return err == nil && r.now.CompareAndSwap(old, keys)
}

// Rotate makes a new key, which seals from now on; the others still open. It
// is in the file before it seals anything.
func (r *Keyring) Rotate() error {
	secret := make([]byte, keySize)
	rand.Read(secret)
	if r.path == "" {
		old := r.now.Load()
		r.now.Store(&ring{keys: append([]*key{newKey(secret)}, old.keys...)})
		return nil
	}
	return r.rewrite(func(lines string) string { return line(secret) + lines })
}

// Retire takes all keys out of the file but the one that seals. What others
// have sealed cannot be opened any more.
func (r *Keyring) Retire() error {
	if r.path == "" {
		r.now.Store(&ring{keys: r.now.Load().keys[:1]})
		return nil
	}
	return r.rewrite(func(lines string) string {
		first, _, _ := strings.Cut(lines, "\n")
		return first + "\n"
	})
}

// rewrite replaces the file by one with other lines, and takes its keys.
func (r *Keyring) rewrite(change func(lines string) string) error {
	text, err := os.ReadFile(r.path)
	if err != nil {
		return fmt.Errorf("the key file cannot be read: %w", err)
	}
	if _, err := parse(text); err != nil {
		return fmt.Errorf("the key file %s cannot be used: %w", r.path, err)
	}
	var lines strings.Builder
	for l := range strings.Lines(string(text)) {
		if strings.HasPrefix(strings.TrimSpace(l), linePrefix) {
			lines.WriteString(strings.TrimSpace(l) + "\n")
		}
	}
	dir := filepath.Dir(r.path)
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return fmt.Errorf("the key file %s cannot be replaced: %w", r.path, err)
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // of no use once it is renamed
	_, err = tmp.WriteString(fileHead + change(lines.String()))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err == nil {
		err = os.Rename(tmp.Name(), r.path)
	}
	if err == nil {
		err = syncDir(dir)
	}
	if err != nil {
		return fmt.Errorf("the key file %s cannot be replaced: %w", r.path, err)
	}
	keys, err := read(r.path)
	if err != nil {
		return err
	}
	r.now.Store(keys)
	return nil
}

func read(path string) (*ring, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	defer func() { _ = f.Close() }() // it was only read
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("the key file cannot be read: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("the key file %s is not a file", path)
	}
	// Windows has no such modes.
	if mode := info.Mode().Perm(); mode&0o077 != 0 && runtime.GOOS != "windows" {
		return nil, fmt.Errorf("the key file %s can be read by others (mode %04o); run: chmod 600 %s", path, mode, path)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be read: %w", path, err)
	}
	if len(text) > maxFile {
		return nil, fmt.Errorf("the key file %s is no key file: it is larger than %d bytes", path, maxFile)
	}
	r, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("the key file %s cannot be used: %w", path, err)
	}
	r.file = info
	return r, nil
}

// create makes the file whole or not at all, also when the power fails, and
// leaves one alone that another process has made meanwhile.
func create(path string) error {
	dir := filepath.Dir(path)
	tmp, err := os.CreateTemp(dir, ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }()
	secret := make([]byte, keySize)
	rand.Read(secret)
	_, err = tmp.WriteString(fileHead + line(secret))
	if err == nil {
		err = tmp.Sync()
	}
	if err = errors.Join(err, tmp.Close()); err != nil {
		return err
	}
	// A link does not replace what is there. Where the file system has no
	// links, nobody else is likely to make the file at the same time.
	err = os.Link(tmp.Name(), path)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(tmp.Name(), path)
	}
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes the names in a folder durable.
func syncDir(dir string) error {
	if runtime.GOOS == "windows" {
		return nil // folders cannot be synced there, and need not
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
