// Package slapdtest runs OpenLDAP's slapd for tests, with entries as Active
// Directory has them. Where slapd is not installed the tests are skipped, and
// say so; scripts/slapd.sh installs it.
package slapdtest

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	_ "embed" // its configuration
	"encoding/binary"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-ldap/ldap/v3"
)

// The entries of every server.
const (
	Base     = "dc=corp,dc=example,dc=org"
	People   = "ou=people," + Base
	Groups   = "ou=groups," + Base
	Service  = "cn=onsight,ou=services," + Base
	Secret   = "service-secret"
	root     = "cn=root," + Base
	rootWord = "root-secret"
)

var (
	//go:embed slapd.conf
	conf string
	//go:embed ad.schema
	schema []byte
)

// Server is a running slapd.
type Server struct {
	// LDAP and LDAPS are its addresses, host:port.
	LDAP, LDAPS string
	// CA is the file of the authority of its certificate.
	CA string
	// Dir is its folder.
	Dir string

	tb      testing.TB
	program string
	process *exec.Cmd
	ended   chan struct{}
	out     bytes.Buffer
}

// program finds slapd.
func program() string {
	if path, err := exec.LookPath("slapd"); err == nil {
		return path
	}
	for _, path := range []string{"/usr/sbin/slapd", "/usr/libexec/slapd", "/usr/lib/openldap/slapd"} {
		if _, err := os.Stat(path); err == nil {
			return path
		}
	}
	return ""
}

func first(names ...string) string {
	for _, name := range names {
		if _, err := os.Stat(name); err == nil {
			return name
		}
	}
	return ""
}

// Start starts a server, which ends with the test. ldif are entries to load
// before that, for tests that need many.
func Start(tb testing.TB, ldif ...string) *Server {
	tb.Helper()
	s := &Server{tb: tb, program: program()}
	schemas, modules := first("/etc/ldap/schema", "/etc/openldap/schema"), first("/usr/lib/ldap", "/usr/lib/openldap", "/usr/lib64/openldap")
	if s.program == "" || schemas == "" || modules == "" {
		tb.Skip("slapd (OpenLDAP) is not installed: scripts/slapd.sh install")
	}
	// Not below TempDir, whose name may be longer than slapd takes.
	dir, err := os.MkdirTemp("", "onsight-slapd.")
	s.must(err)
	tb.Cleanup(func() { _ = os.RemoveAll(dir) })
	s.Dir, s.CA = dir, filepath.Join(dir, "ca.pem")
	s.must(os.Mkdir(filepath.Join(dir, "data"), 0o700))
	s.must(os.WriteFile(filepath.Join(dir, "ad.schema"), schema, 0o600))
	text := strings.NewReplacer("DIR", dir, "MODULES", modules, "SCHEMA", schemas).Replace(conf)
	s.must(os.WriteFile(filepath.Join(dir, "slapd.conf"), []byte(text), 0o600))
	s.certificates()
	s.load(tree + strings.Join(ldif, ""))
	s.LDAP, s.LDAPS = free(tb), free(tb)
	s.Run()
	tb.Cleanup(s.Stop)
	return s
}

// Files gives a folder for Settings and Networks without a server.
func Files(tb testing.TB) *Server {
	tb.Helper()
	s := &Server{tb: tb, Dir: tb.TempDir()}
	s.certificates()
	return s
}

// tree are the entries of every server.
const tree = `dn: ` + Base + `
objectClass: domainDNS
dc: corp
lockoutThreshold: 10

dn: ` + People + `
objectClass: organizationalUnit
ou: people

dn: ` + Groups + `
objectClass: organizationalUnit
ou: groups

dn: ou=services,` + Base + `
objectClass: organizationalUnit
ou: services

dn: ` + Service + `
objectClass: organizationalRole
objectClass: simpleSecurityObject
cn: onsight
userPassword: ` + Secret + `

`

func (s *Server) must(err error) {
	s.tb.Helper()
	if err != nil {
		s.tb.Fatalf("slapd: %v\n%s", err, s.out.String())
	}
}

