package app

import (
	"context"
	"fmt"

	"onsight/internal/iam"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/signin"
	"onsight/internal/snapshot"
	"onsight/internal/store"
)

// userRoles and identityTypes are what the columns of users may hold.
var (
	userRoles = texts(qs.UserRoleAdmin, qs.UserRoleAuthor, qs.UserRoleReader, qs.UserRoleAdminPro, qs.UserRoleAuthorPro, qs.UserRoleReaderPro,
		qs.UserRoleRestrictedAuthor, qs.UserRoleRestrictedReader)
	identityTypes = texts(qs.IdentityTypeIAM, qs.IdentityTypeQuicksight, qs.IdentityTypeIAMIdentityCenter)
)

func texts[T ~string](values ...T) []string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = string(v)
	}
	return all
}

// ofResources selects the rows of a table by ARN that belong to the account's resources.
const ofResources = `arn IN (SELECT arn FROM resources WHERE account = $1)`

func to(kind, of string, columns ...string) snapshot.Ref {
	return snapshot.Ref{Columns: columns, Kind: kind, Of: []string{of}}
}

// inNamespace says that a row is of a namespace, and, where columns are given,
// about a row of another kind in it.
func inNamespace(more ...snapshot.Ref) []snapshot.Ref {
	refs := []snapshot.Ref{to("namespaces", "name", "namespace")}
	for _, m := range more {
		refs = append(refs, snapshot.Ref{Columns: append([]string{"namespace"}, m.Columns...), Kind: m.Kind, Of: append([]string{"namespace"}, m.Of...)})
	}
	return refs
}

// joinSnapshots makes what takes accounts out of the server and into it.
func (h *house) joinSnapshots(context.Context) error {
	snapshots := snapshot.New(snapshot.Config{
		DB: h.db, Keys: h.keys, Tokens: h.tokens, Now: h.Now, Tables: snapshotTables(),
		Busy:    []func(*store.Tx, string) error{h.accounts.Busy, resource.Busy, h.centre.Busy},
		Applied: append(h.restored, h.entities.Recount, h.users.Recount, h.accounts.Restored, h.brands.Restored),
	})
	h.accounts.OnPurge(snapshots.Purge)
	h.add(snapshots.Routes()...)
	return nil
}

