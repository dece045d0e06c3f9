package iam

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// tagRoutes are alike for all that has tags: whose they are is what differs.
func (s *Service) tagRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.TagUser, func(ctx context.Context, in *iamapi.TagUserRequest) policy.Target {
			return s.onUser(ctx, in.UserName, requestTags(in.Tags))
		}, func(ctx context.Context, in *iamapi.TagUserRequest) (*iamapi.TagUserResponse, error) {
			return &iamapi.TagUserResponse{}, s.tag(ctx, s.userTags(ctx, in.UserName), in.Tags)
		}),
		api.Handle(iamapi.UntagUser, func(ctx context.Context, in *iamapi.UntagUserRequest) policy.Target {
			return s.onUser(ctx, in.UserName, requestTagKeys(in.TagKeys))
		}, func(ctx context.Context, in *iamapi.UntagUserRequest) (*iamapi.UntagUserResponse, error) {
			return &iamapi.UntagUserResponse{}, s.untag(ctx, s.userTags(ctx, in.UserName), in.TagKeys)
		}),
		api.Handle(iamapi.ListUserTags, func(ctx context.Context, in *iamapi.ListUserTagsRequest) policy.Target {
			return s.onUser(ctx, in.UserName)
		}, func(ctx context.Context, in *iamapi.ListUserTagsRequest) (out *iamapi.ListUserTagsResponse, err error) {
			out = &iamapi.ListUserTagsResponse{}
			out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, s.userTags(ctx, in.UserName), in.Marker, in.MaxItems)
			return out, err
		}),

		api.Handle(iamapi.TagRole, func(ctx context.Context, in *iamapi.TagRoleRequest) policy.Target {
			return s.onRole(ctx, in.RoleName, requestTags(in.Tags))
		}, func(ctx context.Context, in *iamapi.TagRoleRequest) (*iamapi.TagRoleResponse, error) {
			return &iamapi.TagRoleResponse{}, s.tag(ctx, s.roleTags(ctx, in.RoleName), in.Tags)
		}),
		api.Handle(iamapi.UntagRole, func(ctx context.Context, in *iamapi.UntagRoleRequest) policy.Target {
			return s.onRole(ctx, in.RoleName, requestTagKeys(in.TagKeys))
		}, func(ctx context.Context, in *iamapi.UntagRoleRequest) (*iamapi.UntagRoleResponse, error) {
			return &iamapi.UntagRoleResponse{}, s.untag(ctx, s.roleTags(ctx, in.RoleName), in.TagKeys)
		}),
		api.Handle(iamapi.ListRoleTags, func(ctx context.Context, in *iamapi.ListRoleTagsRequest) policy.Target {
			return s.onRole(ctx, in.RoleName)
		}, func(ctx context.Context, in *iamapi.ListRoleTagsRequest) (out *iamapi.ListRoleTagsResponse, err error) {
			out = &iamapi.ListRoleTagsResponse{}
			out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, s.roleTags(ctx, in.RoleName), in.Marker, in.MaxItems)
			return out, err
		}),

		api.Handle(iamapi.TagPolicy, func(ctx context.Context, in *iamapi.TagPolicyRequest) policy.Target {
			return s.onPolicy(ctx, in.PolicyArn, requestTags(in.Tags))
		}, func(ctx context.Context, in *iamapi.TagPolicyRequest) (*iamapi.TagPolicyResponse, error) {
			return &iamapi.TagPolicyResponse{}, s.tag(ctx, s.policyTags(ctx, in.PolicyArn), in.Tags)
		}),
		api.Handle(iamapi.UntagPolicy, func(ctx context.Context, in *iamapi.UntagPolicyRequest) policy.Target {
			return s.onPolicy(ctx, in.PolicyArn, requestTagKeys(in.TagKeys))
		}, func(ctx context.Context, in *iamapi.UntagPolicyRequest) (*iamapi.UntagPolicyResponse, error) {
			return &iamapi.UntagPolicyResponse{}, s.untag(ctx, s.policyTags(ctx, in.PolicyArn), in.TagKeys)
		}),
		api.Handle(iamapi.ListPolicyTags, func(ctx context.Context, in *iamapi.ListPolicyTagsRequest) policy.Target {
			return s.onPolicy(ctx, in.PolicyArn)
		}, func(ctx context.Context, in *iamapi.ListPolicyTagsRequest) (out *iamapi.ListPolicyTagsResponse, err error) {
			out = &iamapi.ListPolicyTagsResponse{}
			out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, s.policyTags(ctx, in.PolicyArn), in.Marker, in.MaxItems)
			return out, err
		}),

		api.Handle(iamapi.TagOpenIDConnectProvider, func(ctx context.Context, in *iamapi.TagOpenIDConnectProviderRequest) policy.Target {
			return s.onProvider(ctx, in.OpenIDConnectProviderArn, requestTags(in.Tags))
		}, func(ctx context.Context, in *iamapi.TagOpenIDConnectProviderRequest) (*iamapi.TagOpenIDConnectProviderResponse, error) {
			return &iamapi.TagOpenIDConnectProviderResponse{}, s.tag(ctx, s.oidcTags(ctx, in.OpenIDConnectProviderArn), in.Tags)
		}),
		api.Handle(iamapi.UntagOpenIDConnectProvider, func(ctx context.Context, in *iamapi.UntagOpenIDConnectProviderRequest) policy.Target {
			return s.onProvider(ctx, in.OpenIDConnectProviderArn, requestTagKeys(in.TagKeys))
		}, func(ctx context.Context, in *iamapi.UntagOpenIDConnectProviderRequest) (*iamapi.UntagOpenIDConnectProviderResponse, error) {
			return &iamapi.UntagOpenIDConnectProviderResponse{}, s.untag(ctx, s.oidcTags(ctx, in.OpenIDConnectProviderArn), in.TagKeys)
		}),
		api.Handle(iamapi.ListOpenIDConnectProviderTags, func(ctx context.Context, in *iamapi.ListOpenIDConnectProviderTagsRequest) policy.Target {
			return s.onProvider(ctx, in.OpenIDConnectProviderArn)
		}, func(ctx context.Context, in *iamapi.ListOpenIDConnectProviderTagsRequest) (out *iamapi.ListOpenIDConnectProviderTagsResponse, err error) {
			out = &iamapi.ListOpenIDConnectProviderTagsResponse{}
			out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, s.oidcTags(ctx, in.OpenIDConnectProviderArn), in.Marker, in.MaxItems)
			return out, err
		}),

		api.Handle(iamapi.TagSAMLProvider, func(ctx context.Context, in *iamapi.TagSAMLProviderRequest) policy.Target {
			return s.onProvider(ctx, in.SAMLProviderArn, requestTags(in.Tags))
		}, func(ctx context.Context, in *iamapi.TagSAMLProviderRequest) (*iamapi.TagSAMLProviderResponse, error) {
			return &iamapi.TagSAMLProviderResponse{}, s.tag(ctx, s.samlTags(ctx, in.SAMLProviderArn), in.Tags)
		}),
		api.Handle(iamapi.UntagSAMLProvider, func(ctx context.Context, in *iamapi.UntagSAMLProviderRequest) policy.Target {
			return s.onProvider(ctx, in.SAMLProviderArn, requestTagKeys(in.TagKeys))
		}, func(ctx context.Context, in *iamapi.UntagSAMLProviderRequest) (*iamapi.UntagSAMLProviderResponse, error) {
			return &iamapi.UntagSAMLProviderResponse{}, s.untag(ctx, s.samlTags(ctx, in.SAMLProviderArn), in.TagKeys)
		}),
		api.Handle(iamapi.ListSAMLProviderTags, func(ctx context.Context, in *iamapi.ListSAMLProviderTagsRequest) policy.Target {
			return s.onProvider(ctx, in.SAMLProviderArn)
		}, func(ctx context.Context, in *iamapi.ListSAMLProviderTagsRequest) (out *iamapi.ListSAMLProviderTagsResponse, err error) {
			out = &iamapi.ListSAMLProviderTagsResponse{}
			out.Tags, out.IsTruncated, out.Marker, err = s.listTags(ctx, s.samlTags(ctx, in.SAMLProviderArn), in.Marker, in.MaxItems)
			return out, err
		}),
	}
}

