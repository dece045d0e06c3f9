package iam

import (
	"context"
	"errors"
	"strconv"
	"strings"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) policyVersionRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.CreatePolicyVersion, s.creatingPolicyVersion, s.createPolicyVersion),
		api.Handle(iamapi.GetPolicyVersion, s.gettingPolicyVersion, s.getPolicyVersion),
		api.Handle(iamapi.ListPolicyVersions, s.listingPolicyVersions, s.listPolicyVersions),
		api.Handle(iamapi.DeletePolicyVersion, s.deletingPolicyVersion, s.deletePolicyVersion),
		api.Handle(iamapi.SetDefaultPolicyVersion, s.settingDefaultPolicyVersion, s.setDefaultPolicyVersion),
	}
}

// policyVersion is part of a row of the table iam_policy_versions.
type policyVersion struct {
	Version   int64  `db:"version"`
	Document  string `db:"document"`
	CreatedUS int64  `db:"created_us"`
}

// api gives the version as IAM shows it in lists, without the document.
func (v *policyVersion) api(defaultVersion int64) iamapi.PolicyVersion {
	return iamapi.PolicyVersion{
		CreateDate: date(v.CreatedUS), IsDefaultVersion: new(v.Version == defaultVersion), VersionId: new(versionID(v.Version)),
	}
}

func versionID(n int64) string { return "v" + strconv.FormatInt(n, 10) }

// versionNumber reads the id of a version, such as v2. Ids of versions that
// there can never be give 0.
func versionNumber(id string) int64 {
	digits, ok := strings.CutPrefix(id, "v")
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 0 || versionID(n) != id {
		return 0
	}
	return n
}

// addVersion stores the document of a new version.
func addVersion(tx *store.Tx, p *managedPolicy, version int64, document string, nowUS int64) error {
	_, err := tx.Exec(`INSERT INTO iam_policy_versions (policy_id, version, account, document, created_us) VALUES ($1, $2, $3, $4, $5)`,
		p.ID, version, p.Account, document, nowUS)
	return err
}

func countVersions(tx *store.Tx, policyID string) (int64, error) {
	return store.One[int64](tx, `SELECT COUNT(*) FROM iam_policy_versions WHERE policy_id = $1`, policyID)
}

// versionOf reads a version of a policy; NoSuchEntity where there is none.
func versionOf(tx *store.Tx, p *managedPolicy, id string) (policyVersion, error) {
	if p.Account == awsAccount {
		if document, ok := managedByAWS(p.ARN); ok && id == versionID(p.DefaultVersion) {
			return policyVersion{p.DefaultVersion, document, p.UpdatedUS}, nil
		}
		return policyVersion{}, noVersion(p.ARN, id)
	}
	v, err := store.One[policyVersion](tx, `SELECT version, document, created_us FROM iam_policy_versions
		WHERE policy_id = $1 AND version = $2`, p.ID, versionNumber(id))
	if errors.Is(err, store.ErrNotFound) {
		err = noVersion(p.ARN, id)
	}
	return v, err
}

func noVersion(policyARN, id string) error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", policyARN, id)
}

// orNoVersion turns that there is no policy into what operations on versions say of it.
func orNoVersion(err error, policyARN, id string) error {
	if errors.Is(err, store.ErrNotFound) {
		return noVersion(policyARN, id)
	}
	return err
}

func (s *Service) creatingPolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// createPolicyVersion adds a version to a managed policy, of which there are at
// most five. Numbers are never given out again.
func (s *Service) createPolicyVersion(ctx context.Context, in *iamapi.CreatePolicyVersionRequest) (*iamapi.CreatePolicyVersionResponse, error) {
	if err := errors.Join(checkPolicyARN(in.PolicyArn), checkManaged(in.PolicyDocument)); err != nil {
		return nil, err
	}
	var out iamapi.PolicyVersion
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.ownPolicy(ctx, tx, iamapi.CreatePolicyVersion.Name, in.PolicyArn)
		if err != nil {
			return err
		}
		versions, err := countVersions(tx, p.ID)
		if err != nil {
			return err
		}
		if versions >= int64(s.quotas.PolicyVersions) {
			return overLimit("A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", s.quotas.PolicyVersions)
		}
		v := policyVersion{Version: p.NextVersion, CreatedUS: store.Micros(s.now())}
		if value(in.SetAsDefault) {
			p.DefaultVersion = v.Version
		}
		out = v.api(p.DefaultVersion)
		api.Result(ctx, &iamapi.CreatePolicyVersionResponse{PolicyVersion: &out})
		_, err = tx.Exec(`UPDATE iam_policies SET next_version = $2, default_version = $3, updated_us = $4 WHERE id = $1`,
			p.ID, v.Version+1, p.DefaultVersion, v.CreatedUS)
		return errors.Join(err, addVersion(tx, &p, v.Version, in.PolicyDocument, v.CreatedUS), s.changed(tx, p.Account))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreatePolicyVersionResponse{PolicyVersion: &out}, nil
}

