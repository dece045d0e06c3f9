package action

import (
	"bufio"
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/outbound"
	"onsight/internal/peertest"
	"onsight/internal/resource"
)

var running = regexp.MustCompile(`Running on (http://127\.0\.0\.1:[0-9]+)`)

// Moto starts moto's server, where that is installed. It
// gives the Python that has another client of AWS too.
func Moto(t *testing.T) (address, python string) {
	t.Helper()
	binary, err := filepath.Abs(filepath.Join("..", "..", "..", ".cache", "bench-venv", "bin", "moto_server"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(binary); err != nil {
		if binary, err = exec.LookPath("moto_server"); err != nil {
			peertest.Missing(t, "moto")
		}
	}
	python = filepath.Join(filepath.Dir(binary), "python3")
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, binary, "-H", "127.0.0.1", "-p", "0")
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = cmd.Wait() })
	ready := make(chan string, 1)
	go func() {
		defer close(ready)
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if m := running.FindStringSubmatch(lines.Text()); m != nil {
				ready <- m[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, out)
	}()
	select {
	case at := <-ready:
		if at != "" {
			return at, python
		}
	case <-time.After(time.Minute):
	}
	t.Fatal("moto is not ready")
	return "", ""
}

// TestMoto assumes a role at moto's STS, and uses S3 there with the session.
func TestMoto(t *testing.T) {
	t.Parallel()
	at, _ := Moto(t)
	s := &Service{Config: Config{
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now, Networks: home{}, Clients: &outbound.Clients{},
		AWS: AWS{Identity: identity{aws.Credentials{AccessKeyID: "AKIAOWN", SecretAccessKey: "own"}}, Endpoints: map[string]string{"*": at}},
	}}
	s.roles.service = s
	l := &connector.Live{Key: resource.Key{Account: "111122223333", Region: "us-east-1", ID: "files"}}
	l.ARN, l.Auth.RoleARN = "arn:aws:quicksight:us-east-1:111122223333:action-connector/files", "arn:aws:iam::111122223333:role/files"
	auth := &definition.Auth{Scheme: "sigv4", Service: "s3"}
	call := func(method, path, body string) string {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), method, at+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		if err := (&signed{service: s, live: l, principal: "ana", auth: auth}).Authenticate(t.Context(), r, []byte(body)); err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		text, _ := io.ReadAll(res.Body)
		if res.StatusCode != http.StatusOK {
			t.Errorf("%s %s: %d %s", method, path, res.StatusCode, text)
		}
		return string(text)
	}
	call(http.MethodPut, "/plans", "")
	call(http.MethodPut, "/plans/a%20b%2Bc.txt", "hello")
	if got := call(http.MethodGet, "/plans/a%20b%2Bc.txt", ""); got != "hello" {
		t.Errorf("the object is %q", got)
	}
	if got := call(http.MethodGet, "/", ""); !strings.Contains(got, "<Name>plans</Name>") {
		t.Errorf("buckets %s", got)
	}
}
