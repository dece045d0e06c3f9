package e2e

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/quicksight"
	"github.com/aws/aws-sdk-go-v2/service/quicksight/types"
)

const (
	account = "111122223333"
	region  = "us-east-1"
	keyID   = "AKIAONSIGHTE2EROOT00"
	secret  = "e2e/Root+Secret/that-nobody-else-knows00"
)

// A server is the real binary, on a folder and a port of its own.
type server struct {
	url string
	log *lockedBuffer
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// start runs `onsight serve` until the test is over.
func start(t *testing.T) *server {
	t.Helper()
	binary := cmp.Or(os.Getenv("ONSIGHT_BIN"), filepath.Join("..", "..", "bin", "onsight"))
	s := &server{log: new(lockedBuffer)}
	cmd := exec.Command(binary, "serve", "-listen", "127.0.0.1:0", "-data", filepath.Join(t.TempDir(), "data"), "-account", account, "-region", region,
		"-check-connectors=false") // their services are not there
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "AWS_") && !strings.HasPrefix(v, "ONSIGHT_") {
			cmd.Env = append(cmd.Env, v)
		}
	}
	cmd.Env = append(cmd.Env, "ONSIGHT_ROOT_ACCESS_KEY_ID="+keyID, "ONSIGHT_ROOT_SECRET_ACCESS_KEY="+secret)
	cmd.Stderr = s.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if url, ok := strings.CutPrefix(lines.Text(), "onsight: ready on "); ok {
			s.url = url
			return s
		}
	}
	t.Fatalf("onsight did not start:\n%s", s.log)
	return nil
}

// client is an unmodified client that finds the server as programs do, by the
// environment. One attempt: a test wants to see the first answer.
func (s *server) client(t *testing.T, options ...func(*config.LoadOptions) error) *quicksight.Client {
	t.Helper()
	t.Setenv("AWS_ENDPOINT_URL_QUICKSIGHT", s.url)
	t.Setenv("AWS_REGION", region)
	t.Setenv("AWS_ACCESS_KEY_ID", keyID)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	t.Setenv("AWS_CONFIG_FILE", os.DevNull)
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", os.DevNull)
	options = append([]func(*config.LoadOptions) error{config.WithRetryMaxAttempts(1)}, options...)
	c, err := config.LoadDefaultConfig(t.Context(), options...)
	if err != nil {
		t.Fatal(err)
	}
	return quicksight.NewFromConfig(c)
}

func withSecret(id, key string) func(*config.LoadOptions) error {
	return config.WithCredentialsProvider(credentials.NewStaticCredentialsProvider(id, key, ""))
}

// house is a client of a subscribed account.
func house(t *testing.T) (*server, *quicksight.Client) {
	t.Helper()
	s := start(t)
	c := s.client(t)
	out, err := c.CreateAccountSubscription(t.Context(), &quicksight.CreateAccountSubscriptionInput{
		AwsAccountId: aws.String(account), AccountName: aws.String("our-house"), Edition: types.EditionEnterprise,
		AuthenticationMethod: types.AuthenticationMethodOptionIamAndQuicksight, NotificationEmail: aws.String("desk@example.org"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if out.SignupResponse == nil || aws.ToString(out.SignupResponse.AccountName) != "our-house" {
		t.Errorf("SignupResponse = %+v", out.SignupResponse)
	}
	waitFor(t, c, "ACCOUNT_CREATED")
	return s, c
}

// waitFor polls until the subscription has the status.
func waitFor(t *testing.T, c *quicksight.Client, status string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var last string
	for ctx.Err() == nil {
		out, err := c.DescribeAccountSubscription(ctx, &quicksight.DescribeAccountSubscriptionInput{AwsAccountId: aws.String(account)})
		if err != nil {
			t.Fatal(err)
		}
		if last = aws.ToString(out.AccountInfo.AccountSubscriptionStatus); last == status {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal(fmt.Errorf("the status stays %s, want %s", last, status))
}