// snapshotTables are the tables that hold what belongs to an account, those
// first that others refer to.
func snapshotTables() []snapshot.Table {
	type sealed = map[string]func(row func(string) any) string
	secret := func(row func(string) any) string {
		return resource.SecretContext(fmt.Sprint(row("arn")), fmt.Sprint(row("field")), row("version").(int64))
	}
	accessKey := func(row func(string) any) string { return iam.SecretContext(fmt.Sprint(row("id"))) }
	app := func(row func(string) any) string {
		return signin.TOTPContext(fmt.Sprint(row("account")), fmt.Sprint(row("namespace")), fmt.Sprint(row("user_name")))
	}
	return []snapshot.Table{
		{Name: "subscriptions", Kind: "subscription", Layout: snapshot.Files, JSON: []string{"contact", "directory", "subscriber"}},
		{Name: "namespaces", Kind: "namespaces", Layout: snapshot.Files},
		{Name: "account_documents", Kind: "settings", Layout: snapshot.Files, JSON: []string{"doc"}, Clock: []string{"version"}},
		{Name: "custom_permissions", Kind: "custom-permissions", Layout: snapshot.Files, JSON: []string{"capabilities", "governance"}},
		{
			Name: "users", Kind: "users", Layout: snapshot.Lines, Enums: map[string][]string{"role": userRoles, "identity_type": identityTypes},
			Refs: append(inNamespace(), to("custom-permissions", "name", "custom_permissions")),
		},
		{Name: "invitations", Kind: "invitations", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "passwords", Kind: "passwords", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "factor_policies", Kind: "second-factor-policy", Layout: snapshot.Files},
		{Name: "totp_factors", Kind: "totp-factors", Layout: snapshot.Lines, Sealed: sealed{"secret": app}, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "passkey_handles", Kind: "passkey-handles", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "passkeys", Kind: "passkeys", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "recovery_codes", Kind: "recovery-codes", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "user_groups", Kind: "groups", Layout: snapshot.Lines, Refs: inNamespace()},
		{Name: "group_members", Kind: "group-members", Layout: snapshot.Lines, Refs: inNamespace(to("groups", "name", "group_name"), to("users", "name", "user_name"))},
		{Name: "role_memberships", Kind: "role-memberships", Layout: snapshot.Lines, Enums: map[string][]string{"role": userRoles}, Refs: inNamespace()},
		{
			Name: "role_custom_permissions", Kind: "role-custom-permissions", Layout: snapshot.Lines, Enums: map[string][]string{"role": userRoles},
			Refs: append(inNamespace(), to("custom-permissions", "name", "profile")),
		},
		{Name: "account_custom_permissions", Kind: "account-custom-permissions", Layout: snapshot.Files, Refs: []snapshot.Ref{to("custom-permissions", "name", "profile")}},
		{Name: "self_upgrade_settings", Kind: "self-upgrade-settings", Layout: snapshot.Lines, Refs: inNamespace()},
		{Name: "self_upgrades", Kind: "self-upgrades", Layout: snapshot.Lines, Refs: inNamespace(to("users", "name", "user_name"))},
		{Name: "iam_policy_assignments", Kind: "iam-policy-assignments", Layout: snapshot.Lines, Refs: inNamespace()},
		{
			Name: "iam_policy_assignees", Kind: "iam-policy-assignees", Layout: snapshot.Lines, Enums: map[string][]string{"kind": {"user", "group"}},
			Refs: inNamespace(to("iam-policy-assignments", "name", "assignment")),
		},
		{Name: "resources", Kind: "resources", Layout: snapshot.Files, JSON: []string{"doc"}},
		{Name: "resource_permissions", Kind: "permissions", Layout: snapshot.Lines, Where: ofResources, JSON: []string{"actions"}, Refs: []snapshot.Ref{to("resources", "arn", "arn")}},
		{Name: "resource_secrets", Kind: "secrets", Layout: snapshot.Lines, Where: ofResources, Sealed: sealed{"sealed": secret}, Refs: []snapshot.Ref{to("resources", "arn", "arn")}},
		{Name: "connector_definitions", Kind: "connector-definitions", Layout: snapshot.Files, Enums: map[string][]string{"kind": {"MCP", "OPENAPI"}}, Refs: []snapshot.Ref{to("resources", "arn", "arn")}},
		{Name: "folder_tree", Kind: "folder-tree", Layout: snapshot.Lines, Refs: []snapshot.Ref{to("resources", "arn", "arn")}},
		{
			Name: "folder_members", Kind: "folder-members", Layout: snapshot.Lines, Where: `folder IN (SELECT arn FROM resources WHERE account = $1)`,
			Refs: []snapshot.Ref{to("resources", "arn", "folder"), to("resources", "arn", "member")},
		},
		{
			Name: "brand_versions", Kind: "brand-versions", Layout: snapshot.Files, JSON: []string{"errors", "definition"},
			Refs: []snapshot.Ref{to("resources", "id", "brand")},
		},
		{
			Name: "brand_images", Kind: "brand-images", Layout: snapshot.Lines,
			Refs: []snapshot.Ref{{Columns: []string{"brand", "version"}, Kind: "brand-versions", Of: []string{"brand", "version"}}},
		},
		{Name: "brand_assignments", Kind: "brand-assignment", Layout: snapshot.Files, Refs: []snapshot.Ref{to("resources", "id", "brand")}},
		{
			Name: "limits_assignments", Kind: "limits-assignments", Layout: snapshot.Lines,
			Enums: map[string][]string{"kind": {"user", "group", "role", "account"}}, Refs: []snapshot.Ref{to("resources", "id", "profile")},
		},
		{Name: "limits_tokens", Kind: "limits-tokens", Layout: snapshot.Lines, Refs: []snapshot.Ref{to("resources", "id", "profile")}},
		{Name: "federation_redirects", Kind: "federation-redirect", Layout: snapshot.Files},
		{Name: "embed_domains", Kind: "embed-domains", Layout: snapshot.Lines},
		{Name: "scim_users", Kind: "scim/users", Layout: snapshot.Lines, JSON: []string{"doc"}, Refs: inNamespace()},
		{Name: "scim_emails", Kind: "scim/emails", Layout: snapshot.Lines, Refs: inNamespace(to("scim/users", "id", "user_id"))},
		{Name: "scim_groups", Kind: "scim/groups", Layout: snapshot.Lines, JSON: []string{"doc"}, Refs: inNamespace(to("groups", "name", "name"))},
		{
			Name: "scim_members", Kind: "scim/members", Layout: snapshot.Lines,
			Refs: inNamespace(to("scim/groups", "id", "group_id"), to("scim/users", "id", "user_id")),
		},
		{Name: "scim_matching", Kind: "scim/matching", Layout: snapshot.Files, Refs: inNamespace()},
		{Name: "tags", Kind: "tags", Layout: snapshot.Lines},

		{Name: "iam_aliases", Kind: "iam/aliases", Layout: snapshot.Files},
		{Name: "iam_users", Kind: "iam/users", Layout: snapshot.Lines},
		{Name: "iam_groups", Kind: "iam/groups", Layout: snapshot.Lines},
		{Name: "iam_group_members", Kind: "iam/group-members", Layout: snapshot.Lines, Refs: []snapshot.Ref{to("iam/groups", "id", "group_id"), to("iam/users", "id", "user_id")}},
		{Name: "iam_roles", Kind: "iam/roles", Layout: snapshot.Files, JSON: []string{"trust"}},
		{Name: "iam_access_keys", Kind: "iam/access-keys", Layout: snapshot.Lines, Sealed: sealed{"secret": accessKey}, Refs: []snapshot.Ref{to("iam/users", "id", "user_id")}},
		{Name: "iam_policies", Kind: "iam/policies", Layout: snapshot.Lines},
		{
			Name: "iam_policy_versions", Kind: "iam/policy-versions", Layout: snapshot.Files, JSON: []string{"document"},
			Refs: []snapshot.Ref{to("iam/policies", "id", "policy_id")},
		},
		{Name: "iam_inline_policies", Kind: "iam/inline-policies", Layout: snapshot.Files, JSON: []string{"document"}},
		{Name: "iam_attachments", Kind: "iam/attachments", Layout: snapshot.Lines},
		{Name: "iam_tags", Kind: "iam/tags", Layout: snapshot.Lines},
		{Name: "iam_oidc_providers", Kind: "iam/oidc-providers", Layout: snapshot.Files, JSON: []string{"client_ids", "thumbprints"}},
		{Name: "iam_saml_providers", Kind: "iam/saml-providers", Layout: snapshot.Files},
	}
}

// SnapshotTables are the names of the tables that are in snapshots.
func SnapshotTables() (names []string) {
	for _, t := range snapshotTables() {
		names = append(names, t.Name)
	}
	return names
}
