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
	r, err := read(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := create(path); err != nil {
			return nil, fmt.Errorf("the key file %s cannot be made: %w", path, err)
		}
		r, err = read(path) // perhaps another process's, which was first
	}
	return r, err
}

func read(path string) (*Keyring, error) {
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
