package iam

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/iamapi"
	"onsight/internal/store"
)

// The sections of the details in their order, as markers and filters know them.
const (
	usersSection    = "1"
	groupsSection   = "2"
	rolesSection    = "3"
	policiesSection = "4" // of the account
	awsSection      = "5" // AWS's own, as far as they are in use
)

var sections = []struct {
	name string
	of   iamapi.EntityType
}{
	{usersSection, iamapi.EntityTypeUser},
	{groupsSection, iamapi.EntityTypeGroup},
	{rolesSection, iamapi.EntityTypeRole},
	{policiesSection, iamapi.EntityTypeLocalManagedPolicy},
	{awsSection, iamapi.EntityTypeAWSManagedPolicy},
}

// getAccountAuthorizationDetails lists the users, groups, roles and managed
// policies of the account with all that decides what they may do. A page counts
// the entities of all four.
func (s *Service) getAccountAuthorizationDetails(
	ctx context.Context, in *iamapi.GetAccountAuthorizationDetailsRequest,
) (*iamapi.GetAccountAuthorizationDetailsResponse, error) {
	filter := make([]string, len(in.Filter))
	for i, f := range in.Filter {
		filter[i] = string(f)
	}
	slices.Sort(filter)
	l, err := s.listing(in.Marker, in.MaxItems, append([]string{"GetAccountAuthorizationDetails", account(ctx)}, slices.Compact(filter)...)...)
	if err != nil {
		return nil, err
	}
	section, after := usersSection, ""
	if len(l.key) == 2 {
		section, after = l.key[0], l.key[1]
	}
	d := &details{Service: s, account: account(ctx), out: &iamapi.GetAccountAuthorizationDetailsResponse{
		UserDetailList: []iamapi.UserDetail{}, GroupDetailList: []iamapi.GroupDetail{},
		RoleDetailList: []iamapi.RoleDetail{}, Policies: []iamapi.ManagedPolicyDetail{},
	}}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		left := l.rows()
		for _, part := range sections {
			if part.name < section || len(in.Filter) > 0 && !slices.Contains(in.Filter, part.of) {
				continue
			}
			if part.name > section {
				after = ""
			}
			keys, err := d.read(tx, part.name, after, left)
			if err != nil {
				return err
			}
			// One more than the page shows has been read to know that there is
			// more: it is taken back.
			if left -= len(keys); left == 0 {
				d.drop(part.name)
				d.keys = d.keys[:len(d.keys)-1]
				break
			}
		}
		d.out.IsTruncated = new(left == 0)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if *d.out.IsTruncated {
		d.out.Marker = new(s.tokens.Next(l.scope, d.keys[len(d.keys)-1]...))
	}
	return d.out, nil
}

// details gathers a page.
type details struct {
	*Service
	account string
	out     *iamapi.GetAccountAuthorizationDetailsResponse
	keys    [][]string // of all that was gathered, in order
}

// read gathers up to limit entities of a section after one of them.
func (d *details) read(tx *store.Tx, section, after string, limit int) (keys []string, err error) {
	switch section {
	case usersSection:
		keys, err = d.users(tx, after, limit)
	case groupsSection:
		keys, err = d.groups(tx, after, limit)
	case rolesSection:
		keys, err = d.roles(tx, after, limit)
	case policiesSection:
		keys, err = d.policies(tx, after, limit)
	default:
		keys, err = d.awsPolicies(tx, after, limit)
	}
	for _, k := range keys {
		d.keys = append(d.keys, []string{section, k})
	}
	return keys, err
}

// drop takes back the last entity of a section.
func (d *details) drop(section string) {
	switch section {
	case usersSection:
		d.out.UserDetailList = d.out.UserDetailList[:len(d.out.UserDetailList)-1]
	case groupsSection:
		d.out.GroupDetailList = d.out.GroupDetailList[:len(d.out.GroupDetailList)-1]
	case rolesSection:
		d.out.RoleDetailList = d.out.RoleDetailList[:len(d.out.RoleDetailList)-1]
	default:
		d.out.Policies = d.out.Policies[:len(d.out.Policies)-1]
	}
}