func (s *Server) load(ldif string) {
	s.tb.Helper()
	add := exec.CommandContext(s.tb.Context(), s.program, "-Tadd", "-q", "-f", filepath.Join(s.Dir, "slapd.conf")) //nolint:gosec // the system's slapd
	add.Stdin = strings.NewReader(ldif)
	if out, err := add.CombinedOutput(); err != nil {
		s.tb.Fatalf("slapadd: %v\n%s", err, out)
	}
}

// Run starts the server again on its addresses.
func (s *Server) Run() {
	s.tb.Helper()
	s.process = exec.CommandContext(context.WithoutCancel(s.tb.Context()), s.program, "-d", "0", "-f", filepath.Join(s.Dir, "slapd.conf"), "-h", "ldap://"+s.LDAP+"/ ldaps://"+s.LDAPS+"/") //nolint:gosec // the system's slapd
	s.process.Stdout, s.process.Stderr = &s.out, &s.out
	s.must(s.process.Start())
	s.ended = make(chan struct{})
	go func(p *exec.Cmd, ended chan struct{}) {
		defer close(ended)
		_ = p.Wait()
	}(s.process, s.ended)
	deadline := time.After(20 * time.Second)
	for {
		conn, err := new(net.Dialer).DialContext(s.tb.Context(), "tcp", s.LDAPS)
		if err == nil {
			_ = conn.Close()
			return
		}
		select {
		case <-s.ended:
			s.tb.Fatalf("slapd ended: %s", s.out.String())
		case <-deadline:
			s.tb.Fatal("slapd does not listen")
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Stop ends the server; its entries stay.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill()
	<-s.ended
	s.process = nil
}

func free(tb testing.TB) string {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// certificates makes an authority and the server's certificate.
func (s *Server) certificates() {
	s.tb.Helper()
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	now := time.Now() //nolint:forbidigo // certificates hold by the clock of libraries
	ca := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Corp CA"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	caDER, err := x509.CreateCertificate(rand.Reader, ca, ca, &caKey.PublicKey, caKey)
	s.must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.must(err)
	leaf := &x509.Certificate{
		SerialNumber: big.NewInt(2), Subject: pkix.Name{CommonName: "dc1.corp.example.org"}, NotBefore: now.Add(-time.Hour), NotAfter: now.AddDate(1, 0, 0),
		DNSNames: []string{"localhost", "dc1.corp.example.org"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, &key.PublicKey, caKey)
	s.must(err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	s.must(err)
	for name, block := range map[string]*pem.Block{
		"ca.pem": {Type: "CERTIFICATE", Bytes: caDER}, "server.pem": {Type: "CERTIFICATE", Bytes: der}, "server.key": {Type: "PRIVATE KEY", Bytes: keyDER},
	} {
		s.must(os.WriteFile(filepath.Join(s.Dir, name), pem.EncodeToMemory(block), 0o600))
	}
}

// Do changes entries as the directory's administrator.
func (s *Server) Do(fn func(c *ldap.Conn) error) {
	s.tb.Helper()
	c, err := ldap.DialURL("ldap://" + s.LDAP)
	s.must(err)
	defer func() { _ = c.Close() }()
	s.must(c.Bind(root, rootWord))
	s.must(fn(c))
}

// sid is a SID of the domain of the tests.
func sid(rid uint32) string {
	b := []byte{1, 5, 0, 0, 0, 0, 0, 5}
	for _, n := range []uint32{21, 1004336348, 1177238915, 682003330, rid} {
		b = binary.LittleEndian.AppendUint32(b, n)
	}
	return string(b)
}

// GUID gives the objectGUID of a number.
func GUID(n uint32) string {
	return string(binary.BigEndian.AppendUint32([]byte("GUID-of-test"), n))
}

// PersonDN is the DN of someone that AddPerson makes.
func PersonDN(name string) string { return "cn=" + ldap.EscapeDN(name) + "," + People }

// GroupDN is the DN of a group that AddGroup makes.
func GroupDN(name string) string { return "cn=" + ldap.EscapeDN(name) + "," + Groups }

// AddPerson adds a person; n tells people apart. more are attributes, given as
// name, value.
func (s *Server) AddPerson(n uint32, name, password string, more ...string) {
	s.tb.Helper()
	r := ldap.NewAddRequest(PersonDN(name), nil)
	r.Attribute("objectClass", []string{"user"})
	given := map[string]string{
		"cn": name, "sAMAccountName": name, "userPrincipalName": name + "@corp.example.org", "mail": name + "@example.org", "userPassword": password,
		"objectGUID": GUID(n), "objectSid": sid(1000 + n), "userAccountControl": "512", "accountExpires": strconv.FormatInt(1<<63-1, 10), "primaryGroupID": "513",
	}
	for i := 0; i+1 < len(more); i += 2 {
		given[more[i]] = more[i+1]
	}
	for name, value := range given {
		if value != "" {
			r.Attribute(name, []string{value})
		}
	}
	s.Do(func(c *ldap.Conn) error { return c.Add(r) })
}

// AddGroup adds a group with members, given by DN; rid is the last part of its SID.
func (s *Server) AddGroup(rid uint32, name string, members ...string) {
	s.tb.Helper()
	r := ldap.NewAddRequest(GroupDN(name), nil)
	r.Attribute("objectClass", []string{"group"})
	r.Attribute("sAMAccountName", []string{name})
	r.Attribute("objectSid", []string{sid(rid)})
	if len(members) > 0 {
		r.Attribute("member", members)
	}
	s.Do(func(c *ldap.Conn) error { return c.Add(r) })
}

// Join puts someone into a group, by DN; Leave takes them out.
func (s *Server) Join(group, member string) {
	s.tb.Helper()
	r := ldap.NewModifyRequest(GroupDN(group), nil)
	r.Add("member", []string{member})
	s.Do(func(c *ldap.Conn) error { return c.Modify(r) })
}

// Leave takes someone out of a group.
func (s *Server) Leave(group, member string) {
	s.tb.Helper()
	r := ldap.NewModifyRequest(GroupDN(group), nil)
	r.Delete("member", []string{member})
	s.Do(func(c *ldap.Conn) error { return c.Modify(r) })
}

// Set replaces an attribute of someone.
func (s *Server) Set(dn, attribute, value string) {
	s.tb.Helper()
	r := ldap.NewModifyRequest(dn, nil)
	r.Replace(attribute, []string{value})
	s.Do(func(c *ldap.Conn) error { return c.Modify(r) })
}

// Settings writes the file of -directories for this server, and gives its name.
// more are fields, as JSON text, that are added or replaced.
func (s *Server) Settings(more ...string) string {
	s.tb.Helper()
	s.must(os.WriteFile(filepath.Join(s.Dir, "password"), []byte(Secret+"\n"), 0o600))
	fields := [][2]string{
		{"name", `"corp.example.org"`},
		{"urls", fmt.Sprintf(`["ldaps://%s"]`, s.LDAPS)},
		{"authorities", `"ca.pem"`},
		{"bindDN", `"` + Service + `"`},
		{"bindPasswordFile", `"password"`},
		{"base", `["` + Base + `"]`},
		{"timeout", `"5s"`},
	}
	for i := 0; i+1 < len(more); i += 2 {
		fields = append(fields, [2]string{more[i], more[i+1]})
	}
	last := make(map[string]string)
	for _, f := range fields {
		last[f[0]] = f[1]
	}
	var parts []string
	for name, value := range last {
		parts = append(parts, strconv.Quote(name)+": "+value)
	}
	file := filepath.Join(s.Dir, "directories.json")
	s.must(os.WriteFile(file, []byte(`{"directories": [{`+strings.Join(parts, ", ")+`}]}`), 0o600))
	return file
}

// Networks writes a file of -network-profiles that lets connections go to this
// machine, and gives its name.
func (s *Server) Networks() string {
	s.tb.Helper()
	file := filepath.Join(s.Dir, "networks.json")
	s.must(os.WriteFile(file, []byte(`{"profiles": [{"name": "default", "allow": ["127.0.0.0/8", "::1/128"]}]}`), 0o600))
	return file
}