func (s *Service) gettingPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// getPolicyVersion shows a version with its document.
func (s *Service) getPolicyVersion(ctx context.Context, in *iamapi.GetPolicyVersionRequest) (*iamapi.GetPolicyVersionResponse, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	var out iamapi.PolicyVersion
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		p, err := s.policyNamed(tx, account(ctx), in.PolicyArn)
		if err != nil {
			return orNoVersion(err, in.PolicyArn, in.VersionId)
		}
		v, err := versionOf(tx, &p, in.VersionId)
		if err != nil {
			return err
		}
		out = v.api(p.DefaultVersion)
		out.Document = encoded(v.Document)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.GetPolicyVersionResponse{PolicyVersion: &out}, nil
}

func (s *Service) listingPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// listPolicyVersions lists the versions of a policy without documents, the
// newest first.
func (s *Service) listPolicyVersions(ctx context.Context, in *iamapi.ListPolicyVersionsRequest) (*iamapi.ListPolicyVersionsResponse, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	l, err := s.listing(in.Marker, in.MaxItems, "ListPolicyVersions", account(ctx), in.PolicyArn)
	if err != nil {
		return nil, err
	}
	var p managedPolicy
	var read []policyVersion
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		p, err = s.policyNamed(tx, account(ctx), in.PolicyArn)
		if errors.Is(err, store.ErrNotFound) {
			return noSuchEntity("Policy %s was not found.", in.PolicyArn)
		}
		if err != nil {
			return err
		}
		read, err = versionsOf(tx, &p)
		return err
	})
	if err != nil {
		return nil, err
	}
	for before := versionNumber(l.after()); before > 0 && len(read) > 0 && read[0].Version >= before; {
		read = read[1:]
	}
	out := &iamapi.ListPolicyVersionsResponse{}
	read, out.IsTruncated, out.Marker = cut(l, read, func(v *policyVersion) []string { return []string{versionID(v.Version)} })
	out.Versions = make([]iamapi.PolicyVersion, len(read))
	for i := range read {
		out.Versions[i] = read[i].api(p.DefaultVersion)
	}
	return out, nil
}

// versionsOf reads all versions of a policy, the newest first.
func versionsOf(tx *store.Tx, p *managedPolicy) ([]policyVersion, error) {
	if p.Account == awsAccount {
		v, err := versionOf(tx, p, versionID(p.DefaultVersion))
		return []policyVersion{v}, err
	}
	return store.All[policyVersion](tx, `SELECT version, document, created_us FROM iam_policy_versions
		WHERE policy_id = $1 ORDER BY version DESC`, p.ID)
}

func (s *Service) deletingPolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// deletePolicyVersion deletes a version that is not the default one.
func (s *Service) deletePolicyVersion(ctx context.Context, in *iamapi.DeletePolicyVersionRequest) (*iamapi.DeletePolicyVersionResponse, error) {
	err := s.onVersion(ctx, iamapi.DeletePolicyVersion.Name, in.PolicyArn, in.VersionId, func(tx *store.Tx, p *managedPolicy, version int64) error {
		if version == p.DefaultVersion {
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		_, err := tx.Exec(`DELETE FROM iam_policy_versions WHERE policy_id = $1 AND version = $2`, p.ID, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeletePolicyVersionResponse{}, nil
}

func (s *Service) settingDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// setDefaultPolicyVersion puts a version of a policy in force.
func (s *Service) setDefaultPolicyVersion(ctx context.Context, in *iamapi.SetDefaultPolicyVersionRequest) (*iamapi.SetDefaultPolicyVersionResponse, error) {
	err := s.onVersion(ctx, iamapi.SetDefaultPolicyVersion.Name, in.PolicyArn, in.VersionId, func(tx *store.Tx, p *managedPolicy, version int64) error {
		_, err := tx.Exec(`UPDATE iam_policies SET default_version = $2 WHERE id = $1`, p.ID, version)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.SetDefaultPolicyVersionResponse{}, nil
}

// onVersion changes something about a version that is there.
func (s *Service) onVersion(
	ctx context.Context, operation, policyARN, id string, change func(tx *store.Tx, p *managedPolicy, version int64) error,
) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		p, err := s.policyNamed(tx, account(ctx), policyARN)
		if err != nil {
			return orNoVersion(err, policyARN, id)
		}
		if err := p.changeable(ctx, operation); err != nil {
			return err
		}
		v, err := versionOf(tx, &p, id)
		if err != nil {
			return err
		}
		if err := change(tx, &p, v.Version); err != nil {
			return err
		}
		return s.changed(tx, p.Account)
	})
}
