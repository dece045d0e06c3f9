package access

import (
	"cmp"
	"crypto/rand"
	"encoding/base32"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// A Credential is an access key of an account's root.
type Credential struct {
	Account         string `json:"account"`
	AccessKeyID     string `json:"accessKeyId"`
	SecretAccessKey string `json:"secretAccessKey"`
}

// String leaves the secret out of logs.
func (c Credential) String() string { return c.AccessKeyID + " of account " + c.Account }

// GoString leaves the secret out of debugging output.
func (c Credential) GoString() string { return c.String() }

// Roots are the root credentials of the server's accounts, kept in a file that
// its owner alone may read. A running server notices credentials that a
// command adds to the file.
type Roots struct {
	path string

	mu    sync.RWMutex
	byKey map[string]Credential
	given []Credential // from outside, not in the file
	read  fs.FileInfo  // the file as it was when it was read; nil without one
}

// credentialsFile is the form of the file.
type credentialsFile struct {
	Credentials []Credential `json:"credentials"`
}

// OpenRoots reads the credentials in a data folder; a file that is not there
// has none. With an empty folder nothing is ever read or kept.
func OpenRoots(dir string) (*Roots, error) {
	r := &Roots{byKey: map[string]Credential{}}
	if dir != "" {
		r.path = filepath.Join(dir, "credentials.json")
	}
	return r, r.reload()
}

// Path is the file's name.
func (r *Roots) Path() string { return r.path }

// Give adds credentials that come from outside and are not written down.
func (r *Roots) Give(c Credential) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.given = append(r.given, c)
	r.byKey[c.AccessKeyID] = c
}

// Of gives the credentials of an account.
func (r *Roots) Of(account string) (Credential, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	for _, c := range r.byKey {
		if c.Account == account {
			return c, true
		}
	}
	return Credential{}, false
}

// All gives all credentials by account.
func (r *Roots) All() []Credential {
	r.mu.RLock()
	defer r.mu.RUnlock()
	all := make([]Credential, 0, len(r.byKey))
	for _, c := range r.byKey {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b Credential) int { return cmp.Compare(a.Account, b.Account) })
	return all
}

// Make gives the credentials of an account, and makes and writes them first
// where there are none; made tells which.
func (r *Roots) Make(account string) (c Credential, made bool, err error) {
	if c, ok := r.Of(account); ok {
		return c, false, nil
	}
	c = Credential{Account: account, AccessKeyID: newAccessKeyID(), SecretAccessKey: newSecret()}
	if r.path == "" {
		r.Give(c)
		return c, true, nil
	}
	file, err := r.load()
	if err != nil {
		return c, false, err
	}
	file.Credentials = append(file.Credentials, c)
	if err := r.save(file); err != nil {
		return c, false, err
	}
	return c, true, r.reload()
}

// AccountOf gives the account of an access key.
func (r *Roots) AccountOf(accessKeyID string) (account string, ok bool) {
	c, ok := r.find(accessKeyID)
	return c.Account, ok
}

// known looks an access key up among those that have been read.
func (r *Roots) known(accessKeyID string) (Credential, bool) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	c, ok := r.byKey[accessKeyID]
	return c, ok
}

// find looks an access key up. One that is not known may have been added to
// the file since it was read.
func (r *Roots) find(accessKeyID string) (Credential, bool) {
	c, ok := r.known(accessKeyID)
	if ok || r.path == "" {
		return c, ok
	}
	r.mu.RLock()
	read := r.read
	r.mu.RUnlock()
	// The file is replaced whole, so a new one is another file.
	if info, err := os.Stat(r.path); err != nil || read != nil && os.SameFile(info, read) || r.reload() != nil {
		return Credential{}, false
	}
	return r.known(accessKeyID)
}

func (r *Roots) reload() error {
	if r.path == "" {
		return nil
	}
	info, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read root credentials: %w", err)
	}
	file, err := r.load()
	if err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.read = info
	clear(r.byKey)
	for _, c := range slices.Concat(file.Credentials, r.given) {
		r.byKey[c.AccessKeyID] = c
	}
	return nil
}

func (r *Roots) load() (credentialsFile, error) {
	var file credentialsFile
	info, err := os.Stat(r.path)
	if errors.Is(err, fs.ErrNotExist) {
		return file, nil
	}
	if err != nil {
		return file, fmt.Errorf("read root credentials: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return file, fmt.Errorf("root credentials: others than the owner may read %s (mode %04o); run chmod 600 on it", r.path, info.Mode().Perm())
	}
	b, err := os.ReadFile(r.path)
	if err != nil {
		return file, fmt.Errorf("read root credentials: %w", err)
	}
	if err := json.Unmarshal(b, &file); err != nil {
		return file, fmt.Errorf("root credentials: %s is not a credentials file: %w", r.path, err)
	}
	return file, nil
}

// save replaces the file whole: a crash leaves the old one or the new one.
func (r *Roots) save(file credentialsFile) (err error) {
	b, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("write root credentials: %w", err)
		}
	}()
	dir := filepath.Dir(r.path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(dir, ".credentials-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // of no use once it is renamed
	if _, err := f.Write(append(b, '\n')); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Sync(); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), r.path)
}

// newAccessKeyID makes an id as IAM forms those of lasting keys.
func newAccessKeyID() string {
	var b [10]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return "AKIA" + base32.StdEncoding.EncodeToString(b[:])
}

// newSecret makes a secret access key: forty characters, 240 bits.
func newSecret() string {
	var b [30]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base64.StdEncoding.EncodeToString(b[:])
}