func (d *details) users(tx *store.Tx, after string, limit int) (keys []string, err error) {
	rows, err := store.All[user](tx, `SELECT `+userColumns+` FROM iam_users WHERE account = $1 AND name_key > $2 ORDER BY name_key LIMIT $3`,
		d.account, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	first, last := rows[0].NameKey, rows[len(rows)-1].NameKey
	has, err := d.possessions(tx, "iam_users", first, last)
	if err != nil {
		return nil, err
	}
	memberships, err := store.All[struct {
		User  string `db:"user_id"`
		Group string `db:"name"`
	}](tx, `SELECT m.user_id, g.name FROM iam_users u JOIN iam_group_members m ON m.user_id = u.id JOIN iam_groups g ON g.id = m.group_id
		WHERE u.account = $1 AND u.name_key >= $2 AND u.name_key <= $3 ORDER BY g.name_key`, d.account, first, last)
	if err != nil {
		return nil, err
	}
	groups := map[string][]string{}
	for _, m := range memberships {
		groups[m.User] = append(groups[m.User], m.Group)
	}
	for i := range rows {
		u, of := &rows[i], has[rows[i].ID]
		out := iamapi.UserDetail{
			Arn: new(u.arn()), CreateDate: date(u.CreatedUS), Path: &u.Path, UserId: &u.ID, UserName: &u.Name,
			AttachedManagedPolicies: listed(of.attached), GroupList: listed(groups[u.ID]), Tags: listed(of.tags),
			PermissionsBoundary: boundaryOf(u.Boundary),
		}
		// Of users alone, an empty list is left out.
		if len(of.inline) > 0 {
			out.UserPolicyList = of.inline
		}
		d.out.UserDetailList = append(d.out.UserDetailList, out)
		keys = append(keys, u.NameKey)
	}
	return keys, nil
}

func (d *details) groups(tx *store.Tx, after string, limit int) (keys []string, err error) {
	rows, err := store.All[group](tx, `SELECT `+groupColumns+` FROM iam_groups WHERE account = $1 AND name_key > $2 ORDER BY name_key LIMIT $3`,
		d.account, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	has, err := d.possessions(tx, "iam_groups", rows[0].NameKey, rows[len(rows)-1].NameKey)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		g, of := &rows[i], has[rows[i].ID]
		d.out.GroupDetailList = append(d.out.GroupDetailList, iamapi.GroupDetail{
			Arn: new(g.arn()), CreateDate: date(g.CreatedUS), GroupId: &g.ID, GroupName: &g.Name, Path: &g.Path,
			AttachedManagedPolicies: listed(of.attached), GroupPolicyList: listed(of.inline),
		})
		keys = append(keys, g.NameKey)
	}
	return keys, nil
}

func (d *details) roles(tx *store.Tx, after string, limit int) (keys []string, err error) {
	rows, err := store.All[role](tx, `SELECT `+roleColumns+` FROM iam_roles WHERE account = $1 AND name_key > $2 ORDER BY name_key LIMIT $3`,
		d.account, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	has, err := d.possessions(tx, "iam_roles", rows[0].NameKey, rows[len(rows)-1].NameKey)
	if err != nil {
		return nil, err
	}
	kept := make([]string, len(rows))
	for i := range rows {
		kept[i] = rows[i].Trust
	}
	trust, err := shownTrust(tx, kept...)
	if err != nil {
		return nil, err
	}
	for i := range rows {
		r, of := &rows[i], has[rows[i].ID]
		out := iamapi.RoleDetail{
			Arn: new(r.arn()), AssumeRolePolicyDocument: encoded(trust[i]), CreateDate: date(r.CreatedUS), Path: &r.Path, RoleId: &r.ID,
			RoleName: &r.Name, AttachedManagedPolicies: listed(of.attached), RolePolicyList: listed(of.inline), Tags: listed(of.tags),
			InstanceProfileList: []iamapi.InstanceProfile{}, PermissionsBoundary: boundaryOf(r.Boundary),
			RoleLastUsed: &iamapi.RoleLastUsed{LastUsedDate: dateOrNil(r.LastUsedUS), Region: r.LastUsedRegion},
		}
		if u, ok := d.lastUse(r.ID); ok {
			out.RoleLastUsed = &iamapi.RoleLastUsed{LastUsedDate: date(u.us), Region: &u.Region}
		}
		d.out.RoleDetailList = append(d.out.RoleDetailList, out)
		keys = append(keys, r.NameKey)
	}
	return keys, nil
}

func (d *details) policies(tx *store.Tx, after string, limit int) (keys []string, err error) {
	rows, err := store.All[managedPolicy](tx, `SELECT `+policyColumns+`, `+usageColumns+` FROM iam_policies p
		WHERE p.account = $1 AND p.name_key > $2 ORDER BY p.name_key LIMIT $3`, d.account, after, limit)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	versions, err := store.All[struct {
		Policy string `db:"policy_id"`
		policyVersion
	}](tx, `SELECT v.policy_id, v.version, v.document, v.created_us FROM iam_policies p JOIN iam_policy_versions v ON v.policy_id = p.id
		WHERE p.account = $1 AND p.name_key >= $2 AND p.name_key <= $3 ORDER BY v.version DESC`,
		d.account, rows[0].NameKey, rows[len(rows)-1].NameKey)
	if err != nil {
		return nil, err
	}
	of := map[string][]policyVersion{}
	for _, v := range versions {
		of[v.Policy] = append(of[v.Policy], v.policyVersion)
	}
	for i := range rows {
		d.addPolicy(&rows[i], of[rows[i].ID])
		keys = append(keys, rows[i].NameKey)
	}
	return keys, nil
}

func (d *details) awsPolicies(tx *store.Tx, after string, limit int) (keys []string, err error) {
	for _, p := range awsPolicies() {
		if p.ARN <= after || len(keys) == limit {
			continue
		}
		if p.usage, err = usageOf(tx, d.account, p.ARN); err != nil {
			return nil, err
		}
		if p.Attachments == 0 && p.Boundaries == 0 {
			continue
		}
		versions, err := versionsOf(tx, &p)
		if err != nil {
			return nil, err
		}
		d.addPolicy(&p, versions)
		keys = append(keys, p.ARN)
	}
	return keys, nil
}

// addPolicy adds a managed policy with all of its versions.
func (d *details) addPolicy(p *managedPolicy, versions []policyVersion) {
	shown := p.api()
	out := iamapi.ManagedPolicyDetail{
		Arn: shown.Arn, AttachmentCount: shown.AttachmentCount, CreateDate: shown.CreateDate, DefaultVersionId: shown.DefaultVersionId,
		Description: p.Description, IsAttachable: shown.IsAttachable, Path: shown.Path,
		PermissionsBoundaryUsageCount: shown.PermissionsBoundaryUsageCount, PolicyId: shown.PolicyId, PolicyName: shown.PolicyName,
		UpdateDate: shown.UpdateDate,
	}
	for i := range versions {
		v := versions[i].api(p.DefaultVersion)
		v.Document = encoded(versions[i].Document)
		out.PolicyVersionList = append(out.PolicyVersionList, v)
	}
	d.out.Policies = append(d.out.Policies, out)
}

// listed is a list as these details show it: empty rather than not there.
func listed[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// A possession is what users, groups and roles have.
type possession struct {
	attached []iamapi.AttachedPolicy
	inline   []iamapi.PolicyDetail
	tags     []iamapi.Tag
}

// possessions reads, by owner, what the entities of a table have whose names
// lie between two of them, both included.
func (d *details) possessions(tx *store.Tx, table, first, last string) (map[string]possession, error) {
	of := map[string]possession{}
	type row struct {
		Owner string `db:"owner"`
		A     string `db:"a"`
		B     string `db:"b"`
	}
	each := func(columns, from, order string, add func(p *possession, a, b string)) error {
		rows, err := store.All[row](tx, fmt.Sprintf(`SELECT x.owner, %s FROM %s e JOIN %s x ON x.owner = e.id
			WHERE e.account = $1 AND e.name_key >= $2 AND e.name_key <= $3 ORDER BY %s`, columns, table, from, order), d.account, first, last)
		for _, r := range rows {
			p := of[r.Owner]
			add(&p, r.A, r.B)
			of[r.Owner] = p
		}
		return err
	}
	err := each("x.policy_arn AS a, '' AS b", "iam_attachments", "x.policy_arn", func(p *possession, policyARN, _ string) {
		p.attached = append(p.attached, attached(policyARN))
	})
	if err != nil {
		return nil, err
	}
	err = each("x.name AS a, x.document AS b", "iam_inline_policies", "x.name", func(p *possession, name, document string) {
		p.inline = append(p.inline, iamapi.PolicyDetail{PolicyName: &name, PolicyDocument: encoded(document)})
	})
	if err != nil || strings.HasSuffix(table, "groups") { // which have no tags
		return of, err
	}
	err = each("x.key AS a, x.value AS b", "iam_tags", "x.key_key", func(p *possession, key, value string) {
		p.tags = append(p.tags, iamapi.Tag{Key: key, Value: value})
	})
	return of, err
}
