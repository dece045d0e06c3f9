package sts

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"onsight/internal/contract"
	"onsight/internal/deflate"
	"onsight/internal/fault"
	"onsight/internal/policy"
)

// maxToken is the length of the longest session token. A token of a role's
// session without policies and tags has some 270 characters; proxies let 8 KB
// of headers pass.
const maxToken = 4096

// Version 1 of the form: a byte with the number, the length of what follows,
// the claims as JSON, packed with this dictionary, and zeros as far as a
// caller asked for a long token. Another dictionary is another version.
const tokenVersion = 1

const tokenDictionary = `"Condition":{"StringEquals":{"ForAnyValue:StringLike":{"ForAllValues:NotAction":NotResource":"DateLessThan"aws:TokenIssueTime"aws:RequestedRegion"` +
	`s3:GetObjectec2:Describe*sts:AssumeRoleiam:PassRolequicksight:Describe*quicksight:List*quicksight:Get*quicksight:*UserGroupNamespaceDashboardDataSetDataSource` +
	`AdministratorAccessReadOnlyAccess"Environment""Department""CostCenter""Project""Team"` +
	`arn:aws:iam::aws:policy/arn:aws:quicksight:us-east-1:{"Sid":"","Effect":"Deny","Action":["Resource":["*"]{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"Resource":"*"}]}` +
	`arn:aws:iam:::oidc-provider/:sub:aud:amr"ti":"tt":["po":"pa":["pr":"cl":{"si":"tg":{"` +
	`{"t":"role","a":"arn:aws:sts::assumed-role/","r":"arn:aws:sts::","i":"arn:aws:iam:::role/","u":"AROA:","k":"role","n":"","d":"AROA","s":"","x":17`

var tokenCodec = deflate.New(tokenDictionary)

// claims are what a token holds.
type claims struct {
	Type           string            `json:"t"`
	Account        string            `json:"a"`
	ARN            string            `json:"r"`
	Issuer         string            `json:"i,omitempty"`
	UserID         string            `json:"u"`
	UserName       string            `json:"m,omitempty"`
	Kind           string            `json:"k"`
	Name           string            `json:"n,omitempty"`
	ID             string            `json:"d,omitempty"`
	SessionName    string            `json:"s,omitempty"`
	Issued         int64             `json:"b"`
	Expires        int64             `json:"x"`
	Secret         string            `json:"z"`
	SourceIdentity string            `json:"si,omitempty"`
	Provider       string            `json:"pr,omitempty"`
	Claims         policy.Keys       `json:"cl,omitempty"`
	Tags           map[string]string `json:"tg,omitempty"`
	Transitive     []string          `json:"tt,omitempty"`
	Policy         string            `json:"po,omitempty"`
	PolicyARNs     []string          `json:"pa,omitempty"`
}

// types are the types of principals as tokens have them: names that stay what
// they are when the numbers change.
var types = map[policy.PrincipalType]string{
	policy.RoleSession: "role", policy.FederatedUser: "federated", policy.User: "user", policy.Root: "root",
}

// typeOf finds the type of a name.
func typeOf(name string) (policy.PrincipalType, bool) {
	for t, n := range types {
		if n == name {
			return t, true
		}
	}
	return policy.Anonymous, false
}

// purpose binds a token to the access key that it comes with.
func purpose(accessKeyID string) string { return "session token\x00" + accessKeyID }

// seal writes the token of a session, of at least atLeast characters. It is
// too long where the session holds too much.
func (s *Service) seal(session *Session, atLeast int) string {
	text, err := json.Marshal(claims{
		Type: types[session.Principal.Type], Account: session.Principal.Account, ARN: session.Principal.ARN, Issuer: session.Principal.Issuer,
		UserID: session.Principal.UserID, UserName: session.Principal.UserName, Kind: session.Kind, Name: session.Name, ID: session.ID,
		SessionName: session.SessionName, Issued: session.Issued.Unix(), Expires: session.Expires.Unix(), Secret: session.Secret.Reveal(),
		SourceIdentity: session.SourceIdentity, Provider: session.Provider, Claims: session.Claims,
		Tags: session.Principal.Tags, Transitive: session.Transitive, Policy: session.Policy, PolicyARNs: session.PolicyARNs,
	})
	if err != nil {
		panic(err) // strings and numbers can always be written
	}
	packed := tokenCodec.Append(nil, text)
	plain := binary.AppendUvarint([]byte{tokenVersion}, uint64(len(packed)))
	plain = append(plain, packed...)
	token := s.encode(plain, session.AccessKeyID)
	if short := atLeast - len(token); short > 0 {
		plain = append(plain, make([]byte, base64.RawURLEncoding.DecodedLen(short)+1)...)
		token = s.encode(plain, session.AccessKeyID)
	}
	return token
}

