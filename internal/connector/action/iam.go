package action

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/sync/singleflight"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/outbound"
)

// AWS says where AWS is, and who this server is there.
type AWS struct {
	// Identity gives the credentials of the server itself; nil where it has none.
	Identity aws.CredentialsProvider
	// Endpoints are the addresses of services by their name, such as sts, in the
	// place of AWS's own; * is for all others.
	Endpoints map[string]string
	// ExternalID is told where a role is assumed; empty for the connector's ARN.
	ExternalID string
}

// endpoint is the address of a service in a region.
func (a *AWS) endpoint(service, region string) string {
	for _, name := range []string{service, "*"} {
		if own := a.Endpoints[name]; own != "" {
			return strings.TrimSuffix(own, "/")
		}
	}
	suffix := ".amazonaws.com"
	if strings.HasPrefix(region, "cn-") {
		suffix += ".cn"
	}
	return "https://" + service + "." + region + suffix
}

// own tells whether the operator has said where a service is, and gives the
// profile with which it is reached there: the operator's word goes for the
// address too, wherever it is.
func (a *AWS) own(address string, p outbound.Profile) outbound.Profile {
	u, err := url.Parse(address)
	if err != nil {
		return p
	}
	given := false
	for _, e := range a.Endpoints {
		given = given || strings.TrimSuffix(e, "/") == address
	}
	if !given {
		return p
	}
	p.Plain = p.Plain || u.Scheme == "http"
	addresses := []netip.Addr{}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil {
		addresses = append(addresses, ip)
	} else if u.Hostname() == "localhost" {
		addresses = append(addresses, netip.AddrFrom4([4]byte{127, 0, 0, 1}), netip.IPv6Loopback())
	}
	p.Allowed = append(outbound.Ranges{}, p.Allowed...)
	for _, ip := range addresses {
		p.Allowed = append(p.Allowed, netip.PrefixFrom(ip, ip.BitLen()))
	}
	return p
}

// A role is assumed for a quarter of an hour, the shortest that AWS gives, and
// used until shortly before.
const (
	roleLife  = 15 * time.Minute
	roleEarly = 5 * time.Minute
)

// roles are sessions of roles, by role and session name.
type roles struct {
	service *Service
	flights singleflight.Group
	mu      sync.Mutex
	all     map[string]aws.Credentials
}

// maxRoles is how many sessions are kept.
const maxRoles = 10_000

// A signed credential signs requests as AWS wants them (SigV4), in the role of
// the connector.
type signed struct {
	service   *Service
	live      *connector.Live
	principal string
	client    *outbound.Client
	auth      *definition.Auth
	used      aws.Credentials
	region    string // empty for the connector's
}

// In implements engine.Regional.
func (c *signed) In(region string) engine.Credential {
	other := *c
	other.region = region
	return &other
}

// Authenticate implements engine.Credential.
func (c *signed) Authenticate(ctx context.Context, r *http.Request, body []byte) error {
	session, err := c.service.roles.session(ctx, c.live, c.principal, c.used)
	if err != nil {
		return err
	}
	c.used = session
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	s3 := c.auth.Service == "s3"
	if s3 {
		r.Header.Set("X-Amz-Content-Sha256", hash)
	}
	region := c.region
	if region == "" {
		region = c.live.Key.Region
	}
	return v4.NewSigner().SignHTTP(ctx, session, r, hash, c.auth.Service, region, c.service.Now(), func(o *v4.SignerOptions) {
		o.DisableURIPathEscaping = s3
	})
}

// Renew implements engine.Credential: a session may have been revoked.
func (c *signed) Renew(context.Context) (bool, error) {
	return c.service.roles.forget(c.live, c.principal, c.used), nil
}

func roleKey(l *connector.Live, principal string) string {
	return l.ARN + "\x00" + l.Auth.RoleARN + "\x00" + principal
}

// session gives the credentials of a connector's role.
func (r *roles) session(ctx context.Context, l *connector.Live, principal string, _ aws.Credentials) (aws.Credentials, error) {
	key := roleKey(l, principal)
	r.mu.Lock()
	found, ok := r.all[key]
	r.mu.Unlock()
	if ok && r.service.Now().Before(found.Expires.Add(-roleEarly)) {
		return found, nil
	}
	flight := r.flights.DoChan(key, func() (any, error) {
		wait, cancel := context.WithTimeout(context.WithoutCancel(ctx), waitMost)
		defer cancel()
		got, err := r.service.assume(wait, l, principal)
		if err != nil {
			return got, err
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.all == nil || len(r.all) >= maxRoles {
			r.all = make(map[string]aws.Credentials)
		}
		r.all[key] = got
		return got, nil
	})
	select {
	case res := <-flight:
		got, _ := res.Val.(aws.Credentials)
		return got, res.Err
	case <-ctx.Done():
		return aws.Credentials{}, ctx.Err()
	}
}

// forget drops a session that a service has refused, and says whether there can
// be another one.
func (r *roles) forget(l *connector.Live, principal string, used aws.Credentials) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	key := roleKey(l, principal)
	if r.all[key].AccessKeyID == used.AccessKeyID {
		delete(r.all, key)
	}
	return used.AccessKeyID != ""
}

