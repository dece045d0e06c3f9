package main

import (
	"bufio"
	"context"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"onsight": main})
}

// TestScripts runs the commands as a shell would.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: filepath.Join("testdata", "script"), RequireExplicitExec: true})
}

// process is an onsight serve that a test has started.
type process struct {
	cmd    *exec.Cmd
	url    string
	stdout string // up to the ready line
}

var ready = regexp.MustCompile(`^onsight: ready on (http://\S+)$`)

// start starts the server in a folder and waits for its ready line.
func start(t *testing.T, dir string, args ...string) *process {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "onsight") // testscript.Main goes by the name
	if err := os.Symlink(exe, link); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(link, append([]string{"serve", "-listen", "127.0.0.1:0"}, args...)...)}
	p.cmd.Dir = dir
	p.cmd.Stderr = t.Output()
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill() })
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		p.stdout += lines.Text() + "\n"
		if m := ready.FindStringSubmatch(lines.Text()); m != nil {
			p.url = m[1]
			return p
		}
	}
	t.Fatalf("the server ended without its ready line: %v\n%s", p.cmd.Wait(), p.stdout)
	return nil
}

// stop sends SIGTERM and gives the way the process ended.
func (p *process) stop(t *testing.T) error {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	return p.cmd.Wait()
}

func status(t *testing.T, method, url string) int {
	t.Helper()
	r, err := http.NewRequestWithContext(context.Background(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	return res.StatusCode
}

func TestServeFirstAndSecondStart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	secret := regexp.MustCompile(`AWS_SECRET_ACCESS_KEY=(\S{40})`).FindStringSubmatch(p.stdout)
	if secret == nil || !strings.Contains(p.stdout, "export AWS_ENDPOINT_URL_QUICKSIGHT="+p.url) {
		t.Errorf("the first start prints what to paste, with the secret; got:\n%s", p.stdout)
	}
	if got := status(t, http.MethodGet, p.url+"/_onsight/health"); got != 200 {
		t.Errorf("health: %d, want 200", got)
	}
	if got := status(t, http.MethodPost, p.url+"/_onsight/reset"); got != 404 {
		t.Errorf("reset outside of -dev: %d, want 404", got)
	}
	for _, name := range []string{"credentials.json", "seal.key"} {
		info, err := os.Stat(filepath.Join(dir, "onsight-data", name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", name, info, err)
		}
	}
	// A second server on the folder is refused while the first runs.
	second := exec.Command(p.cmd.Path, "serve", "-listen", "127.0.0.1:0")
	second.Dir = dir
	if out, err := second.CombinedOutput(); err == nil || !strings.Contains(string(out), "onsight-data") || !strings.Contains(string(out), "in use") {
		t.Errorf("second server on one folder: %v\n%s", err, out)
	}
	if err := p.stop(t); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
	p = start(t, dir)
	if strings.Contains(p.stdout, secret[1]) {
		t.Errorf("the second start prints the secret again:\n%s", p.stdout)
	}
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}

// TestRemoteCommands asks a running server, with the root credentials of its
// folder.
func TestRemoteCommands(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir)
	run := func(status int, args ...string) string {
		t.Helper()
		cmd := exec.Command(p.cmd.Path, append(args, "-endpoint", p.url)...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "AWS_ACCESS_KEY_ID=", "AWS_SECRET_ACCESS_KEY=", "AWS_REGION=", "AWS_DEFAULT_REGION=")
		out, _ := cmd.CombinedOutput()
		if got := cmd.ProcessState.ExitCode(); got != status {
			t.Errorf("%v: exit status %d, want %d\n%s", args, got, status, out)
		}
		return string(out)
	}
	has := func(text, part string) {
		t.Helper()
		if !strings.Contains(text, part) {
			t.Errorf("got %q, want … %q", text, part)
		}
	}
	has(run(0, "access", "explain", "-principal", "root", "-action", "quicksight:ListUsers"), "ALLOWED: arn:aws:iam::111122223333:root may perform quicksight:ListUsers on *")
	has(run(1, "access", "explain", "-principal", "user/nobody", "-action", "quicksight:ListUsers"), "Principal user/nobody can't be found.")
	has(run(0, "access", "principals", "-action", "quicksight:ListUsers"), "The account's root may do everything besides.")
	has(run(0, "access", "actions", "-principal", "root", "-json"), `"quicksight:RegisterUser"`)
	has(run(2, "access", "explain", "-principal", "root"), "access explain needs -action")
	has(run(0, "keys", "list"), "seals and opens")
	has(run(0, "keys", "rotate"), "secrets are sealed with")
	if n := strings.Count(run(0, "keys", "retire"), "opens"); n != 1 {
		t.Errorf("%d keys after retire, want 1", n)
	}
	has(run(0, "audit", "verify"), "intact")
	has(run(0, "audit", "export"), `"eventName":"RotateSealingKey"`)
	has(run(0, "audit", "export", "-since", "2100-01-01T00:00:00Z"), "")
	has(run(1, "audit", "export", "-since", "yesterday"), "Since")
	has(run(1, "keys", "list", "-data", t.TempDir(), "-account", "111122223333"), "no credentials")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
	has(run(1, "keys", "list"), "does the server run?")
}

func TestDrain(t *testing.T) {
	t.Parallel()
	p := start(t, t.TempDir())
	// A request whose body is still on its way when the signal comes.
	body, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, p.url+"/account/111122223333", body)
	if err != nil {
		t.Fatal(err)
	}
	answered := make(chan int)
	go func() {
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			answered <- 0
			return
		}
		_ = res.Body.Close()
		answered <- res.StatusCode
	}()
	_, _ = w.WriteString("{")
	time.Sleep(100 * time.Millisecond)
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	time.Sleep(100 * time.Millisecond)
	_, _ = w.WriteString("}")
	_ = w.Close()
	if got := <-answered; got != 403 { // it is not signed
		t.Errorf("the request under way got %d, want its answer 403", got)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v, want exit status 0", err)
	}
}

func TestDev(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	p := start(t, dir, "-dev")
	if !strings.Contains(p.stdout, "NOT FOR PRODUCTION") {
		t.Errorf("-dev says nothing of production:\n%s", p.stdout)
	}
	settings := p.url + "/accounts/444455556666/settings"
	if got := status(t, http.MethodGet, settings); got != 200 {
		t.Errorf("an account on its first use, not signed: %d, want 200", got)
	}
	if got := status(t, http.MethodPost, p.url+"/_onsight/reset"); got != 200 {
		t.Errorf("reset: %d, want 200", got)
	}
	if got := status(t, http.MethodGet, settings); got != 200 {
		t.Errorf("an account after the reset: %d, want 200", got)
	}
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("-dev left %v in its folder, %v; want nothing", left, err)
	}

	p = start(t, dir, "-dev", "-dev-subscribe=false")
	if got := status(t, http.MethodGet, p.url+"/accounts/444455556666/settings"); got != 404 {
		t.Errorf("an account that nobody has subscribed: %d, want 404", got)
	}
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