func (s *Service) encode(plain []byte, accessKeyID string) string {
	return base64.RawURLEncoding.EncodeToString(s.keys.Seal(plain, purpose(accessKeyID)))
}

// maxClaims bounds the JSON of a token: far more than can be packed into
// maxToken by honest means.
const maxClaims = 256 << 10

// unseal opens a token. Every error says the same to a caller: the token is
// not one that came with the access key.
func (s *Service) unseal(accessKeyID, token string) (*Session, error) {
	if len(token) > maxToken+4 || !isSessionKey(accessKeyID) || strings.ContainsAny(token, "\r\n") { // which the decoder would pass over
		return nil, errors.New("no token")
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, err
	}
	plain, err := s.keys.Open(sealed, purpose(accessKeyID))
	if err != nil {
		return nil, err
	}
	return parse(accessKeyID, plain)
}

// parse reads what was sealed.
func parse(accessKeyID string, plain []byte) (*Session, error) {
	if len(plain) == 0 || plain[0] != tokenVersion {
		return nil, errors.New("no token of this version")
	}
	size, n := binary.Uvarint(plain[1:])
	if n <= 0 || size > maxToken || int(size) > len(plain)-1-n {
		return nil, errors.New("the token is cut")
	}
	text, err := tokenCodec.Open(plain[1+n:1+n+int(size)], maxClaims)
	if err != nil {
		return nil, err
	}
	var c claims
	if err := json.Unmarshal(text, &c); err != nil {
		return nil, err
	}
	kind, ok := typeOf(c.Type)
	if !ok {
		return nil, errors.New("the token is that of nobody")
	}
	return &Session{
		AccessKeyID: accessKeyID, Secret: contract.Secret(c.Secret), Issued: time.Unix(c.Issued, 0), Expires: time.Unix(c.Expires, 0),
		Principal: policy.Principal{
			Type: kind, Account: c.Account, ARN: c.ARN, Issuer: c.Issuer, UserID: c.UserID, UserName: c.UserName, Tags: c.Tags,
		},
		Kind: c.Kind, Name: c.Name, ID: c.ID, SessionName: c.SessionName, Transitive: c.Transitive,
		SourceIdentity: c.SourceIdentity, Provider: c.Provider, Claims: c.Claims, Policy: c.Policy, PolicyARNs: c.PolicyARNs,
	}, nil
}

// Read gives the session of an access key and the token that it came with. It
// looks nothing up: whoever reads the policies that apply (Session.Kind and
// Name) sees whether the role or user behind the session is still there, and
// still the one with Session.ID. The errors are fault.ExpiredToken and
// fault.UnrecognizedClient.
func (s *Service) Read(accessKeyID, token string, now time.Time) (*Session, error) {
	session := s.opened.find(accessKeyID, token)
	if session == nil {
		var err error
		if session, err = s.unseal(accessKeyID, token); err != nil {
			return nil, fault.UnrecognizedClient()
		}
		s.opened.add(token, session)
	}
	if !now.Before(session.Expires) {
		return nil, fault.ExpiredToken()
	}
	return session, nil
}

// sessions keeps sessions that were opened: to open one takes as long as all
// the rest of a small call. It has two generations and drops the older when
// the newer is full. The zero value is ready.
type sessions struct {
	mu         sync.RWMutex
	young, old map[string]*Session // by token
}

// generation is how many sessions one generation holds, 2 KB each.
const generation = 2048

func (c *sessions) find(accessKeyID, token string) *Session {
	c.mu.RLock()
	session := c.young[token]
	aging := session == nil
	if aging {
		session = c.old[token]
	}
	c.mu.RUnlock()
	if session == nil || session.AccessKeyID != accessKeyID {
		return nil
	}
	if aging {
		c.add(token, session)
	}
	return session
}

// add keeps a session. The token is a part of a request, which must not be
// held in memory for its sake.
func (c *sessions) add(token string, session *Session) {
	token = strings.Clone(token)
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.young) >= generation {
		c.old, c.young = c.young, nil
	}
	if c.young == nil {
		c.young = make(map[string]*Session)
	}
	c.young[token] = session
}
