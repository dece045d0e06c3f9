package access

import (
	"context"
	"strconv"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// conditions are the condition keys of a call, found when a policy asks for
// them: those of the operation, of the caller, and the global ones.
type conditions struct {
	ctx        context.Context //nolint:containedctx // it lives as long as the call
	authorizer *Authorizer
	holder     *holder
	call       policy.Keys
	account    string // of the resource
	imagined   bool   // nobody makes the call, so nothing is known of where it comes from
	resource   string

	// err is why tags could not be read.
	err    error
	tags   map[string]string
	tagged string // the resource whose tags these are
}

// Values implements policy.Context.
func (c *conditions) Values(key string) []string {
	if v := c.call.Values(key); v != nil {
		return v
	}
	if v, ok := c.holder.keys[key]; ok {
		return v
	}
	if tag, ok := strings.CutPrefix(key, "aws:resourcetag/"); ok {
		return c.resourceTag(tag)
	}
	switch key {
	case "aws:currenttime":
		return []string{api.Time(c.ctx).UTC().Format(time.RFC3339)}
	case "aws:epochtime":
		return []string{strconv.FormatInt(api.Time(c.ctx).Unix(), 10)}
	case "aws:resourceaccount":
		return some(c.account)
	case "aws:viaawsservice":
		return []string{"false"}
	case "iam:passedtoservice": // what a role is passed to, where one is
		return []string{"quicksight.amazonaws.com"}
	}
	if c.imagined {
		return nil
	}
	switch key {
	case "aws:securetransport":
		return []string{strconv.FormatBool(api.From(c.ctx).Secure)}
	case "aws:sourceip":
		return some(api.From(c.ctx).Address)
	case "aws:useragent":
		return some(api.From(c.ctx).UserAgent)
	case "aws:referer":
		return some(api.From(c.ctx).Referer)
	case "aws:requestedregion":
		return some(api.Region(c.ctx))
	}
	return nil
}

func some(v string) []string {
	if v == "" {
		return nil
	}
	return []string{v}
}

// resourceTag gives the value of a tag of the resource. Keys of tags in
// policies have no case.
func (c *conditions) resourceTag(key string) []string {
	if c.tagged != c.resource && c.resource != "*" && c.err == nil {
		c.err = c.authorizer.db.Read(c.ctx, func(tx *store.Tx) (err error) {
			c.tags, err = c.authorizer.tags.Of(tx, c.resource)
			return err
		})
		c.tagged = c.resource
	}
	for name, v := range c.tags {
		if c.tagged == c.resource && strings.EqualFold(name, key) {
			return []string{v}
		}
	}
	return nil
}