// A tagged finds what has the tags of a request, as iam_tags names it.
type tagged func(tx *store.Tx) (id string, err error)

func (s *Service) userTags(ctx context.Context, name string) tagged {
	return func(tx *store.Tx) (string, error) {
		u, err := s.user(tx, account(ctx), name)
		return u.ID, err
	}
}

func (s *Service) roleTags(ctx context.Context, name string) tagged {
	return func(tx *store.Tx) (string, error) {
		r, err := s.role(tx, account(ctx), name)
		return r.ID, err
	}
}

// policyTags finds a policy of the account. Those of AWS have no tags, and
// nobody here gives them any.
func (s *Service) policyTags(ctx context.Context, policyARN string) tagged {
	return func(tx *store.Tx) (string, error) {
		id, err := store.One[string](tx, `SELECT id FROM iam_policies WHERE account = $1 AND arn = $2`, account(ctx), policyARN)
		if errors.Is(err, store.ErrNotFound) {
			return "", noSuchEntity("Policy %s was not found.", policyARN)
		}
		return id, err
	}
}

func (s *Service) oidcTags(ctx context.Context, providerARN string) tagged {
	return func(tx *store.Tx) (string, error) {
		url, err := store.One[string](tx, `SELECT url FROM iam_oidc_providers WHERE account = $1 AND url = $2`,
			account(ctx), nameIn(ctx, "oidc-provider", providerARN))
		if errors.Is(err, store.ErrNotFound) {
			return "", noSuchEntity("OpenIDConnect Provider not found for arn %s", providerARN)
		}
		return iamARN(account(ctx), "oidc-provider", "/", url), err
	}
}

