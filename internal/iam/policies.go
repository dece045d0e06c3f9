package iam

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// policyRoutes are the operations on managed policies, and on what policies
// users, groups and roles have.
func (s *Service) policyRoutes() []api.Route {
	return slices.Concat([]api.Route{
		api.Handle(iamapi.CreatePolicy, s.creatingPolicy, s.createPolicy),
		api.Handle(iamapi.GetPolicy, s.gettingPolicy, s.getPolicy),
		api.Handle(iamapi.ListPolicies, onAll, s.listPolicies),
		api.Handle(iamapi.DeletePolicy, s.deletingPolicy, s.deletePolicy),
	}, s.policyVersionRoutes(), s.inlinePolicyRoutes(), s.attachmentRoutes(), s.boundaryRoutes())
}

// managedPolicy is a row of the table iam_policies and, where it is asked for,
// how often the policy is used. One of AWS's own has no row; it is made by
// awsPolicy.
type managedPolicy struct {
	Account        string  `db:"account"`
	NameKey        string  `db:"name_key"`
	Name           string  `db:"name"`
	Path           string  `db:"path"`
	ID             string  `db:"id"`
	ARN            string  `db:"arn"`
	Description    *string `db:"description"`
	DefaultVersion int64   `db:"default_version"`
	NextVersion    int64   `db:"next_version"`
	CreatedUS      int64   `db:"created_us"`
	UpdatedUS      int64   `db:"updated_us"`
	usage
}

// usage is how often a policy is in use in an account.
type usage struct {
	Attachments int64 `db:"attachments"`
	Boundaries  int64 `db:"boundaries"`
}

// policyColumns are those of iam_policies p, usageColumns count what uses it.
const (
	policyColumns = `p.account, p.name_key, p.name, p.path, p.id, p.arn, p.description, p.default_version, p.next_version,
	p.created_us, p.updated_us`
	usageColumns = `(SELECT COUNT(*) FROM iam_attachments a WHERE a.account = p.account AND a.policy_arn = p.arn) AS attachments,
	(SELECT COUNT(*) FROM iam_users u WHERE u.account = p.account AND u.boundary = p.arn)
	+ (SELECT COUNT(*) FROM iam_roles r WHERE r.account = p.account AND r.boundary = p.arn) AS boundaries`
	unusedColumns = `0 AS attachments, 0 AS boundaries` // where nobody asks
)

// usageOf counts what uses a policy in an account.
func usageOf(tx *store.Tx, account, policyARN string) (usage, error) {
	return store.One[usage](tx, `SELECT (SELECT COUNT(*) FROM iam_attachments WHERE account = $1 AND policy_arn = $2) AS attachments,
		(SELECT COUNT(*) FROM iam_users WHERE account = $1 AND boundary = $2)
		+ (SELECT COUNT(*) FROM iam_roles WHERE account = $1 AND boundary = $2) AS boundaries`, account, policyARN)
}

// api gives the policy as IAM shows it in lists, without description and tags.
func (p *managedPolicy) api() iamapi.Policy {
	return iamapi.Policy{
		Arn: &p.ARN, AttachmentCount: small(p.Attachments), CreateDate: date(p.CreatedUS), DefaultVersionId: new(versionID(p.DefaultVersion)),
		IsAttachable: new(true), Path: &p.Path, PermissionsBoundaryUsageCount: small(p.Boundaries), PolicyId: &p.ID,
		PolicyName: &p.Name, UpdateDate: date(p.UpdatedUS),
	}
}

// small is a count as IAM shows it; quotas keep all of them small.
func small(n int64) *int32 { return new(int32(n)) }

// policyNamed reads the managed policy of an account with exactly this ARN,
// one of AWS's own too, without its usage; store.ErrNotFound where there is
// none. An ARN in another case is another ARN: policies that name it would not
// apply to it.
func (s *Service) policyNamed(tx *store.Tx, account, policyARN string) (managedPolicy, error) {
	if p, ok := awsPolicy(policyARN); ok {
		return p, nil
	}
	return store.One[managedPolicy](tx, `SELECT `+policyColumns+`, `+unusedColumns+` FROM iam_policies p WHERE p.arn = $1 AND p.account = $2`, policyARN, account)
}

// attachable is policyNamed for who wants to use the policy: NoSuchEntity where there is none.
func (s *Service) attachable(tx *store.Tx, account, policyARN string) (managedPolicy, error) {
	p, err := s.policyNamed(tx, account, policyARN)
	if errors.Is(err, store.ErrNotFound) {
		return p, noSuchEntity("Policy %s does not exist or is not attachable.", policyARN)
	}
	return p, err
}

// ownPolicy is policyNamed for operations that change the policy.
func (s *Service) ownPolicy(ctx context.Context, tx *store.Tx, operation, policyARN string) (managedPolicy, error) {
	p, err := s.policyNamed(tx, account(ctx), policyARN)
	if errors.Is(err, store.ErrNotFound) {
		return p, noSuchEntity("Policy %s was not found.", policyARN)
	}
	if err != nil {
		return p, err
	}
	return p, p.changeable(ctx, operation)
}

