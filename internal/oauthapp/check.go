package oauthapp

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// jobCheck asks for a token with the new settings of an application; its key is
// the ARN.
const jobCheck = "oauthapp.check"

// maxAttempts is how often a check that ends neither way is made.
const maxAttempts = 4

// limits are those of the request for a token. The check has one worker of few.
var limits = outbound.Limits{Header: 5 * time.Second, Whole: 8 * time.Second, Body: 1 << 20}

type task struct {
	resource.Key
	// Version is the application's when the job was written. A job of another
	// version has been overtaken.
	Version int64
	// Created tells an application from a later one of the same id.
	Created int64
}

func (s *Service) begin(tx *store.Tx, it *item) error {
	return job.Add(tx, jobCheck, it.ARN, task{Key: it.Key, Version: it.Version, Created: store.Micros(it.Created)}, s.now())
}

// waiting reads the application that a job is for; nil when nothing waits for
// the job.
func waiting(tx *store.Tx, t task) (*item, error) {
	it, err := applications.Get(tx, t.Key)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		return nil, nil
	}
	if err != nil || it.Version != t.Version || store.Micros(it.Created) != t.Created {
		return nil, err
	}
	return it, nil
}

// check is the job. It may run again at any point: it asks first whether there
// is still something to do.
func (s *Service) check(ctx context.Context, j job.Job) error {
	var t task
	if err := j.Decode(&t); err != nil {
		return err
	}
	var it *item
	var secret credentials
	var profile outbound.Profile
	verdict := ""
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		verdict = ""
		if it, err = waiting(tx, t); it == nil || err != nil {
			return err
		}
		next := it.Doc.next()
		profile = s.networks.Default()
		if next.VPCConnectionARN != "" {
			profile, err = s.networks.Profile(tx, next.VPCConnectionARN)
			if f, ok := errors.AsType[*fault.Fault](err); ok {
				verdict = f.Message
				return nil
			}
			if err != nil {
				return err
			}
		}
		secret, err = s.getCredentials(tx, it.ARN, next.SecretVersion)
		if errors.Is(err, resource.ErrLost) {
			s.log.ErrorContext(ctx, "the credentials of an OAuth client application do not open", "application", it.ARN, "cause", err)
			verdict = "The stored credentials can't be opened. Update the application with ClientId and ClientSecret."
			return nil
		}
		return err
	})
	if it == nil || err != nil {
		return err
	}
	if verdict == "" {
		var passing bool
		verdict, passing = judge(ctx, s.clients.Of(profile).With(limits), it.Doc.next(), secret)
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if passing && j.Attempts < maxAttempts {
			return errors.New(verdict)
		}
	}
	if verdict != "" {
		s.log.WarnContext(ctx, "the check of an OAuth client application failed", "application", it.ARN, "reason", verdict)
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		if it, err := waiting(tx, t); it == nil || err != nil {
			return err
		}
		it, err := applications.Update(tx, t.Key, s.now(), func(it *item) error {
			end(it, verdict)
			return nil
		})
		if err != nil {
			return err
		}
		return s.secrets.Keep(tx, it.ARN, it.Doc.Settings.SecretVersion)
	})
}

// end ends a creation or an update. An update that failed leaves the settings
// before it in force.
func end(it *item, verdict string) {
	doc := &it.Doc
	ends := map[string][2]string{creating: {created, notCreated}, updating: {updated, notUpdated}}[it.Status]
	if ends[0] == "" {
		return // it has ended already
	}
	it.Status, doc.Error = ends[0], verdict
	if verdict != "" {
		it.Status = ends[1]
	} else if doc.Pending != nil {
		doc.Settings = *doc.Pending
		it.Name = doc.Settings.Name
	}
	doc.Pending = nil
}

// judge asks for a token, as a data source would, and says in a sentence why
// there is none; empty where there is nothing to object to. passing says that
// it may be otherwise in a moment.
func judge(ctx context.Context, client *outbound.Client, set *settings, secret credentials) (verdict string, passing bool) {
	ask := clientcredentials.Config{
		ClientID: secret.ClientID, ClientSecret: secret.ClientSecret, TokenURL: set.TokenEndpoint, Scopes: strings.Fields(set.Scopes),
		AuthStyle: oauth2.AuthStyleInHeader,
	}
	ctx = context.WithValue(ctx, oauth2.HTTPClient, client.HTTP())
	token, err := ask.Token(ctx)
	// Every server has to take credentials in the header (RFC 6749, 2.3.1); one
	// that does not gets them in the body. The library's own way of finding out
	// would answer with the second refusal where the first one says why.
	if unknown(err) {
		ask.AuthStyle = oauth2.AuthStyleInParams
		if second, e := ask.Token(ctx); !unknown(e) {
			token, err = second, e
		}
	}
	if err == nil && token.AccessToken != "" {
		return "", false
	}
	// Neither error is shown as it is: one holds the answer, and the other the URL.
	if e, ok := errors.AsType[*outbound.Error](err); ok {
		return fmt.Sprintf("The token endpoint can't be reached: %s.", e.Reason), e.Temporary()
	}
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok || e.Response == nil {
		return "What the token endpoint answers is not a token.", false
	}
	// Whoever may not ask for a token without a user, by RFC 6749, is known there
	// all the same: the application is for users' tokens.
	users := set.AuthorizationEndpoint != ""
	switch code := e.ErrorCode; {
	case code == "invalid_client":
		return "The token endpoint does not accept ClientId and ClientSecret (invalid_client).", false
	case users && (code == "unauthorized_client" || code == "unsupported_grant_type" || code == "invalid_scope" || code == "invalid_request" || code == "invalid_grant"):
		return "", false
	case code == "unauthorized_client", code == "unsupported_grant_type":
		return fmt.Sprintf("The token endpoint gives the application no token of its own (%s), and there is no OAuthAuthorizationEndpointUrl to get those of users.", code), false
	case code == "invalid_scope":
		return "The token endpoint does not know OAuthScopes or does not grant them (invalid_scope).", false
	case code == "invalid_request", code == "invalid_grant", code == "access_denied", code == "invalid_target":
		return fmt.Sprintf("The token endpoint refuses the request (%s).", code), false
	case e.Response.StatusCode == http.StatusTooManyRequests, e.Response.StatusCode >= http.StatusInternalServerError:
		return fmt.Sprintf("The token endpoint answers %d.", e.Response.StatusCode), true
	default:
		return fmt.Sprintf("The token endpoint answers %d, and nothing that OAuth knows.", e.Response.StatusCode), false
	}
}

// unknown tells whether an endpoint does not know the client, or says so of one
// that it did not see.
func unknown(err error) bool {
	e, ok := errors.AsType[*oauth2.RetrieveError](err)
	return ok && (e.ErrorCode == "invalid_client" || e.ErrorCode == "invalid_request" || e.ErrorCode == "" && e.Response != nil && e.Response.StatusCode == http.StatusUnauthorized)
}
