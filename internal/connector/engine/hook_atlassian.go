package engine

import (
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// tenant asks a site which cloud it is.
var tenant = &definition.Operation{ID: "tenant", Method: http.MethodGet, Path: "/_edge/tenant_info"}

var cloudID = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)

// clouds are the ids of sites that were asked already; an id never changes.
var clouds = struct {
	sync.Mutex
	bySite map[string]string
}{bySite: make(map[string]string)}

// maxClouds is how many ids are kept.
const maxClouds = 1000

// atlassianSite gives the base endpoint of a product. Keys are for the site
// itself. Access tokens are for the gateway, where the site is one of many: who
// names the site means that.
func atlassianSite(product string) baseHook {
	return func(ctx context.Context, c *Call) (*url.URL, error) {
		base := *c.Base
		base.Path, base.RawPath = strings.TrimSuffix(strings.TrimSuffix(base.Path, "/"), "/wiki"), ""
		if c.AuthenticationType != "OAUTH2_AUTHORIZATION_CODE" || !strings.HasSuffix(base.Hostname(), ".atlassian.net") {
			return &base, nil
		}
		id, err := cloudOf(ctx, c, base.Host)
		if err != nil {
			return nil, err
		}
		return &url.URL{Scheme: "https", Host: "api.atlassian.com", Path: "/ex/" + product + "/" + id}, nil
	}
}

func cloudOf(ctx context.Context, c *Call, site string) (string, error) {
	clouds.Lock()
	id := clouds.bySite[site]
	clouds.Unlock()
	if id != "" {
		return id, nil
	}
	res, err := c.SendTo(ctx, tenant, nil, "https://"+site+tenant.Path, false)
	if err != nil {
		return "", err
	}
	if id = pointer.Text(res.Output, "/cloudId"); !cloudID.MatchString(id) {
		return "", &Error{Kind: Missing, Status: res.Status, Message: "The site " + site + " does not tell its cloud id. Give https://api.atlassian.com/ex/{product}/{cloudId} as the base endpoint."}
	}
	clouds.Lock()
	defer clouds.Unlock()
	if len(clouds.bySite) >= maxClouds {
		clear(clouds.bySite)
	}
	clouds.bySite[site] = id
	return id, nil
}

// document makes an Atlassian document of text: an empty line ends a
// paragraph. What is a document already stays one.
func document(value any) (any, error) {
	text, ok := value.(string)
	if !ok {
		if pointer.Text(value, "/type") != "doc" {
			return nil, invalid("What is given as a document is none: its type is not doc")
		}
		return value, nil
	}
	paragraphs := []any{}
	for part := range strings.SplitSeq(strings.ReplaceAll(text, "\r\n", "\n"), "\n\n") {
		var content []any
		for line := range strings.SplitSeq(strings.Trim(part, "\n"), "\n") {
			if content != nil {
				content = append(content, map[string]any{"type": "hardBreak"})
			}
			if line != "" { // a document has no empty text
				content = append(content, map[string]any{"type": "text", "text": line})
			}
		}
		if content != nil {
			paragraphs = append(paragraphs, map[string]any{"type": "paragraph", "content": content})
		}
	}
	return map[string]any{"type": "doc", "version": 1, "content": paragraphs}, nil
}