// changeable denies operations that change one of AWS's own policies, which
// are another account's.
func (p *managedPolicy) changeable(ctx context.Context, operation string) error {
	if p.Account == account(ctx) {
		return nil
	}
	return fault.Forbidden("User: %s is not authorized to perform: iam:%s on resource: policy %s", api.Caller(ctx).ARN, operation, p.ARN)
}

// checkPolicyARN refuses what cannot be the ARN of a managed policy.
func checkPolicyARN(policyARN string) error {
	if !isPolicyARN(policyARN) {
		return validationError("ARN %s is not valid.", policyARN)
	}
	return nil
}

func isPolicyARN(s string) bool {
	a, err := arn.Parse(s)
	if err != nil || a.Service != "iam" || a.Region != "" || a.Account == "" {
		return false
	}
	kind, name := a.Split()
	return kind == "policy" && name != "" && !strings.HasSuffix(name, "/")
}

// pathOfPolicy is the path in the ARN of a managed policy.
func pathOfPolicy(policyARN string) string {
	_, rest, _ := strings.Cut(policyARN, ":policy/")
	return "/" + rest[:strings.LastIndexByte(rest, '/')+1]
}

// onPolicy is the target of operations on a managed policy, which may not be there.
func (s *Service) onPolicy(ctx context.Context, policyARN string, keys ...policy.Keys) policy.Target {
	var tags policy.Keys
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		p, err := s.policyNamed(tx, account(ctx), policyARN)
		if err == nil {
			tags, err = resourceTags(tx, p.ID)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		err = nil
	}
	t, ok := target(ctx, err, policyARN, policyARN)
	if !ok {
		return t
	}
	return with(t, append(keys, tags)...)
}

func (s *Service) creatingPolicy(ctx context.Context, in *iamapi.CreatePolicyRequest) policy.Target {
	return on(ctx, iamARN(account(ctx), "policy", pathOf(in.Path), in.PolicyName), requestTags(in.Tags))
}