func (s *Service) samlTags(ctx context.Context, providerARN string) tagged {
	return func(tx *store.Tx) (string, error) {
		name, err := store.One[string](tx, `SELECT name FROM iam_saml_providers WHERE account = $1 AND name = $2`,
			account(ctx), nameIn(ctx, "saml-provider", providerARN))
		if errors.Is(err, store.ErrNotFound) {
			return "", noSuchEntity("Manifest not found for arn %s", providerARN)
		}
		return iamARN(account(ctx), "saml-provider", "/", name), err
	}
}

// nameIn is the name in the ARN of a provider of the caller's account, empty
// in any other.
func nameIn(ctx context.Context, kind, providerARN string) string {
	name, ok := strings.CutPrefix(providerARN, iamARN(account(ctx), kind, "/", ""))
	if !ok {
		return ""
	}
	return name
}

// onProvider is the target of operations on a provider of identities, which
// may not be there. Its tags are kept under its ARN.
func (s *Service) onProvider(ctx context.Context, providerARN string, keys ...policy.Keys) policy.Target {
	var tags policy.Keys
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		tags, err = resourceTags(tx, providerARN)
		return err
	})
	t, ok := target(ctx, err, providerARN, providerARN)
	if !ok {
		return t
	}
	return with(t, append(keys, tags)...)
}

// tag gives an owner tags.
func (s *Service) tag(ctx context.Context, whose tagged, tags []iamapi.Tag) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		id, err := whose(tx)
		if err != nil {
			return err
		}
		if err := putTags(tx, account(ctx), id, tags); err != nil {
			return err
		}
		return s.changed(tx, account(ctx))
	})
}

// untag takes tags away, as far as they are there.
func (s *Service) untag(ctx context.Context, whose tagged, keys []string) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		id, err := whose(tx)
		if err != nil {
			return err
		}
		for _, k := range keys {
			if _, err := tx.Exec(`DELETE FROM iam_tags WHERE owner = $1 AND key_key = $2`, id, strings.ToLower(k)); err != nil {
				return err
			}
		}
		return s.changed(tx, account(ctx))
	})
}