// notInSession are characters that no name of a session has.
var notInSession = regexp.MustCompile(`[^\w+=,.@-]`)

// sessionName tells at AWS who acts: the connector, and for whom.
func sessionName(id, principal string) string {
	principal = nameOf(principal)
	if i := strings.LastIndexAny(principal, "/:"); i >= 0 {
		principal = principal[i+1:]
	}
	name := notInSession.ReplaceAllString(id+"@"+principal, "-")
	if len(name) > 64 {
		sum := sha256.Sum256([]byte(name))
		name = name[:55] + "-" + hex.EncodeToString(sum[:4])
	}
	return name
}

// assumed is the answer of AssumeRole.
type assumed struct {
	Credentials struct {
		AccessKeyID     string    `xml:"AccessKeyId"`
		SecretAccessKey string    `xml:"SecretAccessKey"`
		SessionToken    string    `xml:"SessionToken"`
		Expiration      time.Time `xml:"Expiration"`
	} `xml:"AssumeRoleResult>Credentials"`
}

// assume assumes the role of a connector (AssumeRole of STS).
func (s *Service) assume(ctx context.Context, l *connector.Live, principal string) (aws.Credentials, error) {
	if s.AWS.Identity == nil {
		return aws.Credentials{}, noIdentity
	}
	find, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	own, err := s.AWS.Identity.Retrieve(find)
	if err != nil {
		s.Log.WarnContext(ctx, "this server has no credentials at AWS", "cause", err)
		return aws.Credentials{}, noIdentity
	}
	external := s.AWS.ExternalID
	if external == "" {
		external = l.ARN
	}
	form := url.Values{
		"Action": {"AssumeRole"}, "Version": {"2011-06-15"}, "RoleArn": {l.Auth.RoleARN}, "RoleSessionName": {sessionName(l.Key.ID, principal)},
		"DurationSeconds": {fmt.Sprint(int(roleLife.Seconds()))}, "ExternalId": {external},
	}
	body := []byte(form.Encode())
	endpoint := s.AWS.endpoint("sts", l.Key.Region)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint+"/", bytes.NewReader(body))
	if err != nil {
		return aws.Credentials{}, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	sum := sha256.Sum256(body)
	if err := v4.NewSigner().SignHTTP(ctx, own, r, hex.EncodeToString(sum[:]), "sts", l.Key.Region, s.Now()); err != nil {
		return aws.Credentials{}, err
	}
	res, err := s.Clients.Of(s.AWS.own(endpoint, s.Networks.Default())).With(tokenLimits).HTTP().Do(r)
	if err != nil {
		return aws.Credentials{}, &lack{reason: "AWS STS can't be reached: " + outboundReason(err)}
	}
	defer func() { _ = res.Body.Close() }()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		return aws.Credentials{}, &lack{reason: "AWS STS can't be reached: " + outboundReason(err)}
	}
	if res.StatusCode != http.StatusOK {
		var e struct {
			Code    string `xml:"Error>Code"`
			Message string `xml:"Error>Message"`
		}
		_ = xml.Unmarshal(text, &e) // what is no XML has neither
		return aws.Credentials{}, &lack{reason: strings.TrimSpace(fmt.Sprintf(
			"The role can't be assumed: AWS STS answers with status %d. %s %s", res.StatusCode, tidy(e.Code, 64), tidy(e.Message, 500)))}
	}
	var got assumed
	if err := xml.Unmarshal(text, &got); err != nil || got.Credentials.AccessKeyID == "" || got.Credentials.SecretAccessKey == "" {
		return aws.Credentials{}, &lack{reason: "The role can't be assumed: AWS STS answers with something that holds no credentials."}
	}
	k := got.Credentials
	return aws.Credentials{
		AccessKeyID: k.AccessKeyID, SecretAccessKey: k.SecretAccessKey, SessionToken: k.SessionToken, CanExpire: true, Expires: k.Expiration,
	}, nil
}

var noIdentity = &lack{reason: "This server has no credentials at AWS to assume the role with. Its operator can give it some in the environment or in a profile."}

// outboundReason tells why something can't be reached.
func outboundReason(err error) string {
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		return e.Error() + "."
	}
	if _, ok := errors.AsType[net.Error](err); ok {
		return "the connection broke."
	}
	return "the connection could not be made."
}

// awsBase gives the address of the service of an operation, and the client to
// reach it with.
func (s *Service) awsBase(l *connector.Live, a *definition.Auth, o *definition.Operation, client *outbound.Client, profile outbound.Profile) (string, *outbound.Client) {
	service := a.Host
	if service == "" {
		service = a.Service
	}
	if o.AWS != nil && o.AWS.Service != "" {
		service = o.AWS.Service
	}
	address := s.AWS.endpoint(service, l.Key.Region)
	if p := s.AWS.own(address, profile); len(p.Allowed) != len(profile.Allowed) || p.Plain != profile.Plain {
		return address, s.Clients.Of(p)
	}
	return address, client
}