// createPolicy makes a managed policy; the document is its version v1.
func (s *Service) createPolicy(ctx context.Context, in *iamapi.CreatePolicyRequest) (*iamapi.CreatePolicyResponse, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	if len(in.Tags) > 0 {
		if err := s.also(ctx, "iam:TagPolicy", s.creatingPolicy(ctx, in)); err != nil {
			return nil, err
		}
	}
	now := store.Micros(s.now())
	p := managedPolicy{
		Account: account(ctx), NameKey: nameKey(in.PolicyName), Name: in.PolicyName, Path: pathOf(in.Path), ID: newID(policyPrefix),
		Description: in.Description, DefaultVersion: 1, NextVersion: 2, CreatedUS: now, UpdatedUS: now,
	}
	p.ARN = iamARN(p.Account, "policy", p.Path, p.Name)
	api.Result(ctx, &iamapi.CreatePolicyResponse{Policy: new(p.api())})
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Exec(`INSERT INTO iam_policies (account, name_key, name, path, id, arn, description, default_version, next_version, created_us, updated_us)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT DO NOTHING`,
			p.Account, p.NameKey, p.Name, p.Path, p.ID, p.ARN, p.Description, p.DefaultVersion, p.NextVersion, p.CreatedUS, p.UpdatedUS)
		if err != nil {
			return err
		}
		if rows == 0 {
			return entityAlreadyExists("A policy called %s already exists. Duplicate names are not allowed.", p.Name)
		}
		if err := addVersion(tx, &p, 1, in.PolicyDocument, now); err != nil {
			return err
		}
		if err := s.changed(tx, p.Account); err != nil {
			return err
		}
		if err := s.made(tx, p.Account, policies); err != nil {
			return err
		}
		return putTags(tx, p.Account, p.ID, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	out := p.api()
	if len(in.Tags) > 0 {
		out.Tags = in.Tags
	}
	return &iamapi.CreatePolicyResponse{Policy: &out}, nil
}

// checkManaged refuses what cannot be a version of a managed policy.
func checkManaged(document string) error {
	if err := checkDocument(document); err != nil {
		return err
	}
	if policy.Size(document) > policy.MaxManaged {
		return limitExceeded("PolicySize: %d", policy.MaxManaged)
	}
	return nil
}

// checkDocument refuses what is no identity-based policy, and says where.
func checkDocument(document string) error {
	_, err := policy.Parse(policy.Identity, document)
	if err != nil {
		return malformedPolicy("%v", err)
	}
	return nil
}

func (s *Service) gettingPolicy(ctx context.Context, in *iamapi.GetPolicyRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// getPolicy shows a managed policy without its document.
func (s *Service) getPolicy(ctx context.Context, in *iamapi.GetPolicyRequest) (*iamapi.GetPolicyResponse, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	var out iamapi.Policy
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		p, err := s.policyNamed(tx, account(ctx), in.PolicyArn)
		if errors.Is(err, store.ErrNotFound) {
			return noSuchEntity("Policy %s was not found.", in.PolicyArn)
		}
		if err != nil {
			return err
		}
		if p.usage, err = usageOf(tx, account(ctx), p.ARN); err != nil {
			return err
		}
		out = p.api()
		out.Description = p.Description
		out.Tags, err = tagsOf(tx, p.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.GetPolicyResponse{Policy: &out}, nil
}

// listPolicies lists the managed policies: the account's own by their names,
// then those of AWS by their ARNs.
func (s *Service) listPolicies(ctx context.Context, in *iamapi.ListPoliciesRequest) (*iamapi.ListPoliciesResponse, error) {
	scope := value(in.Scope)
	use := value(in.PolicyUsageFilter)
	attached := value(in.OnlyAttached) || use == iamapi.PolicyUsageTypePermissionsPolicy
	bounding := use == iamapi.PolicyUsageTypePermissionsBoundary
	l, err := s.listing(in.Marker, in.MaxItems, "ListPolicies", account(ctx), string(scope), value(in.PathPrefix), fmt.Sprint(attached, bounding))
	if err != nil {
		return nil, err
	}
	var read []managedPolicy
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		read, err = s.pageOfPolicies(tx, l, policyFilter{account(ctx), scope, in.PathPrefix, attached, bounding})
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListPoliciesResponse{}
	read, out.IsTruncated, out.Marker = cut(l, read, (*managedPolicy).key)
	out.Policies = make([]iamapi.Policy, len(read))
	for i := range read {
		out.Policies[i] = read[i].api()
	}
	return out, nil
}

// A policyFilter says which managed policies to list.
type policyFilter struct {
	account            string
	scope              iamapi.PolicyScopeType // all when empty
	pathPrefix         *string
	attached, bounding bool // those that are used so
}

// key is the policy's place in lists: its name among those of its account, its
// ARN among those of AWS, which come last.
func (p *managedPolicy) key() []string {
	if p.Account == awsAccount {
		return []string{awsAccount, p.ARN}
	}
	return []string{"own", p.NameKey}
}

// pageOfPolicies reads one more policy than the page shows, if there are so many.
func (s *Service) pageOfPolicies(tx *store.Tx, l listing, f policyFilter) ([]managedPolicy, error) {
	from, to := pathRange(f.pathPrefix)
	section, after := "own", ""
	if len(l.key) == 2 {
		section, after = l.key[0], l.key[1]
	}
	var read []managedPolicy
	if section == "own" && f.scope != iamapi.PolicyScopeTypeAWS {
		var err error
		read, err = store.All[managedPolicy](tx, `SELECT `+policyColumns+`, `+usageColumns+` FROM iam_policies p
			WHERE p.account = $1 AND p.name_key > $2 AND p.path >= $3 AND p.path < $4
			AND ($5 = 0 OR EXISTS (SELECT 1 FROM iam_attachments a WHERE a.account = p.account AND a.policy_arn = p.arn))
			AND ($6 = 0 OR EXISTS (SELECT 1 FROM iam_users u WHERE u.account = p.account AND u.boundary = p.arn)
				OR EXISTS (SELECT 1 FROM iam_roles r WHERE r.account = p.account AND r.boundary = p.arn))
			ORDER BY p.name_key LIMIT $7`, f.account, after, from, to, flag(f.attached), flag(f.bounding), l.rows())
		if err != nil {
			return nil, err
		}
		after = ""
	}
	if f.scope == iamapi.PolicyScopeTypeLocal {
		return read, nil
	}
	if section == "own" {
		after = ""
	}
	for _, p := range awsPolicies() {
		if len(read) == l.rows() {
			break
		}
		if p.ARN <= after || p.Path < from || p.Path >= to {
			continue
		}
		var err error
		if p.usage, err = usageOf(tx, f.account, p.ARN); err != nil {
			return nil, err
		}
		if f.attached && p.Attachments == 0 || f.bounding && p.Boundaries == 0 {
			continue
		}
		read = append(read, p)
	}
	return read, nil
}

func flag(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

func (s *Service) deletingPolicy(ctx context.Context, in *iamapi.DeletePolicyRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// deletePolicy deletes a managed policy that nobody uses and that has no
// version beside the default one.
func (s *Service) deletePolicy(ctx context.Context, in *iamapi.DeletePolicyRequest) (*iamapi.DeletePolicyResponse, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.ownPolicy(ctx, tx, iamapi.DeletePolicy.Name, in.PolicyArn)
		if err != nil {
			return err
		}
		used, err := usageOf(tx, p.Account, p.ARN)
		if err != nil {
			return err
		}
		if used.Attachments > 0 || used.Boundaries > 0 {
			return deleteConflict("Cannot delete a policy attached to entities.")
		}
		versions, err := countVersions(tx, p.ID)
		if err != nil {
			return err
		}
		if versions > 1 {
			return deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		_, err1 := tx.Exec(`DELETE FROM iam_policy_versions WHERE policy_id = $1`, p.ID)
		_, err2 := tx.Exec(`DELETE FROM iam_policies WHERE id = $1`, p.ID)
		return errors.Join(err1, err2, dropTags(tx, p.ID), s.changed(tx, p.Account), s.gone(tx, p.Account, policies))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeletePolicyResponse{}, nil
}