// listTags lists the tags of an owner by key.
func (s *Service) listTags(
	ctx context.Context, whose tagged, marker *string, maxItems *int32,
) (tags []iamapi.Tag, truncated *bool, next *string, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		id, err := whose(tx)
		if err != nil {
			return err
		}
		l, err := s.listing(marker, maxItems, "ListTags", id)
		if err != nil {
			return err
		}
		all, err := tagsOf(tx, id)
		if err != nil {
			return err
		}
		// There are at most 50.
		slices.SortFunc(all, func(a, b iamapi.Tag) int { return cmp.Compare(place(a.Key), place(b.Key)) })
		all = slices.DeleteFunc(all, func(t iamapi.Tag) bool { return place(t.Key) <= l.after() })
		tags, truncated, next = cut(l, all, func(t *iamapi.Tag) []string { return []string{place(t.Key)} })
		return nil
	})
	return tags, truncated, next, err
}

// place is where a tag stands in lists: by its key in lower case, and by a
// hash of what would not fit into a Marker.
func place(key string) string {
	const most = 150
	k := strings.ToLower(key)
	if len(k) <= most {
		return k
	}
	sum := sha256.Sum256([]byte(k))
	hash := hex.EncodeToString(sum[:16])
	return k[:most-len(hash)] + hash
}

// maxTags is how many tags a user, role, policy or provider may have.
const maxTags = 50

// tag is part of a row of the table iam_tags.
type tag struct {
	Key   string `db:"key"`
	Value string `db:"value"`
}

// tagsOf reads the tags of an owner: the id of a user, role or policy, or the
// ARN of a provider.
func tagsOf(tx *store.Tx, owner string) ([]iamapi.Tag, error) {
	rows, err := store.All[tag](tx, `SELECT key, value FROM iam_tags WHERE owner = $1 ORDER BY key_key`, owner)
	return shown(rows), err
}

func shown(rows []tag) []iamapi.Tag {
	tags := make([]iamapi.Tag, len(rows))
	for i, r := range rows {
		tags[i] = iamapi.Tag(r)
	}
	return tags
}

// putTags gives an owner tags, or new values to those that it has. It refuses
// keys that come twice or are reserved, and more than 50 tags.
func putTags(tx *store.Tx, account, owner string, tags []iamapi.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		k := strings.ToLower(t.Key)
		if seen[k] {
			return invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[k] = true
		if strings.HasPrefix(k, "aws:") {
			return invalidInput("The tag key %s is reserved: tag keys cannot start with aws:.", t.Key)
		}
		_, err := tx.Exec(`INSERT INTO iam_tags (owner, key_key, account, key, value) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (owner, key_key) DO UPDATE SET key = excluded.key, value = excluded.value`, owner, k, account, t.Key, t.Value)
		if err != nil {
			return err
		}
	}
	n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_tags WHERE owner = $1`, owner)
	if err == nil && n > maxTags {
		err = limitExceeded("TagsPerResource: %d", maxTags)
	}
	return err
}

// dropTags removes all tags of an owner that goes away.
func dropTags(tx *store.Tx, owner string) error {
	_, err := tx.Exec(`DELETE FROM iam_tags WHERE owner = $1`, owner)
	return err
}

// resourceTags are the tags of an owner as condition keys.
func resourceTags(tx *store.Tx, owner string) (policy.Keys, error) {
	tags, err := tagsOf(tx, owner)
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	keys := make(policy.Keys, 2*len(tags))
	for _, t := range tags {
		k := strings.ToLower(t.Key)
		keys["aws:resourcetag/"+k] = []string{t.Value}
		keys["iam:resourcetag/"+k] = []string{t.Value}
	}
	return keys, nil
}

// requestTags are the tags that a request brings as condition keys.
func requestTags(tags []iamapi.Tag) policy.Keys {
	if len(tags) == 0 {
		return nil
	}
	keys := make(policy.Keys, len(tags)+1)
	for _, t := range tags {
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], t.Key)
		k := "aws:requesttag/" + strings.ToLower(t.Key)
		keys[k] = append(keys[k], t.Value)
	}
	return keys
}

// requestTagKeys are the keys of tags that a request takes away.
func requestTagKeys(keys []string) policy.Keys {
	if len(keys) == 0 {
		return nil
	}
	return policy.Keys{"aws:tagkeys": keys}
}
